//! The router that the tests play, and a library that is started against it.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::application::{Log, on_close, on_frame, on_port, on_request};
use crate::abi::unit::*;
use crate::ipc::message::kind;
use crate::ipc::segment::OnRelease;
use crate::ipc::{
    AppQueue, ChunkRef, Header, IncomingSegments, Message, NewPort, OutgoingSegments, Pid, PortId,
    PortQueue, ProcessType, Receiver, Sender, socket,
};
use crate::libunit::{Context, init, port_id};

pub(super) const ROUTER: Pid = 1001;
pub(super) const APP: Pid = 1002;
pub(super) const RESPONSE_PORT: u16 = 7;

/// The router that the tests play.
pub(super) struct Router {
    /// Main port: what the application asks.
    pub(super) main: Receiver,
    /// The port of a router thread: responses.
    pub(super) responses: Receiver,
    response_port: (OwnedFd, OwnedFd),
    pub(super) to_app: Arc<Sender>,
    pub(super) shared: AppQueue,
    _shared_socket: OwnedFd,
    pub(super) segments: Arc<OutgoingSegments>,
    pub(super) incoming: IncomingSegments,
    pub(super) log: Arc<Mutex<Vec<String>>>,
}

/// A library, and the router that it has told to be ready.
pub(super) fn start(shm_limit: u32) -> (Router, &'static Context) {
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
pub(super) fn request_head(
    path: &[u8; 4],
    websocket: bool,
    body: &[u8],
    content_length: u64,
) -> Vec<u8> {
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
    pub(super) fn share(&self, bytes: &[u8]) -> ChunkRef {
        let mut run = self
            .segments
            .allocate(bytes.len(), bytes.len(), None)
            .unwrap()
            .run;
        assert!(run.write(0, bytes));
        run.into_sent(bytes.len())
    }

    pub(super) fn announce_response_port(&self) {
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

    pub(super) fn announce_segments(&self) {
        let fd = self.segments.duplicate_fd(0).unwrap();
        self.to_app
            .send(&Header::new(ROUTER, kind::MMAP, 0), &[], &[fd.as_fd()])
            .unwrap();
    }

    /// Puts a request into the shared queue.
    pub(super) fn request(&self, stream: u32, head: &[u8]) {
        let header = Header {
            mmap: true,
            ..Header::new(ROUTER, kind::REQ_HEADERS, stream)
        }
        .reply_to(RESPONSE_PORT);
        let item = [&header.encode()[..], &self.share(head).encode()].concat();
        self.shared.send(&item, stream).unwrap();
    }

    /// Ready for requests: the application knows the response port and the segment.
    pub(super) fn ready(&self, ctx: &Context) {
        self.announce_response_port();
        drop(self.segments.allocate(1, 1, None).unwrap());
        self.announce_segments();
        assert_eq!(step(ctx), NXT_UNIT_OK);
        assert_eq!(step(ctx), NXT_UNIT_OK);
    }

    /// The next message for the response port, within five seconds.
    pub(super) fn response(&mut self) -> Message {
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
    pub(super) fn bytes(&self, message: &Message) -> Vec<u8> {
        if !message.header.mmap {
            return message.body.to_vec();
        }
        message
            .chunks()
            .flat_map(|c| self.incoming.chunk(c).unwrap().to_vec())
            .collect()
    }

    pub(super) fn acknowledged(&mut self, stream: u32) {
        let ack = self.response();
        assert_eq!(
            (ack.header.kind, ack.header.stream),
            (kind::REQ_HEADERS_ACK, stream)
        );
    }

    /// Status, first field and content of the next message, which is a response head.
    pub(super) fn response_head(&mut self) -> (u16, Option<(String, String)>, Vec<u8>, bool) {
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
pub(super) fn step(ctx: &Context) -> c_int {
    loop {
        match ctx.run_once() {
            NXT_UNIT_AGAIN => continue,
            rc => return rc,
        }
    }
}

pub(super) fn finish(ctx: &'static Context) {
    // SAFETY: the test's only use of the context ends here.
    unsafe { Context::release(ctx) };
}
