//! The connection to a server: the request goes out while the response comes in, so that a server
//! may answer before it has read everything.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::http::response_head::{BadResponse, ResponseHead, Status};
use crate::router::body::Body;
use crate::router::client::Client;
use crate::router::deadline::Deadline;
use crate::router::proxy::body::PeerBody;
use crate::router::proxy::{Peer, ProxyError, RESPONSE_TIMEOUT, SEND_TIMEOUT};
use crate::router::stream::Stream;

/// What is received at a time, and the largest head.
const BUFFER_SIZE: usize = 64 * 1024;

/// How much of a file one system call sends.
const FILE_STEP: u64 = 512 * 1024;

/// So many sets of buffers a thread keeps for requests to come.
const MAX_KEPT: usize = 16;

/// The memory of an exchange.
#[derive(Default)]
pub(super) struct BufferSet {
    /// The head of the request.
    pub(super) request: Vec<u8>,
    /// The head of the response, parsed.
    pub(super) head: ResponseHead,
    /// Length of the head in the buffer; zero once it was used.
    pub(super) head_len: usize,
    bytes: Vec<u8>,
    filled: usize,
    /// So much behind the head was decoded.
    decoded: usize,
}

impl BufferSet {
    /// Everything received and kept.
    pub(super) fn received(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Parses the head as far as it was received.
    pub(super) fn parse_head(&mut self) -> Result<Status, BadResponse> {
        self.head.parse(&self.bytes[..self.filled])
    }

    /// Whether nothing more can be received.
    pub(super) fn is_full(&self) -> bool {
        self.filled == BUFFER_SIZE
    }

    /// Where the next bytes go.
    fn room(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes.resize(BUFFER_SIZE, 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// Forgets the first `count` bytes.
    pub(super) fn discard(&mut self, count: usize) {
        self.bytes.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// Takes what was received since the last call into the body.
    pub(super) fn decode(&mut self, body: &mut PeerBody) -> Result<(), ProxyError> {
        let start = self.head_len + self.decoded;
        self.decoded += body.decode(&mut self.bytes[start..self.filled])?;
        self.filled = self.head_len + self.decoded;
        Ok(())
    }

    /// The data behind the head.
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[self.head_len..self.filled]
    }

    /// Forgets everything received.
    pub(super) fn clear(&mut self) {
        self.head_len = 0;
        self.filled = 0;
        self.decoded = 0;
    }
}

/// The sets of buffers that a thread keeps.
#[derive(Default)]
pub(in crate::router) struct Buffers(RefCell<Vec<BufferSet>>);

impl Buffers {
    /// Takes a set.
    pub(super) fn take(self: &std::rc::Rc<Self>) -> Lent {
        Lent {
            set: self.0.borrow_mut().pop().unwrap_or_default(),
            owner: self.clone(),
        }
    }
}

/// A set of buffers that goes back to its thread when it is dropped.
pub(super) struct Lent {
    set: BufferSet,
    owner: std::rc::Rc<Buffers>,
}

impl std::ops::Deref for Lent {
    type Target = BufferSet;

    fn deref(&self) -> &BufferSet {
        &self.set
    }
}

impl std::ops::DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut BufferSet {
        &mut self.set
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut kept = self.owner.0.borrow_mut();
        if kept.len() < MAX_KEPT {
            let mut set = std::mem::take(&mut self.set);
            set.clear();
            set.head.reset();
            kept.push(set);
        }
    }
}

/// What ends a wait for the server: the client's deadline, or that the client goes away.
fn poll_client(
    cx: &mut Context<'_>,
    deadline: &mut Deadline,
    gone: Pin<&mut impl Future<Output = ()>>,
) -> Poll<ProxyError> {
    if deadline.poll(cx).is_ready() {
        return Poll::Ready(ProxyError::TimedOut);
    }
    gone.poll(cx).map(|()| ProxyError::ClientGone)
}

/// Opens a connection; the client's deadline counts.
pub(super) async fn connect(peer: &Peer, client: &mut Client) -> Result<Stream, ProxyError> {
    let mut connected = pin!(peer.connect());
    let stream = &client.stream;
    let deadline = &mut client.deadline;
    let mut broken = pin!(stream.broken());
    poll_fn(|cx| {
        if let Poll::Ready(result) = connected.as_mut().poll(cx) {
            return Poll::Ready(result.map_err(ProxyError::Connect));
        }
        poll_client(cx, deadline, broken.as_mut()).map(Err)
    })
    .await
}

/// See the module head.
pub(super) struct PeerExchange {
    stream: Stream,
    /// The request's head, and what was received.
    pub(super) buffers: Lent,
    body: Body,
    /// Bytes of head and body that were sent; `None` when there is nothing more to send.
    sent: Option<u64>,
}

impl PeerExchange {
    /// An exchange whose request has its head in the buffers.
    pub(super) fn new(stream: Stream, buffers: Lent, body: Body) -> PeerExchange {
        PeerExchange {
            stream,
            buffers,
            body,
            sent: Some(0),
        }
    }

    /// Waits for bytes of the server; zero at their end. The client's deadline counts, and moves
    /// while the request makes progress.
    pub(super) async fn receive(&mut self, client: &mut Client) -> Result<usize, ProxyError> {
        let stream = &client.stream;
        let deadline = &mut client.deadline;
        let mut broken = pin!(stream.broken());
        poll_fn(|cx| {
            self.poll_send(cx, deadline);
            match self.stream.poll_read(cx, self.buffers.set.room()) {
                Poll::Ready(Ok(count)) => {
                    self.buffers.set.filled += count;
                    return Poll::Ready(Ok(count));
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(ProxyError::Broken(error))),
                Poll::Pending => {}
            }
            poll_client(cx, deadline, broken.as_mut()).map(Err)
        })
        .await
    }

    /// Sends what the connection takes of the request.
    fn poll_send(&mut self, cx: &mut Context<'_>, deadline: &mut Deadline) {
        let Some(sent) = self.sent else { return };
        let head = self.buffers.set.request.len() as u64;
        let all = head + self.body.len();
        let rest = &self.buffers.set.request[sent.min(head) as usize..];
        let result = match &self.body {
            Body::File(file, _) if rest.is_empty() => {
                let mut offset = (sent - head) as i64;
                let step = (all - sent).min(FILE_STEP) as usize;
                self.stream
                    .poll_send_file(cx, file.as_fd(), &mut offset, step)
            }
            Body::Memory(bytes) => {
                let body = &bytes[sent.saturating_sub(head) as usize..];
                let bufs = [IoSlice::new(rest), IoSlice::new(body)];
                self.stream.poll_write(cx, &bufs)
            }
            Body::Empty | Body::File(..) => self.stream.poll_write(cx, &[IoSlice::new(rest)]),
        };
        let count = match result {
            Poll::Pending => return,
            Poll::Ready(Ok(count @ 1..)) => count as u64,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => 0,
            // It may have answered before it closed; reading will tell.
            Poll::Ready(_) => {
                self.sent = None;
                return;
            }
        };
        if sent + count == all {
            self.sent = None;
            deadline.set(RESPONSE_TIMEOUT);
        } else {
            self.sent = Some(sent + count);
            deadline.set(SEND_TIMEOUT);
            cx.waker().wake_by_ref();
        }
    }
}
