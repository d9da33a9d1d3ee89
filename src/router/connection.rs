//! The life of a client's connection: requests are read, answered in order, and the connection
//! goes on or is closed in a way that the client can follow.

use std::future::poll_fn;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::Poll;

use crate::conf::config::Http;
use crate::http::field::field_hash;
use crate::http::request::{BodyLength, HeadError, Limits, RequestHead, Status};
use crate::http::response::{self, Response, write_head, write_idle_timeout};
use crate::http::status::write_error_page;
use crate::router::client::{Client, Received, SendError};
use crate::router::listener::{Binding, Listener, Registration};
use crate::router::request::{Address, Request};
use crate::router::request_body::{BodySettings, receive_body};
use crate::router::stream::Stream;
use crate::router::worker::Worker;
use crate::sys::accept::Peer;

/// A buffer for outgoing heads that grew beyond this is given back after the response.
const OUTPUT_KEPT: usize = 16 * 1024;

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It waits for another request.
    KeepAlive,
    /// It is closed; everything the client sent was read.
    Close,
    /// It is closed once the client had time to read the last response.
    Linger,
    /// It is reset: the client does not read, or must see that the response is not complete.
    Abort,
}

impl From<SendError> for Next {
    fn from(error: SendError) -> Next {
        match error {
            SendError::Closed => Next::Close,
            SendError::TimedOut | SendError::File => Next::Abort,
        }
    }
}

/// A connection and the memory it reuses from request to request.
pub(super) struct Connection {
    /// The socket.
    pub(super) client: Client,
    /// The request being served.
    pub(super) request: Request,
    /// Bytes to be sent.
    pub(super) out: Vec<u8>,
    /// The response being built.
    pub(super) response: Response,
    /// The thread.
    pub(super) worker: Rc<Worker>,
    registration: Registration,
    counted: Counted,
}

/// Keeps the worker's counters right, whatever way a connection ends.
struct Counted {
    worker: Rc<Worker>,
    idle: bool,
}

impl Counted {
    fn set_idle(&mut self, idle: bool) {
        match (self.idle, idle) {
            (false, true) => self.worker.counters.idle.increment(),
            (true, false) => self.worker.counters.idle.decrement(),
            _ => {}
        }
        self.idle = idle;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.set_idle(false);
        self.worker.counters.closed.increment();
    }
}

/// Serves one accepted socket until it is closed.
pub(super) async fn serve(
    worker: Rc<Worker>,
    listener: Rc<Listener>,
    fd: OwnedFd,
    peer: Peer,
    number: u64,
) {
    let counted = Counted { worker: worker.clone(), idle: false };
    let stream = match Stream::accepted(fd, &peer) {
        Ok(stream) => stream,
        Err(error) => {
            crate::alert!(conn: number, "cannot watch a connection: {error}");
            return;
        }
    };
    let remote = match peer {
        Peer::Inet(address) => Address::Ip(address),
        Peer::Unix => Address::Unix(Vec::new()),
    };
    let local = match &listener.local {
        Address::Ip(address) if address.ip().is_unspecified() => stream.local_address(),
        _ => None,
    };
    let local = local.unwrap_or_else(|| listener.local.clone());
    let connection = Connection {
        client: Client::new(stream),
        request: Request::new(remote, local, false, number),
        out: Vec::new(),
        response: Response::default(),
        worker,
        registration: Registration::new(listener),
        counted,
    };
    connection.run().await;
}

/// What a wait for the next request came to.
enum Wait {
    /// Its first bytes are there.
    Request(Rc<Binding>),
    /// None came in time, or the listener was removed.
    Silent,
    Closed,
}

impl Connection {
    async fn run(mut self) {
        let next = loop {
            let next = match self.wait().await {
                Wait::Request(binding) => self.exchange(&binding).await,
                Wait::Silent => self.refuse_to_wait().await,
                Wait::Closed => Next::Close,
            };
            if next != Next::KeepAlive {
                break next;
            }
            self.out.clear();
            if self.out.capacity() > OUTPUT_KEPT {
                self.out = Vec::new();
            }
        };
        match next {
            Next::KeepAlive | Next::Close => {}
            Next::Linger => self.client.linger().await,
            Next::Abort => self.client.abort(),
        }
    }

    /// Waits for the first bytes of a request.
    async fn wait(&mut self) -> Wait {
        let Some(binding) = self.registration.listener().binding() else {
            return Wait::Silent;
        };
        if !self.client.input.is_empty() {
            return Wait::Request(binding);
        }
        self.counted.set_idle(true);
        self.client.input.shrink();
        self.client.deadline.set(binding.generation.http.idle_timeout);
        drop(binding);
        let Connection { client, registration, .. } = self;
        let received = poll_fn(|cx| {
            // Asked first: a removed listener serves no request any more, even if one is there.
            if registration.listener().is_removed() {
                return Poll::Ready(Received::TimedOut);
            }
            registration.watch(cx.waker());
            client.poll_receive(cx)
        })
        .await;
        self.counted.set_idle(false);
        match (received, self.registration.listener().binding()) {
            (Received::Bytes(_), Some(binding)) => Wait::Request(binding),
            (Received::Closed, _) => Wait::Closed,
            _ => Wait::Silent,
        }
    }

    async fn refuse_to_wait(&mut self) -> Next {
        self.out.clear();
        write_idle_timeout(&mut self.out);
        self.send_out(Next::Linger).await
    }

    /// Serves one request, whose first bytes are in the input buffer.
    async fn exchange(&mut self, binding: &Binding) -> Next {
        let http = &binding.generation.http;
        self.worker.counters.requests.increment();
        self.client.send_timeout = http.send_timeout;
        self.request.reset();
        self.request.log_route = http.log_route;
        let length = match self.receive_head(http).await {
            Ok(length) => length,
            Err(refusal) => return self.refuse(http, refusal).await,
        };
        if http.log_route {
            let line = String::from_utf8_lossy(self.request.head.request_line());
            crate::notice!(conn: self.request.connection, "http request line \"{line}\"");
        }
        if length != BodyLength::Known(0)
            && let Err(refusal) = self.receive_body(http, length).await
        {
            return self.refuse(http, refusal).await;
        }
        let next = self.respond(binding).await;
        match next {
            Next::Close if !self.client.input.is_empty() => Next::Linger,
            next => next,
        }
    }

    /// Reads the rest of a head; how its body is framed.
    async fn receive_head(&mut self, http: &Http) -> Result<BodyLength, Refusal> {
        let limits = Limits::from(http);
        let mut timed = false;
        loop {
            let head = &mut self.request.head;
            match head.parse(self.client.input.data(), &limits)? {
                Status::Complete(used) => {
                    self.client.input.take(used);
                    return Ok(head.body_length(&limits)?);
                }
                Status::Partial => {}
            }
            if !std::mem::replace(&mut timed, true) {
                self.client.deadline.set(http.header_read_timeout);
            }
            match self.client.receive().await {
                Received::Bytes(_) => {}
                Received::Closed => return Err(Refusal::Silent),
                Received::TimedOut => return Err(Refusal::Status(408)),
            }
        }
    }

    async fn receive_body(&mut self, http: &Http, length: BodyLength) -> Result<(), Refusal> {
        if self.client.input.is_empty() && expects_continue(&self.request.head) {
            let mut go_on = [IoSlice::new(b"HTTP/1.1 100 Continue\r\n\r\n")];
            self.client.send(&mut go_on).await.map_err(|_| Refusal::Silent)?;
        }
        let settings = BodySettings {
            timeout: http.body_read_timeout,
            buffer_size: http.body_buffer_size,
            max_size: http.max_body_size,
            temp_path: http.body_temp_path.as_deref().unwrap_or(&self.worker.temp_path),
            connection: self.request.connection,
        };
        let body = receive_body(&mut self.client, length, &settings).await;
        self.request.body =
            body.map_err(|error| error.status().map_or(Refusal::Silent, Refusal::Status))?;
        if length == BodyLength::Chunked {
            self.request.head.set_decoded_length(self.request.body.len());
        }
        Ok(())
    }

    async fn refuse(&mut self, http: &Http, refusal: Refusal) -> Next {
        let Refusal::Status(status) = refusal else {
            return Next::Close;
        };
        self.write_error(http, status, false);
        self.send_out(Next::Linger).await
    }

    async fn respond(&mut self, binding: &Binding) -> Next {
        let _ = binding;
        self.error(&binding.generation.http, 404).await
    }

    /// Answers with an error page.
    pub(super) async fn error(&mut self, http: &Http, status: u16) -> Next {
        let keep_alive = self.write_error(http, status, true);
        self.send_out(after(keep_alive)).await
    }

    /// Answers with what stands in `self.response` and no body.
    pub(super) async fn answer_without_body(&mut self, http: &Http) -> Next {
        let framing = self.write_head(http, true);
        self.send_out(after(framing.keep_alive)).await
    }

    fn write_error(&mut self, http: &Http, status: u16, keep_alive: bool) -> bool {
        self.response = Response::error(status);
        let framing = self.write_head(http, keep_alive);
        if response::has_body(self.request.head.method(), status) {
            write_error_page(&mut self.out, status);
        }
        framing.keep_alive
    }

    /// Writes the head of `self.response` into the empty output buffer.
    pub(super) fn write_head(&mut self, http: &Http, keep_alive: bool) -> response::Framing {
        let head = &self.request.head;
        // A request that was refused before its version was known is answered as one of 1.1.
        let minor_version = if head.version().is_empty() { 1 } else { head.minor_version() };
        let connection = response::Connection {
            minor_version,
            keep_alive: keep_alive && head.keep_alive(),
            server_version: http.server_version,
            has_body: response::has_body(head.method(), self.response.status),
            websocket_key: head.is_websocket().then(|| head.websocket_key()).flatten(),
        };
        self.out.clear();
        write_head(&mut self.out, &self.response, &connection)
    }

    /// Sends the output buffer; what comes then, if it could be sent.
    pub(super) async fn send_out(&mut self, then: Next) -> Next {
        match self.client.send(&mut [IoSlice::new(&self.out)]).await {
            Ok(()) => then,
            Err(error) => error.into(),
        }
    }
}

/// What follows a complete response.
pub(super) fn after(keep_alive: bool) -> Next {
    if keep_alive { Next::KeepAlive } else { Next::Close }
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// There is nobody to answer.
    Silent,
    /// Answered with this status, and the connection is closed.
    Status(u16),
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Refusal {
        Refusal::Status(error.status())
    }
}

/// Whether the client waits for permission to send the body (RFC 9110, 10.1.1).
fn expects_continue(head: &RequestHead) -> bool {
    const NAME: &[u8] = b"expect";
    const HASH: u16 = field_hash(NAME);
    head.minor_version() != 0
        && head.fields().iter().any(|field| {
            field.hash == HASH
                && head.get(field.name).eq_ignore_ascii_case(NAME)
                && head.get(field.value).eq_ignore_ascii_case(b"100-continue")
        })
}
