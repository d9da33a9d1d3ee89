//! A client's connection as a pair of byte streams with timeouts: what the HTTP and WebSocket
//! sides of a connection are built on.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::router::deadline::Deadline;
use crate::router::input::Input;
use crate::router::stream::Stream;

/// How long a closed connection may go on sending what nobody reads, in all and between two reads.
const LINGER: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(5));

/// Size of the buffer that the connections of a thread share.
const SHARED_SIZE: usize = 64 * 1024;

thread_local! {
    static SHARED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a wait for the client came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Bytes arrived.
    Bytes(usize),
    /// The client will send nothing more, or the connection broke.
    Closed,
    /// The deadline passed.
    TimedOut,
}

/// Why a response could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SendError {
    /// The client closed the connection, or it broke.
    #[error("connection closed by the client")]
    Closed,
    /// The client read nothing within `send_timeout`.
    #[error("client timed out")]
    TimedOut,
    /// A file became shorter than it was when its length was announced, or cannot be read.
    #[error("file changed while it was sent")]
    File,
}

/// See the module head.
pub(super) struct Client {
    /// The socket.
    pub(super) stream: Stream,
    /// What was received and is not used yet.
    pub(super) input: Input,
    /// The timer for whatever is waited for.
    pub(super) deadline: Deadline,
    /// `send_timeout`
    pub(super) send_timeout: Duration,
    /// Bytes sent since the connection last set this to zero.
    pub(super) sent: u64,
}

impl Client {
    /// A new connection.
    pub(super) fn new(stream: Stream) -> Client {
        Client {
            stream,
            input: Input::new(),
            deadline: Deadline::new(),
            send_timeout: Duration::MAX,
            sent: 0,
        }
    }

    /// Reads what is there, or waits for it until the deadline.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        let read = loop {
            match self.stream.poll_read(cx, self.input.room()) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Received::Closed),
            Poll::Ready(Ok(count)) => {
                self.input.received(count);
                Poll::Ready(Received::Bytes(count))
            }
            Poll::Pending => self.deadline.poll(cx).map(|()| Received::TimedOut),
        }
    }

    /// As [`Client::poll_receive`].
    pub(super) async fn receive(&mut self) -> Received {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// Reads into `buf` instead of the input buffer, which must be empty.
    pub(super) fn poll_receive_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Received> {
        match self.stream.poll_read(cx, buf) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Received::Closed),
            Poll::Ready(Ok(count)) => Poll::Ready(Received::Bytes(count)),
            Poll::Pending => self.deadline.poll(cx).map(|()| Received::TimedOut),
        }
    }

    /// Reads up to `limit` bytes into a buffer that all connections of the thread share, and hands
    /// them to `take` before anything else can use it.
    pub(super) fn poll_receive_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        limit: u64,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Poll<(Received, Option<T>)> {
        SHARED.with_borrow_mut(|shared| {
            if shared.is_empty() {
                shared.resize(SHARED_SIZE, 0);
            }
            let room = usize::try_from(limit).map_or(SHARED_SIZE, |limit| limit.min(SHARED_SIZE));
            self.poll_receive_into(cx, &mut shared[..room])
                .map(|received| match received {
                    Received::Bytes(count) => (received, Some(take(&shared[..count]))),
                    _ => (received, None),
                })
        })
    }

    /// Sends all of `bufs`, each time giving the client `send_timeout` to make room.
    pub(super) async fn send(&mut self, bufs: &mut [IoSlice<'_>]) -> Result<(), SendError> {
        let mut rest = bufs;
        // Skips empty pieces at the front.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let sent = self.send_some(rest).await?;
            IoSlice::advance_slices(&mut rest, sent);
        }
        Ok(())
    }

    async fn send_some(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, SendError> {
        let mut waiting = false;
        poll_fn(|cx| {
            let result = self.stream.poll_write(cx, bufs);
            self.sent_or_timed_out(cx, result, &mut waiting)
        })
        .await
    }

    /// Sends `count` bytes of a file from `offset` without copying them through this process.
    pub(super) async fn send_file(
        &mut self,
        file: BorrowedFd<'_>,
        offset: u64,
        count: u64,
    ) -> Result<(), SendError> {
        /// One sendfile(2): long enough to be cheap, short enough to let other connections run.
        const STEP: u64 = 512 * 1024;
        let mut position = i64::try_from(offset).map_err(|_| SendError::File)?;
        let mut left = count;
        while left > 0 {
            let mut waiting = false;
            let step = left.min(STEP) as usize;
            let sent = poll_fn(|cx| {
                let result = self.stream.poll_send_file(cx, file, &mut position, step);
                self.sent_or_timed_out(cx, result, &mut waiting)
            })
            .await?;
            if sent == 0 {
                return Err(SendError::File);
            }
            left = left.saturating_sub(sent as u64);
            if left > 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn sent_or_timed_out(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
        waiting: &mut bool,
    ) -> Poll<Result<usize, SendError>> {
        match result {
            Poll::Ready(Ok(count)) => {
                self.sent += count as u64;
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Err(_)) => Poll::Ready(Err(SendError::Closed)),
            Poll::Pending => {
                // The clock is read only when there is something to wait for.
                if !std::mem::replace(waiting, true) {
                    self.deadline.set(self.send_timeout);
                }
                self.deadline.poll(cx).map(|()| Err(SendError::TimedOut))
            }
        }
    }

    /// Ends the connection so that the client can read the last response even while it is still
    /// sending: closing a socket with unread bytes in it would reset the connection, and a reset
    /// destroys what the client has not read yet.
    pub(super) async fn linger(mut self) {
        if self.stream.shutdown_write().is_err() {
            return;
        }
        let (whole, pause) = LINGER;
        let end = tokio::time::Instant::now() + whole;
        loop {
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return;
            }
            self.deadline.set(left.min(pause));
            let discard = poll_fn(|cx| self.poll_receive_with(cx, u64::MAX, |_| ()));
            if !matches!(discard.await, (Received::Bytes(_), _)) {
                return;
            }
        }
    }

    /// Ends the connection at once and forgets what the kernel still holds for a client that does
    /// not read.
    pub(super) fn abort(self) {
        self.stream.reset_on_close();
    }
}
