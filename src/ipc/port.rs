//! The write end of a port, [`Sender`]; its read end is the [`Receiver`].
//!
//! A port with a queue has two channels, and the order of messages across them is kept like this:
//! a message that cannot go through the queue (too long, with descriptors) goes through the socket,
//! and a one-byte `READ_SOCKET` item in the queue holds its place. The reader that meets the item
//! turns to the socket; a socket message that it meets too early waits for its item. `READ_QUEUE`
//! on the socket only wakes.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::message::{ChunkRef, HEADER_SIZE, Header, MAX_BODY, kind};
use super::outbox::Outbox;
use super::queue::{MAX_MESSAGE, PortQueue, QueueError};
use super::receiver::Receiver;
use super::socket::{self, SendError};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The kernel or the queue has it.
    Done,
    /// It waits in this process: call [`Sender::flush`] when the descriptor becomes writable.
    Pending,
}

/// The write end of a port. It can be shared between threads.
#[derive(Debug)]
pub struct Sender {
    socket: OwnedFd,
    queue: Option<PortQueue>,
    outbox: Mutex<Outbox>,
    pending: AtomicBool,
    /// The peer broke the queue.
    broken: AtomicBool,
}

impl Sender {
    /// Takes a nonblocking socket, and the queue of a port that has one.
    pub fn new(socket: OwnedFd, queue: Option<PortQueue>) -> Self {
        Sender {
            socket,
            queue,
            outbox: Mutex::default(),
            pending: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        }
    }

    /// Whether the port has a queue.
    pub fn has_queue(&self) -> bool {
        self.queue.is_some()
    }

    /// Gives a port its queue, which arrives later than its socket (`PROCESS_READY`).
    pub fn set_queue(&mut self, queue: PortQueue) {
        self.queue = Some(queue);
    }

    /// Sends a message, in fragments if it is long, with at most two descriptors. They are
    /// borrowed: to hand a descriptor over, drop it after the call.
    pub fn send(
        &self,
        header: &Header,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<Sent, SendError> {
        if let Some(queue) = &self.queue
            && header.kind != kind::READ_QUEUE
            && fds.is_empty()
            && HEADER_SIZE + body.len() <= MAX_MESSAGE
        {
            let mut item = [0; MAX_MESSAGE];
            item[..HEADER_SIZE].copy_from_slice(&header.encode());
            item[HEADER_SIZE..HEADER_SIZE + body.len()].copy_from_slice(body);
            let wake = self.enqueue(queue, &item[..HEADER_SIZE + body.len()])?;
            if !wake {
                return Ok(Sent::Done);
            }
            let wake = Header {
                kind: kind::READ_QUEUE,
                ..*header
            };
            return self.send_datagram(&wake, &[], &[]);
        }
        if body.len() <= MAX_BODY {
            return self.send_in_order(header, body, fds);
        }

        let mut sent = Sent::Done;
        let count = body.len().div_ceil(MAX_BODY);
        for (i, part) in body.chunks(MAX_BODY).enumerate() {
            let header = Header {
                nf: i > 0,
                mf: i + 1 < count,
                ..*header
            };
            sent = self.send_in_order(&header, part, if i == 0 { fds } else { &[] })?;
        }
        Ok(sent)
    }

    /// Sends a message whose body lies in shared memory.
    pub fn send_chunks(&self, header: &Header, chunks: &[ChunkRef]) -> Result<Sent, SendError> {
        let header = Header {
            mmap: true,
            ..*header
        };
        match chunks {
            [one] => self.send(&header, &one.encode(), &[]),
            many => {
                let body: Vec<u8> = many.iter().flat_map(|c| c.encode()).collect();
                self.send(&header, &body, &[])
            }
        }
    }

    /// Sends through the socket, with its place in the queue kept if there is one. Both happen under
    /// one lock: the messages of several threads must lie in the socket in the order of their
    /// places, or the reader takes one of them before what its thread had sent earlier. The message
    /// itself wakes the reader.
    fn send_in_order(
        &self,
        header: &Header,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<Sent, SendError> {
        let mut outbox = self.outbox.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(queue) = &self.queue
            && header.kind != kind::READ_QUEUE
        {
            self.enqueue(queue, &[kind::READ_SOCKET])?;
        }
        self.send_or_keep(&mut outbox, header, body, fds)
    }

    fn send_datagram(
        &self,
        header: &Header,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<Sent, SendError> {
        let mut outbox = self.outbox.lock().unwrap_or_else(|e| e.into_inner());
        self.send_or_keep(&mut outbox, header, body, fds)
    }

    fn send_or_keep(
        &self,
        outbox: &mut Outbox,
        header: &Header,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<Sent, SendError> {
        if outbox.is_empty() {
            match socket::send(self.socket.as_fd(), header, body, fds) {
                Ok(()) => return Ok(Sent::Done),
                Err(SendError::Full) => {}
                Err(error) => return Err(error),
            }
        }
        outbox.push(header, body, fds)?;
        self.pending.store(true, Ordering::Release);
        Ok(Sent::Pending)
    }

    /// Puts an item into the queue; whether the reader must be woken.
    fn enqueue(&self, queue: &PortQueue, item: &[u8]) -> Result<bool, SendError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(SendError::Closed);
        }
        queue.send(item).map_err(|error| match error {
            QueueError::Full | QueueError::TooLong => SendError::Full,
            QueueError::Corrupt(_) => {
                self.broken.store(true, Ordering::Relaxed);
                SendError::Corrupt
            }
        })
    }

    /// Sends what waits, as far as the socket takes it; whether nothing waits any more.
    pub fn flush(&self) -> Result<bool, SendError> {
        let mut outbox = self.outbox.lock().unwrap_or_else(|e| e.into_inner());
        let result = outbox.flush(self.socket.as_fd());
        self.pending.store(!outbox.is_empty(), Ordering::Release);
        result
    }

    /// Whether the reader is gone.
    pub fn is_closed(&self) -> bool {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
        let polled = poll(&mut fds, PollTimeout::ZERO);
        let hung_up = fds[0]
            .revents()
            .is_some_and(|events| events.contains(PollFlags::POLLHUP));
        polled.is_ok() && hung_up
    }

    /// The socket again; what waits for it is dropped.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Whether messages wait for the socket.
    pub fn has_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }
}

impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Sender {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// A new port of this process without a queue: its read end and its write end.
pub fn create() -> Result<(Receiver, OwnedFd), nix::errno::Errno> {
    let (read, write) = socket::pair()?;
    Ok((Receiver::new(read, None), write))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::ReceiveError;
    use std::sync::Arc;

    fn with_queue() -> (Receiver, Sender) {
        let (read, write) = socket::pair().unwrap();
        let (queue, fd) = PortQueue::create().unwrap();
        let reader = PortQueue::map(fd.as_fd()).unwrap();
        (
            Receiver::new(read, Some(reader)),
            Sender::new(write, Some(queue)),
        )
    }

    fn header(stream: u32) -> Header {
        Header::new(1, kind::DATA, stream)
    }

    #[test]
    fn both_channels_keep_one_order() {
        let (mut receiver, sender) = with_queue();
        let file = std::fs::File::open("/dev/null").unwrap();
        let long = vec![7; 5000];
        let huge = vec![9; 3 * MAX_BODY + 1];
        for round in 0..50 {
            let base = round * 10;
            sender.send(&header(base), b"short", &[]).unwrap();
            sender.send(&header(base + 1), &long, &[]).unwrap();
            sender.send(&header(base + 2), b"", &[]).unwrap();
            sender
                .send(&header(base + 3), b"", &[file.as_fd()])
                .unwrap();
            sender
                .send(&header(base + 4), &huge, &[file.as_fd()])
                .unwrap();
            sender.send(&header(base + 5), b"end", &[]).unwrap();
            for i in 0..6 {
                let m = receiver.receive().unwrap().unwrap();
                assert_eq!(m.header.stream, base + i);
                assert_eq!(m.fds[0].is_some(), i == 3 || i == 4);
                match i {
                    1 => assert_eq!(&*m.body, &long[..]),
                    4 => assert_eq!(&*m.body, &huge[..]),
                    _ => {}
                }
            }
            assert!(receiver.receive().unwrap().is_none());
        }
    }

    #[test]
    fn a_waiting_reader_is_woken() {
        let (mut receiver, sender) = with_queue();
        assert!(receiver.receive().unwrap().is_none());
        let readable = |r: &Receiver| {
            poll(&mut [PollFd::new(r.as_fd(), PollFlags::POLLIN)], 0u8).unwrap() == 1
        };
        assert!(!readable(&receiver));
        for _ in 0..3 {
            sender.send(&header(1), b"", &[]).unwrap();
            assert!(readable(&receiver));
            assert!(receiver.receive().unwrap().is_some());
            assert!(receiver.receive().unwrap().is_none());
            assert!(!readable(&receiver));
        }
    }

    #[test]
    fn a_full_socket_keeps_messages_and_order() {
        for queue in [false, true] {
            let (mut receiver, sender) = if queue {
                with_queue()
            } else {
                let (receiver, write) = create().unwrap();
                (receiver, Sender::new(write, None))
            };
            let body = vec![1; 8000];
            let mut sent = 0;
            while sender
                .send(&header(sent), &body, &[sender.as_fd()])
                .unwrap()
                == Sent::Done
            {
                sent += 1;
            }
            assert!(sender.has_pending());
            sender.send(&header(sent + 1), b"last", &[]).unwrap();
            let mut next = 0;
            while next <= sent + 1 {
                match receiver.receive().unwrap() {
                    Some(m) => {
                        assert_eq!(m.header.stream, next);
                        assert_eq!(m.fds[0].is_some(), next <= sent);
                        next += 1;
                    }
                    None => {
                        sender.flush().unwrap();
                    }
                }
            }
            assert!(!sender.has_pending());
        }
    }

    #[test]
    fn many_threads_one_reader() {
        let (mut receiver, sender) = with_queue();
        let sender = Arc::new(sender);
        std::thread::scope(|s| {
            for t in 0..3u32 {
                let sender = sender.clone();
                s.spawn(move || {
                    for i in 0..2000u32 {
                        let h = header(t << 16 | i);
                        let body: &[u8] = if i % 7 == 0 { &[5; 200] } else { b"abc" };
                        loop {
                            match sender.send(&h, body, &[]) {
                                Ok(_) => break,
                                Err(SendError::Full) => std::thread::yield_now(),
                                Err(e) => panic!("{e}"),
                            }
                        }
                    }
                });
            }
            let mut next = [0u32; 3];
            while next != [2000; 3] {
                match receiver.receive().unwrap() {
                    Some(m) => {
                        let (t, i) = (m.header.stream >> 16, m.header.stream & 0xFFFF);
                        assert_eq!(next[t as usize], i);
                        assert_eq!(m.body.len(), if i % 7 == 0 { 200 } else { 3 });
                        next[t as usize] += 1;
                    }
                    None => {
                        sender.flush().unwrap();
                        let mut fds = [PollFd::new(receiver.as_fd(), PollFlags::POLLIN)];
                        assert_eq!(poll(&mut fds, 5000u16).unwrap(), 1, "a wake-up was lost");
                    }
                }
            }
        });
    }

    #[test]
    fn malformed_items_do_not_stop_the_port() {
        let (mut receiver, sender) = with_queue();
        let queue = sender.queue.clone().unwrap();
        queue.send(b"junk").unwrap();
        queue.send(&[kind::READ_SOCKET]).unwrap();
        queue.send(&header(4).encode()).unwrap();
        assert!(matches!(
            receiver.receive(),
            Err(ReceiveError::Malformed(_))
        ));
        // The promised socket message does not come: nothing can be delivered, nothing spins.
        assert!(receiver.receive().unwrap().is_none());
        socket::send(sender.as_fd(), &header(3), b"", &[]).unwrap();
        assert_eq!(receiver.receive().unwrap().unwrap().header.stream, 3);
        assert_eq!(receiver.receive().unwrap().unwrap().header.stream, 4);
    }
}
