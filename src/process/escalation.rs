//! What happens to a process that was told to quit and does not: SIGTERM after a while, SIGKILL
//! after twice that while, and again until it is gone.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

/// From the `QUIT` message to SIGTERM. An application process has this; what its prototype needs to
/// see the end of it comes on top for the prototype itself, and for every other child of main.
const PATIENCE: Duration = Duration::from_secs(3);

/// See the module head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Escalation {
    begun: Instant,
    next: Signal,
    due: Instant,
}

impl Escalation {
    /// Begins now, when the process is told to quit; with this much time more than the least.
    pub(super) fn begin(now: Instant, more: Duration) -> Escalation {
        Escalation {
            begun: now,
            next: Signal::SIGTERM,
            due: now + PATIENCE + more,
        }
    }

    /// When the next signal is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// The signal to send, if one is due, and for how long the process has not quit by now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Signal, Duration)> {
        if now < self.due {
            return None;
        }
        self.due = now + 2 * PATIENCE;
        let signal = std::mem::replace(&mut self.next, Signal::SIGKILL);
        Some((signal, now.duration_since(self.begun)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_asked_before_it_is_killed() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut escalation = Escalation::begin(start, second);
        let mut after = |seconds: u32| {
            escalation
                .take_due(start + seconds * second)
                .map(|(signal, since)| (signal, since.as_secs()))
        };
        assert_eq!(after(3), None);
        assert_eq!(after(4), Some((Signal::SIGTERM, 4)));
        assert_eq!(after(9), None);
        assert_eq!(after(10), Some((Signal::SIGKILL, 10)));
        assert_eq!(after(15), None);
        assert_eq!(after(16), Some((Signal::SIGKILL, 16)));
    }
}
