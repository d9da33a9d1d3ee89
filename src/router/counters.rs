//! What one router thread counts for `/status`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that one thread changes and others read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The value, as of some moment ago.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Adds one. Only the owning thread calls this, so no locked instruction is needed.
    pub(super) fn increment(&self) {
        self.0.store(self.0.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// Takes one away; as [`Counter::increment`].
    pub(super) fn decrement(&self) {
        self.0.store(self.0.load(Relaxed).wrapping_sub(1), Relaxed);
    }
}

/// Connections and requests of one router thread.
#[derive(Debug, Default)]
pub struct WorkerCounters {
    /// Connections accepted so far.
    pub accepted: Counter,
    /// Connections that wait for a request now.
    pub idle: Counter,
    /// Connections closed so far.
    pub closed: Counter,
    /// Requests begun so far.
    pub requests: Counter,
}

/// The sum over all router threads: the `connections` and `requests` members of `/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// `connections.accepted`
    pub accepted: u64,
    /// `connections.active`: open and serving a request.
    pub active: u64,
    /// `connections.idle`
    pub idle: u64,
    /// `connections.closed`
    pub closed: u64,
    /// `requests.total`
    pub requests: u64,
}

impl Totals {
    /// Adds up the counters of all threads.
    pub fn of<'a>(workers: impl IntoIterator<Item = &'a WorkerCounters>) -> Totals {
        let mut sum = Totals::default();
        for worker in workers {
            // In this order a connection that comes and goes meanwhile cannot make `active`
            // negative for longer than the saturation below hides.
            sum.closed += worker.closed.get();
            sum.idle += worker.idle.get();
            sum.accepted += worker.accepted.get();
            sum.requests += worker.requests.get();
        }
        sum.active = sum.accepted.saturating_sub(sum.closed + sum.idle);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up() {
        let (one, two) = (WorkerCounters::default(), WorkerCounters::default());
        for _ in 0..5 {
            one.accepted.increment();
        }
        two.accepted.increment();
        one.closed.increment();
        one.idle.increment();
        one.idle.increment();
        one.idle.decrement();
        two.requests.increment();
        let totals = Totals::of([&one, &two]);
        assert_eq!(
            totals,
            Totals {
                accepted: 6,
                active: 4,
                idle: 1,
                closed: 1,
                requests: 1
            }
        );
    }
}
