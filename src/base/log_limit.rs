//! Records that a peer can cause at will: a few at once, then one a second with the count of those
//! that were left out. Nobody can fill the disk by sending nonsense.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::log::{Level, write};

/// Records that may come at once.
const BURST: u32 = 5;
/// The time after which one more may come.
const REFILL: Duration = Duration::from_secs(1);

/// One source of such records: a port, a process, an application.
#[derive(Debug, Default)]
pub struct LogLimit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Records written since `since`, less those forgiven.
    used: u32,
    since: Option<Instant>,
    left_out: u64,
}

impl LogLimit {
    /// Nothing written yet.
    pub const fn new() -> LogLimit {
        LogLimit {
            state: Mutex::new(State {
                used: 0,
                since: None,
                left_out: 0,
            }),
        }
    }

    /// Writes the record, or counts it for the next one that is written.
    pub fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        match self.admit(Instant::now()) {
            Some(0) => write(level, None, text),
            Some(n) => write(level, None, format_args!("{text} ({n} similar left out)")),
            None => {}
        }
    }

    /// How many records were left out before this one; `None` if this one is, too.
    fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *state.since.get_or_insert(now);
        let refills = now.saturating_duration_since(since).as_secs() / REFILL.as_secs();
        if refills > 0 {
            let refills = u32::try_from(refills).unwrap_or(u32::MAX);
            state.used = state.used.saturating_sub(refills);
            state.since = Some(now);
        }
        if state.used >= BURST {
            state.left_out += 1;
            return None;
        }
        state.used += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_to_one_a_second_and_counted() {
        let limit = LogLimit::new();
        let start = Instant::now();
        let written = (0..1000).filter(|_| limit.admit(start).is_some()).count();
        assert_eq!(written, BURST as usize);
        let later = start + Duration::from_millis(1500);
        assert_eq!(limit.admit(later), Some(995));
        assert_eq!(limit.admit(later), None);
        let much_later = later + Duration::from_secs(60);
        assert_eq!(limit.admit(much_later), Some(1));
        assert_eq!(limit.admit(much_later), Some(0));
    }
}
