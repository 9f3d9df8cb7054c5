//! For each kind of error: its name, whose fault it usually is, at which step it happens, and what to say of it to the administrator.
//!
//! A remedy names only what is printed beside it, and never repeats the cause.

use crate::{
    Origin::{self, Account, Configuration, Library, Mailbox, Network, Server},
    ReadErrorKind as Kind, Step, Text,
};

/// What belongs to one kind.
pub(crate) struct KindTexts {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) origin: Origin,
    pub(crate) step: Option<Step>,
    pub(crate) cause: Text,
    pub(crate) remedy: Text,
}

/// The entry of a kind. The table holds every kind; a test walks through it.
pub(crate) fn of(kind: Kind) -> &'static KindTexts {
    ALL.iter().find(|texts| texts.kind == kind).unwrap_or(&ALL[ALL.len() - 1])
}

const fn row(
    kind: Kind,
    name: &'static str,
    origin: Origin,
    step: Option<Step>,
    cause: (&'static str, &'static str),
    remedy: (&'static str, &'static str),
) -> KindTexts {
    KindTexts {
        kind,
        name,
        origin,
        step,
        cause: Text::fixed(cause.0, cause.1),
        remedy: Text::fixed(remedy.0, remedy.1),
    }
}

pub(crate) static ALL: &[KindTexts] = &[
    row(
        Kind::Configuration,
        "configuration",
        Configuration,
        None,
        ("Eine Einstellung ist ungültig.", "A setting is not valid."),
        (
            "Korrigieren Sie die genannte Einstellung der Verbindung.",
            "Correct the setting of the connection that is named here.",
        ),
    ),
    row(
        Kind::Resolve,
        "resolve",
        Network,
        Some(Step::Resolve),
        ("Der Name des Servers ist nicht auflösbar.", "The server's name cannot be resolved."),
        (
            "Prüfen Sie die Schreibweise des Namens in der Adresse. Ist er nur im Netz der Kommune bekannt, muss der VPN-Tunnel einen \
             DNS-Server mitbringen, oder Sie tragen die IP-Adresse in der Verbindung ein.",
            "Check the spelling of the name in the URL. If only the municipality's network knows the name, the VPN tunnel must bring a DNS \
             server, or you enter the IP address in the connection.",
        ),
    ),
    row(
        Kind::Refused,
        "refused",
        Network,
        Some(Step::Connect),
        ("Der Server lehnt Verbindungen auf diesem Port ab.", "The server refuses connections on this port."),
        (
            "Prüfen Sie, ob der Port in der Adresse stimmt und ob der Webdienst (IIS) auf dem Server läuft. Auch eine Firewall kann \
             Verbindungen so ablehnen.",
            "Check that the port in the URL is right and that the web service (IIS) runs on the server. A firewall can refuse connections \
             in this way, too.",
        ),
    ),
    row(
        Kind::Connect,
        "connect",
        Network,
        Some(Step::Connect),
        ("Es kommt keine Verbindung zum Server zustande.", "No connection to the server can be opened."),
        (
            "Prüfen Sie, ob der VPN-Tunnel steht, ob der Weg zum Server eingetragen ist und ob eine Firewall den Port sperrt.",
            "Check that the VPN tunnel is up, that there is a route to the server, and that no firewall blocks the port.",
        ),
    ),
    row(
        Kind::Proxy,
        "proxy",
        Network,
        Some(Step::Connect),
        ("Der Proxy lässt die Verbindung nicht zu.", "The proxy does not allow the connection."),
        (
            "Prüfen Sie Adresse, Benutzername und Kennwort des Proxys, und ob er Verbindungen zu diesem Server und Port erlaubt.",
            "Check the proxy's address, user name and password, and whether it allows connections to this server and port.",
        ),
    ),
    row(
        Kind::Tls,
        "tls",
        Server,
        Some(Step::Tls),
        ("Die verschlüsselte Verbindung kommt nicht zustande.", "The encrypted connection cannot be established."),
        (
            "Prüfen Sie, ob der Server auf diesem Port TLS in der eingestellten Version spricht, ob er ein Client-Zertifikat verlangt und \
             ob eine Firewall die Verbindung unterbricht.",
            "Check that the server speaks TLS in the configured version on this port, whether it asks for a client certificate, and whether \
             a firewall cuts the connection.",
        ),
    ),
    row(
        Kind::CertificateExpired,
        "certificate_expired",
        Server,
        Some(Step::Tls),
        (
            "Das Zertifikat des Servers ist abgelaufen oder noch nicht gültig.",
            "The server's certificate has expired or is not valid yet.",
        ),
        (
            "Erneuern Sie das Zertifikat, und prüfen Sie die Uhrzeit auf beiden Seiten.",
            "Renew the certificate, and check the clocks on both sides.",
        ),
    ),
    row(
        Kind::CertificateUntrusted,
        "certificate_untrusted",
        Server,
        Some(Step::Tls),
        ("Dem Zertifikat des Servers wird nicht vertraut.", "The server's certificate is not trusted."),
        (
            "Hinterlegen Sie das Stammzertifikat Ihrer Zertifizierungsstelle in der Verbindung. Stammt das Zertifikat nicht von Ihrem \
             Exchange-Server, nehmen Sie ihn von der TLS-Inspektion aus.",
            "Add the root certificate of your certification authority to the connection. If the certificate is not your Exchange server's, \
             exempt the server from TLS inspection.",
        ),
    ),
    row(
        Kind::CertificateName,
        "certificate_name",
        Server,
        Some(Step::Tls),
        ("Das Zertifikat des Servers gilt für einen anderen Namen.", "The server's certificate is for another name."),
        (
            "Verwenden Sie in der Adresse einen Namen, der im Zertifikat steht, oder stellen Sie ein Zertifikat mit dem Namen aus der \
             Adresse aus.",
            "Use a name in the URL that the certificate bears, or issue a certificate with the name in the URL.",
        ),
    ),
    row(
        Kind::Timeout,
        "timeout",
        Network,
        Some(Step::Calendar),
        ("Der Server antwortet nicht rechtzeitig.", "The server does not answer in time."),
        (
            "Prüfen Sie, ob der VPN-Tunnel steht, ob eine Firewall die Verbindung verwirft und wie ausgelastet der Server ist. Ist er nur \
             langsam, erhöhen Sie die Frist.",
            "Check that the VPN tunnel is up, whether a firewall drops the connection, and how busy the server is. If it is only slow, allow \
             more time.",
        ),
    ),
    row(
        Kind::Interrupted,
        "interrupted",
        Network,
        Some(Step::Calendar),
        ("Die Verbindung ist abgebrochen.", "The connection was lost."),
        (
            "Prüfen Sie den VPN-Tunnel, den Proxy und den Lastverteiler vor Exchange.",
            "Check the VPN tunnel, the proxy and the load balancer in front of Exchange.",
        ),
    ),
    row(
        Kind::CredentialsRefused,
        "credentials_refused",
        Account,
        Some(Step::Authentication),
        (
            "Der Server lehnt Benutzername oder Kennwort des Dienstkontos ab.",
            "The server refuses the service account's user name or password.",
        ),
        (
            "Prüfen Sie beides, und ob das Konto abgelaufen oder gesperrt ist. Stimmt alles und wird NTLM verwendet, prüfen Sie den \
             erweiterten Schutz (Extended Protection): Eine TLS-Inspektion zwischen optiGov und Exchange verhindert dann die Anmeldung und \
             muss für diesen Server ausgenommen werden. Bis zur Änderung wird kein weiterer Versuch gesendet, damit das Konto nicht \
             gesperrt wird.",
            "Check both, and whether the account has expired or is locked. If all is right and NTLM is used, look at Extended Protection: TLS \
             inspection between optiGov and Exchange then prevents the logon and must exempt this server. No further attempt is sent until \
             the credential changes, so that the account is not locked.",
        ),
    ),
    row(
        Kind::PasswordExpired,
        "password_expired",
        Account,
        Some(Step::Authentication),
        (
            "Das Kennwort des Dienstkontos ist abgelaufen oder muss geändert werden.",
            "The service account's password has expired or must be changed.",
        ),
        (
            "Vergeben Sie ein neues Kennwort, das nicht abläuft, und hinterlegen Sie es in der Verbindung.",
            "Set a new password that does not expire, and store it in the connection.",
        ),
    ),
    row(
        Kind::CredentialsLocked,
        "credentials_locked",
        Account,
        Some(Step::Authentication),
        (
            "Die Zugangsdaten wurden zuvor nicht angenommen und werden vorerst nicht erneut gesendet.",
            "The credentials were not accepted before and are not sent again for now.",
        ),
        (
            "Hinterlegen Sie das aktuelle Kennwort des Dienstkontos; dann wird sofort wieder angefragt.",
            "Store the service account's current password; then the server is asked again at once.",
        ),
    ),
    row(
        Kind::SchemeNotOffered,
        "scheme_not_offered",
        Configuration,
        Some(Step::Authentication),
        (
            "Der Server bietet das eingestellte Anmeldeverfahren nicht an.",
            "The server does not offer the configured authentication scheme.",
        ),
        (
            "Wählen Sie eines der angebotenen Verfahren, oder schalten Sie das gewünschte am virtuellen Verzeichnis für EWS ein.",
            "Choose one of the schemes offered, or enable the one you want on the virtual directory for EWS.",
        ),
    ),
    row(
        Kind::Token,
        "token",
        Account,
        Some(Step::Authentication),
        ("Es wurde kein Zugriffstoken ausgestellt.", "No access token was issued."),
        (
            "Prüfen Sie die Registrierung der Anwendung und den Dienst, der die Token ausstellt.",
            "Check the application's registration and the service that issues the tokens.",
        ),
    ),
    row(
        Kind::AccountDisabled,
        "account_disabled",
        Account,
        Some(Step::Ticket),
        (
            "Das Dienstkonto ist gesperrt, deaktiviert oder abgelaufen.",
            "The service account is locked, disabled or expired.",
        ),
        (
            "Entsperren oder aktivieren Sie das Konto im Verzeichnis, und suchen Sie den Grund: Oft sendet ein anderes Programm ein altes \
             Kennwort. Bis das Kennwort in der Verbindung neu hinterlegt wird, wird vorerst kein weiterer Versuch gesendet.",
            "Unlock or enable the account in the directory, and look for the reason: often another program sends an old password. For now, no \
             further attempt is sent until the password is stored anew in the connection.",
        ),
    ),
    row(
        Kind::AccountUnknown,
        "account_unknown",
        Account,
        Some(Step::Ticket),
        ("Das Verzeichnis kennt das Dienstkonto nicht.", "The directory does not know the service account."),
        (
            "Prüfen Sie Benutzername und Realm. Der Realm ist der DNS-Name der Domäne in Großbuchstaben, nicht ihr kurzer Name.",
            "Check the user name and the realm. The realm is the domain's DNS name in capitals, not its short name.",
        ),
    ),
    row(
        Kind::TenantUnknown,
        "tenant_unknown",
        Configuration,
        Some(Step::Authentication),
        ("Der Mandant ist in dieser Cloud nicht bekannt.", "The tenant is not known in this cloud."),
        (
            "Prüfen Sie den Mandanten und die Anmeldestelle (authority) in der Verbindung.",
            "Check the tenant and the authority in the connection.",
        ),
    ),
    row(
        Kind::ConsentMissing,
        "consent_missing",
        Account,
        Some(Step::Rights),
        (
            "Der Anwendung wurde nicht erlaubt, Kalender zu lesen.",
            "The application has not been granted the right to read calendars.",
        ),
        (
            "Weisen Sie der Anwendung die Berechtigung „Calendars.Read“ zu, wie im Leitfaden beschrieben.",
            "Assign the permission \"Calendars.Read\" to the application, as the guide describes.",
        ),
    ),
    row(
        Kind::ServiceUnknown,
        "service_unknown",
        Configuration,
        Some(Step::Ticket),
        (
            "Der Dienstprinzipalname des Servers ist im Verzeichnis nicht eingetragen.",
            "The server's service principal name is not registered in the directory.",
        ),
        (
            "Prüfen Sie mit „setspn -Q HTTP/<Name in der Adresse>“, welches Konto den Namen hat, und tragen Sie ihn dort ein, oder geben Sie \
             in der Verbindung den eingetragenen Namen an.",
            "See with \"setspn -Q HTTP/<name in the URL>\" which account has the name, and register it there, or give the registered name in the \
             connection.",
        ),
    ),
    row(
        Kind::ClockSkew,
        "clock_skew",
        Network,
        Some(Step::Ticket),
        ("Die Uhren gehen zu weit auseinander.", "The clocks are too far apart."),
        (
            "Stellen Sie auf beiden Seiten die Zeit über NTP; Kerberos erlaubt gewöhnlich fünf Minuten Abweichung. Die Zeitzone spielt keine \
             Rolle.",
            "Set the time by NTP on both sides; Kerberos usually allows a difference of five minutes. The time zone does not matter.",
        ),
    ),
    row(
        Kind::EncryptionNotSupported,
        "encryption_not_supported",
        Account,
        Some(Step::Ticket),
        (
            "Für das Dienstkonto oder den Server gibt es keinen AES-Schlüssel.",
            "There is no AES key for the service account or the server.",
        ),
        (
            "Erlauben Sie an beiden Konten AES (msDS-SupportedEncryptionTypes: 24), und ändern Sie danach ihr Kennwort: Erst dabei entstehen die \
             AES-Schlüssel. RC4 und DES werden nicht verwendet.",
            "Allow AES on both accounts (msDS-SupportedEncryptionTypes: 24), and change their passwords afterwards: only that creates the AES keys. \
             RC4 and DES are not used.",
        ),
    ),
    row(
        Kind::KdcUnreachable,
        "kdc_unreachable",
        Network,
        Some(Step::Kdc),
        ("Es ist kein Domänencontroller (KDC) erreichbar.", "No domain controller (KDC) can be reached."),
        (
            "Prüfen Sie, ob der Weg zu den Domänencontrollern offen ist (Port 88, TCP und UDP, am Proxy vorbei) und ob das DNS die Einträge \
             _kerberos._tcp der Domäne kennt. Sonst geben Sie die KDCs in der Verbindung an.",
            "Check that the way to the domain controllers is open (port 88, TCP and UDP, not through the proxy) and that the DNS knows the domain's \
             records _kerberos._tcp. Otherwise give the KDCs in the connection.",
        ),
    ),
    row(
        Kind::KdcSilent,
        "kdc_silent",
        Network,
        Some(Step::Kdc),
        (
            "Der Domänencontroller (KDC) antwortet nicht auf die Anmeldung.",
            "The domain controller (KDC) does not answer the logon.",
        ),
        (
            "Prüfen Sie, ob der Dienst auf den Domänencontrollern läuft und ob eine Firewall seine Antworten verwirft. Der nächste Versuch \
             wartet, weil der Domänencontroller das Kennwort schon geprüft haben kann.",
            "Check that the service runs on the domain controllers, and that no firewall drops its answers. The next attempt waits, because \
             the domain controller may have checked the password already.",
        ),
    ),
    row(
        Kind::KdcRefused,
        "kdc_refused",
        Account,
        Some(Step::Ticket),
        ("Der Domänencontroller (KDC) stellt kein Ticket aus.", "The domain controller (KDC) issues no ticket."),
        (
            "Suchen Sie mit dem genannten Code im Ereignisprotokoll des Domänencontrollers (4768, 4769, 4771). Prüfen Sie Anmeldezeiten und \
             Authentifizierungsrichtlinien des Kontos.",
            "Search the domain controller's event log with the code given here (4768, 4769, 4771). Check the account's logon hours and \
             authentication policies.",
        ),
    ),
    row(
        Kind::TicketRefused,
        "ticket_refused",
        Server,
        Some(Step::Authentication),
        ("Der Server nimmt das Kerberos-Ticket nicht an.", "The server does not accept the Kerberos ticket."),
        (
            "Prüfen Sie, ob der Dienstprinzipalname an dem Konto hängt, unter dem der Server läuft (hinter einem Lastverteiler: das alternative \
             Dienstkonto, auf allen Servern mit demselben Kennwort). Verlangt der Server erweiterten Schutz (Extended Protection), muss eine \
             TLS-Inspektion zwischen optiGov und Exchange diesen Server ausnehmen.",
            "Check that the service principal name is registered on the account under which the server runs (behind a load balancer: the alternative \
             service account, with the same password on every server). If the server requires Extended Protection, TLS inspection between optiGov \
             and Exchange must exempt this server.",
        ),
    ),
    row(
        Kind::ServerUnproven,
        "server_unproven",
        Server,
        Some(Step::Authentication),
        (
            "Was antwortet, hat nicht bewiesen, dass es der Server ist.",
            "What answers did not prove that it is the server.",
        ),
        (
            "Prüfen Sie, ob ein Reverse-Proxy oder eine Web-Application-Firewall die Kopfzeile WWW-Authenticate entfernt. Ist das nicht so, gibt \
             sich etwas anderes als der Server aus.",
            "Check whether a reverse proxy or web application firewall removes the header WWW-Authenticate. If not, something else poses as the \
             server.",
        ),
    ),
    row(
        Kind::Forbidden,
        "forbidden",
        Account,
        Some(Step::Service),
        (
            "Der Server verbietet dem Dienstkonto den Zugriff auf die Exchange-Webdienste.",
            "The server forbids the service account to use Exchange Web Services.",
        ),
        (
            "Prüfen Sie am Postfach des Dienstkontos und an der Organisation EwsEnabled und EwsApplicationAccessPolicy mit den Listen der \
             erlaubten und gesperrten Programme (EwsAllowList, EwsBlockList). Auch eine Web-Application-Firewall kann so antworten.",
            "Check EwsEnabled and EwsApplicationAccessPolicy, with the lists of allowed and blocked programs (EwsAllowList, EwsBlockList), on \
             the service account's mailbox and on the organisation. A web application firewall can answer like this, too.",
        ),
    ),
    row(
        Kind::ImpersonationDenied,
        "impersonation_denied",
        Account,
        Some(Step::Impersonation),
        (
            "Das Dienstkonto darf nicht für dieses Postfach handeln.",
            "The service account may not act for this mailbox.",
        ),
        (
            "Nehmen Sie das Postfach in den Verwaltungsbereich der Rolle ApplicationImpersonation auf, oder weisen Sie die Rolle dem \
             Dienstkonto zu.",
            "Put the mailbox into the management scope of the role ApplicationImpersonation, or assign the role to the service account.",
        ),
    ),
    row(
        Kind::MailboxNotFound,
        "mailbox_not_found",
        Mailbox,
        Some(Step::Impersonation),
        ("Zu dieser Adresse gibt es kein Postfach.", "No mailbox has this address."),
        ("Prüfen Sie die Schreibweise der Adresse.", "Check the spelling of the address."),
    ),
    row(
        Kind::MailboxElsewhere,
        "mailbox_elsewhere",
        Mailbox,
        Some(Step::Calendar),
        ("Dieses Postfach liegt nicht auf diesem Server.", "This mailbox does not lie on this server."),
        (
            "Prüfen Sie, ob es auf dem eigenen Server oder in Exchange Online liegt, ob es dort eine Lizenz braucht, und ob die Konfiguration den richtigen Ort nennt.",
            "Check whether it lies on your own server or in Exchange Online, whether it needs a licence there, and whether the configuration names the right place.",
        ),
    ),
    row(
        Kind::NotPrimaryAddress,
        "not_primary_address",
        Mailbox,
        Some(Step::Impersonation),
        (
            "Die Adresse ist ein Alias und nicht die primäre Adresse des Postfachs.",
            "The address is an alias and not the mailbox's primary address.",
        ),
        ("Tragen Sie die primäre SMTP-Adresse ein.", "Enter the primary SMTP address."),
    ),
    row(
        Kind::MailboxUnavailable,
        "mailbox_unavailable",
        Mailbox,
        Some(Step::Calendar),
        ("Das Postfach ist zurzeit nicht verfügbar.", "The mailbox is not available at the moment."),
        (
            "Prüfen Sie, ob es verschoben wird oder deaktiviert ist und ob seine Datenbank bereitgestellt ist.",
            "Check whether it is being moved or is disabled, and whether its database is mounted.",
        ),
    ),
    row(
        Kind::MailboxDefective,
        "mailbox_defective",
        Mailbox,
        Some(Step::Calendar),
        (
            "Das Postfach ist falsch eingerichtet oder beschädigt.",
            "The mailbox is not set up correctly, or it is damaged.",
        ),
        (
            "Prüfen Sie, ob das Postfach im Verzeichnis richtig eingetragen ist und ob es einen Kalenderordner hat. Sind seine Daten \
             beschädigt, reparieren Sie es mit New-MailboxRepairRequest.",
            "Check that the mailbox is entered correctly in the directory and that it has a calendar folder. If its data is damaged, repair it \
             with New-MailboxRepairRequest.",
        ),
    ),
    row(
        Kind::AccessDenied,
        "access_denied",
        Account,
        Some(Step::Calendar),
        ("Das Dienstkonto darf den Kalender nicht lesen.", "The service account may not read the calendar."),
        (
            "Prüfen Sie die Rolle ApplicationImpersonation oder, im Frei/Gebucht-Modus, die Berechtigung AvailabilityOnly am \
             Kalenderordner.",
            "Check the role ApplicationImpersonation or, in free/busy mode, the permission AvailabilityOnly on the calendar folder.",
        ),
    ),
    row(
        Kind::TitlesVisible,
        "titles_visible",
        Account,
        Some(Step::Titles),
        (
            "Das Dienstkonto kann Titel von Terminen sehen, obwohl der Frei/Gebucht-Modus sie verbergen soll.",
            "The service account can see titles of appointments, although free/busy mode is meant to hide them.",
        ),
        (
            "Geben Sie dem Konto am Kalenderordner nur die Berechtigung AvailabilityOnly, und prüfen Sie, was die Berechtigung „Standard“ \
             erlaubt.",
            "Give the account no more than the permission AvailabilityOnly on the calendar folder, and check what the permission of \"Default\" \
             allows.",
        ),
    ),
    row(
        Kind::Throttled,
        "throttled",
        Server,
        Some(Step::Calendar),
        ("Der Server ist überlastet oder drosselt das Konto.", "The server is overloaded or throttles the account."),
        (
            "Weisen Sie dem Dienstkonto eine eigene Drosselungsrichtlinie zu, oder verringern Sie die Zahl der gleichzeitigen Anfragen.",
            "Give the service account a throttling policy of its own, or lower the number of requests in flight.",
        ),
    ),
    row(
        Kind::Unavailable,
        "unavailable",
        Server,
        Some(Step::Service),
        (
            "Der Server ist nicht verfügbar: Er drosselt, oder der Dienst ist angehalten.",
            "The server is not available: it throttles, or the service is stopped.",
        ),
        (
            "Prüfen Sie, ob die Anwendungspools für EWS im IIS laufen und ob der Server gewartet wird. Läuft alles, prüfen Sie die \
             Drosselung.",
            "Check that the application pools for EWS run in IIS and whether the server is under maintenance. If all is running, look at \
             throttling.",
        ),
    ),
    row(
        Kind::Transient,
        "transient",
        Server,
        Some(Step::Calendar),
        ("Der Server meldet eine vorübergehende Störung.", "The server reports a passing fault."),
        (
            "Es wird von selbst erneut versucht. Hält die Störung an, prüfen Sie die Auslastung des Servers und die Erreichbarkeit der \
             Domänencontroller.",
            "The request is tried again by itself. If the fault persists, check the server's load and whether it reaches the domain controllers.",
        ),
    ),
    row(
        Kind::Server,
        "server",
        Server,
        Some(Step::Calendar),
        ("Der Server meldet einen Fehler.", "The server reports an error."),
        (
            "Suchen Sie mit den genannten Einzelheiten in den EWS-Protokollen des Servers.",
            "Search the server's EWS logs with the details given here.",
        ),
    ),
    row(
        Kind::Gateway,
        "gateway",
        Server,
        Some(Step::Service),
        (
            "Ein Reverse-Proxy oder Lastverteiler vor Exchange erreicht den Server nicht.",
            "A reverse proxy or load balancer in front of Exchange does not reach the server.",
        ),
        (
            "Prüfen Sie den Proxy, und ob er den Exchange-Server erreicht.",
            "Check the proxy, and whether it reaches the Exchange server.",
        ),
    ),
    row(
        Kind::LogonPage,
        "logon_page",
        Server,
        Some(Step::Service),
        (
            "Statt der Exchange-Webdienste antwortet eine Anmeldeseite.",
            "A logon page answers in place of Exchange Web Services.",
        ),
        (
            "Nehmen Sie den Pfad /EWS von der Anmeldung im vorgeschalteten Proxy aus.",
            "Exempt the path /EWS from the logon of the proxy in front.",
        ),
    ),
    row(
        Kind::NotTheService,
        "not_the_service",
        Server,
        Some(Step::Service),
        (
            "Unter dieser Adresse antworten keine Exchange-Webdienste.",
            "What answers at this address is not Exchange Web Services.",
        ),
        (
            "Die Adresse lautet meist https://<Server>/EWS/Exchange.asmx. Weder eine Anmeldeseite noch ein Proxy oder ein Wartungshinweis darf \
             davor antworten.",
            "The URL is usually https://<server>/EWS/Exchange.asmx. No logon page, proxy or maintenance notice may answer in its place.",
        ),
    ),
    row(
        Kind::Malformed,
        "malformed",
        Server,
        Some(Step::Calendar),
        ("Die Antwort des Servers ist nicht lesbar.", "The server's answer cannot be read."),
        (
            "Prüfen Sie, ob ein Proxy sie verändert, und melden Sie sie dem Support mit den genannten Einzelheiten.",
            "Check whether a proxy alters it, and report it to support with the details given here.",
        ),
    ),
    row(
        Kind::LimitReached,
        "limit_reached",
        Mailbox,
        Some(Step::Calendar),
        (
            "Eine Grenze wurde erreicht, bevor der Kalender vollständig gelesen war.",
            "A limit was reached before the calendar was read whole.",
        ),
        (
            "Verkleinern Sie den Zeitraum, räumen Sie den Kalender auf, oder heben Sie die genannte Grenze an.",
            "Make the window smaller, tidy up the calendar, or raise the limit named here.",
        ),
    ),
    row(
        Kind::UnexpandedSeries,
        "unexpanded_series",
        Server,
        Some(Step::Calendar),
        (
            "Der Server löst Serientermine nicht auf, oder Termine fehlen in seiner Antwort.",
            "The server does not expand series of appointments, or its answer leaves appointments out.",
        ),
        (
            "Stellen Sie die Verbindung auf den Frei/Gebucht-Modus um, oder erlauben Sie ihr, dann Frei/Gebucht-Zeiten zu lesen.",
            "Switch the connection to free/busy mode, or allow it to read free/busy times in this case.",
        ),
    ),
    row(
        Kind::NotWatchable,
        "not_watchable",
        Server,
        None,
        ("Änderungen an diesem Kalender werden nicht gemeldet.", "Changes to this calendar are not reported."),
        (
            "Es ist nichts zu tun: Der Kalender wird weiterhin in festen Abständen gelesen.",
            "Nothing needs to be done: the calendar is still read at regular intervals.",
        ),
    ),
    row(
        Kind::RequestRejected,
        "request_rejected",
        Library,
        Some(Step::Service),
        ("Der Server hält die Anfrage für ungültig.", "The server takes the request to be invalid."),
        (
            "Prüfen Sie, ob alle Exchange-Server der Organisation die eingestellte Version der Anfragen (RequestServerVersion) kennen. Kennen \
             alle sie, melden Sie den Fehler dem Support mit den genannten Einzelheiten.",
            "Check that all Exchange servers of the organisation know the configured request version (RequestServerVersion). If they do, report \
             the error to support with the details given here.",
        ),
    ),
    row(
        Kind::Deadline,
        "deadline",
        Network,
        Some(Step::Calendar),
        ("Exchange hat nicht rechtzeitig geantwortet.", "Exchange did not answer in time."),
        (
            "Führen Sie den Verbindungstest aus. Antwortet Exchange nur langsam, erhöhen Sie die Frist in den Einstellungen der Verbindung.",
            "Run the connection check. Where Exchange is only slow, raise the deadline in the connection's settings.",
        ),
    ),
    row(
        Kind::Internal,
        "internal",
        Library,
        None,
        ("Das Lesen der Kalender brach unerwartet ab.", "Reading the calendars ended unexpectedly."),
        (
            "Bitte melden Sie den Fehler; das Protokoll nennt die Ursache.",
            "Please report the error; the log names the cause.",
        ),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn every_kind_has_its_row_and_its_name_in_json() {
        for texts in ALL {
            assert_eq!(of(texts.kind).name, texts.name);
            let json = serde_json::to_string(&texts.kind).expect("serialises");
            assert_eq!(json, format!("\"{}\"", texts.name));
        }
        let names: std::collections::HashSet<_> = ALL.iter().map(|texts| texts.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert_eq!(ALL.len(), Kind::Internal as usize + 1, "Internal is the last kind, and every kind has a row");
    }

    #[test]
    fn causes_and_remedies_are_whole_sentences_and_do_not_repeat_each_other() {
        for texts in ALL {
            for language in Language::ALL {
                let (cause, remedy) = (texts.cause.in_language(language), texts.remedy.in_language(language));
                for text in [cause, remedy] {
                    assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text}");
                    assert!(!text.contains("Passwort"), "the word is Kennwort: {text}");
                }
                let sentences = |text: &'static str| text.split_inclusive(". ").map(str::trim).collect::<Vec<_>>();
                assert!(!sentences(remedy).iter().any(|sentence| sentences(cause).contains(sentence)), "{remedy}");
            }
        }
    }
}
