//! A source that finds out in which of several places a mailbox lies, and finds it again after it has moved.

mod known;
mod watching;

use std::{num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future;
use optigov_slots::Interval;

use self::known::{Known, Places, Verdict};
use crate::{
    Calendar, CalendarSource, Changes, ConnectionReport, Language, Mailbox, Origin, ReadError, ReadErrorKind, ServerId,
    Step, StepReport, Text, check_window,
};

/// Reads each mailbox where it lies, and learns from the servers' answers where that is.
///
/// A mailbox of which nothing is known is asked for in every place. It lies where its calendar can be read, if every other place says that it does not have it, or may not be
/// read by us there. From then on it is asked for there only, until that place says that it does not have it any more; then all are asked again. So a mailbox
/// that moves is found again, and while no place has it, it is unknown, not empty.
///
/// It is an error as well, and not a guess:
///
/// - where several places have the mailbox: which one holds the calendar that people use cannot be told;
/// - where a place does not answer at all, as long as it has never been asked successfully for this mailbox: it could be the one.
///
/// A mailbox that no place has, or that several have, costs one request for each reading: the places take turns, and all are asked only once an answer differs from the
/// last one. What is known is bounded: of more than 100,000 mailboxes, some are forgotten and looked for again.
///
/// A [`rule`](FindingSource::rule) says of some mailboxes where they lie; they are not looked for. Where all are ruled, and by more than places, a [`RoutedSource`](crate::RoutedSource) is
/// enough.
///
/// ```
/// use optigov_calendar::{CalendarSource, FindingSource, MemorySource, Text};
/// # use optigov_slots::Interval;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (here, there) = (MemorySource::new(), MemorySource::new());
/// let source = FindingSource::new()
///     .place(Text::fixed("Eigener Server", "Own server"), here)
///     .place(Text::fixed("Exchange Online", "Exchange Online"), there.clone());
/// let anna = "anna@musterstadt.example".parse()?;
/// there.set("anna@musterstadt.example".parse()?, Vec::new());
/// let day = Interval::from_unix(1_800_000_000, 1_800_086_400)?;
/// assert!(source.read(std::slice::from_ref(&anna), day).await[0].is_ok());
/// assert_eq!(source.place_of(&anna), Some(&Text::fixed("Exchange Online", "Exchange Online")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FindingSource {
    places: Vec<Place>,
    rule: Option<Rule>,
    known: Arc<Places>,
}

/// The index of the place where a mailbox lies, where that is said.
type Rule = Arc<dyn Fn(&Mailbox) -> Option<usize> + Send + Sync>;

#[derive(Clone)]
struct Place {
    name: Text,
    source: Arc<dyn CalendarSource>,
}

/// What the places answered for one mailbox; those that were not asked did not.
type Answers = Vec<Option<Result<Calendar, ReadError>>>;

impl FindingSource {
    /// A source without a place: no mailbox lies anywhere.
    pub fn new() -> FindingSource {
        FindingSource { places: Vec::new(), rule: None, known: Arc::new(Places::default()) }
    }

    /// Adds a place, with the name that errors and reports give it.
    pub fn place(mut self, name: Text, source: impl CalendarSource + 'static) -> FindingSource {
        self.places.push(Place { name, source: Arc::new(source) });
        self
    }

    /// Mailboxes for which `rule` names a place, by its position among those added, lie there: they are asked for there only, whatever is answered. The rule may change its
    /// mind while the source lives; it must be quick.
    pub fn rule(self, rule: impl Fn(&Mailbox) -> Option<usize> + Send + Sync + 'static) -> FindingSource {
        FindingSource { rule: Some(Arc::new(rule)), ..self }
    }

    /// Calls `told` whenever a mailbox is found to have left its place, before the reading that found it out ends. What was read of it earlier
    /// says nothing any more.
    pub fn on_move(mut self, told: impl Fn(&Mailbox) + Send + Sync + 'static) -> FindingSource {
        self.known = Arc::new(Places::telling(told));
        self
    }

    /// Where the mailbox lies, as far as it is known: the place's name.
    pub fn place_of(&self, mailbox: &Mailbox) -> Option<&Text> {
        self.places.get(self.place_index(mailbox)?).map(|place| &place.name)
    }

    fn known_of(&self, mailbox: &Mailbox) -> Option<Known> {
        let ruled = self.rule.as_ref().and_then(|rule| rule(mailbox)).filter(|place| *place < self.places.len());
        ruled.map(Known::Fixed).or_else(|| self.known.of(mailbox))
    }

    fn place_index(&self, mailbox: &Mailbox) -> Option<usize> {
        match self.known_of(mailbox) {
            Some(Known::At(place) | Known::Fixed(place)) => Some(place),
            _ => None,
        }
    }

    /// The places that are asked first, by what is known.
    fn first_asked(&self, known: Option<&Known>) -> Vec<usize> {
        match known {
            Some(Known::At(place) | Known::Fixed(place)) => vec![*place],
            Some(Known::Open { next, .. }) => vec![*next],
            None => (0..self.places.len()).collect(),
        }
    }

    /// Whether the first answer leaves open where the mailbox lies, so that the other places must be asked as well.
    fn needs_the_others(&self, known: Option<&Known>, answers: &Answers) -> bool {
        match known {
            Some(Known::At(place)) => answers[*place].as_ref().and_then(Verdict::of) == Some(Verdict::Absent),
            Some(Known::Open { next, last }) => {
                let verdict = answers[*next].as_ref().and_then(Verdict::of);
                let others_are_known = (0..self.places.len()).all(|place| place == *next || last[place].is_some());
                verdict.is_some_and(|verdict| {
                    !others_are_known || last[*next].as_ref().map(|it| it.verdict) != Some(verdict)
                })
            }
            Some(Known::Fixed(_)) | None => false,
        }
    }

    /// Asks each place for those mailboxes, by position, that it is to be asked for, in groups that it takes at once.
    async fn ask(&self, mailboxes: &[Mailbox], asked: &[Vec<usize>], window: Interval, answers: &mut [Answers]) {
        let mut reads = Vec::new();
        for (place, Place { source, .. }) in self.places.iter().enumerate() {
            let positions: Vec<usize> = (0..mailboxes.len()).filter(|at| asked[*at].contains(&place)).collect();
            for group in positions.chunks(source.batch().get()) {
                let (group, names) =
                    (group.to_vec(), group.iter().map(|at| mailboxes[*at].clone()).collect::<Vec<_>>());
                reads.push(async move { (place, group, source.read(&names, window).await) });
            }
        }
        for (place, group, results) in future::join_all(reads).await {
            // An answer of the wrong number cannot be matched to its mailboxes, so all of them stay unread.
            let whole = results.len() == group.len();
            let results = results.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
            for (at, result) in group.into_iter().zip(results) {
                let result = result.filter(|_| whole).unwrap_or_else(|| Err(ReadError::internal()));
                answers[at][place] = Some(result);
            }
        }
    }

    /// What the answers say of one mailbox, and the result of its reading.
    fn settled(&self, known: Option<Known>, answers: Answers) -> (Option<Known>, Result<Calendar, ReadError>) {
        let count = self.places.len();
        let verdicts: Vec<_> = answers.iter().map(|answer| answer.as_ref().and_then(Verdict::of)).collect();
        let present: Vec<usize> = (0..count).filter(|place| verdicts[*place] == Some(Verdict::Present)).collect();
        let only_asked = (0..count).filter(|place| answers[*place].is_some()).count() == 1 && count > 1;
        match known {
            Some(Known::Fixed(place)) => {
                let result = answers.into_iter().nth(place).flatten();
                return (None, result.unwrap_or_else(|| Err(ReadError::internal())));
            }
            // The mailbox lies where it lay, or that place says nothing of where it lies.
            Some(Known::At(place)) if only_asked => {
                let result = answers.into_iter().nth(place).flatten();
                return (Some(Known::At(place)), result.unwrap_or_else(|| Err(ReadError::internal())));
            }
            Some(Known::Open { next, mut last }) if only_asked => {
                if let Some(Some(answer)) = answers.into_iter().nth(next) {
                    match Verdict::of(&answer) {
                        Some(_) => last[next] = known::Said::of(&answer),
                        None => {
                            let error = answer.err().unwrap_or_else(ReadError::internal);
                            let next = if last[next].is_none() { next } else { (next + 1) % count };
                            return (Some(Known::Open { next, last }), Err(error));
                        }
                    }
                }
                let error = self.nowhere_or_several(&last);
                return (Some(Known::Open { next: (next + 1) % count, last }), Err(error));
            }
            _ => {}
        }
        let silent = (0..count).find(|place| verdicts[*place].is_none());
        let last: Vec<_> = answers.iter().map(|answer| answer.as_ref().and_then(known::Said::of)).collect();
        match (silent, &present[..]) {
            (Some(place), _) => {
                let error = answers.into_iter().nth(place).flatten().and_then(Result::err);
                let error = error.unwrap_or_else(ReadError::internal);
                let error = match known {
                    Some(Known::At(left)) => self.left(left, place, &error),
                    _ => error,
                };
                (Some(Known::Open { next: place, last }), Err(error))
            }
            (None, [place]) => {
                let result = answers.into_iter().nth(*place).flatten();
                (Some(Known::At(*place)), result.unwrap_or_else(|| Err(ReadError::internal())))
            }
            (None, _) if count == 0 => (None, Err(ReadError::internal())),
            (None, _) => {
                let error = self.nowhere_or_several(&last);
                (Some(Known::Open { next: 0, last }), Err(error))
            }
        }
    }

    /// The error of a mailbox that has left its place while another place, in which it may lie now, does not answer.
    fn left(&self, left: usize, silent: usize, error: &ReadError) -> ReadError {
        let name = |place: usize, language| self.places[place].name.in_language(language);
        let in_german = error_in_short(error, Language::German);
        let in_english = error_in_short(error, Language::English);
        let fact = Text::new(
            format!(
                "{}: hat das Postfach nicht mehr; {}: {in_german}",
                name(left, Language::German),
                name(silent, Language::German)
            ),
            format!(
                "{}: no longer has the mailbox; {}: {in_english}",
                name(left, Language::English),
                name(silent, Language::English)
            ),
        );
        ReadError::new(ReadErrorKind::MailboxElsewhere, fact).with_texts(
            Text::fixed(
                "Das Postfach ist umgezogen, und der Server, auf dem es jetzt liegen kann, antwortet nicht.",
                "The mailbox has moved, and the server on which it may lie now does not answer.",
            ),
            error.remedy().clone(),
        )
    }

    /// The error of a mailbox that no place has, or that several have; it tells what each of them said.
    fn nowhere_or_several(&self, last: &[Option<known::Said>]) -> ReadError {
        let said = |german: bool| {
            let parts = self.places.iter().zip(last).map(|(place, said)| {
                let language = if german { Language::German } else { Language::English };
                let fact = match said.as_ref().and_then(|said| said.error.as_ref()) {
                    Some(error) => error_in_short(error, language),
                    None if german => "hat das Postfach".to_owned(),
                    None => "has the mailbox".to_owned(),
                };
                format!("{}: {fact}", place.name.in_language(language))
            });
            parts.collect::<Vec<_>>().join("; ")
        };
        let fact = Text::new(said(true), said(false));
        let errors = || last.iter().flatten().filter_map(|said| said.error.as_ref());
        if last.iter().flatten().any(|said| said.verdict == Verdict::Present) {
            return ReadError::new(ReadErrorKind::MailboxDefective, fact).at(Step::Calendar).with_origin(Origin::Mailbox).with_texts(
                Text::fixed(
                    "Mehrere Server haben ein Postfach mit dieser Adresse; welches benutzt wird, ist nicht zu erkennen.",
                    "Several servers have a mailbox with this address; which one is used cannot be told.",
                ),
                Text::fixed(
                    "Entfernen Sie das überzählige Postfach, oder geben Sie in der Konfiguration an, wo das Postfach liegt.",
                    "Remove the mailbox that is not used, or say in the configuration where the mailbox lies.",
                ),
            );
        }
        // A refusal says more than that there is nothing: the mailbox may be there.
        let denied = errors().find(|error| !error.is_not_here());
        let kind = denied.map_or(ReadErrorKind::MailboxNotFound, ReadError::kind);
        let step = denied.or(errors().next()).and_then(ReadError::step);
        ReadError::new(kind, fact).at(step).with_texts(
            Text::fixed("Kein Server gibt dieses Postfach heraus.", "No server hands out this mailbox."),
            Text::fixed(
                "Prüfen Sie die Schreibweise der Adresse, ob das Postfach eine Lizenz hat, und ob Dienstkonto und Anwendung Rechte darauf haben. Zieht es gerade um, wird es danach von selbst gefunden.",
                "Check the spelling of the address, whether the mailbox has a licence, and whether the service account and the application have rights to it. If it is just being moved, it is found by itself afterwards.",
            ),
        )
    }
}

impl Default for FindingSource {
    fn default() -> FindingSource {
        FindingSource::new()
    }
}

impl std::fmt::Debug for FindingSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FindingSource").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl CalendarSource for FindingSource {
    async fn read(&self, mailboxes: &[Mailbox], window: Interval) -> Vec<Result<Calendar, ReadError>> {
        let known: Vec<Option<Known>> = mailboxes.iter().map(|mailbox| self.known_of(mailbox)).collect();
        let asked: Vec<Vec<usize>> = known.iter().map(|known| self.first_asked(known.as_ref())).collect();
        let mut answers: Vec<Answers> = mailboxes.iter().map(|_| vec![None; self.places.len()]).collect();
        self.ask(mailboxes, &asked, window, &mut answers).await;
        let others: Vec<Vec<usize>> = (0..mailboxes.len())
            .map(|at| match self.needs_the_others(known[at].as_ref(), &answers[at]) {
                true => (0..self.places.len()).filter(|place| !asked[at].contains(place)).collect(),
                false => Vec::new(),
            })
            .collect();
        if others.iter().any(|others| !others.is_empty()) {
            self.ask(mailboxes, &others, window, &mut answers).await;
        }
        let settled = mailboxes.iter().zip(known).zip(answers).map(|((mailbox, known), answers)| {
            let (now_known, result) = self.settled(known, answers);
            self.known.learn(mailbox, now_known);
            result
        });
        settled.collect()
    }

    fn batch(&self) -> NonZeroUsize {
        self.places.iter().map(|place| place.source.batch()).max().unwrap_or(NonZeroUsize::MIN)
    }

    /// The number of the place where the mailbox lies; as long as that is not known, the number after the last one.
    fn server_of(&self, mailbox: &Mailbox) -> ServerId {
        ServerId::new(self.place_index(mailbox).unwrap_or(self.places.len()))
    }

    fn server_name(&self, server: ServerId) -> Option<Text> {
        self.places.get(server.number()).map(|place| place.name.clone())
    }

    /// A mailbox is watched where it lies. After it has moved it is lost, and then watched where it lies now.
    fn watch(&self, mailboxes: Vec<Mailbox>) -> Changes {
        let rule = self.rule.as_ref().map(Arc::clone);
        let finder = FindingSource { places: self.places.clone(), rule, known: Arc::clone(&self.known) };
        watching::changes(finder, mailboxes)
    }

    /// Finds out where the mailbox lies, and goes through the connection to there; the report names the place. Where the mailbox lies nowhere, or in several
    /// places, the report is of the place that did not answer, else of the first one, and its calendar's step says what each place said.
    async fn check(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> ConnectionReport {
        let found = self.read(std::slice::from_ref(mailbox), check_window(now)).await.pop();
        let known = self.known_of(mailbox);
        let index = match &known {
            Some(Known::At(place) | Known::Fixed(place)) => *place,
            Some(Known::Open { next, last }) if last[*next].is_none() => *next,
            _ => 0,
        };
        let error = found.and_then(Result::err).unwrap_or_else(ReadError::internal);
        let Some(place) = self.places.get(index) else {
            return ConnectionReport::new(vec![StepReport::failed(Step::Calendar, error)]);
        };
        let report = place.source.check(mailbox, now).await.at_place(place.name.clone());
        match known {
            Some(Known::Open { last, .. }) if last.iter().all(Option::is_some) => report.ending_with(error),
            _ => report,
        }
    }
}

/// Fact, code and request id of an error, on one line.
fn error_in_short(error: &ReadError, language: Language) -> String {
    let mut parts = vec![error.fact().in_language(language).to_owned()];
    parts.extend(error.code().map(|code| code.as_str().to_owned()));
    parts.extend(error.request_id().map(str::to_owned));
    parts.join(", ")
}

#[cfg(test)]
mod tests;
