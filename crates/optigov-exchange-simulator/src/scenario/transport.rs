use serde::Deserialize;

/// The certificate that the simulator shows. In a scenario file: `valid`, `expired`, `other_name`, `sha384`, or
/// `{ given = { chain = "PEM", key = "PEM" } }`.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Certificate {
    /// For `localhost` and `127.0.0.1`, from the simulator's own authority, signed with SHA-256. The default.
    #[default]
    Valid,
    /// The same, but it expired in 2021.
    Expired,
    /// For `exchange.elsewhere.example` alone.
    OtherName,
    /// Valid, but signed with SHA-384, which changes the channel binding's hash.
    Sha384,
    /// One of the caller's own. [`ca_pem`](crate::Simulator::ca_pem) then gives the last certificate of the chain.
    Given {
        /// The chain in PEM, the leaf first.
        chain: String,
        /// The key in PEM.
        key: String,
    },
}

/// The versions of TLS that the simulator speaks. In a scenario file: `modern`, `only12`, `too_old`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Tls {
    /// TLS 1.2 and 1.3. The default.
    #[default]
    Modern,
    /// TLS 1.2 alone, as Exchange before Windows Server 2022.
    Only12,
    /// Answers every ClientHello with a ServerHello that chooses TLS 1.0, and gets no further: what a client sees of a
    /// server that was never updated.
    TooOld,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Certificate::Valid => "Valid",
            Certificate::Expired => "Expired",
            Certificate::OtherName => "OtherName",
            Certificate::Sha384 => "Sha384",
            Certificate::Given { .. } => "Given(..)",
        })
    }
}
