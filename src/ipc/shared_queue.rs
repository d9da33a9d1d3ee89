//! What lies in the memory of a queue, and what its two sides do with it. Generic over the cells, so
//! that a model checker can supply its own and a small number of items.

use super::ring::{Cell, Corrupt, Ring};

/// The longest message that a queue takes.
pub const MAX_MESSAGE: usize = 31;

/// Why a message could not be put into a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// All items are in use: the reader does not keep up.
    #[error("the shared queue is full")]
    Full,
    /// The message is longer than [`MAX_MESSAGE`].
    #[error("the message is too long for the shared queue")]
    TooLong,
    /// A peer broke the queue.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// A message copied out of a queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueMessage {
    bytes: [u8; 32],
}

impl QueueMessage {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[1..1 + (self.bytes[0] as usize).min(MAX_MESSAGE)]
    }

    /// The first four bytes: the stream of a message that starts with a header.
    pub(super) fn stream(&self) -> u32 {
        u32::from_ne_bytes([self.bytes[1], self.bytes[2], self.bytes[3], self.bytes[4]])
    }
}

/// The counter, the two rings and the items, as they lie in memory.
///
/// Items are kept as words, because a peer may write while we read: atomic accesses make that a
/// wrong message instead of undefined behaviour. The ninth word of an item is the tracking word.
#[repr(C)]
pub(super) struct Shared<C, const N: usize, const WORDS: usize> {
    pub(super) counter: C,
    pub(super) free: Ring<C, N>,
    pub(super) used: Ring<C, N>,
    pub(super) items: [[C; WORDS]; N],
}

/// A message in an application queue, from the writer's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Names the item, to take the message back.
    pub cookie: u32,
    /// A reader must be woken through the shared port's socket.
    pub wake: bool,
}

impl<C: Cell, const N: usize, const WORDS: usize> Shared<C, N, WORDS> {
    /// Makes it empty. Only for a queue that no one else uses yet.
    pub(super) fn reset(&self) {
        self.free.fill();
        self.used.reset();
        self.counter.set(0);
    }

    fn send(&self, bytes: &[u8], tracking: u32) -> Result<u32, QueueError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(QueueError::TooLong);
        }
        let index = self.free.pop()?.ok_or(QueueError::Full)?;
        let mut item = [0u8; 32];
        item[0] = bytes.len() as u8;
        item[1..1 + bytes.len()].copy_from_slice(bytes);
        let cells = &self.items[index as usize % N];
        let words = (bytes.len() + 4) / 4;
        for (cell, word) in cells.iter().zip(item.chunks_exact(4)).take(words) {
            cell.poke(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        }
        if let Some(cell) = cells.get(8) {
            cell.poke(tracking);
        }
        self.used.push(index)?;
        Ok(index)
    }

    /// Takes the oldest message; `claim` sees it and its item before the item becomes free again,
    /// and says whether the message counts.
    fn receive(
        &self,
        claim: impl Fn(&QueueMessage, &[C; WORDS]) -> bool,
    ) -> Result<Option<QueueMessage>, Corrupt> {
        // An honest queue has no more than this many items that do not count.
        for _ in 0..=N {
            let Some(index) = self.used.pop()? else {
                return Ok(None);
            };
            let cells = &self.items[index as usize % N];
            let mut message = QueueMessage { bytes: [0; 32] };
            let mut words = 8;
            for (i, (cell, out)) in cells
                .iter()
                .zip(message.bytes.chunks_exact_mut(4))
                .enumerate()
                .take(8)
            {
                if i == words {
                    break;
                }
                out.copy_from_slice(&cell.peek().to_ne_bytes());
                if i == 0 {
                    words = ((out[0] as usize + 4) / 4).min(8);
                }
            }
            let counts = claim(&message, cells);
            self.free.push(index)?;
            if counts {
                return Ok(Some(message));
            }
        }
        Err(Corrupt)
    }

    // The queue of a port.

    /// Appends a message; whether the reader must be woken.
    pub(super) fn send_to_port(&self, bytes: &[u8]) -> Result<bool, QueueError> {
        self.send(bytes, 0)?;
        Ok(self.counter.add(1) == 0)
    }

    /// Takes the oldest message.
    pub(super) fn receive_at_port(&self) -> Result<Option<QueueMessage>, Corrupt> {
        let message = self.receive(|_, _| true)?;
        if message.is_some() {
            self.counter.add(u32::MAX);
        }
        Ok(message)
    }

    /// The reader is awake: writers need not wake it.
    pub(super) fn reader_awake(&self) {
        self.counter.add(1);
    }

    /// The reader is about to wait; it must look into the queue once more after this. Returns
    /// what is left of the counter: how many items were put in and counted, less those that were
    /// taken.
    pub(super) fn reader_idle(&self) -> i32 {
        self.counter.add(u32::MAX).wrapping_sub(1) as i32
    }

    /// Takes an excess, or what is missing, off the counter; the reader must look into the queue
    /// after this, for writers that found it wrong may have woken nobody.
    pub(super) fn correct(&self, error: i32) {
        self.counter.add(error.wrapping_neg() as u32);
    }

    /// What a writer leaves that is killed before it counts.
    #[cfg(test)]
    pub(super) fn send_without_count(&self, bytes: &[u8]) -> Result<(), QueueError> {
        self.send(bytes, 0).map(drop)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> i32 {
        self.counter.get() as i32
    }

    #[cfg(test)]
    pub(super) fn count_late(&self) -> bool {
        self.counter.add(1) == 0
    }

    // The queue of an application.

    /// Appends a message that starts with a header of this stream (not zero).
    pub(super) fn send_request(&self, bytes: &[u8], stream: u32) -> Result<Queued, QueueError> {
        let cookie = self.send(bytes, stream)?;
        let wake = self.counter.swap(1) == 0;
        Ok(Queued { cookie, wake })
    }

    /// Says that a reader was woken, whether one is or not: the caller sends the wake-up. A reader
    /// that was killed between wake-up and mark would leave the mark set for ever.
    pub(super) fn rouse(&self) {
        self.counter.swap(1);
    }

    /// Takes the oldest message that was not taken back.
    pub(super) fn receive_request(&self) -> Result<Option<QueueMessage>, Corrupt> {
        self.receive(|message, cells| {
            let stream = message.stream();
            cells.get(8).is_some_and(|cell| cell.replace(stream, 0))
        })
    }

    /// Takes back a message; false if a reader has taken it.
    pub(super) fn cancel(&self, cookie: u32, stream: u32) -> bool {
        let tracking = self.items[cookie as usize % N].get(8);
        tracking.is_some_and(|cell| cell.replace(stream, 0))
    }

    /// Whether a message is still there to be taken.
    pub(super) fn is_waiting(&self, cookie: u32, stream: u32) -> bool {
        let tracking = self.items[cookie as usize % N].get(8);
        tracking.is_some_and(|cell| cell.get() == stream)
    }

    /// A reader got the wake-up from the socket; it must look into the queue after this.
    pub(super) fn woken(&self) {
        // An exchange, not a store: the following reads of the queue must not overtake it.
        self.counter.swap(0);
    }
}
