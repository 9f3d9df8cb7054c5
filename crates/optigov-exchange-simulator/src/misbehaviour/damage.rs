//! What is done to the text of a finished answer.

use super::json;
use crate::scenario::Contradiction;

#[derive(Debug)]
pub(super) enum Damage {
    Truncated,
    Malformed,
    ForbiddenCharacters,
    Replace { text: String, with: String },
    Year(String),
    Contradiction(Contradiction),
}

const NO_ERROR: &str = "<m:ResponseCode>NoError</m:ResponseCode>";
const EMPTY_FOLDER: &str =
    r#"<m:RootFolder TotalItemsInView="0" IncludesLastItemInRange="true"><t:Items/></m:RootFolder>"#;
const EMPTY_VIEW: &str = "<m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType></m:FreeBusyView>";
const OTHER_TIME: &str = "2001-01-01T00:00:00Z";

/// The elements that hold times of items and events.
const STARTS: [&str; 2] = ["Start", "StartTime"];
const ENDS: [&str; 2] = ["End", "EndTime"];

impl Damage {
    pub(super) fn apply(&self, text: String) -> String {
        match self {
            Damage::Truncated => first_half(text),
            Damage::Malformed if json::is(&text) => json::wrong_end(text),
            Damage::Year(year) if json::is(&text) => json::with_year(text, year),
            Damage::Contradiction(contradiction) if json::is(&text) => json::contradict(text, contradiction),
            Damage::Malformed => wrong_end_tag(text),
            Damage::ForbiddenCharacters => forbidden_characters(text),
            Damage::Replace { text: from, with } => text.replace(from, with),
            Damage::Year(year) => with_year(text, year),
            Damage::Contradiction(contradiction) => contradict(text, contradiction),
        }
    }
}

fn first_half(mut text: String) -> String {
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle -= 1;
    }
    text.truncate(middle);
    text
}

fn wrong_end_tag(mut text: String) -> String {
    if let Some(at) = text.rfind("</") {
        text.replace_range(at.., "</wrong>");
    }
    text
}

fn forbidden_characters(mut text: String) -> String {
    for end in ["</t:Subject>", "</t:Location>", "</t:DisplayName>"] {
        text = text.replace(end, &format!("&#x0;&#xB;{end}"));
    }
    text.replace(NO_ERROR, &format!("<m:MessageText>&#x0;&#xB;</m:MessageText>{NO_ERROR}"))
}

/// Puts another text in the place of the four digits of every year.
fn with_year(mut text: String, year: &str) -> String {
    for name in STARTS.into_iter().chain(ENDS) {
        let tag = format!("<t:{name}>");
        let mut parts = text.split(&tag);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            push!(out, "{tag}{year}{}", part.get(4..).unwrap_or_default());
        }
        text = out;
    }
    text
}

fn contradict(text: String, contradiction: &Contradiction) -> String {
    match contradiction {
        Contradiction::TwoMessages => two_messages(text),
        Contradiction::TwoFolders => twice(text, "</m:RootFolder>", EMPTY_FOLDER),
        Contradiction::TwoResponseCodes => {
            let two = format!("<m:ResponseCode>ErrorInternalServerError</m:ResponseCode>{NO_ERROR}");
            text.replace(NO_ERROR, &two)
        }
        Contradiction::TwoViews => twice(text, "</m:FreeBusyView>", EMPTY_VIEW),
        Contradiction::TwoStarts => other_times(text, STARTS),
        Contradiction::TwoEnds => other_times(text, ENDS),
        Contradiction::UnreadableIncludesLast => with_includes_last(text, "perhaps"),
        Contradiction::MissingItems(count) => without_items(text, *count),
        Contradiction::Groups => text
            .replace("<t:Items>", "<t:Groups><t:GroupedItems><t:GroupIndex>0</t:GroupIndex><t:Items>")
            .replace("</t:Items>", "</t:Items></t:GroupedItems></t:Groups>"),
        Contradiction::NoItems => match (text.find("<t:Items>"), text.rfind("</t:Items>")) {
            (Some(start), Some(end)) => format!("{}{}", &text[..start], &text[end + "</t:Items>".len()..]),
            _ => text,
        },
        // These are no matter of the text.
        Contradiction::MoreThanAsked | Contradiction::Status(_) => text,
    }
}

fn twice(text: String, end: &str, further: &str) -> String {
    text.replace(end, &format!("{end}{further}"))
}

/// After each response message another one of the same name, which is a success and holds nothing.
fn two_messages(text: String) -> String {
    let response = format!(r#"<m:ResponseMessage ResponseClass="Success">{NO_ERROR}</m:ResponseMessage>"#);
    let free_busy = format!("<m:FreeBusyResponse>{response}{EMPTY_VIEW}</m:FreeBusyResponse>");
    let text = twice(text, "</m:FreeBusyResponse>", &free_busy);
    let Some(end) = text.find("ResponseMessage></m:ResponseMessages>") else { return text };
    let Some(start) = text[..end].rfind("</m:") else { return text };
    let name = format!("{}ResponseMessage", &text[start + "</m:".len()..end]);
    let content = match name.as_str() {
        "FindItemResponseMessage" => EMPTY_FOLDER,
        "GetItemResponseMessage" => "<m:Items/>",
        "GetFolderResponseMessage" => "<m:Folders/>",
        _ => "",
    };
    let further = format!(r#"<m:{name} ResponseClass="Success">{NO_ERROR}{content}</m:{name}>"#);
    twice(text, &format!("</m:{name}>"), &further)
}

fn other_times(mut text: String, names: [&str; 2]) -> String {
    for name in names {
        text = twice(text, &format!("</t:{name}>"), &format!("<t:{name}>{OTHER_TIME}</t:{name}>"));
    }
    text
}

fn with_includes_last(text: String, value: &str) -> String {
    const ATTRIBUTE: &str = "IncludesLastItemInRange=\"";
    let mut parts = text.split(ATTRIBUTE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.find('"').map_or("", |at| &part[at..]);
        push!(out, "{ATTRIBUTE}{value}{rest}");
    }
    out
}

fn without_items(mut text: String, count: usize) -> String {
    for _ in 0..count {
        let Some(item) = last_item(&text) else { break };
        text.replace_range(item, "");
    }
    with_includes_last(text, "true")
}

/// Where the last item or event of an answer stands.
pub(crate) fn last_item(text: &str) -> Option<std::ops::Range<usize>> {
    if json::is(text) {
        return json::last_item(text);
    }
    ["CalendarItem", "CalendarEvent"].into_iter().find_map(|name| {
        let start = text.rfind(&format!("<t:{name}>"))?;
        let end_tag = format!("</t:{name}>");
        let end = start + text[start..].find(&end_tag)? + end_tag.len();
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"<m:FindItemResponse><m:ResponseMessages><m:FindItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RootFolder TotalItemsInView="2" IncludesLastItemInRange="false"><t:Items><t:CalendarItem><t:Start>2026-11-24T08:00:00Z</t:Start></t:CalendarItem><t:CalendarItem><t:End>2026-11-24T10:00:00Z</t:End></t:CalendarItem></t:Items></m:RootFolder></m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse>"#;

    fn contradicted(contradiction: Contradiction) -> String {
        Damage::Contradiction(contradiction).apply(ANSWER.to_owned())
    }

    #[test]
    fn what_is_true_stands_before_what_is_empty() {
        let text = contradicted(Contradiction::TwoMessages);
        let (first, second) = text.split_once("</m:FindItemResponseMessage>").expect("a message");
        assert!(first.contains("<t:CalendarItem>") && second.contains("<t:Items/>"), "{text}");
        assert_eq!(text.matches("</m:FindItemResponseMessage>").count(), 2);
        assert_eq!(contradicted(Contradiction::TwoFolders).matches("<m:RootFolder ").count(), 2);
        assert!(contradicted(Contradiction::TwoStarts).contains("Z</t:Start><t:Start>2001-"));
        assert!(contradicted(Contradiction::TwoEnds).contains("Z</t:End><t:End>2001-"));
    }

    #[test]
    fn items_go_missing_while_the_count_stays() {
        let text = contradicted(Contradiction::MissingItems(1));
        assert_eq!(text.matches("<t:CalendarItem>").count(), 1);
        assert!(text.contains(r#"TotalItemsInView="2" IncludesLastItemInRange="true""#), "{text}");
        assert!(!contradicted(Contradiction::MissingItems(9)).contains("<t:CalendarItem>"));
        assert!(contradicted(Contradiction::NoItems).contains(r#"InRange="false"></m:RootFolder>"#));
    }

    #[test]
    fn years_are_any_text() {
        let text = Damage::Year("+12026".to_owned()).apply(ANSWER.to_owned());
        assert!(text.contains("<t:Start>+12026-11-24T08") && text.contains("<t:End>+12026-11-24T10"), "{text}");
    }
}
