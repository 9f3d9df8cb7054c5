//! A counter's entry with its Exchange sync: the form, what was entered in it, and what there is to say about that.

use maud::{Markup, html};
use optigov_availability::{ConnectionReport, Counter, Language, Mailbox, Municipality, Needed};
use serde_json::Value;

use super::{announced, note};
use crate::service::guard::OwnForm;
use crate::service::problem::Complaint;

/// What stands in the form, the entry in force or what was sent, and what there is to say about it.
pub(super) struct Entered {
    on: bool,
    /// One for each field that was filled in.
    mailboxes: Vec<String>,
    needed: Choice,
    pub(super) said: Said,
}

/// How many of several mailboxes must be free, as the form asks it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    All,
    Any,
    /// So many: nothing that the form offers by itself, but it keeps what is there.
    AtLeast(u32),
}

/// What there is to say about what was sent.
pub(super) enum Said {
    Nothing,
    Saved,
    Refused(Vec<Complaint>),
    /// The connection was checked for each mailbox: a report, or why the address is none.
    Checked(Vec<Result<ConnectionReport, Box<Complaint>>>),
}

impl Entered {
    /// What the entry in force says.
    pub(super) fn of(counter: &Counter) -> Entered {
        let sync = counter.exchange_sync();
        let mailboxes = sync.mailboxes().iter().map(|mailbox| mailbox.as_str().to_owned()).collect();
        Entered { on: sync.is_on(), mailboxes, needed: Choice::of(sync.needed()), said: Said::Nothing }
    }

    /// What was sent.
    pub(super) fn sent(form: &OwnForm, counter: &Counter) -> Entered {
        let needed = match form.one("needed") {
            Some("all") => Choice::All,
            Some("any") => Choice::Any,
            _ => Choice::of(counter.exchange_sync().needed()),
        };
        let mailboxes = form.all("mailbox").filter(|text| !text.is_empty()).map(str::to_owned).collect();
        Entered { on: form.one("on").is_some(), mailboxes, needed, said: Said::Nothing }
    }

    /// The counter's document with this in it.
    pub(super) fn document(&self, counter: &Counter) -> String {
        let mut document: Value = serde_json::from_str(&counter.to_json()).unwrap_or_default();
        let sync = &mut document["exchange_sync"];
        sync["on"] = self.on.into();
        sync["mailboxes"] = self.mailboxes.clone().into();
        match self.needed {
            Choice::All => sync["needed"] = "all".into(),
            Choice::Any => sync["needed"] = "any".into(),
            Choice::AtLeast(_) => {}
        }
        document.to_string()
    }

    /// The addresses, or what is wrong with them.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Result<Mailbox, Box<Complaint>>> + '_ {
        self.mailboxes.iter().enumerate().map(|(at, address)| {
            Mailbox::parse(address).map_err(|invalid| Box::new(Complaint::of_mailbox(path(at), &invalid)))
        })
    }

    fn complaints(&self) -> Vec<&Complaint> {
        match &self.said {
            Said::Refused(complaints) => complaints.iter().collect(),
            Said::Checked(checks) => checks.iter().filter_map(|check| check.as_ref().err().map(Box::as_ref)).collect(),
            Said::Nothing | Said::Saved => Vec::new(),
        }
    }

    /// Whether the entry in force is another.
    fn is_unsaved(&self, counter: &Counter) -> bool {
        let saved = Entered::of(counter);
        (self.on, &self.mailboxes, self.needed) != (saved.on, &saved.mailboxes, saved.needed)
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self.said, Said::Refused(_))
    }

    pub(super) fn form(&self, town: &Municipality, counter: &Counter, token: &str) -> Markup {
        html! {
            @for warning in warnings(town, counter) { (note("warn", &warning.words())) }
            (self.outcome(counter))
            form method="post" action={ "/staff/save?counter=" (counter.id()) } {
                input type="hidden" name="token" value=(token);
                fieldset {
                    legend { "Exchange-Abgleich" }
                    label.check { input type="checkbox" name="on" value="yes" checked[self.on]; span { "Termine aus Exchange-Kalendern berücksichtigen" } }
                    p.hint { "Ausgeschaltet gelten nur die Öffnungszeiten; die Postfächer bleiben eingetragen." }
                    @for at in 0..=self.mailboxes.len() {
                        (self.field(at))
                        @if at == 1.min(self.mailboxes.len()) { (self.choice()) }
                    }
                    p.hint { "Ein geleertes Feld entfernt das Postfach." }
                }
                div.buttons {
                    button { "Speichern" }
                    @if town.exchange().is_some() {
                        button.second formaction={ "/staff/check?counter=" (counter.id()) } { "Verbindung prüfen" }
                    }
                }
            }
            (self.checks())
        }
    }

    /// The field of one mailbox; the last is empty and takes one more.
    fn field(&self, at: usize) -> Markup {
        let complaints: Vec<&Complaint> =
            self.complaints().into_iter().filter(|complaint| field_of(complaint, self) == Some(at)).collect();
        let wrong = !complaints.is_empty();
        let value = self.mailboxes.get(at).map_or("", String::as_str);
        html! {
            label for={ "mailbox-" (at) } { (self.label(at)) }
            @if wrong {
                p.fault id={ "fault-" (at) } { @for complaint in complaints { (complaint.words()) " " } }
            }
            input id={ "mailbox-" (at) } name="mailbox" type="text" inputmode="email" autocomplete="off" autocapitalize="off" spellcheck="false"
                value=(value) placeholder=[value.is_empty().then_some("name@musterstadt.example")]
                aria-invalid=[wrong.then_some("true")] aria-describedby=[wrong.then(|| format!("fault-{at}"))];
        }
    }

    fn label(&self, at: usize) -> String {
        match (at, self.mailboxes.len()) {
            (0, 0) => "Postfach".to_owned(),
            (at, count) if at == count => "Weiteres Postfach".to_owned(),
            (at, _) => format!("Postfach {}", at + 1),
        }
    }

    /// Whether all mailboxes must be free or any, beside the second.
    fn choice(&self) -> Markup {
        let count = self.mailboxes.len();
        let (legend, all, any) = match count {
            0 | 1 => ("Bei mehreren Postfächern".to_owned(), "alle müssen frei sein", "eines muss frei sein"),
            2 => ("2 Postfächer".to_owned(), "beide müssen frei sein", "eines von beiden muss frei sein"),
            _ => (format!("{count} Postfächer"), "alle müssen frei sein", "mindestens eines muss frei sein"),
        };
        let fault = self.complaints().into_iter().find(|complaint| complaint.path.ends_with(".needed"));
        let option = |value, chosen: Choice, text: &str, hint: &str| {
            html! {
                label.check {
                    input type="radio" name="needed" value=(value) checked[self.needed == chosen];
                    span { (text) @if !hint.is_empty() { br; small.hint { (hint) } } }
                }
            }
        };
        html! {
            fieldset.choice-of-needed id="needed" {
                legend { (legend) }
                @if let Some(fault) = fault { p.fault { (fault.words()) } }
                (option("all", Choice::All, all, "zum Beispiel die Standesbeamtin und das Trauzimmer"))
                (option("any", Choice::Any, any, "zum Beispiel zwei Kräfte, die einander vertreten"))
                @if let Choice::AtLeast(least) = self.needed {
                    (option("at_least", self.needed, &format!("mindestens {least} müssen frei sein"), ""))
                }
            }
        }
    }

    /// How what was sent ended, above the form, with a link to each field at fault.
    fn outcome(&self, counter: &Counter) -> Markup {
        let listed = |complaints: Vec<&Complaint>| {
            html! {
                ul {
                    @for complaint in complaints {
                        li {
                            @match field_of(complaint, self) {
                                Some(at) => a href={ "#mailbox-" (at) } { (self.label(at)) ": " (complaint.words()) },
                                None if complaint.path.ends_with(".needed") => a href="#needed" { (complaint.words()) },
                                None => (complaint.words()),
                            }
                        }
                    }
                }
            }
        };
        match &self.said {
            Said::Nothing => html! {},
            Said::Saved => announced(
                "good",
                &html! { p { strong { "Gespeichert." } " Der Eintrag gilt ab sofort. " a href={ "/?counter=" (counter.id()) } { "Freie Termine ansehen" } } },
            ),
            Said::Refused(_) => announced(
                "bad",
                &html! { h3 { "Nicht gespeichert" } p { "Bitte berichtigen Sie diese Angaben:" } (listed(self.complaints())) },
            ),
            Said::Checked(checks) => {
                let good = !checks.is_empty()
                    && checks.iter().all(|check| check.as_ref().is_ok_and(ConnectionReport::is_good));
                let body = html! {
                    @if checks.is_empty() { p { "Es ist kein Postfach eingetragen, das geprüft werden könnte." } }
                    @else if good { p { strong { "Die Verbindung ist in Ordnung." } } }
                    @else { h3 { "Die Verbindung ist nicht in Ordnung" } }
                    @if !good {
                        ul {
                            @for (at, check) in checks.iter().enumerate() {
                                @match check {
                                    Ok(report) if report.is_good() => li { (self.label(at)) ": in Ordnung" },
                                    Ok(_) => li { a href={ "#check-" (at) } { (self.label(at)) ": nicht in Ordnung" } },
                                    Err(complaint) => li { a href={ "#mailbox-" (at) } { (self.label(at)) ": " (complaint.words()) } },
                                }
                            }
                        }
                    }
                    @if self.is_unsaved(counter) { p { "Geprüft wurde, was im Formular steht. Es ist noch nicht gespeichert." } }
                };
                announced(if good { "good" } else { "bad" }, &body)
            }
        }
    }

    /// The connection check's report for each mailbox, step by step.
    fn checks(&self) -> Markup {
        let Said::Checked(checks) = &self.said else { return html! {} };
        html! {
            @for (at, report) in checks.iter().enumerate().filter_map(|(at, check)| Some((at, check.as_ref().ok()?))) {
                h3 id={ "check-" (at) } { "Verbindung zu " (self.label(at)) }
                p.report { (report.to_text(Language::German).trim_end()) }
            }
        }
    }
}

impl Choice {
    fn of(needed: Needed) -> Choice {
        match needed {
            Needed::Any => Choice::Any,
            Needed::AtLeast(count) => Choice::AtLeast(count),
            _ => Choice::All,
        }
    }
}

/// The place of a mailbox in a counter's document.
fn path(at: usize) -> String {
    format!("exchange_sync.mailboxes[{at}]")
}

/// The field that a complaint is about; one about all mailboxes stands at the last, where one can be added.
fn field_of(complaint: &Complaint, entered: &Entered) -> Option<usize> {
    if complaint.path == "exchange_sync.mailboxes" {
        return Some(entered.mailboxes.len());
    }
    (0..entered.mailboxes.len()).find(|&at| complaint.path == path(at))
}

/// What is allowed in the counter's entry, but most likely not meant.
fn warnings(town: &Municipality, counter: &Counter) -> Vec<Complaint> {
    let place = town.counters().position(|other| other.id() == counter.id());
    let place = place.map_or(String::new(), |index| format!("counters[{index}]"));
    town.warnings().iter().filter(|warning| warning.path().starts_with(&place)).map(Complaint::from).collect()
}
