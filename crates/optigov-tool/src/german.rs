//! The German texts of the command line, by command and argument.

/// The German text of a command, or of one of its arguments (`check url`).
pub(crate) fn text(of: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(name, _)| *name == of).map(|(_, text)| *text)
}

/// The German name of a placeholder.
pub(crate) fn placeholder(english: &str) -> &str {
    match english {
        "FILE" | "FILES" => "DATEI",
        "ADDRESS" => "ADRESSE",
        "NAME" => "NAME",
        "ACCOUNT" => "KONTO",
        "SCHEME" => "VERFAHREN",
        "WHAT" => "WAS",
        "ACCESS" => "ZUGRIFF",
        "HOST" => "RECHNER",
        "KEY=VALUE" => "SCHLÜSSEL=WERT",
        "TIME" => "ZEIT",
        "DATE" => "DATUM",
        "LANGUAGE" => "SPRACHE",
        "FOLDER" => "ORDNER",
        "DOCUMENT" => "DOKUMENT",
        "COMMAND" => "BEFEHL",
        "TO" => "NOTATION",
        other => other,
    }
}

const TEXTS: &[(&str, &str)] = &[
    (
        "optigov",
        "Prüft eine Verbindung zu Exchange, zeigt freie Zeiten, prüft und erklärt Konfigurationen, simuliert ein Exchange",
    ),
    ("lang", "Die Sprache von allem, was ausgegeben wird: de oder en. Voreinstellung: die des Systems"),
    ("help", "Zeigt diese Hilfe"),
    ("version", "Zeigt die Version"),
    ("check", "Geht die Verbindung zu Exchange Schritt für Schritt durch und sagt, was zu tun ist, wo sie scheitert"),
    ("check config", "Die Konfiguration einer Kommune, TOML oder JSON; ohne sie sagen die Optionen unten alles"),
    ("check mailbox", "Das Postfach, das geprüft wird. Voreinstellung: das Testpostfach der Konfiguration"),
    ("check password_file", "Eine Datei, deren erste Zeile das Kennwort ist; ohne sie wird das Kennwort erfragt"),
    ("check password_env", "Die Umgebungsvariable, in der das Kennwort steht"),
    ("check format", "Wie der Bericht ausgegeben wird: text oder json"),
    ("check url", "Die Adresse der Exchange-Webdienste (EWS), etwa https://mail.musterstadt.example/EWS/Exchange.asmx"),
    ("check account", "Das Dienstkonto: 'DOMÄNE\\konto' (in einfachen Anführungszeichen) oder konto@domäne"),
    ("check authentication", "Wie es sich anmeldet: kerberos, ntlm, negotiate, basic oder bearer"),
    ("check negotiate", "Was negotiate erlaubt: ntlm, kerberos oder both"),
    (
        "check access",
        "Wie Kalender gelesen werden: impersonation (Identitätswechsel) oder free_busy (Frei/Gebucht ohne Titel)",
    ),
    ("check realm", "Kerberos: der Realm des Kontos"),
    ("check kdc", "Kerberos: ein Domänencontroller; mehrfach möglich"),
    ("check service_name", "Kerberos: der Dienstprinzipalname (SPN) des Servers"),
    ("check keytab", "Kerberos: ein Keytab statt des Kennworts"),
    ("check ca_file", "Eine Datei mit Stammzertifikaten, denen außer denen des Systems vertraut wird, PEM oder DER"),
    ("check proxy", "Ein Proxy: http://rechner:port, socks5://rechner:port oder socks5h://rechner:port"),
    ("check proxy_account", "Der Benutzername am Proxy; das Kennwort dazu wird erfragt"),
    ("check resolve_to", "Die IP-Adresse des Servers, wenn sich der Name nicht auflösen lässt"),
    ("check local_address", "Die lokale IP-Adresse, von der aus verbunden wird, etwa die des Tunnels"),
    ("check settings", "Jeder andere Schlüssel von [exchange] als SCHLÜSSEL=WERT; mehrfach möglich"),
    ("slots", "Zeigt die buchbaren Termine"),
    ("slots file", "Die Konfiguration einer Kommune, TOML oder JSON"),
    ("slots now", "Der Zeitpunkt, der als jetzt gilt: Ortszeit oder RFC 3339. Voreinstellung: die Uhr des Rechners"),
    ("slots from", "Der erste Tag. Voreinstellung: heute"),
    ("slots days", "Wie viele Tage, 1 bis 730"),
    ("slots counter", "Nur dieser Schalter; mehrfach möglich. Voreinstellung: alle"),
    ("slots template", "Die Terminvorlage. Voreinstellung: die erste jedes Schalters"),
    (
        "slots password_file",
        "Eine Datei, deren erste Zeile das Kennwort ist, wenn die Konfiguration nicht sagt, wo es steht; ohne sie wird es erfragt",
    ),
    ("slots password_env", "Die Umgebungsvariable, in der das Kennwort steht"),
    ("slots format", "Wie die Termine ausgegeben werden: table oder json"),
    ("config", "Prüft, wandelt und erklärt Konfigurationen, gibt ihr JSON-Schema aus"),
    ("config check", "Nennt alles, was an Konfigurationen falsch ist, und jede Warnung"),
    ("config check files", "Konfigurationen, TOML oder JSON"),
    ("config check format", "Wie Fehler ausgegeben werden: text oder json"),
    (
        "config convert",
        "Gibt eine Konfiguration in ihrer kanonischen Form aus, in der anderen oder in der genannten Notation",
    ),
    ("config convert file", "Eine Konfiguration, TOML oder JSON"),
    ("config convert to", "Die Notation: toml oder json. Voreinstellung: die andere"),
    ("config schema", "Gibt das JSON-Schema einer Kommune oder des eigenen Dokuments eines Schalters aus"),
    ("config schema document", "Wovon: municipality (Kommune) oder counter (Schalter)"),
    ("config explain", "Sagt in Sätzen, was eine Konfiguration bedeutet, mit den Öffnungszeiten der nächsten Tage"),
    ("config explain file", "Eine Konfiguration, TOML oder JSON"),
    ("config explain counter", "Nur dieser Schalter; mehrfach möglich. Voreinstellung: alle"),
    ("config explain from", "Der erste Tag. Voreinstellung: heute"),
    ("config explain days", "Wie viele Tage, 1 bis 366"),
    (
        "simulate",
        "Simuliert ein Exchange auf einem freien Port dieses Rechners, gibt seine Adressen als JSON aus und endet mit dem Programm, das es gestartet hat",
    ),
    ("simulate file", "Ein Szenario in TOML. Voreinstellung: die Demostadt Musterstadt"),
    (
        "simulate ca_file",
        "Wohin das Stammzertifikat des Simulators geschrieben wird. Voreinstellung: eine temporäre Datei",
    ),
    ("simulate stay", "Weiterlaufen, wenn das Programm endet, das ihn gestartet hat"),
    ("generate", "Schreibt Handbuchseiten und Vervollständigungen für die Shell in einen Ordner"),
    ("generate folder", "Der Ordner"),
];
