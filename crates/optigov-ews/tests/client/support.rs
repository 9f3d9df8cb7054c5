//! A scripted HTTP server on loopback, for answers that no well-behaved server gives.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use optigov_ews::{Credentials, EwsClient, EwsClientBuilder, Mailbox};
use tokio::{net::TcpListener, task::JoinHandle};

/// What the server answers to a request: a status, headers and a body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Reply {
        Reply::status(200, body).header("content-type", "text/xml; charset=utf-8")
    }

    pub(crate) fn status(status: u16, body: impl Into<String>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

/// Answers every request by a function of the request and its number, from zero.
pub(crate) struct Scripted {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    pub(crate) async fn start(answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let url = format!("http://{}/EWS/Exchange.asmx", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), received.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (answer.clone(), log.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (answer, log) = (answer.clone(), log.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let received =
                            Received { headers: head.headers, body: String::from_utf8_lossy(&body).into_owned() };
                        let number = {
                            let mut log = log.lock().expect("the log");
                            log.push(received.clone());
                            log.len() - 1
                        };
                        let reply = answer(number, &received);
                        let mut response = Response::builder().status(reply.status);
                        for (name, value) in reply.headers {
                            response = response.header(name, value);
                        }
                        Ok::<_, hyper::Error>(response.body(Full::new(Bytes::from(reply.body))).expect("a response"))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Scripted { url, received, task }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("the log").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.received.lock().expect("the log").len()
    }

    /// A client for this server with the Basic credentials that nobody checks.
    pub(crate) fn client(&self) -> EwsClientBuilder {
        EwsClient::builder(&self.url)
            .only_given_roots()
            .credentials(Credentials::basic("STADT\\svc-optigov", "geheim-4711"))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn anna() -> Mailbox {
    Mailbox::parse("anna@musterstadt.example").expect("an address")
}

pub(crate) fn utc(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().expect("an instant")
}

/// An envelope around a body.
pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" MajorBuildNumber=\"1544\" MinorBuildNumber=\"9\" \
         xmlns:h=\"http://schemas.microsoft.com/exchange/services/2006/types\"/></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// A FindItem answer with these items, complete or not.
pub(crate) fn view(items: &str, complete: &str) -> String {
    envelope(&format!(
        "<m:FindItemResponse xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><m:ResponseMessages>\
         <m:FindItemResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>\
         <m:RootFolder TotalItemsInView=\"1\" IncludesLastItemInRange=\"{complete}\"><t:Items>{items}</t:Items></m:RootFolder>\
         </m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse>"
    ))
}

/// A calendar item of the view.
pub(crate) fn item(id: &str, start: &str, end: &str, more: &str) -> String {
    format!(
        "<t:CalendarItem><t:ItemId Id=\"{id}\"/><t:Start>{start}</t:Start><t:End>{end}</t:End>{more}</t:CalendarItem>"
    )
}

/// A FindItem answer that is an error.
pub(crate) fn refusal(code: &str, xml: &str) -> String {
    envelope(&format!(
        "<m:FindItemResponse xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><m:ResponseMessages>\
         <m:FindItemResponseMessage ResponseClass=\"Error\"><m:MessageText>Something about anna@musterstadt.example.</m:MessageText>\
         <m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{xml}\
         </m:FindItemResponseMessage></m:ResponseMessages></m:FindItemResponse>"
    ))
}
