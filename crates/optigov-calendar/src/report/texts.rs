//! The connection report in words.

use super::{ConnectionReport, Finding, Step, StepOutcome, StepReport, TitleVisibility};
use crate::{Language, Text};

pub(super) fn report(report: &ConnectionReport, language: Language) -> String {
    let mut text = String::new();
    if let Some(place) = report.place() {
        let label = Text::fixed("Ort des Postfachs", "The mailbox lies in");
        text += &format!("{}: {}\n", label.in_language(language), place.in_language(language));
    }
    for step in report.steps() {
        text += &format!("{}. {}", step.step().number(), step_lines(step, language));
    }
    if !report.counters().is_empty() {
        let label = Text::fixed("Schalter, die dieses Postfach nutzen", "Counters that use this mailbox");
        text += &format!("{}: {}\n", label.in_language(language), report.counters().join(", "));
    }
    text
}

fn step_lines(report: &StepReport, language: Language) -> String {
    let mut text =
        format!("{}: {}", step(report.step()).in_language(language), outcome(report.outcome()).in_language(language));
    if !report.findings().is_empty() {
        let found: Vec<String> = report.findings().iter().map(|found| finding(found, language)).collect();
        text += &format!(" ({})", found.join("; "));
    }
    for warning in report.warnings() {
        text += &format!("\n   {}\n   {}", warning.cause.in_language(language), warning.remedy.in_language(language));
    }
    if let Some(error) = report.error() {
        let details = error.details(language);
        for line in [error.cause().in_language(language), &details, error.remedy().in_language(language)] {
            if !line.is_empty() {
                text += &format!("\n   {line}");
            }
        }
    }
    text + "\n"
}

/// The name of a step.
pub(super) fn step(step: Step) -> Text {
    match step {
        Step::Resolve => Text::fixed("Namensauflösung", "Name resolution"),
        Step::Connect => Text::fixed("Verbindung", "Connection"),
        Step::Tls => Text::fixed("Verschlüsselung", "Encryption"),
        Step::Kdc => Text::fixed("Domänencontroller (KDC)", "Domain controller (KDC)"),
        Step::Ticket => Text::fixed("Kerberos-Ticket", "Kerberos ticket"),
        Step::Authentication => Text::fixed("Anmeldung", "Authentication"),
        Step::Service => Text::fixed("Exchange-Dienst", "Exchange service"),
        Step::Impersonation => Text::fixed("Identitätswechsel (Impersonation)", "Impersonation"),
        Step::Rights => Text::fixed("Berechtigung", "Rights"),
        Step::Calendar => Text::fixed("Kalender", "Calendar"),
        Step::Titles => Text::fixed("Sichtbarkeit der Titel", "Visibility of titles"),
    }
}

fn outcome(outcome: StepOutcome) -> Text {
    match outcome {
        StepOutcome::Passed => Text::fixed("in Ordnung", "passed"),
        StepOutcome::Warning => Text::fixed("in Ordnung, mit Hinweis", "passed with a warning"),
        StepOutcome::Failed => Text::fixed("fehlgeschlagen", "failed"),
        StepOutcome::NotNeeded => Text::fixed("nicht erforderlich", "not needed"),
        StepOutcome::NotReached => Text::fixed("nicht erreicht", "not reached"),
    }
}

/// What a step found out, as a phrase.
fn finding(finding: &Finding, language: Language) -> String {
    let german = language == Language::German;
    match finding {
        Finding::Addresses { addresses } => addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Finding::Tls { version, names, not_after, issuer } => {
            let version = version.as_deref().unwrap_or("TLS");
            let names = if names.is_empty() { "–".to_owned() } else { names.join(", ") };
            let day = if german { "%d.%m.%Y" } else { "%Y-%m-%d" };
            let until = not_after.map_or_else(|| "–".to_owned(), |until| until.format(day).to_string());
            match german {
                true => format!("{version}, Zertifikat für {names}, gültig bis {until}, ausgestellt von {issuer}"),
                false => format!("{version}, certificate for {names}, valid until {until}, issued by {issuer}"),
            }
        }
        Finding::Schemes { offered, used } => {
            let offered = if offered.is_empty() { "–".to_owned() } else { offered.join(", ") };
            match german {
                true => format!("angeboten: {offered}; verwendet: {used}"),
                false => format!("offered: {offered}; used: {used}"),
            }
        }
        Finding::Version { product, version } => format!("{product}, {version}"),
        Finding::Entries { count, days } => match (german, count) {
            (true, 1) => format!("1 Eintrag in den nächsten {days} Tagen"),
            (true, _) => format!("{count} Einträge in den nächsten {days} Tagen"),
            (false, 1) => format!("1 entry in the next {days} days"),
            (false, _) => format!("{count} entries in the next {days} days"),
        },
        Finding::Titles { visibility } => {
            let text = match visibility {
                TitleVisibility::Visible => Text::fixed(
                    "das Konto kann Titel sehen; sie werden nicht abgerufen",
                    "the account can see titles; they are not requested",
                ),
                TitleVisibility::Hidden => Text::fixed("das Konto sieht keine Titel", "the account sees no titles"),
                TitleVisibility::NotHideable => Text::fixed(
                    "Microsoft Graph kennt keine Berechtigung, die Titel verbirgt; sie werden nicht abgerufen",
                    "Microsoft Graph has no permission that hides titles; they are not requested",
                ),
                TitleVisibility::CannotTell => Text::fixed(
                    "nicht festzustellen: Es gibt keinen Eintrag mit einem Titel",
                    "cannot be told: there is no entry with a title",
                ),
            };
            text.in_language(language).to_owned()
        }
    }
}
