//! The creator's side: allocating chunks, and giving them away.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use super::{CHUNK_COUNT, CHUNK_SIZE, HEADER_SIZE, SENT_EVERYWHERE, Segment, WORDS, chunks_for};
use crate::ipc::memory::{MemoryError, copy_to};
use crate::ipc::message::ChunkRef;
use crate::ipc::{Id, Pid};

/// The way by which a new segment is announced: the receiving port, and the thread that sends to it
/// in order. Until the receiver has mapped the segment, only the same way may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via {
    /// The receiver's port.
    pub port: Id,
    /// The sending thread (`pthread_self`).
    pub thread: usize,
}

#[derive(Debug)]
struct Owned {
    segment: Arc<Segment>,
    fd: OwnedFd,
    thread: usize,
    /// Chunks that an [`OutgoingRun`] of this process holds, whatever the peer writes into the map.
    held: [AtomicU64; WORDS],
    /// The stream for which each chunk was given away last, see [`OutgoingSegments::take_back`].
    streams: Box<[AtomicU32]>,
}

/// The segments that this process creates for one receiver, or for all processes of one
/// application.
#[derive(Debug)]
pub struct OutgoingSegments {
    src_pid: Pid,
    dst_pid: Pid,
    limit: usize,
    held_chunks: AtomicUsize,
    segments: RwLock<Vec<Arc<Owned>>>,
    growth: Mutex<()>,
}

/// Why no chunks could be had.
#[derive(Debug, thiserror::Error)]
pub enum AllocateError {
    /// More than a segment holds.
    #[error("{0} bytes do not fit a shared memory segment")]
    TooLarge(usize),
    /// The limit is reached; the segments are marked, so that the receiver will tell when it has
    /// released something.
    #[error("out of shared memory")]
    Exhausted,
    /// A new segment could not be created.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// Chunks, and whether their segment is new.
#[derive(Debug)]
pub struct Allocation {
    /// The chunks.
    pub run: OutgoingRun,
    /// The receiver does not know the segment yet: send [`OutgoingRun::segment_fd`] in an `MMAP`
    /// message (or wait for `GET_MMAP`).
    pub created: bool,
}

impl OutgoingSegments {
    /// No segments yet; at most `limit` of them. `dst_pid` is 0 for a shared set.
    pub fn new(src_pid: Pid, dst_pid: Pid, limit: usize) -> Self {
        OutgoingSegments {
            src_pid,
            dst_pid,
            limit,
            held_chunks: AtomicUsize::new(0),
            segments: RwLock::default(),
            growth: Mutex::default(),
        }
    }

    /// Allocates room for `size` bytes or, if there is no long enough run, for at least `min`.
    /// `via` is given where segments are announced to one port at creation; without it they are
    /// usable at once, and receivers ask for them (`GET_MMAP`).
    pub fn allocate(
        self: &Arc<Self>,
        size: usize,
        min: usize,
        via: Option<Via>,
    ) -> Result<Allocation, AllocateError> {
        let (want, min) = (chunks_for(size).max(1), chunks_for(min));
        if want > CHUNK_COUNT {
            return Err(AllocateError::TooLarge(size));
        }
        if let Some(run) = self.find(want, min, via) {
            return Ok(Allocation {
                run,
                created: false,
            });
        }
        // One grows at a time, and looks again, as the one before may have made room.
        let _growth = self.growth.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(run) = self.find(want, min, via) {
            return Ok(Allocation {
                run,
                created: false,
            });
        }
        let mut segments = self.segments.write().unwrap_or_else(|e| e.into_inner());
        if segments.len() >= self.limit {
            return Err(AllocateError::Exhausted);
        }
        let id = segments.len() as u32;
        let sent_over = via.map_or(SENT_EVERYWHERE, |via| via.port);
        let (segment, fd) = Segment::create(id, self.src_pid, self.dst_pid, sent_over)?;
        let owned = Arc::new(Owned {
            segment: Arc::new(segment),
            fd,
            thread: via.map_or(0, |via| via.thread),
            held: Default::default(),
            streams: (0..CHUNK_COUNT).map(|_| AtomicU32::new(0)).collect(),
        });
        let run = self
            .take(&owned, want, want)
            .ok_or(AllocateError::Exhausted)?;
        segments.push(owned);
        Ok(Allocation { run, created: true })
    }

    fn find(self: &Arc<Self>, want: usize, min: usize, via: Option<Via>) -> Option<OutgoingRun> {
        let segments = self.segments.read().unwrap_or_else(|e| e.into_inner());
        segments.iter().find_map(|owned| {
            let sent_over = owned.segment.header().sent_over.load(Ordering::Acquire);
            let usable = sent_over == SENT_EVERYWHERE
                || via.is_some_and(|v| v.port == sent_over && v.thread == owned.thread);
            if !usable {
                return None;
            }
            let run = self.take(owned, want, min);
            if run.is_none() {
                owned.segment.set_oosm();
            }
            run
        })
    }

    fn take(self: &Arc<Self>, owned: &Arc<Owned>, want: usize, min: usize) -> Option<OutgoingRun> {
        let (chunk, claimed) = owned.segment.allocate(want, min)?;
        // A peer that frees chunks which are not its own gets a shorter run, never a shared one.
        let first = chunk as usize;
        let count = (first..first + claimed)
            .take_while(|c| {
                let bit = 1 << (c % 64);
                owned.held[c / 64].fetch_or(bit, Ordering::AcqRel) & bit == 0
            })
            .count();
        self.held_chunks.fetch_add(count, Ordering::Relaxed);
        for stream in &owned.streams[first..first + count] {
            stream.store(0, Ordering::Relaxed);
        }
        let run = OutgoingRun {
            set: self.clone(),
            owned: owned.clone(),
            chunk,
            count,
        };
        (count > 0 && count >= min).then_some(run)
    }

    /// Forgets a segment that could not be announced, if it is the newest one.
    pub fn discard(&self, id: u32) {
        let mut segments = self.segments.write().unwrap_or_else(|e| e.into_inner());
        if segments.len() == id as usize + 1 {
            segments.pop();
        }
    }

    /// Releases chunks that were given away ([`OutgoingRun::into_sent`]) in a message that could
    /// not be sent after all.
    pub fn release_unsent(&self, chunk: ChunkRef) {
        let segments = self.segments.read().unwrap_or_else(|e| e.into_inner());
        if let Some(owned) = segments.get(chunk.segment as usize) {
            owned
                .segment
                .release(chunk.chunk, chunks_for(chunk.size as usize));
        }
    }

    /// The descriptor of a segment, for the answer to `GET_MMAP`.
    pub fn duplicate_fd(&self, id: u32) -> Option<OwnedFd> {
        let segments = self.segments.read().unwrap_or_else(|e| e.into_inner());
        segments.get(id as usize)?.fd.try_clone().ok()
    }

    /// Releases chunks that were given away with [`OutgoingRun::into_sent_for`] and whose receiver
    /// never saw them or is dead. Chunks that it released itself and that are in use for another
    /// stream by now are left alone.
    pub fn take_back(&self, chunk: ChunkRef, stream: u32) {
        let owned = {
            let segments = self.segments.read().unwrap_or_else(|e| e.into_inner());
            segments.get(chunk.segment as usize).cloned()
        };
        let Some(owned) = owned else { return };
        let first = chunk.chunk as usize;
        for c in first..(first + chunks_for(chunk.size as usize)).min(CHUNK_COUNT) {
            let ours = &owned.streams[c];
            if ours
                .compare_exchange(stream, 0, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                owned.segment.release(c as u32, 1);
            }
        }
    }

    /// Chunks allocated and not yet sent or released.
    pub fn held_chunks(&self) -> usize {
        self.held_chunks.load(Ordering::Relaxed)
    }

    /// The most chunks that can be allocated.
    pub fn max_chunks(&self) -> usize {
        self.limit.saturating_mul(CHUNK_COUNT)
    }
}

/// Chunks allocated in an outgoing segment; released on drop unless sent.
#[derive(Debug)]
pub struct OutgoingRun {
    set: Arc<OutgoingSegments>,
    owned: Arc<Owned>,
    chunk: u32,
    count: usize,
}

impl OutgoingRun {
    /// Bytes that fit.
    pub fn capacity(&self) -> usize {
        self.count * CHUNK_SIZE
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        // SAFETY: the run lies inside the segment.
        unsafe {
            self.owned
                .segment
                .map
                .start()
                .as_ptr()
                .add(HEADER_SIZE + self.chunk as usize * CHUNK_SIZE)
        }
    }

    /// The bytes; see the module's note.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the run lies inside the mapping that `owned` keeps alive, and no other run of
        // this process holds these chunks (`Owned::held`). A peer may write them: the bytes may
        // then be wrong, and nothing here relies on their value.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.capacity()) }
    }

    /// Copies bytes in; false if they do not fit.
    pub fn write(&mut self, at: usize, bytes: &[u8]) -> bool {
        match self.bytes_mut().get_mut(at..at.saturating_add(bytes.len())) {
            Some(to) => {
                // SAFETY: `to` is as long as `bytes`, and a reference for writing overlaps nothing.
                unsafe { copy_to(to.as_mut_ptr(), bytes) };
                true
            }
            None => false,
        }
    }

    /// Takes more chunks right behind, until `size` bytes fit; false if they are busy (then the
    /// run is as it was).
    pub fn extend(&mut self, size: usize) -> bool {
        let want = chunks_for(size).max(self.count);
        let end = self.chunk as usize + self.count;
        let more = want - self.count;
        let got = (end..end + more)
            .take_while(|&c| {
                self.owned.segment.claim(c) && {
                    let bit = 1 << (c % 64);
                    self.owned.held[c / 64].fetch_or(bit, Ordering::AcqRel) & bit == 0
                }
            })
            .count();
        self.set.held_chunks.fetch_add(got, Ordering::Relaxed);
        self.count += got;
        if got < more {
            self.shrink(self.count - got);
        }
        got == more
    }

    /// Releases all but the first `count` chunks.
    pub fn shrink(&mut self, count: usize) {
        let surplus = self.count.saturating_sub(count);
        self.count -= surplus;
        let first = self.chunk as usize + self.count;
        self.unhold(first, surplus);
        self.owned.segment.release(first as u32, surplus);
    }

    /// Gives the first `size` bytes away: the message that carries the reference makes the
    /// receiver their owner. The chunks behind them are released. Call it before the message is
    /// sent, as the receiver may release the chunks at once; if sending fails, call
    /// [`OutgoingSegments::release_unsent`].
    pub fn into_sent(mut self, size: usize) -> ChunkRef {
        let size = size.min(self.capacity());
        self.shrink(chunks_for(size));
        self.unhold(self.chunk as usize, self.count);
        self.count = 0;
        ChunkRef {
            segment: self.owned.segment.id,
            chunk: self.chunk,
            size: size as u32,
        }
    }

    /// [`OutgoingRun::into_sent`] in a way that [`OutgoingSegments::take_back`] can undo.
    pub fn into_sent_for(self, size: usize, stream: u32) -> ChunkRef {
        let used = chunks_for(size.min(self.capacity()));
        let first = self.chunk as usize;
        for cell in &self.owned.streams[first..first + used] {
            cell.store(stream, Ordering::Release);
        }
        self.into_sent(size)
    }

    /// What [`OutgoingRun::into_sent`] will return.
    pub fn reference(&self, size: usize) -> ChunkRef {
        ChunkRef {
            segment: self.owned.segment.id,
            chunk: self.chunk,
            size: size as u32,
        }
    }

    /// The segment's id and descriptor.
    pub fn segment_fd(&self) -> (u32, BorrowedFd<'_>) {
        (self.owned.segment.id, self.owned.fd.as_fd())
    }

    fn unhold(&self, first: usize, count: usize) {
        for c in first..first + count {
            self.owned.held[c / 64].fetch_and(!(1 << (c % 64)), Ordering::AcqRel);
        }
        self.set.held_chunks.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Drop for OutgoingRun {
    fn drop(&mut self) {
        self.shrink(0);
    }
}
