//! Answers that are long because a part of them comes again and again.

use bytes::Bytes;

use crate::misbehaviour::last_item;

/// A piece on the wire has about this size.
const PIECE: usize = 64 * 1024;

/// A head, a part that is repeated, and a tail.
#[derive(Debug)]
pub(crate) struct Repeated {
    head: Bytes,
    unit: Bytes,
    /// How many bytes of repetition; `None`: without end.
    filling: Option<u64>,
    tail: Bytes,
}

impl Repeated {
    /// `text` with blanks before `</s:Body>`, or before the last brace of JSON, up to so many bytes, or for ever.
    pub(crate) fn blanks(text: &str, bytes: Option<u64>) -> Repeated {
        let at = text.rfind("</s:Body>").or_else(|| text.rfind('}')).unwrap_or(text.len());
        Repeated::new(text, at, Bytes::from_static(b" "), bytes)
    }

    /// `text` with its last item repeated, and blanks for the rest, up to so many bytes. Without items: with blanks.
    pub(crate) fn items(text: &str, bytes: u64) -> Repeated {
        match last_item(text) {
            Some(item) => {
                let comma = if text.starts_with('{') { "," } else { "" };
                let unit = Bytes::from(format!("{comma}{}", &text[item.clone()]));
                Repeated::new(text, item.end, unit, Some(bytes))
            }
            None => Repeated::blanks(text, Some(bytes)),
        }
    }

    fn new(text: &str, at: usize, unit: Bytes, bytes: Option<u64>) -> Repeated {
        let (head, tail) = text.as_bytes().split_at(at);
        Repeated {
            head: Bytes::copy_from_slice(head),
            unit,
            filling: bytes.map(|bytes| bytes.saturating_sub(u64::try_from(text.len()).unwrap_or(u64::MAX))),
            tail: Bytes::copy_from_slice(tail),
        }
    }

    pub(crate) fn is_endless(&self) -> bool {
        self.filling.is_none()
    }

    /// The bytes in order, in pieces.
    pub(crate) fn pieces(self) -> impl Iterator<Item = Bytes> + Send {
        let Repeated { head, unit, filling, tail } = self;
        let many = Bytes::from(unit.repeat((PIECE / unit.len()).max(1)));
        let mut left = filling;
        let repetition = std::iter::from_fn(move || match &mut left {
            None => Some(many.clone()),
            Some(0) => None,
            Some(left) => {
                let rest = usize::try_from(*left).unwrap_or(usize::MAX);
                let piece = if rest >= many.len() { many.clone() } else { filled(&unit, rest) };
                *left = left.saturating_sub(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                Some(piece)
            }
        });
        std::iter::once(head).chain(repetition).chain(std::iter::once(tail))
    }
}

/// As many whole units as fit, and blanks.
fn filled(unit: &[u8], length: usize) -> Bytes {
    let mut piece = unit.repeat(length / unit.len());
    piece.resize(length, b' ');
    Bytes::from(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(repeated: Repeated) -> String {
        String::from_utf8(repeated.pieces().collect::<Vec<_>>().concat()).expect("text")
    }

    #[test]
    fn the_length_is_met_and_the_ends_stay() {
        let text = "<s:Body><t:CalendarItem>x</t:CalendarItem></s:Body>";
        for bytes in [0, 60, 1_000, 200_001] {
            for long in [whole(Repeated::blanks(text, Some(bytes))), whole(Repeated::items(text, bytes))] {
                assert_eq!(long.len(), usize::try_from(bytes).expect("small").max(text.len()));
                assert!(long.starts_with("<s:Body><t:CalendarItem>") && long.ends_with("</s:Body>"));
            }
        }
        assert_eq!(whole(Repeated::items(text, 1_000)).matches("<t:CalendarItem>").count(), 28);
        assert_eq!(whole(Repeated::items("<s:Body></s:Body>", 40)).len(), 40);
        assert!(Repeated::blanks(text, None).is_endless());
    }
}
