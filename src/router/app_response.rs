//! Passing an application's response to the client.
//!
//! A part is asked for only when the parts before it were sent, so a slow client slows its
//! application down instead of filling the router's memory. What is already there when something
//! is to be sent goes out in one system call, the head included.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::pin;
use std::task::{Context, Poll};

use memchr::memchr3;

use crate::conf::config::Http;
use crate::http::chunked::{LAST_CHUNK, write_chunk_size};
use crate::http::response::Framing;
use crate::router::app::chunk::Chunk;
use crate::router::app::exchange::{Exchange, FrameError, Part, ResponseHead};
use crate::router::client::SendError;
use crate::router::connection::{Connection, Next, after};
use crate::router::generation::Generation;
use crate::router::route::ActionId;
use crate::router::websocket_relay::Relay;

/// How many parts one system call sends.
const BATCH: usize = 8;

/// Nothing more is added to a batch of so many bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// The part of an [`Exchange`] that a connection uses.
pub(super) trait AppExchange {
    /// The next part of the response. After [`Part::End`] and [`Part::Failed`] there is none.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Part>;

    /// The client will send nothing more and may be gone.
    fn client_left(&mut self);

    /// Hands a whole WebSocket frame to the application; `false` if it has no room now.
    fn try_send_frame(&mut self, frame: &[u8]) -> Result<bool, FrameError>;
}

impl AppExchange for Exchange {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        Exchange::poll_next(self, cx)
    }

    fn client_left(&mut self) {
        Exchange::client_left(self);
    }

    fn try_send_frame(&mut self, frame: &[u8]) -> Result<bool, FrameError> {
        Exchange::try_send_frame(self, frame)
    }
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// As it should.
    Complete,
    /// The application failed when a part of the response was sent already.
    Cut,
}

/// Parts that go out together.
#[derive(Default)]
struct Batch {
    chunks: [Option<Chunk>; BATCH],
    count: usize,
    bytes: usize,
    ended: Option<Ended>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.count == BATCH || self.bytes >= BATCH_BYTES || self.ended.is_some()
    }

    fn add(&mut self, part: Part) {
        match part {
            Part::Data(chunk) => {
                let len = chunk.as_ref().len();
                // A chunk of no bytes would end a chunked response.
                if len > 0 {
                    self.bytes += len;
                    self.chunks[self.count] = Some(chunk);
                    self.count += 1;
                }
            }
            Part::End => self.ended = Some(Ended::Complete),
            // A second head has no place in a response.
            Part::Head(_) | Part::Failed(_) => self.ended = Some(Ended::Cut),
        }
    }

    /// Takes what is there without waiting.
    fn poll_fill(&mut self, exchange: &mut impl AppExchange, cx: &mut Context<'_>) {
        while !self.is_full() {
            match exchange.poll_next(cx) {
                Poll::Ready(part) => self.add(part),
                Poll::Pending => break,
            }
        }
    }
}

/// What is left to be told of the length of a response.
struct BodyWriter {
    chunked: bool,
    /// The response has a body on the wire.
    sent: bool,
    /// Bytes to come, if the application declared a length.
    left: Option<u64>,
    /// The application sent more than it declared.
    overrun: bool,
}

impl BodyWriter {
    /// Whether the client has all that the head says, even if the application has not said that it
    /// was all.
    fn is_whole(&self) -> bool {
        (!self.sent || self.left == Some(0)) && !self.overrun
    }

    /// Sends the output buffer, then the batch.
    async fn send(&mut self, connection: &mut Connection, batch: &Batch) -> Result<(), SendError> {
        let Connection { client, out, .. } = connection;
        let mut bytes = if self.sent { batch.bytes } else { 0 };
        if let Some(left) = &mut self.left {
            let allowed = usize::try_from(*left).map_or(bytes, |left| left.min(bytes));
            self.overrun |= self.sent && allowed < bytes;
            bytes = allowed;
            *left -= bytes as u64;
        }
        let chunked = self.chunked && self.sent;
        if chunked && bytes > 0 {
            write_chunk_size(out, bytes);
        }
        let complete = batch.ended == Some(Ended::Complete);
        let tail: &[u8] = match (chunked, bytes > 0, complete) {
            (true, true, true) => b"\r\n0\r\n\r\n",
            (true, true, false) => b"\r\n",
            (true, false, true) => LAST_CHUNK,
            _ => b"",
        };
        if bytes == 0 {
            out.extend_from_slice(tail);
            return client.send(&mut [IoSlice::new(out)]).await;
        }
        let mut slices = [IoSlice::new(&[]); BATCH + 2];
        slices[0] = IoSlice::new(out);
        let mut used = 1;
        for chunk in batch.chunks[..batch.count].iter().flatten() {
            let part = &chunk.as_ref()[..chunk.as_ref().len().min(bytes)];
            if !part.is_empty() {
                bytes -= part.len();
                slices[used] = IoSlice::new(part);
                used += 1;
            }
        }
        if !tail.is_empty() {
            slices[used] = IoSlice::new(tail);
            used += 1;
        }
        client.send(&mut slices[..used]).await
    }
}

impl Connection {
    /// Answers with what an application delivers.
    pub(super) async fn answer_from_app(
        &mut self,
        generation: &Generation,
        action: Option<ActionId>,
        exchange: &mut impl AppExchange,
    ) -> Next {
        let http = &generation.http;
        let head = match self.next_part(exchange).await {
            Some(Part::Head(head)) => head,
            Some(Part::Failed(status)) => return self.error(http, status).await,
            Some(Part::Data(_) | Part::End) => {
                crate::alert!(conn: self.request.connection, "application response without a head");
                return self.error(http, 503).await;
            }
            None => return Next::Close,
        };
        if let Err(name) = check_fields(&head) {
            let name = String::from_utf8_lossy(name).into_owned();
            crate::error!(conn: self.request.connection,
                "application response has an invalid field \"{}\"", name.escape_debug());
            return self.error(http, 503).await;
        }
        let declared = self.take_head(&head);
        let framing = self.finish_head(generation, action);
        if framing.websocket {
            return self.relay(http, exchange).await;
        }
        self.send_body(exchange, framing, declared).await
    }

    /// Makes the application's head the response to be sent; the length that it declared.
    fn take_head(&mut self, head: &ResponseHead) -> Option<u64> {
        let response = &mut self.response;
        response.status = head.status;
        response.fields.clear();
        for (name, value) in &head.fields {
            // Framing is the server's business: the body that arrives here has none.
            if !name.eq_ignore_ascii_case(b"transfer-encoding") {
                response.fields.push(name, value);
            }
        }
        // RFC 9110, 8.6: neither 1xx nor 204 may have it.
        let lengthless = matches!(head.status, 100..=199 | 204);
        if lengthless {
            response.fields.remove(b"Content-Length");
        }
        response.content_length = head.content_length.filter(|_| !lengthless);
        response.content_length
    }

    async fn send_body(
        &mut self,
        exchange: &mut impl AppExchange,
        framing: Framing,
        declared: Option<u64>,
    ) -> Next {
        let sent =
            crate::http::response::has_body(self.request.head.method(), self.response.status);
        let mut body = BodyWriter {
            chunked: framing.chunked,
            sent,
            left: declared,
            overrun: false,
        };
        // The client takes the end of the connection for the end of the body.
        let until_close = sent && !framing.chunked && declared.is_none();
        let mut guarded = false;
        let mut batch = Batch::default();
        loop {
            poll_fn(|cx| {
                batch.poll_fill(exchange, cx);
                Poll::Ready(())
            })
            .await;
            if batch.count == 0 && batch.ended.is_none() && self.out.is_empty() {
                match self.next_part(exchange).await {
                    Some(part) => batch.add(part),
                    None => return Next::Close,
                }
                continue;
            }
            if until_close && batch.ended.is_none() && !guarded {
                // Should this process die before the body is complete, nobody else could tell.
                self.client.stream.reset_on_close();
                guarded = true;
            }
            if let Err(error) = body.send(self, &batch).await {
                return error.into();
            }
            self.out.clear();
            match std::mem::take(&mut batch).ended {
                None => {}
                // Nobody is missing anything, so the next request is as welcome as before.
                Some(Ended::Cut) if body.is_whole() => return after(framing.keep_alive),
                // Others are seen to be cut without a reset.
                Some(Ended::Cut) if until_close => return Next::Abort,
                Some(Ended::Cut) => return Next::Close,
                // Too much was not sent; too little must be seen by the client, which waits.
                Some(Ended::Complete)
                    if body.overrun || (body.sent && body.left.is_some_and(|left| left > 0)) =>
                {
                    return Next::Close;
                }
                Some(Ended::Complete) => {
                    if guarded {
                        self.client.stream.close_in_order();
                    }
                    return after(framing.keep_alive);
                }
            }
        }
    }

    /// Waits for the next part; `None` if the connection breaks first. The application hears of a
    /// client that has ended its side.
    async fn next_part(&mut self, exchange: &mut impl AppExchange) -> Option<Part> {
        let stream = &self.client.stream;
        {
            let mut ended = pin!(stream.ended());
            let ended = poll_fn(|cx| {
                if let Poll::Ready(part) = exchange.poll_next(cx) {
                    return Poll::Ready(Err(part));
                }
                ended.as_mut().poll(cx).map(Ok)
            });
            match ended.await {
                Err(part) => return Some(part),
                Ok(true) => exchange.client_left(),
                Ok(false) => {}
            }
        }
        let mut broken = pin!(stream.broken());
        poll_fn(|cx| {
            if let Poll::Ready(part) = exchange.poll_next(cx) {
                return Poll::Ready(Some(part));
            }
            broken.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    async fn relay(&mut self, http: &Http, exchange: &mut impl AppExchange) -> Next {
        let number = self.request.connection;
        let first = std::mem::take(&mut self.out);
        Relay::new(&mut self.client, exchange, http, number, first)
            .run(self.worker.expired())
            .await
    }
}

/// Names and values that would break out of their line are the application's error, or somebody's
/// attempt to make it send a second response.
fn check_fields(head: &ResponseHead) -> Result<(), &[u8]> {
    let is_bad = |text: &[u8]| memchr3(b'\r', b'\n', 0, text).is_some();
    match head.fields.iter().find(|(name, value)| {
        name.is_empty() || is_bad(name) || is_bad(value) || name.contains(&b':')
    }) {
        Some((name, _)) => Err(name),
        None => Ok(()),
    }
}
