//! The library against a router that the tests play: ports, queues and segments are the real ones.

mod application;
mod router;

use std::ffi::c_char;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, BorrowedFd};

use self::router::{APP, RESPONSE_PORT, ROUTER, finish, request_head, start, step};
use super::*;
use crate::abi::unit::*;
use crate::ipc::message::{QUIT_GRACEFUL, kind};
use crate::ipc::{ChunkRef, Header, NewPort, PortId, PortQueue, ProcessType, Sender, peers};

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
