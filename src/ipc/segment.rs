//! Shared-memory segments (`nxt_port_mmap_header_t`): 10 MiB in 640 chunks of 16 KiB behind a page
//! with the owner's pids and a map of the free chunks.
//!
//! The creator allocates chunks by clearing their bits, names them in a message, and the receiver
//! sets the bits again when it has done with them. A creator that found no room sets the `oosm`
//! word; the receiver that clears it owes an acknowledgement (`SHM_ACK`).
//!
//! The header's last array, an unused per-chunk tracking word, runs into chunk 0 in Unit 1.35.0,
//! so nothing after the second free map is ever written here.
//!
//! # Bytes that a peer can change
//! Both sides map a segment writable. [`SharedChunk`] and [`OutgoingRun`] give out slices for
//! handing on to the kernel or copying; a caller that parses must copy first (`to_vec`), because
//! what it checked could have changed by the time it is used.

use std::collections::HashMap;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use super::memory::{Mapping, MemoryError, create_memory};
use super::message::ChunkRef;
use super::{Id, Pid};

/// Bytes of a chunk.
pub const CHUNK_SIZE: usize = 16 * 1024;
/// Chunks of a segment.
pub const CHUNK_COUNT: usize = 640;
/// Where chunk 0 starts.
pub const HEADER_SIZE: usize = 4096;
/// Bytes of data in a segment.
pub const DATA_SIZE: usize = CHUNK_SIZE * CHUNK_COUNT;
/// Bytes of a segment.
pub const SEGMENT_SIZE: usize = HEADER_SIZE + DATA_SIZE;

/// `sent_over` of a segment that every port of the receiver knows.
const SENT_EVERYWHERE: u16 = 0xFFFF;
const WORDS: usize = CHUNK_COUNT / 64;
/// More than any configured limit of shared memory amounts to; bounds what a peer can make us map.
const MAX_INCOMING: usize = 4096;

#[repr(C)]
struct SegmentHeader {
    id: AtomicU32,
    src_pid: AtomicI32,
    dst_pid: AtomicI32,
    sent_over: AtomicU16,
    oosm: AtomicU64,
    /// One bit a chunk, set if free; the word after the last has none free.
    free_map: [AtomicU64; WORDS + 1],
    /// Not used; kept all free as the original leaves it.
    free_tracking_map: [AtomicU64; WORDS + 1],
}

const _: () = {
    assert!(std::mem::offset_of!(SegmentHeader, sent_over) == 12);
    assert!(std::mem::offset_of!(SegmentHeader, oosm) == 16);
    assert!(std::mem::offset_of!(SegmentHeader, free_map) == 24);
    assert!(std::mem::offset_of!(SegmentHeader, free_tracking_map) == 112);
    assert!(size_of::<SegmentHeader>() == 200);
};

/// What is wrong with a peer's segment or chunk.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// It could not be mapped.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// It belongs to other processes than the message said.
    #[error("unexpected pids {found_src} -> {found_dst} in the segment header")]
    WrongPid {
        /// Creator according to the header.
        found_src: Pid,
        /// Receiver according to the header.
        found_dst: Pid,
    },
    /// No segment of that id has been sent.
    #[error("unknown segment {0}")]
    Unknown(u32),
    /// The chunks lie outside the segment.
    #[error("chunk {chunk} with {size} bytes is outside the segment")]
    OutOfRange {
        /// First chunk.
        chunk: u32,
        /// Bytes.
        size: u32,
    },
    /// The peer has sent too many segments.
    #[error("too many segments")]
    TooMany,
}

/// One mapped segment.
#[derive(Debug)]
pub struct Segment {
    map: Mapping,
    id: u32,
    src_pid: Pid,
    dst_pid: Pid,
    /// Chunks released here since the pages were last let go, see [`Segment::let_pages_go`].
    released: AtomicUsize,
}

/// Segments of a peer whose pages stay mapped once they were read.
const KEPT_SEGMENTS: u32 = 2;
/// Released chunks of a further segment after which its pages are let go: 1 MiB.
const LET_GO_AFTER: usize = 64;

impl Segment {
    fn header(&self) -> &SegmentHeader {
        // SAFETY: the mapping is SEGMENT_SIZE long and page-aligned, lives as long as `self`, and
        // every bit pattern is valid for atomics.
        unsafe { self.map.start().cast::<SegmentHeader>().as_ref() }
    }

    fn create(
        id: u32,
        src_pid: Pid,
        dst_pid: Pid,
        sent_over: u16,
    ) -> Result<(Self, OwnedFd), MemoryError> {
        let fd = create_memory(SEGMENT_SIZE)?;
        let map = Mapping::new(fd.as_fd(), SEGMENT_SIZE)?;
        let segment = Segment { map, id, src_pid, dst_pid, released: AtomicUsize::new(0) };
        let header = segment.header();
        header.id.store(id, Ordering::Relaxed);
        header.src_pid.store(src_pid, Ordering::Relaxed);
        header.dst_pid.store(dst_pid, Ordering::Relaxed);
        for map in [&header.free_map, &header.free_tracking_map] {
            map[..WORDS].iter().for_each(|w| w.store(u64::MAX, Ordering::Relaxed));
        }
        header.sent_over.store(sent_over, Ordering::Release);
        Ok((segment, fd))
    }

    fn open(fd: BorrowedFd<'_>) -> Result<Self, MemoryError> {
        let map = Mapping::new(fd, SEGMENT_SIZE)?;
        let mut segment =
            Segment { map, id: 0, src_pid: 0, dst_pid: 0, released: AtomicUsize::new(0) };
        // Read once: later changes by the peer must not matter.
        let header = segment.header();
        let id = header.id.load(Ordering::Relaxed);
        let (src, dst) =
            (header.src_pid.load(Ordering::Relaxed), header.dst_pid.load(Ordering::Relaxed));
        (segment.id, segment.src_pid, segment.dst_pid) = (id, src, dst);
        Ok(segment)
    }

    /// The id among the creator's segments.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The creator.
    pub fn src_pid(&self) -> Pid {
        self.src_pid
    }

    /// The receiver; 0 in a segment for all processes of an application.
    pub fn dst_pid(&self) -> Pid {
        self.dst_pid
    }

    /// Address of a chunk, which must be inside the segment; raw because C code works on it.
    pub fn chunk_start(&self, chunk: u32) -> Option<*mut u8> {
        if chunk as usize >= CHUNK_COUNT {
            return None;
        }
        // SAFETY: the offset is inside the mapping.
        Some(unsafe { self.map.start().as_ptr().add(HEADER_SIZE + chunk as usize * CHUNK_SIZE) })
    }

    /// The chunk that an address inside the data area belongs to.
    pub fn chunk_of(&self, address: *const u8) -> Option<u32> {
        let start = self.map.start().as_ptr() as usize + HEADER_SIZE;
        let offset = (address as usize).checked_sub(start)?;
        (offset < DATA_SIZE).then_some((offset / CHUNK_SIZE) as u32)
    }

    /// Whether the bytes lie inside the segment.
    pub fn contains(&self, chunk: u32, size: u32) -> bool {
        (chunk as usize) < CHUNK_COUNT
            && size as usize <= (CHUNK_COUNT - chunk as usize) * CHUNK_SIZE
    }

    /// Marks one chunk busy if it is free.
    fn claim(&self, chunk: usize) -> bool {
        let bit = 1u64 << (chunk % 64);
        chunk < CHUNK_COUNT
            && self.header().free_map[chunk / 64].fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    /// Marks chunks free; those outside are ignored.
    pub fn release(&self, chunk: u32, count: usize) {
        let first = chunk as usize;
        for c in first..(first + count).min(CHUNK_COUNT) {
            self.header().free_map[c / 64].fetch_or(1 << (c % 64), Ordering::AcqRel);
        }
    }

    /// Allocates a run of at most `want` and at least `min` chunks (a `min` of 0 means 1).
    fn allocate(&self, want: usize, min: usize) -> Option<(u32, usize)> {
        let free_map = &self.header().free_map;
        let mut from = 0;
        while from < CHUNK_COUNT {
            let bits = free_map[from / 64].load(Ordering::Acquire) & (u64::MAX << (from % 64));
            if bits == 0 {
                from = (from / 64 + 1) * 64;
                continue;
            }
            let first = from / 64 * 64 + bits.trailing_zeros() as usize;
            let run = (first..first + want.max(1)).take_while(|&c| self.claim(c)).count();
            if run > 0 && run >= min {
                return Some((first as u32, run));
            }
            self.release(first as u32, run);
            from = first + run + 1;
        }
        None
    }

    /// Keeps a reader's resident memory small when a peer's response goes through many segments:
    /// pages that were read stay in its page tables otherwise. Nothing is lost, a page that is
    /// needed again is found in the file.
    fn let_pages_go(&self, chunks: usize) {
        if self.id < KEPT_SEGMENTS
            || self.released.fetch_add(chunks, Ordering::Relaxed) + chunks < LET_GO_AFTER
        {
            return;
        }
        self.released.store(0, Ordering::Relaxed);
        // SAFETY: the range is the whole mapping, which `self` keeps; of a shared file mapping
        // this drops page table entries only, the bytes stay.
        unsafe {
            libc::madvise(self.map.start().as_ptr().cast(), self.map.size(), libc::MADV_DONTNEED)
        };
    }

    /// Whether any chunk is free.
    pub fn has_free(&self) -> bool {
        self.header().free_map[..WORDS].iter().any(|w| w.load(Ordering::Acquire) != 0)
    }

    fn set_oosm(&self) {
        self.header().oosm.store(1, Ordering::SeqCst);
    }

    /// Clears the mark of a creator that found no room; whether it was set.
    pub fn take_oosm(&self) -> bool {
        // Reading first keeps the cache line shared on the usual path.
        let oosm = &self.header().oosm;
        oosm.load(Ordering::SeqCst) == 1
            && oosm.compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// Chunks that data of this size takes.
pub fn chunks_for(size: usize) -> usize {
    size.div_ceil(CHUNK_SIZE)
}

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
            return Ok(Allocation { run, created: false });
        }
        // One grows at a time, and looks again, as the one before may have made room.
        let _growth = self.growth.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(run) = self.find(want, min, via) {
            return Ok(Allocation { run, created: false });
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
        let run = self.take(&owned, want, want).ok_or(AllocateError::Exhausted)?;
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
        let run = OutgoingRun { set: self.clone(), owned: owned.clone(), chunk, count };
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
            owned.segment.release(chunk.chunk, chunks_for(chunk.size as usize));
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
            if ours.compare_exchange(stream, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
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
                to.copy_from_slice(bytes);
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
        ChunkRef { segment: self.owned.segment.id, chunk: self.chunk, size: size as u32 }
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
        ChunkRef { segment: self.owned.segment.id, chunk: self.chunk, size: size as u32 }
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

/// What runs when a release found the creator waiting for room: send it `SHM_ACK` on all its ports.
pub type OnRelease = Arc<dyn Fn() + Send + Sync>;

/// The segments that one peer process has sent to this one.
pub struct IncomingSegments {
    own_pid: Pid,
    peer_pid: Pid,
    on_release: OnRelease,
    segments: RwLock<HashMap<u32, Arc<Segment>>>,
}

impl IncomingSegments {
    /// No segments yet.
    pub fn new(own_pid: Pid, peer_pid: Pid, on_release: OnRelease) -> Self {
        IncomingSegments { own_pid, peer_pid, on_release, segments: RwLock::default() }
    }

    /// Maps the segment of an `MMAP` message and returns its id. An id sent before is replaced.
    pub fn add(&self, fd: BorrowedFd<'_>) -> Result<u32, SegmentError> {
        let segment = Segment::open(fd)?;
        if segment.src_pid != self.peer_pid
            || (segment.dst_pid != self.own_pid && segment.dst_pid != 0)
        {
            return Err(SegmentError::WrongPid {
                found_src: segment.src_pid,
                found_dst: segment.dst_pid,
            });
        }
        let id = segment.id;
        let mut segments = self.segments.write().unwrap_or_else(|e| e.into_inner());
        if segments.len() >= MAX_INCOMING && !segments.contains_key(&id) {
            return Err(SegmentError::TooMany);
        }
        // From now on the creator may use it over all ports.
        segment.header().sent_over.store(SENT_EVERYWHERE, Ordering::Release);
        segments.insert(id, Arc::new(segment));
        Ok(id)
    }

    /// The bytes that a message names.
    pub fn chunk(&self, chunk: ChunkRef) -> Result<SharedChunk, SegmentError> {
        let segments = self.segments.read().unwrap_or_else(|e| e.into_inner());
        let segment =
            segments.get(&chunk.segment).ok_or(SegmentError::Unknown(chunk.segment))?.clone();
        if !segment.contains(chunk.chunk, chunk.size) {
            return Err(SegmentError::OutOfRange { chunk: chunk.chunk, size: chunk.size });
        }
        Ok(SharedChunk {
            wake: (segment.dst_pid == self.own_pid).then(|| self.on_release.clone()),
            segment,
            chunk: chunk.chunk,
            size: chunk.size as usize,
            start: 0,
        })
    }

    /// A segment by its id.
    pub fn segment(&self, id: u32) -> Option<Arc<Segment>> {
        self.segments.read().unwrap_or_else(|e| e.into_inner()).get(&id).cloned()
    }

    /// The peer says that it is out of memory (`OOSM`). True: there is room already, acknowledge
    /// now. False: the segments are marked, and a release will acknowledge.
    pub fn peer_is_exhausted(&self) -> bool {
        let segments = self.segments.read().unwrap_or_else(|e| e.into_inner());
        let mut room = false;
        for segment in segments.values() {
            if !segment.has_free() {
                segment.set_oosm();
            }
            // A release between the look and the mark would have missed the mark. A creator may
            // also wait without a mark, for us to map the segment.
            if segment.has_free() {
                segment.take_oosm();
                room = true;
            }
        }
        room
    }
}

impl std::fmt::Debug for IncomingSegments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IncomingSegments").field("peer_pid", &self.peer_pid).finish()
    }
}

/// Bytes of a peer's segment, in this process's hands until dropped.
///
/// It derefs to its bytes; see the module's note on what that is good for.
pub struct SharedChunk {
    segment: Arc<Segment>,
    wake: Option<OnRelease>,
    chunk: u32,
    size: usize,
    start: usize,
}

impl SharedChunk {
    /// Drops the first `n` bytes from view; they are released with the rest.
    pub fn advance(&mut self, n: usize) {
        self.start = (self.start + n).min(self.size);
    }
}

impl Deref for SharedChunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `IncomingSegments::chunk` checked that the bytes lie inside the mapping, which
        // `segment` keeps alive. No Rust reference for writing exists. The peer may write: readers
        // see some bytes then, and copy before they rely on them.
        unsafe {
            let at = HEADER_SIZE + self.chunk as usize * CHUNK_SIZE + self.start;
            std::slice::from_raw_parts(
                self.segment.map.start().as_ptr().add(at),
                self.size - self.start,
            )
        }
    }
}

impl AsRef<[u8]> for SharedChunk {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl std::fmt::Debug for SharedChunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "segment {} chunk {} size {}", self.segment.id, self.chunk, self.size)
    }
}

impl Drop for SharedChunk {
    fn drop(&mut self) {
        let chunks = chunks_for(self.size);
        self.segment.release(self.chunk, chunks);
        self.segment.let_pages_go(chunks);
        if let Some(wake) = &self.wake
            && self.segment.take_oosm()
        {
            wake();
        }
    }
}
