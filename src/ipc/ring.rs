//! The numeric circular queue (`nxt_nncq_t`, `nxt_app_nncq_t`): N slots of small numbers, many
//! writers, many readers, no locks.
//!
//! Head and tail only grow; position modulo N is the slot, position divided by N the *cycle*. A
//! slot holds the number together with the cycle in which it was written, so that a slot of the
//! current cycle is full and one of the cycle before is empty. In the wire form a cycle is cut to
//! 16 bits; cycles are compared modulo what both forms keep.
//!
//! The algorithm is generic over the cell type, so that a model checker can supply its own
//! atomics and a small N.

use std::sync::atomic::{AtomicU32, Ordering};

/// A 32-bit cell with atomic access.
pub trait Cell {
    /// Reads; what was written before the value was stored is visible after.
    fn get(&self) -> u32;
    /// Writes.
    fn set(&self, value: u32);
    /// Replaces `old` by `new`; whether it did.
    fn replace(&self, old: u32, new: u32) -> bool;
    /// Reads, without an order among other cells.
    fn peek(&self) -> u32;
    /// Writes, without an order among other cells.
    fn poke(&self, value: u32);
    /// Adds, around the end; what was there before. No access moves past it.
    fn add(&self, value: u32) -> u32;
    /// Writes; what was there before. No access moves past it.
    fn swap(&self, value: u32) -> u32;
}

/// Makes a cell of an atomic type: the same orders of memory for real memory and for the model.
macro_rules! impl_cell {
    ($atomic:ty, $ordering:ident) => {
        impl Cell for $atomic {
            fn get(&self) -> u32 {
                self.load($ordering::Acquire)
            }

            fn set(&self, value: u32) {
                self.store(value, $ordering::Release);
            }

            fn replace(&self, old: u32, new: u32) -> bool {
                self.compare_exchange(old, new, $ordering::AcqRel, $ordering::Acquire)
                    .is_ok()
            }

            fn peek(&self) -> u32 {
                self.load($ordering::Relaxed)
            }

            fn poke(&self, value: u32) {
                self.store(value, $ordering::Relaxed);
            }

            fn add(&self, value: u32) -> u32 {
                self.fetch_add(value, $ordering::SeqCst)
            }

            fn swap(&self, value: u32) -> u32 {
                <$atomic>::swap(self, value, $ordering::SeqCst)
            }
        }
    };
}
#[cfg(test)]
pub(super) use impl_cell;

impl_cell!(AtomicU32, Ordering);

/// The ring cannot be used: its cells hold what no sequence of operations leaves there, which only
/// a peer that breaks the protocol can bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared queue is corrupt")]
pub struct Corrupt;

/// A failed attempt means that another thread succeeded, so an honest ring gets nowhere near it.
const MAX_ATTEMPTS: u32 = 10_000;

/// A ring of `N` numbers below `N`; `N` is a power of two.
#[repr(C)]
pub struct Ring<C, const N: usize> {
    pub(super) head: C,
    pub(super) slots: [C; N],
    pub(super) tail: C,
}

impl<C: Cell, const N: usize> Ring<C, N> {
    const LEN: u32 = {
        assert!(N.is_power_of_two() && N <= 1 << 31);
        N as u32
    };
    /// Cycles are 16 bits wide, or fewer where positions of 32 bits have fewer.
    const CYCLE_MASK: u32 = (u32::MAX / Self::LEN) & 0xFFFF;

    fn cycle(position: u32) -> u32 {
        (position / Self::LEN) & Self::CYCLE_MASK
    }

    fn precedes(cycle: u32, next: u32) -> bool {
        (cycle + 1) & Self::CYCLE_MASK == next
    }

    fn slot(&self, position: u32) -> &C {
        &self.slots[(position % Self::LEN) as usize]
    }

    /// Makes it empty. Only for a ring that no one else uses yet.
    pub fn reset(&self) {
        self.head.set(Self::LEN);
        self.slots.iter().for_each(|slot| slot.set(0));
        self.tail.set(Self::LEN);
    }

    /// Makes it hold 0, 1, … N-1. Only for a ring that no one else uses yet.
    pub fn fill(&self) {
        self.head.set(Self::LEN);
        for (value, slot) in self.slots.iter().enumerate() {
            slot.set(Self::LEN + value as u32);
        }
        self.tail.set(2 * Self::LEN);
    }

    /// Appends a number. The caller has taken it from another ring of the same size, so there is
    /// room unless the peer cheats.
    pub fn push(&self, value: u32) -> Result<(), Corrupt> {
        for attempt in 0..MAX_ATTEMPTS {
            let tail = self.tail.get();
            let slot = self.slot(tail);
            let entry = slot.get();
            let (written, current) = (Self::cycle(entry), Self::cycle(tail));
            if written == current {
                // Another writer filled the slot and has not moved the tail yet: help.
                self.tail.replace(tail, tail.wrapping_add(1));
            } else if Self::precedes(written, current) {
                let stamped = current.wrapping_mul(Self::LEN) | (value % Self::LEN);
                if slot.replace(entry, stamped) {
                    self.tail.replace(tail, tail.wrapping_add(1));
                    return Ok(());
                }
            }
            backoff(attempt);
        }
        Err(Corrupt)
    }

    /// Takes the oldest number; `None` if there is none.
    pub fn pop(&self) -> Result<Option<u32>, Corrupt> {
        for attempt in 0..MAX_ATTEMPTS {
            let head = self.head.get();
            let entry = self.slot(head).get();
            let (written, current) = (Self::cycle(entry), Self::cycle(head));
            if written == current {
                if self.head.replace(head, head.wrapping_add(1)) {
                    return Ok(Some(entry % Self::LEN));
                }
            } else if Self::precedes(written, current) {
                return Ok(None);
            }
            backoff(attempt);
        }
        Err(Corrupt)
    }
}

/// Contention is short; only a stalled peer or a corrupt ring gets past the first attempts.
fn backoff(attempt: u32) {
    if attempt > 64 {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    type Small = Ring<AtomicU32, 8>;

    fn small() -> Small {
        Ring {
            head: AtomicU32::new(0),
            slots: Default::default(),
            tail: AtomicU32::new(0),
        }
    }

    #[test]
    fn first_in_first_out_over_many_cycles() {
        let ring = small();
        ring.reset();
        assert_eq!(ring.pop(), Ok(None));
        for i in 0..1000 {
            ring.push(i % 8).unwrap();
            ring.push((i + 3) % 8).unwrap();
            assert_eq!(ring.pop(), Ok(Some(i % 8)));
            assert_eq!(ring.pop(), Ok(Some((i + 3) % 8)));
        }
        assert_eq!(ring.pop(), Ok(None));
    }

    #[test]
    fn fill_equals_pushing_each() {
        let (a, b) = (small(), small());
        a.fill();
        b.reset();
        (0..8).for_each(|i| b.push(i).unwrap());
        assert_eq!(a.tail.get(), b.tail.get());
        assert!(
            a.slots
                .iter()
                .zip(&b.slots)
                .all(|(x, y)| x.get() == y.get())
        );
    }

    #[test]
    fn positions_may_wrap() {
        fn run<const N: usize>(ring: &Ring<AtomicU32, N>) {
            // The last cycle before the positions wrap, all slots of the cycle before it.
            let start = 0u32.wrapping_sub(N as u32);
            ring.head.set(start);
            ring.tail.set(start);
            let before = Ring::<AtomicU32, N>::cycle(start.wrapping_sub(1));
            ring.slots
                .iter()
                .for_each(|s| s.set(before.wrapping_mul(N as u32)));
            for i in 0..3 * N as u32 {
                ring.push(i % N as u32).unwrap();
                assert_eq!(ring.pop(), Ok(Some(i % N as u32)));
            }
            assert_eq!(ring.pop(), Ok(None));
        }
        // Eight slots: more than 16 bits of cycle; 131072 slots: fewer.
        run(&small());
        let fd = crate::ipc::create_memory(4 * (131072 + 2)).unwrap();
        let map =
            crate::ipc::Mapping::new(std::os::fd::AsFd::as_fd(&fd), 4 * (131072 + 2)).unwrap();
        // SAFETY: the mapping is page-aligned, zeroed, exactly as large, and outlives the borrow.
        run(unsafe { map.start().cast::<Ring<AtomicU32, 131072>>().as_ref() });
    }

    #[test]
    fn garbage_ends_in_an_error() {
        let ring = small();
        ring.head.set(80);
        ring.tail.set(80);
        ring.slots.iter().for_each(|s| s.set(8 * 500));
        assert_eq!(ring.pop(), Err(Corrupt));
        assert_eq!(ring.push(1), Err(Corrupt));
    }

    #[test]
    fn threads_move_every_number_exactly_once() {
        let (free, used) = (Arc::new(small()), Arc::new(small()));
        free.fill();
        used.reset();
        let moved: u64 = std::thread::scope(|s| {
            let movers: Vec<_> = (0..4)
                .map(|i| {
                    let (from, to) = if i % 2 == 0 {
                        (&free, &used)
                    } else {
                        (&used, &free)
                    };
                    s.spawn(move || {
                        let mut moved = 0;
                        for _ in 0..20_000 {
                            if let Some(v) = from.pop().unwrap() {
                                to.push(v).unwrap();
                                moved += 1;
                            }
                        }
                        moved
                    })
                })
                .collect();
            movers.into_iter().map(|m| m.join().unwrap()).sum()
        });
        assert!(moved > 0);
        let mut left: Vec<u32> = Vec::new();
        for ring in [&free, &used] {
            while let Some(v) = ring.pop().unwrap() {
                left.push(v);
            }
        }
        left.sort_unstable();
        assert_eq!(left, (0..8).collect::<Vec<_>>());
    }
}
