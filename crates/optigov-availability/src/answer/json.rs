//! Answers as JSON, written directly: the same bytes as serde_json makes of them, in a fraction of the time, and piece by piece where they are
//! sent as a stream.

use chrono::SubsecRound as _;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::{
    Answer, CounterAnswer,
    days::write_date,
    local_time::{SlotTexts, local},
};

/// More than one slot takes.
const SLOT: usize = 128;
/// From how many bytes on a chunk is full. With the slot that comes then, it has 4 KiB at most, unless a counter's texts are long.
const CHUNK: usize = 4_096 - SLOT;

impl Answer {
    /// The answer as JSON: the same bytes as `serde_json::to_vec` makes, in a fraction of the time.
    pub fn to_json(&self) -> Vec<u8> {
        let slots: usize = self.counters.iter().map(|counter| counter.slots.len()).sum();
        let mut out = Vec::with_capacity(256 + 256 * self.counters.len() + 80 * slots);
        let mut place = Place::Beginning;
        while let Some(next) = place.write(self, &mut out, usize::MAX) {
            place = next;
        }
        out
    }

    /// The same bytes in chunks of some 4 KiB, each made when it is asked for. For a body that is streamed: beside the slots, one chunk is held at
    /// a time.
    pub fn into_json_chunks(self) -> JsonChunks {
        JsonChunks { answer: self, place: Some(Place::Beginning) }
    }
}

/// An answer as JSON, chunk by chunk; see [`Answer::into_json_chunks`].
#[derive(Clone, Debug)]
pub struct JsonChunks {
    answer: Answer,
    place: Option<Place>,
}

impl Iterator for JsonChunks {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut place = self.place?;
        let mut out = Vec::with_capacity(CHUNK + SLOT);
        self.place = loop {
            match place.write(&self.answer, &mut out, CHUNK) {
                Some(next) if out.len() < CHUNK => place = next,
                next => break next,
            }
        };
        Some(out)
    }
}

/// How far an answer has been written.
#[derive(Clone, Copy, Debug)]
enum Place {
    Beginning,
    /// Before the counter with this index.
    Counter(usize),
    /// Among the slots of a counter: before the first that starts at this second or later.
    Slots {
        counter: usize,
        from: i64,
        is_first: bool,
    },
    /// After the slots of a counter.
    Warnings(usize),
}

impl Place {
    /// Writes what comes here, and says what comes then. Slots are written until there are `most` bytes.
    fn write(self, answer: &Answer, out: &mut Vec<u8>, most: usize) -> Option<Place> {
        match self {
            Place::Beginning => {
                beginning(answer, out);
                Some(Place::Counter(0))
            }
            Place::Counter(index) => {
                let Some(counter) = answer.counters.get(index) else {
                    out.extend_from_slice(b"]}");
                    return None;
                };
                head(counter, index, "slots", out);
                Some(Place::Slots { counter: index, from: i64::MIN, is_first: true })
            }
            Place::Slots { counter, from, is_first } => {
                let slots = answer.counters.get(counter).and_then(|counter| slots(counter, from, is_first, out, most));
                Some(match slots {
                    Some(from) => Place::Slots { counter, from, is_first: false },
                    None => Place::Warnings(counter),
                })
            }
            Place::Warnings(index) => {
                tail(answer.counters.get(index), out);
                Some(Place::Counter(index + 1))
            }
        }
    }
}

/// The counts of an answer's days; see [`DayCounts::to_json`](super::DayCounts::to_json).
pub(super) fn day_counts(answer: &Answer) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + 1_536 * answer.counters.len());
    beginning(answer, &mut out);
    for (index, counter) in answer.counters.iter().enumerate() {
        head(counter, index, "days", &mut out);
        for (nth, (date, free)) in counter.counts_per_day().enumerate() {
            out.extend_from_slice(if nth == 0 { br#"{"date":""# } else { br#",{"date":""# });
            write_date(&mut out, date);
            out.extend_from_slice(br#"","free":"#);
            write_number(&mut out, free);
            out.push(b'}');
        }
        tail(Some(counter), &mut out);
    }
    out.extend_from_slice(b"]}");
    out
}

fn beginning(answer: &Answer, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"now":"#);
    write(out, &local(answer.now.trunc_subsecs(0), answer.zone));
    out.extend_from_slice(br#","counters":["#);
}

/// What comes before a counter's list, its opening bracket included.
fn head(counter: &CounterAnswer, index: usize, list: &str, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    write(out, &Head(counter));
    // The list and the warnings still belong to the object.
    out.pop();
    out.extend_from_slice(b",\"");
    out.extend_from_slice(list.as_bytes());
    out.extend_from_slice(b"\":[");
}

/// What comes after a counter's list, its closing bracket included.
fn tail(counter: Option<&CounterAnswer>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"],"warnings":"#);
    if let Some(counter) = counter {
        write(out, &counter.warning_list());
    }
    out.push(b'}');
}

/// Writes the slots that start at `from` or later until there are `most` bytes. Returns from where to go on, if there are more.
fn slots(counter: &CounterAnswer, from: i64, is_first: bool, out: &mut Vec<u8>, most: usize) -> Option<i64> {
    let slots = &counter.slots;
    let from = chrono::DateTime::from_timestamp(from, 0).unwrap_or(chrono::DateTime::<chrono::Utc>::MIN_UTC);
    let mut texts = SlotTexts::new(slots, counter.zone);
    let mut comma = if is_first { &b""[..] } else { b"," };
    for slot in slots.iter_from(from) {
        if out.len() >= most {
            return Some(slot.start_unix());
        }
        out.extend_from_slice(comma);
        comma = b",";
        texts.write(slot.start_unix(), slot.end_unix(), out);
    }
    None
}

/// What is said of a counter before its list.
struct Head<'a>(&'a CounterAnswer);

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Head", 5 + usize::from(self.0.age_seconds().is_some()))?;
        self.0.serialize_head(&mut fields)?;
        fields.end()
    }
}

fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("texts, numbers and lists of them are written to memory without fault");
}

/// Appends a number in decimal digits.
fn write_number(out: &mut Vec<u8>, mut number: usize) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break out.extend_from_slice(&digits[first..]);
        }
    }
}
