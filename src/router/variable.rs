//! The variables of templates: what each stands for in a request.
//!
//! Names are resolved once, when a configuration is compiled. A value that could change while a
//! request is handled (its duration, its status and the like) is computed at first use and stays.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Local, Utc};

use crate::conf::template::Variable as Name;
use crate::http::field::field_hash;
use crate::http::response::Fields;
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

/// The values of this request's [`FrozenVariable`]s. The inner `None` is a missing value.
#[derive(Debug, Default)]
pub(super) struct Frozen([Option<Option<Vec<u8>>>; FROZEN_VARIABLES]);

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
            Variable::ResponseHeader(name) => response.fields.and_then(|fields| fields.get(name)),
            Variable::Frozen(variable) => {
                if request.frozen.0[*variable as usize].is_none() {
                    let value = variable.value(request, response);
                    request.frozen.0[*variable as usize] = Some(value);
                }
                request.frozen.0[*variable as usize]
                    .as_ref()
                    .and_then(|value| value.as_deref())
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
    fn value(self, request: &Request, response: &ResponseFacts<'_>) -> Option<Vec<u8>> {
        let text = match self {
            FrozenVariable::TimeLocal => local_time(SystemTime::now()),
            FrozenVariable::RequestId => request_id(),
            FrozenVariable::RequestTime => {
                let elapsed = request.received.elapsed();
                format!("{}.{:03}", elapsed.as_secs(), elapsed.subsec_millis())
            }
            FrozenVariable::Status => {
                return Some(status::digits(response.status.min(status::MAX_STATUS)).to_vec());
            }
            FrozenVariable::BodyBytesSent => response.body_bytes_sent.to_string(),
            FrozenVariable::ResponseConnection => response.connection?.to_owned(),
            FrozenVariable::ResponseContentLength => {
                let set = response
                    .fields
                    .and_then(|fields| fields.get(b"content-length"));
                if let Some(set) = set {
                    return Some(set.to_vec());
                }
                response.content_length?.to_string()
            }
            FrozenVariable::ResponseTransferEncoding if response.chunked => "chunked".into(),
            FrozenVariable::ResponseTransferEncoding => return None,
        };
        Some(text.into_bytes())
    }
}

/// `31/Dec/1986:19:40:00 +0300`
fn local_time(now: SystemTime) -> String {
    let seconds = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64);
    let utc = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    utc.with_timezone(&Local)
        .format("%d/%b/%Y:%H:%M:%S %z")
        .to_string()
}

/// 32 lower-case hexadecimal digits that nobody can guess: each `RandomState` has keys of its own,
/// derived from the system's random numbers.
fn request_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let word = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", word(), word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_differ() {
        let (one, two) = (request_id(), request_id());
        assert_ne!(one, two);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn local_times_have_the_log_format() {
        let text = local_time(UNIX_EPOCH);
        assert_eq!(text.len(), 26);
        assert_eq!(
            (&text[2..3], &text[6..7], &text[11..12], &text[20..21]),
            ("/", "/", ":", " ")
        );
    }
}
