//! A reader of XML that has only what an untrusted SOAP answer needs: elements, text, attributes.

use std::borrow::Cow;

use optigov_calendar::{ReadError, ReadErrorKind, Text};
use optigov_http::NO_TEXT;
use quick_xml::{
    Reader as Events,
    escape::resolve_predefined_entity,
    events::{BytesEnd, BytesRef, BytesStart, Event},
};

use crate::error::malformed;

/// Elements may be nested this deep; EWS needs about a dozen levels.
const MAX_DEPTH: usize = 64;

/// Walks an XML document from element to element. Refuses document type declarations, entities other than the five predefined ones, and
/// deep nesting; lets characters that XML 1.0 forbids pass as U+FFFD.
///
/// Whoever takes a [`Tag`] from [`child`](Reader::child) reads that element to its end: by `text`, by `skip`, or by calling `child` until
/// it gives `None`.
pub(crate) struct Reader<'a> {
    events: Events<&'a [u8]>,
    depth: usize,
    /// Whether the element entered last is an empty one, whose end is still to be told.
    empty: bool,
}

/// The start of an element. Names are compared without their prefix.
pub(crate) struct Tag<'a>(BytesStart<'a>);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { events: Events::from_reader(bytes), depth: 0, empty: false }
    }

    /// The next element inside the one entered last, or `None` at the end of that one.
    pub(crate) fn child(&mut self) -> Result<Option<Tag<'a>>, ReadError> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Some(Tag(start))),
                Event::End(_) | Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// Passes over the rest of the element entered last.
    pub(crate) fn skip(&mut self) -> Result<(), ReadError> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.event()?;
        }
        Ok(())
    }

    /// The text of the element entered last, without that of elements inside it.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        let own = self.depth;
        let mut text = Cow::Borrowed("");
        loop {
            let piece = match self.event()? {
                Event::End(_) if self.depth < own => return Ok(text),
                _ if self.depth > own => continue,
                Event::Text(piece) => piece.into_inner(),
                Event::CData(piece) => piece.into_inner(),
                Event::GeneralRef(reference) => Cow::Owned(resolve(&reference)?.into()),
                _ => continue,
            };
            is_text(&piece)?;
            if text.is_empty() {
                text = piece;
            } else {
                text.to_mut().push_str(&piece);
            }
        }
    }

    /// The next event. An empty element is a start and an end.
    // Inlined, each caller's match becomes one with this one: a view took 1.7 times a bare event loop without, and takes 1.5 with it.
    #[inline(always)]
    fn event(&mut self) -> Result<Event<'a>, ReadError> {
        if std::mem::take(&mut self.empty) {
            self.depth -= 1;
            return Ok(Event::End(BytesEnd::new("")));
        }
        match self.events.read_event().map_err(|error| broken(&error, self.events.error_position()))? {
            Event::Start(start) => {
                self.enter()?;
                Ok(Event::Start(start))
            }
            Event::Empty(start) => {
                self.enter()?;
                self.empty = true;
                Ok(Event::Start(start))
            }
            Event::End(end) => {
                self.depth -= 1;
                Ok(Event::End(end))
            }
            Event::GeneralRef(reference) => resolve(&reference).map(|_| Event::GeneralRef(reference)),
            Event::DocType(_) => Err(malformed(
                "die Antwort enthält eine Dokumenttyp-Deklaration",
                "the answer holds a document type declaration",
            )),
            Event::Eof if self.depth > 0 => {
                Err(malformed("die Antwort endet mitten in einem Element", "the answer ends inside an element"))
            }
            event => Ok(event),
        }
    }

    #[inline]
    fn enter(&mut self) -> Result<(), ReadError> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => {
                let fact = Text::new(
                    format!("die Antwort schachtelt Elemente tiefer als {MAX_DEPTH} Ebenen"),
                    format!("the answer nests elements deeper than {MAX_DEPTH} levels"),
                );
                Err(ReadError::new(ReadErrorKind::LimitReached, fact))
            }
            false => Ok(()),
        }
    }
}

impl Tag<'_> {
    /// The element's name without its prefix.
    pub(crate) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of an attribute by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<Cow<'_, str>>, ReadError> {
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute
                .map_err(|_| malformed("ein Attribut ist nicht wohlgeformt", "an attribute is not well-formed"))?;
            if attribute.key.local_name().into_inner() == name {
                is_text(&attribute.value)?;
                return unescape(attribute.value).map(Some);
            }
        }
        Ok(None)
    }
}

/// An error of the parser, told by its class and its place alone: the parser's own error holds names from the answer, of any length.
#[cold]
fn broken(error: &quick_xml::Error, position: u64) -> ReadError {
    match error {
        quick_xml::Error::Encoding(_) => not_text(),
        _ => malformed(
            format!("die Antwort ist kein wohlgeformtes XML (Byte {position})"),
            format!("the answer is not well-formed XML (byte {position})"),
        ),
    }
}

/// Refuses text in which bytes stood that are no text. Elements that are skipped are not asked.
#[inline]
fn is_text(text: &str) -> Result<(), ReadError> {
    if text.contains(NO_TEXT) { Err(not_text()) } else { Ok(()) }
}

#[cold]
fn not_text() -> ReadError {
    malformed(
        "die Antwort enthält Bytes, die in ihrer Kodierung kein Text sind",
        "the answer holds bytes that are no text in its encoding",
    )
}

/// An `xs:boolean` in any of its four spellings.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ if text.trim().len() < text.len() => boolean(text.trim()),
        _ => None,
    }
}

fn unescape(raw: Cow<'_, str>) -> Result<Cow<'_, str>, ReadError> {
    if !raw.contains('&') {
        return Ok(raw);
    }
    let mut pieces = raw.split('&');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once(';').ok_or_else(|| {
            malformed(
                "ein Attribut enthält einen unvollständigen Verweis",
                "an attribute holds an unfinished reference",
            )
        })?;
        text.push_str(&resolve(&BytesRef::new(name))?);
        text.push_str(rest);
    }
    Ok(Cow::Owned(text))
}

/// What a reference stands for. Numbers of characters that XML 1.0 forbids, which Exchange sends, stand for U+FFFD.
fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, ReadError> {
    if reference.is_char_ref() {
        let character =
            reference.resolve_char_ref().ok().flatten().filter(|&c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
        return Ok(character.map_or(Cow::Borrowed("\u{FFFD}"), |c| Cow::Owned(c.into())));
    }
    match resolve_predefined_entity(reference) {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => Err(malformed(
            "die Antwort verweist auf eine Entität, die XML nicht vordefiniert",
            "the answer refers to an entity that XML does not predefine",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the root's first child, and everything after it read.
    fn text(document: &str) -> Result<String, ReadError> {
        let mut reader = Reader::new(document.as_bytes());
        reader.child()?.expect("a root");
        reader.child()?.expect("a child");
        let text = reader.text()?.into_owned();
        reader.skip()?;
        Ok(text)
    }

    #[test]
    fn text_is_put_together_from_its_pieces() {
        assert_eq!(
            text("<a><b>x &lt;&amp;&gt; <![CDATA[<y>]]>&#xE4;&#228;<!-- no --><c>inner</c>z</b></a>").expect("text"),
            "x <&> <y>ääz"
        );
        assert_eq!(text("<a><b/></a>").expect("text"), "");
    }

    #[test]
    fn characters_that_xml_forbids_survive() {
        assert_eq!(
            text("<a><b>x&#x0;y&#xB;z&#xFFFFFF;\u{1}</b></a>").expect("text"),
            "x\u{FFFD}y\u{FFFD}z\u{FFFD}\u{1}"
        );
        let mut reader = Reader::new(b"<a Id=\"1&#x0;2&amp;3\"/>");
        let tag = reader.child().expect("well-formed").expect("a root");
        assert_eq!(tag.attribute("Id").expect("a value").as_deref(), Some("1\u{FFFD}2&3"));
    }

    #[test]
    fn declarations_and_foreign_entities_are_refused_wherever_they_stand() {
        for document in [
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a><b>z</b></a>",
            "<a><b>&x;</b></a>",
            "<a><b>z</b><c>&x;</c></a>",
            "<a><b>z</b><c><d>&file;</d></c></a>",
        ] {
            assert_eq!(text(document).expect_err(document).kind(), ReadErrorKind::Malformed, "{document}");
        }
        let mut reader = Reader::new(b"<a Id=\"&x;\"/>");
        let tag = reader.child().expect("well-formed").expect("a root");
        assert!(tag.attribute("Id").is_err());
    }

    #[test]
    fn nesting_is_bounded_and_an_early_end_is_an_error() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        let mut reader = Reader::new(deep.as_bytes());
        reader.child().expect("well-formed").expect("a root");
        assert_eq!(reader.skip().expect_err("too deep").kind(), ReadErrorKind::LimitReached);
        assert_eq!(text("<a><b>x").expect_err("unfinished").kind(), ReadErrorKind::Malformed);
        assert_eq!(text("<a><b>x</c></a>").expect_err("crossed").kind(), ReadErrorKind::Malformed);
    }

    #[test]
    fn a_boolean_has_four_spellings() {
        assert_eq!(
            ["true", "1", "false", " 0 ", "yes"].map(boolean),
            [Some(true), Some(true), Some(false), Some(false), None]
        );
    }
}
