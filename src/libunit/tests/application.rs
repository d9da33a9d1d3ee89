//! An application for the tests: what it does with a request is in the path, and what happened to
//! it is in its log.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex};

use crate::abi::unit::*;
use crate::ipc::segment::CHUNK_SIZE;
use crate::libunit::{Frame, Request};

/// What an application did, as text; reached through `nxt_unit_t.data`.
pub(super) type Log = Arc<Mutex<Vec<String>>>;

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

pub(super) unsafe extern "C" fn on_request(req: *mut nxt_unit_request_info_t) {
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

pub(super) unsafe extern "C" fn on_frame(ws: *mut nxt_unit_websocket_frame_t) {
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

pub(super) unsafe extern "C" fn on_close(req: *mut nxt_unit_request_info_t) {
    // SAFETY: the library gives a live request.
    let request = unsafe { Request::from_ptr(req) }.unwrap();
    note(request, "closed");
    request.done(NXT_UNIT_OK);
}

pub(super) unsafe extern "C" fn on_port(
    ctx: *mut nxt_unit_ctx_t,
    port: *mut nxt_unit_port_t,
) -> c_int {
    // SAFETY: both are live.
    let (unit, id) = unsafe { ((*ctx).unit.get(), (*port).id) };
    log_of(unit)
        .lock()
        .unwrap()
        .push(format!("port {},{}", id.pid, id.id));
    NXT_UNIT_OK
}
