//! Texts that fit a terminal.

/// The width where nothing is known of a terminal: what is printed into a file is the same everywhere.
const WITHOUT_TERMINAL: usize = 112;

/// The columns of the terminal on standard output, 40 to 112; 112 where that is no terminal.
pub fn terminal_width() -> usize {
    let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    width.map_or(WITHOUT_TERMINAL, |width| width.clamp(40, WITHOUT_TERMINAL))
}

/// The text with lines of at most so many characters. What is wrapped is indented as its line is, and below the text of a numbered step. A word that is longer
/// than a line stands alone.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if line.chars().count() <= width {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let lead = line.len() - line.trim_start_matches(' ').len();
        let number = line.trim_start().split(' ').next().filter(|word| word.ends_with('.') && word.len() <= 3);
        let indent = " ".repeat(lead + number.map_or(0, |number| number.len() + 1));
        let mut current = " ".repeat(lead);
        let mut is_empty = true;
        for word in line.split_whitespace() {
            if !is_empty && current.chars().count() + 1 + word.chars().count() > width {
                out.push_str(&current);
                out.push('\n');
                current.clone_from(&indent);
                is_empty = true;
            }
            if !is_empty {
                current.push(' ');
            }
            current.push_str(word);
            is_empty = false;
        }
        out.push_str(&current);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_the_width_and_no_word_is_lost() {
        let text = "4. Anmeldung: fehlgeschlagen\n   Der Server hat Konto oder Kennwort abgelehnt, und deshalb wird beides nicht noch einmal gesendet.\n\nEnde\n";
        for width in [20, 40, 80] {
            let got = wrapped(text, width);
            assert!(got.lines().all(|line| line.chars().count() <= width), "{got}");
            assert_eq!(got.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        }
        assert!(wrapped(text, 40).contains("\n   abgelehnt"), "{}", wrapped(text, 40));
    }
}
