//! What a connection says is what the client gets, and what no client could be built from is refused.

use std::{fmt::Display, net::IpAddr, path::Path, str::FromStr, time::Duration};

use optigov_counter::{
    Cloud, Code, EwsSettings, ExchangeConnection, ExchangeOnlineConnection, Fault, GraphSettings, Language,
    Municipality, Route, SecretReference, testing,
};
use proptest::prelude::*;
use serde_json::Value;

/// A table `exchange` with questions about its keys.
struct Table(Value);

impl Table {
    fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some()
    }

    fn text(&self, key: &str) -> Option<String> {
        self.0.get(key)?.as_str().map(|text| text.trim().to_owned())
    }

    fn word(&self, key: &str, default: &str) -> String {
        self.text(key).unwrap_or(default.to_owned()).replace('-', "_").to_lowercase()
    }

    fn address(&self, key: &str) -> Option<IpAddr> {
        self.text(key).map(|text| text.parse().expect("an address"))
    }

    fn number<N: Display + FromStr>(&self, key: &str, default: N) -> N {
        self.0.get(key).and_then(|number| number.to_string().parse().ok()).unwrap_or(default)
    }

    fn seconds(&self, key: &str, default: Duration) -> Duration {
        let seconds = self.text(key).and_then(|text| text.strip_suffix('s')?.parse().ok());
        seconds.map_or(default, Duration::from_secs)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_connection_yields_the_way_and_the_settings_that_it_says(text in testing::connections(Path::new("/optigov"))) {
        let connection: ExchangeConnection =
            serde_json::from_str(&text).map_err(|faults| TestCaseError::fail(format!("{text}\n{faults}")))?;
        let table = Table(serde_json::from_str(&text).expect("JSON"));

        let route = connection.route();
        let bare = Route::new(&table.text("url").expect("a URL")).expect("a route");
        prop_assert_eq!(route.url(), bare.url());
        prop_assert_eq!(route.proxy().is_some(), table.has("proxy"));
        prop_assert!(route.proxy().is_none_or(|proxy| proxy.login().is_none()), "whoever has the password adds it");
        prop_assert_eq!(route.resolve_to(), table.address("resolve_to"));
        prop_assert_eq!(route.local_address(), table.address("local_address"));
        prop_assert_eq!(route.minimum_tls().as_str(), table.word("minimum_tls", "1.2"));
        prop_assert_eq!(route.only_given_roots(), table.has("only_given_roots"));
        prop_assert_eq!(route.connect_timeout(), table.seconds("connect_timeout", Route::CONNECT_TIMEOUT));
        prop_assert_eq!(route.idle_timeout(), table.seconds("idle_timeout", Route::IDLE_TIMEOUT));
        prop_assert_eq!(route.timeout(), table.seconds("timeout", Route::TIMEOUT));
        prop_assert_eq!(route.in_flight(), table.number("in_flight", Route::IN_FLIGHT));
        prop_assert_eq!(route.max_response_bytes(), table.number("max_response_bytes", Route::MAX_RESPONSE_BYTES));

        let (ews, default) = (connection.ews_settings(), EwsSettings::default());
        prop_assert_eq!(ews.access.as_str(), table.word("access", "impersonation"));
        prop_assert_eq!(ews.connecting_id.as_str(), table.word("connecting_id", "primary_smtp_address"));
        prop_assert_eq!(ews.request_version.as_str().to_lowercase(), table.word("request_version", "Exchange2013"));
        prop_assert_eq!(ews.unexpanded_series.as_str(), table.word("unexpanded_series", "refuse"));
        prop_assert_eq!(ews.credential_lock, table.seconds("credential_lock", default.credential_lock));
        prop_assert_eq!(ews.entries_per_answer, table.number("entries_per_answer", default.entries_per_answer));
        prop_assert_eq!(ews.requests_per_call, table.number("requests_per_call", default.requests_per_call));
        prop_assert_eq!(ews.entries_per_call, table.number("entries_per_call", default.entries_per_call));
        prop_assert_eq!(ews.hanging_connections, table.number("hanging_connections", default.hanging_connections));
        prop_assert_eq!(ews.user_agent.as_ref().map(|agent| agent.as_str().to_owned()), table.text("user_agent"));

        let kerberos = connection.kerberos();
        prop_assert_eq!(kerberos.is_some(), table.text("authentication").is_some_and(|it| it == "kerberos") || table.has("negotiate"));
        prop_assert_eq!(connection.negotiate().as_str(), table.word("negotiate", "ntlm"));
        prop_assert_eq!(connection.keytab().map(|file| file.display().to_string()), table.text("keytab"));
        prop_assert_eq!(kerberos.and_then(|it| it.realm_given()).map(str::to_lowercase), table.text("realm").map(|it| it.to_lowercase()));
        prop_assert_eq!(kerberos.is_some_and(|it| !it.kdcs().is_empty()), table.has("kdcs"));
        prop_assert_eq!(kerberos.and_then(|it| it.service_name()).map(str::to_owned), table.text("service_name"));
        prop_assert_eq!(connection.account().map(str::to_owned), table.text("account"));
        prop_assert_eq!(connection.proxy_account().map(str::to_owned), table.text("proxy_account"));
        prop_assert_eq!(connection.proxy_secret().is_some(), table.has("proxy_secret"));
        prop_assert_eq!(connection.ca_file().map(|file| file.display().to_string()), table.text("ca_file"));
        let files = connection.client_certificate().map(|files| [files.certificate(), files.key()]);
        let names = ["client_certificate", "client_key"].map(|key| table.text(key));
        prop_assert_eq!(files.map(|files| files.map(|file| Some(file.display().to_string()))), names[0].is_some().then_some(names));
    }

    #[test]
    fn every_connection_to_exchange_online_yields_the_way_and_the_settings_that_it_says(
        text in testing::online_connections(Path::new("/optigov"))
    ) {
        let connection: ExchangeOnlineConnection =
            serde_json::from_str(&text).map_err(|faults| TestCaseError::fail(format!("{text}\n{faults}")))?;
        let table = Table(serde_json::from_str(&text).expect("JSON"));
        let lower = |key: &str| table.text(key).map(|text| text.to_lowercase());

        let cloud = table.word("cloud", "global");
        let cloud = Cloud::ALL.into_iter().find(|it| it.as_str() == cloud).expect("a cloud");
        let route = connection.route();
        let root = |key: &str, default: &str| table.text(key).unwrap_or(default.to_owned()).trim_end_matches('/').to_owned();
        prop_assert_eq!(route.url().as_str().trim_end_matches('/'), root("endpoint", cloud.endpoint()));
        prop_assert_eq!(route.proxy().is_some(), table.has("proxy"));
        prop_assert!(route.proxy().is_none_or(|proxy| proxy.login().is_none()), "whoever has the password adds it");
        prop_assert_eq!(route.local_address(), table.address("local_address"));
        prop_assert_eq!(route.minimum_tls().as_str(), table.word("minimum_tls", "1.2"));
        prop_assert_eq!(route.only_given_roots(), table.has("only_given_roots"));
        prop_assert_eq!(route.connect_timeout(), table.seconds("connect_timeout", Route::CONNECT_TIMEOUT));
        prop_assert_eq!(route.idle_timeout(), table.seconds("idle_timeout", Route::IDLE_TIMEOUT));
        prop_assert_eq!(route.timeout(), table.seconds("timeout", Route::TIMEOUT));
        prop_assert_eq!(route.in_flight(), table.number("in_flight", Route::GRAPH_IN_FLIGHT));
        prop_assert_eq!(route.max_response_bytes(), table.number("max_response_bytes", Route::MAX_RESPONSE_BYTES));

        let graph = connection.graph_settings();
        prop_assert_eq!(Some(graph.tenant().to_owned()), lower("tenant"));
        prop_assert_eq!(Some(graph.client_id().to_owned()), lower("client_id"));
        prop_assert_eq!(graph.authority().as_str().trim_end_matches('/'), root("authority", cloud.authority()));
        prop_assert_eq!(graph.access().as_str(), table.word("access", "calendar_view"));
        prop_assert_eq!(graph.credential_lock(), table.seconds("credential_lock", GraphSettings::CREDENTIAL_LOCK));
        prop_assert_eq!(graph.entries_per_page(), table.number("entries_per_page", GraphSettings::MOST_ENTRIES_PER_PAGE));
        prop_assert_eq!(graph.requests_per_call(), table.number("requests_per_call", GraphSettings::REQUESTS_PER_CALL));
        prop_assert_eq!(graph.entries_per_call(), table.number("entries_per_call", GraphSettings::ENTRIES_PER_CALL));
        prop_assert_eq!(graph.user_agent().map(|agent| agent.as_str().to_owned()), table.text("user_agent"));
        prop_assert_eq!(connection.secret().is_some(), table.has("secret"));
        let files = connection.certificate().map(|files| [files.certificate(), files.key()].map(|file| file.display().to_string()));
        prop_assert_eq!(files.map(|files| files.map(Some)), table.has("certificate").then(|| ["certificate", "private_key"].map(|key| table.text(key))));
        prop_assert_eq!(connection.ca_file().map(|file| file.display().to_string()), table.text("ca_file"));
        prop_assert_eq!(connection.proxy_account().map(str::to_owned), table.text("proxy_account"));
        prop_assert_eq!(connection.proxy_secret().is_some(), table.has("proxy_secret"));

        let again: ExchangeOnlineConnection = serde_json::from_str(&serde_json::to_string(&connection).expect("JSON")).expect("its canonical form");
        prop_assert_eq!(again, connection);
    }
}

fn faults(lines: &str) -> Vec<Fault> {
    let url = "url = \"https://mail.musterstadt.example/EWS/Exchange.asmx\"\n";
    let url = if lines.contains("url =") { "" } else { url };
    let text = format!(
        "name = \"M\"\n[exchange]\nauthentication = \"basic\"\naccount = \"svc\"\nsecret = \"provided\"\n{url}{lines}\n"
    );
    let faults = Municipality::from_toml(&text).err().unwrap_or_else(|| panic!("accepted: {lines}"));
    faults.into_iter().collect()
}

#[test]
fn what_no_client_could_be_built_from_is_refused_with_its_place_and_what_to_do() {
    let long = format!("test_mailbox = \"{}@{}.example\"", "l".repeat(64), ["a".repeat(60).as_str(); 3].join("."));
    for (lines, path, code) in [
        ("url = \"http://mail.musterstadt.example/\"", "url", Code::Malformed),
        ("url = \"https://svc:geheim@mail.musterstadt.example/\"", "url", Code::Malformed),
        ("url = \"https://mail_server.musterstadt.example:0x/\"", "url", Code::Malformed),
        ("proxy = \"https://proxy.musterstadt.example:3128\"", "proxy", Code::Malformed),
        ("proxy = \"http://svc:geheim@proxy.musterstadt.example:3128\"", "proxy", Code::InlineSecret),
        ("proxy = \"http://proxy:3128\"\nresolve_to = \"10.0.0.1\"", "resolve_to", Code::Conflict),
        ("proxy = \"socks5h://proxy:1080\"\nresolve_to = \"10.0.0.1\"", "resolve_to", Code::Conflict),
        ("url = \"https://10.0.0.2/\"\nresolve_to = \"10.0.0.1\"", "resolve_to", Code::Conflict),
        ("resolve_to = \"10.0.0.1\"\nlocal_address = \"fd00::1\"", "local_address", Code::Conflict),
        ("proxy_account = \"svc\"\nproxy_secret = \"provided\"", "proxy_account", Code::Conflict),
        ("proxy = \"http://proxy\"\nproxy_account = \"svc\"", "proxy_secret", Code::MissingKey),
        ("proxy = \"http://proxy\"\nproxy_secret = { env = \"P\" }", "proxy_account", Code::MissingKey),
        (
            "proxy = \"http://proxy\"\nproxy_account = \"svc:geheim\"\nproxy_secret = \"provided\"",
            "proxy_account",
            Code::Malformed,
        ),
        (
            "proxy = \"http://proxy\"\nproxy_account = \"svc\"\nproxy_secret = \"geheim\"",
            "proxy_secret",
            Code::InlineSecret,
        ),
        ("proxy = \"http://proxy\"\nproxy_password = \"geheim\"", "proxy_password", Code::InlineSecret),
        ("client_certificate = \"/c.pem\"", "client_key", Code::MissingKey),
        ("client_key = \"/c.key\"", "client_certificate", Code::MissingKey),
        ("only_given_roots = true", "only_given_roots", Code::Conflict),
        ("minimum_tls = \"1.1\"", "minimum_tls", Code::UnknownWord),
        ("request_version = \"Exchange2007\"", "request_version", Code::UnknownWord),
        ("credential_lock = \"59s\"", "credential_lock", Code::OutOfRange),
        ("idle_timeout = \"0s\"", "idle_timeout", Code::OutOfRange),
        ("max_response_bytes = 1000", "max_response_bytes", Code::OutOfRange),
        ("user_agent = \"Bürgerbüro\"", "user_agent", Code::Malformed),
        (long.as_str(), "test_mailbox", Code::Malformed),
    ] {
        let faults = faults(lines);
        let told: Vec<(String, Code)> = faults.iter().map(|fault| (fault.path(), fault.code())).collect();
        assert_eq!(told, [(format!("exchange.{path}"), code)], "{lines}");
        for language in Language::ALL {
            assert!(!faults[0].remedy(language).is_empty());
            assert!(!faults[0].describe(language).contains("geheim"), "{lines}");
        }
        assert!(faults[0].line().is_some());
    }
    // What does not go together is told beside everything else.
    let several =
        faults("proxy = \"http://proxy\"\nresolve_to = \"10.0.0.1\"\nonly_given_roots = true\nclient_key = \"/k\"");
    assert_eq!(several.len(), 3);
}

#[test]
fn what_kerberos_cannot_take_is_refused_with_its_place_and_what_to_do() {
    let exchange = |lines: &str| {
        let url = "https://mail.musterstadt.example/EWS/Exchange.asmx";
        Municipality::from_toml(&format!("name = \"M\"\n[exchange]\nurl = \"{url}\"\n{lines}\n"))
    };
    let kerberos = "authentication = \"kerberos\"\naccount = \"svc@STADT.EXAMPLE\"\n";
    let both = "authentication = \"negotiate\"\nnegotiate = \"both\"\naccount = \"svc@STADT.EXAMPLE\"\n";
    let ntlm = "authentication = \"ntlm\"\naccount = \"svc\"\nsecret = \"provided\"\n";
    let nameless = "authentication = \"kerberos\"\naccount = \"svc\"\nsecret = \"provided\"\n";
    for (lines, more, path, code) in [
        (nameless, "", "account", Code::Malformed),
        (kerberos, "", "secret", Code::MissingKey),
        (kerberos, "secret = \"provided\"\nkeytab = \"/k\"", "keytab", Code::Conflict),
        (kerberos, "secret = \"provided\"\nrealm = \"a b\"", "realm", Code::Malformed),
        (kerberos, "secret = \"provided\"\nkdcs = [\"dc1\", \"https://dc2/\"]", "kdcs[1]", Code::Malformed),
        (kerberos, "secret = \"provided\"\nservice_name = \"mail\"", "service_name", Code::Malformed),
        (kerberos, "secret = \"provided\"\nnegotiate = \"both\"", "negotiate", Code::Conflict),
        (both, "keytab = \"/k\"", "keytab", Code::Conflict),
        (ntlm, "realm = \"STADT.EXAMPLE\"", "realm", Code::Conflict),
        (ntlm, "kdcs = [\"dc1\"]", "kdcs", Code::Conflict),
    ] {
        let faults = exchange(&format!("{lines}{more}")).err().unwrap_or_else(|| panic!("accepted: {lines}{more}"));
        let told: Vec<(String, Code)> = faults.into_iter().map(|fault| (fault.path(), fault.code())).collect();
        assert_eq!(told, [(format!("exchange.{path}"), code)], "{lines}{more}");
    }
    let town = exchange(&format!("{kerberos}keytab = \"/run/svc.keytab\"\nkdcs = [\"dc1\"]")).expect("accepted");
    assert!(!format!("{town:?}").contains("svc"), "the path of a keytab, or the account: {town:?}");
}

#[test]
fn a_connection_that_says_little_has_the_one_default_of_everything_else() {
    let text = r#"{ "url": "https://mail.musterstadt.example/", "authentication": "bearer", "secret": "provided" }"#;
    let connection: ExchangeConnection = serde_json::from_str(text).expect("a connection");
    assert_eq!(connection.route(), &Route::new("https://mail.musterstadt.example/").expect("a route"));
    assert_eq!(connection.route().idle_timeout(), Duration::from_secs(20));
    assert_eq!(connection.ews_settings(), &EwsSettings::default());
    assert_eq!(connection.secret(), &SecretReference::Provided);
    // A default that is written is left out of the canonical form.
    let written = text.replace("\"secret\"", "\"timeout\": \"30s\", \"in_flight\": 10, \"secret\"");
    let written: ExchangeConnection = serde_json::from_str(&written).expect("a connection");
    assert_eq!(serde_json::to_string(&written).expect("JSON"), serde_json::to_string(&connection).expect("JSON"));
}
