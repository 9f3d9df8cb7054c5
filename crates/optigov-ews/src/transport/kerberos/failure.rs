//! What goes wrong between this client, the KDC and the server, in words for the administrator. No text of the KDC's own is passed on.

use krb5::{ClientError, client::kdc_error_name};
use optigov_calendar::{ReadError, ReadErrorKind as Kind, Step, Text};

/// Which ticket was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// The granting ticket, which the account's key proves.
    Account,
    /// The service's ticket.
    Service,
}

/// What was asked, and whom.
pub(crate) struct Asked<'a> {
    pub(crate) exchange: Exchange,
    pub(crate) realm: &'a str,
    pub(crate) kdc: &'a str,
    pub(crate) service: &'a str,
    pub(crate) keytab: bool,
}

/// Whether NTLM may be tried instead: there is no ticket, or the server takes none. Never after a verdict on the account.
#[cfg(feature = "ntlm")]
pub(crate) fn leaves_ntlm(error: &ReadError) -> bool {
    use Kind::{ClockSkew, EncryptionNotSupported, KdcRefused, KdcUnreachable, ServiceUnknown, TicketRefused};
    matches!(
        error.kind(),
        ClockSkew | EncryptionNotSupported | KdcRefused | KdcUnreachable | ServiceUnknown | TicketRefused
    )
}

/// Whether another granting ticket may help: it has ended, was revoked, or the realm's key has changed.
pub(crate) fn is_about_the_granting_ticket(error: &ReadError) -> bool {
    let codes = [20, 31, 32, 37, 41, 44].map(name);
    error.step() == Some(Step::Ticket)
        && error.code().is_some_and(|code| codes.iter().any(|name| name == code.as_str()))
}

/// Whether the server's refusal says that another ticket may help.
pub(crate) fn is_about_the_ticket(code: i32) -> bool {
    // Integrity, expired, not yet valid, skew, modified, key version, no key.
    matches!(code, 31 | 32 | 33 | 37 | 41 | 44 | 45)
}

impl Asked<'_> {
    /// What the library's error means here.
    pub(crate) fn failed(&self, error: &ClientError) -> ReadError {
        match error {
            ClientError::Kdc { code, .. } => self.refused(*code),
            // A connection to the KDC had been opened before: the password may have got there.
            ClientError::Unreachable { .. } if self.exchange == Exchange::Account => silent_kdc(self.realm),
            ClientError::Unreachable { .. } => unreachable_kdc(self.realm, self.kdc),
            ClientError::Config(_) => no_kdc(self.realm),
            // An account without pre-authentication: the answer cannot be opened with the password's key.
            ClientError::Crypto(_) if self.exchange == Exchange::Account => self.wrong_key(),
            ClientError::NoKey(_) if self.keytab => no_key_in_keytab(),
            ClientError::NoKey(_) => self.fact(
                Kind::EncryptionNotSupported,
                "bietet kein Verschlüsselungsverfahren an, das dieses Programm spricht (AES)",
                "offers no encryption type that this program speaks (AES)",
            ),
            ClientError::Referral(_) => self.fact(
                Kind::KdcRefused,
                "verweist von einem Realm zum nächsten, ohne dass einer den Dienst kennt",
                "refers from realm to realm, and none knows the service",
            ),
            _ => self.fact(
                Kind::KdcRefused,
                "gibt eine Antwort, die nicht verstanden wird oder nicht zur Frage gehört",
                "gives an answer that is not understood or does not belong to the question",
            ),
        }
    }

    fn refused(&self, code: i32) -> ReadError {
        let account = self.exchange == Exchange::Account;
        let error = match code {
            1 => self.fact(
                Kind::AccountDisabled,
                "meldet: Das Konto ist abgelaufen",
                "says that the account has expired",
            ),
            6 | 68 => self.fact(Kind::AccountUnknown, "kennt das Konto nicht", "does not know the account"),
            7 if !account => self.unknown_service(),
            14 => self.fact(
                Kind::EncryptionNotSupported,
                "hat für das Konto oder den Dienst keinen AES-Schlüssel",
                "has no AES key for the account or the service",
            ),
            18 => self.fact(
                Kind::AccountDisabled,
                "meldet: Das Konto ist gesperrt oder deaktiviert",
                "says that the account is locked or disabled",
            ),
            23 => self.fact(
                Kind::PasswordExpired,
                "meldet: Das Kennwort ist abgelaufen",
                "says that the password has expired",
            ),
            24 | 31 if account => self.wrong_key(),
            29 => self.fact(Kind::KdcUnreachable, "ist zurzeit nicht verfügbar", "is not available at the moment"),
            37 => self.fact(
                Kind::ClockSkew,
                "meldet: Die Uhren gehen zu weit auseinander",
                "says that the clocks are too far apart",
            ),
            _ => self.fact(Kind::KdcRefused, "stellt kein Ticket aus", "issues no ticket"),
        };
        error.with_code(&name(code))
    }

    fn wrong_key(&self) -> ReadError {
        let error = match self.keytab {
            false => self.fact(
                Kind::CredentialsRefused,
                "nimmt das Kennwort des Kontos nicht an",
                "does not accept the account's password",
            ),
            true => self.fact(
                Kind::CredentialsRefused,
                "nimmt den Schlüssel aus dem Keytab nicht an",
                "does not accept the key in the keytab",
            ),
        };
        let cause = match self.keytab {
            false => Text::fixed(
                "Der Domänencontroller (KDC) lehnt das Kennwort des Dienstkontos ab.",
                "The domain controller (KDC) refuses the service account's password.",
            ),
            true => Text::fixed(
                "Der Domänencontroller (KDC) lehnt den Schlüssel aus dem Keytab ab.",
                "The domain controller (KDC) refuses the key in the keytab.",
            ),
        };
        let remedy = match self.keytab {
            false => Text::fixed(
                "Hinterlegen Sie das aktuelle Kennwort des Dienstkontos. Bis dahin wird kein weiterer Versuch gesendet, damit das Konto nicht \
                 gesperrt wird.",
                "Store the service account's current password. Until then no further attempt is sent, so that the account is not locked.",
            ),
            true => Text::fixed(
                "Erzeugen Sie das Keytab mit ktpass neu: Mit jeder Änderung des Kennworts wird es ungültig. Bis dahin wird kein weiterer Versuch \
                 gesendet, damit das Konto nicht gesperrt wird.",
                "Make the keytab anew with ktpass: each change of the password makes it invalid. Until then no further attempt is sent, so that the \
                 account is not locked.",
            ),
        };
        error.with_texts(cause, remedy)
    }

    fn unknown_service(&self) -> ReadError {
        let service = self.service;
        let error = self.fact(
            Kind::ServiceUnknown,
            &format!("kennt keinen Dienst {service}"),
            &format!("knows no service {service}"),
        );
        error.with_texts(
            Text::new(
                format!("Der Dienstprinzipalname {service} ist im Verzeichnis nicht eingetragen, oder er ist mehrfach eingetragen."),
                format!("The service principal name {service} is not registered in the directory, or it is registered more than once."),
            ),
            Text::new(
                format!(
                    "Prüfen Sie mit „setspn -Q {service}“, welches Konto den Namen hat; genau eines muss ihn haben, hinter einem Lastverteiler das \
                     alternative Dienstkonto (ASA) von Exchange. Fehlt er, tragen Sie ihn mit „setspn -S {service} <Konto>“ ein, oder geben Sie in \
                     der Verbindung mit service_name den eingetragenen Namen an."
                ),
                format!(
                    "See with \"setspn -Q {service}\" which account has the name; exactly one must have it, behind a load balancer Exchange's alternative \
                     service account (ASA). If it is missing, register it with \"setspn -S {service} <account>\", or give the registered name in the \
                     connection as service_name."
                ),
            ),
        )
    }

    /// A fact about the KDC, at the ticket's step.
    fn fact(&self, kind: Kind, german: &str, english: &str) -> ReadError {
        let (kdc, realm) = (self.kdc, self.realm);
        ReadError::new(
            kind,
            Text::new(
                format!("der KDC {kdc} des Realms {realm} {german}"),
                format!("the KDC {kdc} of the realm {realm} {english}"),
            ),
        )
        .at(Step::Ticket)
    }
}

/// No KDC is given, and neither `krb5.conf` nor the DNS names one.
pub(crate) fn no_kdc(realm: &str) -> ReadError {
    ReadError::new(
        Kind::KdcUnreachable,
        Text::new(
            format!("für den Realm {realm} ist kein KDC angegeben, und weder krb5.conf noch das DNS nennt einen"),
            format!("no KDC is given for the realm {realm}, and neither krb5.conf nor the DNS names one"),
        ),
    )
}

/// No KDC of the realm takes a connection or answers.
pub(crate) fn unreachable_kdc(realm: &str, kdcs: &str) -> ReadError {
    ReadError::new(
        Kind::KdcUnreachable,
        Text::new(
            format!("kein KDC des Realms {realm} antwortet ({kdcs})"),
            format!("no KDC of the realm {realm} answers ({kdcs})"),
        ),
    )
}

/// The deadline for tickets has passed.
pub(crate) fn silent_kdc(realm: &str) -> ReadError {
    ReadError::new(
        Kind::KdcSilent,
        Text::new(
            format!("die KDCs des Realms {realm} antworten nicht innerhalb der Frist"),
            format!("the KDCs of the realm {realm} do not answer in time"),
        ),
    )
}

fn no_key_in_keytab() -> ReadError {
    ReadError::new(
        Kind::EncryptionNotSupported,
        Text::fixed(
            "das Keytab enthält für das Konto keinen AES-Schlüssel, den der KDC annimmt",
            "the keytab holds no AES key for the account that the KDC takes",
        ),
    )
    .with_texts(
        Text::fixed(
            "Das Keytab enthält keinen passenden AES-Schlüssel des Kontos.",
            "The keytab holds no fitting AES key of the account.",
        ),
        Text::fixed(
            "Erzeugen Sie das Keytab mit „ktpass … -crypto AES256-SHA1 -ptype KRB5_NT_PRINCIPAL“ für genau dieses Konto und diesen Realm; der Name \
             im Keytab muss in Groß- und Kleinschreibung mit dem in der Verbindung übereinstimmen.",
            "Make the keytab with \"ktpass … -crypto AES256-SHA1 -ptype KRB5_NT_PRINCIPAL\" for exactly this account and realm; the name in the keytab \
             must be spelled as in the connection, capitals included.",
        ),
    )
}

/// The server refuses the token.
pub(crate) fn refused_ticket(service: &str, code: Option<i32>) -> ReadError {
    let error = match code {
        Some(37) => ReadError::new(
            Kind::ClockSkew,
            Text::fixed(
                "der Server meldet: Seine Uhr und die dieses Rechners gehen zu weit auseinander",
                "the server says that its clock and this machine's are too far apart",
            ),
        )
        .at(Step::Authentication),
        _ => ReadError::new(
            Kind::TicketRefused,
            Text::new(
                format!("der Server nimmt das Kerberos-Ticket für {service} nicht an"),
                format!("the server does not accept the Kerberos ticket for {service}"),
            ),
        ),
    };
    let error = error.with_http_status(401);
    match code {
        Some(code) => error.with_code(&name(code)),
        None => error,
    }
}

/// What answered did not prove that it has the service's key.
pub(crate) fn unproven(wrong: bool) -> ReadError {
    let fact = match wrong {
        true => Text::fixed(
            "der Beweis des Servers, dass er der gewünschte Dienst ist, ist falsch",
            "the server's proof that it is the service that was asked for is wrong",
        ),
        false => Text::fixed(
            "die Antwort enthält keinen Beweis des Servers, dass er der gewünschte Dienst ist",
            "the answer holds no proof of the server's that it is the service that was asked for",
        ),
    };
    ReadError::new(Kind::ServerUnproven, fact)
}

/// No token can be made from the ticket.
pub(crate) fn token_failed() -> ReadError {
    ReadError::new(
        Kind::Internal,
        Text::fixed("aus dem Ticket lässt sich kein Token bilden", "no token can be made from the ticket"),
    )
    .at(Step::Authentication)
}

/// The code's name in RFC 4120.
fn name(code: i32) -> String {
    match (kdc_error_name(code), code) {
        (_, 1) => "KDC_ERR_NAME_EXP".to_owned(),
        (_, 29) => "KDC_ERR_SVC_UNAVAILABLE".to_owned(),
        (_, 33) => "KRB_AP_ERR_TKT_NYV".to_owned(),
        (_, 35) => "KRB_AP_ERR_NOT_US".to_owned(),
        (_, 44) => "KRB_AP_ERR_BADKEYVER".to_owned(),
        (_, 45) => "KRB_AP_ERR_NOKEY".to_owned(),
        ("unknown", code) => format!("KRB_ERROR_{code}"),
        (name, _) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use optigov_calendar::Language;

    use super::*;

    fn asked(exchange: Exchange) -> Asked<'static> {
        let service = "HTTP/mail.stadt.example";
        Asked { exchange, realm: "STADT.EXAMPLE", kdc: "10.0.0.1:88", service, keytab: false }
    }

    #[test]
    fn what_the_kdc_refuses_is_told_apart() {
        let kind = |exchange, code| asked(exchange).refused(code).kind();
        let account = [24, 18, 1, 23, 6, 37, 14, 12, 29].map(|code| kind(Exchange::Account, code));
        let wanted = [
            Kind::CredentialsRefused,
            Kind::AccountDisabled,
            Kind::AccountDisabled,
            Kind::PasswordExpired,
            Kind::AccountUnknown,
            Kind::ClockSkew,
            Kind::EncryptionNotSupported,
            Kind::KdcRefused,
            Kind::KdcUnreachable,
        ];
        assert_eq!(account, wanted);
        assert_eq!(kind(Exchange::Service, 7), Kind::ServiceUnknown);
    }

    #[test]
    fn every_refusal_names_kdc_realm_step_and_code() {
        let mut facts = std::collections::HashSet::new();
        for code in [1, 6, 7, 12, 14, 18, 23, 24, 29, 37, 99] {
            let error = asked(Exchange::Service).refused(code);
            assert!(error.code().is_some_and(|code| code.as_str() != "unreadable"));
            assert!(matches!(error.step(), Some(Step::Ticket)));
            for language in Language::ALL {
                let text = error.describe(language);
                assert!(text.contains("10.0.0.1:88") && text.contains("STADT.EXAMPLE"), "{text}");
                facts.insert(text);
            }
        }
        assert_eq!(facts.len(), 22);
    }

    #[test]
    fn an_unknown_service_is_named_with_the_command_that_finds_it() {
        let error = asked(Exchange::Service).refused(7);
        let german = error.describe(Language::German);
        assert!(
            german.contains("Der Dienstprinzipalname HTTP/mail.stadt.example ist im Verzeichnis nicht eingetragen"),
            "{german}"
        );
        for language in Language::ALL {
            assert!(error.describe(language).contains("setspn -Q HTTP/mail.stadt.example"));
        }
    }
}
