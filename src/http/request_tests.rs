use proptest::prelude::*;

use super::*;

fn parse(text: &[u8]) -> Result<RequestHead, HeadError> {
    parse_with(text, &Limits::default())
}

fn parse_with(text: &[u8], limits: &Limits) -> Result<RequestHead, HeadError> {
    let mut head = RequestHead::new();
    match head.parse(text, limits)? {
        Status::Complete(_) => Ok(head),
        Status::Partial => panic!("partial: {}", text.escape_ascii()),
    }
}

fn error(text: &str) -> u16 {
    parse(text.as_bytes()).map(|_| ()).unwrap_err().status()
}

fn fields(head: &RequestHead) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    head.passed_fields()
        .map(|(name, value, _)| (text(name), text(value)))
        .collect()
}

#[test]
fn plain_request() {
    let head =
        parse(b"GET /a/b?x=1 HTTP/1.1\r\nHost: Example.com:80\r\nAccept:  a, b \r\n\r\n").unwrap();
    assert_eq!(head.method(), b"GET");
    assert_eq!(head.target(), b"/a/b?x=1");
    assert_eq!(head.path(), b"/a/b");
    assert_eq!(head.query(), b"x=1");
    assert_eq!(head.version(), b"HTTP/1.1");
    assert_eq!(head.request_line(), b"GET /a/b?x=1 HTTP/1.1");
    assert_eq!(head.host(), Some(&b"example.com"[..]));
    assert!(head.keep_alive());
    assert_eq!(
        fields(&head),
        [
            ("Host".into(), "Example.com:80".into()),
            ("Accept".into(), "a, b".into())
        ]
    );
}

#[test]
fn body_bytes_are_left() {
    let text = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    let mut head = RequestHead::new();
    let limits = Limits::default();
    assert_eq!(
        head.parse(text, &limits),
        Ok(Status::Complete(text.len() - 3))
    );
    assert_eq!(head.body_length(&limits), Ok(BodyLength::Known(3)));
}

#[test]
fn lenient_request_lines() {
    let line = |text: &str| {
        let head = parse(format!("{text}\r\n\r\n").as_bytes()).unwrap();
        String::from_utf8_lossy(head.target()).into_owned()
    };
    assert_eq!(line("\r\n\n\rGET / HTTP/1.1"), "/");
    assert_eq!(line("GET    /   HTTP/1.1"), "/");
    assert_eq!(line("GET /a b  c HTTP/1.1"), "/a b  c");
    assert_eq!(line("GET /a HTTP/1.1 HTTP/1.0"), "/a HTTP/1.1");
    assert_eq!(
        line("GET /\u{1}\u{7f}\u{e9} HTTP/1.1"),
        "/\u{1}\u{7f}\u{e9}"
    );
    assert_eq!(line("M-SEARCH_X / HTTP/1.1"), "/");
    assert_eq!(parse(b"GET / HTTP/1.0\n\n").unwrap().version(), b"HTTP/1.0");
    assert_eq!(parse(b"GET /a?b#c HTTP/1.1\n\n").unwrap().query(), b"b");
    assert_eq!(parse(b"GET /?%zz HTTP/1.1\n\n").unwrap().query(), b"%zz");
    assert_eq!(parse(b"GET /a#b?c HTTP/1.1\n\n").unwrap().query(), b"");
    let part = |head: &[u8]| parse(head).unwrap().query_part().map(<[u8]>::to_vec);
    assert_eq!(part(b"GET / HTTP/1.1\n\n"), None);
    assert_eq!(part(b"GET /%61 HTTP/1.1\n\n"), None);
    assert_eq!(part(b"GET /? HTTP/1.1\n\n"), Some(Vec::new()));
    assert_eq!(part(b"GET /%61? HTTP/1.1\n\n"), Some(Vec::new()));
}

#[test]
fn refused_request_lines() {
    for line in [
        "get / HTTP/1.1",
        " / HTTP/1.1",
        "G3T / HTTP/1.1",
        "GET x HTTP/1.1",
        "GET * HTTP/1.1",
        "GET http://h/ HTTP/1.1",
        "CONNECT h:443 HTTP/1.1",
        "GET /",
        "GET / ",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.",
        "GET / HTTP/1.11",
        "GET / http/1.1",
        "GET / HTTP/a.1",
        "GET /HTTP/1.1",
        "GET /a\0b HTTP/1.1",
        "GET /%00 HTTP/1.1",
        "GET /%4 HTTP/1.1",
        "GET /../ HTTP/1.1",
        "GET /\rx HTTP/1.1",
        "PRI * HTTP/2.0",
    ] {
        assert_eq!(error(&format!("{line}\r\n\r\n")), 400, "{line}");
    }
    assert_eq!(error("GET / HTTP/2.0\r\n\r\n"), 505);
    assert_eq!(error("GET / HTTP/0.9\r\n\r\n"), 505);
    assert_eq!(error("GET / HTTP/1.1\r \n\r\n"), 400);
}

#[test]
fn versions_decide_keep_alive() {
    for (version, connection, expected) in [
        ("1.0", "", false),
        ("1.1", "", true),
        ("1.7", "", true),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: keep-alive, close\r\n", true),
        (
            "1.1",
            "Connection: keep-alive\r\nConnection: close\r\n",
            false,
        ),
    ] {
        let text = format!("GET / HTTP/{version}\r\n{connection}\r\n");
        assert_eq!(
            parse(text.as_bytes()).unwrap().keep_alive(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn field_syntax() {
    let with = |field: &str| parse(format!("GET / HTTP/1.1\r\n{field}\r\n\r\n").as_bytes());
    for bad in [
        ": x",
        "a : x",
        "a\tb: x",
        "a",
        "a@b: x",
        "a: x\r\n folded",
        "a: \u{1}",
        "a: b\rc",
        "(: x",
        "\u{e9}: x",
        " a: b",
    ] {
        assert_eq!(with(bad).map(|_| ()), Err(HeadError::Syntax), "{bad:?}");
    }
    assert_eq!(fields(&with("a:").unwrap()), [("a".into(), String::new())]);
    assert_eq!(
        fields(&with("a: \t \t").unwrap()),
        [("a".into(), String::new())]
    );
    assert_eq!(
        fields(&with("a: b\t\u{7f}\u{e9} c \t").unwrap()),
        [("a".into(), "b\t\u{7f}\u{e9} c".into())]
    );
    assert_eq!(
        with(&format!("{}: x", "n".repeat(255)))
            .unwrap()
            .fields()
            .len(),
        1
    );
    let long = with(&format!("{}: x", "n".repeat(256)));
    assert_eq!(long.map(|_| ()), Err(HeadError::TooLarge));
}

#[test]
fn unsafe_names_are_dropped_on_request() {
    let text = b"GET / HTTP/1.1\r\nA_b: 1\r\nOk: 2\r\nx.y: 3\r\n!#$%&'*+.^_`|~: 4\r\n\r\n";
    assert_eq!(fields(&parse(text).unwrap()), [("Ok".into(), "2".into())]);
    let keep = Limits {
        discard_unsafe_fields: false,
        ..Limits::default()
    };
    let head = parse_with(text, &keep).unwrap();
    assert_eq!(head.fields().len(), 4);
    for field in head.fields() {
        assert_eq!(field.hash, field_hash(head.get(field.name)));
    }
}

#[test]
fn repeated_fields() {
    assert_eq!(error("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    assert_eq!(error("GET / HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n"), 400);
    assert_eq!(
        error("GET / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n"),
        400
    );
    assert_eq!(
        error("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        400
    );
    let head = parse(b"GET / HTTP/1.1\r\nReferer: a\r\nReferer: b\r\nCookie: c\r\n\r\n").unwrap();
    assert_eq!(head.referer(), Some(&b"b"[..]));
    assert_eq!(head.cookie(), Some(&b"c"[..]));
    assert_eq!(head.fields().len(), 3);
}

#[test]
fn body_lengths() {
    let chunked = Limits {
        chunked_transform: true,
        ..Limits::default()
    };
    let length = |text: &str, limits: &Limits| {
        parse_with(format!("POST / {text}\r\n\r\n").as_bytes(), limits)
            .and_then(|head| head.body_length(limits))
            .map_err(HeadError::status)
    };
    let plain = Limits::default();
    let te = "Transfer-Encoding: chunked";
    assert_eq!(length("HTTP/1.1", &plain), Ok(BodyLength::Known(0)));
    assert_eq!(length(&format!("HTTP/1.1\r\n{te}"), &plain), Err(411));
    assert_eq!(
        length(&format!("HTTP/1.1\r\n{te}"), &chunked),
        Ok(BodyLength::Chunked)
    );
    assert_eq!(length(&format!("HTTP/1.0\r\n{te}"), &chunked), Err(400));
    assert_eq!(
        length(&format!("HTTP/1.1\r\n{te}\r\nContent-Length: 1"), &chunked),
        Err(400)
    );
    for coding in ["Chunked", "gzip", "identity", "gzip, chunked", ""] {
        let text = format!("HTTP/1.1\r\nTransfer-Encoding: {coding}");
        assert_eq!(length(&text, &chunked), Err(501), "{coding}");
    }
    // A coding that is not understood is not forgotten because another field follows it.
    let both = format!("HTTP/1.1\r\nTransfer-Encoding: gzip\r\n{te}");
    assert_eq!(length(&both, &chunked), Err(501));
    assert_eq!(
        length("HTTP/1.1\r\nContent-Length: 8388608", &plain),
        Ok(BodyLength::Known(8388608))
    );
    assert_eq!(
        length("HTTP/1.1\r\nContent-Length: 8388609", &plain),
        Err(413)
    );
    assert_eq!(length("HTTP/1.1\r\nContent-Length: 1x", &plain), Err(400));
    assert_eq!(length("HTTP/1.1\r\nContent-Length:", &plain), Err(400));
    // A syntax error outranks a field that is merely refused.
    assert_eq!(
        length("HTTP/1.1\r\nContent-Length: 8388609\r\n@: x", &plain),
        Err(400)
    );
}

#[test]
fn decoded_length_becomes_a_field() {
    let limits = Limits {
        chunked_transform: true,
        ..Limits::default()
    };
    let text = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n";
    let mut head = parse_with(text, &limits).unwrap();
    head.set_decoded_length(1234);
    assert_eq!(head.content_length(), Some(1234));
    assert_eq!(
        fields(&head),
        [
            ("A".into(), "b".into()),
            ("Content-Length".into(), "1234".into())
        ]
    );
}

#[test]
fn handshakes() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
    let status = |line: &str, fields: &str| {
        parse(format!("{line}\r\n{fields}\r\n").as_bytes())
            .map(|head| head.is_websocket())
            .map_err(HeadError::status)
    };
    let get = "GET / HTTP/1.1";
    assert_eq!(status(get, &format!("{upgrade}{key}{version}")), Ok(true));
    assert_eq!(
        status(get, &format!("{key}{version}Upgrade: websocket\r\n")),
        Ok(false)
    );
    assert_eq!(
        status("POST / HTTP/1.1", &format!("{upgrade}{key}{version}")),
        Err(400)
    );
    assert_eq!(
        status("GET / HTTP/1.0", &format!("{upgrade}{key}{version}")),
        Err(400)
    );
    assert_eq!(
        status("GET / HTTP/1.2", &format!("{upgrade}{key}{version}")),
        Err(400)
    );
    assert_eq!(status(get, &format!("{upgrade}{version}")), Err(400));
    assert_eq!(
        status(
            get,
            &format!("{upgrade}{version}Sec-WebSocket-Key: short\r\n")
        ),
        Err(400)
    );
    assert_eq!(status(get, &format!("{upgrade}{key}")), Err(426));
    assert_eq!(
        status(get, &format!("{upgrade}{key}Sec-WebSocket-Version: 8\r\n")),
        Err(426)
    );
}

#[test]
fn header_buffers() {
    let get = |target_len: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(target_len - 1));
    assert!(parse(get(8177).as_bytes()).is_ok());
    assert_eq!(error(&get(8178)), 431);
    let value = |len: usize| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "v".repeat(len));
    assert!(parse(value(8191).as_bytes()).is_ok());
    assert_eq!(error(&value(8192)), 431);
    let lines = |n: usize| {
        format!(
            "GET / HTTP/1.1\r\n{}\r\n",
            format!("A: {}\r\n", "v".repeat(65)).repeat(n)
        )
    };
    assert_eq!(parse(lines(490).as_bytes()).unwrap().fields().len(), 490);
    assert_eq!(error(&lines(500)), 431);
    let small = Limits {
        large_buffers: 0,
        ..Limits::default()
    };
    assert!(parse_with(value(2000).as_bytes(), &small).is_ok());
    let refused = parse_with(value(2048).as_bytes(), &small).map(|_| ());
    assert_eq!(refused, Err(HeadError::TooLarge));
    // Nothing but line ends is limited too.
    assert_eq!(error(&"\r\n".repeat(9000)), 431);
}

#[test]
fn reset_forgets() {
    let mut head = RequestHead::new();
    let limits = Limits {
        chunked_transform: true,
        ..Limits::default()
    };
    let first = b"POST /%41 HTTP/1.0\r\nHost: A\r\nContent-Length: 5\r\nCookie: c\r\n\r\n";
    head.parse(first, &limits).unwrap();
    head.reset();
    assert_eq!(
        head.parse(b"GET /b HTTP/1.1\r\n\r\n", &limits),
        Ok(Status::Complete(19))
    );
    assert_eq!(head.path(), b"/b");
    assert_eq!(
        (head.host(), head.cookie(), head.content_length()),
        (None, None, None)
    );
    assert!(head.fields().is_empty() && head.keep_alive() && !head.is_quoted());
}

/// Text that is often nearly a request.
fn request_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"GET /".to_vec()),
        Just(b" HTTP/1.1\r\n".to_vec()),
        Just(b" HTTP/1.0\n".to_vec()),
        Just(b"Host: a.b\r\n".to_vec()),
        Just(b"Content-Length: 12\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"Connection: upgrade\r\nUpgrade: websocket\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"%2e%2e/".to_vec()),
        Just(b"/../x?y#z".to_vec()),
        Just(b"a_b: c\r\n".to_vec()),
        Just(vec![b'x'; 300]),
        Just(vec![b' '; 700]),
        proptest::collection::vec(any::<u8>(), 0..8),
        "[A-Za-z :/?#%.]{0,12}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

type Seen = (
    Result<Status, HeadError>,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    Vec<Field>,
);

fn seen(head: &RequestHead, result: Result<Status, HeadError>) -> Seen {
    let owned = |bytes: &[u8]| bytes.to_vec();
    (
        result,
        owned(head.method()),
        owned(head.path()),
        owned(head.query()),
        owned(head.host().unwrap_or(b"-")),
        head.fields().to_vec(),
    )
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_result(
        text in request_like(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        large in 0usize..1200,
        count in 0usize..3,
    ) {
        let limits = Limits {
            large_buffer_size: 1024 + large,
            large_buffers: count,
            chunked_transform: true,
            ..Limits::default()
        };
        let mut whole = RequestHead::new();
        let expected = whole.parse(&text, &limits);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(text.len());
        let mut head = RequestHead::new();
        let mut result = Ok(Status::Partial);
        for end in ends {
            result = head.parse(&text[..end], &limits);
            if result != Ok(Status::Partial) {
                break;
            }
        }
        if expected.is_ok() {
            prop_assert_eq!(seen(&head, result), seen(&whole, expected));
        } else {
            prop_assert_eq!(result, expected);
        }
    }
}
