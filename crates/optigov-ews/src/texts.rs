use crate::{CheckFinding, CheckOutcome, CheckStep, Kind};

/// A language of the texts for administrators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Language {
    /// German, the default.
    #[default]
    German,
    /// English.
    English,
}

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Text {
    #[serde(rename = "de")]
    german: &'static str,
    #[serde(rename = "en")]
    english: &'static str,
}

impl Text {
    pub(crate) fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::German => self.german,
            Language::English => self.english,
        }
    }
}

/// What happened, in one sentence.
pub(crate) fn cause(kind: Kind) -> Text {
    let (german, english) = match kind {
        Kind::Configuration => ("Eine Einstellung ist ungültig.", "A setting is not valid."),
        Kind::Resolve => ("Der Servername ist nicht auflösbar.", "The server's name has no address."),
        Kind::Connect => ("Es kommt keine Verbindung zum Server zustande.", "No connection to the server comes about."),
        Kind::Tls => {
            ("Die verschlüsselte Verbindung kommt nicht zustande.", "The encrypted connection does not come about.")
        }
        Kind::CertificateExpired => (
            "Das Zertifikat des Servers ist abgelaufen oder noch nicht gültig.",
            "The server's certificate has expired or is not valid yet.",
        ),
        Kind::CertificateUntrusted => {
            ("Dem Zertifikat des Servers wird nicht vertraut.", "The server's certificate is not trusted.")
        }
        Kind::CertificateName => (
            "Das Zertifikat des Servers gilt für einen anderen Namen.",
            "The server's certificate is for another name.",
        ),
        Kind::Timeout => ("Der Server antwortet nicht rechtzeitig.", "The server does not answer in time."),
        Kind::Interrupted => ("Die Verbindung ist abgebrochen.", "The connection was lost."),
        Kind::CredentialsRefused => {
            ("Der Server lehnt Benutzername oder Passwort ab.", "The server refuses the user name or the password.")
        }
        Kind::CredentialsLocked => (
            "Die Zugangsdaten wurden zuvor abgelehnt und werden nicht erneut gesendet.",
            "The credential was refused before and is not sent again.",
        ),
        Kind::SchemeNotOffered => (
            "Der Server bietet das eingestellte Anmeldeverfahren nicht an.",
            "The server does not offer the authentication scheme configured.",
        ),
        Kind::Token => ("Es war kein Zugriffstoken zu bekommen.", "No access token could be had."),
        Kind::ImpersonationDenied => (
            "Das Dienstkonto darf nicht für dieses Postfach handeln.",
            "The service account may not act for this mailbox.",
        ),
        Kind::MailboxNotFound => ("Das Postfach gibt es nicht.", "The mailbox does not exist."),
        Kind::NotPrimaryAddress => {
            ("Die Adresse ist ein Alias, nicht die primäre Adresse.", "The address is an alias, not the primary one.")
        }
        Kind::MailboxUnavailable => ("Das Postfach ist zurzeit nicht verfügbar.", "The mailbox is not available now."),
        Kind::AccessDenied => {
            ("Das Dienstkonto darf den Kalender nicht lesen.", "The service account may not read the calendar.")
        }
        Kind::Throttled => {
            ("Der Server ist überlastet oder drosselt das Konto.", "The server is overloaded or throttles the account.")
        }
        Kind::Server => ("Der Server meldet einen Fehler.", "The server reports an error."),
        Kind::NotEws => ("Unter der Adresse antwortet kein EWS.", "What answers at the address is not EWS."),
        Kind::Malformed => ("Die Antwort des Servers ist nicht lesbar.", "The server's answer cannot be read."),
        Kind::LimitReached => (
            "Eine Grenze wurde erreicht, bevor der Kalender vollständig gelesen war.",
            "A bound was reached before the calendar was read whole.",
        ),
        Kind::UnexpandedSeries => {
            ("Der Server löst Serientermine nicht auf.", "The server does not expand series of appointments.")
        }
        Kind::RequestRejected => {
            ("Der Server hält die Anfrage für ungültig.", "The server holds the request to be invalid.")
        }
    };
    Text { german, english }
}

/// What an administrator can do about it.
pub(crate) fn remedy(kind: Kind) -> Text {
    let (german, english) = match kind {
        Kind::Configuration => (
            "Korrigieren Sie die genannte Einstellung der Exchange-Verbindung.",
            "Correct the setting of the Exchange connection that the message names.",
        ),
        Kind::Resolve => (
            "Prüfen Sie den Servernamen in der Adresse. Ist er nur im Netz der Kommune bekannt, muss der VPN-Tunnel einen DNS-Server \
             mitbringen, oder die IP-Adresse wird in der Verbindung fest eingetragen.",
            "Check the server's name in the URL. If only the municipality's network knows it, the VPN tunnel must bring a DNS server, or \
             the connection names the IP address itself.",
        ),
        Kind::Connect => (
            "Prüfen Sie, ob der VPN-Tunnel steht, ob eine Firewall den Port sperrt und ob der Proxy richtig eingetragen ist.",
            "Check that the VPN tunnel is up, that no firewall blocks the port, and that the proxy is entered correctly.",
        ),
        Kind::Tls => (
            "Prüfen Sie, ob der Server auf diesem Port TLS in der eingestellten Version spricht, ob er ein Client-Zertifikat verlangt und ob \
             eine Firewall die Verbindung unterbricht.",
            "Check that the server speaks TLS of the version configured on this port, whether it asks for a client certificate, and \
             whether a firewall cuts the connection.",
        ),
        Kind::CertificateExpired => (
            "Erneuern Sie das Zertifikat des Servers, und prüfen Sie die Uhrzeit auf beiden Seiten.",
            "Renew the server's certificate, and check the clocks on both sides.",
        ),
        Kind::CertificateUntrusted => (
            "Hinterlegen Sie das Stammzertifikat (PEM) Ihrer Zertifizierungsstelle in der Verbindung. Kommt das Zertifikat nicht von \
             Ihrem Exchange-Server, nehmen Sie ihn von der TLS-Inspektion aus.",
            "Add the root certificate (PEM) of your certification authority to the connection. If the certificate is not your Exchange \
             server's, exempt the server from TLS inspection.",
        ),
        Kind::CertificateName => (
            "Verwenden Sie in der Adresse den Namen, der im Zertifikat steht, oder stellen Sie ein Zertifikat mit diesem Namen aus.",
            "Use the name in the certificate in the URL, or issue a certificate with the URL's name.",
        ),
        Kind::Timeout => (
            "Der Server antwortet nicht rechtzeitig. Prüfen Sie den VPN-Tunnel und die Auslastung des Servers, oder erhöhen Sie die Frist.",
            "The server does not answer in time. Check the VPN tunnel and the server's load, or allow more time.",
        ),
        Kind::Interrupted => (
            "Die Verbindung wurde unterbrochen. Prüfen Sie den VPN-Tunnel, den Proxy und den Lastverteiler vor Exchange.",
            "The connection was cut. Check the VPN tunnel, the proxy and the load balancer in front of Exchange.",
        ),
        Kind::CredentialsRefused => (
            "Prüfen Sie Benutzername und Passwort des Dienstkontos, und ob es abgelaufen oder gesperrt ist. Stimmt beides und wird NTLM \
             verwendet, prüfen Sie den erweiterten Schutz (Extended Protection): Eine TLS-Inspektion zwischen optiGov und Exchange \
             verhindert dann die Anmeldung und muss für diesen Server ausgenommen werden. Bis zur Änderung wird kein weiterer Versuch \
             gesendet, damit das Konto nicht gesperrt wird.",
            "Check the service account's user name and password, and whether it has expired or is locked. If both are right and NTLM is \
             used, look at Extended Protection: TLS inspection between optiGov and Exchange then prevents the logon and must exempt this \
             server. No further attempt is sent until the credential changes, so that the account is not locked.",
        ),
        Kind::CredentialsLocked => (
            "Der Server hat die Zugangsdaten zuvor abgelehnt. Hinterlegen Sie das aktuelle Passwort des Dienstkontos; erst dann wird \
             wieder angefragt.",
            "The server has refused these credentials before. Store the service account's current password; only then is it asked again.",
        ),
        Kind::SchemeNotOffered => (
            "Der Server bietet das gewählte Anmeldeverfahren nicht an. Wählen Sie eines der genannten Verfahren, oder schalten Sie es am \
             virtuellen Verzeichnis für EWS ein.",
            "The server does not offer the authentication scheme chosen. Choose one that the message names, or enable it on the EWS virtual \
             directory.",
        ),
        Kind::Token => (
            "Es war kein Zugriffstoken zu bekommen. Prüfen Sie die Registrierung der Anwendung und den Dienst, der die Token ausstellt.",
            "No access token could be had. Check the application's registration and the service that issues the tokens.",
        ),
        Kind::ImpersonationDenied => (
            "Das Dienstkonto darf nicht für dieses Postfach handeln. Nehmen Sie das Postfach in den Verwaltungsbereich der Rolle \
             ApplicationImpersonation auf, oder weisen Sie die Rolle dem Dienstkonto zu.",
            "The service account may not act for this mailbox. Put the mailbox into the management scope of the role \
             ApplicationImpersonation, or assign the role to the service account.",
        ),
        Kind::MailboxNotFound => (
            "Zu dieser Adresse gibt es kein Postfach. Prüfen Sie die Schreibweise.",
            "No mailbox has this address. Check its spelling.",
        ),
        Kind::NotPrimaryAddress => (
            "Die Adresse ist ein Alias. Tragen Sie die primäre SMTP-Adresse des Postfachs ein.",
            "The address is an alias. Enter the mailbox's primary SMTP address.",
        ),
        Kind::MailboxUnavailable => (
            "Das Postfach ist zurzeit nicht verfügbar: Es wird verschoben, ist deaktiviert, oder seine Datenbank ist nicht bereitgestellt.",
            "The mailbox is not available now: it is being moved, is disabled, or its database is not mounted.",
        ),
        Kind::AccessDenied => (
            "Das Dienstkonto darf den Kalender nicht lesen. Prüfen Sie die Rolle ApplicationImpersonation oder, im Frei/Gebucht-Modus, \
             die Berechtigung AvailabilityOnly am Kalenderordner.",
            "The service account may not read the calendar. Check the role ApplicationImpersonation or, in free/busy mode, the permission \
             AvailabilityOnly on the calendar folder.",
        ),
        Kind::Throttled => (
            "Exchange drosselt das Dienstkonto. Weisen Sie ihm eine eigene Drosselungsrichtlinie zu, oder verringern Sie die Zahl der \
             gleichzeitigen Anfragen.",
            "Exchange throttles the service account. Give it a throttling policy of its own, or lower the number of requests in flight.",
        ),
        Kind::Server => (
            "Exchange meldet einen Fehler. Suchen Sie in den EWS-Protokollen des Servers nach der Anfragekennung.",
            "Exchange reports an error. Look for the request's id in the server's EWS logs.",
        ),
        Kind::NotEws => (
            "Unter dieser Adresse antwortet kein EWS. Sie lautet meist https://<Server>/EWS/Exchange.asmx; eine Anmeldeseite, ein Proxy \
             oder ein Wartungshinweis davor darf nicht antworten.",
            "No EWS answers at this URL. It is usually https://<server>/EWS/Exchange.asmx; no logon page, proxy or maintenance notice may \
             answer in its place.",
        ),
        Kind::Malformed => (
            "Die Antwort des Servers ist nicht lesbar. Prüfen Sie, ob ein Proxy sie verändert, und melden Sie sie dem Support.",
            "The server's answer cannot be read. Check whether a proxy alters it, and report it to support.",
        ),
        Kind::LimitReached => (
            "Eine Grenze wurde erreicht. Verkleinern Sie den Zeitraum, räumen Sie den Kalender auf, oder heben Sie die genannte Grenze an.",
            "A bound was reached. Make the window smaller, tidy the calendar, or raise the bound that the message names.",
        ),
        Kind::UnexpandedSeries => (
            "Der Server löst Serientermine nicht auf. Stellen Sie auf den Frei/Gebucht-Modus um.",
            "The server does not expand series of appointments. Switch to free/busy mode.",
        ),
        Kind::RequestRejected => (
            "Der Server hält die Anfrage für ungültig. Prüfen Sie die eingestellte EWS-Version, und melden Sie den Fehler dem Support.",
            "The server holds the request to be invalid. Check the EWS version configured, and report the error to support.",
        ),
    };
    Text { german, english }
}

/// The name of a step of the connection check.
pub(crate) fn step(step: CheckStep) -> Text {
    let (german, english) = match step {
        CheckStep::Resolve => ("Namensauflösung", "Name resolution"),
        CheckStep::Connect => ("Verbindung", "Connection"),
        CheckStep::Tls => ("Verschlüsselung", "Encryption"),
        CheckStep::Authentication => ("Anmeldung", "Authentication"),
        CheckStep::Ews => ("Exchange-Webdienste", "Exchange Web Services"),
        CheckStep::Impersonation => ("Identitätswechsel", "Impersonation"),
        CheckStep::Calendar => ("Kalender", "Calendar"),
        CheckStep::Titles => ("Sichtbarkeit der Titel", "Visibility of titles"),
    };
    Text { german, english }
}

/// How a step of the connection check ended.
pub(crate) fn outcome(outcome: CheckOutcome) -> Text {
    let (german, english) = match outcome {
        CheckOutcome::Passed => ("in Ordnung", "passed"),
        CheckOutcome::Failed => ("fehlgeschlagen", "failed"),
        CheckOutcome::NotReached => ("nicht erreicht", "not reached"),
        CheckOutcome::NotNeeded => ("nicht erforderlich", "not needed"),
    };
    Text { german, english }
}

/// What a step found out, as a phrase.
pub(crate) fn finding(finding: &CheckFinding, language: Language) -> String {
    let german = language == Language::German;
    match finding {
        CheckFinding::Addresses { addresses } => {
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        CheckFinding::Tls { version, names, not_after, issuer } => {
            let version = version.as_deref().unwrap_or("TLS");
            let names = names.join(", ");
            let until = not_after
                .map(|until| until.format(if german { "%d.%m.%Y" } else { "%Y-%m-%d" }).to_string())
                .unwrap_or_default();
            match german {
                true => format!("{version}, Zertifikat für {names}, gültig bis {until}, ausgestellt von {issuer}"),
                false => format!("{version}, certificate for {names}, valid until {until}, issued by {issuer}"),
            }
        }
        CheckFinding::Schemes { offered, used } => {
            let offered = if offered.is_empty() { "–".to_owned() } else { offered.join(", ") };
            match german {
                true => format!("angeboten: {offered}; verwendet: {used}"),
                false => format!("offered: {offered}; used: {used}"),
            }
        }
        CheckFinding::Version { product, version } => format!("{product}, {version}"),
        CheckFinding::Entries { count } => match (german, count) {
            (true, 1) => "1 Eintrag in den nächsten 14 Tagen".to_owned(),
            (true, _) => format!("{count} Einträge in den nächsten 14 Tagen"),
            (false, 1) => "1 entry in the next 14 days".to_owned(),
            (false, _) => format!("{count} entries in the next 14 days"),
        },
        CheckFinding::Titles { looked_at, with_title } => match (german, looked_at, with_title) {
            (true, 0, _) => "ohne Einträge nicht festzustellen".to_owned(),
            (false, 0, _) => "cannot be told without entries".to_owned(),
            (true, _, 0) => "das Konto sieht keine Titel".to_owned(),
            (false, _, 0) => "the account sees no titles".to_owned(),
            (true, ..) => "das Konto könnte Titel sehen; sie werden nicht abgerufen".to_owned(),
            (false, ..) => "the account could see titles; they are not asked for".to_owned(),
        },
    }
}
