//! Request bodies: how they are received, and when they are refused.

use super::*;
use crate::http::request::BodyLength;
use crate::router::body::Body;
use crate::router::client::Client;
use crate::router::request_body::{BodyError, BodySettings, contents, receive_body};
use crate::router::stream::Stream;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

const ANY: &str = r#"[{"action": {"return": 200}}]"#;

/// The bytes of a body, and whether they are in a file.
type Contents = (Vec<u8>, bool);

/// Receives a body that arrives in these pieces; the result, and what is left in the buffer.
fn receive(
    length: BodyLength,
    pieces: &[&[u8]],
    buffer_size: usize,
) -> (Result<Contents, BodyError>, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut client = Client::new(Stream::Unix(near));
        let folder = std::env::temp_dir();
        let settings = BodySettings {
            timeout: Duration::from_secs(10),
            buffer_size,
            max_size: 100_000,
            temp_path: &folder,
            connection: 1,
        };
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let sender = tokio::spawn(async move {
            for piece in pieces {
                far.write_all(&piece).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            far.shutdown().await.unwrap();
        });
        let body = receive_body(&mut client, length, &settings).await;
        sender.await.unwrap();
        let body = body.map(|mut body| {
            let in_file = matches!(body, Body::File(..));
            let bytes = contents(&mut body);
            assert_eq!(bytes.len() as u64, body.len());
            (bytes, in_file)
        });
        (body, client.input.data().to_vec())
    })
}

#[test]
fn bodies_go_to_memory_or_to_a_file() {
    let text: Vec<u8> = (0..70_000u32).map(|n| (n % 251) as u8).collect();
    for (size, buffer) in [
        (10, 10),
        (11, 10),
        (70_000, 16_384),
        (70_000, 70_000),
        (1, 0),
    ] {
        let (head, tail) = text[..size].split_at(size / 2);
        let pieces = [head, tail];
        let (body, _) = receive(BodyLength::Known(size as u64), &pieces, buffer);
        assert_eq!(body.unwrap(), (text[..size].to_vec(), size > buffer));
        let chunks: Vec<Vec<u8>> = pieces
            .iter()
            .filter(|piece| !piece.is_empty())
            .map(|piece| [format!("{:X}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())
            .chain([b"0\r\n\r\nGET".to_vec()])
            .collect();
        let pieces: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let (body, rest) = receive(BodyLength::Chunked, &pieces, buffer);
        assert_eq!(body.unwrap(), (text[..size].to_vec(), size > buffer));
        assert_eq!(rest, b"GET");
    }
}

#[test]
fn chunks_may_be_cut_anywhere() {
    let whole = b"3\r\nabc\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
    for cut in 1..whole.len() {
        let (head, tail) = whole.split_at(cut);
        let (body, _) = receive(BodyLength::Chunked, &[head, tail], 16);
        assert_eq!(body.unwrap().0, b"abcabcdefghijklmnopqrstuvwxyz");
    }
}

#[test]
fn broken_bodies_have_their_reasons() {
    let status = |length, pieces: &[&[u8]]| receive(length, pieces, 16).0.unwrap_err().status();
    assert_eq!(status(BodyLength::Known(5), &[b"abc"]), None);
    assert_eq!(status(BodyLength::Chunked, &[b"3\r\nabc"]), None);
    assert_eq!(status(BodyLength::Chunked, &[b"x"]), Some(400));
    assert_eq!(status(BodyLength::Chunked, &[b"3;a=b\r\n"]), Some(400));
    let large = vec![b'x'; 100_001];
    let pieces: [&[u8]; 2] = [b"186A1\r\n", &large];
    assert_eq!(status(BodyLength::Chunked, &pieces), Some(413));
}

#[test]
fn an_unusable_folder_is_an_error_of_the_server() {
    fn nowhere(http: &mut Http) {
        http.body_temp_path = Some("/nowhere/at/all".into());
        http.body_buffer_size = 1;
    }
    let server = Server::with(ANY, nowhere, 1);
    let answer = server.talk("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab");
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

#[test]
fn a_client_that_asks_is_told_to_go_on() {
    let server = Server::with(ANY, |http| http.chunked_transform = true, 1);
    let mut stream = server.connect();
    for framing in ["Content-Length: 3", "Transfer-Encoding: chunked"] {
        write!(
            stream,
            "POST / HTTP/1.1\r\n{framing}\r\nexpect: 100-Continue\r\n\r\n"
        )
        .unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        let body = if framing.starts_with('C') {
            "abc"
        } else {
            "3\r\nabc\r\n0\r\n\r\n"
        };
        stream.write_all(body.as_bytes()).unwrap();
        assert!(read_response(&mut stream).starts_with("HTTP/1.1 200 OK\r\n"));
    }
    // Not when the body is there already, nor when it is refused.
    write!(
        stream,
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
    )
    .unwrap();
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 200 OK\r\n"));
    write!(
        stream,
        "POST / HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    )
    .unwrap();
    assert!(read_to_end(&mut stream).starts_with("HTTP/1.1 413 "));
}

#[test]
fn a_refusal_can_be_read_while_the_body_is_still_being_sent() {
    let server = Server::start(ANY);
    let mut stream = server.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n")
        .unwrap();
    let piece = vec![b'x'; 100_000];
    for _ in 0..30 {
        stream.write_all(&piece).unwrap();
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = read_to_end(&mut stream);
    assert!(
        answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"),
        "{answer}"
    );
    server.wait_for(|totals| totals.closed == 1);
}
