//! The example service, end to end: over HTTP, with calendars read from a simulated Exchange. Now is a Monday at 08:00 in Musterstadt.

mod api;
mod booking;
mod browser;
mod guard;
mod pages;

use std::future::pending;

use chrono::{DateTime, TimeZone as _, Utc};
use optigov_examples::demo::Demo;
use optigov_examples::service::{self, Hosts, Limits};
use optigov_exchange_simulator::Simulator;
use reqwest::{Method, StatusCode, redirect};
use serde_json::Value;

/// A Tuesday on which Bürgerbüro 1 has appointments, and could take 19 without.
const TUESDAY: &str = "/counters/buergerbuero-1/slots?from=2026-11-24&days=1";

struct Service {
    demo: Option<Demo>,
    url: String,
    client: reqwest::Client,
}

struct Answer {
    status: StatusCode,
    kind: String,
    location: String,
    cookie: String,
    body: String,
}

/// Somebody with a browser: the cookie, and the token of the forms on the page seen last.
struct Visitor {
    cookie: String,
    token: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The starts of the first counter's slots.
    fn starts(&self) -> Vec<DateTime<Utc>> {
        let json = self.json();
        let slots = json["counters"][0]["slots"].as_array().expect("slots").iter();
        slots.map(|slot| slot["start"].as_str().expect("a text").parse().expect("an instant")).collect()
    }

    /// The kind of problem that this is.
    fn problem(&self) -> String {
        assert_eq!(self.kind, "application/problem+json", "{}", self.body);
        let json = self.json();
        assert_eq!((&json["type"], &json["status"]), (&"about:blank".into(), &self.status.as_u16().into()));
        for text in ["title", "detail"] {
            assert!(json[text].as_str().is_some_and(|text| !text.is_empty()), "{}", self.body);
        }
        json["code"].as_str().expect("a code").to_owned()
    }
}

impl Service {
    async fn start() -> Service {
        Service::with_limits(Limits::default()).await
    }

    async fn with_limits(limits: Limits) -> Service {
        let now = Utc.with_ymd_and_hms(2026, 11, 23, 7, 0, 0).single().expect("an instant");
        let demo = Demo::start(now, &[]).expect("a demo");
        let availability = demo.availability().clock(move || now).build().expect("a facade");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = service::router(availability, move || now, Hosts::at(address)).expect("a service");
        tokio::spawn(service::serve(listener, app, limits, pending()));
        // reqwest wants a provider even where nothing is encrypted; a second test finds it installed.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none());
        Service { demo: Some(demo), url: format!("http://{address}"), client: client.build().expect("a client") }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let [kind, location, cookie] = ["Content-Type", "Location", "Set-Cookie"].map(header);
        let (status, body) = (response.status(), response.text().await.expect("a whole body"));
        Answer { status, kind, location, cookie, body }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    async fn put(&self, path: &str, document: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).body(document.to_string())).await
    }

    async fn post(&self, path: &str, document: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("Content-Type", "application/json");
        self.send(request.body(document.to_string())).await
    }

    /// Opens the page with the form that a visitor is going to send.
    async fn visit(&self, page: &str) -> Visitor {
        let answer = self.get(page).await;
        let (_, token) = answer.body.split_once(r#"name="token" value=""#).expect("a token");
        let (token, _) = token.split_once('"').expect("an end");
        let (cookie, _) = answer.cookie.split_once(';').expect("a cookie with attributes");
        assert!(answer.cookie.contains("HttpOnly") && answer.cookie.contains("SameSite=Lax"), "{}", answer.cookie);
        Visitor { cookie: cookie.to_owned(), token: token.to_owned() }
    }

    /// Sends a visitor's form, as a browser does.
    async fn submit(&self, visitor: &Visitor, path: &str, form: &str) -> Answer {
        let request = self.request(Method::POST, path).header("Content-Type", "application/x-www-form-urlencoded");
        let request =
            request.header("Cookie", &visitor.cookie).header("Origin", &self.url).header("Accept", "text/html");
        self.send(request.body(format!("token={}&{form}", visitor.token))).await
    }

    async fn counter(&self, id: &str) -> Value {
        self.get(&format!("/counters/{id}")).await.json()
    }

    fn exchange(&self) -> &Simulator {
        &self.demo.as_ref().expect("not stopped").simulator
    }
}
