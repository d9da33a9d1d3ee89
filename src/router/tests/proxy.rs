//! Servers that keep a proxied request waiting. The clock is the test's: it jumps when nothing is
//! left to do.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::app_response::binding;
use super::*;
use crate::conf::address::SocketName;
use crate::router::body::Body;
use crate::router::connection::{Connection, Next};
use crate::router::proxy::Peer;
use crate::router::stream::Stream;
use crate::router::worker::Worker;

/// Passes a request to a server that reads the first part of it, answers and then waits; what
/// becomes of the connection, after how long, and what the client gets.
fn pass(name: &str, body: Body, answer: &'static [u8]) -> (Next, Duration, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let name = format!("nxt-test-{}-{name}", std::process::id());
    LocalSet::new().block_on(&runtime, async move {
        let listener = UnixListener::bind(format!("\0{name}")).unwrap();
        let server = tokio::task::spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 1000]).await.unwrap() > 0);
            stream.write_all(answer).await.unwrap();
            std::future::pending::<()>().await;
        });
        let (events, _) = unbounded_channel();
        let hub = Hub::new(std::process::id() as i32, events);
        let worker = Worker::new(&hub, Arc::default(), std::env::temp_dir()).unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        let binding = binding(|_| {});
        let generation = binding.generation.clone();
        let request = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut connection = Connection::in_exchange(&worker, binding, Stream::Unix(near), request);
        connection.request.body = body;
        let peer = Peer::new(&SocketName::Abstract(name));
        let start = Instant::now();
        let next = connection.pass_to_peer(&generation, None, &peer).await;
        let waited = start.elapsed();
        drop(connection);
        server.abort();
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        (next, waited, text)
    })
}

#[test]
fn a_silent_server_is_given_a_minute() {
    let (next, waited, text) = pass("silent", Body::Empty, b"");
    assert_eq!((next, waited.as_secs()), (Next::KeepAlive, 60));
    assert!(
        text.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"),
        "{text}"
    );
}

#[test]
fn interim_responses_gain_no_time() {
    let (_, waited, text) = pass(
        "interim",
        Body::Empty,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1",
    );
    assert_eq!(waited.as_secs(), 60);
    assert!(text.starts_with("HTTP/1.1 504 "), "{text}");
}

#[test]
fn a_server_that_does_not_read_is_given_half_a_minute() {
    let (next, waited, text) = pass("stuffed", Body::Memory(vec![b'x'; 8 << 20]), b"");
    assert_eq!((next, waited.as_secs()), (Next::KeepAlive, 30));
    assert!(text.starts_with("HTTP/1.1 504 "), "{text}");
}

#[test]
fn a_body_that_stalls_is_cut() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
    let (next, waited, text) = pass("stalled", Body::Empty, answer);
    assert_eq!((next, waited.as_secs()), (Next::Close, 30));
    assert!(
        text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nabc"),
        "{text}"
    );
}
