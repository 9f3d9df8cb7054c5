//! A proxy between the client and the simulator that writes down every exchange as it went over the wire, but for secrets.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client, header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use optigov_exchange_simulator::Simulator;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::{Map, Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Listens on loopback with a certificate of its own.
pub(crate) struct Recorder {
    pub(crate) base: String,
    pub(crate) root: String,
    lines: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// Where to, and how it is trusted.
#[derive(Clone)]
struct Onward {
    address: SocketAddr,
    tls: TlsConnector,
}

impl Recorder {
    pub(crate) async fn before(simulator: &Simulator) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let base = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).expect("a root")).expect("a root");
        let onward = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let onward = Onward { address: simulator.address(), tls: TlsConnector::from(Arc::new(onward)) };
        let lines = Arc::new(Mutex::default());
        let task = tokio::spawn(serve(
            listener,
            TlsAcceptor::from(Arc::new(server)),
            onward,
            base.clone(),
            Arc::clone(&lines),
        ));
        Recorder { base, root: certificate.pem(), lines, task }
    }

    /// What was recorded, one exchange a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("the record").clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, onward: Onward, base: String, lines: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, onward, base, lines) = (tls.clone(), onward.clone(), base.clone(), lines.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(move |request| forward(request, onward.clone(), base.clone(), lines.clone()));
            // A client that goes away ends its connection.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn forward(
    request: Request<Incoming>,
    onward: Onward,
    base: String,
    lines: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let failed = |_| std::io::Error::other("the exchange broke off");
    let start = now();
    let (head, body) = request.into_parts();
    let asked = body.collect().await.map_err(failed)?.to_bytes();
    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    let stream = onward.tls.connect(name, TcpStream::connect(onward.address).await?).await?;
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    tokio::spawn(connection);
    let answer =
        sender.send_request(Request::from_parts(head.clone(), Full::new(asked.clone()))).await.map_err(failed)?;
    let (answered, body) = answer.into_parts();
    let body = body.collect().await.map_err(failed)?.to_bytes();
    let url = format!("{base}{}", head.uri);
    let line = json!({
        "method": head.method.as_str(),
        "url": url,
        "request_headers": headers(&head.headers),
        "request_body": content(&asked),
        "status": answered.status.as_u16(),
        "response_headers": headers(&answered.headers),
        "response_body": content(&body),
        "start": start,
        "end": now(),
    });
    lines.lock().expect("the record").push(line.to_string());
    let mut response = Response::from_parts(answered, Full::new(body));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    Ok(response)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

fn headers(headers: &hyper::HeaderMap) -> Value {
    let shown = |name: &str, text: &str| match name {
        "authorization" => "Bearer token".to_owned(),
        _ => text.to_owned(),
    };
    let pairs = headers.iter().map(|(name, value)| {
        let text = shown(name.as_str(), value.to_str().unwrap_or_default());
        (name.as_str().to_owned(), Value::from(text))
    });
    Value::Object(Map::from_iter(pairs))
}

/// JSON as it is, a form without its secret, nothing for nothing.
fn content(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let text = String::from_utf8_lossy(body);
    let mut json = match serde_json::from_str::<Value>(&text) {
        Ok(json) => json,
        Err(_) => return Value::from(without_secrets(&text)),
    };
    if let Some(token) = json.get_mut("access_token") {
        *token = "token".into();
    }
    json
}

fn without_secrets(form: &str) -> String {
    let fields = form.split('&').map(|field| match field.split_once('=') {
        Some((name @ ("client_secret" | "client_assertion"), _)) => format!("{name}=***"),
        _ => field.to_owned(),
    });
    fields.collect::<Vec<_>>().join("&")
}
