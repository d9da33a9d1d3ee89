//! The receiver's side: finding the bytes that a message names, and releasing them.

use std::collections::HashMap;
use std::ops::Deref;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use super::{CHUNK_SIZE, HEADER_SIZE, Segment, SegmentError, chunks_for};
use crate::ipc::Pid;
use crate::ipc::message::ChunkRef;

/// What runs when a release found the creator waiting for room: send it `SHM_ACK` on all its ports.
pub type OnRelease = Arc<dyn Fn() + Send + Sync>;

/// The segments that one peer process has sent to this one.
pub struct IncomingSegments {
    own_pid: Pid,
    peer_pid: Pid,
    /// Segments that the peer may send; bounds what it can make us map.
    limit: usize,
    on_release: OnRelease,
    segments: RwLock<HashMap<u32, Arc<Segment>>>,
    /// The peer found no room, and nor did we: it may be waiting for a segment whose message is
    /// still on its way to us over another port. Changed under the lock of `segments`.
    awaited: AtomicBool,
}

impl IncomingSegments {
    /// No segments yet; at most `limit` of them.
    pub fn new(own_pid: Pid, peer_pid: Pid, limit: usize, on_release: OnRelease) -> Self {
        IncomingSegments {
            own_pid,
            peer_pid,
            limit,
            on_release,
            segments: RwLock::default(),
            awaited: AtomicBool::new(false),
        }
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
        if segments.len() >= self.limit && !segments.contains_key(&id) {
            return Err(SegmentError::TooMany);
        }
        // From now on the creator may use it over all ports.
        segment.set_sent_everywhere();
        segments.insert(id, Arc::new(segment));
        let awaited = self.awaited.swap(false, Ordering::Relaxed);
        drop(segments);
        if awaited {
            (self.on_release)();
        }
        Ok(id)
    }

    /// The bytes that a message names.
    pub fn chunk(&self, chunk: ChunkRef) -> Result<SharedChunk, SegmentError> {
        let segments = self.segments.read().unwrap_or_else(|e| e.into_inner());
        let segment = segments
            .get(&chunk.segment)
            .ok_or(SegmentError::Unknown(chunk.segment))?
            .clone();
        if segment.map.is_lost() {
            return Err(SegmentError::Lost(chunk.segment));
        }
        if !segment.contains(chunk.chunk, chunk.size) {
            return Err(SegmentError::OutOfRange {
                chunk: chunk.chunk,
                size: chunk.size,
            });
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
        self.segments
            .read()
            .unwrap_or_else(|e| e.into_inner())
            .get(&id)
            .cloned()
    }

    /// The peer says that it is out of memory (`OOSM`). True: there is room already, acknowledge
    /// now. False: the segments are marked, and a release or a further segment will acknowledge.
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
        self.awaited.store(!room, Ordering::Relaxed);
        room
    }
}

impl std::fmt::Debug for IncomingSegments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IncomingSegments")
            .field("peer_pid", &self.peer_pid)
            .finish()
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
        write!(
            f,
            "segment {} chunk {} size {}",
            self.segment.id, self.chunk, self.size
        )
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
