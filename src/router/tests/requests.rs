//! Requests and responses on connections that go on.

use super::*;

const RETURN: &str = r#"[{"match": {"uri": "/missing"}, "action": {"return": 404}},
    {"match": {"uri": "/moved"}, "action": {"return": 301, "location": "/x"}},
    {"action": {"return": 200}}]"#;

const OK: &str = "HTTP/1.1 200 OK\r\nServer: Unit/1.35.0\r\nContent-Length: 0\r\n\r\n";
const OK_CLOSE: &str =
    "HTTP/1.1 200 OK\r\nServer: Unit/1.35.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(RETURN);
    let mut requests = String::new();
    let mut expected = String::new();
    for n in 0..200 {
        let (uri, answer) = match n % 2 {
            0 => ("/", OK.to_owned()),
            _ => (
                "/moved",
                OK.replace("200 OK\r\n", "301 Moved Permanently\r\nLocation: /x\r\n"),
            ),
        };
        requests += &format!(
            "GET {uri} HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "y".repeat(n)
        );
        expected += &answer;
    }
    requests += "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
    expected += OK_CLOSE;
    assert_eq!(dateless(&server.talk(requests)), expected);
    assert_eq!(server.totals().requests, 201);
}

#[test]
fn a_request_may_come_in_any_two_pieces() {
    let server = Server::start(RETURN);
    let request = b"POST /missing?a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for cut in 1..request.len() {
        stream.write_all(&request[..cut]).unwrap();
        // Not a test of the client's kernel: it may still join the pieces now and then.
        std::thread::sleep(Duration::from_millis(1));
        stream.write_all(&request[cut..]).unwrap();
        let answer = read_response(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"));
        assert!(answer.ends_with("<!DOCTYPE html><title>Error 404</title><p>Error 404.\r\n"));
    }
    server.wait_for(|totals| totals.idle == 1);
    assert_eq!(server.totals().requests, request.len() as u64 - 1);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Server::start(RETURN);
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" {
        stream.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(dateless(&read_response(&mut stream)), OK);
}

#[test]
fn versions_and_connection_fields() {
    let server = Server::start(RETURN);
    let keep = OK.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n");
    let close = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
    let cases = [
        ("GET / HTTP/1.0\r\n\r\n", OK.to_owned()),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", keep + OK_CLOSE),
        (close, OK_CLOSE.to_owned()),
        ("HEAD /missing HTTP/1.0\r\n\r\n",
         "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nServer: Unit/1.35.0\r\nContent-Length: 54\r\n\r\n".to_owned()),
    ];
    for (request, expected) in cases {
        let more = if expected.ends_with(OK_CLOSE) && request != close {
            close
        } else {
            ""
        };
        assert_eq!(
            dateless(&server.talk(format!("{request}{more}"))),
            expected,
            "{request}"
        );
    }
}

#[test]
fn refused_requests_are_answered_and_closed() {
    let server = Server::with(RETURN, |http| http.server_version = false, 1);
    let long = "x".repeat(9000);
    let cases = [
        ("BAD\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/2.0\r\n\r\n".to_owned(), 505),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\n{long}: a\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nA: {long}\r\n\r\n"), 431),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
            400,
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n".to_owned(),
            413,
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            501,
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            411,
        ),
        (
            "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                .to_owned(),
            426,
        ),
    ];
    for (request, status) in cases {
        // What follows is not a request any more.
        let answer = server.talk(request + "GET / HTTP/1.1\r\n\r\n");
        let start = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&start), "{start}: {answer}");
        assert!(answer.contains("\r\nServer: Unit\r\n"));
        assert!(answer.contains("\r\nConnection: close\r\n"));
        assert_eq!(
            answer.contains("Sec-WebSocket-Version: 13\r\n"),
            status == 426
        );
        assert!(
            answer.ends_with(&format!("<p>Error {status}.\r\n")),
            "{answer}"
        );
    }
}

#[test]
fn large_heads_fit_the_large_buffers() {
    let server = Server::start(RETURN);
    let field = |n: usize| format!("X-{n}: {}\r\n", "v".repeat(8000));
    let head = |count| {
        format!(
            "GET / HTTP/1.1\r\n{}",
            (0..count).map(field).collect::<String>()
        )
    };
    let close = "Connection: close\r\n\r\n";
    assert_eq!(dateless(&server.talk(head(4) + close)), OK_CLOSE);
    assert!(server.talk(head(5) + close).starts_with("HTTP/1.1 431 "));
}

#[test]
fn the_client_may_stop_sending_before_it_reads() {
    let server = Server::start(RETURN);
    let mut stream = server.connect();
    stream
        .write_all(b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(dateless(&read_to_end(&mut stream)), [OK, OK].concat());
    server.wait_for(|totals| totals.closed == 1);
}

#[test]
fn half_a_request_gets_no_answer() {
    let server = Server::start(RETURN);
    for half in [
        "",
        "GET / HT",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhalf",
    ] {
        let mut stream = server.connect();
        stream.write_all(half.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(read_to_end(&mut stream), "");
    }
    server.wait_for(|totals| totals.closed == 3 && totals.active == 0 && totals.idle == 0);
}

#[test]
fn threads_share_the_connections() {
    let server = Server::with(RETURN, |_| {}, 4);
    let streams: Vec<TcpStream> = (0..64).map(|_| server.connect()).collect();
    server.wait_for(|totals| totals.accepted == 64);
    for mut stream in streams {
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(dateless(&read_response(&mut stream)), OK);
    }
    server.wait_for(|totals| totals.closed == 64);
}
