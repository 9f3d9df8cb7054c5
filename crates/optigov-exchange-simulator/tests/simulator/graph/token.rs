//! The token endpoint.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use optigov_exchange_simulator::{Application, Effect, Fault, HttpAnswer, Mailbox, Scenario, Simulator};
use ring::digest;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::{APPLICATION, Answer, Client, scenario, start, token, token_of, view};
use crate::common::{MAILBOX, client};

const REGISTERED: &str = include_str!("../keys/registered.crt.pem");
const EXPIRED: &str = include_str!("../keys/expired.crt.pem");
const OTHER: &str = include_str!("../keys/other.crt.pem");
const KEY: &str = include_str!("../keys/registered.key.pem");
const OTHER_KEY: &str = include_str!("../keys/other.key.pem");

/// Status, `error` and the number of a refusal.
fn refusal(answer: &Answer) -> (u16, String, u64) {
    let body = answer.json();
    let number = body["error_codes"][0].as_u64().expect("a number");
    let text = body["error_description"].as_str().expect("a text");
    assert!(text.starts_with(&format!("AADSTS{number}: ")), "{text}");
    (answer.status, body["error"].as_str().expect("an error").to_owned(), number)
}

#[tokio::test]
async fn a_secret_gets_a_token_that_opens_graph() {
    let simulator = start(scenario().mailbox(Mailbox::new(MAILBOX).online()));
    for tenant in ["musterstadt.example", Scenario::TENANT_ID] {
        let answer = token_of(&simulator, tenant, &[]).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3599)));
    }
    let own_resource = format!("{}/.default", simulator.base_url());
    assert_eq!(token(&simulator, &[("scope", &own_resource)]).await.status, 200);
    assert_eq!((simulator.tokens_issued(APPLICATION), simulator.refused_logins(APPLICATION)), (3, 0));
    let client = Client::new(&simulator).await;
    assert_eq!(client.get(&view(MAILBOX, ""), &[]).await.status, 200);
    simulator.expire_tokens();
    let answer = client.get(&view(MAILBOX, ""), &[]).await;
    assert_eq!(answer.refusal(), (401, "InvalidAuthenticationToken".to_owned()));
    assert!(answer.header("www-authenticate").expect("a challenge").starts_with("Bearer "));
    assert_eq!(
        simulator.requests().last().and_then(|request| request.refusal().map(str::to_owned)).as_deref(),
        Some("expired token")
    );
}

#[tokio::test]
async fn a_token_lasts_as_long_as_the_application_has_it() {
    let application = Application::new(APPLICATION).secret("geheim").reads_everybody().token_lifetime(Duration::ZERO);
    let simulator = start(Scenario::new().application(application));
    assert_eq!(token(&simulator, &[]).await.json()["expires_in"], 0);
    assert_eq!(Client::new(&simulator).await.get(&view(MAILBOX, ""), &[]).await.status, 401);
}

#[tokio::test]
async fn refusals_have_the_numbers_of_entra() {
    const DISABLED: &str = "22222222-2222-4333-8444-555555555555";
    let simulator = start(
        Scenario::new()
            .application(Application::new(APPLICATION).secret("geheim").expired_secret("alt"))
            .application(Application::new(DISABLED).secret("geheim").disabled()),
    );
    for (changed, status, error, number) in [
        (("client_secret", "falsch"), 401, "invalid_client", 7_000_215),
        (("client_secret", "alt"), 401, "invalid_client", 7_000_222),
        (("client_secret", ""), 401, "invalid_client", 7_000_218),
        (("client_id", DISABLED), 400, "unauthorized_client", 7_000_112),
        (("client_id", "33333333-2222-4333-8444-555555555555"), 400, "unauthorized_client", 700_016),
        (("scope", "https://graph.microsoft.com/Calendars.Read"), 400, "invalid_scope", 1_002_012),
        (("scope", "https://graph.microsoft.us/.default"), 400, "invalid_resource", 500_011),
        (("grant_type", "password"), 400, "unsupported_grant_type", 70_003),
        (("scope", ""), 400, "invalid_request", 900_144),
    ] {
        assert_eq!(refusal(&token(&simulator, &[changed]).await), (status, error.to_owned(), number), "{changed:?}");
    }
    let elsewhere = token_of(&simulator, "anderswo.example", &[]).await;
    assert_eq!(refusal(&elsewhere), (400, "invalid_request".to_owned(), 90_002));
    assert_eq!(simulator.requests()[0].refusal(), Some("wrong secret"));
    assert_eq!(
        (simulator.tokens_issued(APPLICATION), simulator.refused_logins(APPLICATION)),
        (0, 2),
        "nothing was tried without credentials"
    );
}

/// An assertion and how it is made; fields are changed by the tests.
struct Assertion {
    key: &'static str,
    header: Value,
    claims: Value,
    encoding: &'static dyn RsaEncoding,
}

impl Assertion {
    fn new(simulator: &Simulator, certificate: &str, nonce: &str) -> Assertion {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
        let aud = format!("{}/musterstadt.example/oauth2/v2.0/token", simulator.base_url());
        Assertion {
            key: KEY,
            header: json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&digest::SHA256, certificate)}),
            claims: json!({"aud": aud, "iss": APPLICATION, "sub": APPLICATION, "jti": nonce, "nbf": now, "exp": now + 600}),
            encoding: &RSA_PSS_SHA256,
        }
    }

    async fn send(&self, simulator: &Simulator) -> Answer {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("a key");
        let mut signature = vec![0; key.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        key.sign(self.encoding, &random, signed.as_bytes(), &mut signature).expect("a signature");
        let assertion = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        send(simulator, &assertion).await
    }
}

async fn send(simulator: &Simulator, assertion: &str) -> Answer {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    token(simulator, &[("client_secret", ""), ("client_assertion_type", kind), ("client_assertion", assertion)]).await
}

fn thumbprint(algorithm: &'static digest::Algorithm, certificate: &str) -> String {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
    URL_SAFE_NO_PAD.encode(digest::digest(algorithm, &der))
}

#[tokio::test]
async fn a_certificate_gets_a_token_by_either_signature() {
    let application = Application::new(APPLICATION).certificate(REGISTERED).certificate(EXPIRED);
    let simulator = start(Scenario::new().application(application));
    let assertion = Assertion::new(&simulator, REGISTERED, "1");
    let answer = assertion.send(&simulator).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(simulator.requests()[0].body().contains("client_assertion=***"));
    let header =
        json!({"alg": "RS256", "typ": "JWT", "x5t": thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY, REGISTERED)});
    let old = Assertion { header, encoding: &RSA_PKCS1_SHA256, ..Assertion::new(&simulator, REGISTERED, "2") };
    assert_eq!(old.send(&simulator).await.status, 200);

    assert_eq!(refusal(&assertion.send(&simulator).await).2, 50_013, "used twice");
    let unregistered = Assertion { key: OTHER_KEY, ..Assertion::new(&simulator, OTHER, "3") };
    assert_eq!(refusal(&unregistered.send(&simulator).await), (401, "invalid_client".to_owned(), 700_027));
    let forged = Assertion { key: OTHER_KEY, ..Assertion::new(&simulator, REGISTERED, "4") };
    assert_eq!(refusal(&forged.send(&simulator).await).2, 700_027);
    assert_eq!(refusal(&Assertion::new(&simulator, EXPIRED, "5").send(&simulator).await).2, 1_000_502);
    for (claim, value, number) in [
        ("aud", json!("https://login.microsoftonline.com/musterstadt.example/oauth2/v2.0/token"), 700_023),
        ("iss", json!("33333333-2222-4333-8444-555555555555"), 700_021),
        ("exp", json!(1_600_000_000), 700_024),
        ("nbf", json!(4_000_000_000_u64), 700_024),
        ("jti", json!(""), 50_013),
    ] {
        let mut assertion = Assertion::new(&simulator, REGISTERED, claim);
        assertion.claims[claim] = value;
        assert_eq!(refusal(&assertion.send(&simulator).await).2, number, "{claim}");
    }
    let mut unnamed = Assertion::new(&simulator, REGISTERED, "6");
    unnamed.header = json!({"alg": "PS256", "typ": "JWT"});
    assert_eq!(refusal(&unnamed.send(&simulator).await).2, 50_012);
    assert_eq!(refusal(&send(&simulator, "no.jwt").await).2, 50_027);
    assert_eq!(simulator.tokens_issued(APPLICATION), 2);
}

#[tokio::test]
async fn an_authority_tells_of_itself() {
    let simulator = start(scenario());
    let (http, base) = (client(&simulator), simulator.base_url());
    let get = |path: &str| {
        let request = http.get(format!("{base}{path}"));
        async move { super::read(request.send().await.expect("an answer")).await.expect("a whole answer") }
    };
    let configuration = get("/musterstadt.example/v2.0/.well-known/openid-configuration").await.json();
    assert_eq!(configuration["token_endpoint"], format!("{base}/musterstadt.example/oauth2/v2.0/token"));
    assert_eq!(configuration["issuer"], format!("{base}/musterstadt.example/v2.0"));
    let instance = get("/common/discovery/instance?api-version=1.1").await.json();
    assert_eq!(
        instance["tenant_discovery_endpoint"],
        format!("{base}/musterstadt.example/v2.0/.well-known/openid-configuration")
    );
    assert_eq!(refusal(&get("/anderswo.example/v2.0/.well-known/openid-configuration").await).2, 90_002);
    assert!(simulator.requests().iter().all(|request| request.operation() == Some("discovery")));
}

#[tokio::test]
async fn rules_that_name_the_token_endpoint_concern_it() {
    let everywhere = Fault::new(Effect::Http(HttpAnswer::web_page()));
    let rule = |effect| Fault::new(effect).operation("token");
    let simulator = start(
        scenario()
            .fault(everywhere)
            .fault(rule(Effect::Aadsts(53_003)).nth(1))
            .fault(rule(Effect::Aadsts(90_006)).nth(2))
            .fault(rule(Effect::Throttled { shape: Default::default(), back_off: Some(Duration::from_secs(3)) }).nth(3))
            .fault(rule(Effect::Truncated).nth(4)),
    );
    assert_eq!(refusal(&token(&simulator, &[]).await), (400, "invalid_grant".to_owned(), 53_003));
    let transient = token(&simulator, &[]).await;
    assert_eq!((refusal(&transient).0, transient.header("retry-after")), (503, Some("5")));
    let throttled = token(&simulator, &[]).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("3")));
    let cut = token(&simulator, &[]).await;
    assert!(cut.status == 200 && serde_json::from_str::<Value>(&cut.text).is_err());
    assert_eq!(simulator.tokens_issued(APPLICATION), 1, "kept back tokens are not issued");
    assert_eq!(token(&simulator, &[]).await.status, 200);
}
