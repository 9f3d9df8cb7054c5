//! The way to a server, as the tables of connections write it: what goes together is checked here, and a [`Route`] made of it.

use optigov_calendar::{InvalidRoute, Route, Text, TlsVersion};
use secrecy::SecretString;

use super::settings::{Account, Address, InFlight, MaxResponseBytes, ProxyAddress, unusable};
use crate::{
    exchange::not_zero_usize,
    fault::{Code, Fault},
    text::reader::Reader,
    values::{Span, at_least},
};

/// What a table says about the way to its server, besides the server's address.
pub(super) struct Way<'f> {
    pub(super) has_ca_file: bool,
    pub(super) only_given_roots: bool,
    pub(super) minimum_tls: TlsVersion,
    pub(super) proxy: Option<&'f ProxyAddress>,
    pub(super) proxy_account: Option<&'f Account>,
    pub(super) has_proxy_secret: bool,
    pub(super) resolve_to: Option<Address>,
    pub(super) local_address: Option<Address>,
    pub(super) connect_timeout: Option<Span>,
    pub(super) idle_timeout: Option<Span>,
    pub(super) timeout: Option<Span>,
    pub(super) in_flight: Option<InFlight>,
    pub(super) max_response_bytes: Option<MaxResponseBytes>,
}

/// The [`Way`] of a table whose fields have the names of the keys.
macro_rules! way {
    ($form:expr, resolve_to: $resolve_to:expr) => {
        $crate::exchange::way::Way {
            has_ca_file: $form.ca_file.is_some(),
            only_given_roots: $form.only_given_roots,
            minimum_tls: $form.minimum_tls,
            proxy: $form.proxy.as_ref(),
            proxy_account: $form.proxy_account.as_ref(),
            has_proxy_secret: $form.proxy_secret.is_some(),
            resolve_to: $resolve_to,
            local_address: $form.local_address,
            connect_timeout: $form.connect_timeout,
            idle_timeout: $form.idle_timeout,
            timeout: $form.timeout,
            in_flight: $form.in_flight,
            max_response_bytes: $form.max_response_bytes,
        }
    };
}
pub(super) use way;

impl Way<'_> {
    /// Notes what does not go together, but for what [`route`](Self::route) notes.
    pub(super) fn check(&self, reader: &mut Reader) {
        let spans =
            [("connect_timeout", self.connect_timeout), ("idle_timeout", self.idle_timeout), ("timeout", self.timeout)];
        for (key, span) in spans {
            reader.below(key, |reader| span.and_then(|span| at_least(1, span, reader)));
        }
        together(("proxy_account", self.proxy_account.is_some()), ("proxy_secret", self.has_proxy_secret), reader);
        if self.only_given_roots && !self.has_ca_file {
            let fault = Fault::new(
                Code::Conflict,
                Text::fixed(
                    "Nur den angegebenen Stammzertifikaten soll vertraut werden, aber es ist keines angegeben.",
                    "Only the roots that are given are to be trusted, but none is given.",
                ),
                Text::fixed(
                    "Bitte „ca_file“ ergänzen oder „only_given_roots“ entfernen.",
                    "Add \"ca_file\", or remove \"only_given_roots\".",
                ),
            );
            reader.below("only_given_roots", |reader| reader.fault(fault));
        }
    }

    /// The route to this server. A setting that it refuses is a fault, and the route is made without it.
    pub(super) fn route(&self, server: Route, reader: &mut Reader) -> Route {
        let mut route = server.with_minimum_tls(self.minimum_tls);
        let mut try_with = |route: Route, change: &dyn Fn(Route) -> Result<Route, InvalidRoute>| {
            change(route.clone()).unwrap_or_else(|invalid| {
                reader.below(invalid.setting(), |reader| reader.fault(unusable(Code::Conflict, &invalid)));
                route
            })
        };
        if let Some(proxy) = self.proxy {
            route = try_with(route, &|route| route.with_proxy(proxy.0.clone()));
        }
        if let Some(account) = self.proxy_account {
            // The password is not known here. Any other one shows whether the proxy's protocol can carry the account's name.
            let any = || SecretString::from("password");
            let without_login = route.clone();
            try_with(route, &|route| route.with_proxy_login(&account.0, any()));
            route = without_login;
        }
        if let Some(address) = self.resolve_to {
            route = try_with(route, &|route| route.with_resolve_to(address.0));
        }
        if let Some(address) = self.local_address {
            route = try_with(route, &|route| route.with_local_address(address.0));
        }
        if self.only_given_roots {
            route = route.with_only_given_roots();
        }
        if let Some(deadline) = self.connect_timeout {
            route = route.with_connect_timeout(deadline.duration());
        }
        if let Some(deadline) = self.idle_timeout {
            route = route.with_idle_timeout(deadline.duration());
        }
        if let Some(deadline) = self.timeout {
            route = route.with_timeout(deadline.duration());
        }
        if let Some(requests) = self.in_flight.and_then(|count| not_zero_usize(count.0)) {
            route = route.with_in_flight(requests);
        }
        if let Some(bytes) = self.max_response_bytes.and_then(|count| not_zero_usize(count.0)) {
            route = route.with_max_response_bytes(bytes);
        }
        route
    }
}

/// What each connection refers to and what is told of it, from its fields of these names.
macro_rules! way_getters {
    () => {
        /// A file with roots to trust besides the system's; with [`Route::only_given_roots`], the only ones.
        pub fn ca_file(&self) -> Option<&Path> {
            self.ca_file.as_ref().map(|path| path.0.as_path())
        }

        /// The user name for the proxy.
        pub fn proxy_account(&self) -> Option<&str> {
            self.proxy_login.as_ref().map(|login| login.account.0.as_str())
        }

        /// Where the proxy's password is to be taken from. It is there exactly when there is a [`proxy_account`](Self::proxy_account).
        pub fn proxy_secret(&self) -> Option<&SecretReference> {
            self.proxy_login.as_ref().map(|login| &login.secret)
        }

        /// The mailbox with which the connection is tested.
        pub fn test_mailbox(&self) -> Option<&Mailbox> {
            self.test_mailbox.as_ref()
        }
    };
}
pub(super) use way_getters;

/// Notes where one of two keys is there without the other one that belongs to it; each comes with whether it is there.
pub(super) fn together(one: (&'static str, bool), other: (&'static str, bool), reader: &mut Reader) {
    if one.1 != other.1 {
        let (there, missing) = if one.1 { (one.0, other.0) } else { (other.0, one.0) };
        reader.below(missing, |reader| reader.fault(missing_beside(there, missing)));
    }
}

fn missing_beside(there: &'static str, missing: &'static str) -> Fault {
    Fault::new(
        Code::MissingKey,
        Text::new(
            format!("Zu „{there}“ gehört „{missing}“, und das fehlt."),
            format!("\"{there}\" needs \"{missing}\", which is missing."),
        ),
        Text::new(
            format!("Bitte „{missing}“ ergänzen oder „{there}“ entfernen."),
            format!("Add \"{missing}\", or remove \"{there}\"."),
        ),
    )
}
