//! The timer of a connection.
//!
//! A connection waits for one thing at a time, so it has one timer; and because almost every wait
//! ends long before its deadline, the timer is not moved when the deadline moves away from it. It
//! fires at the old time, finds that the deadline is later, and is armed again for the rest. A
//! keep-alive connection thus touches the timer wheel once in an idle timeout, not once a request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Longer than any timeout that a configuration can ask for; keeps time arithmetic from overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// See the module head.
pub(super) struct Deadline {
    sleep: Pin<Box<Sleep>>,
    /// When `sleep` fires, once it was polled.
    armed: Option<Instant>,
    due: Option<Instant>,
}

impl Deadline {
    /// A timer without a deadline.
    pub(super) fn new() -> Deadline {
        Deadline {
            sleep: Box::pin(sleep_until(Instant::now() + LONGEST)),
            armed: None,
            due: None,
        }
    }

    /// Sets the deadline `timeout` from now.
    pub(super) fn set(&mut self, timeout: Duration) {
        self.due = Some(Instant::now() + timeout.min(LONGEST));
    }

    /// Sets the deadline.
    pub(super) fn set_at(&mut self, due: Instant) {
        self.due = Some(due);
    }

    /// Sees to it that the deadline is not later than `at`.
    pub(super) fn limit(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// There is nothing to wait for any more.
    pub(super) fn clear(&mut self) {
        self.due = None;
    }

    /// Ready once the deadline has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due else {
            return Poll::Pending;
        };
        if self.armed.is_none_or(|armed| armed > due) {
            self.arm(due);
        }
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if self.armed.is_some_and(|armed| armed >= due) {
                self.due = None;
                return Poll::Ready(());
            }
            self.arm(due);
        }
    }

    fn arm(&mut self, at: Instant) {
        self.sleep.as_mut().reset(at);
        self.armed = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(test);
    }

    async fn passed(deadline: &mut Deadline) -> Duration {
        let start = Instant::now();
        poll_fn(|cx| deadline.poll(cx)).await;
        start.elapsed()
    }

    #[test]
    fn a_deadline_that_moves_away_is_kept() {
        run(async {
            let mut deadline = Deadline::new();
            deadline.set(Duration::from_millis(30));
            let pending = poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await;
            assert!(pending);
            deadline.set(Duration::from_millis(80));
            assert!(passed(&mut deadline).await >= Duration::from_millis(75));
        });
    }

    #[test]
    fn an_earlier_deadline_is_not_missed() {
        run(async {
            let mut deadline = Deadline::new();
            deadline.set(Duration::from_secs(1000));
            let _ = poll_fn(|cx| Poll::Ready(deadline.poll(cx))).await;
            deadline.set(Duration::from_millis(20));
            let waited = passed(&mut deadline).await;
            assert!(waited >= Duration::from_millis(20) && waited < Duration::from_secs(100));
            // Used up: it does not fire twice.
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await);
        });
    }

    #[test]
    fn the_longest_timeout_does_not_overflow() {
        run(async {
            let mut deadline = Deadline::new();
            deadline.set(Duration::MAX);
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await);
            deadline.clear();
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await);
        });
    }
}
