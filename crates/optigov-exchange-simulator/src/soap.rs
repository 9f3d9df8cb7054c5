//! Envelopes: what a request carries around its operation, and how answers and refusals are written.

use std::borrow::Cow;

use crate::xml::{Element, Escaped, MESSAGES, Ns, SOAP, TYPES};

/// The header and the operation of a SOAP request.
#[derive(Debug)]
pub(crate) struct Envelope {
    header: Option<Element>,
    operation: Element,
}

/// An Exchange error: as a SOAP fault, or as the response message of one item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: Cow<'static, str>,
    text: Cow<'static, str>,
    values: Vec<(&'static str, String)>,
}

impl Envelope {
    pub(crate) fn parse(text: &str) -> Result<Envelope, Refusal> {
        let refuse = |text: String| Refusal::new("ErrorSchemaValidation", text);
        let mut root =
            Element::parse(text).map_err(|cause| refuse(format!("The request failed schema validation: {cause}.")))?;
        if !root.is(Ns::Soap, "Envelope") {
            return Err(refuse("The request failed schema validation: the root is no SOAP 1.1 envelope.".to_owned()));
        }
        let mut take = |name: &str| {
            let at = root.children.iter().position(|child| child.is(Ns::Soap, name))?;
            Some(root.children.remove(at))
        };
        let header = take("Header");
        let body = take("Body").ok_or_else(|| refuse("The request failed schema validation: no Body.".to_owned()))?;
        let mut operations = body.children.into_iter();
        match (operations.next(), operations.next()) {
            (Some(operation), None) => Ok(Envelope { header, operation }),
            _ => Err(refuse("The request failed schema validation: the Body needs one element.".to_owned())),
        }
    }

    /// A child of `soap:Header` by its name in the namespace of types.
    pub(crate) fn header(&self, name: &str) -> Option<&Element> {
        self.header.as_ref()?.child(Ns::Types, name)
    }

    pub(crate) fn operation(&self) -> &Element {
        &self.operation
    }
}

impl Refusal {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code: code.into(), text: text.into(), values: Vec::new() }
    }

    /// Adds a value to `MessageXml`.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Refusal {
        self.values.push((name, value.to_string()));
        self
    }

    /// Appends the refusal as a response message, `<m:NAME ResponseClass="Error">`, that ends with `content`.
    pub(crate) fn write_message(&self, out: &mut String, name: &str, content: &str) {
        let (code, text) = (Escaped(&self.code), Escaped(&self.text));
        push!(out, r#"<m:{name} ResponseClass="Error"><m:MessageText>{text}</m:MessageText>"#);
        push!(out, "<m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>");
        if !self.values.is_empty() {
            out.push_str("<m:MessageXml>");
            self.write_values(out);
            out.push_str("</m:MessageXml>");
        }
        push!(out, "{content}</m:{name}>");
    }

    /// Adds the hint when to come back, whatever text it is.
    pub(crate) fn with_back_off(self, text: Option<&str>) -> Refusal {
        match text {
            Some(text) => self.with("BackOffMilliseconds", text),
            None => self,
        }
    }

    /// The whole envelope of a SOAP fault. `fault_code` replaces the text of `faultcode`, which is otherwise the same code as in
    /// `ResponseCode`.
    pub(crate) fn fault(&self, fault_code: Option<&str>) -> String {
        const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";
        let (code, text) = (Escaped(&self.code), Escaped(&self.text));
        let mut out = String::with_capacity(1_000);
        push!(out, r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault>"#);
        let fault_code = Escaped(fault_code.unwrap_or(&self.code));
        push!(out, r#"<faultcode xmlns:a="{TYPES}">a:{fault_code}</faultcode>"#);
        push!(out, r#"<faultstring xml:lang="en-US">{text}</faultstring><detail>"#);
        push!(out, r#"<e:ResponseCode xmlns:e="{ERRORS}">{code}</e:ResponseCode>"#);
        push!(out, r#"<e:Message xmlns:e="{ERRORS}">{text}</e:Message>"#);
        if !self.values.is_empty() {
            push!(out, r#"<t:MessageXml xmlns:t="{TYPES}">"#);
            self.write_values(&mut out);
            out.push_str("</t:MessageXml>");
        }
        out.push_str("</detail></s:Fault></s:Body></s:Envelope>");
        out
    }

    /// The whole envelope of a SOAP fault as servers other than Exchange write it: no prefix, no `detail`.
    pub(crate) fn bare_fault(&self, fault_code: Option<&str>) -> String {
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP}"><soap:Body><soap:Fault><faultcode>{}</faultcode><faultstring>{}</faultstring></soap:Fault></soap:Body></soap:Envelope>"#,
            Escaped(fault_code.unwrap_or(&self.code)),
            Escaped(&self.text)
        )
    }

    fn write_values(&self, out: &mut String) {
        for (name, value) in &self.values {
            push!(out, r#"<t:Value Name="{name}">{}</t:Value>"#, Escaped(value));
        }
    }
}

/// The whole envelope around the content of `soap:Body`.
pub(crate) fn envelope(content: &str, version: bool) -> String {
    let mut out = String::with_capacity(content.len() + 700);
    push!(out, r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}">"#);
    if version {
        write_version(&mut out);
    }
    push!(out, r#"<s:Body xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">{content}</s:Body></s:Envelope>"#);
    out
}

fn write_version(out: &mut String) {
    out.push_str("<s:Header>");
    push!(
        out,
        r#"<h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="4" "#
    );
    push!(out, r#"Version="V2017_07_11" xmlns:h="{TYPES}"/></s:Header>"#);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_needs_one_operation_in_one_body() {
        let soap = |inside: &str| format!(r#"<s:Envelope xmlns:s="{SOAP}">{inside}</s:Envelope>"#);
        assert_eq!(Envelope::parse(&soap("<s:Body><X/></s:Body>")).expect("whole").operation().name, "X");
        for text in ["<x/>".to_owned(), soap(""), soap("<s:Body/>"), soap("<s:Body><X/><Y/></s:Body>"), "<".to_owned()]
        {
            assert_eq!(Envelope::parse(&text).expect_err(&text).code, "ErrorSchemaValidation");
        }
    }

    #[test]
    fn a_fault_carries_code_and_values() {
        let fault = Refusal::new("ErrorServerBusy", "Busy <now>.").with("BackOffMilliseconds", 1500).fault(None);
        assert!(Element::parse(&fault).is_ok());
        assert!(fault.contains("a:ErrorServerBusy</faultcode>") && fault.contains("Busy &lt;now&gt;."));
        assert!(fault.contains(r#"<t:Value Name="BackOffMilliseconds">1500</t:Value>"#));
    }
}
