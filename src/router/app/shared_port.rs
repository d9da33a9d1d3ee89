//! The port that all processes of an application share: the queue of requests and the socket that
//! wakes a reader of it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ipc::message::HEADER_SIZE;
use crate::ipc::queue::QueueError;
use crate::ipc::ring::Corrupt;
use crate::ipc::{AppQueue, ChunkRef, Header, Pid, kind, socket};

/// See the module head. The processes of one generation read one; when the last write end closes,
/// they finish what they have in hand and leave.
pub(crate) struct SharedPort {
    read: OwnedFd,
    write: OwnedFd,
    queue: AppQueue,
    memory: OwnedFd,
    /// The application broke the queue.
    broken: AtomicBool,
}

impl SharedPort {
    pub(crate) fn create() -> std::io::Result<SharedPort> {
        let (read, write) = socket::pair()?;
        let (queue, memory) = AppQueue::create().map_err(std::io::Error::other)?;
        Ok(SharedPort {
            read,
            write,
            queue,
            memory,
            broken: AtomicBool::new(false),
        })
    }

    /// What a prototype gets: the socket's read end and the memory of the queue.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.read.as_fd(), self.memory.as_fd()]
    }

    /// Queues a request head; the cookie that takes it back.
    pub(crate) fn send(&self, header: &Header, chunk: ChunkRef) -> Result<u32, QueueError> {
        let mut message = [0; HEADER_SIZE + ChunkRef::SIZE];
        message[..HEADER_SIZE].copy_from_slice(&header.encode());
        message[HEADER_SIZE..].copy_from_slice(&chunk.encode());
        if self.broken.load(Ordering::Relaxed) {
            return Err(Corrupt.into());
        }
        let queued = self.queue.send(&message, header.stream);
        if let Err(QueueError::Corrupt(_)) = queued {
            // Not tried again: it takes a while to find that out.
            self.broken.store(true, Ordering::Relaxed);
        }
        let queued = queued?;
        if queued.wake {
            self.wake(header);
        }
        Ok(queued.cookie)
    }

    fn wake(&self, header: &Header) {
        let wake = Header {
            kind: kind::READ_QUEUE,
            mmap: false,
            ..*header
        };
        // A full socket is full of messages that wake as well.
        let _ = socket::send(self.write.as_fd(), &wake, &[], &[]);
    }

    /// Wakes a reader, because one died: it may have taken the last wake-up without acting on it,
    /// and there is no other as long as this one counts as on its way.
    pub(crate) fn rouse(&self, own_pid: Pid) {
        self.queue.rouse();
        self.wake(&Header::new(own_pid, kind::READ_QUEUE, 0));
    }

    /// Takes a request back; false if a process has it already.
    pub(crate) fn cancel(&self, cookie: u32, stream: u32) -> bool {
        self.queue.cancel(cookie, stream)
    }

    /// Whether a request still waits for a process.
    pub(crate) fn is_waiting(&self, cookie: u32, stream: u32) -> bool {
        self.queue.is_waiting(cookie, stream)
    }
}
