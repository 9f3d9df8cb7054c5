//! Finding the server's address.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// The system's resolver, with one host's address settable, for servers that only a tunnel knows.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<Option<(String, IpAddr)>>);

impl Resolver {
    pub(crate) fn new(fixed: Option<(String, IpAddr)>) -> Resolver {
        Resolver(Arc::new(fixed))
    }

    /// The addresses of a host, with port 0.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        match &*self.0 {
            Some((name, address)) if name.eq_ignore_ascii_case(host) => Ok(vec![SocketAddr::new(*address, 0)]),
            _ => {
                let found: Vec<_> = tokio::net::lookup_host((host, 0)).await.map_err(ResolveError)?.collect();
                match found.is_empty() {
                    true => Err(ResolveError(io::Error::new(io::ErrorKind::NotFound, "no address"))),
                    false => Ok(found),
                }
            }
        }
    }
}

/// The name has no address. Found again in the error chains of the HTTP libraries, to tell this step from the next.
#[derive(Debug)]
pub(crate) struct ResolveError(io::Error);

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host name has no address")
    }
}

impl std::error::Error for ResolveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
