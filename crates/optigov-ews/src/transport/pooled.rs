//! Basic and bearer authentication: every request carries its own proof, so any pooled connection will do.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, StatusCode, header};
use optigov_calendar::{Proxy, ProxyKind, ReadError, ReadErrorKind, Text};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Answer, Body, Post,
    connector::Connector,
    failure::{Phase, classify, silent, through_proxy, too_late},
    refused,
};
use crate::{
    credentials::{Login, TokenProvider, TokenReason},
    error::configuration,
};

pub(crate) struct Pooled {
    client: reqwest::Client,
}

impl Pooled {
    pub(crate) fn new(connector: &Connector) -> Result<Pooled, ReadError> {
        let route = &connector.route;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(connector.tls.config.clone())
            .dns_resolver(connector.resolver.clone())
            .connect_timeout(route.connect_timeout())
            .read_timeout(route.idle_timeout())
            .pool_max_idle_per_host(route.in_flight().get())
            .local_address(route.local_address())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(proxy) = route.proxy() {
            builder = builder.proxy(translate(proxy)?);
        }
        let client = builder.build().map_err(|error| {
            configuration(
                "der HTTP-Client lässt sich so nicht einrichten",
                "the HTTP client cannot be set up like this",
            )
            .with_source(error)
        })?;
        Ok(Pooled { client })
    }

    pub(crate) async fn post_basic(
        &self,
        connector: &Connector,
        login: &Login,
        post: &Post<'_>,
    ) -> Result<Answer, ReadError> {
        let pair = SecretString::from(format!("{}:{}", login.user, login.password.expose_secret()));
        let answer = self.send(connector, post, "Basic", &BASE64_STANDARD.encode(pair.expose_secret()).into()).await?;
        accepted("Basic", answer)
    }

    /// Asks the provider for another token once, when the first is refused.
    pub(crate) async fn post_bearer(
        &self,
        connector: &Connector,
        provider: &dyn TokenProvider,
        post: &Post<'_>,
    ) -> Result<Answer, ReadError> {
        let token = async |reason| {
            let given = provider.token(reason).await;
            given.map_err(|error| {
                let fact = Text::fixed(
                    "die Quelle der Zugriffstoken meldet einen Fehler",
                    "the provider of access tokens reports an error",
                );
                ReadError::new(ReadErrorKind::Token, fact).with_source(error)
            })
        };
        let answer = self.send(connector, post, "Bearer", &token(TokenReason::Needed).await?).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        accepted("Bearer", self.send(connector, post, "Bearer", &token(TokenReason::Refused).await?).await?)
    }

    async fn send(
        &self,
        connector: &Connector,
        post: &Post<'_>,
        scheme: &str,
        proof: &SecretString,
    ) -> Result<Answer, ReadError> {
        let route = &connector.route;
        let failed = |error, phase| {
            let failure = failed(error, phase);
            match route.proxy() {
                Some(proxy) => through_proxy(failure, proxy),
                None => failure,
            }
        };
        let mut authorization =
            HeaderValue::from_str(&format!("{scheme} {}", proof.expose_secret())).map_err(|_| {
                configuration(
                    "die Zugangsdaten enthalten Zeichen, die in keinem HTTP-Header stehen dürfen",
                    "the credential holds characters that a header cannot carry",
                )
            })?;
        authorization.set_sensitive(true);
        let request = self
            .client
            .post(route.url().clone())
            .headers(post.headers(connector))
            .header(header::AUTHORIZATION, authorization)
            .body(post.body.clone());
        let mut response = request.send().await.map_err(|error| failed(error, Phase::Waiting))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Body::new(route.max_response_bytes().get(), &headers)?;
        while let Some(piece) = response.chunk().await.map_err(|error| failed(error, Phase::Receiving))? {
            body.push(&piece)?;
        }
        Ok(Answer { status, headers, body: body.bytes })
    }
}

fn accepted(scheme: &str, answer: Answer) -> Result<Answer, ReadError> {
    match answer.status {
        StatusCode::UNAUTHORIZED => Err(refused(scheme, &answer.headers)),
        _ => Ok(answer),
    }
}

fn failed(error: reqwest::Error, phase: Phase) -> ReadError {
    let error = error.without_url();
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => too_late().with_source(error),
        (true, false) => classify(error, Phase::Connecting),
        (false, true) => silent().with_source(error),
        (false, false) => classify(error, phase),
    }
}

fn translate(proxy: &Proxy) -> Result<reqwest::Proxy, ReadError> {
    let unusable = || configuration("der Proxy lässt sich so nicht verwenden", "the proxy cannot be used like this");
    let mut url = proxy.url().clone();
    if let (ProxyKind::Socks5 | ProxyKind::Socks5Remote, Some((user, password))) = (proxy.kind(), proxy.login()) {
        let set = url.set_username(user).and_then(|()| url.set_password(Some(password.expose_secret())));
        set.map_err(|()| unusable())?;
    }
    let translated = reqwest::Proxy::all(url.as_str());
    let translated = translated.map_err(|error| unusable().with_source(error.without_url()))?;
    Ok(match (proxy.kind(), proxy.login()) {
        (ProxyKind::Http, Some((user, password))) => translated.basic_auth(user, password.expose_secret()),
        _ => translated,
    })
}
