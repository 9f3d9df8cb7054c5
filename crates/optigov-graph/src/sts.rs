//! An answer of the token endpoint: a token, or why there is none.
//!
//! Microsoft asks programs to react to `error` and to explain by the number (`AADSTS…`), which may change. So a number that is known chooses the
//! kind and the words, and of one that is not known `error` and the status decide.

use std::time::Duration;

use optigov_calendar::{Origin, ReadError, ReadErrorKind as Kind, Step, Text};
use optigov_http::error::malformed;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

use crate::{
    answer::request_id,
    page::{Word, unreadable},
    texts,
};

/// A token as it was issued.
pub(crate) struct Issued {
    pub(crate) token: SecretString,
    /// How long it lasts from now.
    pub(crate) lasts: Duration,
}

/// No token lasts longer than this.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// A longer token is none.
const LONGEST_TOKEN: usize = 64 << 10;

/// Reads the answer.
///
/// # Errors
/// Why there is no token, with the number of the refusal as its code.
pub(crate) fn read(status: u16, body: &[u8]) -> Result<Issued, ReadError> {
    match status {
        200..=299 => issued(body),
        _ => Err(refused(status, body).with_http_status(status)),
    }
}

#[derive(Deserialize)]
struct RawToken<'a> {
    #[serde(borrow)]
    token_type: Word<'a>,
    expires_in: Seconds,
    #[serde(borrow)]
    access_token: Word<'a>,
}

/// A number of seconds, which some endpoints write as a text.
struct Seconds(u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of seconds")
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Seconds, E> {
                Ok(Seconds(seconds))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
                optigov_http::whole_number(text).map(Seconds).ok_or_else(|| E::custom("not a number of seconds"))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

fn issued(body: &[u8]) -> Result<Issued, ReadError> {
    let raw: RawToken<'_> = serde_json::from_slice(body).map_err(|error| at_the_authority(unreadable(&error)))?;
    let token = raw.access_token.0;
    let fits = (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    if !raw.token_type.0.eq_ignore_ascii_case("Bearer") || !fits {
        return Err(at_the_authority(malformed(
            "die Antwort enthält kein Zugriffstoken, das sich verwenden lässt (Bearer)",
            "the answer holds no access token that can be used (Bearer)",
        )));
    }
    Ok(Issued {
        token: SecretString::from(token.into_owned()),
        lasts: Duration::from_secs(raw.expires_in.0).min(LONGEST),
    })
}

#[derive(Deserialize)]
struct RawRefusal<'a> {
    #[serde(borrow)]
    error: Word<'a>,
    #[serde(default)]
    error_codes: Vec<u64>,
    #[serde(borrow, default)]
    error_description: Option<Word<'a>>,
    #[serde(borrow, default)]
    trace_id: Option<Word<'a>>,
}

/// What a refusal means.
struct Meaning {
    kind: Kind,
    words: Option<texts::Words>,
}

fn refused(status: u16, body: &[u8]) -> ReadError {
    let Ok(raw) = serde_json::from_slice::<RawRefusal<'_>>(body) else { return without_json(status) };
    let number = raw.error_codes.first().copied().or_else(|| described(raw.error_description.as_ref()));
    let Meaning { kind, words } = meaning(number, &raw.error.0, status);
    let fact = Text::fixed(
        "Microsoft Entra ID stellt der Anwendung kein Zugriffstoken aus",
        "Microsoft Entra ID issues no access token to the application",
    );
    let error = texts::in_words_of_graph(ReadError::new(kind, fact));
    let error = match words {
        Some(words) => error.with_texts(words.cause(), words.remedy()),
        None => error,
    };
    let error = match number {
        Some(number) => error.with_code(&format!("AADSTS{number}")),
        None => error.with_code(&raw.error.0),
    };
    let error = at_the_authority(error);
    match request_id(raw.trace_id.as_ref().map(|id| id.0.as_ref())) {
        Some(id) => error.with_request_id(&id),
        None => error,
    }
}

/// The number at the start of the description, where the list of numbers is missing.
fn described(description: Option<&Word<'_>>) -> Option<u64> {
    let digits: String = description?.0.strip_prefix("AADSTS")?.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn meaning(number: Option<u64>, error: &str, status: u16) -> Meaning {
    let by_number = number.and_then(|number| {
        let row = texts::BY_NUMBER.iter().find(|row| row.numbers.contains(&number))?;
        Some(Meaning { kind: row.kind, words: row.words })
    });
    by_number.unwrap_or_else(|| {
        let kind = match (error, status) {
            (_, 429) => Kind::Throttled,
            ("temporarily_unavailable", _) | (_, 500..=599) => Kind::Transient,
            ("invalid_client", _) => Kind::CredentialsRefused,
            ("unauthorized_client", _) => Kind::AccountUnknown,
            _ => Kind::Token,
        };
        Meaning { kind, words: None }
    })
}

fn without_json(status: u16) -> ReadError {
    let kind = match status {
        429 => Kind::Throttled,
        503 => Kind::Unavailable,
        502 | 504 => Kind::Gateway,
        500..=599 => Kind::Transient,
        407 => Kind::Proxy,
        _ => Kind::NotTheService,
    };
    let fact = Text::fixed(
        "die Antwort enthält kein Wort von Microsoft Entra ID",
        "the answer holds no word of Microsoft Entra ID",
    );
    at_the_authority(texts::in_words_of_graph(ReadError::new(kind, fact)))
}

/// Nothing that the authority says is about a mailbox, and all of it belongs to signing in.
pub(crate) fn at_the_authority(error: ReadError) -> ReadError {
    let error = match error.origin() {
        Origin::Mailbox => error.with_origin(Origin::Server),
        _ => error,
    };
    error.at(Step::Authentication)
}

#[cfg(test)]
mod tests {
    use optigov_calendar::Language;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refusal(number: u64, error: &str) -> ReadError {
        let body = json!({
            "error": error, "error_description": format!("AADSTS{number}: LEAK"), "error_codes": [number],
            "trace_id": "5d6c0b3e-0000-4000-8000-000000000000",
        });
        read(400, body.to_string().as_bytes()).err().expect("a refusal")
    }

    #[test]
    fn each_number_has_its_kind_and_its_own_words() {
        let rows = [
            (7_000_215, Kind::CredentialsRefused),
            (7_000_222, Kind::PasswordExpired),
            (700_027, Kind::CredentialsRefused),
            (700_024, Kind::ClockSkew),
            (700_016, Kind::AccountUnknown),
            (7_000_112, Kind::AccountDisabled),
            (90_002, Kind::TenantUnknown),
            (900_432, Kind::TenantUnknown),
            (500_011, Kind::TenantUnknown),
            (65_001, Kind::ConsentMissing),
            (53_003, Kind::Forbidden),
            (70_011, Kind::Token),
            (90_024, Kind::Transient),
            (1, Kind::Token),
        ];
        let mut causes = Vec::new();
        for (number, kind) in rows {
            let error = refusal(number, "invalid_request");
            assert_eq!((error.kind(), error.step()), (kind, Some(Step::Authentication)), "{number}");
            assert_eq!(error.code().map(|code| code.as_str().to_owned()), Some(format!("AADSTS{number}")));
            assert_eq!(error.request_id(), Some("5d6c0b3e-0000-4000-8000-000000000000"));
            assert!(!error.is_mailbox(), "{number}");
            for language in Language::ALL {
                let text = error.describe(language);
                assert!(!text.contains("LEAK"), "{text}");
                causes.push(error.cause().in_language(language).to_owned());
            }
        }
        causes.sort_unstable();
        causes.dedup();
        // Each row tells its own cause, but for the wrong cloud (two numbers) and what is unknown or about the scope.
        assert!(causes.len() >= 2 * (rows.len() - 2), "{}", causes.len());
    }

    #[test]
    fn an_unknown_number_is_judged_by_its_error() {
        for (error, kind) in [
            ("invalid_client", Kind::CredentialsRefused),
            ("unauthorized_client", Kind::AccountUnknown),
            ("temporarily_unavailable", Kind::Transient),
            ("invalid_scope", Kind::Token),
        ] {
            assert_eq!(refusal(123_456_789, error).kind(), kind, "{error}");
        }
        assert_eq!(read(503, b"<html>").err().map(|e| e.kind()), Some(Kind::Unavailable));
        assert_eq!(read(404, b"").err().map(|e| e.kind()), Some(Kind::NotTheService));
    }

    #[test]
    fn a_token_is_read_with_its_time() {
        let body = |expires: serde_json::Value| {
            json!({"token_type": "bearer", "expires_in": expires, "access_token": "abc.def"}).to_string()
        };
        assert_eq!(read(200, body(3599.into()).as_bytes()).ok().map(|i| i.lasts.as_secs()), Some(3_599));
        assert_eq!(read(200, body("3599".into()).as_bytes()).ok().map(|i| i.lasts.as_secs()), Some(3_599));
        for wrong in ["bald".into(), serde_json::Value::Null, (-1).into()] {
            assert!(read(200, body(wrong).as_bytes()).is_err());
        }
        for token in ["", "a b", "a\nb", "ä"] {
            let body = json!({"token_type": "Bearer", "expires_in": 1, "access_token": token}).to_string();
            assert!(read(200, body.as_bytes()).is_err(), "{token:?}");
        }
        let pop = json!({"token_type": "pop", "expires_in": 1, "access_token": "abc"}).to_string();
        assert!(read(200, pop.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_token_or_an_error_that_repeats_nothing(status in 100_u16..999, text in "[a-z ]{0,20}GEHEIM[\"{}:, a-z]{0,40}") {
            if let Err(error) = read(status, text.as_bytes()) {
                let shown = format!("{error:?} {}", Language::ALL.map(|language| error.describe(language)).concat());
                prop_assert!(!shown.contains("GEHEIM"));
            }
        }
    }
}
