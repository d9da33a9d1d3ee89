//! The life of a client's connection: requests are read, answered in order, and the connection
//! goes on or is closed in a way that the client can follow.

use std::future::poll_fn;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::conf::config::Http;
use crate::http::field::field_hash;
use crate::http::request::{BodyLength, HeadError, Limits, RequestHead, Status};
use crate::http::response::{self, Framing, Response, write_head, write_idle_timeout};
use crate::http::status::write_error_page;
use crate::router::app::App;
use crate::router::app::exchange::{AppRequest, Exchange};
use crate::router::client::{Client, Received, SendError};
use crate::router::generation::Generation;
use crate::router::listener::{Binding, Listener, Registration};
use crate::router::request::{Address, Request};
use crate::router::request_body::{BodySettings, receive_body};
use crate::router::route::{ActionId, Outcome, Resolution, log_request_line};
use crate::router::stream::Stream;
use crate::router::worker::Worker;
use crate::sys::accept::Peer;

/// For so long after its last response a connection is kept although the thread leaves: a client
/// that sends its next request just now shall not find the connection closed.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

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
    /// How its head was written, and the length of that; `None` until it was.
    pub(super) written: Option<(Framing, usize)>,
    /// The thread.
    pub(super) worker: Rc<Worker>,
    registration: Registration,
    counted: Counted,
    /// The addresses as applications see them, once one asked.
    ends: Option<Ends>,
}

/// The addresses of a connection as applications see them.
struct Ends {
    remote: Vec<u8>,
    local: Vec<u8>,
    local_port: Vec<u8>,
}

impl Ends {
    fn of(request: &Request) -> Ends {
        let text = |address: &Address| {
            let mut text = Vec::new();
            address.write_host(&mut text);
            text
        };
        let port = request
            .local
            .port()
            .map(|port| port.to_string().into_bytes());
        Ends {
            remote: text(&request.remote),
            local: text(&request.local),
            local_port: port.unwrap_or_default(),
        }
    }
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
        self.worker.count_closed();
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
    // Made first, so that a connection that fails here is counted as closed.
    let counted = Counted {
        worker: worker.clone(),
        idle: false,
    };
    match Stream::accepted(fd, &peer) {
        Ok(stream) => {
            Connection::new(counted, listener, stream, peer, number)
                .run()
                .await
        }
        Err(error) => crate::alert!(conn: number, "cannot watch a connection: {error}"),
    }
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
    fn new(
        counted: Counted,
        listener: Rc<Listener>,
        stream: Stream,
        peer: Peer,
        number: u64,
    ) -> Connection {
        let remote = match peer {
            Peer::Inet(address) => Address::Ip(address),
            Peer::Unix => Address::Unix(Vec::new()),
        };
        let local = match &listener.local {
            Address::Ip(address) if address.ip().is_unspecified() => stream.local_address(),
            _ => None,
        };
        let local = local.unwrap_or_else(|| listener.local.clone());
        Connection {
            client: Client::new(stream),
            request: Request::new(remote, local, false, number),
            out: Vec::new(),
            response: Response::default(),
            written: None,
            worker: counted.worker.clone(),
            registration: Registration::new(listener),
            counted,
            ends: None,
        }
    }

    /// A connection whose request is `head`, for tests.
    #[cfg(test)]
    pub(super) fn in_exchange(
        worker: &Rc<Worker>,
        binding: Binding,
        stream: Stream,
        head: &[u8],
    ) -> Connection {
        let http = binding.generation.http.clone();
        let counted = Counted {
            worker: worker.clone(),
            idle: false,
        };
        let mut connection =
            Connection::new(counted, Listener::new(binding), stream, Peer::Unix, 1);
        connection.client.send_timeout = http.send_timeout;
        connection
            .request
            .head
            .parse(head, &Limits::from(&http))
            .unwrap();
        connection
    }

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
        // Before the client can see the end: who asks for the status then finds the connection closed.
        drop(self.counted);
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
        self.client
            .deadline
            .set(binding.generation.http.idle_timeout);
        drop(binding);
        let Connection {
            client,
            registration,
            worker,
            ..
        } = self;
        let begin = Instant::now();
        let received = poll_fn(|cx| {
            // Asked first: a removed listener serves no request any more, even if one is there.
            if registration.listener().is_removed() {
                return Poll::Ready(Received::TimedOut);
            }
            if worker.is_leaving() {
                client.deadline.limit(begin + ON_ITS_WAY);
            }
            registration.watch(cx.waker());
            client.poll_receive(cx)
        })
        .await;
        self.counted.set_idle(false);
        match (received, self.registration.listener().binding()) {
            (Received::Bytes(_), Some(binding)) => Wait::Request(binding),
            (Received::Closed, _) => Wait::Closed,
            // Without an answer, which could be taken for that to a request on its way.
            (Received::TimedOut, Some(_)) if self.worker.is_leaving() => Wait::Closed,
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
        let next = self.serve_request(binding).await;
        if let Some(log) = &binding.generation.access_log {
            self.record(log, binding.generation.http.server_version);
        }
        next
    }

    async fn serve_request(&mut self, binding: &Binding) -> Next {
        let http = &binding.generation.http;
        self.worker.counters.requests.increment();
        self.client.send_timeout = http.send_timeout;
        self.request.reset();
        self.request.log_route = http.log_route;
        self.response.status = 0;
        self.response.fields.clear();
        self.written = None;
        let length = match self.receive_head(http).await {
            Ok(length) => length,
            Err(refusal) => return self.refuse(http, refusal).await,
        };
        binding
            .generation
            .table
            .apply_forwarding(binding.index, &mut self.request);
        log_request_line(&self.request);
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
            self.client
                .send(&mut go_on)
                .await
                .map_err(|_| Refusal::Silent)?;
        }
        let settings = BodySettings {
            timeout: http.body_read_timeout,
            buffer_size: http.body_buffer_size,
            max_size: http.max_body_size,
            temp_path: http
                .body_temp_path
                .as_deref()
                .unwrap_or(&self.worker.temp_path),
            connection: self.request.connection,
        };
        let body = receive_body(&mut self.client, length, &settings).await;
        self.request.body =
            body.map_err(|error| error.status().map_or(Refusal::Silent, Refusal::Status))?;
        if length == BodyLength::Chunked {
            self.request
                .head
                .set_decoded_length(self.request.body.len());
        }
        Ok(())
    }

    async fn refuse(&mut self, http: &Http, refusal: Refusal) -> Next {
        let Refusal::Status(status) = refusal else {
            // For the access log: the request was cut off.
            self.response = Response::new(400);
            return Next::Close;
        };
        self.write_error(http, status, false);
        self.send_out(Next::Linger).await
    }

    async fn respond(&mut self, binding: &Binding) -> Next {
        let generation = &*binding.generation;
        let http = &generation.http;
        let Resolution { outcome, action } =
            generation.table.resolve(binding.index, &mut self.request);
        match outcome {
            Outcome::Error(status) => self.error(http, status).await,
            Outcome::Response(response) => {
                self.response = response;
                let framing = self.finish_head(generation, action);
                self.send_out(after(framing.keep_alive)).await
            }
            Outcome::File {
                response,
                file,
                len,
            } => {
                self.response = response;
                let keep_alive = self.finish_head(generation, action).keep_alive;
                if self.request.head.method() == b"HEAD" {
                    return self.send_out(after(keep_alive)).await;
                }
                self.send_file(&file, len, keep_alive).await
            }
            Outcome::Proxy { peer } => {
                let peer = generation.table.peer(peer);
                // Its state would make every connection's larger.
                Box::pin(self.pass_to_peer(generation, action, peer)).await
            }
            Outcome::Application { index, target } => match generation.apps.get(index) {
                Some(app) => self.pass_to_app(generation, app, target, action).await,
                None => {
                    crate::alert!(conn: self.request.connection, "there is no application {index}");
                    self.error(http, 500).await
                }
            },
        }
    }

    async fn pass_to_app(
        &mut self,
        generation: &Generation,
        app: &Arc<App>,
        target_index: u8,
        action: Option<ActionId>,
    ) -> Next {
        match self.begin(app, target_index) {
            Ok(mut exchange) => {
                self.answer_from_app(generation, action, &mut exchange)
                    .await
            }
            Err(status) => self.error(&generation.http, status).await,
        }
    }

    /// Hands the request to an application.
    fn begin(&mut self, app: &Arc<App>, target_index: u8) -> Result<Exchange, u16> {
        let forwarded;
        let ends = if self.request.is_forwarded() {
            forwarded = Ends::of(&self.request);
            &forwarded
        } else {
            self.ends.get_or_insert_with(|| Ends::of(&self.request))
        };
        let request = &self.request;
        let mut fields = request.head.passed_fields();
        app.begin(
            &self.worker.port,
            AppRequest {
                method: request.head.method(),
                version: request.head.version(),
                remote: &ends.remote,
                local_addr: &ends.local,
                local_port: &ends.local_port,
                server_name: request.server_name(),
                target: request.head.target(),
                path: request.path(),
                query: request.head.query_part(),
                fields: &mut fields,
                body: &request.body,
                tls: request.tls,
                websocket: request.head.is_websocket(),
                target_index,
            },
        )
    }

    /// Answers with an error page.
    pub(super) async fn error(&mut self, http: &Http, status: u16) -> Next {
        let keep_alive = self.write_error(http, status, true);
        self.send_out(after(keep_alive)).await
    }

    fn write_error(&mut self, http: &Http, status: u16, keep_alive: bool) -> bool {
        self.response = Response::error(status);
        let framing = self.write_head(http, keep_alive);
        if response::has_body(self.request.head.method(), status) {
            write_error_page(&mut self.out, status);
        }
        framing.keep_alive
    }

    /// Applies the `response_headers` of an action to `self.response` and writes its head into the
    /// empty output buffer.
    pub(super) fn finish_head(
        &mut self,
        generation: &Generation,
        action: Option<ActionId>,
    ) -> response::Framing {
        if action.is_some() {
            // The facts about the connection are needed beside a request that may change.
            let mut response = std::mem::take(&mut self.response);
            let facts = response::Connection {
                websocket_key: None,
                ..self.facts(&generation.http, true, response.status)
            };
            let table = &generation.table;
            table.apply_response_headers(action, &mut self.request, &mut response, &facts);
            self.response = response;
        }
        self.write_head(&generation.http, true)
    }

    fn write_head(&mut self, http: &Http, keep_alive: bool) -> response::Framing {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let facts = self.facts(http, keep_alive, self.response.status);
        let framing = write_head(&mut out, &self.response, &facts);
        self.written = Some((framing, out.len()));
        self.client.sent = 0;
        self.out = out;
        framing
    }

    /// What a head must know of the connection.
    fn facts(&self, http: &Http, keep_alive: bool, status: u16) -> response::Connection<'_> {
        let head = &self.request.head;
        response::Connection {
            // Also a request whose version is not known, or not spoken here, is answered as 1.1.
            minor_version: if head.version() == b"HTTP/1.0" { 0 } else { 1 },
            keep_alive: keep_alive && head.keep_alive() && !self.worker.is_leaving(),
            server_version: http.server_version,
            has_body: response::has_body(head.method(), status),
            websocket_key: head.is_websocket().then(|| head.websocket_key()).flatten(),
        }
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
    if keep_alive {
        Next::KeepAlive
    } else {
        Next::Close
    }
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
