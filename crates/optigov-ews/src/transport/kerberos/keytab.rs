//! The bytes of a keytab file. `krb5` reads keytabs only by their path, which it logs.

use krb5::{EncType, Keytab, ServiceKey};
use optigov_calendar::ReadError;
use secrecy::{ExposeSecret, SecretSlice};

use crate::error::configuration;

/// Reads the AES keys of a keytab (format 5.2). Keys of other kinds are left out, and so are deleted entries.
///
/// # Errors
/// Where it is no keytab, or ends in the middle of an entry.
pub(crate) fn read(file: &SecretSlice<u8>) -> Result<Keytab, ReadError> {
    let mut rest = Bytes(file.expose_secret());
    let mut keytab = Keytab::new();
    let entries = (|| {
        if rest.take(2)? != [5, 2] {
            return None;
        }
        while !rest.0.is_empty() {
            let size = i32::from_be_bytes(rest.array()?);
            let entry = rest.take(usize::try_from(size.unsigned_abs()).ok()?)?;
            if size > 0
                && let Some(key) = key(Bytes(entry))?
            {
                keytab.add(key);
            }
        }
        Some(())
    })();
    match entries {
        Some(()) => Ok(keytab),
        None => Err(configuration(
            "die Datei ist kein Keytab, oder sie ist nicht ganz",
            "the file is no keytab, or it is not whole",
        )),
    }
}

/// An entry's key; `Some(None)` where it is not an AES key.
fn key(mut entry: Bytes<'_>) -> Option<Option<ServiceKey>> {
    let components = entry.short()?;
    let realm = entry.text()?;
    let mut name = Vec::new();
    for _ in 0..components {
        name.push(entry.text()?);
    }
    entry.take(8)?; // The name type and the time.
    let short_version = u32::from(entry.take(1)?[0]);
    let kind = EncType::from_i32(i32::from(entry.short()?));
    let length = entry.short()?;
    let key = entry.take(length.into())?;
    // A later format appends the whole version; zero there means that it is not used.
    let version = entry.array().map(u32::from_be_bytes).filter(|&version| version > 0).unwrap_or(short_version);
    Some(kind.map(|kind| ServiceKey::new(name.join("/"), realm, version, kind, key)))
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.array()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.short()?;
        String::from_utf8(self.take(length.into())?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut keytab = Keytab::new();
        keytab.add(ServiceKey::new("svc", "STADT.EXAMPLE", 3, EncType::AES256CtsHmacSha196, vec![7; 32]));
        keytab.add(ServiceKey::new("HTTP/mail", "STADT.EXAMPLE", 300, EncType::AES128CtsHmacSha196, vec![8; 16]));
        keytab.to_bytes()
    }

    fn versions(bytes: Vec<u8>) -> Option<Vec<(String, u32)>> {
        let keytab = read(&SecretSlice::from(bytes)).ok()?;
        Some(keytab.keys().iter().map(|key| (key.principal.clone(), key.kvno)).collect())
    }

    #[test]
    fn what_krb5_writes_is_read_back() {
        assert_eq!(versions(written()), Some(vec![("svc".into(), 3), ("HTTP/mail".into(), 300)]));
    }

    #[test]
    fn deleted_entries_and_other_kinds_of_keys_are_left_out() {
        let mut bytes = written();
        bytes.extend((-4i32).to_be_bytes());
        bytes.extend([0; 4]);
        // RC4 in the first entry: the kind is 2 bytes before the key's length and the key.
        let at = bytes.windows(32).position(|key| key == [7; 32]).expect("the key") - 4;
        bytes[at..at + 2].copy_from_slice(&[0, 23]);
        assert_eq!(versions(bytes), Some(vec![("HTTP/mail".into(), 300)]));
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_refused_or_ends_between_entries() {
        let bytes = written();
        let whole = (2..=bytes.len()).filter(|&length| versions(bytes[..length].to_vec()).is_some()).count();
        assert_eq!(whole, 3, "after the header, the first entry and the second");
        for wrong in [&b""[..], b"\x05", b"\x05\x01", b"PK\x03\x04", &[5, 2, 0x80, 0, 0, 0]] {
            assert_eq!(versions(wrong.to_vec()), None);
        }
    }
}
