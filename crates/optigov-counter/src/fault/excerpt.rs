//! A fault as people read it at a terminal: file, line and column, the line's text with a caret below the place, and what to do.

use optigov_calendar::{Language, Text};

use super::{Code, Fault, Severity, Step};

/// The columns of a terminal that everybody has.
const WIDTH: usize = 80;

/// What stands in the place of each letter and digit of what is not repeated.
const HIDDEN: char = '•';

/// Keys whose values are not repeated: they hold accounts, addresses or secrets, or are where people write a secret by mistake.
const HIDDEN_KEYS: [&str; 8] =
    ["account", "kennwort", "mailbox", "passphrase", "passwort", "password", "secret", "token"];

impl Fault {
    /// The fault for people at a terminal of 80 columns: the file's name, line and column, the place, the line's text with a caret, what is wrong and what to do.
    /// `text` is the text that was read, `file` what people call it.
    ///
    /// In lines that hold an account, an address or a secret, letters and digits are shown as `•`, so that the report can be handed on.
    pub fn report(&self, file: &str, text: &str, language: Language) -> String {
        let kind = match self.severity() {
            Severity::Error => Text::fixed("Fehler", "error"),
            Severity::Warning => Text::fixed("Warnung", "warning"),
        };
        let mut head = file.to_owned();
        if let Some(position) = self.position {
            let at = Text::new(
                format!(", Zeile {}, Spalte {}", position.line, position.column),
                format!(", line {}, column {}", position.line, position.column),
            );
            head.push_str(at.in_language(language));
        }
        let mut report = format!("{head}: {}\n", kind.in_language(language));
        report.push_str(&wrapped(&format!("{} [{}]", self.place(language), self.code())));
        report.push_str(&self.excerpt(text));
        report.push_str(&wrapped(self.message(language)));
        report.push_str(&wrapped(self.remedy(language)));
        report
    }

    /// The line with a caret below the column; a long line as far as it fits.
    fn excerpt(&self, text: &str) -> String {
        // A file that could not be read as text has no line to show.
        let Some(position) = self.position.filter(|_| self.code() != Code::Encoding) else { return String::new() };
        let Some(line) =
            usize::try_from(position.line).ok().and_then(|line| text.split('\n').nth(line.checked_sub(1)?))
        else {
            return String::new();
        };
        let line = line.strip_prefix('\u{feff}').unwrap_or(line).trim_end();
        let characters: Vec<char> = if self.is_hidden(line) { hidden(line) } else { line.chars().collect() };
        let column = usize::try_from(position.column).unwrap_or(usize::MAX).saturating_sub(1).min(characters.len());
        let number = position.line.to_string();
        let room = WIDTH.saturating_sub(number.len() + 6);
        // A part of a long line that has the place in its middle.
        let start =
            if characters.len() <= room { 0 } else { column.saturating_sub(room / 2).min(characters.len() - room) };
        let end = characters.len().min(start + room);
        let mut shown: Vec<char> =
            characters[start..end].iter().map(|c| if c.is_control() { ' ' } else { *c }).collect();
        if let Some(first) = shown.first_mut().filter(|_| start > 0) {
            *first = '…';
        }
        if let Some(last) = shown.last_mut().filter(|_| end < characters.len()) {
            *last = '…';
        }
        let shown: String = shown.into_iter().collect();
        let (margin, caret) = (" ".repeat(number.len()), " ".repeat(column - start));
        format!("  {number} | {shown}\n  {margin} | {caret}^\n")
    }

    /// Whether what stands in the line may have to stay unsaid.
    fn is_hidden(&self, line: &str) -> bool {
        let names = |text: &str| {
            let text = text.to_lowercase();
            let mut words = text.split(|c| !is_word(c));
            HIDDEN_KEYS.iter().any(|key| text.contains(key)) || words.any(|word| ["env", "file"].contains(&word))
        };
        let in_path = self.steps.iter().any(|step| matches!(step, Step::Key(key) if names(key)));
        // Where a text is not even TOML, a line without a key may be the rest of a secret.
        let without_key = self.code() == Code::Syntax && !line.contains(['=', ':', '[']);
        in_path || without_key || self.code() == Code::InlineSecret || names(line) || line.contains('@')
    }
}

/// A line with the letters and digits of its values hidden; keys, `true` and `false` stay.
fn hidden(line: &str) -> Vec<char> {
    let mut shown = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word = match first {
            '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            first if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(word);
        // In quotation marks, an equals sign may be a part of the value before a broken one.
        let is_key = match first {
            '"' => behind.trim_start().starts_with(':'),
            _ => behind.trim_start().starts_with('='),
        };
        let stays = is_key || ["true", "false"].contains(&token);
        shown.extend(token.chars().map(|c| if !stays && c.is_alphanumeric() { HIDDEN } else { c }));
        rest = behind;
    }
    shown
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '-'
}

/// A text in lines that fit, each indented by two.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from(" ");
    for word in text.split_whitespace() {
        if line.chars().count() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_hidden_and_its_form_stays() {
        for (line, shown) in [
            (r#"account = "STADT\svc-9""#, r#"account = "•••••\•••-•""#),
            ("password = hunter2", "password = •••••••"),
            (r#"secret = { env = "hunter2" }"#, r#"secret = { env = "•••••••" }"#),
            (r#"{ "secret": "hunter2", "on": true }"#, r#"{ "secret": "•••••••", "on": true }"#),
            (r#"proxy = "http://svc:hunter2@proxy.example""#, r#"proxy = "••••://•••:•••••••@•••••.•••••••""#),
            (r#"secret = "open"#, r#"secret = "••••"#),
            ("hunter2", "•••••••"),
        ] {
            let got: String = hidden(line).into_iter().collect();
            assert_eq!(got, shown, "{line}");
        }
    }

    #[test]
    fn texts_are_wrapped_at_the_width_and_no_word_is_lost() {
        let text = "Bitte ein Wort nach dem anderen schreiben und dann noch eines, bis die Zeile voll ist, die achtzig Zeichen hat.";
        let lines = wrapped(text);
        assert!(lines.lines().all(|line| line.chars().count() <= WIDTH && line.starts_with("  ")), "{lines}");
        assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
    }
}
