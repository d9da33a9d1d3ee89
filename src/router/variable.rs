//! The variables of templates: what each stands for in a request.
//!
//! Names are resolved once, when a configuration is compiled. A value that could change while a
//! request is handled (its duration, its status and the like) is computed at first use and stays.

use std::cell::RefCell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Local, Utc};

use crate::conf::template::Variable as Name;
use crate::http::field::{Span, field_hash};
use crate::http::response::{Fields, http_date};
use crate::http::status;
use crate::router::request::Request;

/// What is known of the response when a variable is evaluated.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseFacts<'a> {
    /// Status; 0 before there is a response.
    pub status: u16,
    /// Response bytes after the head.
    pub body_bytes_sent: u64,
    /// Fields of the response so far.
    pub fields: Option<&'a Fields>,
    /// `Connection` as it is sent.
    pub connection: Option<&'a str>,
    /// `Content-Length` as it is sent.
    pub content_length: Option<u64>,
    /// The response is chunked.
    pub chunked: bool,
    /// What the server added when it sent the head; `None` before that.
    pub added: Option<AddedFields>,
}

/// Fields that the server adds to those of a source.
#[derive(Clone, Copy, Debug)]
pub struct AddedFields {
    /// `Server`
    pub server: &'static [u8],
    /// `Date`, in seconds since 1970, unless the source set it.
    pub date: Option<u64>,
}

impl ResponseFacts<'_> {
    /// Appends a field that is not among those of the source; `false` if there is none.
    fn write_added(&self, name: &[u8], out: &mut Vec<u8>) -> bool {
        match (name, self.added, self.content_length) {
            (b"server", Some(added), _) => out.extend_from_slice(added.server),
            (b"date", Some(added), _) => match added.date {
                Some(second) => out.extend_from_slice(&http_date(second as i64)),
                None => return false,
            },
            (b"content-length", Some(_), Some(length)) => write_number(out, length),
            _ => return false,
        }
        true
    }
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A variable, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) enum Variable {
    Host,
    Method,
    Uri,
    RequestUri,
    RequestLine,
    RemoteAddr,
    Referer,
    UserAgent,
    Frozen(FrozenVariable),
    Argument(Box<[u8]>),
    Header(Box<[u8]>, u16),
    Cookie(Box<[u8]>),
    ResponseHeader(Box<[u8]>),
}

/// Variables whose first value stays.
#[derive(Clone, Copy, Debug)]
pub(super) enum FrozenVariable {
    TimeLocal,
    RequestId,
    RequestTime,
    Status,
    BodyBytesSent,
    ResponseConnection,
    ResponseContentLength,
    ResponseTransferEncoding,
}

const FROZEN_VARIABLES: usize = FrozenVariable::ResponseTransferEncoding as usize + 1;

/// The values of this request's [`FrozenVariable`]s, in one piece of memory that is kept from
/// request to request.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    bytes: Vec<u8>,
    /// The inner `None` is a missing value.
    values: [Option<Option<Span>>; FROZEN_VARIABLES],
}

impl Frozen {
    /// Forgets the values.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.values = Default::default();
    }
}

/// What a name stands for: text that never changes, or something to be evaluated.
pub(super) enum Resolved {
    Constant(&'static str),
    Variable(Variable),
}

/// Looks a parsed name up.
pub(super) fn resolve(name: Name) -> Resolved {
    let bytes = |text: String| text.into_bytes().into_boxed_slice();
    let variable = match name {
        Name::Dollar => return Resolved::Constant("$"),
        Name::Host => Variable::Host,
        Name::Method => Variable::Method,
        Name::Uri => Variable::Uri,
        Name::RequestUri => Variable::RequestUri,
        Name::RequestLine => Variable::RequestLine,
        Name::RemoteAddr => Variable::RemoteAddr,
        Name::HeaderReferer => Variable::Referer,
        Name::HeaderUserAgent => Variable::UserAgent,
        Name::TimeLocal => Variable::Frozen(FrozenVariable::TimeLocal),
        Name::RequestId => Variable::Frozen(FrozenVariable::RequestId),
        Name::RequestTime => Variable::Frozen(FrozenVariable::RequestTime),
        Name::Status => Variable::Frozen(FrozenVariable::Status),
        Name::BodyBytesSent => Variable::Frozen(FrozenVariable::BodyBytesSent),
        Name::ResponseHeaderConnection => Variable::Frozen(FrozenVariable::ResponseConnection),
        Name::ResponseHeaderContentLength => {
            Variable::Frozen(FrozenVariable::ResponseContentLength)
        }
        Name::ResponseHeaderTransferEncoding => {
            Variable::Frozen(FrozenVariable::ResponseTransferEncoding)
        }
        Name::Argument(name) => Variable::Argument(bytes(name)),
        Name::Cookie(name) => Variable::Cookie(bytes(name)),
        Name::ResponseHeader(name) => Variable::ResponseHeader(bytes(name)),
        Name::Header(name) => {
            let hash = field_hash(name.as_bytes());
            Variable::Header(bytes(name), hash)
        }
    };
    Resolved::Variable(variable)
}

impl Variable {
    /// Appends the value; `false` if there is none.
    pub(super) fn write(
        &self,
        request: &mut Request,
        response: &ResponseFacts<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let value = match self {
            Variable::Host => request.head.host(),
            Variable::Method => Some(request.head.method()),
            Variable::Uri => Some(request.path()),
            Variable::RequestUri => Some(request.head.target()),
            Variable::RequestLine => Some(request.head.request_line()).filter(|l| !l.is_empty()),
            Variable::Referer => request.head.referer(),
            Variable::UserAgent => request.head.user_agent(),
            Variable::RemoteAddr => {
                request.remote.write_host(out);
                return true;
            }
            Variable::Header(name, hash) => header(request, name, *hash),
            Variable::Argument(name) => {
                // The last one counts.
                let found = request
                    .arguments()
                    .iter()
                    .rfind(|(other, _)| **other == **name);
                found.map(|(_, value)| value.as_slice())
            }
            Variable::Cookie(name) => {
                let found = request
                    .cookies()
                    .iter()
                    .find(|(other, _)| **other == **name);
                found.map(|(_, value)| value.as_slice())
            }
            Variable::ResponseHeader(name) => {
                match response.fields.and_then(|fields| fields.get(name)) {
                    Some(value) => Some(value),
                    None => return response.write_added(name, out),
                }
            }
            Variable::Frozen(variable) => {
                let value = match request.frozen.values[*variable as usize] {
                    Some(value) => value,
                    None => variable.freeze(request, response),
                };
                value.map(|value| value.of(&request.frozen.bytes))
            }
        };
        if let Some(value) = value {
            out.extend_from_slice(value);
        }
        value.is_some()
    }
}

/// The first field of this name; `name` is in lower case.
fn header<'a>(request: &'a Request, name: &[u8], hash: u16) -> Option<&'a [u8]> {
    let head = &request.head;
    let field = head
        .fields()
        .iter()
        .find(|field| field.hash == hash && head.get(field.name).eq_ignore_ascii_case(name))?;
    Some(head.get(field.value))
}

impl FrozenVariable {
    /// Computes the value, which stays from now on.
    fn freeze(self, request: &mut Request, response: &ResponseFacts<'_>) -> Option<Span> {
        let mut bytes = std::mem::take(&mut request.frozen.bytes);
        let start = bytes.len();
        let there = self.write(request, response, &mut bytes);
        let value = there.then(|| Span::new(start, bytes.len()));
        request.frozen.bytes = bytes;
        request.frozen.values[self as usize] = Some(value);
        value
    }

    /// Appends the value; `false` if there is none.
    fn write(self, request: &Request, response: &ResponseFacts<'_>, out: &mut Vec<u8>) -> bool {
        match self {
            FrozenVariable::TimeLocal => write_local_time(out, SystemTime::now()),
            FrozenVariable::RequestId => write_request_id(out),
            FrozenVariable::RequestTime => {
                let elapsed = request.received.elapsed();
                // Writing to a Vec cannot fail.
                let (seconds, rest) = (elapsed.as_secs(), elapsed.subsec_millis());
                let _ = write!(out, "{seconds}.{rest:03}");
            }
            FrozenVariable::Status => {
                let status = response.status.min(status::MAX_STATUS);
                out.extend_from_slice(&status::digits(status));
            }
            FrozenVariable::BodyBytesSent => write_number(out, response.body_bytes_sent),
            FrozenVariable::ResponseConnection => match response.connection {
                Some(connection) => out.extend_from_slice(connection.as_bytes()),
                None => return false,
            },
            FrozenVariable::ResponseContentLength => {
                let set = response
                    .fields
                    .and_then(|fields| fields.get(b"content-length"));
                match (set, response.content_length) {
                    (Some(set), _) => out.extend_from_slice(set),
                    (None, Some(length)) => write_number(out, length),
                    (None, None) => return false,
                }
            }
            FrozenVariable::ResponseTransferEncoding if response.chunked => {
                out.extend_from_slice(b"chunked");
            }
            FrozenVariable::ResponseTransferEncoding => return false,
        }
        true
    }
}

thread_local! {
    /// A second since 1970, and its text.
    static LOCAL_TIME: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// Appends `31/Dec/1986:19:40:00 +0300`; the text is made once a second.
fn write_local_time(out: &mut Vec<u8>, now: SystemTime) {
    let now = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    LOCAL_TIME.with_borrow_mut(|(second, text)| {
        if *second != now {
            *second = now;
            let utc = DateTime::<Utc>::from_timestamp(now as i64, 0).unwrap_or_default();
            let local = utc.with_timezone(&Local);
            *text = local.format("%d/%b/%Y:%H:%M:%S %z").to_string();
        }
        out.extend_from_slice(text.as_bytes());
    });
}

/// Appends 32 lower-case hexadecimal digits that nobody can guess: each `RandomState` has keys of its own,
/// derived from the system's random numbers.
fn write_request_id(out: &mut Vec<u8>) {
    use std::hash::{BuildHasher, RandomState};
    let word = || RandomState::new().hash_one(std::process::id());
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{:016x}{:016x}", word(), word());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn request_ids_differ() {
        let (one, two) = (text(write_request_id), text(write_request_id));
        assert_ne!(one, two);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn local_times_have_the_log_format() {
        let text = text(|out| write_local_time(out, UNIX_EPOCH));
        assert_eq!(text.len(), 26);
        assert_eq!(
            (&text[2..3], &text[6..7], &text[11..12], &text[20..21]),
            ("/", "/", ":", " ")
        );
    }

    #[test]
    fn added_fields_are_seen_once_they_are_sent() {
        let mut facts = ResponseFacts {
            content_length: Some(7),
            ..ResponseFacts::default()
        };
        let value = |facts: &ResponseFacts<'_>, name: &[u8]| {
            let mut out = Vec::new();
            facts.write_added(name, &mut out).then_some(out)
        };
        for name in [&b"server"[..], b"date", b"content-length"] {
            assert_eq!(value(&facts, name), None);
        }
        facts.added = Some(AddedFields {
            server: b"Unit",
            date: Some(784_111_777),
        });
        assert_eq!(value(&facts, b"server").unwrap(), b"Unit");
        assert_eq!(value(&facts, b"content-length").unwrap(), b"7");
        assert_eq!(
            value(&facts, b"date").unwrap(),
            b"Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(value(&facts, b"x"), None);
    }
}
