//! One file per operation: its request and how its answer is read. None of them changes a mailbox.

pub(crate) mod find_item;
pub(crate) mod get_folder;
pub(crate) mod get_server_time_zones;
pub(crate) mod get_streaming_events;
pub(crate) mod get_user_availability;
pub(crate) mod subscribe;
pub(crate) mod unsubscribe;

use optigov_calendar::{EntryStatus, ReadError, TitleVisibility};

use crate::error::malformed;

/// Sets what an answer may say once only. Where it says it twice, nothing tells which of the two is true.
///
/// # Errors
/// [`Malformed`](optigov_calendar::ReadErrorKind::Malformed) where it was set already.
#[inline]
pub(crate) fn set_once<T>(place: &mut Option<T>, value: T, name: &'static str) -> Result<(), ReadError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice(name)),
    }
}

/// The error of an answer that holds an element twice.
#[cold]
pub(crate) fn twice(name: &'static str) -> ReadError {
    malformed(format!("die Antwort nennt {name} zweimal"), format!("the answer holds {name} twice"))
}

/// A status as Exchange writes it, in `LegacyFreeBusyStatus` and in `BusyType`.
fn entry_status(text: &str) -> EntryStatus {
    match text.trim() {
        "Free" => EntryStatus::Free,
        "Tentative" => EntryStatus::Tentative,
        "Busy" => EntryStatus::Busy,
        "OOF" => EntryStatus::OutOfOffice,
        "WorkingElsewhere" => EntryStatus::WorkingElsewhere,
        "NoData" => EntryStatus::NoData,
        _ => EntryStatus::Unknown,
    }
}

/// What the connection check sees of titles. The titles themselves are dropped where they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TitleCount {
    /// Entries in the answer.
    pub(crate) entries: usize,
    /// Entries that came with a field for the title, empty or not.
    pub(crate) fields: usize,
    /// Entries whose title is not empty.
    pub(crate) titled: usize,
}

impl TitleCount {
    /// Counts one entry; `title` says whether it came with a title, and whether that had a text.
    fn add(&mut self, title: Option<bool>) {
        self.entries += 1;
        self.fields += usize::from(title.is_some());
        self.titled += usize::from(title == Some(true));
    }

    /// What an owner's view says: an entry without a title leaves it open whether titles can be seen.
    pub(crate) fn seen_by_the_owner(self) -> TitleVisibility {
        if self.titled > 0 { TitleVisibility::Visible } else { TitleVisibility::CannotTell }
    }

    /// What a free/busy answer with details says: the server leaves the details out where the account's rights do not reach so far.
    pub(crate) fn seen_in_free_busy(self) -> TitleVisibility {
        match (self.entries, self.fields, self.titled) {
            (_, _, 1..) => TitleVisibility::Visible,
            (1.., 0, 0) => TitleVisibility::Hidden,
            _ => TitleVisibility::CannotTell,
        }
    }
}

/// Holds a request against its golden file; `UPDATE_EXPECT=1` writes it anew.
#[cfg(test)]
pub(crate) fn golden(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name);
    expect_test::expect_file![path].assert_eq(actual);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_without_a_title_say_nothing_and_hidden_details_do() {
        let count = |titles: &[Option<bool>]| {
            let mut count = TitleCount::default();
            titles.iter().for_each(|title| count.add(*title));
            count
        };
        use TitleVisibility::{CannotTell, Hidden, Visible};
        for (titles, owner, free_busy) in [
            (&[][..], CannotTell, CannotTell),
            (&[None, None], CannotTell, Hidden),
            (&[None, Some(false)], CannotTell, CannotTell),
            (&[None, Some(true)], Visible, Visible),
        ] {
            assert_eq!((count(titles).seen_by_the_owner(), count(titles).seen_in_free_busy()), (owner, free_busy));
        }
    }
}
