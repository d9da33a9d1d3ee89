//! Timeouts, reconfiguration, and how connections end.

use std::sync::mpsc::RecvTimeoutError;

use super::*;

const ANY: &str = r#"[{"action": {"return": 200}}]"#;
const IDLE: &str = "HTTP/1.1 408 Request Timeout\r\nServer: Unit/1.35.0\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn short(http: &mut Http) {
    http.idle_timeout = Duration::from_millis(300);
    http.header_read_timeout = Duration::from_millis(300);
    http.body_read_timeout = Duration::from_millis(300);
    http.send_timeout = Duration::from_millis(300);
}

#[test]
fn silence_is_answered_with_408() {
    let server = Server::with(ANY, short, 1);
    let start = Instant::now();
    let mut silent = server.connect();
    let mut kept = server.connect();
    kept.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    read_response(&mut kept);
    assert_eq!(dateless(&read_to_end(&mut silent)), IDLE);
    assert_eq!(dateless(&read_to_end(&mut kept)), IDLE);
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(start.elapsed() < Duration::from_secs(5));
    // The connection is still there for what the client may be sending.
    kept.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
}

#[test]
fn the_time_for_a_head_is_not_renewed_by_each_byte() {
    let server = Server::with(ANY, short, 1);
    let mut stream = server.connect();
    let start = Instant::now();
    let mut writer = stream.try_clone().unwrap();
    let (answered, over) = std::sync::mpsc::channel::<()>();
    let drip = std::thread::spawn(move || {
        // For six seconds, or until there is an answer.
        let header = ["GET / HTTP/1.1\r\nHost: ", &"a".repeat(180)].concat();
        for byte in header.bytes() {
            let pause = over.recv_timeout(Duration::from_millis(30));
            if pause != Err(RecvTimeoutError::Timeout) || writer.write_all(&[byte]).is_err() {
                break;
            }
        }
    });
    let answer = read_to_end(&mut stream);
    drop(answered);
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\nContent-Type: text/html\r\n"),
        "{answer}"
    );
    assert!(answer.contains("Connection: close\r\n"));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    drip.join().unwrap();
}

#[test]
fn the_time_for_a_body_is_renewed_by_each_byte() {
    let longer: Adjust = |http| http.body_read_timeout = Duration::from_millis(1200);
    let server = Server::with(ANY, longer, 1);
    let mut stream = server.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n")
        .unwrap();
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(b"x").unwrap();
    }
    let start = Instant::now();
    let answer = read_to_end(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(start.elapsed() >= Duration::from_millis(1000));
}

#[test]
fn a_removed_listener_says_goodbye_to_idle_connections() {
    let server = Server::start(ANY);
    let mut silent = server.connect();
    let mut kept = server.connect();
    kept.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    read_response(&mut kept);
    let mut begun = server.connect();
    begun.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    server.wait_for(|totals| totals.requests == 2 && totals.idle == 2);
    server.remove_listener();
    assert_eq!(dateless(&read_to_end(&mut kept)), IDLE);
    silent.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(dateless(&read_to_end(&mut silent)), IDLE);
    // A request that began is finished.
    begun.write_all(b"Host: a\r\n\r\n").unwrap();
    let answers = dateless(&read_to_end(&mut begun));
    assert_eq!(
        answers,
        format!("HTTP/1.1 200 OK\r\nServer: Unit/1.35.0\r\nContent-Length: 0\r\n\r\n{IDLE}")
    );
}

#[test]
fn a_kept_connection_follows_the_configuration() {
    let server = Server::start(ANY);
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 200 "));
    server.apply(r#"[{"action": {"return": 204}}]"#, |http| {
        http.server_version = false
    });
    // It reaches the thread that serves a moment later.
    let start = Instant::now();
    loop {
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let answer = read_response(&mut stream);
        if answer.starts_with("HTTP/1.1 204 No Content\r\nServer: Unit\r\n") {
            break;
        }
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && start.elapsed() < Duration::from_secs(10),
            "{answer}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn connections_are_counted() {
    let server = Server::start(ANY);
    let (mut one, two) = (server.connect(), server.connect());
    server.wait_for(|totals| totals.accepted == 2 && totals.idle == 2);
    one.write_all(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n")
        .unwrap();
    server.wait_for(|totals| totals.idle == 1 && totals.active == 1 && totals.requests == 1);
    drop(two);
    server.wait_for(|totals| totals.idle == 0 && totals.active == 1 && totals.closed == 1);
    one.write_all(b"x").unwrap();
    server.wait_for(|totals| totals.idle == 1 && totals.active == 0);
}

#[test]
fn quitting_ends_the_threads() {
    let server = Server::with(ANY, |_| {}, 2);
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    read_response(&mut stream);
    // Joins them.
    drop(server);
}

fn retire(server: &mut Server) {
    for worker in server.commands.drain(..) {
        let (closed, heard) = oneshot::channel();
        worker.send(WorkerCommand::Retire(closed)).unwrap();
        heard.blocking_recv().unwrap();
        // The thread would take a closed channel for the command to leave at once.
        std::mem::forget(worker);
    }
}

#[test]
fn a_retiring_thread_finishes_what_it_serves() {
    let mut server = Server::start(ANY);
    let mut busy = server.connect();
    busy.write_all(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n")
        .unwrap();
    server.wait_for(|totals| totals.requests == 1);
    retire(&mut server);
    busy.write_all(b"x").unwrap();
    let answer = read_to_end(&mut busy);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("Connection: close\r\n"), "{answer}");
    // Joins it.
    drop(server);
}

#[test]
fn a_retiring_thread_answers_requests_on_their_way_and_closes_idle_connections() {
    let mut server = Server::start(ANY);
    let mut silent = server.connect();
    let mut kept = server.connect();
    kept.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    read_response(&mut kept);
    server.wait_for(|totals| totals.idle == 2);
    let start = Instant::now();
    retire(&mut server);
    kept.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let answer = read_to_end(&mut kept);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("Connection: close\r\n"), "{answer}");
    // Nothing that could be taken for an answer.
    assert_eq!(read_to_end(&mut silent), "");
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(server);
}
