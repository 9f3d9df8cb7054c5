use serde::Deserialize;

use super::effect::Effect;

/// A rule by which the simulator misbehaves.
///
/// A rule looks at requests that got past authentication, so that the legs of an NTLM handshake are not counted. Several
/// rules may fit one request: delays add up, damages combine, and the first rule that answers by itself does so.
///
/// Operations of EWS are called as their elements (`FindItem`). Those of Microsoft Graph are `calendarView`, `getSchedule`,
/// `calendar`, `calendars` and `user`; each part of a batch is looked at as a request of its own. The batch itself (`$batch`), the
/// token endpoint (`token`) and the discovery of an authority (`discovery`) are concerned only by rules that name them.
///
/// In a scenario file: `[[fault]]` with `effect` and the conditions `operation`, `mailbox`, `nth`, `first`, `after`,
/// `probability`, `seed`.
///
/// ```
/// use std::time::Duration;
/// use optigov_exchange_simulator::{Effect, Fault};
///
/// let slow_second_view = Fault::new(Effect::Delay(Duration::from_secs(2))).operation("FindItem").nth(2);
/// let one_in_ten = Fault::new(Effect::ResetWithin).probability(0.1, 42);
/// # let _ = (slow_second_view, one_in_ten);
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub(crate) effect: Effect,
    pub(crate) operation: Option<String>,
    pub(crate) mailbox: Option<String>,
    nth: Option<u64>,
    first: Option<u64>,
    after: Option<u64>,
    probability: Option<f64>,
    #[serde(default)]
    seed: u64,
}

impl Fault {
    /// A rule for every request.
    pub fn new(effect: Effect) -> Self {
        Fault {
            effect,
            operation: None,
            mailbox: None,
            nth: None,
            first: None,
            after: None,
            probability: None,
            seed: 0,
        }
    }

    /// Only requests for this operation, such as `FindItem`.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Only requests that mean this mailbox (see [`RecordedRequest::mailbox`](crate::RecordedRequest::mailbox)).
    pub fn mailbox(mut self, address: impl Into<String>) -> Self {
        self.mailbox = Some(address.into());
        self
    }

    /// Only the `n`-th of the fitting requests, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        self.nth = Some(n);
        self
    }

    /// Only the first `n` of the fitting requests.
    pub fn first(mut self, n: u64) -> Self {
        self.first = Some(n);
        self
    }

    /// Only the fitting requests after the first `n`.
    pub fn after(mut self, n: u64) -> Self {
        self.after = Some(n);
        self
    }

    /// Only with this probability, from 0 to 1; which of the fitting requests it hits follows from `seed` alone.
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.probability = Some(probability);
        self.seed = seed;
        self
    }

    pub(crate) fn check(&self) -> Result<(), crate::Error> {
        if self.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err(crate::Error::scenario("its probability is not from 0 to 1"));
        }
        self.effect.check()
    }

    /// Whether the rule hits the `n`-th fitting request, counted from 1.
    pub(crate) fn hits(&self, n: u64) -> bool {
        self.nth.is_none_or(|nth| n == nth)
            && self.first.is_none_or(|first| n <= first)
            && self.after.is_none_or(|after| n > after)
            && self.probability.is_none_or(|probability| unit(self.seed, n) < probability)
    }
}

/// A number from 0 up to 1 that looks random: SplitMix64 of seed and position.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn unit(seed: u64, n: u64) -> f64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(fault: &Fault) -> Vec<u64> {
        (1..=6).filter(|n| fault.hits(*n)).collect()
    }

    #[test]
    fn conditions_narrow_a_rule() {
        let rule = || Fault::new(Effect::Hang);
        assert_eq!(hit(&rule()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(hit(&rule().nth(2)), [2]);
        assert_eq!(hit(&rule().first(2)), [1, 2]);
        assert_eq!(hit(&rule().after(4)), [5, 6]);
        assert_eq!(hit(&rule().after(1).first(3)), [2, 3]);
    }

    #[test]
    fn chance_follows_from_the_seed() {
        let rule = |seed| Fault::new(Effect::Hang).probability(0.3, seed);
        let hits = |seed| (1..=10_000).filter(|n| rule(seed).hits(*n)).count();
        assert!((2_800..3_200).contains(&hits(7)), "{}", hits(7));
        assert_eq!(hits(7), hits(7));
        let first: Vec<_> = (1..50).map(|n| rule(1).hits(n)).collect();
        assert_ne!(first, (1..50).map(|n| rule(2).hits(n)).collect::<Vec<_>>());
    }
}
