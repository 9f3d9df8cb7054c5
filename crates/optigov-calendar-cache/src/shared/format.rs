//! The bytes of a reading in the store.
//!
//! `oR`, the format's version, 8 bytes of a SHA-256 over the mailbox's key and what follows, then the reading as [postcard] writes it. An entry
//! takes 8 to 10 bytes. Anything else that lies under our names is no reading: bytes of other programs, of other versions, of another mailbox.
//!
//! [postcard]: https://postcard.jamesmunns.com/wire-format

use sha2::{Digest, Sha256};

use crate::{CacheKey, Reading};

const MAGIC: [u8; 3] = *b"oR\x02";
const SUM: usize = 8;

/// A reading as it is stored for a mailbox.
pub(crate) fn encode(key: CacheKey, reading: &Reading) -> Result<Vec<u8>, postcard::Error> {
    let body = postcard::to_stdvec(reading)?;
    let mut bytes = Vec::with_capacity(MAGIC.len() + SUM + body.len());
    bytes.extend(MAGIC);
    bytes.extend(sum(key, &body));
    bytes.extend(body);
    Ok(bytes)
}

/// The reading that was stored for a mailbox; `None` where the bytes are none of this format and mailbox.
pub(crate) fn decode(key: CacheKey, bytes: &[u8]) -> Option<Reading> {
    let (found, body) = bytes.strip_prefix(&MAGIC)?.split_at_checked(SUM)?;
    if found != sum(key, body) {
        return None;
    }
    postcard::from_bytes(body).ok()
}

fn sum(key: CacheKey, body: &[u8]) -> [u8; SUM] {
    let mut hash = Sha256::new();
    hash.update(key.to_string());
    hash.update(body);
    let mut sum = [0; SUM];
    sum.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    sum
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use optigov_calendar::{Calendar, CalendarEntry, EntryStatus};
    use optigov_slots::Interval;
    use proptest::prelude::*;

    use super::*;
    use crate::WatchId;

    fn key(name: &str) -> CacheKey {
        CacheKey::new("", &format!("{name}@stadt.example").parse().expect("an address"))
    }

    fn reading(entries: Vec<CalendarEntry>) -> Reading {
        let window = Interval::from_unix(1_803_859_200, 1_811_635_200).expect("not empty");
        let read_at = DateTime::from_timestamp(1_803_859_200, 123_456_789).expect("an instant");
        Reading::new(window, read_at, Calendar::without_all_day_flag(entries))
            .under(Some(WatchId::from_number(u64::MAX)))
    }

    #[test]
    fn an_entry_takes_ten_bytes_at_most_and_a_reading_a_hundred_more() {
        let timed = |n: i64| {
            let start = 1_803_859_200 + n * 3_600;
            CalendarEntry::timed(Interval::from_unix(start, start + 86_400).expect("not empty"), EntryStatus::Busy)
        };
        let none = encode(key("anna"), &reading(Vec::new())).expect("it is written").len();
        let some = encode(key("anna"), &reading((0..1_000).map(timed).collect())).expect("it is written").len();
        assert!(none <= 100, "{none}");
        assert!(some - none <= 10_000, "{}", some - none);
    }

    #[test]
    fn what_is_not_ours_is_no_reading() {
        let whole = encode(key("anna"), &reading(Vec::new())).expect("it is written");
        assert!(decode(key("anna"), &whole).is_some());
        assert!(decode(key("berta"), &whole).is_none(), "another mailbox's");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert!(decode(key("anna"), &bytes).is_none(), "byte {at} differs");
            assert!(decode(key("anna"), &whole[..at]).is_none(), "cut off at {at}");
        }
    }

    fn entry() -> impl Strategy<Value = CalendarEntry> {
        let timed = (-4_000_000_000_i64..4_000_000_000, 1_i64..40_000_000).prop_map(|(start, length)| {
            CalendarEntry::timed(Interval::from_unix(start, start + length).expect("not empty"), EntryStatus::Tentative)
        });
        let all_day = (0_i32..40_000, 0_i32..400).prop_map(|(first, days)| {
            let date = |day| NaiveDate::from_num_days_from_ce_opt(719_163 + day).expect("a date");
            CalendarEntry::all_day(date(first), date(first + days), EntryStatus::OutOfOffice).cancelled()
        });
        prop_oneof![timed, all_day]
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(entries in prop::collection::vec(entry(), 0..50)) {
            let reading = reading(entries);
            let bytes = encode(key("anna"), &reading).expect("it is written");
            prop_assert_eq!(decode(key("anna"), &bytes), Some(reading));
        }

        #[test]
        fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(key("anna"), &bytes), None);
        }
    }
}
