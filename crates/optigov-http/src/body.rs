//! From the bytes on the wire to the text of an answer, within the bound on its size: gzip undone, whether it was asked for or not, and UTF-16
//! turned into UTF-8.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header};
use optigov_calendar::{ReadError, ReadErrorKind, Text};

use crate::error::malformed;

/// Stands in a body where its bytes were no text. Neither XML nor JSON needs this character, so that no answer can mean it.
pub const NO_TEXT: char = '\u{FFFF}';

/// The first bytes of every gzip stream. No text in UTF-8 or UTF-16 that could be XML begins so.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Takes in a body piece by piece and keeps to the bound.
pub(crate) struct Body {
    state: State,
    most: usize,
}

enum State {
    /// Fewer bytes than show how the body is encoded, and the capacity to set aside.
    Empty(Vec<u8>, usize),
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

/// Bytes up to a bound.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    exceeded: bool,
}

impl Body {
    /// # Errors
    /// [`ReadErrorKind::LimitReached`] when the announced length is already too much.
    pub(crate) fn new(most: usize, headers: &HeaderMap) -> Result<Body, ReadError> {
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(0);
        if announced > most {
            return Err(too_large(most));
        }
        // What is announced is not yet sent: no more than a common answer's size is set aside for it.
        Ok(Body { state: State::Empty(Vec::new(), announced.min(1 << 20)), most })
    }

    /// # Errors
    /// [`ReadErrorKind::LimitReached`] when what has come, or what it unfolds to, is too much.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), ReadError> {
        if let State::Empty(first, capacity) = &mut self.state {
            first.extend_from_slice(piece);
            if first.len() < GZIP.len() {
                return Ok(());
            }
            let (first, capacity) = (std::mem::take(first), *capacity);
            let mut bounded = Bounded { bytes: Vec::new(), most: self.most, exceeded: false };
            self.state = if first.starts_with(&GZIP) {
                State::Gzip(Box::new(MultiGzDecoder::new(bounded)))
            } else {
                bounded.bytes.reserve_exact(capacity);
                State::Plain(bounded)
            };
            return self.push(&first);
        }
        let (written, exceeded) = match &mut self.state {
            State::Plain(plain) => (plain.write_all(piece), plain.exceeded),
            State::Gzip(gzip) => (gzip.write_all(piece), gzip.get_ref().exceeded),
            State::Empty(..) => (Ok(()), false),
        };
        self.judge(written, exceeded)
    }

    /// What has come since it was last asked, uncompressed.
    ///
    /// # Errors
    /// As for [`push`](Body::push).
    pub(crate) fn take(&mut self) -> Result<Vec<u8>, ReadError> {
        let (flushed, exceeded) = match &mut self.state {
            State::Gzip(gzip) => (gzip.flush(), gzip.get_ref().exceeded),
            State::Plain(_) | State::Empty(..) => (Ok(()), false),
        };
        self.judge(flushed, exceeded)?;
        Ok(match &mut self.state {
            State::Empty(..) => Vec::new(),
            State::Plain(plain) => std::mem::take(&mut plain.bytes),
            State::Gzip(gzip) => std::mem::take(&mut gzip.get_mut().bytes),
        })
    }

    /// The whole body in UTF-8. Where its bytes were no text stands [`NO_TEXT`].
    ///
    /// # Errors
    /// [`ReadErrorKind::LimitReached`] as for [`push`](Body::push), and [`ReadErrorKind::Malformed`] when a compressed body has no end.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, ReadError> {
        if let State::Gzip(gzip) = &mut self.state {
            let ended = gzip.try_finish();
            let exceeded = gzip.get_ref().exceeded;
            self.judge(ended, exceeded)?;
        }
        let bytes = match &mut self.state {
            State::Empty(first, _) => std::mem::take(first),
            State::Plain(plain) => std::mem::take(&mut plain.bytes),
            State::Gzip(gzip) => std::mem::take(&mut gzip.get_mut().bytes),
        };
        into_utf8(bytes, self.most)
    }

    fn judge(&self, done: io::Result<()>, exceeded: bool) -> Result<(), ReadError> {
        match done {
            _ if exceeded => Err(too_large(self.most)),
            Ok(()) => Ok(()),
            Err(_) => Err(malformed(
                "die Antwort ist mit gzip komprimiert und beschädigt",
                "the answer is compressed with gzip, and damaged",
            )),
        }
    }
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > self.most.saturating_sub(self.bytes.len()) {
            self.exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// UTF-16 is told by its byte order mark, or by how `<` begins in it.
fn into_utf8(bytes: Vec<u8>, most: usize) -> Result<Vec<u8>, ReadError> {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes, most),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes, most),
        [b'<', 0, ..] => utf16(&bytes, u16::from_le_bytes, most),
        [0, b'<', ..] => utf16(&bytes, u16::from_be_bytes, most),
        _ if std::str::from_utf8(&bytes).is_ok() => Ok(bytes),
        _ => marked(&bytes, most),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, most: usize) -> Result<Vec<u8>, ReadError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let mut text = String::new();
    for character in char::decode_utf16(units).map(|unit| unit.unwrap_or(NO_TEXT)) {
        if text.len() + character.len_utf8() > most {
            return Err(too_large(most));
        }
        text.push(character);
    }
    if !rest.is_empty() {
        text.push(NO_TEXT);
    }
    Ok(text.into_bytes())
}

/// UTF-8 with a mark for every sequence of bytes that is none.
fn marked(bytes: &[u8], most: usize) -> Result<Vec<u8>, ReadError> {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(NO_TEXT);
        }
        if text.len() > most {
            return Err(too_large(most));
        }
    }
    Ok(text.into_bytes())
}

fn too_large(most: usize) -> ReadError {
    let fact = Text::new(
        format!("die Antwort ist größer als {most} Bytes"),
        format!("the answer is larger than {most} bytes"),
    );
    ReadError::new(ReadErrorKind::LimitReached, fact)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn received(pieces: &[&[u8]], most: usize) -> Result<Vec<u8>, ReadError> {
        let mut body = Body::new(most, &HeaderMap::new())?;
        for piece in pieces {
            body.push(piece)?;
        }
        body.finish()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("compressed");
        encoder.finish().expect("compressed")
    }

    fn kind(result: Result<Vec<u8>, ReadError>) -> ReadErrorKind {
        result.expect_err("refused").kind()
    }

    #[test]
    fn a_gzip_bomb_is_stopped_at_the_bound_and_a_cut_one_is_damaged() {
        let bomb = gzip(&vec![b' '; 64 << 20]);
        assert!(bomb.len() < 100_000);
        assert_eq!(kind(received(&[&bomb], 1 << 20)), ReadErrorKind::LimitReached);
        let small = gzip(b"<a/>");
        assert_eq!(received(&[&small], 4).expect("fits"), b"<a/>");
        assert_eq!(kind(received(&[&small], 3)), ReadErrorKind::LimitReached);
        assert_eq!(kind(received(&[&small[..small.len() - 5]], 100)), ReadErrorKind::Malformed);
        assert_eq!(kind(received(&[&small[..9], b"rubbish"], 100)), ReadErrorKind::Malformed);
    }

    #[test]
    fn what_has_come_can_be_had_before_the_end_compressed_or_not() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let mut packed = Body::new(100, &HeaderMap::new()).expect("a body");
        let mut plain = Body::new(100, &HeaderMap::new()).expect("a body");
        for text in ["<a>one</a>", "<b>two</b>", "<c/>"].repeat(20) {
            encoder.write_all(text.as_bytes()).expect("compressed");
            encoder.flush().expect("compressed");
            packed.push(&std::mem::take(encoder.get_mut())).expect("within the bound");
            plain.push(text.as_bytes()).expect("within the bound");
            assert_eq!(packed.take().expect("text"), text.as_bytes());
            assert_eq!(plain.take().expect("text"), text.as_bytes());
        }
    }

    #[test]
    fn text_in_two_bytes_each_is_read_with_and_without_its_mark() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>Müller 🙂</a>";
        let bytes = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
            format!("{mark}{text}").encode_utf16().flat_map(order).collect()
        };
        for mark in ["", "\u{feff}"] {
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                let sent = bytes(order, mark);
                assert_eq!(received(&[&sent], 1_000).expect("text"), text.as_bytes());
                assert_eq!(received(&[&gzip(&sent)], 1_000).expect("text"), text.as_bytes());
                assert_eq!(kind(received(&[&sent], sent.len() - 1)), ReadErrorKind::LimitReached);
            }
        }
        let half = [0xff, 0xfe, b'<', 0, 0x00, 0xd8, b'>', 0, 7];
        assert_eq!(received(&[&half], 100).expect("marked"), format!("<{NO_TEXT}>{NO_TEXT}").as_bytes());
    }

    #[test]
    fn bytes_that_are_no_text_are_marked_and_swallow_nothing() {
        let sent = b"<a>M\xfcller\xe4</a>";
        assert_eq!(received(&[sent], 100).expect("marked"), format!("<a>M{NO_TEXT}ller{NO_TEXT}</a>").as_bytes());
        assert_eq!(kind(received(&[sent], sent.len())), ReadErrorKind::LimitReached, "a mark is longer than its byte");
    }

    proptest! {
        #[test]
        fn however_it_is_cut_and_packed_the_same_text_comes_out(
            text in "[ -~äöü🙂]{0,80}", cuts in prop::collection::vec(0_usize..200, 0..4), packed: bool,
        ) {
            let sent = if packed { gzip(text.as_bytes()) } else { text.clone().into_bytes() };
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(sent.len())).collect();
            cuts.extend([0, sent.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &sent[pair[0]..pair[1]]).collect();
            prop_assert_eq!(received(&pieces, 1_000).expect("text"), text.into_bytes());
        }

        #[test]
        fn whatever_comes_is_text_within_the_bound_or_an_error(sent in prop::collection::vec(any::<u8>(), 0..200), gz: bool) {
            let sent = if gz { [&GZIP[..], &[8, 0], &sent].concat() } else { sent };
            if let Ok(bytes) = received(&[&sent], 150) {
                prop_assert!(bytes.len() <= 150 && std::str::from_utf8(&bytes).is_ok());
            }
        }
    }
}
