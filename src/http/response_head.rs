//! The head of a response that an upstream server sends: status line and fields.

use super::field::{Field, Span};
use super::known::content_length;
use super::scan::{Event, Scanner, Violation};

/// Length of `HTTP/1.1 200`.
const STATUS_LEN: usize = 12;

/// How far a head came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is complete and took this many bytes of the input.
    Complete(usize),
    /// More bytes are needed.
    Partial,
}

/// Why a response cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    /// Not the status line of an HTTP/1 response.
    #[error("malformed status line")]
    StatusLine,
    /// A malformed field.
    #[error("malformed header field")]
    Field,
    /// `Content-Length` is not a number, or there are two that differ.
    #[error("invalid Content-Length")]
    ContentLength,
    /// A coding of the message that is not understood.
    #[error("unsupported transfer coding")]
    TransferEncoding,
    /// `Content-Length` and `Transfer-Encoding`: somebody may want the two sides to disagree on
    /// where the response ends.
    #[error("conflicting body length")]
    BodyLength,
}

impl From<Violation> for BadResponse {
    fn from(_: Violation) -> Self {
        BadResponse::Field
    }
}

/// How the body of a response is framed, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes.
    Known(u64),
    /// Chunks.
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// A response head, being parsed or complete. It refers to the bytes that it was parsed from.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    /// The status, 100 to 999, once its line is complete.
    pub status: u16,
    scanner: Option<Scanner>,
    fields: Vec<Field>,
}

impl ResponseHead {
    /// Forgets everything but the allocation.
    pub fn reset(&mut self) {
        self.scanner = None;
        self.fields.clear();
    }

    /// Parses `buf`, all bytes received since this response began, from where the last call
    /// stopped.
    pub fn parse(&mut self, buf: &[u8]) -> Result<Status, BadResponse> {
        let scanner = match &mut self.scanner {
            Some(scanner) => scanner,
            None => match status_line(buf)? {
                Some((status, fields)) => {
                    self.status = status;
                    self.scanner.insert(Scanner::fields(fields, false))
                }
                None => return Ok(Status::Partial),
            },
        };
        loop {
            match scanner.next(buf)? {
                Event::Field(field) => self.fields.push(field),
                Event::RequestLine | Event::Dropped => {}
                Event::End(used) => return Ok(Status::Complete(used)),
                Event::Partial => return Ok(Status::Partial),
            }
        }
    }

    /// Names and values in order; `buf` is what was parsed.
    pub fn fields<'a>(&'a self, buf: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let text = |span: Span| span.of(buf);
        self.fields
            .iter()
            .map(move |field| (text(field.name), text(field.value)))
    }

    /// How the body is framed.
    pub fn body_length(&self, buf: &[u8]) -> Result<BodyLength, BadResponse> {
        let (mut length, mut chunked) = (None, false);
        for (name, value) in self.fields(buf) {
            if name.eq_ignore_ascii_case(b"content-length") {
                let value = content_length(value).ok_or(BadResponse::ContentLength)?;
                if length.replace(value).is_some_and(|other| other != value) {
                    return Err(BadResponse::ContentLength);
                }
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(BadResponse::TransferEncoding);
                }
                chunked = true;
            }
        }
        match (length, chunked) {
            (Some(_), true) => Err(BadResponse::BodyLength),
            (Some(length), false) => Ok(BodyLength::Known(length)),
            (None, true) => Ok(BodyLength::Chunked),
            (None, false) => Ok(BodyLength::UntilClose),
        }
    }
}

/// The status, and where the fields begin; `None` until the line is complete.
fn status_line(buf: &[u8]) -> Result<Option<(u16, usize)>, BadResponse> {
    const START: &[u8] = b"HTTP/1.";
    let known = buf.len().min(START.len());
    if buf[..known] != START[..known] {
        return Err(BadResponse::StatusLine);
    }
    let Some(&[minor, space, ref digits @ ..]) = buf.get(START.len()..STATUS_LEN) else {
        return Ok(None);
    };
    let status = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|status| *status >= 100);
    let (Some(status), b'0' | b'1', b' ') = (status, minor, space) else {
        return Err(BadResponse::StatusLine);
    };
    let reason = &buf[STATUS_LEN..];
    if !matches!(reason.first(), None | Some(b' ' | b'\r' | b'\n')) {
        return Err(BadResponse::StatusLine);
    }
    let end = memchr::memchr(b'\n', reason);
    Ok(end.map(|end| (status, STATUS_LEN + end + 1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &[u8]) -> Result<(ResponseHead, usize), BadResponse> {
        let mut head = ResponseHead::default();
        match head.parse(text)? {
            Status::Complete(used) => Ok((head, used)),
            Status::Partial => panic!("not complete"),
        }
    }

    fn length(fields: &str) -> Result<BodyLength, BadResponse> {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        parse(text.as_bytes())
            .unwrap()
            .0
            .body_length(text.as_bytes())
    }

    #[test]
    fn a_head_in_any_pieces() {
        let text = b"HTTP/1.0 404 Not Found\r\nA_b: c \r\nX:\n\r\nbody";
        let mut head = ResponseHead::default();
        for cut in 0..text.len() - 4 {
            assert_eq!(head.parse(&text[..cut]), Ok(Status::Partial), "{cut}");
        }
        assert_eq!(head.parse(text), Ok(Status::Complete(text.len() - 4)));
        assert_eq!(head.status, 404);
        let fields: Vec<_> = head.fields(text).collect();
        assert_eq!(fields, [(&b"A_b"[..], &b"c"[..]), (b"X", b"")]);
        head.reset();
        let next = b"HTTP/1.1 200\r\n\r\n";
        assert_eq!(head.parse(next), Ok(Status::Complete(next.len())));
        assert_eq!((head.status, head.fields(next).count()), (200, 0));
    }

    #[test]
    fn other_texts_are_refused_at_once() {
        for text in [
            "G",
            "HTTP/2",
            "HTTP/1.2 200",
            "HTTP/1.1_200",
            "HTTP/1.1 20x",
            "HTTP/1.1 099",
            "HTTP/1.1 +20",
            "HTTP/1.1 2000",
        ] {
            let result = ResponseHead::default().parse(text.as_bytes());
            assert_eq!(result, Err(BadResponse::StatusLine), "{text}");
        }
        for fields in [": a\r\n", "a b: c\r\n", "a\r\n", "a: \0\r\n", "\r0"] {
            let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
            let result = ResponseHead::default().parse(text.as_bytes());
            assert_eq!(result, Err(BadResponse::Field), "{fields:?}");
        }
    }

    #[test]
    fn lengths_of_bodies() {
        assert_eq!(length(""), Ok(BodyLength::UntilClose));
        assert_eq!(length("Content-Length: 5\r\n"), Ok(BodyLength::Known(5)));
        assert_eq!(
            length("Content-Length: 5\r\ncontent-length: 5\r\n"),
            Ok(BodyLength::Known(5))
        );
        assert_eq!(
            length("transfer-encoding: Chunked\r\n"),
            Ok(BodyLength::Chunked)
        );
        for (fields, error) in [
            (
                "Content-Length: 5\r\nContent-Length: 6\r\n",
                BadResponse::ContentLength,
            ),
            ("Content-Length: 5, 5\r\n", BadResponse::ContentLength),
            ("Content-Length: -1\r\n", BadResponse::ContentLength),
            (
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                BadResponse::BodyLength,
            ),
            (
                "Transfer-Encoding: gzip, chunked\r\n",
                BadResponse::TransferEncoding,
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                BadResponse::TransferEncoding,
            ),
        ] {
            assert_eq!(length(fields), Err(error), "{fields}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in prop::collection::vec(any::<u8>(), 0..100)) {
            let text = [b"HTTP/1.1 200 OK\r\n", &tail[..]].concat();
            let mut head = ResponseHead::default();
            if let Ok(Status::Complete(used)) = head.parse(&text) {
                prop_assert!(used <= text.len());
                let _ = head.body_length(&text);
            }
        }
    }
}
