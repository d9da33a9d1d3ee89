//! When a process that died is started again.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::warning;

/// A process that lived shorter than this was not up.
const SETTLED: Duration = Duration::from_secs(5);
/// How many short lives in a row are taken for accidents.
const FREE: u32 = 3;
/// The delay after these, doubled each time.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The longest delay.
const MAX_DELAY: Duration = Duration::from_secs(16);

/// The start times of the controller or the router.
#[derive(Debug, Default)]
pub(super) struct Respawn {
    started: Option<Instant>,
    short_lives: u32,
    due: Option<Instant>,
}

impl Respawn {
    /// The process was started.
    pub(super) fn started(&mut self) {
        self.started = Some(Instant::now());
    }

    /// The process died: sets when it is due again.
    pub(super) fn schedule(&mut self, name: &str) {
        let now = Instant::now();
        let delay = self.delay(now);
        if !delay.is_zero() {
            warning!(
                "{name} exits again and again, next start in {:.2} s",
                delay.as_secs_f64()
            );
        }
        self.due = Some(now + delay);
    }

    fn delay(&mut self, now: Instant) -> Duration {
        let settled = self
            .started
            .is_some_and(|started| now.duration_since(started) >= SETTLED);
        self.short_lives = if settled { 0 } else { self.short_lives + 1 };
        match self.short_lives.checked_sub(FREE + 1) {
            None => Duration::ZERO,
            Some(doublings) => (FIRST_DELAY * 2u32.pow(doublings.min(6))).min(MAX_DELAY),
        }
    }

    /// When it is due, if it is.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it is due now; asks once.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// It is not due any more.
    pub(super) fn cancel(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lives_are_punished_with_growing_delays() {
        let mut respawn = Respawn::default();
        respawn.started();
        let now = Instant::now();
        let mut next = || respawn.delay(now).as_millis();
        assert_eq!(
            [next(), next(), next(), next(), next(), next()],
            [0, 0, 0, 250, 500, 1000]
        );
        for _ in 0..100 {
            next();
        }
        assert_eq!(next(), 16000);
        assert_eq!(respawn.delay(now + SETTLED).as_millis(), 0);
        assert_eq!(respawn.delay(now).as_millis(), 0);
    }

    #[test]
    fn a_start_is_due_once() {
        let mut respawn = Respawn::default();
        respawn.schedule("test");
        assert!(respawn.due().is_some());
        assert!(respawn.take_due(Instant::now()));
        assert!(!respawn.take_due(Instant::now()));
        respawn.schedule("test");
        respawn.cancel();
        assert!(respawn.due().is_none());
    }
}
