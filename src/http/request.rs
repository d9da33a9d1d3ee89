//! The head of an HTTP/1 request: request line and header fields.
//!
//! [`RequestHead::parse`] is called with all bytes received since the request began, as often as
//! more arrive, and goes on where it stopped. Complete or refused, the head keeps its own copy of
//! the bytes, so the caller may reuse its buffer at once. [`RequestHead::reset`] keeps every
//! allocation: a connection that serves many requests allocates for the first one only.

use super::field::{Field as HeaderField, field_hash};
use super::host;
use super::known::{self, ConnectionOptions, Known, KnownValues};
use super::scan::{Event, Scanner, Violation};
use super::target;

pub use super::field::{Field, Span};

/// Bytes of the first header buffer.
pub const FIRST_BUFFER: usize = 2048;

/// Length of a valid `Sec-WebSocket-Key`.
const WEBSOCKET_KEY_LEN: usize = 24;

/// The settings that a head is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `large_header_buffer_size`
    pub large_buffer_size: usize,
    /// `large_header_buffers`
    pub large_buffers: usize,
    /// `max_body_size`
    pub max_body_size: u64,
    /// `discard_unsafe_fields`
    pub discard_unsafe_fields: bool,
    /// `chunked_transform`
    pub chunked_transform: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            large_buffer_size: 8192,
            large_buffers: 4,
            max_body_size: 8 * 1024 * 1024,
            discard_unsafe_fields: true,
            chunked_transform: false,
        }
    }
}

/// How far a head came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is complete and took this many bytes of the input.
    Complete(usize),
    /// More bytes are needed.
    Partial,
}

/// Why a request is refused. The connection is closed after each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Not HTTP/1 syntax.
    #[error("malformed request")]
    Syntax,
    /// The target's path cannot be used.
    #[error("invalid request target")]
    Target,
    /// Another major version.
    #[error("unsupported protocol version")]
    Version,
    /// More than the header buffers hold, or a name of more than 255 bytes.
    #[error("request header is too large")]
    TooLarge,
    /// `Host` twice or not a host.
    #[error("invalid or repeated Host")]
    Host,
    /// `Content-Length` twice or not a number.
    #[error("invalid or repeated Content-Length")]
    ContentLength,
    /// `Transfer-Encoding: chunked` twice, with `Content-Length`, or from an HTTP/1.0 client.
    #[error("conflicting body length")]
    BodyLength,
    /// `Content-Length` is above `max_body_size`.
    #[error("request body is too large")]
    BodyTooLarge,
    /// `Transfer-Encoding: chunked` without `chunked_transform`.
    #[error("chunked request bodies are not enabled")]
    LengthRequired,
    /// Any other transfer coding.
    #[error("unsupported transfer coding")]
    TransferEncoding,
    /// A WebSocket handshake that is not a GET request.
    #[error("h1p upgrade: bad method")]
    HandshakeMethod,
    /// A WebSocket handshake that is not HTTP/1.1.
    #[error("h1p upgrade: bad protocol version")]
    HandshakeProtocol,
    /// A WebSocket handshake without a key of the right length.
    #[error("h1p upgrade: bad or absent websocket key")]
    HandshakeKey,
    /// A WebSocket handshake for another protocol version than 13.
    #[error("h1p upgrade: bad or absent websocket version")]
    HandshakeVersion,
}

impl HeadError {
    /// The status that answers it.
    pub fn status(self) -> u16 {
        match self {
            HeadError::Syntax
            | HeadError::Target
            | HeadError::Host
            | HeadError::ContentLength
            | HeadError::BodyLength
            | HeadError::HandshakeMethod
            | HeadError::HandshakeProtocol
            | HeadError::HandshakeKey => 400,
            HeadError::LengthRequired => 411,
            HeadError::BodyTooLarge => 413,
            HeadError::HandshakeVersion => 426,
            HeadError::TooLarge => 431,
            HeadError::TransferEncoding => 501,
            HeadError::Version => 505,
        }
    }

    /// Whether the text of the error belongs in the log, at info level.
    pub fn is_logged(self) -> bool {
        matches!(
            self,
            HeadError::HandshakeMethod
                | HeadError::HandshakeProtocol
                | HeadError::HandshakeKey
                | HeadError::HandshakeVersion
        )
    }
}

impl From<Violation> for HeadError {
    fn from(violation: Violation) -> Self {
        match violation {
            Violation::Syntax => HeadError::Syntax,
            Violation::Version => HeadError::Version,
            Violation::NameTooLong => HeadError::TooLarge,
        }
    }
}

/// How the body of a request is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// This many bytes; zero without a body.
    Known(u64),
    /// Chunks.
    Chunked,
}

#[derive(Clone, Copy, Debug)]
enum PathSource {
    /// The path stands in the target as it is.
    Raw(Span),
    /// It had to be decoded.
    Decoded,
}

/// A request head, being parsed or complete.
#[derive(Clone, Debug)]
pub struct RequestHead {
    scanner: Scanner,
    /// The end of the header buffer in use, in the model of the two settings for large headers.
    window: usize,
    large_buffers: usize,
    bytes: Vec<u8>,
    fields: Vec<Field>,
    /// The first thing wrong with a field; a later syntax error outranks it.
    refused: Option<HeadError>,
    path: PathSource,
    decoded_path: Vec<u8>,
    query: Option<Span>,
    quoted: bool,
    host: Option<Span>,
    lower_host: Vec<u8>,
    values: KnownValues,
    content_length: Option<u64>,
    chunked: bool,
    unknown_coding: bool,
    connection: ConnectionOptions,
    websocket: bool,
    complete: bool,
}

impl Default for RequestHead {
    fn default() -> Self {
        RequestHead::new()
    }
}

impl RequestHead {
    /// A head that nothing was parsed into yet.
    pub fn new() -> RequestHead {
        RequestHead {
            scanner: Scanner::new(true),
            window: FIRST_BUFFER,
            large_buffers: 0,
            bytes: Vec::new(),
            fields: Vec::new(),
            refused: None,
            path: PathSource::Raw(Span::default()),
            decoded_path: Vec::new(),
            query: None,
            quoted: false,
            host: None,
            lower_host: Vec::new(),
            values: KnownValues::default(),
            content_length: None,
            chunked: false,
            unknown_coding: false,
            connection: ConnectionOptions::default(),
            websocket: false,
            complete: false,
        }
    }

    /// Forgets everything but the allocations.
    pub fn reset(&mut self) {
        let mut next = RequestHead::new();
        for (mine, new) in [
            (&mut self.bytes, &mut next.bytes),
            (&mut self.decoded_path, &mut next.decoded_path),
            (&mut self.lower_host, &mut next.lower_host),
        ] {
            mine.clear();
            std::mem::swap(mine, new);
        }
        self.fields.clear();
        std::mem::swap(&mut self.fields, &mut next.fields);
        *self = next;
    }

    /// Parses `buf`, all bytes received since this request began, from where the last call stopped.
    ///
    /// The result depends on the bytes only, not on how they were cut into calls. After an error
    /// what is known of the request (method, target, host, some fields) can still be read.
    pub fn parse(&mut self, buf: &[u8], limits: &Limits) -> Result<Status, HeadError> {
        if self.scanner.at_start() {
            self.scanner = Scanner::new(limits.discard_unsafe_fields);
        }
        let result = self.advance(buf, limits);
        match result {
            Ok(Status::Partial) => {}
            Ok(Status::Complete(used)) => self.keep(&buf[..used]),
            Err(_) => self.keep(&buf[..buf.len().min(self.window)]),
        }
        result
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }

    fn advance(&mut self, buf: &[u8], limits: &Limits) -> Result<Status, HeadError> {
        loop {
            let visible = &buf[..buf.len().min(self.window)];
            match self.scanner.next(visible)? {
                Event::RequestLine => self.request_line_known(visible)?,
                Event::Field(field) => self.field_known(visible, field, limits),
                Event::Dropped => {}
                Event::End(used) => {
                    if let Some(error) = self.refused {
                        return Err(error);
                    }
                    self.check_handshake(visible)?;
                    self.complete = true;
                    return Ok(Status::Complete(used));
                }
                Event::Partial => {
                    if buf.len() < self.window {
                        return Ok(Status::Partial);
                    }
                    self.next_buffer(limits)?;
                }
            }
        }
    }

    /// The buffer is full: the unfinished element moves to a large one, where it must fit.
    fn next_buffer(&mut self, limits: &Limits) -> Result<(), HeadError> {
        let start = self.scanner.element_start();
        let fits = limits.large_buffer_size > self.window - start;
        let window = start.saturating_add(limits.large_buffer_size);
        if !fits || self.large_buffers >= limits.large_buffers || window > u32::MAX as usize {
            return Err(HeadError::TooLarge);
        }
        self.large_buffers += 1;
        self.window = window;
        Ok(())
    }

    fn request_line_known(&mut self, buf: &[u8]) -> Result<(), HeadError> {
        let line = self.scanner.request_line();
        let span = line.target;
        if line.needs_normalising() {
            let parts = target::normalise(span.of(buf), &mut self.decoded_path)
                .map_err(|_| HeadError::Target)?;
            self.path = PathSource::Decoded;
            self.quoted = parts.quoted;
            if let Some(query) = parts.query {
                self.query = Some(Span {
                    start: span.start + query.start,
                    len: query.len,
                });
            }
        } else if let Some(query) = line.query {
            self.path = PathSource::Raw(Span::new(span.start as usize, query as usize - 1));
            self.query = Some(Span::new(query as usize, span.end()));
        } else {
            self.path = PathSource::Raw(span);
        }
        Ok(())
    }

    fn field_known(&mut self, buf: &[u8], mut field: HeaderField, limits: &Limits) {
        if let Some(known) = known::lookup(field.hash, field.name.of(buf))
            && let Err(error) = self.known_field(buf, &mut field, known, limits)
        {
            self.refused.get_or_insert(error);
        }
        self.fields.push(field);
    }

    fn known_field(
        &mut self,
        buf: &[u8],
        field: &mut HeaderField,
        known: Known,
        limits: &Limits,
    ) -> Result<(), HeadError> {
        let value = field.value.of(buf);
        match known {
            Known::Host => {
                if self.host.is_some() {
                    return Err(HeadError::Host);
                }
                let (span, upper) = host::normalise(value).map_err(|_| HeadError::Host)?;
                self.host = Some(Span {
                    start: field.value.start + span.start,
                    len: span.len,
                });
                if upper {
                    self.lower_host
                        .extend(span.of(value).iter().map(u8::to_ascii_lowercase));
                }
            }
            Known::ContentLength => {
                if self.content_length.is_some() {
                    return Err(HeadError::ContentLength);
                }
                let length = known::content_length(value).ok_or(HeadError::ContentLength)?;
                self.content_length = Some(length);
                if length > limits.max_body_size {
                    return Err(HeadError::BodyTooLarge);
                }
            }
            Known::TransferEncoding => {
                field.skip = true;
                field.hop_by_hop = true;
                if value != b"chunked" {
                    self.unknown_coding = true;
                } else if std::mem::replace(&mut self.chunked, true) {
                    return Err(HeadError::BodyLength);
                }
            }
            Known::Connection => {
                field.hop_by_hop = true;
                self.connection.connection(value);
            }
            Known::Upgrade => {
                self.connection.websocket |= value.eq_ignore_ascii_case(b"websocket");
            }
            Known::WebSocketKey => {
                if value.len() == WEBSOCKET_KEY_LEN {
                    self.values.websocket_key = Some(field.value);
                }
            }
            Known::WebSocketVersion => self.connection.websocket_version |= value == b"13",
            Known::ContentType => self.values.content_type = Some(field.value),
            Known::Cookie => self.values.cookie = Some(field.value),
            Known::Authorization => self.values.authorization = Some(field.value),
            Known::UserAgent => self.values.user_agent = Some(field.value),
            Known::Referer => self.values.referer = Some(field.value),
        }
        Ok(())
    }

    fn check_handshake(&mut self, buf: &[u8]) -> Result<(), HeadError> {
        if !(self.connection.upgrade && self.connection.websocket) {
            return Ok(());
        }
        let line = self.scanner.request_line();
        if line.method.of(buf) != b"GET" {
            return Err(HeadError::HandshakeMethod);
        }
        if &line.version != b"HTTP/1.1" {
            return Err(HeadError::HandshakeProtocol);
        }
        if self.values.websocket_key.is_none() {
            return Err(HeadError::HandshakeKey);
        }
        if !self.connection.websocket_version {
            return Err(HeadError::HandshakeVersion);
        }
        self.websocket = true;
        Ok(())
    }

    /// How the body is framed, or why it is refused. To be asked once the head is complete.
    pub fn body_length(&self, limits: &Limits) -> Result<BodyLength, HeadError> {
        if self.unknown_coding {
            return Err(HeadError::TransferEncoding);
        }
        if !self.chunked {
            return Ok(BodyLength::Known(self.content_length.unwrap_or(0)));
        }
        if !limits.chunked_transform {
            return Err(HeadError::LengthRequired);
        }
        if self.content_length.is_some() || self.minor_version() == 0 {
            return Err(HeadError::BodyLength);
        }
        Ok(BodyLength::Chunked)
    }

    /// After a chunked body was received: appends the `Content-Length` that applications see.
    pub fn set_decoded_length(&mut self, length: u64) {
        const NAME: &[u8] = b"Content-Length";
        let start = self.bytes.len();
        self.bytes.extend_from_slice(NAME);
        let middle = self.bytes.len();
        self.bytes
            .extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
        self.fields.push(Field {
            name: Span::new(start, middle),
            value: Span::new(middle, self.bytes.len()),
            hash: field_hash(NAME),
            skip: false,
            hop_by_hop: false,
        });
        self.content_length = Some(length);
    }

    /// Whether the head was parsed to its end without error.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The bytes of the head, which every [`Span`] refers to.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a span.
    pub fn get(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// Method as sent.
    pub fn method(&self) -> &[u8] {
        self.get(self.scanner.request_line().method)
    }

    /// The request line without its line end; empty until it is complete.
    pub fn request_line(&self) -> &[u8] {
        self.get(self.scanner.request_line().line)
    }

    /// Target as sent.
    pub fn target(&self) -> &[u8] {
        self.get(self.scanner.request_line().target)
    }

    /// Decoded, normalised path.
    pub fn path(&self) -> &[u8] {
        match self.path {
            PathSource::Raw(span) => self.get(span),
            PathSource::Decoded => &self.decoded_path,
        }
    }

    /// Query as sent, without the `?`; empty without one.
    pub fn query(&self) -> &[u8] {
        self.query_part().unwrap_or_default()
    }

    /// The raw query if the target has a question mark, even with nothing behind it.
    pub fn query_part(&self) -> Option<&[u8]> {
        self.query.map(|query| self.get(query))
    }

    /// The path was sent with percent escapes.
    pub fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// The eight bytes of the version as sent, e.g. `HTTP/1.1`; empty until known.
    pub fn version(&self) -> &[u8] {
        let version = &self.scanner.request_line().version;
        if version[0] == 0 { b"" } else { version }
    }

    /// The minor version, 0 to 9.
    pub fn minor_version(&self) -> u8 {
        self.scanner.request_line().version[7].saturating_sub(b'0')
    }

    /// Whether the client wants the connection to go on.
    pub fn keep_alive(&self) -> bool {
        self.connection
            .keep_alive
            .unwrap_or(self.minor_version() != 0)
    }

    /// A valid WebSocket handshake.
    pub fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// All fields in order; those with `skip` are not passed on.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Names, values and hashes of the fields that are passed on, in order.
    pub fn passed_fields(&self) -> PassedFields<'_> {
        PassedFields {
            bytes: &self.bytes,
            fields: self.fields.iter(),
        }
    }

    /// Normalised host; `None` without a `Host` field.
    pub fn host(&self) -> Option<&[u8]> {
        let span = self.host?;
        Some(if self.lower_host.is_empty() {
            self.get(span)
        } else {
            &self.lower_host
        })
    }

    /// `Content-Length`, of the request or of its decoded body.
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Last `Content-Type`.
    pub fn content_type(&self) -> Option<&[u8]> {
        self.values.content_type.map(|span| self.get(span))
    }

    /// Last `Cookie`.
    pub fn cookie(&self) -> Option<&[u8]> {
        self.values.cookie.map(|span| self.get(span))
    }

    /// Last `Authorization`.
    pub fn authorization(&self) -> Option<&[u8]> {
        self.values.authorization.map(|span| self.get(span))
    }

    /// Last `User-Agent`.
    pub fn user_agent(&self) -> Option<&[u8]> {
        self.values.user_agent.map(|span| self.get(span))
    }

    /// Last `Referer`.
    pub fn referer(&self) -> Option<&[u8]> {
        self.values.referer.map(|span| self.get(span))
    }

    /// `Sec-WebSocket-Key` of a handshake.
    pub fn websocket_key(&self) -> Option<&[u8]> {
        self.values.websocket_key.map(|span| self.get(span))
    }
}

/// See [`RequestHead::passed_fields`].
#[derive(Clone, Debug)]
pub struct PassedFields<'a> {
    bytes: &'a [u8],
    fields: std::slice::Iter<'a, Field>,
}

impl<'a> Iterator for PassedFields<'a> {
    type Item = (&'a [u8], &'a [u8], u16);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.find(|field| !field.skip)?;
        Some((
            field.name.of(self.bytes),
            field.value.of(self.bytes),
            field.hash,
        ))
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
