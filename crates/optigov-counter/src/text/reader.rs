//! From the tree to the model: collects every fault with its path instead of stopping at the first.

use std::{borrow::Cow, ops::RangeInclusive};

use optigov_calendar::Text;

use crate::{
    fault::{Code, Fault, Severity, Step, shortened},
    text::{sharing::Origins, value::Value},
};

/// More faults than this are not kept: the text is wrong as a whole.
pub(crate) const MOST_FAULTS: usize = 200;

/// The tables of a municipality that counters share.
pub(crate) const SHARED: [&str; 4] = ["hours", "booking", "groups", "sites"];

/// A type that a configuration value is read into. `None` means that the reader has been told what is wrong.
pub(crate) trait Read: Sized {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self>;
}

/// Where reading is, and what was found wrong so far.
#[derive(Default)]
pub(crate) struct Reader {
    path: Vec<Step>,
    faults: Vec<Fault>,
    refused: bool,
    /// Tables with an unknown key, and the key that was most likely meant.
    misspelt: Vec<(Vec<Step>, &'static str)>,
    /// Where the parts of counters stand that they share.
    origins: Option<Origins>,
}

impl Reader {
    /// All that was found, in the order in which it was found.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// Whether an error, not only warnings, was found.
    pub(crate) fn has_errors(&self) -> bool {
        self.refused
    }

    /// Notes a fault; its own steps lie below the place where reading is. What follows from a misspelt key is not noted beside it, and what is wrong with
    /// something shared is noted once, where it stands.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() >= MOST_FAULTS {
            self.refused |= fault.severity() == Severity::Error;
            return;
        }
        let mut fault = fault.at(&self.path);
        if self.follows_from_a_misspelt_key(&fault) {
            return;
        }
        self.refused |= fault.severity() == Severity::Error;
        let shared = self.origins.as_ref().is_some_and(|origins| origins.retell(&mut fault));
        // A name that does not exist stands once in a group that many counters are in.
        let told_once = shared || fault.code() == Code::UnknownName;
        if !(told_once && self.faults.contains(&fault)) {
            self.faults.push(fault);
        }
    }

    /// From now on, what is wrong with a shared part of a counter is told where the part stands.
    pub(crate) fn with_origins(&mut self, origins: Origins) {
        self.origins = Some(origins);
    }

    /// Whether the table where reading is has an unknown key that most likely was meant to be this one.
    pub(crate) fn is_misspelt(&self, key: &str) -> bool {
        self.misspelt.iter().any(|(table, meant)| *table == self.path && *meant == key)
    }

    fn follows_from_a_misspelt_key(&self, fault: &Fault) -> bool {
        let (last, above) = match fault.steps.as_slice() {
            [above @ .., Step::Key(last)] => (&**last, above),
            all => ("", all),
        };
        let in_shared = |table: &[Step]| matches!(table, [Step::Key(key), ..] if SHARED.contains(&&**key));
        self.misspelt.iter().any(|(table, meant)| match fault.code() {
            Code::MissingKey => above == table && last == *meant,
            Code::Conflict | Code::SyncWithoutMailbox | Code::TooFewMailboxes => {
                above == table || fault.steps == *table
            }
            Code::NothingBookable => fault.steps == *table || in_shared(table),
            Code::Unused => matches!(*meant, "hours" | "group" | "site" | "booking"),
            _ => false,
        })
    }

    /// Notes a fault and gives up on the value.
    pub(crate) fn refuse<T>(&mut self, fault: Fault) -> Option<T> {
        self.fault(fault);
        None
    }

    /// Reads something below a key of the table where reading is.
    pub(crate) fn below<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Reader) -> T) -> T {
        self.step(Step::Key(Cow::Borrowed(key)), read)
    }

    /// Reads something below a name that the text gives.
    pub(crate) fn named<T>(&mut self, name: &str, read: impl FnOnce(&mut Reader) -> T) -> T {
        self.step(Step::Key(Cow::Owned(shortened(name))), read)
    }

    /// Reads an element of the list where reading is.
    pub(crate) fn element<T>(&mut self, index: usize, read: impl FnOnce(&mut Reader) -> T) -> T {
        self.step(Step::Index(index), read)
    }

    /// Reads something at another place of the text.
    pub(crate) fn at<T>(&mut self, path: Vec<Step>, read: impl FnOnce(&mut Reader) -> T) -> T {
        let here = std::mem::replace(&mut self.path, path);
        let result = read(self);
        self.path = here;
        result
    }

    fn step<T>(&mut self, step: Step, read: impl FnOnce(&mut Reader) -> T) -> T {
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    /// The values of a table's keys, in the order of `keys`. An unknown key or one that is there twice is a fault, and the others are still given.
    pub(crate) fn table<'v, 'i, const N: usize>(
        &mut self,
        value: &'v Value<'i>,
        keys: &[&'static str; N],
    ) -> Option<[Option<&'v Value<'i>>; N]> {
        let Value::Table(entries) = value else {
            return self.refuse(wrong_type(value, "eine Tabelle von Schlüsseln", "a table of keys"));
        };
        let mut values = [None; N];
        // What we write has the order of the format: the next key is mostly the one after the last.
        let mut next = 0;
        for (key, value) in entries.iter() {
            let found = (next..N).chain(0..next).find(|index| keys[*index] == *key);
            match found {
                Some(index) if values[index].is_some() => self.fault(duplicate_key(key)),
                Some(index) => {
                    next = index + 1;
                    if *value != Value::Null {
                        values[index] = Some(value);
                    }
                }
                // What is not kept is not put into words: that takes far longer than reading.
                None if self.faults.len() >= MOST_FAULTS => self.refused = true,
                None => {
                    if let Some(meant) = nearest(&canonical(key), keys.iter().copied()) {
                        self.misspelt.push((self.path.clone(), meant));
                    }
                    self.fault(unknown_key(key, keys));
                }
            }
        }
        Some(values)
    }

    /// A value that must be there.
    pub(crate) fn required<T: Read>(&mut self, key: &'static str, value: Option<&Value<'_>>) -> Option<T> {
        self.below(key, |reader| match value {
            Some(value) => T::read(value, reader),
            None => reader.refuse(Fault::new(
                Code::MissingKey,
                Text::new(format!("Der Schlüssel „{key}“ fehlt."), format!("The key \"{key}\" is missing.")),
                Text::fixed("Bitte den Schlüssel ergänzen.", "Add the key."),
            )),
        })
    }

    /// A value that may be left out.
    pub(crate) fn optional<T: Read>(&mut self, key: &'static str, value: Option<&Value<'_>>) -> Option<Option<T>> {
        match value {
            Some(value) => self.below(key, |reader| T::read(value, reader)).map(Some),
            None => Some(None),
        }
    }

    /// A value that stands for its default when it is left out.
    pub(crate) fn or_default<T: Read + Default>(&mut self, key: &'static str, value: Option<&Value<'_>>) -> Option<T> {
        self.optional(key, value).map(Option::unwrap_or_default)
    }
}

impl Read for bool {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            _ => reader.refuse(wrong_type(value, "true oder false", "true or false")),
        }
    }
}

/// Every element that can be read is; the list counts only if all could.
impl<T: Read> Read for Vec<T> {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let elements = list(value, reader)?;
        let mut all = Vec::with_capacity(elements.len());
        let readable = elements
            .iter()
            .enumerate()
            .filter_map(|(index, element)| reader.element(index, |reader| T::read(element, reader)));
        all.extend(readable);
        (all.len() == elements.len()).then_some(all)
    }
}

fn list<'v, 'i>(value: &'v Value<'i>, reader: &mut Reader) -> Option<&'v [Value<'i>]> {
    match value {
        Value::List(elements) => Some(elements),
        _ => reader.refuse(wrong_type(value, "eine Liste", "a list")),
    }
}

/// The elements of a list, as far as they could be read.
pub(crate) struct Readable<T>(Vec<Option<T>>);

impl<T> Readable<T> {
    /// Each element that could be read, with its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().enumerate().filter_map(|(index, element)| Some((index, element.as_ref()?)))
    }

    pub(crate) fn complete(self) -> Option<Vec<T>> {
        self.0.into_iter().collect()
    }
}

impl<T> Default for Readable<T> {
    fn default() -> Readable<T> {
        Readable(Vec::new())
    }
}

impl<T: Read> Read for Readable<T> {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        let elements = list(value, reader)?;
        let read = |(index, element)| reader.element(index, |reader| T::read(element, reader));
        Some(Readable(elements.iter().enumerate().map(read).collect()))
    }
}

/// Reads a whole tree; with the value come its warnings.
pub(crate) fn read_whole<T: Read>(value: &Value<'_>) -> Result<(T, Vec<Fault>), crate::Faults> {
    let mut reader = Reader::default();
    let read = T::read(value, &mut reader);
    let refused = reader.has_errors();
    match read {
        Some(read) if !refused => Ok((read, reader.into_faults())),
        _ => Err(crate::Faults::new(reader.into_faults())),
    }
}

/// The text of a value, or the fault that it is none.
pub(crate) fn text<'v>(value: &'v Value<'_>, reader: &mut Reader) -> Option<&'v str> {
    match value {
        Value::Text(text) => Some(text),
        _ => reader.refuse(wrong_type(value, "einen Text", "a text")),
    }
}

/// The text of a value that has a form of its own, of which an example is shown.
pub(crate) fn text_like<'v>(example: &str, value: &'v Value<'_>, reader: &mut Reader) -> Option<&'v str> {
    match value {
        Value::Text(text) => Some(text),
        _ => reader.refuse(wrong_type(
            value,
            &format!("einen Text wie „{example}“"),
            &format!("a text such as \"{example}\""),
        )),
    }
}

/// A whole number within limits.
pub(crate) fn whole_number(value: &Value<'_>, allowed: RangeInclusive<u32>, reader: &mut Reader) -> Option<u32> {
    let Value::Integer(number) = value else {
        return reader.refuse(wrong_type(value, "eine ganze Zahl", "a whole number"));
    };
    match u32::try_from(*number) {
        Ok(number) if allowed.contains(&number) => Some(number),
        _ => reader.refuse(Fault::new(
            Code::OutOfRange,
            Text::new(format!("Die Zahl {number} ist nicht erlaubt."), format!("The number {number} is not allowed.")),
            Text::new(
                format!("Bitte eine Zahl von {} bis {} angeben.", allowed.start(), allowed.end()),
                format!("Give a number from {} to {}.", allowed.start(), allowed.end()),
            ),
        )),
    }
}

/// One of the words that a key takes; `-` and `_` are the same.
pub(crate) fn word<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, Fault> {
    if let Some((_, value)) = words.iter().find(|(word, _)| is_word(text, word)) {
        return Ok(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let (shown, list) = (shortened(text), known.join(", "));
    Err(Fault::new(
        Code::UnknownWord,
        Text::new(format!("„{shown}“ ist hier kein bekanntes Wort."), format!("\"{shown}\" is not a known word here.")),
        suggestion(&canonical(text), known.into_iter()).unwrap_or_else(|| {
            Text::new(
                format!("Bitte eines dieser Wörter angeben: {list}."),
                format!("Give one of these words: {list}."),
            )
        }),
    ))
}

/// Whether a text is this word: in any case, `-` and `_` being the same.
fn is_word(text: &str, word: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    text.len() == word.len() && text.bytes().map(plain).eq(word.bytes().map(plain))
}

/// A value that is one of the words that its key takes.
pub(crate) fn word_value<T: Copy>(value: &Value<'_>, reader: &mut Reader, words: &[(&'static str, T)]) -> Option<T> {
    let text = text(value, reader)?;
    word(text, words).map_err(|fault| reader.fault(fault)).ok()
}

/// "Did you mean …?", if something known is near enough.
pub(crate) fn suggestion<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<Text> {
    nearest(wrong, known).map(|word| Text::new(format!("Ist „{word}“ gemeint?"), format!("Did you mean \"{word}\"?")))
}

/// The known word that is near enough to be meant.
fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if wrong.len() > LONGEST {
        return None;
    }
    let distance = |word: &str| strsim::damerau_levenshtein(wrong, word);
    let (nearest, edits) = known.map(|word| (word, distance(word))).min_by_key(|(_, edits)| *edits)?;
    let near = edits <= 1 + nearest.chars().count() / 4 || (wrong.len() > 3 && nearest.starts_with(wrong));
    near.then_some(nearest)
}

/// A key or a word as the format writes it.
fn canonical(word: &str) -> String {
    word.replace('-', "_").to_ascii_lowercase()
}

pub(crate) fn wrong_type(value: &Value<'_>, expected_de: &str, expected_en: &str) -> Fault {
    let (found_de, found_en) = match value {
        Value::Null => ("null", "null"),
        Value::Boolean(_) => ("ein Wahrheitswert", "true or false"),
        Value::Integer(_) => ("eine ganze Zahl", "a whole number"),
        Value::Fraction => ("eine Zahl", "a number"),
        Value::Text(_) => ("ein Text", "a text"),
        Value::List(_) => ("eine Liste", "a list"),
        Value::Table(_) => ("eine Tabelle von Schlüsseln", "a table of keys"),
    };
    Fault::new(
        Code::WrongType,
        Text::new(format!("Hier steht {found_de}."), format!("There is {found_en} here.")),
        Text::new(format!("Bitte {expected_de} angeben."), format!("Give {expected_en}.")),
    )
}

/// A text that has not the form that its key takes.
pub(crate) fn malformed(text: &str, expected_de: &str, expected_en: &str) -> Fault {
    let shown = shortened(text);
    Fault::new(
        Code::Malformed,
        Text::new(
            format!("„{shown}“ hat nicht die Form, die hier nötig ist."),
            format!("\"{shown}\" does not have the form that is needed here."),
        ),
        Text::new(format!("Bitte {expected_de} angeben."), format!("Give {expected_en}.")),
    )
}

fn unknown_key(key: &str, known: &[&'static str]) -> Fault {
    let plain = key.to_lowercase();
    if ["password", "passwort", "kennwort", "passphrase", "token"].iter().any(|word| plain.contains(word)) {
        return inline_secret().at_key(key);
    }
    let (shown, list) = (shortened(key), known.join(", "));
    Fault::new(
        Code::UnknownKey,
        Text::new(format!("Den Schlüssel „{shown}“ gibt es hier nicht."), format!("There is no key \"{shown}\" here.")),
        suggestion(&canonical(key), known.iter().copied()).unwrap_or_else(|| {
            Text::new(
                format!("Bitte einen dieser Schlüssel verwenden: {list}."),
                format!("Use one of these keys: {list}."),
            )
        }),
    )
    .at_key(key)
}

/// A secret that stands in the configuration itself. It is never repeated.
pub(crate) fn inline_secret() -> Fault {
    Fault::new(
        Code::InlineSecret,
        Text::new("Ein Geheimnis gehört nicht in die Konfiguration.", "A secret does not belong in the configuration."),
        Text::new(
            "Bitte nur angeben, wo es steht: secret = { env = \"NAME\" }, secret = { file = \"/pfad\" } oder secret = \"provided\".",
            "Say only where it is: secret = { env = \"NAME\" }, secret = { file = \"/path\" } or secret = \"provided\".",
        ),
    )
}

pub(crate) fn duplicate_key(key: &str) -> Fault {
    let shown = shortened(key);
    Fault::new(
        Code::DuplicateKey,
        Text::new(format!("Der Schlüssel „{shown}“ kommt zweimal vor."), format!("The key \"{shown}\" appears twice.")),
        Text::fixed("Bitte einen der beiden entfernen.", "Remove one of the two."),
    )
    .at_key(key)
}
