//! From the bytes of a file to a text: UTF-8, and what else editors write is named.

use optigov_calendar::Text;

use crate::fault::{Code, Fault, Faults, Position};

/// The text of a file's bytes, for [`Municipality::from_toml`](crate::Municipality::from_toml) and its siblings. A byte order mark at the beginning belongs to no text
/// and is left out.
///
/// ```
/// use optigov_counter::{Language, decoded};
///
/// assert_eq!(decoded(b"name = \"Musterstadt\"")?, "name = \"Musterstadt\"");
/// let faults = decoded(b"# B\xFCrgerb\xFCro").unwrap_err();
/// assert!(faults.describe(Language::German).contains("Latin-1"));
/// # Ok::<(), optigov_counter::Faults>(())
/// ```
///
/// # Errors
///
/// A fault that names the encoding that the file most likely has: UTF-16, or Latin-1 (Windows-1252).
pub fn decoded(bytes: &[u8]) -> Result<&str, Faults> {
    let utf_16 = match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        // Without a mark, every second byte of most texts is zero.
        [0, second, ..] => *second != 0,
        [first, 0, ..] => *first != 0,
        _ => false,
    };
    if utf_16 {
        let mut fault = Fault::new(
            Code::Encoding,
            Text::fixed(
                "Die Datei ist in UTF-16 gespeichert (im Windows-Editor heißt das „Unicode“).",
                "The file is saved as UTF-16 (Windows calls it \"Unicode\").",
            ),
            save_as_utf_8(),
        );
        fault.set_position(Position { line: 1, column: 1 });
        return Err(fault.into());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(without_mark(text)),
        Err(error) => {
            let (before, rest) = bytes.split_at(error.valid_up_to());
            let before = String::from_utf8_lossy(before);
            let mut fault = Fault::new(
                Code::Encoding,
                Text::fixed(
                    "Die Datei ist nicht in UTF-8 gespeichert, sondern wahrscheinlich in Latin-1 (Windows-1252, „ANSI“).",
                    "The file is not saved as UTF-8, but most likely as Latin-1 (Windows-1252, \"ANSI\").",
                ),
                save_as_utf_8(),
            );
            if rest.is_empty() || rest[0] < 0x80 {
                return Err(fault.into());
            }
            fault.set_position(Position::of_byte(&before, before.len()));
            Err(fault.into())
        }
    }
}

/// A text without the mark that some editors put before it.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn save_as_utf_8() -> Text {
    Text::fixed(
        "Bitte sie im Editor mit „Speichern unter“ und der Codierung „UTF-8“ speichern.",
        "Save it in the editor by \"Save as\" with the encoding \"UTF-8\".",
    )
}

#[cfg(test)]
mod tests {
    use optigov_calendar::Language;

    use super::*;

    #[test]
    fn what_editors_write_is_named() {
        let text = "name = \"Müllheim\"\n# Bürgerbüro\n";
        assert_eq!(decoded(text.as_bytes()), Ok(text));
        assert_eq!(decoded(format!("\u{feff}{text}").as_bytes()), Ok(text));
        let latin: Vec<u8> = text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let wide = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
            format!("{mark}{text}").encode_utf16().flat_map(order).collect()
        };
        let told = |bytes: &[u8]| {
            let faults = decoded(bytes).expect_err("not UTF-8");
            let fault = faults.iter().next().expect("a fault").clone();
            assert_eq!(fault.code(), Code::Encoding);
            (fault.message(Language::German).to_owned(), fault.line(), fault.column())
        };
        let (message, line, column) = told(&latin);
        assert!(message.contains("Latin-1") && (line, column) == (Some(1), Some(10)), "{message}");
        for bytes in [
            wide(u16::to_le_bytes, "\u{feff}"),
            wide(u16::to_be_bytes, "\u{feff}"),
            wide(u16::to_le_bytes, ""),
            wide(u16::to_be_bytes, ""),
        ] {
            assert!(told(&bytes).0.contains("UTF-16"));
        }
        assert_eq!(decoded(b""), Ok(""));
    }
}
