//! The `proxy` action: passing a request to another HTTP/1.1 server and its response back.
//!
//! Each request has a connection of its own (`Connection: close`). The request was received whole
//! before (`router/request_body`). Of the response one buffer is held at a time: the next part is
//! read when the client took the last one. What may be told only to the next server (RFC 9110,
//! 7.6.1) stays here, and a response whose length is doubtful is refused, so that the two sides of
//! this server always agree on where a message ends.

mod body;
mod exchange;
mod head;
mod peer;

use std::io::IoSlice;
use std::time::Duration;

use crate::http::chunked::{LAST_CHUNK, write_chunk_size};
use crate::http::response::has_body;
use crate::http::response_head::{BadResponse, Status};
use crate::router::client::SendError;
use crate::router::connection::{Connection, Next, after};
use crate::router::generation::Generation;
use crate::router::route::ActionId;
use body::PeerBody;
pub(super) use exchange::Buffers;
use exchange::PeerExchange;
pub(super) use peer::Peer;

/// From the start of connecting to the established connection, and from the sent request to the
/// head of the response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two successful writes of a request.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two reads of the body of a response.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The status of a response that only a request to change the protocol may get.
const SWITCHING_PROTOCOLS: u16 = 101;

/// Why a request has no response of the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProxyError {
    /// The client's connection broke.
    #[error("connection closed by the client")]
    ClientGone,
    /// There is no connection.
    #[error("connect() failed: {0}")]
    Connect(std::io::Error),
    /// The connection broke.
    #[error("connection broken: {0}")]
    Broken(std::io::Error),
    /// The server closed the connection before its head was complete.
    #[error("connection closed before a response")]
    Closed,
    /// Nothing came in time.
    #[error("timed out")]
    TimedOut,
    /// The head does not fit the buffer.
    #[error("the head of the response is too large")]
    HeadTooLarge,
    /// The head cannot be passed on.
    #[error("{0}")]
    Head(#[from] BadResponse),
    /// Nobody asked to switch protocols.
    #[error("unexpected status 101")]
    Switching,
    /// The chunks break the syntax.
    #[error("malformed chunked body")]
    Body,
}

impl ProxyError {
    /// The status that answers the client, if it is there.
    fn status(&self) -> Option<u16> {
        match self {
            ProxyError::ClientGone => None,
            ProxyError::TimedOut => Some(504),
            _ => Some(502),
        }
    }
}

/// A response, its head parsed, and as much of the body as came with it.
struct Received {
    exchange: PeerExchange,
    body: PeerBody,
}

impl Connection {
    /// Answers with the response of another server.
    pub(super) async fn pass_to_peer(
        &mut self,
        generation: &Generation,
        action: Option<ActionId>,
        peer: &Peer,
    ) -> Next {
        let received = match self.ask_peer(peer).await {
            Ok(received) => received,
            Err(error) => {
                let Some(status) = error.status() else {
                    return Next::Close;
                };
                crate::error!(conn: self.request.connection, "upstream {peer}: {error}");
                return self.error(&generation.http, status).await;
            }
        };
        self.take_peer_head(&received);
        let framing = self.finish_head(generation, action);
        let keep_alive = framing.keep_alive;
        match self.send_peer_body(received, framing.chunked).await {
            Ok(()) => after(keep_alive),
            Err(Cut::Client(error)) => error.into(),
            Err(Cut::Peer(error)) => {
                if !matches!(error, ProxyError::ClientGone) {
                    crate::error!(conn: self.request.connection, "upstream {peer}: {error}");
                }
                // The missing rest tells the client.
                Next::Close
            }
        }
    }

    /// Sends the request and receives the head of the response.
    async fn ask_peer(&mut self, peer: &Peer) -> Result<Received, ProxyError> {
        let mut buffers = self.worker.proxy_buffers.take();
        head::write(&mut buffers.request, &self.request, peer);
        self.client.deadline.set(RESPONSE_TIMEOUT);
        let stream = exchange::connect(peer, &mut self.client).await?;
        let body = std::mem::take(&mut self.request.body);
        let mut exchange = PeerExchange::new(stream, buffers, body);
        loop {
            let buffers = &mut exchange.buffers;
            match buffers.parse_head()? {
                // An interim response; the final one follows.
                Status::Complete(used) if buffers.head.status < 200 => {
                    if buffers.head.status == SWITCHING_PROTOCOLS {
                        return Err(ProxyError::Switching);
                    }
                    buffers.discard(used);
                    buffers.head.reset();
                    continue;
                }
                Status::Complete(used) => {
                    buffers.head_len = used;
                    break;
                }
                Status::Partial if buffers.is_full() => return Err(ProxyError::HeadTooLarge),
                Status::Partial => {}
            }
            if exchange.receive(&mut self.client).await? == 0 {
                return Err(ProxyError::Closed);
            }
        }
        let buffers = &exchange.buffers;
        let length = buffers.head.body_length(buffers.received())?;
        let expected = has_body(self.request.head.method(), buffers.head.status);
        let mut body = PeerBody::new(expected.then_some(length));
        // A body that is broken from its start still gets an error page.
        exchange.buffers.decode(&mut body)?;
        while body.awaits_trailer() {
            self.client.deadline.set(READ_TIMEOUT);
            if exchange.buffers.is_full() {
                return Err(ProxyError::Body);
            }
            if exchange.receive(&mut self.client).await? == 0 {
                return Err(ProxyError::Closed);
            }
            exchange.buffers.decode(&mut body)?;
        }
        Ok(Received { exchange, body })
    }

    /// Makes the head that was received the response to be sent.
    fn take_peer_head(&mut self, received: &Received) {
        let buffers = &received.exchange.buffers;
        let response = &mut self.response;
        response.status = buffers.head.status;
        response.fields.clear();
        head::pass_on(&buffers.head, buffers.received(), &mut response.fields);
        // RFC 9110, 8.6: 204 may not have it.
        if response.status == 204 {
            response.fields.remove(b"Content-Length");
        }
        response.content_length = None;
    }

    /// Sends the head in the output buffer and the body as it comes.
    async fn send_peer_body(&mut self, received: Received, chunked: bool) -> Result<(), Cut> {
        let Received {
            mut exchange,
            mut body,
        } = received;
        loop {
            let ended = body.has_ended();
            let payload = exchange.buffers.payload();
            if !payload.is_empty() || ended || !self.out.is_empty() {
                self.send_part(payload, chunked, ended).await?;
            }
            if ended {
                return Ok(());
            }
            exchange.buffers.clear();
            self.client.deadline.set(READ_TIMEOUT);
            match exchange.receive(&mut self.client).await {
                Ok(0) => body.close().map_err(|_| Cut::Peer(ProxyError::Closed))?,
                Ok(_) => exchange.buffers.decode(&mut body).map_err(Cut::Peer)?,
                Err(error) => return Err(Cut::Peer(error)),
            }
        }
    }

    /// Sends what is in the output buffer, then a part of the body.
    async fn send_part(&mut self, part: &[u8], chunked: bool, last: bool) -> Result<(), Cut> {
        let Connection { client, out, .. } = self;
        if chunked && !part.is_empty() {
            write_chunk_size(out, part.len());
        }
        let tail: &[u8] = match (chunked, part.is_empty(), last) {
            (true, false, true) => b"\r\n0\r\n\r\n",
            (true, false, false) => b"\r\n",
            (true, true, true) => LAST_CHUNK,
            _ => b"",
        };
        let mut bufs = [IoSlice::new(out), IoSlice::new(part), IoSlice::new(tail)];
        client.send(&mut bufs).await.map_err(Cut::Client)?;
        out.clear();
        Ok(())
    }
}

/// Why a response ends before it is complete.
#[derive(Debug)]
enum Cut {
    Client(SendError),
    Peer(ProxyError),
}
