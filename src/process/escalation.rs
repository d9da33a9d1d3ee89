//! What happens to a process that does not do in time what it must: quit, or become ready.
//!
//! One that was told to quit gets SIGTERM after a while, then SIGKILL, and again until it is gone.
//! One that is being started and does not become ready is killed.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

/// From the `QUIT` message to SIGTERM. An application process has this; what its prototype needs to
/// see the end of it comes on top for the prototype itself, and for every other child of main.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a process must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Become ready.
    Start,
    /// End.
    Quit,
}

/// See the module head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Escalation {
    duty: Duty,
    begun: Instant,
    next: Signal,
    due: Instant,
    /// Between two signals.
    pause: Duration,
}

/// A signal that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overdue {
    pub(super) signal: Signal,
    /// What the process has not done.
    pub(super) duty: Duty,
    /// For how long it has not.
    pub(super) since: Duration,
}

impl Escalation {
    /// Begins now, when the process is told to quit; with this much time more than the least.
    pub(super) fn begin(now: Instant, more: Duration) -> Escalation {
        Escalation {
            duty: Duty::Quit,
            begun: now,
            next: Signal::SIGTERM,
            due: now + PATIENCE + more,
            pause: 2 * PATIENCE,
        }
    }

    /// The same for a process that is killed when it is not gone within `time`.
    pub(super) fn within(now: Instant, time: Duration) -> Escalation {
        Escalation {
            due: now + time / 2,
            // Not for ever and ever at once.
            pause: (time / 2).max(Duration::from_millis(100)),
            ..Escalation::begin(now, Duration::ZERO)
        }
    }

    /// For a process that was forked now and is killed when it is not ready within `time`.
    pub(super) fn of_start(now: Instant, time: Duration) -> Escalation {
        Escalation {
            duty: Duty::Start,
            next: Signal::SIGKILL,
            due: now + time,
            ..Escalation::begin(now, Duration::ZERO)
        }
    }

    /// The process must quit.
    pub(super) fn is_to_quit(&self) -> bool {
        self.duty == Duty::Quit
    }

    /// When SIGKILL is due.
    pub(super) fn end(&self) -> Instant {
        match self.next {
            Signal::SIGTERM => self.due + self.pause,
            _ => self.due,
        }
    }

    /// When the next signal is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// The signal to send, if one is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Overdue> {
        if now < self.due {
            return None;
        }
        self.due = now + self.pause;
        Some(Overdue {
            signal: std::mem::replace(&mut self.next, Signal::SIGKILL),
            duty: self.duty,
            since: now.duration_since(self.begun),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(escalation: &mut Escalation, start: Instant, seconds: u32) -> Option<(Signal, u64)> {
        let overdue = escalation.take_due(start + seconds * SECOND);
        overdue.map(|overdue| (overdue.signal, overdue.since.as_secs()))
    }

    #[test]
    fn a_process_is_asked_before_it_is_killed() {
        let start = Instant::now();
        let mut escalation = Escalation::begin(start, SECOND);
        let mut after = |seconds| at(&mut escalation, start, seconds);
        assert_eq!(after(3), None);
        assert_eq!(after(4), Some((Signal::SIGTERM, 4)));
        assert_eq!(after(9), None);
        assert_eq!(after(10), Some((Signal::SIGKILL, 10)));
        assert_eq!(after(15), None);
        assert_eq!(after(16), Some((Signal::SIGKILL, 16)));
    }

    #[test]
    fn a_time_of_its_own_ends_with_the_kill() {
        let start = Instant::now();
        let mut escalation = Escalation::within(start, 4 * SECOND);
        assert_eq!(escalation.end(), start + 4 * SECOND);
        assert_eq!(at(&mut escalation, start, 1), None);
        assert_eq!(at(&mut escalation, start, 2), Some((Signal::SIGTERM, 2)));
        assert_eq!(escalation.end(), start + 4 * SECOND);
        assert_eq!(at(&mut escalation, start, 4), Some((Signal::SIGKILL, 4)));
        assert!(Escalation::within(start, Duration::ZERO).pause > Duration::ZERO);
    }

    #[test]
    fn a_process_that_does_not_become_ready_is_killed_at_once() {
        let start = Instant::now();
        let mut escalation = Escalation::of_start(start, 4 * SECOND);
        assert!(!escalation.is_to_quit());
        assert_eq!(at(&mut escalation, start, 3), None);
        assert_eq!(at(&mut escalation, start, 4), Some((Signal::SIGKILL, 4)));
    }
}
