use serde::Deserialize;

/// Which user agents may use EWS, as `EwsApplicationAccessPolicy` with `EwsAllowList` or `EwsBlockList` says it. Others are
/// answered with 403 and an empty body after their login.
///
/// A pattern is compared without regard to case, and `*` stands for any text. A request without `User-Agent` has an empty one.
///
/// In a scenario file: `[access_policy]` with `allow` or `block` (lists of patterns), `reason`, `spares_impersonation`.
///
/// ```
/// use optigov_exchange_simulator::{AccessPolicy, Scenario};
///
/// let scenario = Scenario::new().access_policy(AccessPolicy::block(["optigov-ews/*"]).reason("blocked by policy"));
/// # let _ = scenario;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessPolicy {
    allow: Option<Vec<String>>,
    #[serde(default)]
    block: Vec<String>,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) spares_impersonation: bool,
}

/// What the front end does when `X-AnchorMailbox` names a mailbox that it cannot find: one that the scenario does not have, or
/// one whose state is [`Unavailable`](crate::MailboxState::Unavailable) or [`Moving`](crate::MailboxState::Moving), or one in
/// Exchange Online. The whole request then fails, although other mailboxes in it are fine.
///
/// In a scenario file: `anchor_lookup = "ignore"`, `{ fault = "ErrorNonExistentMailbox" }`, `{ status = 404 }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnchorLookup {
    /// It goes on without an anchor. The default.
    #[default]
    Ignore,
    /// A SOAP fault with this code and HTTP 500.
    Fault(String),
    /// An HTTP status with an empty body.
    Status(u16),
}

impl AccessPolicy {
    /// Nobody may, except user agents that fit one of these patterns.
    pub fn allow(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        AccessPolicy { allow: Some(patterns.into_iter().map(Into::into).collect()), ..AccessPolicy::default() }
    }

    /// Everybody may, except user agents that fit one of these patterns.
    pub fn block(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        AccessPolicy { block: patterns.into_iter().map(Into::into).collect(), ..AccessPolicy::default() }
    }

    /// The value of `X-EWS-Policy-Reason` in the refusal. Default: there is no such header.
    pub fn reason(mut self, text: impl Into<String>) -> Self {
        self.reason = Some(text.into());
        self
    }

    /// Lets requests pass that impersonate somebody: the policy is the account's own, and not that of the mailboxes.
    pub fn spares_impersonation(mut self) -> Self {
        self.spares_impersonation = true;
        self
    }

    pub(crate) fn permits(&self, user_agent: &str) -> bool {
        let fits = |patterns: &[String]| {
            patterns.iter().any(|pattern| matches(&pattern.to_lowercase(), &user_agent.to_lowercase()))
        };
        self.allow.as_deref().is_none_or(fits) && !fits(&self.block)
    }

    pub(super) fn check(&self) -> Result<(), crate::Error> {
        self.reason.as_deref().map_or(Ok(()), super::http_answer::check_value).map_err(|e| e.at("access policy"))
    }
}

impl AnchorLookup {
    pub(super) fn check(&self) -> Result<(), crate::Error> {
        match self {
            AnchorLookup::Status(code) => super::http_answer::check_status(*code).map_err(|e| e.at("anchor lookup")),
            _ => Ok(()),
        }
    }
}

/// Whether the text fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*c", "axbxc", true),
            ("a*b*c", "axc", false),
            ("ab*ba", "aba", false),
            ("*optigov*", "x optigov-ews/0.1", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn lists_allow_or_block() {
        let allow = AccessPolicy::allow(["Outlook*"]);
        assert!(allow.permits("outlook/16") && !allow.permits("optigov-ews/0.1") && !allow.permits(""));
        let block = AccessPolicy::block(["optigov-ews/*"]);
        assert!(!block.permits("Optigov-EWS/0.1") && block.permits("curl/8") && block.permits(""));
        assert!(AccessPolicy::default().permits("anything"));
    }
}
