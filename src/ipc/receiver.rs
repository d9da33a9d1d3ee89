//! The read end of a port.
//!
//! A writer that is killed between two of its steps leaves the port in a state that only its next
//! step would have mended:
//!
//! | killed between | left behind | then |
//! |---|---|---|
//! | item and count | a count that is one short | the first message to a sleeping reader does not wake it, until [`settle`](Receiver::settle) |
//! | count and wake-up | a message in the queue of a sleeping reader | it stays there: who hears of a death must [`receive`](Receiver::receive) |
//! | `READ_SOCKET` item and socket message | a place for a message that never comes | another one takes it, out of its order: the port must be replaced |
//!
//! The first and the last of them show as a [`Debt`].

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use super::message::{Body, HEADER_SIZE, Header, Message, kind};
use super::queue::PortQueue;
use super::reassembly::Reassembly;
use super::socket::{self, ReceiveError};
use super::{Pid, ring};

/// Socket messages that may wait for their place. An honest writer is ahead by no more than the
/// number of its threads, and seldom so.
const MAX_SUSPENDED: usize = 64;
/// Those of them that hold descriptors.
const MAX_SUSPENDED_FDS: usize = 16;

/// What a writer owes to the port. It is paid a moment later, or never: then the writer was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debt {
    /// The queue's counter is short.
    Count,
    /// The socket message of the item of this number.
    Message(u64),
}

/// The read end of a port.
///
/// Call [`Receiver::receive`] until it returns `Ok(None)`, then wait until the descriptor is
/// readable. `Ok(None)` always follows an empty socket, so that edge-triggered waiting is safe.
#[derive(Debug)]
pub struct Receiver {
    socket: OwnedFd,
    queue: Option<PortQueue>,
    /// The queue's writers know that this reader is awake.
    awake: bool,
    /// A `READ_SOCKET` item was seen whose message is still to come.
    promised: bool,
    /// How many such items were seen.
    promises: u64,
    /// What the counter was when this reader last went to sleep, if less than 0.
    short: i32,
    suspended: VecDeque<Message>,
    reassembly: Reassembly,
    /// Messages that belong together may come in pieces.
    fragments: bool,
}

impl Receiver {
    /// Takes a nonblocking socket, and the queue of a port that has one.
    pub fn new(socket: OwnedFd, queue: Option<PortQueue>) -> Self {
        Receiver {
            socket,
            queue,
            awake: false,
            promised: false,
            promises: 0,
            short: 0,
            suspended: VecDeque::new(),
            reassembly: Reassembly::default(),
            fragments: true,
        }
    }

    /// Refuses messages in fragments: of peers that have no reason to send any.
    pub fn without_fragments(mut self) -> Self {
        self.fragments = false;
        self
    }

    /// The next message; `None` if there is none now. After [`ReceiveError::Malformed`] go on.
    pub fn receive(&mut self) -> Result<Option<Message>, ReceiveError> {
        loop {
            let message = self.receive_ordered()?;
            let Some(message) = message else {
                return Ok(None);
            };
            if message.header.kind == kind::READ_QUEUE {
                continue;
            }
            if !self.fragments && (message.header.mf || message.header.nf) {
                return Err(ReceiveError::Malformed("unexpected fragment"));
            }
            if let Some(whole) = self.reassembly.accept(message)? {
                return Ok(Some(whole));
            }
        }
    }

    /// The socket again; unfinished messages are dropped.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Drops the unfinished messages of a dead process.
    pub fn forget_peer(&mut self, pid: Pid) {
        self.reassembly.forget_peer(pid);
    }

    /// What is owed to the port, after [`receive`](Receiver::receive) found nothing more.
    pub fn debt(&self) -> Option<Debt> {
        match (self.promised, self.short) {
            (true, _) => Some(Debt::Message(self.promises)),
            (false, 0) => None,
            (false, _) => Some(Debt::Count),
        }
    }

    /// Makes the counter good: call it when the debt is an old one, and [`receive`](Receiver::receive)
    /// after it. A writer that counts after all does no harm.
    pub fn settle(&mut self) {
        if let Some(queue) = &self.queue {
            queue.correct(self.short);
            self.short = 0;
        }
    }

    fn receive_ordered(&mut self) -> Result<Option<Message>, ReceiveError> {
        let Some(queue) = &self.queue else {
            return socket::receive(self.socket.as_fd());
        };
        if !self.awake {
            queue.reader_awake();
            self.awake = true;
        }
        loop {
            if !self.promised {
                match dequeue(queue)? {
                    Dequeued::Message(message) => return Ok(Some(message)),
                    Dequeued::ReadSocket => {
                        self.promised = true;
                        self.promises += 1;
                        continue;
                    }
                    Dequeued::Nothing => {}
                }
            } else if let Some(message) = self.suspended.pop_front() {
                self.promised = false;
                return Ok(Some(message));
            }

            let Some(message) = socket::receive(self.socket.as_fd())? else {
                let count = queue.reader_idle();
                self.awake = false;
                self.short = count.min(0);
                if self.promised {
                    return Ok(None);
                }
                // What was put in before the counter fell gave no wake-up.
                let mut found = dequeue(queue)?;
                if count > 0 && matches!(found, Dequeued::Nothing) {
                    // Each count follows its item: there are too many. The next item would wake
                    // nobody, nor does one that has come by now.
                    queue.correct(count);
                    found = dequeue(queue)?;
                }
                match found {
                    Dequeued::Nothing => return Ok(None),
                    found => {
                        queue.reader_awake();
                        self.awake = true;
                        match found {
                            Dequeued::Message(message) => return Ok(Some(message)),
                            _ => {
                                self.promised = true;
                                self.promises += 1;
                            }
                        }
                        continue;
                    }
                }
            };
            if message.header.kind == kind::READ_QUEUE {
                continue;
            }
            if self.promised {
                self.promised = false;
                return Ok(Some(message));
            }
            let has_fds = |message: &Message| message.fds[0].is_some();
            let held = self.suspended.iter().filter(|m| has_fds(m)).count();
            if self.suspended.len() >= MAX_SUSPENDED
                || (has_fds(&message) && held >= MAX_SUSPENDED_FDS)
            {
                return Err(ReceiveError::Malformed(
                    "socket message without a place in the queue",
                ));
            }
            self.suspended.push_back(message);
        }
    }
}

fn dequeue(queue: &PortQueue) -> Result<Dequeued, ReceiveError> {
    let item = queue
        .receive()
        .map_err(|ring::Corrupt| ReceiveError::Corrupt)?;
    let Some(item) = item else {
        return Ok(Dequeued::Nothing);
    };
    let bytes = item.bytes();
    if bytes == [kind::READ_SOCKET] {
        return Ok(Dequeued::ReadSocket);
    }
    let header =
        Header::decode(bytes).ok_or(ReceiveError::Malformed("queue item without a header"))?;
    let body = Body::new(&bytes[HEADER_SIZE..]);
    Ok(Dequeued::Message(Message {
        header,
        body,
        ..Message::default()
    }))
}

enum Dequeued {
    Message(Message),
    ReadSocket,
    Nothing,
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Receiver {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::Sender;
    use nix::poll::{PollFd, PollFlags, poll};

    fn port() -> (Receiver, Sender, PortQueue) {
        let (read, write) = socket::pair().unwrap();
        let (queue, fd) = PortQueue::create().unwrap();
        let reader = PortQueue::map(fd.as_fd()).unwrap();
        (
            Receiver::new(read, Some(reader)),
            Sender::new(write, Some(queue.clone())),
            queue,
        )
    }

    fn header(stream: u32) -> Header {
        Header::new(1, kind::DATA, stream)
    }

    fn is_woken(receiver: &Receiver) -> bool {
        let mut fds = [PollFd::new(receiver.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, 0u8).unwrap() == 1
    }

    fn streams(receiver: &mut Receiver) -> Vec<u32> {
        std::iter::from_fn(|| receiver.receive().unwrap())
            .map(|message| message.header.stream)
            .collect()
    }

    #[test]
    fn a_count_that_a_dead_writer_owes_is_made_good() {
        let (mut receiver, sender, queue) = port();
        assert!(streams(&mut receiver).is_empty());
        for stream in 1..=3 {
            queue.send_without_count(&header(stream).encode()).unwrap();
        }
        assert_eq!(streams(&mut receiver), [1, 2, 3]);
        assert_eq!(receiver.debt(), Some(Debt::Count));
        sender.send(&header(4), b"", &[]).unwrap();
        assert!(!is_woken(&receiver), "this is what is to be mended");
        receiver.settle();
        assert_eq!(streams(&mut receiver), [4]);
        assert_eq!(receiver.debt(), None);
        sender.send(&header(5), b"", &[]).unwrap();
        assert!(is_woken(&receiver));
        assert_eq!(streams(&mut receiver), [5]);
    }

    #[test]
    fn a_count_that_comes_after_all_does_no_harm() {
        let (mut receiver, sender, queue) = port();
        queue.send_without_count(&header(1).encode()).unwrap();
        assert_eq!(streams(&mut receiver), [1]);
        receiver.settle();
        assert!(streams(&mut receiver).is_empty());
        assert!(queue.count_late(), "this writer wakes the reader");
        assert!(streams(&mut receiver).is_empty());
        assert_eq!((queue.count(), receiver.debt()), (0, None));
        // Paid before it is settled.
        queue.send_without_count(&header(1).encode()).unwrap();
        assert_eq!(streams(&mut receiver), [1]);
        assert!(!queue.count_late());
        receiver.settle();
        assert!(streams(&mut receiver).is_empty());
        assert_eq!((queue.count(), receiver.debt()), (0, None));
        sender.send(&header(2), b"", &[]).unwrap();
        assert!(is_woken(&receiver));
        assert_eq!(streams(&mut receiver), [2]);
    }

    #[test]
    fn a_message_that_does_not_come_is_owed() {
        let (mut receiver, sender, queue) = port();
        queue.send(&[kind::READ_SOCKET]).unwrap();
        sender.send(&header(2), b"", &[]).unwrap();
        assert!(streams(&mut receiver).is_empty());
        assert_eq!(receiver.debt(), Some(Debt::Message(1)));
        socket::send(sender.as_fd(), &header(1), &[0; 100], &[]).unwrap();
        assert_eq!(streams(&mut receiver), [1, 2]);
        assert_eq!(receiver.debt(), None);
        queue.send(&[kind::READ_SOCKET]).unwrap();
        assert!(streams(&mut receiver).is_empty());
        assert_eq!(receiver.debt(), Some(Debt::Message(2)));
    }
}
