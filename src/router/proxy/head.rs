//! Heads on their way through: what is left out and what is changed.

use crate::http::encoding::{encode_path, encode_target};
use crate::http::response::Fields;
use crate::http::response_head::ResponseHead;
use crate::router::proxy::Peer;
use crate::router::request::Request;

/// Fields that concern one connection only, besides those that `Connection` names.
const HOP_BY_HOP: [&[u8]; 7] = [
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];

/// Fields that `Connection` cannot take away: the message would become another one.
const ESSENTIAL: [&[u8]; 2] = [b"content-length", b"host"];

fn is_among(name: &[u8], list: &[&[u8]]) -> bool {
    list.iter().any(|other| name.eq_ignore_ascii_case(other))
}

fn is_connection(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"connection")
}

/// Whether a field stays here; `connection` are the values of all `Connection` fields.
fn stays<'a>(name: &[u8], mut connection: impl Iterator<Item = &'a [u8]>) -> bool {
    let names_it = |value: &[u8]| {
        let mut options = value.split(|byte| *byte == b',');
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(name))
    };
    is_among(name, &HOP_BY_HOP) || (connection.any(names_it) && !is_among(name, &ESSENTIAL))
}

/// Puts the head of a request to a server into `out`.
pub(super) fn write(out: &mut Vec<u8>, request: &Request, peer: &Peer) {
    let head = &request.head;
    out.clear();
    out.extend_from_slice(head.method());
    out.push(b' ');
    write_target(out, request);
    out.extend_from_slice(b" HTTP/1.1\r\nConnection: close\r\n");
    if head.host().is_none() {
        write_field(out, b"Host", peer.host());
    }
    let connection = || {
        let fields = head.fields().iter();
        fields
            .filter(|field| is_connection(head.get(field.name)))
            .map(|field| head.get(field.value))
    };
    for (name, value, _) in head.passed_fields() {
        if stays(name, connection()) {
            continue;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            // Its digits may have been written in an unusual way.
            let length = request.body.len();
            write_field(out, name, itoa::Buffer::new().format(length).as_bytes());
        } else if !name.eq_ignore_ascii_case(b"expect") {
            // The body is there already: nobody has to be asked for it.
            write_field(out, name, value);
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// As it was sent; after a rewrite the new path with the old query.
fn write_target(out: &mut Vec<u8>, request: &Request) {
    let head = &request.head;
    if !request.is_rewritten() {
        return encode_target(out, head.target());
    }
    if request.path().first() != Some(&b'/') {
        out.push(b'/');
    }
    encode_path(out, request.path());
    if !head.query().is_empty() {
        out.push(b'?');
        encode_target(out, head.query());
    }
}

/// Puts the fields of a response that are passed on into `fields`; `buf` is what the head was
/// parsed from.
pub(super) fn pass_on(head: &ResponseHead, buf: &[u8], fields: &mut Fields) {
    let connection = || {
        let all = head.fields(buf);
        all.filter(|(name, _)| is_connection(name))
            .map(|(_, value)| value)
    };
    for (name, value) in head.fields(buf) {
        // A second length is the same as the first.
        let again = name.eq_ignore_ascii_case(b"content-length") && fields.get(name).is_some();
        if !again && !name.eq_ignore_ascii_case(b"server") && !stays(name, connection()) {
            fields.push(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::address::SocketName;
    use crate::http::request::Limits;
    use crate::router::body::Body;
    use crate::router::request::Address;

    fn request(text: &str) -> Request {
        let mut request = Request::new(
            Address::Unix(Vec::new()),
            Address::Unix(Vec::new()),
            false,
            1,
        );
        let text = format!("{text}\r\n\r\n");
        request
            .head
            .parse(text.as_bytes(), &Limits::default())
            .unwrap();
        request
    }

    fn written(request: &Request) -> String {
        let peer = Peer::new(&SocketName::parse("[::1]:80").unwrap());
        let mut out = b"old".to_vec();
        write(&mut out, request, &peer);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn requests_lose_what_is_for_this_connection() {
        let mut request = request(
            "POST /a//b/../c?d%20e=f HTTP/1.0\r\nHOST: H\r\nContent-Length: 0005\r\nX-One: 1\r\nConnection: x-one, \
             host,content-length ,Upgrade\r\nUpgrade: h2c\r\nTE: trailers\r\nKeep-Alive: 5\r\nExpect: \
             100-continue\r\nX-Two: 2",
        );
        request.body = Body::Memory(b"12345".to_vec());
        assert_eq!(
            written(&request),
            "POST /a//b/../c?d%20e=f HTTP/1.1\r\nConnection: close\r\nHOST: H\r\nContent-Length: 5\r\n\
             X-Two: 2\r\n\r\n"
        );
    }

    #[test]
    fn a_request_line_stays_one() {
        let line = |request: &Request| written(request).lines().next().unwrap().to_owned();
        let mut request = request("GET /a b\x7f?c d HTTP/1.0");
        assert_eq!(line(&request), "GET /a%20b%7F?c%20d HTTP/1.1");
        assert!(written(&request).contains("\r\nHost: [::1]:80\r\n"));
        request.rewrite(b"/x y?\n".to_vec());
        assert_eq!(line(&request), "GET /x%20y%3F%0A?c%20d HTTP/1.1");
        request.rewrite(b"".to_vec());
        assert_eq!(line(&request), "GET /?c%20d HTTP/1.1");
    }

    #[test]
    fn responses_lose_what_was_for_the_other_connection() {
        let text =
            b"HTTP/1.1 200 OK\r\nServer: x\r\nA: 1\r\nB: 2\r\nConnection: close, b\r\nDate: d\r\n\
                     Content-Length: 3\r\ncontent-length: 3\r\nKeep-Alive: 1\r\na: 3\r\n\r\n";
        let mut head = ResponseHead::default();
        head.parse(text).unwrap();
        let mut fields = Fields::new();
        pass_on(&head, text, &mut fields);
        let expected: [(&[u8], &[u8]); 4] = [
            (b"A", b"1"),
            (b"Date", b"d"),
            (b"Content-Length", b"3"),
            (b"a", b"3"),
        ];
        assert_eq!(fields.iter().collect::<Vec<_>>(), expected);
    }
}
