//! Connections after the upgrade to WebSocket.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::app_response::{Scripted, data, exchange, head};
use super::*;
use crate::http::websocket::{apply_mask, write_frame_header};
use crate::router::app::exchange::Part;
use crate::router::connection::Next;

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

const MASK: [u8; 4] = [1, 2, 3, 4];

/// A frame as a client sends it.
fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame_header(&mut frame, true, 0, payload.len() as u64);
    frame[0] = first;
    frame[1] |= 0x80;
    frame.extend_from_slice(&MASK);
    let start = frame.len();
    frame.extend_from_slice(payload);
    apply_mask(&mut frame[start..], MASK, 0);
    frame
}

fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    [
        &[0x88, reason.len() as u8 + 2],
        &code.to_be_bytes()[..],
        reason.as_bytes(),
    ]
    .concat()
}

fn upgraded() -> Scripted {
    Scripted {
        parts: [Some(head(101, &[("Sec-WebSocket-Protocol", "chat")], None))].into(),
        ..Scripted::default()
    }
}

async fn read_head(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    dateless(&String::from_utf8(bytes).unwrap())
}

async fn read_rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Sends `bytes` after the upgrade; what comes back until the end, and the frames that the
/// application got.
fn converse(app: Scripted, adjust: Adjust, bytes: Vec<u8>) -> (Next, Vec<u8>, Vec<Vec<u8>>) {
    let frames = app.frames.clone();
    let client = async move |mut stream: UnixStream| {
        read_head(&mut stream).await;
        stream.write_all(&bytes).await.unwrap();
        read_rest(&mut stream).await
    };
    let (next, answer) = exchange(UPGRADE, adjust, app, client);
    (
        next,
        answer,
        Rc::into_inner(frames)
            .map(RefCell::into_inner)
            .unwrap_or_default(),
    )
}

#[test]
fn the_handshake_is_answered() {
    let mut app = upgraded();
    app.parts.push_back(Some(Part::End));
    let client = async |mut stream: UnixStream| read_head(&mut stream).await;
    let (next, head) = exchange(UPGRADE, |_| {}, app, client);
    assert_eq!(next, Next::Linger);
    assert_eq!(
        head,
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: chat\r\n\
        Server: Unit/1.35.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
}

#[test]
fn a_refused_handshake_is_an_ordinary_response() {
    let parts = [
        Some(head(403, &[], Some(2))),
        Some(data("no")),
        Some(Part::End),
    ];
    let app = Scripted {
        parts: parts.into(),
        ..Scripted::default()
    };
    let client = async |mut stream: UnixStream| read_rest(&mut stream).await;
    let (next, answer) = exchange(UPGRADE, |_| {}, app, client);
    assert_eq!(next, Next::KeepAlive);
    assert!(answer.starts_with(b"HTTP/1.1 403 Forbidden\r\n") && answer.ends_with(b"\r\n\r\nno"));
}

#[test]
fn frames_pass_as_they_are_and_pings_are_answered() {
    let mut app = upgraded();
    let echo = |text: &[u8]| data([&[0x81, text.len() as u8], text].concat());
    app.answers = [
        vec![echo(b"one"), echo(b"two")],
        vec![],
        vec![data(close_frame(1000, "")), Part::End],
    ]
    .into();
    let big = vec![7; 70_000];
    let sent = [
        client_frame(0x81, b"hello"),
        client_frame(0x89, b"are you there"),
        client_frame(0x02, &big),
        client_frame(0x88, &1000u16.to_be_bytes()),
        b"ignored".to_vec(),
    ];
    let (next, answer, frames) = converse(app, |_| {}, sent.concat());
    assert_eq!(next, Next::Linger);
    assert_eq!(frames, [sent[0].clone(), sent[2].clone(), sent[3].clone()]);
    let pong = [&[0x8a, 13][..], b"are you there"].concat();
    let close = close_frame(1000, "");
    assert!(answer.ends_with(&close));
    let rest = &answer[..answer.len() - close.len()];
    assert_eq!(rest.len(), pong.len() + 10);
    assert!(rest.windows(pong.len()).any(|part| part == pong));
    assert!(
        rest.windows(10)
            .any(|part| part == b"\x81\x03one\x81\x03two")
    );
}

#[test]
fn faults_of_the_client_close_with_a_code() {
    let unmasked = b"\x81\x01x".to_vec();
    let cases = [
        (unmasked, 1002, "Not masked client frame"),
        (client_frame(0x09, b""), 1002, "Fragmented control frame"),
        (
            client_frame(0x88, b"x"),
            1002,
            "Close frame payload length cannot be 1",
        ),
        (
            client_frame(0x88, &1005u16.to_be_bytes()),
            1002,
            "Close code 1005 is not valid",
        ),
        (client_frame(0x83, b""), 1002, "Unrecognized opcode 3"),
        (
            [client_frame(0x01, b"a"), client_frame(0x81, b"b")].concat(),
            1002,
            "Continuation expected, but 1 opcode received",
        ),
        (
            client_frame(0x82, &[0; 1000]),
            1009,
            "Message too big: 1000 bytes",
        ),
    ];
    for (bytes, code, reason) in cases {
        let limit: Adjust = |http| http.websocket_max_frame_size = 1000;
        let (next, answer, _) = converse(upgraded(), limit, bytes);
        assert_eq!(next, Next::Linger);
        assert_eq!(
            answer,
            close_frame(code, reason),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}

#[test]
fn a_silent_client_is_pinged_once_and_then_closed() {
    let quick: Adjust = |http| {
        http.websocket_keepalive_interval = Duration::from_millis(100);
        http.websocket_read_timeout = Duration::from_millis(1200);
    };
    let start = Instant::now();
    let (next, answer, _) = converse(upgraded(), quick, Vec::new());
    assert_eq!(next, Next::Linger);
    let expected = [
        &[0x89, 0][..],
        &close_frame(1001, "Remote peer is going away"),
    ]
    .concat();
    assert_eq!(answer, expected);
    assert!(start.elapsed() >= Duration::from_millis(1200));
}

#[test]
fn an_application_without_room_gets_the_frame_later() {
    let mut app = upgraded();
    app.refuse_frames = 3;
    app.answers = [vec![Part::End]].into();
    let frame = client_frame(0x81, b"patience");
    let (next, _, frames) = converse(app, |_| {}, frame.clone());
    assert_eq!((next, frames), (Next::Linger, vec![frame]));
}

#[test]
fn frames_may_be_cut_anywhere() {
    let sent = [client_frame(0x81, b"first"), client_frame(0x82, &[9; 300])];
    let bytes = sent.concat();
    for cut in [
        1,
        2,
        5,
        6,
        10,
        11,
        12,
        13,
        14,
        18,
        19,
        20,
        100,
        bytes.len() - 1,
    ] {
        let mut app = upgraded();
        app.answers = [vec![], vec![Part::End]].into();
        let frames = app.frames.clone();
        let (head, tail) = (bytes[..cut].to_vec(), bytes[cut..].to_vec());
        let client = async move |mut stream: UnixStream| {
            read_head(&mut stream).await;
            stream.write_all(&head).await.unwrap();
            tokio::time::sleep(Duration::from_millis(3)).await;
            stream.write_all(&tail).await.unwrap();
            read_rest(&mut stream).await;
        };
        assert_eq!(exchange(UPGRADE, |_| {}, app, client).0, Next::Linger);
        assert_eq!(*frames.borrow(), sent);
    }
}

#[test]
fn an_application_that_dies_takes_the_connection_along() {
    let mut app = upgraded();
    app.parts.extend([None, Some(Part::Failed(503))]);
    let (next, answer, _) = converse(app, |_| {}, Vec::new());
    assert_eq!((next, answer), (Next::Close, Vec::new()));
}

#[test]
fn a_client_that_leaves_ends_the_relay() {
    let client = async |mut stream: UnixStream| drop(read_head(&mut stream).await);
    assert_eq!(exchange(UPGRADE, |_| {}, upgraded(), client).0, Next::Close);
}
