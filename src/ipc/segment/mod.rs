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

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::Pid;
use super::memory::{Mapping, MemoryError, create_memory};

mod free_map;
mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

use free_map::FreeMap;
#[cfg(test)]
pub(super) use free_map::{FreeMap as ModelledMap, Word, impl_word};
pub use incoming::{IncomingSegments, OnRelease, SharedChunk};
pub use outgoing::{AllocateError, Allocation, OutgoingRun, OutgoingSegments, Via};

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
    /// The peer cut the memory short.
    #[error("the memory of segment {0} was taken away")]
    Lost(u32),
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
const KEPT_SEGMENTS: u32 = 4;
/// Released chunks of a further segment after which its pages are let go: 1 MiB.
const LET_GO_AFTER: usize = 64;

impl Segment {
    fn header(&self) -> &SegmentHeader {
        // SAFETY: the mapping is SEGMENT_SIZE long and page-aligned, lives as long as `self`, and
        // every bit pattern is valid for atomics.
        unsafe { self.map.start().cast::<SegmentHeader>().as_ref() }
    }

    /// Makes a segment with all chunks free, and its descriptor.
    pub(crate) fn create(
        id: u32,
        src_pid: Pid,
        dst_pid: Pid,
        sent_over: u16,
    ) -> Result<(Self, OwnedFd), MemoryError> {
        let fd = create_memory(SEGMENT_SIZE)?;
        let map = Mapping::new(fd.as_fd(), SEGMENT_SIZE)?;
        let segment = Segment {
            map,
            id,
            src_pid,
            dst_pid,
            released: AtomicUsize::new(0),
        };
        let header = segment.header();
        header.id.store(id, Ordering::Relaxed);
        header.src_pid.store(src_pid, Ordering::Relaxed);
        header.dst_pid.store(dst_pid, Ordering::Relaxed);
        for map in [&header.free_map, &header.free_tracking_map] {
            map[..WORDS]
                .iter()
                .for_each(|w| w.store(u64::MAX, Ordering::Relaxed));
        }
        header.sent_over.store(sent_over, Ordering::Release);
        Ok((segment, fd))
    }

    /// Maps the segment of a peer.
    pub(crate) fn open(fd: BorrowedFd<'_>) -> Result<Self, MemoryError> {
        let map = Mapping::new(fd, SEGMENT_SIZE)?;
        let mut segment = Segment {
            map,
            id: 0,
            src_pid: 0,
            dst_pid: 0,
            released: AtomicUsize::new(0),
        };
        // Read once: later changes by the peer must not matter.
        let header = segment.header();
        let id = header.id.load(Ordering::Relaxed);
        let (src, dst) = (
            header.src_pid.load(Ordering::Relaxed),
            header.dst_pid.load(Ordering::Relaxed),
        );
        (segment.id, segment.src_pid, segment.dst_pid) = (id, src, dst);
        Ok(segment)
    }

    /// The id among the creator's segments.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Says that every port of the receiver knows the segment.
    pub(crate) fn set_sent_everywhere(&self) {
        self.header()
            .sent_over
            .store(SENT_EVERYWHERE, Ordering::Release);
    }

    /// Whether every port of the receiver knows the segment.
    pub(crate) fn is_sent_everywhere(&self) -> bool {
        self.header().sent_over.load(Ordering::Acquire) == SENT_EVERYWHERE
    }

    /// The first byte; raw because C code works on it.
    pub(crate) fn start(&self) -> *mut u8 {
        self.map.start().as_ptr()
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
        Some(unsafe {
            self.map
                .start()
                .as_ptr()
                .add(HEADER_SIZE + chunk as usize * CHUNK_SIZE)
        })
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

    fn free_map(&self) -> FreeMap<'_, AtomicU64> {
        FreeMap::new(&self.header().free_map)
    }

    /// Marks one chunk busy if it is free.
    pub(crate) fn claim(&self, chunk: usize) -> bool {
        self.free_map().claim(chunk)
    }

    /// Marks chunks free; those outside are ignored.
    pub fn release(&self, chunk: u32, count: usize) {
        self.free_map().release(chunk as usize, count);
    }

    /// Allocates a run of at most `want` and at least `min` chunks (a `min` of 0 means 1).
    pub(crate) fn allocate(&self, want: usize, min: usize) -> Option<(u32, usize)> {
        let (first, count) = self.free_map().allocate(want, min)?;
        Some((first as u32, count))
    }

    /// Keeps a reader's resident memory small when a peer's response goes through many segments:
    /// pages that were read stay in its page tables otherwise. Nothing is lost, a page that is
    /// needed again is found in the file, but that takes time: usual traffic stays in the segments
    /// that are kept.
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
            libc::madvise(
                self.map.start().as_ptr().cast(),
                self.map.size(),
                libc::MADV_DONTNEED,
            )
        };
    }

    /// Whether any chunk is free.
    pub fn has_free(&self) -> bool {
        self.free_map().has_free()
    }

    /// Asks the receiver to tell when it has released something.
    pub(crate) fn set_oosm(&self) {
        self.header().oosm.store(1, Ordering::SeqCst);
    }

    /// Clears the mark of a creator that found no room; whether it was set.
    pub fn take_oosm(&self) -> bool {
        // Reading first keeps the cache line shared on the usual path.
        let oosm = &self.header().oosm;
        oosm.load(Ordering::SeqCst) == 1
            && oosm
                .compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }
}

/// Chunks that data of this size takes.
pub fn chunks_for(size: usize) -> usize {
    size.div_ceil(CHUNK_SIZE)
}
