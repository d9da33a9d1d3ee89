//! The head of an HTTP/1 response: its fields, what the server adds to them, and how the body is
//! framed.
//!
//! Order on the wire: the fields of the source with those of `response_headers`, `Server`, `Date`
//! (unless the source set one), `Content-Length` (if known and not set), then `Connection` or the
//! fields of a WebSocket handshake, `Sec-WebSocket-Version` (426), `Transfer-Encoding`.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::field::Span;
use super::status::{self, write_status_line};
use super::websocket::accept_key;

/// `Server` with `server_version`.
pub const SERVER: &[u8] = b"Unit/1.35.0";

/// `Server` without.
pub const SERVER_NAME: &[u8] = b"Unit";

/// Names and values in order, in one reusable piece of memory.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    spans: Vec<(Span, Span)>,
}

impl Fields {
    /// No fields.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// Removes all fields and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    fn store(&mut self, text: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        Span::new(start, self.bytes.len())
    }

    /// Appends a field.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let name = self.store(name);
        let value = self.store(value);
        self.spans.push((name, value));
    }

    /// Gives the first field of this name another value in its place, or appends a field.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        match self.position(name) {
            Some(at) => self.spans[at].1 = self.store(value),
            None => self.push(name, value),
        }
    }

    /// Removes the first field of this name.
    pub fn remove(&mut self, name: &[u8]) {
        if let Some(at) = self.position(name) {
            self.spans.remove(at);
        }
    }

    /// The first value of this name.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.position(name)
            .map(|at| self.spans[at].1.of(&self.bytes))
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.iter()
            .position(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans
            .iter()
            .map(|(name, value)| (name.of(&self.bytes), value.of(&self.bytes)))
    }
}

/// What a source (action, application, error) wants sent.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Status; above 999 it is sent as 500.
    pub status: u16,
    /// Fields of the source.
    pub fields: Fields,
    /// Length of the body, if known.
    pub content_length: Option<u64>,
}

impl Response {
    /// A response with this status and nothing else.
    pub fn new(status: u16) -> Response {
        Response {
            status,
            ..Response::default()
        }
    }

    /// The head of an error page; [`status::write_error_page`] makes the body.
    pub fn error(status: u16) -> Response {
        let mut response = Response::new(status);
        response.fields.push(b"Content-Type", b"text/html");
        response.content_length = Some(status::ERROR_PAGE_LEN as u64);
        response
    }
}

/// What the connection knows about the response to be written.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Minor version of the request; 0 = HTTP/1.0.
    pub minor_version: u8,
    /// The connection goes on after this exchange, as far as the request is concerned.
    pub keep_alive: bool,
    /// Send the version of the server.
    pub server_version: bool,
    /// There may be a body, perhaps of unknown length.
    pub has_body: bool,
    /// The key of a valid WebSocket handshake.
    pub websocket_key: Option<&'a [u8]>,
}

/// What was decided while the head was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The body goes out in chunks.
    pub chunked: bool,
    /// The connection goes on afterwards.
    pub keep_alive: bool,
    /// The connection speaks WebSocket from here on.
    pub websocket: bool,
    /// What `$response_header_connection` says.
    pub connection: Option<&'static str>,
    /// The second, since 1970, of the `Date` that the server added.
    pub date: Option<u64>,
}

/// Whether a response to `method` with this status may have a body on the wire.
pub fn has_body(method: &[u8], status: u16) -> bool {
    method != b"HEAD" && !matches!(status, 100..=199 | 204 | 304)
}

/// How the response is framed and whether the connection survives it.
pub fn framing(response: &Response, connection: &Connection<'_>) -> Framing {
    if response.status == 101 && connection.websocket_key.is_some() {
        return Framing {
            chunked: false,
            keep_alive: false,
            websocket: true,
            connection: Some("Upgrade"),
            date: None,
        };
    }
    let http11 = connection.minor_version != 0;
    let length_known =
        response.content_length.is_some() || response.fields.get(b"content-length").is_some();
    let mut keep_alive = connection.keep_alive;
    let mut chunked = false;
    if !length_known {
        if http11 {
            chunked = connection.has_body && !matches!(response.status, 100..=199 | 204 | 304);
        } else {
            keep_alive = false;
        }
    }
    let header = match (http11, keep_alive) {
        (true, false) => Some("close"),
        (false, true) => Some("keep-alive"),
        _ => None,
    };
    Framing {
        chunked,
        keep_alive,
        websocket: false,
        connection: header,
        date: None,
    }
}

/// Appends the whole head to `out`, its empty line included.
pub fn write_head(out: &mut Vec<u8>, response: &Response, connection: &Connection<'_>) -> Framing {
    let mut framing = framing(response, connection);
    write_status_line(out, response.status);
    let (mut has_date, mut has_length) = (false, false);
    for (name, value) in response.fields.iter() {
        has_date |= name.eq_ignore_ascii_case(b"date");
        has_length |= name.eq_ignore_ascii_case(b"content-length");
        write_field(out, name, value);
    }
    write_field(out, b"Server", server(connection.server_version));
    if !has_date {
        framing.date = Some(write_date(out));
    }
    if let (false, Some(length)) = (has_length, response.content_length) {
        write_field(
            out,
            b"Content-Length",
            itoa::Buffer::new().format(length).as_bytes(),
        );
    }
    match (framing.websocket, connection.websocket_key) {
        (true, Some(key)) => {
            out.extend_from_slice(b"Upgrade: websocket\r\nConnection: Upgrade\r\n");
            write_field(out, b"Sec-WebSocket-Accept", accept_key(key).as_bytes());
        }
        _ => {
            if let Some(value) = framing.connection {
                write_field(out, b"Connection", value.as_bytes());
            }
        }
    }
    if response.status == 426 {
        out.extend_from_slice(b"Sec-WebSocket-Version: 13\r\n");
    }
    if framing.chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    out.extend_from_slice(b"\r\n");
    framing
}

/// The value of `Server`.
pub fn server(version: bool) -> &'static [u8] {
    if version { SERVER } else { SERVER_NAME }
}

fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends the answer to a connection that was idle for too long. It has an order of its own.
pub fn write_idle_timeout(out: &mut Vec<u8>) {
    write_status_line(out, 408);
    write_field(out, b"Server", SERVER);
    out.extend_from_slice(b"Connection: close\r\nContent-Length: 0\r\n");
    write_date(out);
    out.extend_from_slice(b"\r\n");
}

/// Length of a date as HTTP writes it.
const DATE_LEN: usize = 29;

thread_local! {
    /// The second that the text is of, and `Date: …` with its line end.
    static DATE: RefCell<(u64, Vec<u8>)> = const { RefCell::new((u64::MAX, Vec::new())) };
}

/// Appends the `Date` field, whose text is made once a second; its time in seconds since 1970.
fn write_date(out: &mut Vec<u8>) -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    DATE.with_borrow_mut(|(second, line)| {
        if *second != since_epoch.as_secs() {
            *second = since_epoch.as_secs();
            line.clear();
            line.extend_from_slice(b"Date: ");
            line.extend_from_slice(&http_date(*second as i64));
            line.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(line);
        *second
    })
}

/// A time in seconds since 1970 as HTTP writes it. Years outside of 1970 to 9999 have no such
/// form; the nearest time that has one is written.
pub fn http_date(seconds: i64) -> [u8; DATE_LEN] {
    /// The last second of the year 9999.
    const LAST: i64 = 253_402_300_799;
    let seconds = seconds.clamp(0, LAST) as u64;
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    let mut text = [b' '; DATE_LEN];
    for (to, from) in text.iter_mut().zip(date.bytes()) {
        *to = from;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP11: Connection<'static> = Connection {
        minor_version: 1,
        keep_alive: true,
        server_version: true,
        has_body: true,
        websocket_key: None,
    };

    const HTTP10: Connection<'static> = Connection {
        minor_version: 0,
        keep_alive: false,
        ..HTTP11
    };

    fn head(response: &Response, connection: &Connection<'_>) -> (String, Framing) {
        let mut out = Vec::new();
        let framing = write_head(&mut out, response, connection);
        let text = String::from_utf8(out).unwrap();
        let lines = text.split_inclusive("\r\n").map(|line| {
            if line.starts_with("Date: ") {
                "Date: now\r\n"
            } else {
                line
            }
        });
        (lines.collect(), framing)
    }

    #[test]
    fn known_length() {
        let mut response = Response::new(200);
        response.fields.push(b"Content-Type", b"text/plain");
        response.content_length = Some(12);
        let (text, framing) = head(&response, &HTTP11);
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: Unit/1.35.0\r\nDate: now\r\n\
             Content-Length: 12\r\n\r\n"
        );
        assert!(framing.keep_alive && !framing.chunked);
        let (text, _) = head(
            &response,
            &Connection {
                server_version: false,
                ..HTTP10
            },
        );
        assert!(
            text.contains("Server: Unit\r\nDate: now\r\nContent-Length: 12\r\n\r\n"),
            "{text}"
        );
        let (text, _) = head(
            &response,
            &Connection {
                keep_alive: true,
                ..HTTP10
            },
        );
        assert!(
            text.ends_with("Content-Length: 12\r\nConnection: keep-alive\r\n\r\n"),
            "{text}"
        );
        let (text, _) = head(
            &response,
            &Connection {
                keep_alive: false,
                ..HTTP11
            },
        );
        assert!(
            text.ends_with("Content-Length: 12\r\nConnection: close\r\n\r\n"),
            "{text}"
        );
    }

    #[test]
    fn unknown_length() {
        let response = Response::new(200);
        let (text, framing) = head(&response, &HTTP11);
        assert!(
            text.ends_with("Date: now\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "{text}"
        );
        assert!(framing.chunked && framing.keep_alive);
        let (text, framing) = head(
            &response,
            &Connection {
                keep_alive: true,
                ..HTTP10
            },
        );
        assert!(text.ends_with("Date: now\r\n\r\n"), "{text}");
        assert!(!framing.chunked && !framing.keep_alive);
        for status in [204, 304] {
            let (text, framing) = head(&Response::new(status), &HTTP11);
            assert!(text.ends_with("Date: now\r\n\r\n"), "{text}");
            assert!(!framing.chunked && framing.keep_alive);
        }
    }

    #[test]
    fn fields_of_the_source_are_not_repeated() {
        let mut response = Response::new(200);
        response.fields.push(b"date", b"then");
        response.fields.push(b"content-length", b"5");
        response.content_length = Some(5);
        let (text, framing) = head(&response, &HTTP11);
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\ndate: then\r\ncontent-length: 5\r\nServer: Unit/1.35.0\r\n\r\n"
        );
        assert!(!framing.chunked);
    }

    #[test]
    fn websocket_handshake() {
        let mut response = Response::new(101);
        response.fields.push(b"Sec-WebSocket-Protocol", b"chat");
        let key = Some(&b"dGhlIHNhbXBsZSBub25jZQ=="[..]);
        let (text, framing) = head(
            &response,
            &Connection {
                websocket_key: key,
                ..HTTP11
            },
        );
        assert_eq!(
            text,
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: chat\r\n\
             Server: Unit/1.35.0\r\nDate: now\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
        assert!(framing.websocket && !framing.keep_alive);
    }

    #[test]
    fn errors() {
        let (text, _) = head(
            &Response::error(426),
            &Connection {
                keep_alive: false,
                ..HTTP11
            },
        );
        assert_eq!(
            text,
            "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/html\r\nServer: Unit/1.35.0\r\n\
             Date: now\r\nContent-Length: 54\r\nConnection: close\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
    }

    #[test]
    fn field_edits() {
        let mut fields = Fields::new();
        fields.push(b"A", b"1");
        fields.push(b"b", b"2");
        fields.push(b"a", b"3");
        fields.set(b"a", b"long value");
        fields.set(b"C", b"");
        fields.remove(b"B");
        fields.remove(b"missing");
        let all: Vec<_> = fields.iter().collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"A", b"long value"), (b"a", b"3"), (b"C", b"")];
        assert_eq!(all, expected);
    }

    #[test]
    fn bodies_that_must_not_be_sent() {
        assert!(has_body(b"GET", 200) && has_body(b"POST", 404));
        assert!(!has_body(b"HEAD", 200) && !has_body(b"GET", 204) && !has_body(b"GET", 304));
    }

    #[test]
    fn dates() {
        assert_eq!(&http_date(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&http_date(-5), b"Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(&http_date(i64::MAX), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn idle_timeout() {
        let mut out = Vec::new();
        write_idle_timeout(&mut out);
        let text = String::from_utf8(out).unwrap();
        let start = "HTTP/1.1 408 Request Timeout\r\nServer: Unit/1.35.0\r\nConnection: close\r\n\
                     Content-Length: 0\r\nDate: ";
        assert!(
            text.starts_with(start) && text.ends_with(" GMT\r\n\r\n"),
            "{text}"
        );
    }
}
