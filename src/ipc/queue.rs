//! Queues of short messages in shared memory: `nxt_port_queue_t` (one reader, 16384 items) and
//! `nxt_app_queue_t` (shared by the processes of an application, 131072 items with a tracking
//! word).
//!
//! Layout: a counter, the ring of free item numbers, the ring of used ones, the items. An item is
//! its size (one byte), up to 31 bytes and, in the application queue, the tracking word. A writer
//! takes a free item, fills it and puts its number into the used ring.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::memory::{Mapping, MemoryError, create_memory};
use super::ring::Corrupt;
use super::shared_queue;

pub use super::shared_queue::{MAX_MESSAGE, QueueError, QueueMessage, Queued};

const PORT_ITEMS: usize = 16384;
const APP_ITEMS: usize = 131072;

type Shared<const N: usize, const WORDS: usize> = shared_queue::Shared<AtomicU32, N, WORDS>;

const _: () = assert!(size_of::<Shared<PORT_ITEMS, 8>>() == 655_380);
const _: () = assert!(size_of::<Shared<APP_ITEMS, 9>>() == 5_767_188);

#[derive(Debug)]
struct SharedQueue<const N: usize, const WORDS: usize> {
    map: Arc<Mapping>,
}

impl<const N: usize, const WORDS: usize> Clone for SharedQueue<N, WORDS> {
    fn clone(&self) -> Self {
        SharedQueue {
            map: self.map.clone(),
        }
    }
}

impl<const N: usize, const WORDS: usize> SharedQueue<N, WORDS> {
    fn create() -> Result<(Self, OwnedFd), MemoryError> {
        let fd = create_memory(size_of::<Shared<N, WORDS>>())?;
        let queue = Self::map(fd.as_fd())?;
        queue.shared().reset();
        Ok((queue, fd))
    }

    fn map(fd: BorrowedFd<'_>) -> Result<Self, MemoryError> {
        let map = Arc::new(Mapping::new(fd, size_of::<Shared<N, WORDS>>())?);
        Ok(SharedQueue { map })
    }

    /// # Safety
    /// `start` is a mapping of this queue, which outlives the result.
    unsafe fn borrow(start: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise is the same.
        let map = unsafe { Mapping::borrow(start, size_of::<Shared<N, WORDS>>()) };
        SharedQueue { map: Arc::new(map) }
    }

    fn shared(&self) -> &Shared<N, WORDS> {
        // SAFETY: `map` made sure of the size, a mapping is page-aligned, every bit pattern is
        // valid for atomics, and the mapping lives as long as `self`.
        unsafe { self.map.start().cast::<Shared<N, WORDS>>().as_ref() }
    }

    /// The same, unless a peer took the memory away.
    fn whole(&self) -> Result<&Shared<N, WORDS>, Corrupt> {
        if self.map.is_lost() {
            return Err(Corrupt);
        }
        Ok(self.shared())
    }
}

/// The queue of one port (`nxt_port_queue_t`).
///
/// The counter is the number of queued messages plus one while the reader is awake. The writer
/// that raises it from zero has to wake the reader with a `READ_QUEUE` message on the socket.
#[derive(Clone, Debug)]
pub struct PortQueue(SharedQueue<PORT_ITEMS, 8>);

impl PortQueue {
    /// Bytes of shared memory.
    pub const SIZE: usize = size_of::<Shared<PORT_ITEMS, 8>>();

    /// A new queue and the descriptor to pass to writers.
    pub fn create() -> Result<(Self, OwnedFd), MemoryError> {
        SharedQueue::create().map(|(queue, fd)| (PortQueue(queue), fd))
    }

    /// The queue behind a descriptor.
    pub fn map(fd: BorrowedFd<'_>) -> Result<Self, MemoryError> {
        SharedQueue::map(fd).map(PortQueue)
    }

    /// The queue of a port whose memory C code has mapped.
    ///
    /// # Safety
    /// `start` is a mapping of a whole `nxt_port_queue_t`, which outlives the result.
    pub unsafe fn borrow(start: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise is the same.
        PortQueue(unsafe { SharedQueue::borrow(start) })
    }

    /// Appends a message; whether the reader must be woken.
    pub fn send(&self, bytes: &[u8]) -> Result<bool, QueueError> {
        self.0.whole()?.send_to_port(bytes)
    }

    /// Takes the oldest message.
    pub fn receive(&self) -> Result<Option<QueueMessage>, Corrupt> {
        self.0.whole()?.receive_at_port()
    }

    /// The reader is awake: writers need not wake it.
    pub fn reader_awake(&self) {
        self.0.shared().reader_awake();
    }

    /// The reader is about to wait; it must look into the queue once more after this. Returns what
    /// is left of the counter: the number of queued messages, less those that were taken before
    /// their writer counted them.
    pub fn reader_idle(&self) -> i32 {
        self.0.shared().reader_idle()
    }

    /// Takes an error off the counter; the reader must look into the queue after this.
    pub fn correct(&self, error: i32) {
        self.0.shared().correct(error);
    }

    /// What a writer leaves that is killed before it counts.
    #[cfg(test)]
    pub(crate) fn send_without_count(&self, bytes: &[u8]) -> Result<(), QueueError> {
        self.0.shared().send_without_count(bytes)
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> i32 {
        self.0.shared().count()
    }

    /// The rest of that, if the writer lives after all; whether it must wake the reader.
    #[cfg(test)]
    pub(crate) fn count_late(&self) -> bool {
        self.0.shared().count_late()
    }
}

/// The queue of an application (`nxt_app_queue_t`): the router writes requests, any process of the
/// application takes them.
///
/// The tracking word of an item is the request's stream. Reader and writer race to change it to
/// zero: the one that does owns the request, so a request can be taken back until then.
#[derive(Clone, Debug)]
pub struct AppQueue(SharedQueue<APP_ITEMS, 9>);

impl AppQueue {
    /// Messages that fit.
    pub const ITEMS: usize = APP_ITEMS;
    /// Bytes of shared memory.
    pub const SIZE: usize = size_of::<Shared<APP_ITEMS, 9>>();

    /// A new queue and the descriptor to pass to the application.
    pub fn create() -> Result<(Self, OwnedFd), MemoryError> {
        SharedQueue::create().map(|(queue, fd)| (AppQueue(queue), fd))
    }

    /// The queue behind a descriptor.
    pub fn map(fd: BorrowedFd<'_>) -> Result<Self, MemoryError> {
        SharedQueue::map(fd).map(AppQueue)
    }

    /// Appends a message that starts with a header of this stream (not zero).
    pub fn send(&self, bytes: &[u8], stream: u32) -> Result<Queued, QueueError> {
        self.0.whole()?.send_request(bytes, stream)
    }

    /// Takes back a message; false if a reader has taken it.
    pub fn cancel(&self, cookie: u32, stream: u32) -> bool {
        self.0.shared().cancel(cookie, stream)
    }

    /// Whether a message is still there to be taken.
    pub fn is_waiting(&self, cookie: u32, stream: u32) -> bool {
        self.0.shared().is_waiting(cookie, stream)
    }

    /// Takes the oldest message that was not taken back.
    pub fn receive(&self) -> Result<Option<QueueMessage>, Corrupt> {
        self.0.whole()?.receive_request()
    }

    /// Says that a reader was woken, whether one is or not: the caller sends the wake-up.
    pub fn rouse(&self) {
        self.0.shared().rouse();
    }

    /// A reader got the wake-up from the socket; it must look into the queue after this.
    pub fn woken(&self) {
        self.0.shared().woken();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::{Header, kind};
    use std::sync::atomic::Ordering;

    #[test]
    fn port_queue_wakes_the_reader_once() {
        let (writer, fd) = PortQueue::create().unwrap();
        let reader = PortQueue::map(fd.as_fd()).unwrap();
        assert_eq!(writer.send(b"one"), Ok(true));
        assert_eq!(writer.send(&[7; 31]), Ok(false));
        assert_eq!(writer.send(&[7; 32]), Err(QueueError::TooLong));
        reader.reader_awake();
        assert_eq!(reader.receive().unwrap().unwrap().bytes(), b"one");
        assert_eq!(reader.receive().unwrap().unwrap().bytes(), &[7; 31]);
        assert!(reader.receive().unwrap().is_none());
        assert_eq!(writer.send(b""), Ok(false));
        assert_eq!(reader.receive().unwrap().unwrap().bytes(), b"");
        reader.reader_idle();
        assert_eq!(writer.send(b"x"), Ok(true));
    }

    #[test]
    fn a_full_queue_says_so_and_recovers() {
        let (queue, _fd) = PortQueue::create().unwrap();
        for _ in 0..PORT_ITEMS {
            queue.send(b"m").unwrap();
        }
        assert_eq!(queue.send(b"m"), Err(QueueError::Full));
        queue.receive().unwrap().unwrap();
        assert_eq!(queue.send(b"m"), Ok(false));
    }

    #[test]
    fn requests_can_be_taken_back_until_taken() {
        let (queue, _fd) = AppQueue::create().unwrap();
        let message = |stream| Header::new(1, kind::REQ_HEADERS, stream).encode();
        let a = queue.send(&message(5), 5).unwrap();
        let b = queue.send(&message(6), 6).unwrap();
        assert_eq!((a.wake, b.wake), (true, false));
        assert!(queue.is_waiting(a.cookie, 5) && !queue.is_waiting(a.cookie, 6));
        assert!(queue.cancel(a.cookie, 5));
        assert!(!queue.cancel(a.cookie, 5) && !queue.is_waiting(a.cookie, 5));
        queue.woken();
        let got = queue.receive().unwrap().unwrap();
        assert_eq!(Header::decode(got.bytes()).unwrap().stream, 6);
        assert!(!queue.cancel(b.cookie, 6));
        assert!(queue.receive().unwrap().is_none());
        assert!(queue.send(&message(7), 7).unwrap().wake);
    }

    #[test]
    fn every_message_of_many_writers_arrives_once() {
        let (queue, fd) = AppQueue::create().unwrap();
        let total = 20_000u32;
        let mut got: Vec<u32> = std::thread::scope(|s| {
            for half in 0..2 {
                let queue = queue.clone();
                s.spawn(move || {
                    for stream in (1 + half..=total).step_by(2) {
                        queue.send(&stream.to_ne_bytes(), stream).unwrap();
                    }
                });
            }
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let queue = AppQueue::map(fd.as_fd()).unwrap();
                    s.spawn(move || {
                        let mut got = Vec::new();
                        let start = std::time::Instant::now();
                        while start.elapsed().as_secs() < 20 {
                            match queue.receive().unwrap() {
                                Some(m) => got.push(m.stream()),
                                None if got.last().is_some_and(|&s| s + 4 > total) => break,
                                None => std::thread::yield_now(),
                            }
                            if queue.0.shared().counter.load(Ordering::Relaxed) == 2 {
                                break;
                            }
                        }
                        queue.0.shared().counter.store(2, Ordering::Relaxed);
                        got
                    })
                })
                .collect();
            readers
                .into_iter()
                .flat_map(|r| r.join().unwrap())
                .collect()
        });
        while let Some(m) = queue.receive().unwrap() {
            got.push(m.stream());
        }
        got.sort_unstable();
        assert_eq!(got, (1..=total).collect::<Vec<_>>());
    }

    #[test]
    fn a_peer_that_writes_garbage_cannot_hurt() {
        let (queue, _fd) = PortQueue::create().unwrap();
        queue.send(b"abc").unwrap();
        // Sizes and indexes out of range everywhere.
        let words = PortQueue::SIZE / 4;
        for seed in [u32::MAX, 0xDEAD_BEEF, 16384 * 3 + 5] {
            // SAFETY: the mapping is words * 4 bytes long and aligned, and only atomics touch it.
            let cells = unsafe {
                std::slice::from_raw_parts(queue.0.map.start().cast::<AtomicU32>().as_ptr(), words)
            };
            cells.iter().for_each(|c| c.store(seed, Ordering::Relaxed));
            for _ in 0..4 {
                if let Ok(Some(m)) = queue.receive() {
                    assert!(m.bytes().len() <= MAX_MESSAGE);
                }
                let _ = queue.send(b"def");
            }
        }
    }
}
