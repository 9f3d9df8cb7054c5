//! A request as a small tree with resolved namespaces, and the escaping of what goes out.

use std::fmt::{self, Write as _};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// The namespaces that a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ns {
    Soap,
    Messages,
    Types,
    Other,
}

pub(crate) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
pub(crate) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";

/// The deepest nesting of elements in a request. No real EWS request comes near it.
const DEEPEST: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) ns: Ns,
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    text: String,
}

impl Element {
    pub(crate) fn parse(text: &str) -> Result<Element, String> {
        let mut reader = NsReader::from_str(text);
        let mut open: Vec<Element> = Vec::new();
        loop {
            let (ns, event) = reader.read_resolved_event().map_err(|e| e.to_string())?;
            let ns = namespace(&ns);
            match event {
                Event::Start(start) => {
                    open.push(Element::opened(ns, &start)?);
                    if open.len() > DEEPEST {
                        return Err("nested too deep".into());
                    }
                }
                Event::Empty(start) => {
                    let element = Element::opened(ns, &start)?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::End(_) => {
                    let element = open.pop().ok_or("an end tag without a start")?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::Text(part) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&part.xml10_content());
                    }
                }
                Event::CData(part) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&part.xml10_content());
                    }
                }
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|e| e.to_string())?;
                    let resolved = match (character, &*reference.xml10_content()) {
                        (Some(character), _) => character,
                        (None, "amp") => '&',
                        (None, "lt") => '<',
                        (None, "gt") => '>',
                        (None, "quot") => '"',
                        (None, "apos") => '\'',
                        (None, _) => return Err("an entity that XML does not define".into()),
                    };
                    if let Some(element) = open.last_mut() {
                        element.text.push(resolved);
                    }
                }
                Event::DocType(_) => return Err("a document type is not allowed in SOAP".into()),
                Event::Eof => return Err("the document ends early".into()),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn opened(ns: Ns, start: &BytesStart<'_>) -> Result<Element, String> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|e| e.to_string())?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        let name = start.local_name().as_ref().to_owned();
        Ok(Element { ns, name, attributes, children: Vec::new(), text: String::new() })
    }

    /// The first child of this name in `ns`.
    pub(crate) fn child(&self, ns: Ns, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(ns, name))
    }

    /// The element at the end of a path of children, all in [`Ns::Types`].
    pub(crate) fn types(&self, path: &[&str]) -> Option<&Element> {
        path.iter().try_fold(self, |element, name| element.child(Ns::Types, name))
    }

    pub(crate) fn is(&self, ns: Ns, name: &str) -> bool {
        self.ns == ns && self.name == name
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }
}

fn namespace(resolved: &ResolveResult<'_>) -> Ns {
    match resolved {
        ResolveResult::Bound(ns) if ns.as_ref() == SOAP => Ns::Soap,
        ResolveResult::Bound(ns) if ns.as_ref() == MESSAGES => Ns::Messages,
        ResolveResult::Bound(ns) if ns.as_ref() == TYPES => Ns::Types,
        _ => Ns::Other,
    }
}

/// Text as XML content: markup escaped, characters that XML 1.0 forbids left out.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(|c: char| matches!(c, '<' | '>' | '&' | '"') || is_forbidden(c)) {
            f.write_str(&rest[..at])?;
            let mut tail = rest[at..].chars();
            match tail.next() {
                Some('<') => f.write_str("&lt;")?,
                Some('>') => f.write_str("&gt;")?,
                Some('&') => f.write_str("&amp;")?,
                Some('"') => f.write_str("&quot;")?,
                _ => f.write_char(' ')?,
            }
            rest = tail.as_str();
        }
        f.write_str(rest)
    }
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_counts_only_in_its_namespace() {
        let text =
            format!(r#"<a:X xmlns:a="{TYPES}"><b:Y xmlns:b="{MESSAGES}" Id="1">x &amp; y&#33;</b:Y><Y>z</Y></a:X>"#);
        let x = Element::parse(&text).expect("well-formed");
        assert!(x.is(Ns::Types, "X"));
        assert!(x.child(Ns::Types, "Y").is_none());
        let y = x.child(Ns::Messages, "Y").expect("in its namespace");
        assert_eq!((y.text(), y.attribute("Id")), ("x & y!", Some("1")));
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in
            ["", "<a>", "<a></b>", "<a>&unknown;</a>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", &"<a>".repeat(100)]
        {
            assert!(Element::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn escaping_survives_a_parser() {
        let nasty = "Müller & Söhne <\"Bürgerbüro\"> \u{0}\u{b}Ende";
        let x = Element::parse(&format!("<a>{}</a>", Escaped(nasty))).expect("well-formed");
        assert_eq!(x.text(), "Müller & Söhne <\"Bürgerbüro\">   Ende");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in r#"([<>/&;="'!?\[\]a-c:x ]|<a>|</a>|<!\[CDATA\[|]]>|&#x?[0-9]{1,7};|xmlns)*"#) {
            Element::parse(&text).ok();
        }

        #[test]
        fn text_comes_back_as_it_was_written(text in "[^\\p{Cc}\u{fffe}\u{ffff}]*") {
            let element = Element::parse(&format!("<a b=\"{0}\">{0}</a>", Escaped(&text))).expect("well-formed");
            prop_assert_eq!(element.text(), text.trim());
            prop_assert_eq!(element.attribute("b"), Some(text.as_str()));
        }
    }
}
