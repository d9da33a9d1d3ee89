//! The map of free chunks: one bit a chunk, set if free, changed by both sides with atomic
//! operations. Generic over the words, so that a model checker can supply its own.

use std::sync::atomic::{AtomicU64, Ordering};

/// 64 bits with atomic access.
pub(in crate::ipc) trait Word {
    /// Reads; what was done to a chunk before its bit was set is visible after.
    fn get(&self) -> u64;
    /// Clears all bits but these; what was there before.
    fn keep(&self, bits: u64) -> u64;
    /// Sets these bits.
    fn add(&self, bits: u64);
}

/// Makes a word of an atomic type: the same orders of memory for real memory and for the model.
macro_rules! impl_word {
    ($atomic:ty, $ordering:ident) => {
        impl Word for $atomic {
            fn get(&self) -> u64 {
                self.load($ordering::Acquire)
            }

            fn keep(&self, bits: u64) -> u64 {
                self.fetch_and(bits, $ordering::AcqRel)
            }

            fn add(&self, bits: u64) {
                self.fetch_or(bits, $ordering::AcqRel);
            }
        }
    };
}
#[cfg(test)]
pub(in crate::ipc) use impl_word;

impl_word!(AtomicU64, Ordering);

/// See the module head. The last word only ends the map: it has no chunk.
pub(in crate::ipc) struct FreeMap<'a, W>(&'a [W]);

impl<'a, W: Word> FreeMap<'a, W> {
    pub(in crate::ipc) fn new(words: &'a [W]) -> Self {
        FreeMap(&words[..words.len().saturating_sub(1)])
    }

    fn chunks(&self) -> usize {
        self.0.len() * 64
    }

    /// Marks one chunk busy if it is free.
    pub(in crate::ipc) fn claim(&self, chunk: usize) -> bool {
        let bit = 1u64 << (chunk % 64);
        chunk < self.chunks() && self.0[chunk / 64].keep(!bit) & bit != 0
    }

    /// Marks chunks free; those outside are ignored.
    pub(in crate::ipc) fn release(&self, first: usize, count: usize) {
        for chunk in first..first.saturating_add(count).min(self.chunks()) {
            self.0[chunk / 64].add(1 << (chunk % 64));
        }
    }

    /// Allocates a run of at most `want` and at least `min` chunks (a `min` of 0 means 1).
    pub(in crate::ipc) fn allocate(&self, want: usize, min: usize) -> Option<(usize, usize)> {
        let mut from = 0;
        while from < self.chunks() {
            let bits = self.0[from / 64].get() & (u64::MAX << (from % 64));
            if bits == 0 {
                from = (from / 64 + 1) * 64;
                continue;
            }
            let first = from / 64 * 64 + bits.trailing_zeros() as usize;
            let run = (first..first + want.max(1))
                .take_while(|&chunk| self.claim(chunk))
                .count();
            if run > 0 && run >= min {
                return Some((first, run));
            }
            self.release(first, run);
            from = first + run + 1;
        }
        None
    }

    /// Whether any chunk is free.
    pub(in crate::ipc) fn has_free(&self) -> bool {
        self.0.iter().any(|word| word.get() != 0)
    }
}
