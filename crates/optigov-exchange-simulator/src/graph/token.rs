//! The token endpoint: client credentials by secret or by certificate.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, Response, StatusCode, request};
use serde_json::json;

use super::assertion::Expected;
use super::sts_error::StsError;
use super::target::decoded;
use super::{Ids, status};
use crate::auth::Refusals;
use crate::exchange::{Connection, closed};
use crate::misbehaviour::Instead;
use crate::reply;
use crate::scenario::{Application, Scenario};
use crate::wire::Body;
use crate::world::World;

/// The name of the operation in rules and records.
const OPERATION: &str = "token";

const JSON: &str = "application/json; charset=utf-8";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The resource of the worldwide cloud. The simulator's own address stands for its resource, too.
const GRAPH: &str = "https://graph.microsoft.com";

/// Whether the tenant is known by this name.
pub(super) fn is_tenant(world: &World, name: &str) -> bool {
    world.scenario.tenant.eq_ignore_ascii_case(name) || Scenario::TENANT_ID.eq_ignore_ascii_case(name)
}

/// The fields of a form.
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(body: &Bytes) -> Form {
        let text = String::from_utf8_lossy(body);
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Form(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    fn field(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<&str, StsError> {
        self.field(name).ok_or_else(|| StsError::missing(name))
    }

    /// The form without its secrets.
    fn shown(&self) -> String {
        let shown = self.0.iter().map(|(name, value)| {
            let secret = name == "client_secret" || name == "client_assertion";
            format!("{name}={}", if secret { "***" } else { value })
        });
        shown.collect::<Vec<_>>().join("&")
    }
}

impl Connection {
    pub(super) async fn token(
        &self,
        world: &World,
        tenant: &str,
        base: &str,
        head: &request::Parts,
        body: &Bytes,
        ids: &Ids,
    ) -> io::Result<Response<Body>> {
        let form = Form::parse(body);
        let mut record = self.recorded(head);
        record.operation = Some(OPERATION.to_owned());
        record.body = form.shown();
        if head.method != Method::POST {
            self.keep(record);
            return Ok(reply::plain(StatusCode::METHOD_NOT_ALLOWED));
        }
        let answer = self.judged(world, tenant, base, &form);
        match &answer {
            Ok(application) => record.account = Some(application.client_id.clone()),
            Err(error) => record.refusal = Some(error.reason),
        }
        self.keep(record);
        let tokens = &self.exchange.graph.tokens;
        // A token that a rule keeps back is not issued.
        let issued = answer.map(|application| {
            let seconds = application.token_seconds;
            move || {
                let token = tokens.issue(&application.client_id, Duration::from_secs(seconds));
                let body = json!({
                    "token_type": "Bearer",
                    "expires_in": seconds,
                    "ext_expires_in": seconds,
                    "access_token": token,
                });
                body.to_string()
            }
        });
        self.authority_with(world, OPERATION, base, ids, issued).await
    }

    fn judged<'w>(&self, world: &'w World, tenant: &str, base: &str, form: &Form) -> Result<&'w Application, StsError> {
        if !is_tenant(world, tenant) {
            return Err(StsError::unknown_tenant(tenant));
        }
        if form.required("grant_type")? != "client_credentials" {
            let text = "The app requested an unsupported grant type.";
            return Err(StsError::new(70_003, "unsupported grant type", text));
        }
        let id = form.required("client_id")?;
        let mut applications = world.scenario.applications.iter();
        let application = applications.find(|one| one.client_id.eq_ignore_ascii_case(id)).ok_or_else(|| {
            let text = format!(
                "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the \
                 application has not been installed by the administrator of the tenant or consented to by any user in the \
                 tenant. You may have sent your authentication request to the wrong tenant."
            );
            StsError::new(700_016, "unknown application", text)
        })?;
        if application.disabled {
            let text = format!("Application '{id}' is disabled.");
            return Err(StsError::new(7_000_112, "disabled application", text));
        }
        check_scope(form.required("scope")?, base)?;
        self.check_credential(application, tenant, base, form)?;
        Ok(application)
    }

    fn check_credential(
        &self,
        application: &Application,
        tenant: &str,
        base: &str,
        form: &Form,
    ) -> Result<(), StsError> {
        let id = &application.client_id;
        let result = match (form.field("client_assertion"), form.field("client_secret")) {
            (Some(assertion), _) if form.field("client_assertion_type") == Some(ASSERTION_TYPE) => {
                let audiences = [format!("{base}/{tenant}/oauth2/v2.0/token"), format!("{base}/{tenant}/v2.0")];
                let tokens = &self.exchange.graph.tokens;
                Expected { application, audiences: &audiences, tokens }.check(assertion)
            }
            (None, Some(secret)) => check_secret(application, secret),
            _ => {
                let text =
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
                return Err(StsError::new(7_000_218, "no credentials", text));
            }
        };
        let refusals: &Refusals = &self.exchange.refusals;
        refusals.count(id, result.is_ok());
        result
    }

    /// Answers for the authority, or with what a rule puts in place of its answer.
    pub(super) async fn authority(
        &self,
        world: &World,
        operation: &str,
        base: &str,
        ids: &Ids,
        answer: Result<String, StsError>,
    ) -> io::Result<Response<Body>> {
        self.authority_with(world, operation, base, ids, answer.map(|text| move || text)).await
    }

    async fn authority_with(
        &self,
        world: &World,
        operation: &str,
        base: &str,
        ids: &Ids,
        answer: Result<impl FnOnce() -> String, StsError>,
    ) -> io::Result<Response<Body>> {
        let plan = world.plan(operation, &[]);
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        let answer = match &plan.instead {
            Some(Instead::Hang) => std::future::pending().await,
            Some(Instead::Reset) => return Err(self.reset()),
            Some(Instead::Close) => return Err(closed()),
            Some(Instead::Http(answer)) => return Ok(reply::http(answer)),
            Some(Instead::Aadsts(number)) => Err(StsError::chosen(*number)),
            Some(Instead::Unauthorized) => Err(wrong_secret()),
            Some(Instead::Throttled(_, back_off)) => {
                let mut response = reply::plain(StatusCode::TOO_MANY_REQUESTS);
                let seconds = back_off.map(|back_off| HeaderValue::from(back_off.as_millis().div_ceil(1000) as u64));
                response.headers_mut().extend(seconds.map(|seconds| (RETRY_AFTER, seconds)));
                return Ok(response);
            }
            Some(_) | None => answer,
        };
        let (code, text) = match answer {
            Ok(text) => (plan.success_status.unwrap_or(200), text()),
            Err(error) => (error.kind().0, error.json(base, ids)),
        };
        let mut response = self.ended(status(code), JSON, plan.damage(text), &plan, None)?;
        if code == 503 {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        Ok(response)
    }
}

fn check_scope(scope: &str, base: &str) -> Result<(), StsError> {
    let Some(resource) = scope.strip_suffix("/.default").filter(|resource| !resource.contains(' ')) else {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default \
             suffixed to the resource identifier (application ID URI)."
        );
        return Err(StsError::new(1_002_012, "invalid scope", text));
    };
    if resource != GRAPH && resource != base {
        let text = format!("The resource principal named {resource} was not found in the tenant.");
        return Err(StsError::new(500_011, "unknown resource", text));
    }
    Ok(())
}

fn check_secret(application: &Application, secret: &str) -> Result<(), StsError> {
    if application.secrets.iter().any(|one| one == secret) {
        return Ok(());
    }
    if application.expired_secrets.iter().any(|one| one == secret) {
        let id = &application.client_id;
        let text = format!("The provided client secret keys for app '{id}' are expired.");
        return Err(StsError::new(7_000_222, "expired secret", text));
    }
    Err(wrong_secret())
}

fn wrong_secret() -> StsError {
    let text = "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the \
                client secret ID, for a secret added to the app.";
    StsError::new(7_000_215, "wrong secret", text)
}
