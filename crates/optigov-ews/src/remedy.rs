use crate::Kind;

/// A language of the texts for administrators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// German, the default.
    #[default]
    German,
    /// English.
    English,
}

/// What an administrator can do about an error of this kind.
pub(crate) fn remedy(kind: Kind, language: Language) -> &'static str {
    let (german, english) = both(kind);
    match language {
        Language::German => german,
        Language::English => english,
    }
}

fn both(kind: Kind) -> (&'static str, &'static str) {
    match kind {
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
            "Prüfen Sie das Zertifikat des Servers: Gültigkeit, Name und Aussteller. Bei einer eigenen Zertifizierungsstelle hinterlegen \
             Sie deren Stammzertifikat (PEM) in der Verbindung.",
            "Check the server's certificate: validity, name and issuer. With a certification authority of your own, add its root \
             certificate (PEM) to the connection.",
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
    }
}
