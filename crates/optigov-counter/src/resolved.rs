//! Open hours that were worked out once, kept for the next question.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono_tz::Tz;
use optigov_slots::{Interval, OpenWindows};

use crate::{
    counter::Counter,
    holidays::LocalHolidays,
    municipality::Municipality,
    template::AppointmentTemplate,
    values::{State, TemplateId},
};

/// The last 16 answers of [`Counter::open_windows`], so that the same question again costs a look-up. Whoever asks keeps one per counter.
///
/// An answer holds for as long as everything does on which it depends: the counter itself, and of its municipality the holidays, the state and
/// the time zone. A counter that was saved, or a municipality that was read anew, gets new answers.
///
/// ```
/// use optigov_counter::{Municipality, ResolvedHours};
/// use optigov_slots::Interval;
///
/// let municipality = Municipality::from_toml(include_str!("../../../docs/samples/rathaus.toml"))?;
/// let counter = municipality.counter("standesamt").ok_or("no counter")?;
/// let wedding = municipality.template("trauung").ok_or("no template")?;
/// let week = Interval::of_dates("2027-03-01".parse()?, "2027-03-07".parse()?, municipality.time_zone())?;
///
/// let resolved = ResolvedHours::new();
/// let open = resolved.open_windows(counter, &municipality, wedding, week);
/// assert_eq!(open.windows(), counter.open_windows(&municipality, wedding, week).windows());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct ResolvedHours {
    kept: Mutex<Vec<(Key, OpenWindows)>>,
}

/// What an answer depends on.
struct Key {
    counter: Arc<Counter>,
    holidays: Arc<LocalHolidays>,
    state: Option<State>,
    zone: Tz,
    audience: Option<TemplateId>,
    window: Interval,
}

impl ResolvedHours {
    const KEPT: usize = 16;

    /// Without any answer.
    pub fn new() -> ResolvedHours {
        ResolvedHours::default()
    }

    /// The counter's open hours for a template in a window, as [`Counter::open_windows`] gives them.
    pub fn open_windows(
        &self,
        counter: &Arc<Counter>,
        municipality: &Municipality,
        template: &AppointmentTemplate,
        window: Interval,
    ) -> OpenWindows {
        let key = Key {
            counter: Arc::clone(counter),
            holidays: Arc::clone(municipality.local_holidays()),
            state: municipality.state(),
            zone: municipality.time_zone(),
            audience: counter.audience(template).cloned(),
            window,
        };
        if let Some((_, windows)) = self.lock().iter().find(|(kept, _)| kept.is_same(&key)) {
            return windows.clone();
        }
        // Nothing is locked meanwhile: two that ask at once may both work it out, and get the same.
        let windows = counter.open_windows(municipality, template, window);
        let mut kept = self.lock();
        if kept.len() == Self::KEPT {
            kept.remove(0);
        }
        kept.push((key, windows.clone()));
        windows
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Key, OpenWindows)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    /// Counters and holidays are compared by identity, which is quick, and errs only in that it takes equal values for different ones.
    fn is_same(&self, other: &Key) -> bool {
        self.window == other.window
            && self.audience == other.audience
            && self.zone == other.zone
            && self.state == other.state
            && Arc::ptr_eq(&self.counter, &other.counter)
            && Arc::ptr_eq(&self.holidays, &other.holidays)
    }
}

impl fmt::Debug for ResolvedHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedHours").field("kept", &self.lock().len()).finish()
    }
}
