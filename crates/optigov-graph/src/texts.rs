//! What to say to the administrator of Exchange Online: the words of errors that `optigov-calendar` words for a server of one's own, and those of each
//! refusal by Microsoft Entra ID.
//!
//! A remedy names only what is printed beside it, and never repeats the cause.

use optigov_calendar::{ReadError, ReadErrorKind as Kind, Text};

/// A cause and a remedy, each in German and English.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    cause: (&'static str, &'static str),
    remedy: (&'static str, &'static str),
}

impl Words {
    pub(crate) fn cause(self) -> Text {
        Text::fixed(self.cause.0, self.cause.1)
    }

    pub(crate) fn remedy(self) -> Text {
        Text::fixed(self.remedy.0, self.remedy.1)
    }
}

/// A group of the authority's numbers with one meaning.
pub(crate) struct NumberMeaning {
    pub(crate) numbers: &'static [u64],
    pub(crate) kind: Kind,
    /// The words, where they are not the kind's own.
    pub(crate) words: Option<Words>,
}

const fn row(
    numbers: &'static [u64],
    kind: Kind,
    cause: (&'static str, &'static str),
    remedy: (&'static str, &'static str),
) -> NumberMeaning {
    NumberMeaning { numbers, kind, words: Some(Words { cause, remedy }) }
}

/// What the numbers after `AADSTS` mean.
pub(crate) static BY_NUMBER: &[NumberMeaning] = &[
    row(
        &[7_000_215],
        Kind::CredentialsRefused,
        ("Der geheime Clientschlüssel der Anwendung ist falsch.", "The application's client secret is wrong."),
        (
            "Hinterlegen Sie den Wert des geheimen Clientschlüssels, nicht seine Geheimnis-ID; der Wert wird nur beim Anlegen angezeigt. Bis zur \
             Änderung wird kein weiterer Versuch gesendet.",
            "Store the client secret's value, not its secret ID; the value is shown only when it is made. No further attempt is sent until the \
             credential changes.",
        ),
    ),
    row(
        &[7_000_222],
        Kind::PasswordExpired,
        ("Der geheime Clientschlüssel der Anwendung ist abgelaufen.", "The application's client secret has expired."),
        (
            "Legen Sie in der App-Registrierung einen neuen geheimen Clientschlüssel an und hinterlegen Sie dessen Wert. Ein Zertifikat läuft seltener ab.",
            "Make a new client secret in the app registration, and store its value. A certificate expires less often.",
        ),
    ),
    row(
        &[700_027, 50_012, 50_013, 50_027, 700_021, 700_023, 1_000_502],
        Kind::CredentialsRefused,
        (
            "Das Zertifikat der Anwendung wird nicht angenommen: Es ist in der App-Registrierung nicht eingetragen oder abgelaufen.",
            "The application's certificate is not accepted: it is not registered with the app, or it has expired.",
        ),
        (
            "Laden Sie genau das Zertifikat, dessen Schlüssel hinterlegt ist, unter „Zertifikate & Geheimnisse“ hoch, und prüfen Sie sein Ablaufdatum. Bis zur \
             Änderung wird kein weiterer Versuch gesendet.",
            "Upload exactly the certificate whose key is stored, under \"Certificates & secrets\", and check when it expires. No further attempt is sent until \
             the credential changes.",
        ),
    ),
    row(
        &[700_024],
        Kind::ClockSkew,
        (
            "Die Anmeldung der Anwendung gilt Microsoft Entra ID als abgelaufen oder noch nicht gültig: Die Uhr dieses Rechners geht falsch.",
            "Microsoft Entra ID takes the application's assertion to be expired or not valid yet: this machine's clock is wrong.",
        ),
        (
            "Stellen Sie die Zeit dieses Rechners über NTP. Die Zeitzone spielt keine Rolle.",
            "Set this machine's time by NTP. The time zone does not matter.",
        ),
    ),
    row(
        &[700_016],
        Kind::AccountUnknown,
        (
            "Der Mandant kennt keine Anwendung mit dieser Anwendungs-ID.",
            "The tenant knows no application with this application ID.",
        ),
        (
            "Prüfen Sie die Anwendungs-ID (Client) und den Mandanten in der Verbindung: Beide stehen in der Übersicht der App-Registrierung.",
            "Check the application (client) ID and the tenant in the connection: both are in the overview of the app registration.",
        ),
    ),
    row(
        &[7_000_112],
        Kind::AccountDisabled,
        ("Die Anwendung ist im Mandanten deaktiviert.", "The application is disabled in the tenant."),
        (
            "Erlauben Sie in Microsoft Entra ID unter „Unternehmensanwendungen“ die Anmeldung für diese Anwendung wieder.",
            "Allow sign-in for this application again, in Microsoft Entra ID under \"Enterprise applications\".",
        ),
    ),
    row(
        &[90_002],
        Kind::TenantUnknown,
        ("Microsoft Entra ID kennt diesen Mandanten nicht.", "Microsoft Entra ID does not know this tenant."),
        (
            "Prüfen Sie in der Verbindung die Verzeichnis-ID (Mandant) oder die Domäne, und ob der Mandant in dieser Cloud liegt.",
            "Check the directory (tenant) ID or the domain in the connection, and whether the tenant lies in this cloud.",
        ),
    ),
    row(
        &[90_038, 900_382, 900_432, 500_011],
        Kind::TenantUnknown,
        (
            "Der Mandant liegt in einer anderen Cloud von Microsoft als die eingestellte.",
            "The tenant lies in another of Microsoft's clouds than the one configured.",
        ),
        (
            "Stellen Sie in der Verbindung die Anmeldestelle (authority) und den Endpunkt derselben Cloud ein.",
            "Configure the authority and the endpoint of the same cloud in the connection.",
        ),
    ),
    row(
        &[65_001, 650_056, 90_094],
        Kind::ConsentMissing,
        (
            "Ein Administrator hat der Anwendung noch nicht zugestimmt.",
            "No administrator has consented to the application yet.",
        ),
        (
            "Weisen Sie der Anwendung in Exchange Online die Rolle „Application Calendars.Read“ mit einem Verwaltungsbereich zu, wie im Leitfaden \
             beschrieben.",
            "Assign the role \"Application Calendars.Read\" with a management scope to the application in Exchange Online, as the guide describes.",
        ),
    ),
    row(
        &[53_003],
        Kind::Forbidden,
        (
            "Eine Richtlinie für bedingten Zugriff verbietet der Anwendung die Anmeldung.",
            "A conditional access policy forbids the application to sign in.",
        ),
        (
            "Nehmen Sie die Anwendung in Microsoft Entra ID von der Richtlinie aus, oder erlauben Sie dort die Adresse, von der optiGov zugreift.",
            "Exempt the application from the policy in Microsoft Entra ID, or allow the address there from which optiGov connects.",
        ),
    ),
    row(
        &[70_011, 28_002, 1_002_012],
        Kind::Token,
        (
            "Microsoft Entra ID kennt den Geltungsbereich (scope) der Anfrage nicht.",
            "Microsoft Entra ID does not know the scope of the request.",
        ),
        (
            "Prüfen Sie in der Verbindung den Endpunkt von Microsoft Graph: Aus ihm entsteht der Geltungsbereich.",
            "Check the endpoint of Microsoft Graph in the connection: the scope is made of it.",
        ),
    ),
    row(
        &[7_000_218],
        Kind::Token,
        (
            "Die Anfrage nach einem Zugriffstoken kam ohne Nachweis der Anwendung an.",
            "The request for an access token arrived without the application's proof.",
        ),
        (
            "Prüfen Sie, ob ein Proxy den Inhalt von Anfragen an Microsoft Entra ID verändert.",
            "Check whether a proxy changes the content of requests to Microsoft Entra ID.",
        ),
    ),
    NumberMeaning { numbers: &[90_006, 90_024, 90_055], kind: Kind::Transient, words: None },
];

/// What stands in place of the words of `optigov-calendar`, which are about a server in the municipality's own network.
static BY_KIND: &[(Kind, Words)] = &[
    words(
        Kind::Resolve,
        ("Der Name des Servers ist nicht auflösbar.", "The server's name cannot be resolved."),
        (
            "Prüfen Sie die Schreibweise der Adresse und ob der Namensserver (DNS) dieses Rechners Namen im Internet auflöst.",
            "Check the spelling of the URL, and whether this machine's name server (DNS) resolves names of the Internet.",
        ),
    ),
    words(
        Kind::Refused,
        ("Der Server lehnt Verbindungen auf diesem Port ab.", "The server refuses connections on this port."),
        (
            "Prüfen Sie die Adresse, und ob eine Firewall oder ein Proxy Verbindungen zu Microsoft 365 ablehnt.",
            "Check the URL, and whether a firewall or a proxy refuses connections to Microsoft 365.",
        ),
    ),
    words(
        Kind::Connect,
        ("Es kommt keine Verbindung zum Server zustande.", "No connection to the server can be opened."),
        (
            "Prüfen Sie, ob dieser Rechner Microsoft 365 über Port 443 erreicht, unmittelbar oder über den eingestellten Proxy.",
            "Check that this machine reaches Microsoft 365 on port 443, directly or by the configured proxy.",
        ),
    ),
    words(
        Kind::Tls,
        ("Die verschlüsselte Verbindung kommt nicht zustande.", "The encrypted connection cannot be established."),
        (
            "Prüfen Sie, ob eine Firewall die Verbindung unterbricht oder eine TLS-Inspektion zwischen optiGov und Microsoft 365 steht.",
            "Check whether a firewall cuts the connection, or TLS inspection stands between optiGov and Microsoft 365.",
        ),
    ),
    words(
        Kind::CertificateUntrusted,
        ("Dem Zertifikat des Servers wird nicht vertraut.", "The server's certificate is not trusted."),
        (
            "Stammt das Zertifikat nicht von Microsoft, nehmen Sie Microsoft 365 von der TLS-Inspektion aus, oder hinterlegen Sie das Stammzertifikat der \
             Inspektion in der Verbindung.",
            "If the certificate is not Microsoft's, exempt Microsoft 365 from TLS inspection, or add the inspection's root certificate to the connection.",
        ),
    ),
    words(
        Kind::CertificateName,
        ("Das Zertifikat des Servers gilt für einen anderen Namen.", "The server's certificate is for another name."),
        (
            "Prüfen Sie die Adresse, und ob der Namensserver (DNS) sie zu einem anderen Rechner führt.",
            "Check the URL, and whether the name server (DNS) leads it to another machine.",
        ),
    ),
    words(
        Kind::Timeout,
        ("Der Server antwortet nicht rechtzeitig.", "The server does not answer in time."),
        (
            "Prüfen Sie, ob eine Firewall oder ein Proxy die Verbindung verwirft, und den Dienststatus von Microsoft 365. Ist der Dienst nur langsam, erhöhen \
             Sie die Frist.",
            "Check whether a firewall or a proxy drops the connection, and the service health of Microsoft 365. If the service is only slow, allow more time.",
        ),
    ),
    words(
        Kind::Interrupted,
        ("Die Verbindung ist abgebrochen.", "The connection was lost."),
        (
            "Prüfen Sie die Firewall und den Proxy auf dem Weg zu Microsoft 365.",
            "Check the firewall and the proxy on the way to Microsoft 365.",
        ),
    ),
    words(
        Kind::CredentialsRefused,
        (
            "Microsoft Entra ID lehnt den Nachweis der Anwendung ab.",
            "Microsoft Entra ID refuses the application's credential.",
        ),
        (
            "Prüfen Sie das Zertifikat oder den geheimen Clientschlüssel in der App-Registrierung. Bis zur Änderung wird kein weiterer Versuch gesendet.",
            "Check the certificate or the client secret in the app registration. No further attempt is sent until the credential changes.",
        ),
    ),
    words(
        Kind::CredentialsLocked,
        (
            "Der Nachweis der Anwendung wurde zuvor nicht angenommen und wird vorerst nicht erneut gesendet.",
            "The application's credential was not accepted before and is not sent again for now.",
        ),
        (
            "Hinterlegen Sie das gültige Zertifikat oder den gültigen geheimen Clientschlüssel; dann wird sofort wieder angefragt.",
            "Store the valid certificate or client secret; then a token is asked for again at once.",
        ),
    ),
    words(
        Kind::AccountUnknown,
        ("Microsoft Entra ID lässt diese Anwendung nicht zu.", "Microsoft Entra ID does not admit this application."),
        (
            "Prüfen Sie die Anwendungs-ID (Client) und den Mandanten in der Verbindung, und suchen Sie die Anmeldung im Protokoll der Dienstprinzipale.",
            "Check the application (client) ID and the tenant in the connection, and look for the attempt in the sign-in log of service principals.",
        ),
    ),
    words(
        Kind::Token,
        ("Es gibt kein gültiges Zugriffstoken.", "There is no valid access token."),
        (
            "Prüfen Sie, ob die Anmeldestelle (authority) und der Endpunkt zu derselben Cloud gehören, und suchen Sie die Anmeldung im Protokoll der \
             Dienstprinzipale in Microsoft Entra ID.",
            "Check that the authority and the endpoint belong to the same cloud, and look for the attempt in the sign-in log of service principals in \
             Microsoft Entra ID.",
        ),
    ),
    words(
        Kind::Forbidden,
        ("Eine Richtlinie verbietet der Anwendung den Zugriff.", "A policy forbids the application's access."),
        (
            "Prüfen Sie in Exchange Online die Zugriffsrichtlinien: Listen erlaubter und gesperrter Programme (EwsAllowList, EwsBlockList) gelten auch für \
             Microsoft Graph. Auch ein Proxy kann so antworten.",
            "Check the access policies in Exchange Online: lists of allowed and blocked programs (EwsAllowList, EwsBlockList) hold for Microsoft Graph, \
             too. A proxy can answer like this as well.",
        ),
    ),
    words(
        Kind::AccessDenied,
        (
            "Die Anwendung darf den Kalender dieses Postfachs nicht lesen.",
            "The application may not read this mailbox's calendar.",
        ),
        (
            "Nehmen Sie das Postfach in den Verwaltungsbereich der Rolle „Application Calendars.Read“ auf, und prüfen Sie das Ergebnis mit \
             Test-ServicePrincipalAuthorization. Eine Änderung wirkt nach 30 Minuten bis 2 Stunden.",
            "Put the mailbox into the management scope of the role \"Application Calendars.Read\", and check the result with \
             Test-ServicePrincipalAuthorization. A change takes effect after 30 minutes to 2 hours.",
        ),
    ),
    words(
        Kind::ConsentMissing,
        ("Der Anwendung fehlt eine Berechtigung.", "The application lacks a permission."),
        (
            "Weisen Sie der Anwendung in Exchange Online die Rolle „Application Calendars.Read“ mit einem Verwaltungsbereich zu, wie im Leitfaden \
             beschrieben.",
            "Assign the role \"Application Calendars.Read\" with a management scope to the application in Exchange Online, as the guide describes.",
        ),
    ),
    words(
        Kind::MailboxNotFound,
        ("Der Mandant kennt kein Postfach mit dieser Adresse.", "The tenant knows no mailbox with this address."),
        (
            "Prüfen Sie die Schreibweise der Adresse, und ob sie der Benutzerprinzipalname oder die primäre Adresse des Postfachs ist.",
            "Check the spelling of the address, and whether it is the mailbox's user principal name or primary address.",
        ),
    ),
    words(
        Kind::MailboxElsewhere,
        ("Dieses Postfach liegt nicht in Exchange Online.", "This mailbox does not lie in Exchange Online."),
        (
            "Prüfen Sie, ob es noch auf dem eigenen Server liegt, ob ihm in Microsoft 365 eine Lizenz fehlt und ob es dort gelöscht oder nur ein Gast ist.",
            "Check whether it still lies on your own server, whether it lacks a licence in Microsoft 365, and whether it is deleted there or only a guest.",
        ),
    ),
    words(
        Kind::MailboxUnavailable,
        ("Das Postfach ist zurzeit nicht verfügbar.", "The mailbox is not available at the moment."),
        (
            "Es wird von selbst erneut versucht. Prüfen Sie, ob das Postfach gerade verschoben wird, und den Dienststatus von Microsoft 365.",
            "The request is tried again by itself. Check whether the mailbox is being moved just now, and the service health of Microsoft 365.",
        ),
    ),
    words(
        Kind::MailboxDefective,
        ("Das Postfach hat keinen Kalender, der sich lesen lässt.", "The mailbox has no calendar that can be read."),
        (
            "Öffnen Sie das Postfach einmal in Outlook, damit der Standardkalender angelegt wird. Bleibt der Fehler, wenden Sie sich mit der Anfragekennung an \
             den Support von Microsoft.",
            "Open the mailbox once in Outlook, so that its default calendar is made. If the error stays, turn to Microsoft's support with the request id.",
        ),
    ),
    words(
        Kind::Throttled,
        (
            "Microsoft Graph bittet um weniger Anfragen an dieses Postfach oder von dieser Anwendung.",
            "Microsoft Graph asks for fewer requests to this mailbox or from this application.",
        ),
        (
            "Es wird nach der genannten Wartezeit von selbst erneut versucht. Geschieht das oft, verringern Sie die Zahl der gleichzeitigen Anfragen, und prüfen \
             Sie, ob ein anderes Programm dieselbe Anwendung benutzt.",
            "The request is tried again by itself after the wait that is named. If it happens often, lower the number of requests in flight, and check whether \
             another program uses the same application.",
        ),
    ),
    words(
        Kind::Unavailable,
        ("Microsoft Graph ist zurzeit nicht verfügbar.", "Microsoft Graph is not available at the moment."),
        (
            "Es wird von selbst erneut versucht. Hält die Störung an, prüfen Sie den Dienststatus von Microsoft 365.",
            "The request is tried again by itself. If the fault persists, check the service health of Microsoft 365.",
        ),
    ),
    words(
        Kind::Transient,
        ("Microsoft 365 meldet eine vorübergehende Störung.", "Microsoft 365 reports a passing fault."),
        (
            "Es wird von selbst erneut versucht. Hält die Störung an, prüfen Sie den Dienststatus in der Verwaltungskonsole.",
            "The request is tried again by itself. If the fault persists, check the service health in the admin centre.",
        ),
    ),
    words(
        Kind::Server,
        ("Microsoft Graph meldet einen Fehler.", "Microsoft Graph reports an error."),
        (
            "Prüfen Sie den Dienststatus von Microsoft 365, und wenden Sie sich mit den genannten Einzelheiten an den Support von Microsoft.",
            "Check the service health of Microsoft 365, and turn to Microsoft's support with the details given here.",
        ),
    ),
    words(
        Kind::Gateway,
        (
            "Ein Proxy auf dem Weg zu Microsoft 365 bekommt keine Antwort.",
            "A proxy on the way to Microsoft 365 gets no answer.",
        ),
        (
            "Prüfen Sie den Proxy, und ob er Verbindungen zu Microsoft 365 durchlässt.",
            "Check the proxy, and whether it lets connections to Microsoft 365 through.",
        ),
    ),
    words(
        Kind::LogonPage,
        ("An Stelle von Microsoft 365 antwortet eine Anmeldeseite.", "A logon page answers in place of Microsoft 365."),
        (
            "Prüfen Sie, ob ein Proxy eine Anmeldung verlangt, und nehmen Sie die Adressen von Microsoft 365 davon aus.",
            "Check whether a proxy asks for a logon, and exempt the addresses of Microsoft 365 from it.",
        ),
    ),
    words(
        Kind::NotTheService,
        ("Was antwortet, ist nicht Microsoft 365.", "What answers is not Microsoft 365."),
        (
            "Prüfen Sie die Anmeldestelle (authority) und den Endpunkt in der Verbindung, und ob ein Proxy an ihrer Stelle antwortet.",
            "Check the authority and the endpoint in the connection, and whether a proxy answers in their place.",
        ),
    ),
    words(
        Kind::Malformed,
        (
            "Die Antwort von Microsoft Graph ist nicht zu verstehen.",
            "The answer of Microsoft Graph cannot be understood.",
        ),
        (
            "Prüfen Sie, ob ein Proxy Antworten verändert. Sonst melden Sie die genannten Einzelheiten dem Betreiber von optiGov.",
            "Check whether a proxy changes answers. Otherwise report the details given here to the operator of optiGov.",
        ),
    ),
    words(
        Kind::UnexpandedSeries,
        (
            "Microsoft Graph hat eine Terminserie statt ihrer Termine geschickt.",
            "Microsoft Graph sent a series in place of its appointments.",
        ),
        (
            "Melden Sie die genannten Einzelheiten dem Betreiber von optiGov, und lesen Sie diese Kalender bis dahin mit getSchedule.",
            "Report the details given here to the operator of optiGov, and read these calendars by getSchedule until then.",
        ),
    ),
    words(
        Kind::RequestRejected,
        ("Microsoft Graph hält die Anfrage für ungültig.", "Microsoft Graph takes the request to be invalid."),
        (
            "Melden Sie die genannten Einzelheiten dem Betreiber von optiGov.",
            "Report the details given here to the operator of optiGov.",
        ),
    ),
];

const fn words(kind: Kind, cause: (&'static str, &'static str), remedy: (&'static str, &'static str)) -> (Kind, Words) {
    (kind, Words { cause, remedy })
}

/// The same error, worded for Exchange Online where the usual words are about a server of one's own. Words that were chosen for this very error
/// stay.
pub(crate) fn in_words_of_graph(error: ReadError) -> ReadError {
    let kind = error.kind();
    let chosen = *error.cause() != kind.cause() || *error.remedy() != kind.remedy();
    match BY_KIND.iter().find(|(known, _)| *known == kind) {
        Some((_, words)) if !chosen => error.with_texts(words.cause(), words.remedy()),
        _ => error,
    }
}

/// The refusal of a mailbox by an application of which nothing shows yet that it may read any calendar at all.
pub(crate) fn nothing_granted_yet(error: ReadError) -> ReadError {
    const WORDS: Words = Words {
        cause: (
            "Die Anwendung darf diesen Kalender nicht lesen, und bisher auch keinen anderen.",
            "The application may not read this calendar, and so far no other one.",
        ),
        remedy: (
            "Prüfen Sie mit Test-ServicePrincipalAuthorization, ob der Anwendung die Rolle „Application Calendars.Read“ zugewiesen ist und ob das Postfach in \
             ihrem Verwaltungsbereich liegt. Eine Änderung wirkt nach 30 Minuten bis 2 Stunden.",
            "Check with Test-ServicePrincipalAuthorization whether the role \"Application Calendars.Read\" is assigned to the application, and whether the \
             mailbox lies in its management scope. A change takes effect after 30 minutes to 2 hours.",
        ),
    };
    error.with_texts(WORDS.cause(), WORDS.remedy())
}

#[cfg(test)]
mod tests {
    use optigov_calendar::Language;

    use super::*;

    fn all() -> impl Iterator<Item = Words> {
        BY_KIND.iter().map(|(_, words)| *words).chain(BY_NUMBER.iter().filter_map(|row| row.words))
    }

    #[test]
    fn no_word_is_about_a_server_of_ones_own() {
        for words in all() {
            for language in Language::ALL {
                let (cause, remedy) = (words.cause(), words.remedy());
                let text = format!("{} {}", cause.in_language(language), remedy.in_language(language));
                for wrong in ["VPN", "IIS", "ApplicationImpersonation", "NTLM", "Kerberos", "Kennwort", "Dienstkonto"] {
                    assert!(!text.contains(wrong), "{wrong} in: {text}");
                }
            }
        }
    }

    #[test]
    fn every_text_is_whole_sentences_and_no_remedy_repeats_its_cause() {
        for words in all() {
            for language in Language::ALL {
                let (cause, remedy) = (words.cause(), words.remedy());
                let (cause, remedy) = (cause.in_language(language), remedy.in_language(language));
                assert!(cause.ends_with('.') && remedy.ends_with('.'), "{cause} {remedy}");
                assert!(!remedy.contains(cause), "{remedy}");
                assert!(!cause.contains("  ") && !remedy.contains("  "), "{cause} {remedy}");
            }
        }
    }

    #[test]
    fn each_number_and_each_kind_has_one_row() {
        let mut numbers: Vec<u64> = BY_NUMBER.iter().flat_map(|row| row.numbers.iter().copied()).collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count);
        for (index, (kind, _)) in BY_KIND.iter().enumerate() {
            assert!(!BY_KIND[..index].iter().any(|(other, _)| other == kind), "{kind:?}");
        }
    }
}
