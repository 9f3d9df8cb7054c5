//! Why calendars are not watched, in words.

use std::time::Duration;

use optigov_calendar::{Origin, ReadError, ReadErrorKind, Text};

/// The same as an error that says that nothing is to be waited for.
pub(super) fn denied(error: &ReadError) -> ReadError {
    let fact = Text::fixed(
        "das Konto bekommt für dieses Postfach keine Benachrichtigungen",
        "the account gets no notifications for this mailbox",
    );
    let told =
        ReadError::new(ReadErrorKind::NotWatchable, fact).with_origin(Origin::Account).with_source(error.clone());
    let told = match error.code() {
        Some(code) => told.with_code(code.as_str()),
        None => told,
    };
    match error.request_id() {
        Some(id) => told.with_request_id(id),
        None => told,
    }
}

pub(super) fn closed() -> ReadError {
    let fact = Text::fixed(
        "der Server hat den Strom der Benachrichtigungen geschlossen",
        "the server has closed the stream of notifications",
    );
    ReadError::new(ReadErrorKind::Interrupted, fact)
}

pub(super) fn no_place(allowed: usize) -> ReadError {
    let fact = Text::new(
        format!("für dieses Postfach ist in den {allowed} erlaubten Verbindungen für Benachrichtigungen kein Platz"),
        format!("the {allowed} connections that notifications may use have no room for this mailbox"),
    );
    let cause = Text::fixed(
        "Eine Verbindung trägt die Benachrichtigungen von höchstens 200 Postfächern, und die Zahl der Verbindungen ist begrenzt.",
        "A connection carries the notifications of 200 mailboxes at most, and the number of connections is bounded.",
    );
    let remedy = Text::fixed(
        "Erhöhen Sie „hanging_connections“, und wenn der Server die Grenze zieht, dort „HangingConnectionLimit“. Bis dahin wird der Kalender in festen Abständen gelesen.",
        "Raise \"hanging_connections\", and where the server draws the line, \"HangingConnectionLimit\" there. Until then the calendar is read at regular intervals.",
    );
    ReadError::new(ReadErrorKind::LimitReached, fact).with_origin(Origin::Configuration).with_texts(cause, remedy)
}

pub(super) fn silent(patience: Duration) -> ReadError {
    let seconds = patience.as_secs();
    let fact = Text::new(
        format!("die Benachrichtigungen zeigen seit {seconds} Sekunden kein Lebenszeichen"),
        format!("the notifications have shown no sign of life for {seconds} seconds"),
    );
    ReadError::new(ReadErrorKind::Timeout, fact)
}

pub(super) fn ended_early(is_within: bool) -> ReadError {
    let fact = match is_within {
        true => Text::fixed(
            "der Strom der Benachrichtigungen endet mitten in einem Umschlag",
            "the stream of notifications ends inside an envelope",
        ),
        false => Text::fixed(
            "der Strom der Benachrichtigungen endet, ohne dass der Server ihn geschlossen hat",
            "the stream of notifications ends although the server has not closed it",
        ),
    };
    ReadError::new(ReadErrorKind::Interrupted, fact)
}

/// What is said of mailboxes that were not asked for since it would have been in vain.
pub(super) fn not_asked() -> ReadError {
    let fact = Text::fixed(
        "nach anderen Postfächern zu urteilen, sind Benachrichtigungen zurzeit nicht zu bekommen",
        "to judge by other mailboxes, notifications are not to be had at present",
    );
    ReadError::new(ReadErrorKind::Transient, fact).at(None)
}

pub(super) fn unanswered() -> ReadError {
    let fact = Text::fixed(
        "der Server schickt auf die Bitte um Benachrichtigungen nichts",
        "the server sends nothing when it is asked for notifications",
    );
    ReadError::new(ReadErrorKind::Timeout, fact)
}

pub(super) fn no_overlap() -> ReadError {
    let fact = Text::fixed(
        "der Server erlaubt keine weitere Verbindung, die diese lückenlos ablöst",
        "the server allows no further connection that would replace this one without a gap",
    );
    ReadError::new(ReadErrorKind::Interrupted, fact)
}
