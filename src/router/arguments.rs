//! Names and values inside a request: query arguments and cookies.

use crate::http::field::field_hash;
use crate::http::request::RequestHead;

/// Names and values in order, repeated names included.
pub type NameValues = Vec<(Vec<u8>, Vec<u8>)>;

/// Splits a query at `&`, each part at its first `=`, and decodes both sides: `+` is a space and
/// a broken percent escape stands for itself. Wholly empty parts do not count.
pub fn parse_arguments(query: &[u8]) -> NameValues {
    if query.is_empty() {
        return Vec::new();
    }
    let parts = query.split(|&byte| byte == b'&').filter(|part| {
        // `=` alone has neither a name nor a value.
        !part.is_empty() && *part != b"="
    });
    parts
        .map(|part| match memchr::memchr(b'=', part) {
            Some(at) => (decode_form(&part[..at]), decode_form(&part[at + 1..])),
            None => (decode_form(part), Vec::new()),
        })
        .collect()
}

/// Percent- and plus-decoding of form data that leaves broken escapes as they are.
pub fn decode_form(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => out.push(b' '),
            b'%' => match tail {
                [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    let digit = |c: &u8| (*c as char).to_digit(16).unwrap_or(0) as u8;
                    out.push(digit(high) << 4 | digit(low));
                    rest = tail;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(byte),
        }
    }
    out
}

/// Splits the `Cookie` fields of a request. Parts without `=` do not count; blanks before a name
/// and after a value are dropped, nothing is decoded.
pub fn parse_cookies(head: &RequestHead) -> NameValues {
    const COOKIE: u16 = field_hash(b"cookie");
    let mut cookies = Vec::new();
    for field in head.fields().iter().filter(|field| field.hash == COOKIE) {
        if !head.get(field.name).eq_ignore_ascii_case(b"cookie") {
            continue;
        }
        for part in head.get(field.value).split(|&byte| byte == b';') {
            if let Some(at) = memchr::memchr(b'=', part) {
                let blanks = part[..at].iter().take_while(|&&byte| byte == b' ').count();
                let mut end = part.len();
                while end > at + 1 && part[end - 1] == b' ' {
                    end -= 1;
                }
                cookies.push((part[blanks..at].to_vec(), part[at + 1..end].to_vec()));
            }
        }
    }
    cookies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Limits;

    fn text(pairs: NameValues) -> Vec<String> {
        let one = |(name, value): (Vec<u8>, Vec<u8>)| {
            format!(
                "{}={}",
                String::from_utf8_lossy(&name),
                String::from_utf8_lossy(&value)
            )
        };
        pairs.into_iter().map(one).collect()
    }

    #[test]
    fn arguments() {
        let args = |query: &str| text(parse_arguments(query.as_bytes()));
        assert_eq!(args("a=1&b&c=&=d&&e==f"), ["a=1", "b=", "c=", "=d", "e==f"]);
        assert_eq!(args("a+b%20c=%41+%2b%26"), ["a b c=A +&"]);
        assert_eq!(
            args("a=%&b=%4&c=%zz&d=%4"),
            ["a=%", "b=%4", "c=%zz", "d=%4"]
        );
        assert_eq!(args("a%3Db=c%3d"), ["a=b=c="]);
        assert!(args("").is_empty() && args("&&").is_empty());
    }

    #[test]
    fn cookies() {
        let mut head = RequestHead::new();
        let bytes =
            b"GET / HTTP/1.1\r\nCookie: a=1 ;  b = 2; c; d=e=f;;=g\r\ncookie: h=%41\r\n\r\n";
        head.parse(bytes, &Limits::default()).unwrap();
        assert_eq!(
            text(parse_cookies(&head)),
            ["a=1", "b = 2", "d=e=f", "=g", "h=%41"]
        );
    }
}
