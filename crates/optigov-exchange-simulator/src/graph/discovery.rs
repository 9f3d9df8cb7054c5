//! What an authority says of itself: MSAL and Azure's libraries ask for it before the first token.

use std::io;

use http::{Response, request};
use serde_json::{Value, json};

use super::sts_error::StsError;
use super::{Ids, token};
use crate::exchange::Connection;
use crate::wire::Body;
use crate::world::World;

/// The name of the operation in rules and records.
const OPERATION: &str = "discovery";

/// The answer of `/{tenant}/v2.0/.well-known/openid-configuration`.
pub(super) fn openid_configuration(world: &World, tenant: &str, base: &str) -> Result<Value, StsError> {
    if !token::is_tenant(world, tenant) {
        return Err(StsError::unknown_tenant(tenant));
    }
    Ok(json!({
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "response_types_supported": ["token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": format!("{base}/{tenant}/v2.0"),
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/devicecode"),
        "cloud_instance_name": host(base),
        "msgraph_host": host(base),
    }))
}

/// The answer of `/common/discovery/instance`: this host is an authority of its own.
pub(super) fn instance(world: &World, base: &str) -> Value {
    let tenant = &world.scenario.tenant;
    json!({
        "tenant_discovery_endpoint": format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host(base), "preferred_cache": host(base), "aliases": [host(base)]}],
    })
}

fn host(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, host)| host)
}

impl Connection {
    pub(super) async fn discovery(
        &self,
        world: &World,
        head: &request::Parts,
        ids: &Ids,
        answer: Result<Value, StsError>,
    ) -> io::Result<Response<Body>> {
        let mut record = self.recorded(head);
        record.operation = Some(OPERATION.to_owned());
        self.keep(record);
        let answer = answer.map(|value| value.to_string());
        let base = super::base(world, &head.headers);
        self.authority(world, OPERATION, &base, ids, answer).await
    }
}
