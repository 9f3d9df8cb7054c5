//! The pages for people, in German: what they share. Plain HTML and forms; nothing needs a script.

mod book;
mod entry;
mod free;
mod month;
mod staff;
mod strip;
mod words;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware::from_fn_with_state};
use maud::{DOCTYPE, Markup, html};
use optigov_availability::{Counter, Municipality};
use serde::{Deserialize, Deserializer};

use super::guard::know_visitor;
use super::{Problem, Service};

pub(super) fn routes(service: &Service) -> Router<Service> {
    Router::new()
        .route("/", get(free::show))
        .route("/book", get(book::ask).post(book::book))
        .route("/booked/{number}", get(book::booked))
        .route("/staff", get(staff::show))
        .route("/staff/save", post(staff::save))
        .route("/staff/check", post(staff::check))
        .layer(from_fn_with_state(service.clone(), know_visitor))
        .route("/style.css", get(style).layer(middleware::from_fn(kept_for_a_while)))
}

/// Where on the site a page is.
#[derive(Clone, Copy)]
struct Place<'a> {
    town: &'a Municipality,
    counter: Option<&'a Counter>,
    /// For clerks rather than for citizens.
    is_staff: bool,
}

/// A browser that asked for a page gets one that tells the problem.
pub(super) async fn problems_as_pages(State(service): State<Service>, request: Request, next: Next) -> Response {
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_page = accepted.is_some_and(|accept| accept.contains("text/html"));
    let is_staff = request.uri().path().starts_with("/staff");
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().filter(|_| wants_page) else { return response };
    let town = service.availability.municipality();
    let body = html! {
        h1 { (if problem.status == StatusCode::NOT_FOUND { "Nicht gefunden" } else { "Das hat nicht geklappt" }) }
        (note("bad", problem.detail()))
        p { a.button href=(if is_staff { "/staff" } else { "/" }) { "Zur Startseite" } }
    };
    let page = Place { town: &town, counter: None, is_staff }.page(problem.status, "Fehler", &body);
    let (mut head, _) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(head, page.into_body())
}

impl Place<'_> {
    fn page(self, status: StatusCode, title: &str, body: &Markup) -> Response {
        let Place { town, counter, is_staff } = self;
        let home = if is_staff { "/staff" } else { "/" };
        let markup = html! {
            (DOCTYPE)
            html lang="de" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " – " (town.name()) }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href="/style.css";
                }
                body {
                    a.skip href="#inhalt" { "Zum Inhalt springen" }
                    header {
                        p.town { a href=(home) { (town.name()) } span { (if is_staff { "Terminverwaltung" } else { "Online-Termine" }) } }
                        nav aria-label="Schalter" {
                            ul {
                                @for other in town.counters() {
                                    @let here = counter.is_some_and(|counter| counter.id() == other.id());
                                    li { a href={ (home) "?counter=" (other.id()) } aria-current=[here.then_some("page")] { (other.name()) } }
                                }
                            }
                        }
                    }
                    main id="inhalt" { (body) }
                    footer {
                        @let counter = counter.map(|counter| format!("?counter={}", counter.id())).unwrap_or_default();
                        @if is_staff { a href={ "/" (counter) } { "Ansicht für Bürgerinnen und Bürger" } }
                        @else { a href={ "/staff" (counter) } { "Für Mitarbeitende" } }
                        a href="/openapi.json" { "Schnittstelle (OpenAPI)" }
                    }
                }
            }
        };
        (status, markup).into_response()
    }
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("page/style.css"))
}

async fn kept_for_a_while(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

/// Something to be noticed: `good`, `warn` or `bad`.
fn note(kind: &str, text: &str) -> Markup {
    html! { p class={ "note " (kind) } { (text) } }
}

/// The outcome of what was just sent: it takes the focus, so that it is read out and in view.
fn announced(kind: &str, body: &Markup) -> Markup {
    html! { div class={ "note " (kind) } role=(if kind == "bad" { "alert" } else { "status" }) tabindex="-1" autofocus { (body) } }
}

/// An empty field of a form counts as one that was not sent.
fn unless_blank<'de, D, T>(text: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(text)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}
