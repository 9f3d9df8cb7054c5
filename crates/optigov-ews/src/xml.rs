//! A reader of XML that has only what an untrusted SOAP answer needs: elements, text, attributes.

use std::borrow::Cow;

use optigov_calendar::{ReadError, ReadErrorKind, Text};
use optigov_http::NO_TEXT;
use quick_xml::{
    Reader as Events,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};

use crate::error::malformed;

/// Elements may be nested this deep; EWS needs about a dozen levels.
pub(crate) const MAX_DEPTH: usize = 64;

/// Walks an XML document from element to element. Refuses document type declarations, entities other than the five predefined ones, and
/// deep nesting; lets characters that XML 1.0 forbids pass as U+FFFD.
///
/// Whoever enters an element by [`child`](Reader::child) or [`child_as`](Reader::child_as) reads it to its end: by `text`, by `skip`, or by
/// entering its children until there are no more.
// An event is looked at where the parser has written it: to move one costs about as much as to read it. So what is read a thousand times is read by
// `child_as` and `text_as`.
pub(crate) struct Reader<'a> {
    events: Events<&'a [u8]>,
    depth: usize,
    /// Whether the element entered last is an empty one, whose end is still to be told.
    empty: bool,
}

/// An event as the parser gives it.
type Parsed<'a> = quick_xml::Result<Event<'a>>;

/// The start of an element. Names are compared without their prefix.
pub(crate) struct Tag<'a>(Cow<'a, BytesStart<'a>>);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { events: Events::from_reader(bytes), depth: 0, empty: false }
    }

    /// The next element inside the one entered last, or `None` at the end of that one.
    pub(crate) fn child(&mut self) -> Result<Option<Tag<'a>>, ReadError> {
        self.enter(|start| Ok(Tag(Cow::Owned(start.clone()))))
    }

    /// What `see` makes of the next element inside the one entered last, or `None` at the end of that one.
    #[inline(always)]
    pub(crate) fn child_as<T>(
        &mut self,
        see: impl FnOnce(&Tag<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        self.enter(|start| see(&Tag(Cow::Borrowed(start))))
    }

    /// Passes over the rest of the element entered last.
    pub(crate) fn skip(&mut self) -> Result<(), ReadError> {
        if self.leave_empty() {
            return Ok(());
        }
        let outside = self.depth - 1;
        while self.depth > outside {
            let event = self.events.read_event();
            self.pass(&event)?;
        }
        Ok(())
    }

    /// The text of the element entered last, without that of elements inside it.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        match self.leave_empty() {
            true => Ok(Cow::Borrowed("")),
            false => self.rest_of_text(Cow::Borrowed(""), self.depth),
        }
    }

    /// What `read` makes of the text of the element entered last, without that of elements inside it.
    #[inline(always)]
    pub(crate) fn text_as<T>(&mut self, read: impl Fn(&str) -> T) -> Result<T, ReadError> {
        if self.leave_empty() {
            return Ok(read(""));
        }
        let (own, mut text) = (self.depth, Cow::Borrowed(""));
        let first = self.events.read_event();
        if let Ok(Event::Text(piece)) = &first {
            is_text(piece)?;
            let second = self.events.read_event();
            // One piece of text and the end, as nearly always.
            if let Ok(Event::End(_)) = &second {
                self.depth -= 1;
                return Ok(read(piece));
            }
            self.add_piece(&mut text, &first, own)?;
            self.add_piece(&mut text, &second, own)?;
        } else {
            self.add_piece(&mut text, &first, own)?;
        }
        self.rest_of_text(text, own).map(|text| read(&text))
    }

    #[inline(always)]
    fn enter<T>(&mut self, see: impl FnOnce(&BytesStart<'a>) -> Result<T, ReadError>) -> Result<Option<T>, ReadError> {
        if self.leave_empty() {
            return Ok(None);
        }
        loop {
            let event = self.events.read_event();
            match &event {
                Ok(Event::Start(start)) => {
                    self.deeper()?;
                    return see(start).map(Some);
                }
                // A start and an end.
                Ok(Event::Empty(start)) => {
                    self.deeper()?;
                    self.empty = true;
                    return see(start).map(Some);
                }
                Ok(Event::End(_)) => {
                    self.depth -= 1;
                    return Ok(None);
                }
                Ok(Event::Eof) if self.depth == 0 => return Ok(None),
                other => self.pass(other)?,
            }
        }
    }

    /// Whether the element entered last is an empty one, which is left by this.
    #[inline(always)]
    fn leave_empty(&mut self) -> bool {
        let empty = std::mem::take(&mut self.empty);
        self.depth -= usize::from(empty);
        empty
    }

    /// The text of the element at the depth `own`, of which the beginning has been read already.
    fn rest_of_text(&mut self, mut text: Cow<'a, str>, own: usize) -> Result<Cow<'a, str>, ReadError> {
        while self.depth >= own {
            let event = self.events.read_event();
            self.add_piece(&mut text, &event, own)?;
        }
        Ok(text)
    }

    /// Adds what an event holds of the text of the element at the depth `own`.
    fn add_piece(&mut self, text: &mut Cow<'a, str>, event: &Parsed<'a>, own: usize) -> Result<(), ReadError> {
        self.pass(event)?;
        if self.depth > own {
            return Ok(());
        }
        let piece = match event {
            Ok(Event::Text(piece)) => piece.clone().into_inner(),
            Ok(Event::CData(piece)) => piece.clone().into_inner(),
            Ok(Event::GeneralRef(reference)) => resolve(reference)?,
            _ => return Ok(()),
        };
        is_text(&piece)?;
        match text.is_empty() {
            true => *text = piece,
            false => text.to_mut().push_str(&piece),
        }
        Ok(())
    }

    /// Keeps count of the depth, and refuses what may not stand in an answer.
    fn pass(&mut self, event: &Parsed<'a>) -> Result<(), ReadError> {
        match event {
            Ok(Event::Start(_)) => self.deeper(),
            Ok(Event::End(_)) => {
                self.depth -= 1;
                Ok(())
            }
            Ok(Event::Empty(_)) => {
                self.deeper()?;
                self.depth -= 1;
                Ok(())
            }
            Ok(Event::GeneralRef(reference)) => resolve(reference).map(drop),
            Ok(Event::DocType(_)) => Err(malformed(
                "die Antwort enthält eine Dokumenttyp-Deklaration",
                "the answer holds a document type declaration",
            )),
            Ok(Event::Eof) if self.depth > 0 => {
                Err(malformed("die Antwort endet mitten in einem Element", "the answer ends inside an element"))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(broken(error, self.events.error_position())),
        }
    }

    #[inline]
    fn deeper(&mut self) -> Result<(), ReadError> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => Err(too_deep()),
            false => Ok(()),
        }
    }
}

impl Tag<'_> {
    /// The element's name without its prefix.
    #[inline]
    pub(crate) fn name(&self) -> &str {
        without_prefix(self.0.name().into_inner())
    }

    /// The value of an attribute by its name without prefix.
    // The parser's own iterator is made for more than names and quoted values, and takes thrice as long.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<Cow<'_, str>>, ReadError> {
        let mut rest = self.0.attributes_raw().trim_start();
        while !rest.is_empty() {
            let (key, value, after) = first_attribute(rest).ok_or_else(no_attribute)?;
            if without_prefix(key) == name {
                is_text(value)?;
                return unescape(value).map(Some);
            }
            rest = after.trim_start();
        }
        Ok(None)
    }
}

/// The name without its prefix. Names are short: a search that is made for long texts takes longer.
#[inline]
fn without_prefix(name: &str) -> &str {
    let colon = name.bytes().position(|byte| byte == b':');
    colon.and_then(|colon| name.get(colon + 1..)).unwrap_or(name)
}

/// The name and the value, as it is written, of the attribute with which a text begins, and what follows.
fn first_attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (key, rest) = text.split_at_checked(text.bytes().position(|byte| byte == b'=')?)?;
    let rest = rest.get(1..)?.trim_start();
    let quote = rest.bytes().next().filter(|quote| matches!(quote, b'"' | b'\''))?;
    let rest = rest.get(1..)?;
    let (value, after) = rest.split_at_checked(memchr::memchr(quote, rest.as_bytes())?)?;
    Some((key.trim_end(), value, after.get(1..)?))
}

#[cold]
fn no_attribute() -> ReadError {
    malformed("ein Attribut ist nicht wohlgeformt", "an attribute is not well-formed")
}

#[cold]
pub(crate) fn too_deep() -> ReadError {
    let fact = Text::new(
        format!("die Antwort schachtelt Elemente tiefer als {MAX_DEPTH} Ebenen"),
        format!("the answer nests elements deeper than {MAX_DEPTH} levels"),
    );
    ReadError::new(ReadErrorKind::LimitReached, fact)
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
    if text.is_ascii() || !text.contains(NO_TEXT) { Ok(()) } else { Err(not_text()) }
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

fn unescape(raw: &str) -> Result<Cow<'_, str>, ReadError> {
    if memchr::memchr(b'&', raw.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(raw));
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
