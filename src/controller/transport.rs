//! One connection of the control API: one HTTP/1 request, one answer, then the end.
//!
//! Request line and fields must fit 1024 bytes. Only `Content-Length` frames a body; without it
//! the body is what came together with the head. A request that cannot be read is dropped without
//! an answer, as Unit 1.35.0 does.

use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::http::known::content_length;
use crate::http::response::SERVER;
use crate::http::scan::{Event, Scanner};
use crate::http::status;
use crate::http::target::normalise;

use super::answer::Answer;
use super::api::Request;

/// Request line and fields, bytes.
const MAX_HEAD: usize = 1024;
/// Longest body. Unit has no limit but memory; no configuration comes near this one.
const MAX_BODY: u64 = 256 << 20;
/// Time for the whole head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Time between two reads of a body or two writes.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);
/// Time and bytes for what a refused client still sends.
const LINGER: Duration = Duration::from_secs(1);

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The client closed the connection, or was too slow.
    #[error("the client is gone")]
    Gone,
    /// Not an HTTP/1 request.
    #[error("parsing error")]
    Syntax,
    /// The head does not end within its limit.
    #[error("too long request headers")]
    HeadTooLong,
    /// Not a number.
    #[error("Content-Length is invalid")]
    ContentLength,
    /// The body is refused; this can be answered.
    #[error("Content-Length is too big")]
    BodyTooLong,
}

impl From<std::io::Error> for ReadError {
    fn from(_: std::io::Error) -> Self {
        ReadError::Gone
    }
}

/// A request's head.
struct Head {
    method: Vec<u8>,
    path: Vec<u8>,
    length: Option<u64>,
    /// Where the body begins.
    end: usize,
}

/// Reads a request.
pub(super) async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Request, ReadError> {
    let mut bytes = Vec::with_capacity(MAX_HEAD);
    let head = timeout(HEAD_TIMEOUT, read_head(stream, &mut bytes))
        .await
        .map_err(|_| ReadError::Gone)??;
    let mut body = bytes.split_off(head.end);
    if let Some(length) = head.length {
        if length > MAX_BODY {
            return Err(ReadError::BodyTooLong);
        }
        while (body.len() as u64) < length {
            let missing = length - body.len() as u64;
            // The buffer grows with what has come, not with what is promised.
            let mut part = (&mut *stream).take(missing.min(1 << 20));
            let read = timeout(STEP_TIMEOUT, part.read_buf(&mut body))
                .await
                .map_err(|_| ReadError::Gone)??;
            if read == 0 {
                return Err(ReadError::Gone);
            }
        }
        body.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    }
    Ok(Request {
        method: head.method,
        path: head.path,
        body,
    })
}

async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
) -> Result<Head, ReadError> {
    let mut scanner = Scanner::new(false);
    let mut length = None;
    loop {
        match scanner.next(bytes).map_err(|_| ReadError::Syntax)? {
            Event::Partial => {
                let room = MAX_HEAD - bytes.len();
                if room == 0 {
                    return Err(ReadError::HeadTooLong);
                }
                if (&mut *stream).take(room as u64).read_buf(bytes).await? == 0 {
                    return Err(ReadError::Gone);
                }
            }
            Event::Field(field) if field.name.of(bytes).eq_ignore_ascii_case(b"content-length") => {
                length =
                    Some(content_length(field.value.of(bytes)).ok_or(ReadError::ContentLength)?);
            }
            Event::Field(_) | Event::Dropped | Event::RequestLine => {}
            Event::End(end) => {
                let line = scanner.request_line();
                let method = line.method.of(bytes).to_vec();
                let path = path(line.target.of(bytes)).ok_or(ReadError::Syntax)?;
                return Ok(Head {
                    method,
                    path,
                    length,
                    end,
                });
            }
        }
    }
}

/// The path of a target, normalised, with `%2F` and `%25` left as they are.
fn path(target: &[u8]) -> Option<Vec<u8>> {
    // Encoded once more, they come out of the decoding as they went in.
    let mut kept = Vec::with_capacity(target.len());
    let mut rest = target;
    while let Some((&byte, tail)) = rest.split_first() {
        kept.push(byte);
        if byte == b'%' && matches!(tail, [b'2', b'F' | b'f' | b'5', ..]) {
            kept.extend_from_slice(b"25");
        }
        rest = tail;
    }
    let mut path = Vec::new();
    normalise(&kept, &mut path).ok()?;
    Some(path)
}

/// Writes an answer and ends the stream.
pub(super) async fn write_answer(
    stream: &mut (impl AsyncWrite + Unpin),
    answer: &Answer,
) -> std::io::Result<()> {
    let body = answer.text();
    let mut text = Vec::with_capacity(body.len() + 200);
    status::write_status_line(&mut text, answer.status);
    text.extend_from_slice(b"Server: ");
    text.extend_from_slice(SERVER);
    let date = httpdate::fmt_http_date(SystemTime::now());
    let length = body.len();
    text.extend_from_slice(
        format!("\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    );
    text.extend_from_slice(body.as_bytes());
    let mut rest = &text[..];
    while !rest.is_empty() {
        let written = timeout(STEP_TIMEOUT, stream.write(rest)).await??;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        rest = &rest[written..];
    }
    stream.shutdown().await
}

/// Takes what a client that was refused still sends, so that it gets to read its answer.
pub(super) async fn linger(stream: &mut (impl AsyncRead + Unpin)) {
    let mut sink = [0; 4096];
    let drain = async { while stream.read(&mut sink).await.is_ok_and(|read| read > 0) {} };
    // Whether it came to an end does not matter.
    let _ = timeout(LINGER, drain).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(future)
    }

    /// Reads a request from these pieces, the last one followed by the end of the stream if asked.
    fn read(pieces: &[&[u8]], closed: bool) -> Result<Request, ReadError> {
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        run(async move {
            let (mut client, mut server) = duplex(16);
            tokio::spawn(async move {
                for piece in &pieces {
                    if client.write_all(piece).await.is_err() {
                        break;
                    }
                }
                if !closed {
                    std::future::pending::<()>().await;
                }
                drop(client);
            });
            read_request(&mut server).await
        })
    }

    #[test]
    fn bodies_are_framed_by_their_length() {
        let request = read(
            &[
                b"PUT /config HTTP/1.1\r\nCONTENT-length: 5\r\n\r\n12",
                b"345",
                b"67",
            ],
            false,
        )
        .unwrap();
        assert_eq!(
            (&request.method[..], &request.path[..], &request.body[..]),
            (&b"PUT"[..], &b"/config"[..], &b"12345"[..])
        );
        let request = read(&[b"GET / HTTP/1.0\n\n"], false).unwrap();
        assert_eq!(
            (&request.path[..], &request.body[..]),
            (&b"/"[..], &b""[..])
        );
    }

    #[test]
    fn paths_keep_encoded_slashes_and_percent_signs() {
        let path = |target: &str| {
            let head = format!("GET {target} HTTP/1.1\r\n\r\n");
            String::from_utf8(read(&[head.as_bytes()], false).unwrap().path).unwrap()
        };
        assert_eq!(
            path("/config/a%2Fb%2fc%25d%41?x#y"),
            "/config/a%2Fb%2fc%25dA"
        );
        assert_eq!(path("/config//a/../b/./%2e%2e/c%3F"), "/config/c?");
        assert_eq!(path("/%2541"), "/%2541");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let error = |pieces: &[&[u8]], closed| read(pieces, closed).unwrap_err().to_string();
        assert_eq!(error(&[b"\x01\r\n\r\n"], false), "parsing error");
        assert_eq!(
            error(&[b"GET /%zz HTTP/1.1\r\n\r\n"], false),
            "parsing error"
        );
        assert_eq!(error(&[b"GET / HTTP/2.0\r\n\r\n"], false), "parsing error");
        assert_eq!(
            error(&[b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"], false),
            "Content-Length is invalid"
        );
        assert_eq!(
            error(&[b"GET / HTTP/1.1\r\nA: ", &[b'b'; 1100]], false),
            "too long request headers"
        );
        assert_eq!(
            error(
                &[b"PUT / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"],
                false
            ),
            "Content-Length is too big"
        );
        assert_eq!(error(&[b"GET / HTTP/1.1\r\n"], true), "the client is gone");
        // The clock runs ahead while everybody waits: these are the timeouts.
        assert_eq!(error(&[b"GET / HTTP/1.1\r\n"], false), "the client is gone");
        assert_eq!(
            error(&[b"PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n1"], false),
            "the client is gone"
        );
    }

    #[test]
    fn answers_close_the_connection() {
        let text = run(async {
            let (mut client, mut server) = duplex(4096);
            write_answer(&mut server, &Answer::not_found())
                .await
                .unwrap();
            let mut text = String::new();
            client.read_to_string(&mut text).await.unwrap();
            text
        });
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let lines: Vec<&str> = head.split("\r\n").collect();
        assert_eq!(
            lines[..2],
            ["HTTP/1.1 404 Not Found", "Server: Unit/1.35.0"]
        );
        assert!(lines[2].starts_with("Date: ") && lines[2].ends_with(" GMT"));
        let length = format!("Content-Length: {}", body.len());
        assert_eq!(
            lines[3..],
            [
                "Content-Type: application/json",
                &length,
                "Connection: close"
            ]
        );
        assert_eq!(body, "{\r\n\t\"error\": \"Value doesn't exist.\"\r\n}\r\n");
    }

    #[test]
    fn a_client_that_does_not_read_is_given_up() {
        let written = run(async {
            let (_client, mut server) = duplex(16);
            write_answer(&mut server, &Answer::not_found()).await
        });
        assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    }
}
