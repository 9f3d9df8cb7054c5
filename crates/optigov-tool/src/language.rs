//! Which language the tool speaks.

use std::{ffi::OsString, sync::OnceLock};

use optigov_availability::Language;

static SPOKEN: OnceLock<Language> = OnceLock::new();

/// The language that `--lang` names, else the one of the locale (`LC_ALL`, `LC_MESSAGES`, `LANG`). Without a locale it is German; a locale of any other language gives English.
///
/// It has to be known before the command line is read, because help and errors speak it, too.
pub(crate) fn wanted(arguments: &[OsString]) -> Language {
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|argument| argument.to_str()).collect();
    let named = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--lang") {
        Some("") => words.get(at + 1).copied(),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    let locale = locale.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
    let language = named.and_then(|word| word.parse().ok()).unwrap_or_else(|| of_locale(&locale));
    *SPOKEN.get_or_init(|| language)
}

/// The language that was found, for readers of values, which are not told.
pub(crate) fn spoken() -> Language {
    SPOKEN.get().copied().unwrap_or_default()
}

fn of_locale(locale: &str) -> Language {
    let code = locale.split(['_', '.', '@']).next().unwrap_or_default();
    match code {
        "" | "C" | "POSIX" | "de" => Language::German,
        _ => Language::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_and_without_one_it_is_german() {
        for locale in ["", "C", "C.UTF-8", "POSIX", "de_DE.UTF-8", "de", "de_AT@euro"] {
            assert_eq!(of_locale(locale), Language::German, "{locale}");
        }
        for locale in ["en_US.UTF-8", "en", "fr_FR.UTF-8"] {
            assert_eq!(of_locale(locale), Language::English, "{locale}");
        }
    }
}
