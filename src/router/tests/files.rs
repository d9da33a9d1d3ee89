//! Files as responses.

use super::*;

fn serve(folder: &Folder, adjust: Adjust) -> Server {
    let root = folder.0.display();
    Server::with(
        &format!(r#"[{{"action": {{"share": "{root}$uri"}}}}]"#),
        adjust,
        1,
    )
}

fn contents(size: usize) -> Vec<u8> {
    (0..size).map(|n| b'a' + (n % 23) as u8).collect()
}

#[test]
fn files_of_every_size_come_whole() {
    let folder = Folder::new("files");
    let server = serve(&folder, |_| {});
    for size in [0, 1, 32 * 1024, 32 * 1024 + 1, 5_000_000] {
        std::fs::write(folder.0.join("a.txt"), contents(size)).unwrap();
        let answer = server.talk("GET /a.txt HTTP/1.1\r\nConnection: close\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 200 OK\r\nLast-Modified: "),
            "{head}"
        );
        assert!(head.contains("\r\nETag: \"") && head.contains("\r\nContent-Type: text/plain\r\n"));
        assert!(head.contains(&format!("\r\nContent-Length: {size}\r\n")));
        assert!(body.as_bytes() == contents(size), "{size}: {}", body.len());
        let head_only = server.talk("HEAD /a.txt HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert_eq!(dateless(&head_only), dateless(&format!("{head}\r\n\r\n")));
    }
}

#[test]
fn a_connection_goes_on_after_a_file() {
    let folder = Folder::new("files-kept");
    std::fs::write(folder.0.join("a"), contents(1_000_000)).unwrap();
    let server = serve(&folder, |_| {});
    let mut stream = server.connect();
    for _ in 0..3 {
        stream
            .write_all(b"GET /a HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\n")
            .unwrap();
        assert!(read_response(&mut stream).len() > 1_000_000);
        assert!(read_response(&mut stream).starts_with("HTTP/1.1 404 "));
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let folder = Folder::new("files-slow");
    std::fs::write(folder.0.join("a"), contents(40_000_000)).unwrap();
    let server = serve(&folder, |http| {
        http.send_timeout = Duration::from_millis(200)
    });
    let mut stream = server.connect();
    stream.write_all(b"GET /a HTTP/1.1\r\n\r\n").unwrap();
    server.wait_for(|totals| totals.closed == 1);
}

#[test]
fn a_slow_client_gets_it_all() {
    let folder = Folder::new("files-drip");
    std::fs::write(folder.0.join("a"), contents(20_000_000)).unwrap();
    let server = serve(&folder, |http| http.send_timeout = Duration::from_secs(20));
    let mut stream = server.connect();
    stream
        .write_all(b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut total = 0;
    let mut piece = vec![0; 2_000_000];
    loop {
        let count = stream.read(&mut piece).unwrap();
        if count == 0 {
            break;
        }
        total += count;
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(total > 20_000_000);
}
