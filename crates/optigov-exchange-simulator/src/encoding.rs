//! From the text of an answer to the bytes of its body.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Stands in an answer's text where its body shall hold a byte that is not UTF-8. It is a character of the private use area,
/// which no scenario needs.
pub(crate) const INVALID_BYTE: char = '\u{f8fa}';

/// `ü` in Latin-1, which begins no character of UTF-8.
const LATIN_1_UE: u8 = 0xfc;

/// How the text of an answer is written as bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) gzip: bool,
    pub(crate) utf16: bool,
}

impl Encoding {
    /// The charset that the `Content-Type` names.
    pub(crate) fn charset(self) -> &'static str {
        if self.utf16 { "utf-16" } else { "utf-8" }
    }

    /// The body's bytes before compression.
    pub(crate) fn bytes(self, text: String) -> Vec<u8> {
        if self.utf16 {
            let declared = text.replacen(r#"encoding="utf-8""#, r#"encoding="utf-16""#, 1);
            return std::iter::once(0xfeff).chain(declared.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        }
        if !text.contains(INVALID_BYTE) {
            return text.into_bytes();
        }
        let parts: Vec<&[u8]> = text.split(INVALID_BYTE).map(str::as_bytes).collect();
        parts.join(&LATIN_1_UE)
    }
}

/// The pieces compressed, one after the other.
pub(crate) fn gzip(pieces: impl IntoIterator<Item = Bytes>) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for piece in pieces {
        encoder.write_all(&piece)?;
    }
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_of_the_text_is_no_utf_8() {
        let text = format!("<a>M{INVALID_BYTE}ller</a>");
        assert_eq!(Encoding::default().bytes(text), b"<a>M\xfcller</a>");
    }

    #[test]
    fn utf_16_has_a_mark_and_says_so() {
        let encoding = Encoding { utf16: true, ..Encoding::default() };
        let bytes = encoding.bytes(r#"<?xml version="1.0" encoding="utf-8"?><a/>"#.to_owned());
        assert_eq!(bytes[..4], [0xff, 0xfe, b'<', 0]);
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(String::from_utf16(&units).expect("text"), r#"<?xml version="1.0" encoding="utf-16"?><a/>"#);
    }
}
