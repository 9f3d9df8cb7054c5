//! The start page: a counter's entry with its Exchange sync, and its free slots by day. Plain HTML forms, in German.

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use optigov_availability::{ConnectionReport, Counter, CounterAnswer, Language, Municipality, Status};
use optigov_counter::{Recurrence, Weekdays};
use serde::Deserialize;

use super::refusal::{Complaint, Refusal};
use super::{Days, Service, unless_blank};

const STYLE: &str = include_str!("style.css");
/// The page loads nothing and runs nothing; its forms lead back to the service.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const WEEKDAYS: [&str; 7] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];

/// What the page's address asks for.
#[derive(Default, Deserialize)]
pub(super) struct Asked {
    counter: Option<String>,
    template: Option<String>,
    #[serde(default, deserialize_with = "unless_blank")]
    from: Option<NaiveDate>,
    saved: Option<String>,
}

/// What stands in the form, the entry in force or what was sent and refused, and what there is to say about it.
struct Entered {
    on: bool,
    mailboxes: Vec<String>,
    complaints: Vec<Complaint>,
    /// A report for each mailbox, where the connection was checked.
    checks: Vec<ConnectionReport>,
}

pub(super) async fn start(State(service): State<Service>, Query(asked): Query<Asked>) -> Response {
    let town = service.availability.municipality();
    let counter = match &asked.counter {
        Some(id) => town.counter(id),
        None => town.counters().next(),
    };
    let Some(counter) = counter else {
        let text = match &asked.counter {
            Some(id) => format!("Es gibt keinen Schalter „{id}“."),
            None => "In dieser Kommune ist noch kein Schalter eingetragen.".to_owned(),
        };
        let status = if asked.counter.is_some() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        return page(status, &town, None, town.name(), &note("warn", &text));
    };
    whole(&service, &town, counter, &asked, &Entered::of(counter)).await
}

pub(super) async fn save(
    State(service): State<Service>,
    Path(id): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let (town, counter) = service.counter(&id)?;
    let sent = |name: &'static str| fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim());
    let mailboxes: Vec<String> = sent("mailbox").filter(|text| !text.is_empty()).map(str::to_owned).collect();
    let on = sent("on").next().is_some();
    let Ok(mut document) = serde_json::to_value(&counter) else { unreachable!("a counter is written as JSON") };
    document["exchange_sync"]["on"] = on.into();
    document["exchange_sync"]["mailboxes"] = mailboxes.clone().into();
    match service.save(&id, &document.to_string()).await {
        // After a redirect, reloading the page does not save again.
        Ok(_) => Ok(Redirect::to(&format!("/?counter={id}&saved=yes")).into_response()),
        Err(Refusal::Faults(complaints)) => {
            let entered = Entered { on, mailboxes, complaints, checks: Vec::new() };
            Ok(whole(&service, &town, &counter, &Asked::default(), &entered).await)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn check(State(service): State<Service>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let (town, counter) = service.counter(&id)?;
    let mut entered = Entered::of(&counter);
    for mailbox in counter.exchange_sync().mailboxes() {
        entered.checks.push(service.availability.check_connection(mailbox).await);
    }
    Ok(whole(&service, &town, &counter, &Asked::default(), &entered).await)
}

impl Entered {
    /// What the entry in force says.
    fn of(counter: &Counter) -> Self {
        let sync = counter.exchange_sync();
        let mailboxes = sync.mailboxes().iter().map(|mailbox| mailbox.as_str().to_owned()).collect();
        Entered { on: sync.is_on(), mailboxes, complaints: Vec::new(), checks: Vec::new() }
    }
}

async fn whole(
    service: &Service,
    town: &Municipality,
    counter: &Counter,
    asked: &Asked,
    entered: &Entered,
) -> Response {
    let wanted = Days { from: asked.from, days: None, template: asked.template.clone(), lang: Language::German };
    let answer = service.slots(counter.id().as_str(), wanted).await;
    let refused = !entered.complaints.is_empty();
    let body = html! {
        h1 { (counter.name()) }
        @if asked.saved.is_some() { (note("good", "Gespeichert. Der Eintrag gilt ab sofort.")) }
        section aria-labelledby="entry" {
            h2 id="entry" { "Schalter" }
            (entry(town, counter))
            @for warning in warnings(town, counter) { (note("warn", &words(&warning))) }
            (form(counter, entered))
            @if town.exchange().is_some() && !counter.exchange_sync().mailboxes().is_empty() {
                form method="post" action={ "/counters/" (counter.id()) "/connection-check" } {
                    button.second { "Verbindung prüfen" }
                }
            }
            (checks(entered))
        }
        section aria-labelledby="free" {
            h2 id="free" { "Freie Termine" }
            (choice(town, counter, asked))
            @match &answer {
                Ok(answer) => (free(counter, answer)),
                Err(Refusal::Other(_, text)) => (note("warn", text.in_language(Language::German))),
                Err(Refusal::Faults(_)) => (note("warn", "Der Schalter ist nicht vollständig eingerichtet.")),
            }
        }
    };
    let (status, title) = match refused {
        true => (StatusCode::UNPROCESSABLE_ENTITY, format!("Fehler: {}", counter.name())),
        false => (StatusCode::OK, counter.name().to_owned()),
    };
    page(status, town, Some(counter), &title, &body)
}

fn page(status: StatusCode, town: &Municipality, here: Option<&Counter>, title: &str, body: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="de" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – " (town.name()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p { strong { (town.name()) } " · Terminverfügbarkeit" }
                    nav aria-label="Schalter" {
                        ul {
                            @for counter in town.counters() {
                                @let current = here.is_some_and(|here| here.id() == counter.id());
                                li { a href={ "/?counter=" (counter.id()) } aria-current=[current.then_some("page")] { (counter.name()) } }
                            }
                        }
                    }
                }
                main { (body) }
            }
        }
    };
    let headers =
        [("content-security-policy", POLICY), ("cache-control", "no-store"), ("referrer-policy", "no-referrer")];
    (status, headers, markup).into_response()
}

fn entry(town: &Municipality, counter: &Counter) -> Markup {
    let label = |id: &str| town.template(id).map_or(id.to_owned(), |template| template.label().to_owned());
    let templates: Vec<String> = counter.templates().iter().map(|id| label(id.as_str())).collect();
    html! {
        dl {
            @if let Some(place) = counter.place() { dt { "Ort" } dd { (place) } }
            dt { "Terminvorlagen" }
            dd { @if templates.is_empty() { "keine" } @else { (templates.join(", ")) } }
            dt { "Öffnungszeiten" }
            dd {
                @for rule in counter.opening() {
                    @let hours: Vec<String> = rule.daily_hours().iter().map(ToString::to_string).collect();
                    div { (days(rule.weekdays())) " " (hours.join(", ")) (repeated(rule.recurrence())) }
                }
            }
        }
    }
}

/// What is allowed in the counter's entry, but most likely not meant.
fn warnings(town: &Municipality, counter: &Counter) -> Vec<Complaint> {
    let place = town.counters().position(|other| other.id() == counter.id());
    let place = place.map_or(String::new(), |index| format!("counters[{index}]"));
    town.warnings().iter().filter(|warning| warning.path().starts_with(&place)).map(Complaint::from).collect()
}

/// The weekdays as the configuration writes them (`Mon-Fri, Sun`), in German.
fn days(weekdays: Weekdays) -> String {
    const WORDS: [(&str, &str); 7] =
        [("Mon", "Mo"), ("Tue", "Di"), ("Wed", "Mi"), ("Thu", "Do"), ("Fri", "Fr"), ("Sat", "Sa"), ("Sun", "So")];
    WORDS.iter().fold(weekdays.to_string(), |text, (english, german)| text.replace(english, german)).replace('-', "–")
}

fn repeated(recurrence: Recurrence) -> String {
    match recurrence {
        Recurrence::EveryWeeks { weeks, .. } => format!(" (alle {weeks} Wochen)"),
        Recurrence::NthOfMonth(nth) => format!(" (jeweils der {nth}. im Monat)"),
        Recurrence::LastOfMonth => " (jeweils der letzte im Monat)".to_owned(),
        _ => String::new(),
    }
}

fn form(counter: &Counter, entered: &Entered) -> Markup {
    // A last, empty field takes one more mailbox.
    let fields: Vec<&str> = entered.mailboxes.iter().map(String::as_str).chain([""]).collect();
    let last = fields.len() - 1;
    let place = |at: usize| {
        if at == last { "exchange_sync.mailboxes".to_owned() } else { format!("exchange_sync.mailboxes[{at}]") }
    };
    let of = |path: &str| -> Vec<&Complaint> {
        entered.complaints.iter().filter(|complaint| complaint.path == path).collect()
    };
    let beside: Vec<String> = (0..=last).map(place).collect();
    let elsewhere: Vec<&Complaint> =
        entered.complaints.iter().filter(|complaint| !beside.contains(&complaint.path)).collect();
    html! {
        @if !entered.complaints.is_empty() {
            div role="alert" {
                (note("bad", "Nicht gespeichert: Bitte die Angaben unten berichtigen."))
                @for complaint in elsewhere { p.fault { (complaint.path) ": " (words(complaint)) } }
            }
        }
        form method="post" action={ "/counters/" (counter.id()) "/exchange-sync" } {
            fieldset {
                legend { "Exchange-Abgleich" }
                label { input type="checkbox" name="on" value="yes" checked[entered.on]; " Termine aus Exchange-Kalendern berücksichtigen" }
                p.hint { "Ausgeschaltet gelten nur die Öffnungszeiten; die Postfächer bleiben eingetragen." }
                @for (at, mailbox) in fields.iter().enumerate() {
                    @let complaints = of(&beside[at]);
                    @let wrong = !complaints.is_empty();
                    label for={ "mailbox-" (at) } {
                        @if at < last { "Postfach " (at + 1) } @else if last == 0 { "Postfach" } @else { "Weiteres Postfach" }
                    }
                    input id={ "mailbox-" (at) } name="mailbox" type="text" inputmode="email" autocomplete="off" spellcheck="false"
                        value=(mailbox) placeholder=[(at == last).then_some("name@musterstadt.example")]
                        aria-invalid=[wrong.then_some("true")] aria-describedby=[wrong.then(|| format!("fault-{at}"))];
                    @if wrong {
                        p.fault id={ "fault-" (at) } { @for complaint in complaints { (words(complaint)) " " } }
                    }
                }
                p.hint { "Ein geleertes Feld entfernt das Postfach." }
            }
            button { "Speichern" }
        }
    }
}

/// The connection check's report for each mailbox, step by step.
fn checks(entered: &Entered) -> Markup {
    html! {
        @for (at, check) in entered.checks.iter().enumerate() {
            h3 { "Verbindung zu Postfach " (at + 1) }
            @match check.is_good() {
                true => (note("good", "Die Verbindung ist in Ordnung.")),
                false => (note("bad", "Die Verbindung ist nicht in Ordnung.")),
            }
            pre.check { (check.to_text(Language::German)) }
        }
    }
}

fn choice(town: &Municipality, counter: &Counter, asked: &Asked) -> Markup {
    html! {
        form.choice method="get" action="/" {
            input type="hidden" name="counter" value=(counter.id());
            @if counter.templates().len() > 1 {
                label { "Terminvorlage "
                    select name="template" {
                        @for template in counter.templates().iter().filter_map(|id| town.template(id.as_str())) {
                            @let chosen = asked.template.as_deref() == Some(template.id().as_str());
                            option value=(template.id()) selected[chosen] { (template.label()) }
                        }
                    }
                }
            }
            label { "Ab " input type="date" name="from" value=[asked.from.map(|day| day.to_string())]; }
            button { "Anzeigen" }
        }
    }
}

/// How well the calendars are known, the warnings, and the slots of each day.
fn free(counter: &Counter, found: &CounterAnswer) -> Markup {
    let local = |instant: DateTime<Utc>| instant.with_timezone(&found.zone);
    let clock = |instant: DateTime<Utc>| local(instant).format("%H:%M").to_string();
    let reason = found.status.reason(Language::German).unwrap_or_default();
    let days: Vec<(NaiveDate, usize)> = found.counts_per_day().collect();
    let next = days.last().and_then(|(last, _)| last.succ_opt());
    let status = match &found.status {
        Status::Known if !counter.exchange_sync().is_on() => {
            note("warn", "Der Exchange-Abgleich ist aus: Es gelten nur die Öffnungszeiten.")
        }
        Status::Known => {
            note("good", &format!("Kalender gelesen um {} Uhr.", found.read_at.map(clock).unwrap_or_default()))
        }
        Status::Stale { age, .. } => {
            let minutes = age.as_secs().div_ceil(60);
            note("warn", &format!("Exchange antwortet nicht; es gilt der Stand von vor {minutes} Minuten. {reason}"))
        }
        _ if found.slots.is_empty() => {
            note("bad", &format!("Die Kalender sind nicht bekannt; es werden keine Termine angeboten. {reason}"))
        }
        _ => note("bad", &format!("Die Kalender sind nicht bekannt. {reason}")),
    };
    html! {
        (status)
        @for warning in &found.warnings { (note("warn", &warning.message(Language::German))) }
        // Where nothing is known, no day is said to have nothing free.
        @for &(date, count) in days.iter().filter(|_| !found.status.is_unknown() || !found.slots.is_empty()) {
            div.day {
                h3 { (WEEKDAYS[date.weekday().num_days_from_monday() as usize]) ", " (date.format("%d.%m.%Y")) }
                @if count == 0 { p.hint { "nichts frei" } } @else {
                    ul.slots {
                        @for slot in found.slots.iter().filter(|slot| local(slot.start()).date_naive() == date) {
                            li { time datetime=(local(slot.start()).to_rfc3339()) { (clock(slot.start())) } }
                        }
                    }
                }
            }
        }
        @if let Some(next) = next {
            p { a href={ "/?counter=" (found.id) "&template=" (found.template) "&from=" (next) } { "Weitere Tage" } }
        }
    }
}

fn note(kind: &str, text: &str) -> Markup {
    html! { p class={ "note " (kind) } { (text) } }
}

fn words(complaint: &Complaint) -> String {
    let (message, remedy) = (&complaint.message, &complaint.remedy);
    format!("{} {}", message.in_language(Language::German), remedy.in_language(Language::German))
}
