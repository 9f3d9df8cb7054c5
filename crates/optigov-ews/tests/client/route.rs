//! The way to the server: proxies, addresses, TLS.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use optigov_calendar::{ClientCertificate, Origin, Proxy, ReadError, ReadErrorKind, Route, TlsVersion, UserAgent};
use optigov_ews::{Credentials, EwsClient};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    certificates::Authority,
    support::{PASSWORD, Reply, Scripted, Setup, anna, every_scheme, read, view},
};

/// A proxy on loopback that leads every connection to one place and notes what it was asked for.
struct TestProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl TestProxy {
    /// `CONNECT` over HTTP.
    async fn http(to: SocketAddr) -> TestProxy {
        TestProxy::start(to, async |stream: &mut TcpStream| {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.ok()?);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
            String::from_utf8(head).ok()
        })
        .await
    }

    /// Reads the request and answers it so; no connection goes on from there.
    async fn answering(answer: &'static str) -> TestProxy {
        TestProxy::start(SocketAddr::from(([127, 0, 0, 1], 1)), async |stream: &mut TcpStream| {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.ok()?);
            }
            stream.write_all(answer.as_bytes()).await.ok()?;
            None
        })
        .await
    }

    /// SOCKS5 with user name and password (RFC 1928, RFC 1929).
    async fn socks(to: SocketAddr) -> TestProxy {
        TestProxy::start(to, async |stream: &mut TcpStream| {
            let mut buffer = [0; 512];
            stream.read_exact(&mut buffer[..2]).await.ok()?;
            let methods = usize::from(buffer[1]);
            stream.read_exact(&mut buffer[..methods]).await.ok()?;
            stream.write_all(&[5, 2]).await.ok()?;
            let mut login = Vec::new();
            stream.read_u8().await.ok()?;
            for _ in 0..2 {
                let length = usize::from(stream.read_u8().await.ok()?);
                stream.read_exact(&mut buffer[..length]).await.ok()?;
                login.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
            stream.write_all(&[1, 0]).await.ok()?;
            stream.read_exact(&mut buffer[..4]).await.ok()?;
            let target = match buffer[3] {
                1 => {
                    stream.read_exact(&mut buffer[..4]).await.ok()?;
                    Ipv4Addr::new(buffer[0], buffer[1], buffer[2], buffer[3]).to_string()
                }
                _ => {
                    let length = usize::from(stream.read_u8().await.ok()?);
                    stream.read_exact(&mut buffer[..length]).await.ok()?;
                    String::from_utf8_lossy(&buffer[..length]).into_owned()
                }
            };
            let port = stream.read_u16().await.ok()?;
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
            Some(format!("{} {target}:{port}", login.join(":")))
        })
        .await
    }

    async fn start(to: SocketAddr, greet: impl AsyncFn(&mut TcpStream) -> Option<String> + 'static) -> TestProxy
    where
        // One connection after the other is enough here, and asks nothing of the future's type.
        Self: Sized,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let task = tokio::task::spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if let Some(target) = greet(&mut stream).await {
                    log.lock().expect("the log").push(target);
                    if let Ok(mut onward) = TcpStream::connect(to).await {
                        tokio::task::spawn_local(
                            async move { copy_bidirectional(&mut stream, &mut onward).await.ok() },
                        );
                    }
                }
            }
        });
        TestProxy { address, asked, task }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("the log"))
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn through(route: Route, proxy: &str) -> Route {
    route.with_proxy(Proxy::parse(proxy).expect("a proxy")).expect("a way through it")
}

async fn tls_server(authority: &Authority) -> Scripted {
    Scripted::start_tls(authority.issue("localhost", 2120).server(), |_, _| Reply::ok(view("", "true"))).await
}

#[tokio::test(flavor = "local")]
async fn an_http_proxy_is_asked_to_connect_with_its_own_credential() {
    let authority = Authority::new();
    let server = tls_server(&authority).await;
    let proxy = TestProxy::http(server.address).await;
    let url = format!("http://optigov:p%40ss+wort@{}", proxy.address);
    for credentials in every_scheme() {
        let client = server.client().trusting(authority.pem()).credentials(credentials);
        let client = client.route(|route| through(route, &url)).build();
        read(&client, &anna()).await.expect("a view");
        let asked = proxy.asked().concat().to_ascii_lowercase();
        assert!(asked.starts_with(&format!("connect localhost:{} http/1.1", server.address.port())), "{asked}");
        let expected =
            format!("proxy-authorization: basic {}", BASE64_STANDARD.encode("optigov:p@ss+wort")).to_ascii_lowercase();
        assert!(asked.contains(&expected), "{asked}");
    }
}

#[tokio::test(flavor = "local")]
async fn a_socks_proxy_gets_the_address_or_the_name() {
    let authority = Authority::new();
    let server = tls_server(&authority).await;
    let proxy = TestProxy::socks(server.address).await;
    let port = server.address.port();
    for credentials in every_scheme() {
        for (scheme, target) in [("socks5", format!("127.0.0.1:{port}")), ("socks5h", format!("localhost:{port}"))] {
            let url = format!("{scheme}://optigov:geheim&1%2B%25@{}", proxy.address);
            let client = server.client().trusting(authority.pem()).credentials(credentials.clone());
            let client = client.route(|route| {
                let route = through(route, &url);
                match scheme {
                    "socks5" => route.with_resolve_to(Ipv4Addr::LOCALHOST.into()).expect("an address"),
                    _ => route,
                }
            });
            read(&client.build(), &anna()).await.expect(scheme);
            assert_eq!(proxy.asked(), [format!("optigov:geheim&1+% {target}")]);
        }
    }
}

#[tokio::test(flavor = "local")]
async fn a_proxy_that_refuses_is_told_apart_from_the_server() {
    let authority = Authority::new();
    let closed =
        TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a free port");
    let needs_login =
        TestProxy::answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await;
    let forbids = TestProxy::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    for (proxy, fact) in [
        (closed, "the proxy refuses connections on its port"),
        (needs_login.address, "the proxy does not accept the user name or the password"),
        (forbids.address, "the proxy does not open the connection to the server"),
    ] {
        for credentials in every_scheme() {
            let setup = Setup::new("https://localhost:1/EWS/Exchange.asmx").trusting(authority.pem());
            let setup = setup.credentials(credentials).route(|route| through(route, &format!("http://{proxy}")));
            let client = setup.build();
            let error = read(&client, &anna()).await.expect_err(fact);
            assert_eq!((error.kind(), error.to_string().as_str()), (ReadErrorKind::Proxy, fact));
            let report = crate::support::check(&client, &anna()).await;
            let error = report.error().expect("the check fails as well");
            assert_eq!((error.kind(), error.to_string().as_str()), (ReadErrorKind::Proxy, fact));
        }
    }
}

#[tokio::test]
async fn a_host_is_resolved_to_the_address_given() {
    for credentials in every_scheme() {
        let server = Scripted::start_at("127.0.0.2:0", None, |_, _| Reply::ok(view("", "true"))).await;
        let url = format!("http://localhost:{}/EWS/Exchange.asmx", server.address.port());
        let resolved = |route: Route| route.with_resolve_to(Ipv4Addr::new(127, 0, 0, 2).into()).expect("an address");
        let client = Setup::new(&url).credentials(credentials).route(resolved);
        read(&client.build(), &anna()).await.expect("a view");
        assert!(server.received()[0].header("host").starts_with("localhost:"));
    }
}

#[tokio::test]
async fn connections_leave_from_the_address_given() {
    for credentials in every_scheme() {
        let server = Scripted::start(|_, _| Reply::ok(view("", "true"))).await;
        let tunnel = Ipv4Addr::new(127, 0, 0, 3);
        let client = server.client().credentials(credentials);
        let client = client.route(|route| route.with_local_address(tunnel.into()).expect("an address")).build();
        read(&client, &anna()).await.expect("a view");
        assert_eq!(server.received()[0].from.ip(), IpAddr::from(tunnel));
    }
}

/// The error of reading from a server, by every scheme.
async fn fails_with(server: &Scripted, root: &Authority, minimum: TlsVersion) -> ReadError {
    let mut errors = Vec::new();
    for credentials in every_scheme() {
        let client = server.client().trusting(root.pem()).credentials(credentials);
        let client = client.route(|route| route.with_minimum_tls(minimum));
        errors.push(read(&client.build(), &anna()).await.expect_err("no TLS"));
    }
    let kinds: Vec<_> = errors.iter().map(ReadError::kind).collect();
    assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{kinds:?}");
    assert_eq!(server.count(), 0, "nothing was sent");
    errors.swap_remove(0)
}

/// Scenario 20 of the domain: a private authority works with its root, and nothing else does.
#[tokio::test]
async fn scenario_20_a_private_authority_works_with_its_root_alone() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let server = tls_server(&ours).await;
    assert_eq!(fails_with(&server, &theirs, TlsVersion::Tls12).await.kind(), ReadErrorKind::CertificateUntrusted);
    let client = server.client().trusting(ours.pem()).build();
    read(&client, &anna()).await.expect("a view");
}

#[tokio::test]
async fn an_expired_certificate_and_a_wrong_name_are_told_apart() {
    let authority = Authority::new();
    let answer = |_: usize, _: &crate::support::Received| Reply::ok(view("", "true"));
    let expired = Scripted::start_tls(authority.issue("localhost", 2021).server(), answer).await;
    assert_eq!(fails_with(&expired, &authority, TlsVersion::Tls12).await.kind(), ReadErrorKind::CertificateExpired);
    let foreign = Scripted::start_tls(authority.issue("mail.musterstadt.example", 2120).server(), answer).await;
    assert_eq!(fails_with(&foreign, &authority, TlsVersion::Tls12).await.kind(), ReadErrorKind::CertificateName);
}

#[tokio::test]
async fn the_minimum_version_of_tls_is_kept() {
    let authority = Authority::new();
    let config = authority.issue("localhost", 2120).server_with(&[&rustls::version::TLS12]);
    let server = Scripted::start_tls(config, |_, _| Reply::ok(view("", "true"))).await;
    assert_eq!(fails_with(&server, &authority, TlsVersion::Tls13).await.kind(), ReadErrorKind::Tls);
    let client = server.client().trusting(authority.pem()).build();
    read(&client, &anna()).await.expect("TLS 1.2 by default");
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_it() {
    let authority = Authority::new();
    let server = Scripted::start_tls(authority.server_that_asks_for_one(), |_, _| Reply::ok(view("", "true"))).await;
    let own = authority.issue("optigov.example", 2120);
    for credentials in every_scheme() {
        let client = server.client().trusting(authority.pem()).credentials(credentials);
        let certificate = ClientCertificate::new(own.pem.as_bytes(), own.key_pem.as_bytes()).expect("a certificate");
        let client = client.route(|route| route.with_client_certificate(certificate)).build();
        read(&client, &anna()).await.expect("a view");
    }
    let without = server.client().trusting(authority.pem()).build();
    assert!(read(&without, &anna()).await.expect_err("no certificate").is_unreachable());
}

/// Scenario 15 of the domain: the tunnel is down. Unknown is an error, never an empty calendar.
#[tokio::test]
async fn scenario_15_a_closed_port_is_an_error_of_the_network() {
    let port =
        TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a free port").port();
    for credentials in every_scheme() {
        let client = Setup::new(&format!("http://127.0.0.1:{port}/EWS/Exchange.asmx")).credentials(credentials);
        let error = read(&client.build(), &anna()).await.expect_err("nobody listens");
        assert_eq!((error.kind(), error.origin()), (ReadErrorKind::Refused, Origin::Network));
        assert!(error.request_id().is_some());
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_its_reason() {
    let url = "https://mail.musterstadt.example/EWS/Exchange.asmx";
    let error = EwsClient::builder(Route::new(url).expect("a URL")).build().expect_err("no credentials");
    assert_eq!(error.to_string(), "no credentials were given");
    assert!(error.is_configuration());
    let no_roots = Setup::new(url).try_build().expect_err("no roots");
    assert!(no_roots.is_configuration() && no_roots.step().is_none());
    let no_certificate = Setup::new(url).trusting([0x30, 0x00]).try_build().expect_err("no certificate");
    assert_eq!(no_certificate.to_string(), "one of the certificates given cannot be used as a root");
    let authority = Authority::new();
    let (one, other) = (authority.issue("optigov.example", 2120), authority.issue("optigov.example", 2120));
    let certificate = ClientCertificate::new(one.pem.as_bytes(), other.key_pem.as_bytes()).expect("both can be read");
    let setup = Setup::new(url).trusting(authority.pem()).route(|route| route.with_client_certificate(certificate));
    let error = setup.try_build().expect_err("another certificate's key");
    assert_eq!(error.to_string(), "the client certificate does not fit its key");
}

#[test]
fn neither_a_client_nor_its_builder_shows_a_secret() {
    let route = Route::new("https://localhost/EWS/Exchange.asmx").expect("a URL");
    let route = through(route, "http://optigov:geheim@127.0.0.1:3128");
    let builder = EwsClient::builder(route.with_root_certificates(Authority::new().pem().as_bytes()).expect("a root"));
    let builder = builder.credentials(Credentials::basic("svc-optigov", PASSWORD));
    let shown = format!("{builder:?}") + &format!("{:?}", builder.build().expect("a client"));
    for secret in [PASSWORD, "geheim", "svc-optigov", "optigov:"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn the_client_names_itself_as_it_is_told_to() {
    let server = Scripted::start(|_, _| Reply::ok(view("", "true"))).await;
    read(&server.client().build(), &anna()).await.expect("a view");
    assert!(server.received()[0].header("user-agent").starts_with("optigov-ews/"));
    let name = UserAgent::parse("optiGov/1.0 (Terminvergabe)").ok();
    read(&server.client().settings(|settings| settings.user_agent = name).build(), &anna()).await.expect("a view");
    assert_eq!(server.received()[1].header("user-agent"), "optiGov/1.0 (Terminvergabe)");
}
