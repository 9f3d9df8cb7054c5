//! From the bytes of an answer that stays open to its envelopes, one after the other, as they become whole.

use optigov_calendar::{ReadError, ReadErrorKind, Text};

use crate::{
    error::malformed,
    xml::{MAX_DEPTH, too_deep},
};

/// Cuts a stream of XML documents into documents. It looks for tags only: whether a document can be read, its reader finds out.
pub(crate) struct Envelopes {
    /// What has come, from a document that was given already or from the next one on.
    bytes: Vec<u8>,
    /// Where the next document begins.
    begins: usize,
    /// How much has been looked at.
    seen: usize,
    state: State,
    depth: usize,
    most: usize,
}

/// Where in a document the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of tags.
    Text,
    /// After `<`.
    Opened,
    /// In a start tag, perhaps inside quotation marks.
    Start { quote: Option<u8>, slash: bool },
    /// In an end tag.
    End,
    /// In `<?…?>`.
    Instruction { question_mark: bool },
    /// After `<!`, and so many characters of what tells a comment from a section of text.
    Marked { comment: usize, section: usize },
    /// In a comment or a section of text, after so many characters of its end.
    Until { end: &'static [u8; 3], matched: usize },
}

impl Envelopes {
    /// For documents of up to so many bytes.
    pub(crate) fn new(most: usize) -> Envelopes {
        Envelopes { bytes: Vec::new(), begins: 0, seen: 0, state: State::Text, depth: 0, most }
    }

    /// Takes in more bytes. Afterwards [`next`](Envelopes::next) has to be called until it gives `None`.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// Whether a document has begun that is not whole yet.
    pub(crate) fn is_within(&self) -> bool {
        !self.bytes[self.begins..].iter().all(u8::is_ascii_whitespace)
    }

    /// The next whole document.
    ///
    /// # Errors
    /// [`ReadErrorKind::LimitReached`] where a document is larger or nested deeper than allowed, [`ReadErrorKind::Malformed`] where there are other things
    /// than documents. Nothing more can be read then.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        while let Some(&byte) = self.bytes.get(self.seen) {
            self.seen += 1;
            if self.seen - self.begins > self.most {
                return Err(too_large(self.most));
            }
            if self.step(byte)? {
                let document = self.bytes[self.begins..self.seen].to_vec();
                self.begins = self.seen;
                return Ok(Some(document));
            }
        }
        // Once for each piece, and not for each document in it.
        self.bytes.drain(..self.begins);
        self.seen -= std::mem::take(&mut self.begins);
        Ok(None)
    }

    /// Whether the document ends with this byte.
    fn step(&mut self, byte: u8) -> Result<bool, ReadError> {
        self.state = match (self.state, byte) {
            (State::Text, b'<') => State::Opened,
            // Between documents there may be blanks and marks of the byte order.
            (State::Text, byte) if self.depth > 0 || is_between(byte) => State::Text,
            (State::Text, _) => {
                return Err(malformed(
                    "zwischen den Umschlägen eines Stroms steht etwas anderes",
                    "there is something else between the envelopes of a stream",
                ));
            }
            (State::Opened, b'/') => State::End,
            (State::Opened, b'?') => State::Instruction { question_mark: false },
            (State::Opened, b'!') => State::Marked { comment: 0, section: 0 },
            (State::Opened, _) => State::Start { quote: None, slash: false },
            (State::Start { quote: Some(quote), .. }, byte) => {
                State::Start { quote: (byte != quote).then_some(quote), slash: false }
            }
            (State::Start { quote: None, .. }, b'"' | b'\'') => State::Start { quote: Some(byte), slash: false },
            (State::Start { quote: None, slash }, b'>') => {
                self.depth += usize::from(!slash);
                if self.depth > MAX_DEPTH {
                    return Err(too_deep());
                }
                self.state = State::Text;
                return Ok(self.depth == 0);
            }
            (State::Start { quote: None, .. }, byte) => State::Start { quote: None, slash: byte == b'/' },
            (State::End, b'>') => {
                let Some(depth) = self.depth.checked_sub(1) else {
                    return Err(malformed(
                        "in einem Strom endet ein Element, das nicht begonnen hat",
                        "in a stream an element ends that has not begun",
                    ));
                };
                self.depth = depth;
                self.state = State::Text;
                return Ok(depth == 0);
            }
            (State::End, _) => State::End,
            (State::Instruction { question_mark: true }, b'>') => State::Text,
            (State::Instruction { .. }, byte) => State::Instruction { question_mark: byte == b'?' },
            (State::Marked { comment, section }, byte) => marked(comment, section, byte)?,
            (State::Until { end, matched }, byte) => match matched {
                // The end may begin anew: `]]]>` ends a section, too.
                2 if byte == end[2] => State::Text,
                2 if byte == end[1] => State::Until { end, matched: 2 },
                matched if matched < 2 && byte == end[matched] => State::Until { end, matched: matched + 1 },
                _ => State::Until { end, matched: 0 },
            },
        };
        Ok(false)
    }
}

/// What begins with `<!`.
fn marked(comment: usize, section: usize, byte: u8) -> Result<State, ReadError> {
    const COMMENT: &[u8; 2] = b"--";
    const SECTION: &[u8; 7] = b"[CDATA[";
    let is_first = comment == 0 && section == 0;
    if COMMENT.get(comment) == Some(&byte) && section == 0 {
        return Ok(match comment + 1 == COMMENT.len() {
            true => State::Until { end: b"-->", matched: 0 },
            false => State::Marked { comment: comment + 1, section },
        });
    }
    if SECTION.get(section) == Some(&byte) && (is_first || comment == 0) {
        return Ok(match section + 1 == SECTION.len() {
            true => State::Until { end: b"]]>", matched: 0 },
            false => State::Marked { comment, section: section + 1 },
        });
    }
    Err(malformed("die Antwort enthält eine Dokumenttyp-Deklaration", "the answer holds a document type declaration"))
}

/// Blanks, and the bytes of the mark U+FEFF.
fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf)
}

#[cold]
fn too_large(most: usize) -> ReadError {
    let fact = Text::new(
        format!("ein Umschlag eines Stroms ist größer als {most} Bytes"),
        format!("an envelope of a stream is larger than {most} bytes"),
    );
    ReadError::new(ReadErrorKind::LimitReached, fact)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The documents in a stream that comes in these pieces.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, most: usize) -> Result<Vec<String>, ReadErrorKind> {
        let mut envelopes = Envelopes::new(most);
        let mut found = Vec::new();
        for piece in pieces {
            envelopes.push(piece);
            while let Some(document) = envelopes.next().map_err(|error| error.kind())? {
                found.push(String::from_utf8(document).expect("text").trim().to_owned());
            }
        }
        Ok(found)
    }

    #[test]
    fn a_document_is_given_as_soon_as_it_is_whole() {
        let mut envelopes = Envelopes::new(100);
        envelopes.push(b"<?xml version=\"1.0\"?><a><b x='>'/");
        assert!(envelopes.next().expect("no error").is_none() && envelopes.is_within());
        envelopes.push(b"></a>\n");
        assert!(envelopes.next().expect("no error").is_some());
        assert!(envelopes.next().expect("no error").is_none() && !envelopes.is_within());
    }

    #[test]
    fn tags_in_comments_sections_and_values_are_none() {
        let documents = [
            "<a><!-- </a> -- > --></a>",
            "<a><![CDATA[</a>]] >]]]></a>",
            "<a x=\"</a>\" y='/>'>z</a>",
            "<?xml version='1.0'?><?more > ?><a/>",
        ];
        let stream = documents.concat();
        assert_eq!(read([stream.as_bytes()], 200).expect("documents"), documents);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for (stream, kind) in [
            ("<!DOCTYPE a><a/>", ReadErrorKind::Malformed),
            ("<a/>and more", ReadErrorKind::Malformed),
            ("</a>", ReadErrorKind::Malformed),
            ("<a><!-[CDATA[", ReadErrorKind::Malformed),
            ("{\"error\": 1}", ReadErrorKind::Malformed),
        ] {
            assert_eq!(read([stream.as_bytes()], 100), Err(kind), "{stream}");
        }
        assert_eq!(read([&b"<a>".repeat(65)[..]], 1_000), Err(ReadErrorKind::LimitReached));
        assert_eq!(read([&b"<a>xxxxxxxxxx</a>"[..]], 16), Err(ReadErrorKind::LimitReached));
        assert_eq!(read([&b"<a>xxxxxxxxx</a><b/>"[..]], 16).expect("two").len(), 2);
    }

    fn document() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("<b/>".to_owned()),
            Just("<c x='>' y=\"'\"></c>".to_owned()),
            Just("<!-- <d> -->".to_owned()),
            Just("<![CDATA[ <e> ]]]>".to_owned()),
            "[a-z0-9 äöü&;]{0,12}",
        ];
        let head = prop_oneof![Just(""), Just("<?xml version=\"1.0\" encoding=\"utf-8\"?>")];
        (head, prop::collection::vec(piece, 0..6))
            .prop_map(|(head, pieces)| format!("{head}<a>{}</a>", pieces.concat()))
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_the_same_documents_come_out(
            documents in prop::collection::vec((document(), "[ \r\n]{0,3}"), 0..5), cuts in prop::collection::vec(0_usize..400, 0..6),
        ) {
            let stream: String = documents.iter().map(|(document, blanks)| format!("{document}{blanks}")).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &stream.as_bytes()[pair[0]..pair[1]]);
            let documents: Vec<String> = documents.into_iter().map(|(document, _)| document).collect();
            prop_assert_eq!(read(pieces, 1_000), Ok(documents));
        }

        #[test]
        fn whatever_comes_is_documents_or_an_error_and_is_kept_within_the_bound(
            pieces in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'<'), Just(b'>'), Just(b'/'), Just(b'!'), Just(b'-'), any::<u8>()], 0..40), 0..8),
        ) {
            let mut envelopes = Envelopes::new(50);
            'all: for piece in pieces {
                envelopes.push(&piece);
                loop {
                    match envelopes.next() {
                        Ok(Some(document)) => {
                            prop_assert!(document.len() <= 50);
                            crate::ops::get_streaming_events::read(&document).ok();
                        }
                        Ok(None) => break,
                        Err(_) => break 'all,
                    }
                }
                prop_assert!(envelopes.bytes.len() <= 50);
            }
        }
    }
}
