//! Random configurations for tests: what is made here is accepted.

use std::path::Path;

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

/// The names of the files that a connection of [`connections`] or [`online_connections`] may refer to.
pub mod files {
    /// A file with a root certificate.
    pub const CA: &str = "ca.pem";
    /// A file with a client's certificate.
    pub const CLIENT_CERTIFICATE: &str = "client.pem";
    /// A file with the private key of [`CLIENT_CERTIFICATE`].
    pub const CLIENT_KEY: &str = "client.key";
    /// A file with a password of at most 255 bytes.
    pub const SECRET: &str = "secret.txt";
    /// A file with the certificate of an application in Entra, whose key is an RSA key.
    pub const APPLICATION_CERTIFICATE: &str = "application.pem";
    /// A file with the private key of [`APPLICATION_CERTIFICATE`].
    pub const APPLICATION_KEY: &str = "application.key";
    /// A keytab file.
    pub const KEYTAB: &str = "svc.keytab";
}

/// The environment variable that a connection of [`connections`] may refer to. Cargo sets it wherever a test runs.
pub const SECRET_VARIABLE: &str = "CARGO_PKG_NAME";

/// What a connection says about Kerberos, by password or keytab.
fn kerberos(keytab: Value, secret: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let account = select(&["svc-optigov@STADT.EXAMPLE", "STADT.EXAMPLE\\svc-optigov", "STADT\\svc-optigov"][..]);
    let policy = select(&["alone", "kerberos", "both"][..]);
    let more = table(vec![
        ("realm", words(&["stadt.example", "AD.STADT.EXAMPLE"])),
        ("kdcs", Just(json!(["dc1.stadt.example", "10.20.0.1:88"])).boxed()),
        ("service_name", words(&["HTTP/mail.stadt.example"])),
    ]);
    (account, policy, any::<bool>(), secret, more).prop_map(move |(account, policy, by_keytab, secret, more)| {
        let mut all = match policy {
            "alone" => json!({ "authentication": "kerberos" }),
            policy => json!({ "authentication": "negotiate", "negotiate": policy }),
        };
        all["account"] = json!(account);
        match by_keytab && policy != "both" {
            true => all["keytab"] = keytab.clone(),
            false => all["secret"] = secret,
        }
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        all
    })
}

/// Tables `exchange` of a municipality as JSON texts, each one accepted by the reader. Files that they refer to are in `folder` and have
/// the names in [`files`]. Secrets are in such a file, in [`SECRET_VARIABLE`], or provided by the service.
///
/// Together they say everything that a connection can say. They serve the law that every accepted configuration builds its client.
pub fn connections(folder: &Path) -> BoxedStrategy<String> {
    let file = |name: &str| json!(folder.join(name).to_string_lossy());
    let secret = secrets(folder);
    let sign_in = (words(&["ntlm", "negotiate", "basic", "bearer"]), accounts(), secret.clone());
    let sign_in = sign_in.prop_map(|(authentication, account, secret)| {
        json!({ "authentication": authentication, "account": account, "secret": secret })
    });
    let kerberos = kerberos(file(files::KEYTAB), secret.clone());
    let sign_in = prop_oneof![4 => sign_in, 1 => kerberos];
    let roots = roots(folder);
    let client = prop_oneof![
        Just(json!({})),
        Just(json!({ "client_certificate": file(files::CLIENT_CERTIFICATE), "client_key": file(files::CLIENT_KEY) })),
    ];
    let settings = table(vec![
        ("access", words(&["impersonation", "free-busy"])),
        ("connecting_id", words(&["primary_smtp_address", "smtp_address"])),
        (
            "request_version",
            words(&[
                "Exchange2010",
                "Exchange2010_SP1",
                "Exchange2010_SP2",
                "Exchange2013",
                "Exchange2013_SP1",
                "exchange2016",
            ]),
        ),
        ("unexpanded_series", words(&["refuse", "read_free_busy"])),
        ("credential_lock", durations(60)),
        ("minimum_tls", words(&["1.2", "1.3"])),
        ("connect_timeout", durations(1)),
        ("idle_timeout", durations(1)),
        ("timeout", durations(1)),
        ("in_flight", numbers(1, 100)),
        ("entries_per_answer", numbers(10, 10_000)),
        ("requests_per_call", numbers(1, 10_000)),
        ("entries_per_call", numbers(1, 1_000_000)),
        ("hanging_connections", numbers(1, 100)),
        ("max_response_bytes", numbers(65_536, 1_073_741_824)),
        ("user_agent", "[ -~]{0,40}[!-~]".prop_map(Value::String).boxed()),
        ("test_mailbox", words(&["probe@musterstadt.example", "Probe@Müllheim.example"])),
        ("when_unavailable", when_unavailable()),
    ]);
    (ways(secret.boxed()), sign_in, roots, client, settings)
        .prop_map(|(way, sign_in, roots, client, settings)| joined([way, sign_in, roots, client, settings]))
        .boxed()
}

/// Tables `exchange_online` of a municipality as JSON texts, each one accepted by the reader beside no `exchange`. What they refer to is as with [`connections`].
///
/// Together they say everything that such a connection can say.
pub fn online_connections(folder: &Path) -> BoxedStrategy<String> {
    let file = |name: &str| json!(folder.join(name).to_string_lossy());
    let certificate =
        json!({ "certificate": file(files::APPLICATION_CERTIFICATE), "private_key": file(files::APPLICATION_KEY) });
    let credential = prop_oneof![Just(certificate), secrets(folder).prop_map(|secret| json!({ "secret": secret }))];
    let application = (
        words(&["Musterstadt.onmicrosoft.com", "musterstadt.example", "99999999-8888-4777-8666-555555555555"]),
        words(&["11111111-2222-4333-8444-555555555555", "ABCDEF01-2345-4678-89AB-CDEF01234567"]),
    );
    let application = application.prop_map(|(tenant, client_id)| json!({ "tenant": tenant, "client_id": client_id }));
    let proxy = || words(&["http://proxy.musterstadt.example:3128", "socks5://10.8.0.1:1080", "socks5h://[fd00::1]"]);
    let proxies = prop_oneof![
        Just(json!({})),
        proxy().prop_map(|proxy| json!({ "proxy": proxy })),
        (proxy(), accounts(), secrets(folder)).prop_map(
            |(proxy, account, secret)| json!({ "proxy": proxy, "proxy_account": account, "proxy_secret": secret })
        ),
    ];
    let settings = table(vec![
        ("cloud", words(&["global", "us_government", "us-government-dod", "china"])),
        ("authority", words(&["https://login.microsoftonline.us", "http://127.0.0.1:8080"])),
        ("endpoint", words(&["https://graph.microsoft.us/", "https://graph.microsoft.com", "http://localhost:8080"])),
        ("access", words(&["calendar_view", "get-schedule"])),
        ("credential_lock", durations(60)),
        ("minimum_tls", words(&["1.2", "1.3"])),
        ("local_address", any::<std::net::IpAddr>().prop_map(|address| json!(address.to_string())).boxed()),
        ("connect_timeout", durations(1)),
        ("idle_timeout", durations(1)),
        ("timeout", durations(1)),
        ("in_flight", numbers(1, 100)),
        ("entries_per_page", numbers(10, 1_000)),
        ("requests_per_call", numbers(1, 10_000)),
        ("entries_per_call", numbers(1, 1_000_000)),
        ("max_response_bytes", numbers(65_536, 1_073_741_824)),
        ("user_agent", "[ -~]{0,40}[!-~]".prop_map(Value::String).boxed()),
        ("test_mailbox", words(&["probe@musterstadt.example"])),
        ("when_unavailable", when_unavailable()),
    ]);
    (application, credential, proxies, roots(folder), settings)
        .prop_map(|(application, credential, proxy, roots, settings)| {
            joined([application, credential, proxy, roots, settings])
        })
        .boxed()
}

/// One table of several, as JSON text.
fn joined(tables: [Value; 5]) -> String {
    let entries = tables.into_iter().filter_map(|table| match table {
        Value::Object(entries) => Some(entries),
        _ => None,
    });
    Value::Object(entries.flatten().collect()).to_string()
}

fn secrets(folder: &Path) -> BoxedStrategy<Value> {
    let file = folder.join(files::SECRET);
    prop_oneof![
        Just(json!("provided")),
        Just(json!({ "env": SECRET_VARIABLE })),
        Just(json!({ "file": file.to_string_lossy() })),
    ]
    .boxed()
}

fn roots(folder: &Path) -> BoxedStrategy<Value> {
    let file = json!(folder.join(files::CA).to_string_lossy());
    prop_oneof![
        Just(json!({})),
        Just(json!({ "ca_file": file })),
        Just(json!({ "ca_file": file, "only_given_roots": true })),
    ]
    .boxed()
}

fn when_unavailable() -> BoxedStrategy<Value> {
    prop_oneof![words(&["close", "ignore"]), durations(1).prop_map(|age| json!({ "serve_stale": age }))].boxed()
}

/// URL, proxy and addresses that go together.
fn ways(secret: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let named =
        words(&["https://mail.musterstadt.example/EWS/Exchange.asmx", "https://exchange.müllheim.example:8443/x"]);
    let numbered = words(&[
        "https://10.20.0.5/EWS/Exchange.asmx",
        "https://[fd00::5]/EWS/Exchange.asmx",
        "http://127.0.0.1:8080/EWS/Exchange.asmx",
        "http://localhost/EWS/Exchange.asmx",
    ]);
    let open = |address: &'static [&'static str]| {
        prop_oneof![Just(json!({})), words(address).prop_map(|proxy| json!({ "proxy": proxy }))]
    };
    let login = |address: &'static [&'static str]| {
        let parts = (words(address), accounts(), secret.clone());
        parts.prop_map(
            |(proxy, account, secret)| json!({ "proxy": proxy, "proxy_account": account, "proxy_secret": secret }),
        )
    };
    let proxies = |addresses: &'static [&'static str]| prop_oneof![open(addresses), login(addresses)];
    const ANY_PROXY: &[&str] =
        &["http://proxy.musterstadt.example:3128", "socks5://10.8.0.1:1080", "socks5h://[fd00::1]", "http://proxy/"];
    const LOCAL_PROXY: &[&str] = &["socks5://10.8.0.1:1080", "socks5://proxy.musterstadt.example"];
    let local = || any::<std::net::IpAddr>().prop_map(|address| json!(address.to_string())).boxed();
    let addresses = prop_oneof![
        any::<[std::net::Ipv4Addr; 2]>().prop_map(|pair| pair.map(|address| json!(address.to_string()))),
        any::<[std::net::Ipv6Addr; 2]>().prop_map(|pair| pair.map(|address| json!(address.to_string()))),
    ];
    let resolved = (named.clone(), proxies(LOCAL_PROXY), addresses, any::<bool>()).prop_map(
        |(url, mut way, [resolve_to, local_address], bound)| {
            way["url"] = url;
            way["resolve_to"] = resolve_to;
            if bound {
                way["local_address"] = local_address;
            }
            way
        },
    );
    let asked = (prop_oneof![named, numbered], proxies(ANY_PROXY), table(vec![("local_address", local())]));
    let asked = asked.prop_map(|(url, mut way, local)| {
        way["url"] = url;
        if let Some(local) = local.get("local_address") {
            way["local_address"] = local.clone();
        }
        way
    });
    prop_oneof![resolved, asked].boxed()
}

fn accounts() -> BoxedStrategy<Value> {
    words(&["MUSTERSTADT\\svc-optigov", "svc-optigov@musterstadt.example", "Dienstkonto für optiGov"])
}

fn words(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(|word| json!(word)).boxed()
}

fn numbers(least: u32, most: u32) -> BoxedStrategy<Value> {
    prop_oneof![Just(least), Just(most), least..=most].prop_map(|number| json!(number)).boxed()
}

fn durations(least_seconds: u32) -> BoxedStrategy<Value> {
    let most = 366 * 86_400_u32;
    let seconds = prop_oneof![Just(least_seconds), Just(most), least_seconds..=7_200];
    seconds.prop_map(|seconds| json!(format!("{seconds}s"))).boxed()
}

/// A table whose keys are there or not, each independently of the others. A key that is there holds a value of its strategy.
pub fn table(keys: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let entries: Vec<_> = keys
        .into_iter()
        .map(|(key, value)| {
            proptest::option::of(value).prop_map(move |value| value.map(|value| (key.to_owned(), value)))
        })
        .collect();
    entries.prop_map(|entries| Value::Object(entries.into_iter().flatten().collect())).boxed()
}
