//! The accepting side of NTLMv2 after
//! [MS-NLMP](https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/b38c36ed-2804-4868-a9ff-8dd3182128e4).
//!
//! It exists because the client under test may use `sspi`, and because no library's acceptor checks channel bindings. Session
//! keys are not exchanged, so that RC4 is not needed; a message integrity code is checked wherever the client sent one.

use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use sha2::{Sha256, Sha384, Sha512};

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

const UNICODE: u32 = 0x0000_0001;
const REQUEST_TARGET: u32 = 0x0000_0004;
const SIGN: u32 = 0x0000_0010;
const NTLM: u32 = 0x0000_0200;
const ALWAYS_SIGN: u32 = 0x0000_8000;
const TARGET_TYPE_DOMAIN: u32 = 0x0001_0000;
const EXTENDED_SESSION_SECURITY: u32 = 0x0008_0000;
const TARGET_INFO: u32 = 0x0080_0000;
const VERSION: u32 = 0x0200_0000;
const ENCRYPT_128: u32 = 0x2000_0000;
const KEY_EXCHANGE: u32 = 0x4000_0000;
const ENCRYPT_56: u32 = 0x8000_0000;

/// Identifiers of `AV_PAIR`.
const AV_END: u16 = 0;
const AV_NETBIOS_COMPUTER: u16 = 1;
const AV_NETBIOS_DOMAIN: u16 = 2;
const AV_DNS_COMPUTER: u16 = 3;
const AV_FLAGS: u16 = 6;
const AV_TIMESTAMP: u16 = 7;
const AV_CHANNEL_BINDINGS: u16 = 10;

/// Bit of [`AV_FLAGS`]: the message carries an integrity code.
const HAS_MIC: u32 = 0x2;
const MIC: std::ops::Range<usize> = 72..88;

/// The server's side between the second and the third message.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    negotiate: Vec<u8>,
    message: Vec<u8>,
    nonce: [u8; 8],
}

/// A client's third message, which claims to be `domain\user`.
#[derive(Debug)]
pub(crate) struct Authenticate<'a> {
    message: &'a [u8],
    flags: u32,
    response: &'a [u8],
    domain_bytes: Vec<u8>,
    pub(crate) domain: String,
    pub(crate) user: String,
}

impl Challenge {
    /// Answers a first message. `None` where it is none. The target information may be empty, and is then left out.
    pub(crate) fn new(negotiate: &[u8], domain: &str, nonce: [u8; 8], target_info: &[u8]) -> Option<Challenge> {
        if negotiate.get(..8)? != SIGNATURE || number(negotiate, 8)? != 1 {
            return None;
        }
        let offered = number(negotiate, 12)?;
        let flags = UNICODE | REQUEST_TARGET | NTLM | TARGET_TYPE_DOMAIN | EXTENDED_SESSION_SECURITY | VERSION;
        let flags = flags | (offered & (SIGN | ALWAYS_SIGN | ENCRYPT_128 | ENCRYPT_56));
        let flags = if target_info.is_empty() { flags } else { flags | TARGET_INFO };
        let target = utf16(domain);
        let mut message = SIGNATURE.to_vec();
        let field = |bytes: &[u8], offset: usize| {
            let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes();
            [&length[..], &length, &u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes()].concat()
        };
        message.extend(2_u32.to_le_bytes());
        message.extend(field(&target, 56));
        message.extend(flags.to_le_bytes());
        message.extend(nonce);
        message.extend([0; 8]);
        message.extend(field(target_info, 56 + target.len()));
        message.extend([10, 0, 0x7c, 0x4f, 0, 0, 0, 15]);
        message.extend(target);
        message.extend(target_info);
        Some(Challenge { negotiate: negotiate.to_vec(), message, nonce })
    }

    /// The second message.
    pub(crate) fn message(&self) -> &[u8] {
        &self.message
    }
}

impl<'a> Authenticate<'a> {
    /// Reads a third message. `None` where it is none, or speaks less than NTLMv2.
    pub(crate) fn parse(message: &'a [u8]) -> Option<Authenticate<'a>> {
        if message.get(..8)? != SIGNATURE || number(message, 8)? != 3 {
            return None;
        }
        let response = field(message, 20)?;
        // The proof, then the fixed head of the client's challenge; NTLMv1 answers have 24 bytes.
        if response.len() < 16 + 28 {
            return None;
        }
        let (domain, user) = (field(message, 28)?, field(message, 36)?);
        let flags = number(message, 60)?;
        let text = |bytes: &[u8]| {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        };
        if flags & UNICODE == 0 {
            return None;
        }
        Some(Authenticate {
            message,
            flags,
            response,
            domain_bytes: domain.to_vec(),
            domain: text(domain),
            user: text(user),
        })
    }

    /// Whether it answers `challenge` with this password, and arrived as it was sent.
    pub(crate) fn proves(&self, challenge: &Challenge, password: &str) -> bool {
        let key = self.response_key(password);
        let (proof, blob) = self.response.split_at(16);
        if hmac_md5(&key, &[&challenge.nonce, blob]) != proof {
            return false;
        }
        let flags = self.pair(AV_FLAGS).and_then(|value| number(value, 0)).unwrap_or(0);
        if flags & HAS_MIC == 0 {
            return true;
        }
        let (Some(mic), Some(head), Some(tail)) =
            (self.message.get(MIC), self.message.get(..MIC.start), self.message.get(MIC.end..))
        else {
            return false;
        };
        // A client that exchanges keys although that was not negotiated cannot be checked, and is wrong.
        let session_key = hmac_md5(&key, &[proof]);
        let expected = hmac_md5(&session_key, &[&challenge.negotiate, &challenge.message, head, &[0; 16], tail]);
        self.flags & KEY_EXCHANGE == 0 && expected == mic
    }

    /// The channel binding, if the client sent one: MD5 of the structure in [`binding`].
    pub(crate) fn binding(&self) -> Option<&[u8]> {
        self.pair(AV_CHANNEL_BINDINGS)
    }

    /// Signs the list of mechanisms for SPNEGO, as the accepting side, with the first sequence number.
    pub(crate) fn sign_as_server(&self, password: &str, message: &[u8]) -> Vec<u8> {
        const MAGIC: &[u8] = b"session key to server-to-client signing key magic constant\0";
        let session_key = hmac_md5(&self.response_key(password), &[&self.response[..16]]);
        let signing_key: [u8; 16] = Md5::new().chain_update(session_key).chain_update(MAGIC).finalize().into();
        let sequence = 0_u32.to_le_bytes();
        let checksum = hmac_md5(&signing_key, &[&sequence, message]);
        [&1_u32.to_le_bytes()[..], &checksum[..8], &sequence].concat()
    }

    /// `NTOWFv2`.
    fn response_key(&self, password: &str) -> [u8; 16] {
        let hash: [u8; 16] = Md4::digest(utf16(password)).into();
        hmac_md5(&hash, &[&utf16(&self.user.to_uppercase()), &self.domain_bytes])
    }

    /// A value that the client repeats or adds in its challenge.
    fn pair(&self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self.response.get(16 + 28..)?;
        loop {
            let id = u16::from_le_bytes(rest.get(..2)?.try_into().ok()?);
            let length = usize::from(u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?));
            let value = rest.get(4..4 + length)?;
            match id {
                AV_END => return None,
                id if id == wanted => return Some(value),
                _ => rest = &rest[4 + length..],
            }
        }
    }
}

/// What a challenge says of the server and the time. `filetime`: now, in 100 ns since 1601.
pub(super) fn target_info(domain: &str, filetime: u64) -> Vec<u8> {
    let mut info = Vec::new();
    let mut pair = |id: u16, value: &[u8]| {
        info.extend(id.to_le_bytes());
        info.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        info.extend(value);
    };
    pair(AV_NETBIOS_DOMAIN, &utf16(domain));
    pair(AV_NETBIOS_COMPUTER, &utf16("EXCHANGE"));
    pair(AV_DNS_COMPUTER, &utf16("localhost"));
    pair(AV_TIMESTAMP, &filetime.to_le_bytes());
    pair(AV_END, &[]);
    info
}

/// The value that a client must send for this server certificate: MD5 of a `gss_channel_bindings` structure that holds
/// `tls-server-end-point:` and the certificate's hash, by the hash of its signature; MD5 and SHA-1 count as SHA-256
/// ([RFC 5929](https://www.rfc-editor.org/rfc/rfc5929#section-4)).
pub(crate) fn binding(certificate: &[u8]) -> [u8; 16] {
    let hash = match signature_hash(certificate) {
        SignatureHash::Sha384 => Sha384::digest(certificate).to_vec(),
        SignatureHash::Sha512 => Sha512::digest(certificate).to_vec(),
        SignatureHash::Sha256 => Sha256::digest(certificate).to_vec(),
    };
    let data = [&b"tls-server-end-point:"[..], &hash].concat();
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
    Md5::new().chain_update([0; 16]).chain_update(length).chain_update(data).finalize().into()
}

enum SignatureHash {
    Sha256,
    Sha384,
    Sha512,
}

fn signature_hash(certificate: &[u8]) -> SignatureHash {
    let oid = x509_parser::parse_x509_certificate(certificate)
        .map(|(_, certificate)| certificate.signature_algorithm.algorithm.to_id_string());
    match oid.as_deref().unwrap_or_default() {
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => SignatureHash::Sha384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => SignatureHash::Sha512,
        _ => SignatureHash::Sha256,
    }
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// A payload that the fields at `at` point to.
fn field(message: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16::from_le_bytes(message.get(at..at + 2)?.try_into().ok()?));
    let offset = usize::try_from(number(message, at + 4)?).ok()?;
    message.get(offset..offset.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A third message around the values of MS-NLMP 4.2.4, without integrity code.
    fn example(response: &[u8]) -> Vec<u8> {
        let (domain, user) = (utf16("Domain"), utf16("User"));
        let mut message = SIGNATURE.to_vec();
        message.extend(3_u32.to_le_bytes());
        let mut payload: Vec<u8> = Vec::new();
        let mut add = |bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).expect("short").to_le_bytes();
            let offset = u32::try_from(88 + payload.len()).expect("short").to_le_bytes();
            payload.extend(bytes);
            [&length[..], &length, &offset].concat()
        };
        for bytes in [&[][..], response, &domain, &user, &[], &[]] {
            message.extend(add(bytes));
        }
        message.extend(UNICODE.to_le_bytes());
        message.extend([0; 8 + 16]);
        message.extend(payload);
        message
    }

    /// `temp` of MS-NLMP 4.2.4.1.3: time zero, client challenge of 0xaa, target info of domain and server.
    fn blob() -> Vec<u8> {
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend([0; 8]);
        blob.extend([0xaa; 8]);
        blob.extend([0; 4]);
        for (id, name) in [(AV_NETBIOS_DOMAIN, "Domain"), (AV_NETBIOS_COMPUTER, "Server")] {
            blob.extend(id.to_le_bytes());
            blob.extend(u16::try_from(utf16(name).len()).expect("short").to_le_bytes());
            blob.extend(utf16(name));
        }
        blob.extend([0; 8]);
        blob
    }

    fn challenge() -> Challenge {
        Challenge {
            negotiate: Vec::new(),
            message: Vec::new(),
            nonce: [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef],
        }
    }

    #[test]
    fn the_specifications_example_holds() {
        let proof = [0x68, 0xcd, 0x0a, 0xb8, 0x51, 0xe5, 0x1c, 0x96, 0xaa, 0xbc, 0x92, 0x7b, 0xeb, 0xef, 0x6a, 0x1c];
        let message = example(&[&proof[..], &blob()].concat());
        let authenticate = Authenticate::parse(&message).expect("a third message");
        assert_eq!((authenticate.domain.as_str(), authenticate.user.as_str()), ("Domain", "User"));
        assert_eq!(
            authenticate.response_key("Password"),
            [0x0c, 0x86, 0x8a, 0x40, 0x3b, 0xfd, 0x7a, 0x93, 0xa3, 0x00, 0x1e, 0xf2, 0x2e, 0xf0, 0x2e, 0x3f]
        );
        assert!(authenticate.proves(&challenge(), "Password"));
        assert!(!authenticate.proves(&challenge(), "password"));
        assert_eq!(authenticate.binding(), None);
    }

    #[test]
    fn damaged_messages_are_refused() {
        let whole = example(&[&[0; 16][..], &blob()].concat());
        for length in 0..whole.len() {
            if let Some(authenticate) = Authenticate::parse(&whole[..length]) {
                assert!(!authenticate.proves(&challenge(), "Password"));
            }
        }
        assert!(Authenticate::parse(&example(&[0; 24])).is_none(), "NTLMv1");
        assert!(Challenge::new(b"NTLMSSP\0\x03\0\0\0\0\0\0\0", "STADT", [0; 8], &[]).is_none());
    }

    proptest! {
        /// Any bytes behind the signature, and any damage to a real message.
        #[test]
        fn no_message_makes_the_acceptor_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..240_usize) {
            let mut message = example(&[&[0; 16][..], &blob()].concat());
            message.splice(at.min(message.len()).., bytes.iter().copied());
            for message in [message, [&SIGNATURE[..], &[3, 0, 0, 0], &bytes].concat(), bytes] {
                Challenge::new(&message, "STADT", [0; 8], &[]);
                if let Some(authenticate) = Authenticate::parse(&message) {
                    prop_assert!(!authenticate.proves(&challenge(), "Password"));
                    authenticate.binding();
                }
            }
        }
    }
}
