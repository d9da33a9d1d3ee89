//! The library against a router that this file plays: ports, queues and segments are the real ones.

use std::ffi::{c_char, c_int, c_void};
use std::io::{Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::abi::unit::*;
use crate::ipc::message::{QUIT_GRACEFUL, kind};
use crate::ipc::segment::{CHUNK_SIZE, OnRelease};
use crate::ipc::{
    AppQueue, ChunkRef, Header, IncomingSegments, Message, NewPort, OutgoingSegments, Pid, PortId,
    PortQueue, ProcessType, Receiver, Sender, peers, socket,
};

const ROUTER: Pid = 1001;
const APP: Pid = 1002;
const RESPONSE_PORT: u16 = 7;

struct Router {
    /// Main port: what the application asks.
    main: Receiver,
    /// The port of a router thread: responses.
    responses: Receiver,
    response_port: (OwnedFd, OwnedFd),
    to_app: Arc<Sender>,
    shared: AppQueue,
    _shared_socket: OwnedFd,
    segments: Arc<OutgoingSegments>,
    incoming: IncomingSegments,
    log: Arc<Mutex<Vec<String>>>,
}

/// What an application did, as text; reached through `nxt_unit_t.data`.
type Log = Arc<Mutex<Vec<String>>>;

fn log_of(unit: *mut nxt_unit_t) -> &'static Log {
    // SAFETY: every library of this file gets a leaked log.
    unsafe { &*(*unit).data.get().cast::<Log>() }
}

fn note(request: &Request, text: impl Into<String>) {
    log_of(request.info().unit.get())
        .lock()
        .unwrap()
        .push(text.into());
}

unsafe extern "C" fn on_request(req: *mut nxt_unit_request_info_t) {
    // SAFETY: the library gives a live request.
    let request = unsafe { Request::from_ptr(req) }.unwrap();
    // SAFETY: the test's requests have a path of four bytes.
    let path = unsafe {
        let at = nxt_unit_sptr_t::target(&(*request.info().request.get()).path);
        std::slice::from_raw_parts(at.cast::<u8>(), 4)
    };
    match path {
        b"/hi " => {
            assert_eq!(request.init_response(201, 2, 40), NXT_UNIT_OK);
            assert_eq!(request.add_field(b"X-Name", b"value"), NXT_UNIT_OK);
            assert_eq!(request.write(b"hello", 5), 5);
            request.done(NXT_UNIT_OK);
        }
        b"/end" => request.done(NXT_UNIT_OK),
        b"/big" => {
            assert_eq!(request.init_response(200, 0, 0), NXT_UNIT_OK);
            let piece = vec![b'b'; 3_000_000];
            for _ in 0..9 {
                assert_eq!(request.write(&piece, piece.len()), piece.len() as isize);
            }
            request.done(NXT_UNIT_OK);
        }
        b"/now" => {
            assert_eq!(request.init_response(200, 0, 0), NXT_UNIT_OK);
            let piece = vec![b'n'; 30_000_000];
            let sent = request.write(&piece, 0);
            note(
                request,
                format!("sent {}", sent as usize / CHUNK_SIZE * CHUNK_SIZE),
            );
            request.done(NXT_UNIT_OK);
        }
        b"/get" => {
            let mut text = Vec::new();
            loop {
                let size = request.readline_size(1000);
                if size <= 0 {
                    break;
                }
                let mut line = vec![MaybeUninit::uninit(); size as usize];
                assert_eq!(request.read(&mut line), size);
                text.push(size);
            }
            note(request, format!("lines {text:?}"));
            request.done(NXT_UNIT_OK);
        }
        b"/ws " => {
            assert!(request.is_handshake());
            assert_eq!(request.init_response(101, 0, 0), NXT_UNIT_OK);
            assert_eq!(request.send_response(), NXT_UNIT_OK);
            assert!(request.is_websocket());
        }
        _ => {
            note(request, "kept");
        }
    }
}

unsafe extern "C" fn on_frame(ws: *mut nxt_unit_websocket_frame_t) {
    // SAFETY: the library gives a live frame of a live request.
    let (frame, request) = unsafe {
        (
            Frame::from_ptr(ws).unwrap(),
            Request::from_ptr((*ws).req.get()).unwrap(),
        )
    };
    assert_eq!(frame.retain(), NXT_UNIT_OK);
    // SAFETY: as above.
    let size = unsafe { (*ws).payload_len.get() } as usize;
    let mut payload = vec![MaybeUninit::uninit(); size];
    // In two parts, so that the mask has to go on where it stopped.
    let (head, tail) = payload.split_at_mut(size / 3);
    assert_eq!(frame.read(head), head.len() as isize);
    assert_eq!(frame.read(tail), tail.len() as isize);
    // SAFETY: read has filled it.
    let payload: Vec<u8> = payload.iter().map(|b| unsafe { b.assume_init() }).collect();
    assert_eq!(
        request.send_frame(2, true, &[&payload[..1], &payload[1..]]),
        NXT_UNIT_OK
    );
    frame.done();
}

unsafe extern "C" fn on_close(req: *mut nxt_unit_request_info_t) {
    // SAFETY: the library gives a live request.
    let request = unsafe { Request::from_ptr(req) }.unwrap();
    note(request, "closed");
    request.done(NXT_UNIT_OK);
}

unsafe extern "C" fn on_port(ctx: *mut nxt_unit_ctx_t, port: *mut nxt_unit_port_t) -> c_int {
    // SAFETY: both are live.
    let (unit, id) = unsafe { ((*ctx).unit.get(), (*port).id) };
    log_of(unit)
        .lock()
        .unwrap()
        .push(format!("port {},{}", id.pid, id.id));
    NXT_UNIT_OK
}

fn start(shm_limit: u32) -> (Router, &'static Context) {
    let (main, main_write) = socket::pair().unwrap();
    let (ready, ready_write) = socket::pair().unwrap();
    let (app_read, app_write) = socket::pair().unwrap();
    let (shared_read, shared_write) = socket::pair().unwrap();
    let (shared, shared_memory) = AppQueue::create().unwrap();
    let (responses, responses_write) = socket::pair().unwrap();
    let (queue, queue_memory) = PortQueue::create().unwrap();
    let log = Log::default();

    let port = |pid, id, in_fd: Option<OwnedFd>, out_fd: Option<OwnedFd>| nxt_unit_port_t {
        id: port_id(pid, id),
        in_fd: in_fd.map_or(-1, IntoRawFd::into_raw_fd).into(),
        out_fd: out_fd.map_or(-1, IntoRawFd::into_raw_fd).into(),
        data: std::ptr::null_mut::<c_void>().into(),
    };
    let settings = nxt_unit_init_t {
        data: Box::into_raw(Box::new(log.clone())).cast(),
        ctx_data: std::ptr::null_mut(),
        max_pending_requests: 0,
        request_data_size: 24,
        shm_limit,
        request_limit: 0,
        callbacks: nxt_unit_callbacks_t {
            request_handler: Some(on_request),
            websocket_handler: Some(on_frame),
            close_handler: Some(on_close),
            add_port: Some(on_port),
            ..Default::default()
        },
        ready_port: port(1000, 0, None, Some(ready_write)),
        ready_stream: 5,
        router_port: port(ROUTER, 0, None, Some(main_write)),
        read_port: port(APP, 0, Some(app_read), Some(app_write.try_clone().unwrap())),
        shared_port_fd: shared_read.into_raw_fd(),
        shared_queue_fd: shared_memory.into_raw_fd(),
        log_fd: 2,
    };
    // SAFETY: the descriptors are given away above.
    let ctx = unsafe { init(&settings) }.unwrap();

    let hello = socket::receive(ready.as_fd()).unwrap().unwrap();
    assert_eq!(
        (hello.header.kind, hello.header.stream),
        (kind::PROCESS_READY, 5)
    );
    let app_queue = PortQueue::map(hello.fds[0].as_ref().unwrap().as_fd()).unwrap();
    let to_app = Arc::new(Sender::new(app_write, Some(app_queue)));
    let acknowledge = to_app.clone();
    let on_release: OnRelease = Arc::new(move || {
        acknowledge
            .send(&Header::new(ROUTER, kind::SHM_ACK, 0), &[], &[])
            .unwrap();
    });
    let router = Router {
        main: Receiver::new(main, None),
        responses: Receiver::new(responses, Some(queue)),
        response_port: (responses_write, queue_memory),
        to_app,
        shared,
        _shared_socket: shared_write,
        segments: Arc::new(OutgoingSegments::new(ROUTER, 0, 100)),
        incoming: IncomingSegments::new(ROUTER, APP, 64, on_release),
        log,
    };
    router
        .to_app
        .send(&Header::new(ROUTER, kind::PORT_ACK, 0), &[], &[])
        .unwrap();
    assert_eq!(step(ctx), NXT_UNIT_OK);
    (router, ctx)
}

/// A request head with its first body bytes, as the router writes it.
fn request_head(path: &[u8; 4], websocket: bool, body: &[u8], content_length: u64) -> Vec<u8> {
    let fixed = size_of::<nxt_unit_request_t>();
    let mut bytes = vec![0u8; fixed];
    bytes[6] = websocket.into();
    bytes[48..56].copy_from_slice(&content_length.to_ne_bytes());
    let mut put = |at: usize, text: &[u8]| {
        let offset = (bytes.len() - at) as u32;
        bytes[at..at + 4].copy_from_slice(&offset.to_ne_bytes());
        bytes.extend_from_slice(text);
    };
    put(std::mem::offset_of!(nxt_unit_request_t, path), path);
    put(
        std::mem::offset_of!(nxt_unit_request_t, preread_content),
        body,
    );
    bytes
}

impl Router {
    fn share(&self, bytes: &[u8]) -> ChunkRef {
        let mut run = self
            .segments
            .allocate(bytes.len(), bytes.len(), None)
            .unwrap()
            .run;
        assert!(run.write(0, bytes));
        run.into_sent(bytes.len())
    }

    fn announce_response_port(&self) {
        let new = NewPort::new(
            PortId {
                pid: ROUTER,
                id: RESPONSE_PORT,
            },
            ProcessType::Router,
        );
        let (socket, queue) = (&self.response_port.0, &self.response_port.1);
        new.send(&self.to_app, ROUTER, 0, socket.as_fd(), Some(queue.as_fd()))
            .unwrap();
    }

    fn announce_segments(&self) {
        let fd = self.segments.duplicate_fd(0).unwrap();
        self.to_app
            .send(&Header::new(ROUTER, kind::MMAP, 0), &[], &[fd.as_fd()])
            .unwrap();
    }

    /// Puts a request into the shared queue.
    fn request(&self, stream: u32, head: &[u8]) {
        let header = Header {
            mmap: true,
            ..Header::new(ROUTER, kind::REQ_HEADERS, stream)
        }
        .reply_to(RESPONSE_PORT);
        let item = [&header.encode()[..], &self.share(head).encode()].concat();
        self.shared.send(&item, stream).unwrap();
    }

    /// Ready for requests: the application knows the response port and the segment.
    fn ready(&self, ctx: &Context) {
        self.announce_response_port();
        drop(self.segments.allocate(1, 1, None).unwrap());
        self.announce_segments();
        assert_eq!(step(ctx), NXT_UNIT_OK);
        assert_eq!(step(ctx), NXT_UNIT_OK);
    }

    /// The next message for the response port, within five seconds.
    fn response(&mut self) -> Message {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            match self.responses.receive().unwrap() {
                Some(message) if message.header.kind == kind::MMAP => {
                    self.incoming
                        .add(message.fds[0].as_ref().unwrap().as_fd())
                        .unwrap();
                }
                Some(message) => return message,
                None => {
                    assert!(Instant::now() < until, "no message");
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            if let Some(message) = self.main.receive().unwrap()
                && message.header.kind == kind::OOSM
                && self.incoming.peer_is_exhausted()
            {
                self.to_app
                    .send(&Header::new(ROUTER, kind::SHM_ACK, 0), &[], &[])
                    .unwrap();
            }
        }
    }

    /// The bytes of a message, wherever they are.
    fn bytes(&self, message: &Message) -> Vec<u8> {
        if !message.header.mmap {
            return message.body.to_vec();
        }
        message
            .chunks()
            .flat_map(|c| self.incoming.chunk(c).unwrap().to_vec())
            .collect()
    }

    fn acknowledged(&mut self, stream: u32) {
        let ack = self.response();
        assert_eq!(
            (ack.header.kind, ack.header.stream),
            (kind::REQ_HEADERS_ACK, stream)
        );
    }

    /// Status, first field and content of the next message, which is a response head.
    fn response_head(&mut self) -> (u16, Option<(String, String)>, Vec<u8>, bool) {
        let message = self.response();
        assert_eq!(message.header.kind, kind::DATA);
        let bytes = self.bytes(&message);
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let at = |at: usize, len: usize| bytes[at + word(at)..at + word(at) + len].to_vec();
        let text = |a, len| String::from_utf8(at(a, len)).unwrap();
        let field =
            (word(8) > 0).then(|| (text(24 + 8, bytes[27].into()), text(24 + 12, word(28))));
        let content = if word(12) > 0 {
            at(20, word(12))
        } else {
            Vec::new()
        };
        (word(16) as u16, field, content, message.header.last)
    }
}

/// Processes one message; wake-ups that bring none do not count.
fn step(ctx: &Context) -> c_int {
    loop {
        match ctx.run_once() {
            NXT_UNIT_AGAIN => continue,
            rc => return rc,
        }
    }
}

fn finish(ctx: &'static Context) {
    // SAFETY: the test's only use of the context ends here.
    unsafe { Context::release(ctx) };
}

#[test]
fn a_request_waits_for_its_segment_and_its_port() {
    let (mut router, ctx) = start(0);
    router.request(11, &request_head(b"/hi ", false, b"", 0));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    let ask = router.main.receive().unwrap().unwrap();
    assert_eq!(
        (ask.header.kind, &*ask.body),
        (kind::GET_MMAP, &0u32.to_ne_bytes()[..])
    );
    router.announce_segments();
    assert_eq!(step(ctx), NXT_UNIT_OK);
    let ask = router.main.receive().unwrap().unwrap();
    let wanted = PortId {
        pid: ROUTER,
        id: RESPONSE_PORT,
    };
    assert_eq!(ask.header.kind, kind::GET_PORT);
    assert_eq!(peers::decode_get_port(&ask.body), Some(wanted));
    router.announce_response_port();
    assert_eq!(step(ctx), NXT_UNIT_OK);

    router.acknowledged(11);
    let field = Some(("X-Name".to_owned(), "value".to_owned()));
    assert_eq!(
        router.response_head(),
        (201, field, b"hello".to_vec(), false)
    );
    let end = router.response();
    assert_eq!(
        (end.header.kind, end.header.last, end.body.len()),
        (kind::DATA, true, 0)
    );
    assert!(
        router
            .log
            .lock()
            .unwrap()
            .contains(&format!("port {ROUTER},{RESPONSE_PORT}"))
    );
    finish(ctx);
    // Everything is closed: the library held the last write end.
    assert!(matches!(
        router.main.receive(),
        Err(crate::ipc::ReceiveError::Closed)
    ));
}

#[test]
fn an_empty_answer_is_one_message_and_requests_are_reused() {
    let (mut router, ctx) = start(0);
    router.ready(ctx);
    for stream in 1..200 {
        router.request(stream, &request_head(b"/end", false, b"", 0));
        assert_eq!(step(ctx), NXT_UNIT_OK);
        router.acknowledged(stream);
        let field = Some(("Content-Type".to_owned(), "text/plain".to_owned()));
        assert_eq!(router.response_head(), (200, field, vec![], true));
    }
    // All memory came back on both sides.
    assert_eq!(ctx.library().outgoing().held_chunks(), 0);
    assert!(router.segments.duplicate_fd(1).is_none());
    finish(ctx);
}

#[test]
fn a_body_is_read_by_lines_from_memory_and_file() {
    let (mut router, ctx) = start(0);
    router.ready(ctx);
    let body = b"first\nsecond line\nno";
    let mut file = tempfile();
    file.write_all(b"t over\n").unwrap();
    file.write_all(&[b'x'; 50_000]).unwrap();
    file.rewind().unwrap();
    let total = body.len() as u64 + 7 + 50_000;

    // The head first, the file in a message of its own.
    router.request(3, &request_head(b"/get", false, body, total));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    assert!(
        !router
            .log
            .lock()
            .unwrap()
            .iter()
            .any(|l| l.starts_with("lines"))
    );
    let header = Header::new(ROUTER, kind::REQ_BODY, 3).with_last(true);
    router.to_app.send(&header, &[], &[file.as_fd()]).unwrap();
    assert_eq!(step(ctx), NXT_UNIT_OK);
    router.acknowledged(3);
    let expected = [&[6isize, 12, 9][..], &[1000; 50]].concat();
    assert_eq!(
        router.log.lock().unwrap().last(),
        Some(&format!("lines {expected:?}"))
    );

    // All of it in shared memory.
    let rest = router.share(b"o\nend");
    router.request(4, &request_head(b"/get", false, b"tw", 7));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    let header = Header::new(ROUTER, kind::REQ_BODY, 4).with_last(true);
    router.to_app.send_chunks(&header, &[rest]).unwrap();
    assert_eq!(step(ctx), NXT_UNIT_OK);
    assert_eq!(
        router.log.lock().unwrap().last(),
        Some(&"lines [4, 3]".to_owned())
    );
    finish(ctx);
}

fn tempfile() -> std::fs::File {
    let name = std::env::temp_dir().join(format!("nxt-libunit-{}", std::process::id()));
    let mut options = std::fs::File::options();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&name)
        .unwrap();
    std::fs::remove_file(&name).unwrap();
    file
}

#[test]
fn a_long_response_waits_for_the_router_to_release_memory() {
    let (mut router, ctx) = start(10 << 20);
    router.ready(ctx);
    router.request(9, &request_head(b"/big", false, b"", 0));
    let reader = std::thread::spawn(move || {
        router.acknowledged(9);
        router.response_head();
        let mut total = 0;
        loop {
            let message = router.response();
            total += router
                .bytes(&message)
                .iter()
                .filter(|&&b| b == b'b')
                .count();
            if message.header.last {
                return total;
            }
        }
    });
    assert_eq!(step(ctx), NXT_UNIT_OK);
    let first = 16 * 1024 - 24;
    assert_eq!(reader.join().unwrap() + first, 27_000_000);
    finish(ctx);
}

#[test]
fn a_nonblocking_write_stops_when_memory_is_out() {
    let (mut router, ctx) = start(10 << 20);
    router.ready(ctx);
    router.request(9, &request_head(b"/now", false, b"", 0));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    let log = router.log.lock().unwrap().last().cloned().unwrap();
    let sent: usize = log.strip_prefix("sent ").unwrap().parse().unwrap();
    assert!(sent > 9 << 20 && sent <= 10 << 20, "{sent}");
    assert_eq!(
        router.main.receive().unwrap().unwrap().header.kind,
        kind::OOSM
    );
    router.acknowledged(9);
    finish(ctx);
}

fn masked_frame(payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![0x82, 0x80 | 126];
    frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
    frame
}

#[test]
fn websocket_frames_come_back_unmasked_and_the_end_closes() {
    let (mut router, ctx) = start(0);
    router.ready(ctx);
    router.request(21, &request_head(b"/ws ", true, b"", 0));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    router.acknowledged(21);
    assert_eq!(router.response_head().0, 101);

    let payload: Vec<u8> = (0..3000).map(|i| i as u8).collect();
    let header = Header::new(ROUTER, kind::WEBSOCKET, 21);
    for shared in [false, true] {
        let frame = masked_frame(&payload);
        if shared {
            router
                .to_app
                .send_chunks(&header, &[router.share(&frame)])
                .unwrap();
        } else {
            router.to_app.send(&header, &frame, &[]).unwrap();
        }
        assert_eq!(step(ctx), NXT_UNIT_OK);
        let message = router.response();
        let echo = router.bytes(&message);
        assert_eq!(echo[..4], [0x82, 126, 11, 184]);
        assert_eq!(echo[4..], payload);
    }
    router
        .to_app
        .send(&header.with_last(true), &[], &[])
        .unwrap();
    assert_eq!(step(ctx), NXT_UNIT_OK);
    assert_eq!(
        router.log.lock().unwrap().last(),
        Some(&"closed".to_owned())
    );
    assert!(router.response().header.last);
    finish(ctx);
}

#[test]
fn the_close_of_a_plain_request_is_told_once() {
    let (mut router, ctx) = start(0);
    router.ready(ctx);
    router.request(22, &request_head(b"/slo", false, b"", 0));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    router.acknowledged(22);
    let left = |stream| Header::new(ROUTER, kind::WEBSOCKET, stream).with_last(true);
    for stream in [23, 22, 22] {
        router.to_app.send(&left(stream), &[], &[]).unwrap();
        assert_eq!(step(ctx), NXT_UNIT_OK);
    }
    let log = router.log.lock().unwrap();
    assert_eq!(log.iter().filter(|text| *text == "closed").count(), 1);
    drop(log);
    finish(ctx);
}

#[test]
fn a_graceful_quit_lets_requests_end() {
    let (mut router, ctx) = start(0);
    router.ready(ctx);
    router.request(31, &request_head(b"/slo", false, b"", 0));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    router.acknowledged(31);
    let quit = Header::new(ROUTER, kind::QUIT, 0);
    router.to_app.send(&quit, &[QUIT_GRACEFUL], &[]).unwrap();
    assert_eq!(step(ctx), NXT_UNIT_OK);
    assert!(ctx.is_online() && !ctx.takes_requests());
    assert!(ctx.dequeue().is_none());
    // SAFETY: the request is active.
    unsafe { &*ctx.active_requests()[0] }.done(NXT_UNIT_OK);
    assert!(!ctx.is_online());
    assert_eq!(ctx.run(), NXT_UNIT_OK);
    assert_eq!(router.response_head().0, 200);
    finish(ctx);
}

#[test]
fn malformed_messages_end_in_an_error_and_the_next_one_works() {
    let (mut router, ctx) = start(0);
    router.ready(ctx);
    let chunk = |segment, chunk, size| ChunkRef {
        segment,
        chunk,
        size,
    };
    let shared = |stream, chunk: ChunkRef| {
        let header = Header {
            mmap: true,
            ..Header::new(ROUTER, kind::REQ_HEADERS, stream)
        };
        let item = [&header.encode()[..], &chunk.encode()].concat();
        router.shared.send(&item, stream).unwrap();
        assert_eq!(step(ctx), NXT_UNIT_ERROR);
    };
    shared(1, chunk(0, 640, 100));
    shared(2, chunk(0, 639, 20_000));
    shared(3, chunk(0, 5, 10));
    let mut head = request_head(b"/hi ", false, b"", 0);
    head[24..28].copy_from_slice(&u32::MAX.to_ne_bytes());
    shared(4, router.share(&head));
    let mut head = request_head(b"/hi ", false, b"", 0);
    head[92..96].copy_from_slice(&90_000u32.to_ne_bytes());
    shared(5, router.share(&head));

    let own = |header: Header, body: &[u8], fds: &[BorrowedFd<'_>]| {
        router.to_app.send(&header, body, fds).unwrap();
        assert_eq!(step(ctx), NXT_UNIT_ERROR, "{header:?}");
    };
    own(Header::new(ROUTER, 200, 0), &[], &[]);
    own(Header::new(ROUTER, kind::START_PROCESS, 0), &[], &[]);
    own(
        Header {
            mf: true,
            ..Header::new(ROUTER, kind::DATA, 0)
        },
        &[],
        &[],
    );
    own(
        Header {
            mmap: true,
            ..Header::new(ROUTER, kind::REQ_BODY, 0)
        },
        b"x",
        &[],
    );
    own(Header::new(ROUTER, kind::MMAP, 0), &[], &[]);
    own(
        Header::new(ROUTER, kind::MMAP, 0),
        &[],
        &[router.main.as_fd()],
    );
    own(Header::new(ROUTER, kind::NEW_PORT, 0), b"short", &[]);
    own(Header::new(ROUTER, kind::REMOVE_PID, 0), b"x", &[]);
    own(Header::new(ROUTER, kind::CHANGE_FILE, 0), &[], &[]);

    router.request(6, &request_head(b"/end", false, b"", 0));
    assert_eq!(step(ctx), NXT_UNIT_OK);
    router.acknowledged(6);
    assert_eq!(router.response_head().0, 200);
    finish(ctx);
}

#[test]
fn a_context_for_another_thread_gets_a_port_of_its_own() {
    let (mut router, ctx) = start(0);
    let sibling = ctx.create_sibling(std::ptr::null_mut()).unwrap();
    let mut new = router.main.receive().unwrap().unwrap();
    assert_eq!(new.header.kind, kind::NEW_PORT);
    let decoded = NewPort::decode(&new.body).unwrap();
    assert_eq!(
        (decoded.port, decoded.process),
        (PortId { pid: APP, id: 1 }, ProcessType::App)
    );
    let queue = PortQueue::map(new.fds[1].as_ref().unwrap().as_fd()).unwrap();
    let to_sibling = Sender::new(new.take_fd().unwrap(), Some(queue));
    to_sibling
        .send(&Header::new(ROUTER, kind::PORT_ACK, 0), &[], &[])
        .unwrap();
    assert_eq!(step(sibling), NXT_UNIT_OK);
    assert!(sibling.takes_requests());
    // The main context's end reaches it.
    router
        .to_app
        .send(&Header::new(ROUTER, kind::QUIT, 0), &[], &[])
        .unwrap();
    assert_eq!(ctx.run(), NXT_UNIT_OK);
    assert_eq!(sibling.run(), NXT_UNIT_OK);
    finish(sibling);
    finish(ctx);
}

#[test]
fn a_dead_router_is_forgotten_with_its_ports_and_memory() {
    let (router, ctx) = start(0);
    router.ready(ctx);
    let lib = ctx.library();
    let port = PortId {
        pid: ROUTER,
        id: RESPONSE_PORT,
    };
    assert!(lib.find_port(port).is_some() && lib.knows_segment(ROUTER, 0));
    let header = Header::new(ROUTER, kind::REMOVE_PID, 0);
    router
        .to_app
        .send(&header, &ROUTER.to_ne_bytes(), &[])
        .unwrap();
    assert_eq!(step(ctx), NXT_UNIT_OK);
    assert!(lib.find_port(port).is_none() && !lib.knows_segment(ROUTER, 0));
    finish(ctx);
}

#[test]
fn the_application_finds_its_bytes_behind_the_request() {
    let (router, ctx) = start(0);
    router.ready(ctx);
    router.request(41, &request_head(b"/slo", false, b"", 0));
    let req = ctx.dequeue().unwrap();
    let data = req.info().data.get();
    // SAFETY: 24 bytes were asked for.
    unsafe { data.cast::<c_char>().write_bytes(7, 24) };
    assert_eq!(Request::ptr_from_data(data), req.as_ptr());
    req.done(NXT_UNIT_ERROR);
    finish(ctx);
}
