//! Responses of applications, by an application that does what the test says.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Weak;
use std::task::{Context, Poll};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::LocalSet;

use super::*;
use crate::router::app::chunk::Chunk;
use crate::router::app::exchange::{FrameError, Part, ResponseHead};
use crate::router::app_response::AppExchange;
use crate::router::connection::{Connection, Next};
use crate::router::listener::Binding;
use crate::router::stream::Stream;
use crate::router::worker::Worker;
use crate::sys::limits::Placement;

/// An application.
#[derive(Default)]
pub(super) struct Scripted {
    /// What it answers; `None` = nothing until it is woken.
    pub(super) parts: VecDeque<Option<Part>>,
    /// How many parts were taken.
    pub(super) taken: Rc<RefCell<usize>>,
    /// The WebSocket frames that it got.
    pub(super) frames: Rc<RefCell<Vec<Vec<u8>>>>,
    /// How many frames it refuses at first.
    pub(super) refuse_frames: usize,
    /// Answers each frame with these parts.
    pub(super) answers: VecDeque<Vec<Part>>,
    pub(super) waker: Option<std::task::Waker>,
    /// It heard that the client left.
    pub(super) left: bool,
}

impl AppExchange for Scripted {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        match self.parts.pop_front() {
            Some(Some(part)) => {
                *self.taken.borrow_mut() += 1;
                Poll::Ready(part)
            }
            // A moment of silence.
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn client_left(&mut self) {
        self.left = true;
    }

    fn try_send_frame(&mut self, frame: &[u8]) -> Result<bool, FrameError> {
        if self.refuse_frames > 0 {
            self.refuse_frames -= 1;
            return Ok(false);
        }
        self.frames.borrow_mut().push(frame.to_vec());
        if let Some(answer) = self.answers.pop_front() {
            self.parts.extend(answer.into_iter().map(Some));
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
        Ok(true)
    }
}

pub(super) fn head(status: u16, fields: &[(&str, &str)], content_length: Option<u64>) -> Part {
    let mut head = ResponseHead {
        status,
        content_length,
        ..ResponseHead::default()
    };
    fields
        .iter()
        .for_each(|(name, value)| head.fields.push(name.as_bytes(), value.as_bytes()));
    Part::Head(head)
}

pub(super) fn data(bytes: impl AsRef<[u8]>) -> Part {
    Part::Data(Chunk::plain(bytes.as_ref().to_vec()))
}

pub(super) fn binding(adjust: Adjust) -> Binding {
    let mut http = Http::default();
    adjust(&mut http);
    let entry = ListenerEntry {
        address: "*:1".to_owned(),
        socket: Weak::new(),
        local: Address::Unix(b"/sock".to_vec()),
    };
    let table = Table::compile(&Config::default()).unwrap();
    let generation = Generation {
        http,
        shutdown_timeout: None,
        listeners: vec![entry],
        table,
        apps: Vec::new(),
        access_log: None,
        placement: Placement::default(),
    };
    Binding {
        generation: Arc::new(generation),
        index: 0,
    }
}

/// Runs one exchange; what becomes of the connection, and what `client` made of its side.
pub(super) fn exchange<T: 'static>(
    request: &str,
    adjust: Adjust,
    mut app: Scripted,
    client: impl AsyncFnOnce(UnixStream) -> T + 'static,
) -> (Next, T) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async move {
        let (events, _) = unbounded_channel();
        let hub = Hub::new(std::process::id() as i32, events);
        let worker = Worker::new(&hub, Arc::default(), std::env::temp_dir()).unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        let client = tokio::task::spawn_local(async move { client(far).await });
        let binding = binding(adjust);
        let generation = binding.generation.clone();
        let stream = Stream::Unix(near);
        let mut connection = Connection::in_exchange(&worker, binding, stream, request.as_bytes());
        let next = connection
            .answer_from_app(&generation, None, &mut app)
            .await;
        drop(connection);
        (next, client.await.unwrap())
    })
}

/// The whole answer to a request.
fn answer(request: &str, parts: Vec<Option<Part>>) -> (Next, String) {
    let app = Scripted {
        parts: parts.into(),
        ..Scripted::default()
    };
    let read = async |mut stream: UnixStream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        dateless(&String::from_utf8(bytes).unwrap())
    };
    exchange(request, |_| {}, app, read)
}

const GET: &str = "GET / HTTP/1.1\r\n\r\n";
const GET10: &str = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\n\r\n";
const SERVER: &str = "Server: Unit/1.35.0\r\n";

#[test]
fn bodies_are_framed_by_length_chunks_or_close() {
    let text = [("Content-Type", "text/plain")];
    let parts = |length| {
        let head = head(200, &text, length);
        vec![
            Some(head),
            Some(data("hello")),
            None,
            Some(data("")),
            Some(data(" world")),
            Some(Part::End),
        ]
    };
    let start = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{SERVER}");
    let cases = [
        (
            GET,
            Some(11),
            Next::KeepAlive,
            "Content-Length: 11\r\n\r\nhello world",
        ),
        (
            GET,
            None,
            Next::KeepAlive,
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        ),
        (
            GET10,
            Some(11),
            Next::KeepAlive,
            "Content-Length: 11\r\nConnection: keep-alive\r\n\r\nhello world",
        ),
        (GET10, None, Next::Close, "\r\nhello world"),
        (
            HEAD,
            Some(11),
            Next::KeepAlive,
            "Content-Length: 11\r\n\r\n",
        ),
        (HEAD, None, Next::KeepAlive, "\r\n"),
        // More than was declared is not sent; less cannot be repaired.
        (
            GET,
            Some(7),
            Next::Close,
            "Content-Length: 7\r\n\r\nhello w",
        ),
        (
            GET,
            Some(20),
            Next::Close,
            "Content-Length: 20\r\n\r\nhello world",
        ),
    ];
    for (request, length, next, rest) in cases {
        assert_eq!(
            answer(request, parts(length)),
            (next, format!("{start}{rest}")),
            "{request} {length:?}"
        );
    }
}

#[test]
fn a_response_without_body_has_none_whatever_the_application_sends() {
    for (status, phrase) in [(204, "No Content"), (304, "Not Modified")] {
        let parts = vec![
            Some(head(status, &[], None)),
            Some(data("body")),
            Some(Part::End),
        ];
        let expected = format!("HTTP/1.1 {status} {phrase}\r\n{SERVER}\r\n");
        assert_eq!(answer(GET, parts), (Next::KeepAlive, expected));
    }
    let parts = vec![
        Some(head(204, &[], Some(4))),
        Some(data("body")),
        Some(Part::End),
    ];
    let expected = format!("HTTP/1.1 204 No Content\r\n{SERVER}\r\n");
    assert_eq!(answer(GET, parts), (Next::KeepAlive, expected));
}

#[test]
fn the_server_decides_on_framing_and_date_is_kept() {
    let fields = [
        ("Transfer-Encoding", "chunked"),
        ("X", "y"),
        ("date", "today"),
    ];
    let parts = vec![
        Some(head(200, &fields, Some(2))),
        Some(data("ok")),
        Some(Part::End),
    ];
    let expected =
        format!("HTTP/1.1 200 OK\r\nX: y\r\ndate: today\r\n{SERVER}Content-Length: 2\r\n\r\nok");
    assert_eq!(answer(GET, parts), (Next::KeepAlive, expected));
}

#[test]
fn failures_become_pages_before_the_head_and_cuts_after_it() {
    let (next, text) = answer(GET, vec![None, Some(Part::Failed(503))]);
    assert_eq!(next, Next::KeepAlive);
    assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n"));
    let parts = vec![
        Some(head(200, &[], None)),
        Some(data("part")),
        None,
        Some(Part::Failed(503)),
    ];
    let (next, text) = answer(GET, parts);
    assert_eq!(next, Next::Close);
    assert!(text.ends_with("\r\n\r\n4\r\npart\r\n"), "{text}");
    // Nothing but a reset tells a client of HTTP/1.0 that this is not the whole.
    let parts = vec![
        Some(head(200, &[], None)),
        Some(data("part")),
        None,
        Some(Part::Failed(503)),
    ];
    assert_eq!(answer(GET10, parts).0, Next::Abort);
    for bad in [Part::End, data("x")] {
        assert!(answer(GET, vec![Some(bad)]).1.starts_with("HTTP/1.1 503 "));
    }
}

#[test]
fn a_failure_after_the_last_byte_is_none_of_the_clients_concern() {
    let whole = |length, rest: [Option<Part>; 3]| {
        let mut parts = vec![Some(head(200, &[], length))];
        parts.extend(rest);
        parts
    };
    let all = || [Some(data("all")), None, Some(Part::Failed(503))];
    let (next, text) = answer(GET, whole(Some(3), all()));
    assert_eq!(next, Next::KeepAlive);
    assert!(text.ends_with("Content-Length: 3\r\n\r\nall"), "{text}");
    assert_eq!(answer(HEAD, whole(Some(9), all())).0, Next::KeepAlive);
    assert_eq!(answer(GET10, whole(Some(3), all())).0, Next::KeepAlive);
    // But too little, too much and no length at all still are.
    for length in [Some(4), Some(2), None] {
        assert_eq!(answer(GET, whole(length, all())).0, Next::Close);
    }
}

#[test]
fn fields_cannot_break_out_of_their_line() {
    for field in [
        ("X", "a\r\nSet-Cookie: b"),
        ("X\n", "a"),
        ("X", "a\0"),
        ("", "a"),
        ("X: y\tZ", "a"),
    ] {
        let parts = vec![Some(head(200, &[field], None)), Some(Part::End)];
        let (next, text) = answer(GET, parts);
        assert_eq!(next, Next::KeepAlive);
        assert!(
            text.starts_with("HTTP/1.1 503 ") && !text.contains("Cookie"),
            "{text}"
        );
    }
}

#[test]
fn many_small_parts_come_whole() {
    let mut parts = vec![Some(head(200, &[], None))];
    for n in 0..1000 {
        parts.push(Some(data(format!("{n:04}"))));
        if n % 7 == 0 {
            parts.push(None);
        }
    }
    parts.push(Some(Part::End));
    let (next, text) = answer(GET, parts);
    assert_eq!(next, Next::KeepAlive);
    let mut rest = text.split_once("\r\n\r\n").unwrap().1;
    let mut body = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body += &more[..size];
        rest = &more[size + 2..];
    }
    assert_eq!(
        body,
        (0..1000).map(|n| format!("{n:04}")).collect::<String>()
    );
}

#[test]
fn a_client_that_does_not_read_keeps_the_application_waiting() {
    let taken = Rc::new(RefCell::new(0));
    let mut parts: VecDeque<Option<Part>> = (0..64).map(|_| Some(data([b'x'; 1 << 20]))).collect();
    parts.push_front(Some(head(200, &[], None)));
    parts.push_back(Some(Part::End));
    let app = Scripted {
        parts,
        taken: taken.clone(),
        ..Scripted::default()
    };
    let client = async move |mut stream: UnixStream| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let before = *taken.borrow();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        (before, bytes.len())
    };
    let (next, (before, total)) = exchange(GET, |_| {}, app, client);
    assert_eq!(next, Next::KeepAlive);
    assert!(before <= 4, "{before}");
    assert!(total > 64 << 20);
}

#[test]
fn a_client_that_leaves_ends_the_exchange() {
    let parts = vec![Some(head(200, &[], None))];
    let app = Scripted {
        parts: parts.into(),
        ..Scripted::default()
    };
    let client = async |mut stream: UnixStream| {
        // Unread bytes make the kernel report a reset rather than an orderly end.
        stream.write_all(b"x").await.unwrap();
        drop(stream);
    };
    let (next, ()) = exchange(
        GET,
        |http| http.send_timeout = Duration::from_secs(5),
        app,
        client,
    );
    assert_eq!(next, Next::Close);
}

#[test]
fn a_client_that_stops_sending_still_gets_its_answer() {
    let parts = vec![
        Some(head(200, &[], Some(2))),
        None,
        None,
        Some(data("ok")),
        Some(Part::End),
    ];
    let app = Scripted {
        parts: parts.into(),
        ..Scripted::default()
    };
    let client = async |mut stream: UnixStream| {
        stream.shutdown().await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let (next, text) = exchange(GET, |_| {}, app, client);
    assert_eq!(next, Next::KeepAlive);
    assert!(text.ends_with("\r\n\r\nok"));
}
