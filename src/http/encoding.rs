//! Percent-encoding and -decoding of URI text.

use std::borrow::Cow;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Bytes that cannot stand for themselves in the path of a URI.
fn needs_escape(byte: u8) -> bool {
    matches!(
        byte,
        0..=b' ' | b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{' | b'|'
            | b'}' | 0x7f..
    )
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[
        b'%',
        HEX[usize::from(byte >> 4)],
        HEX[usize::from(byte & 15)],
    ]);
}

/// Appends a path, with escapes for every byte that needs one; `/` stays.
pub fn encode_path(out: &mut Vec<u8>, path: &[u8]) {
    for &byte in path {
        if needs_escape(byte) {
            escape(out, byte)
        } else {
            out.push(byte)
        }
    }
}

/// Appends a request target, with escapes for the bytes that would end it.
pub fn encode_target(out: &mut Vec<u8>, target: &[u8]) {
    for &byte in target {
        if byte <= b' ' || byte == 0x7f {
            escape(out, byte);
        } else {
            out.push(byte);
        }
    }
}

/// Follows the one `?` and the one `#` that may stand unescaped in a URI, in this order.
#[derive(Default)]
struct Delimiters {
    query: bool,
    fragment: bool,
}

impl Delimiters {
    fn accepts(&mut self, byte: u8) -> bool {
        match byte {
            b'?' if !self.query && !self.fragment => self.query = true,
            b'#' if !self.fragment => self.fragment = true,
            _ => return false,
        }
        true
    }
}

fn is_encoded(uri: &[u8]) -> bool {
    let mut delimiters = Delimiters::default();
    let mut at = 0;
    while let Some(&byte) = uri.get(at) {
        at += 1;
        if byte == b'%' {
            match uri.get(at..at + 2) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => at += 2,
                _ => return false,
            }
        } else if needs_escape(byte) && !delimiters.accepts(byte) {
            return false;
        }
    }
    true
}

/// The value of a `Location` field: the text itself if it is a valid URI already, else with every
/// unsafe byte escaped, the percent sign included.
pub fn encode_location(uri: &[u8]) -> Cow<'_, [u8]> {
    if is_encoded(uri) {
        return Cow::Borrowed(uri);
    }
    let mut out = Vec::with_capacity(uri.len() + 16);
    let mut delimiters = Delimiters::default();
    for &byte in uri {
        if needs_escape(byte) && !delimiters.accepts(byte) {
            escape(&mut out, byte);
        } else {
            out.push(byte);
        }
    }
    Cow::Owned(out)
}

/// A percent escape that is cut short or not hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid percent escape")]
pub struct BadEscape;

/// Decodes percent escapes, and `+` as a space if `plus` says so.
pub fn decode(text: &[u8], plus: bool) -> Result<Vec<u8>, BadEscape> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let [high, low, tail @ ..] = tail else {
                    return Err(BadEscape);
                };
                let digit = |c: u8| (c as char).to_digit(16).ok_or(BadEscape);
                out.push((digit(*high)? << 4 | digit(*low)?) as u8);
                rest = tail;
            }
            b'+' if plus => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let location =
            |uri: &str| String::from_utf8(encode_location(uri.as_bytes()).into()).unwrap();
        for same in [
            "",
            "/",
            "/a%20b",
            "/?q#f",
            "http://h:80/p?a=b&c#d",
            "#",
            "/*:@!$&'()+,;=~",
        ] {
            assert_eq!(location(same), same);
        }
        assert_eq!(location("/a b"), "/a%20b");
        assert_eq!(location("/%2"), "/%252");
        assert_eq!(location("/%zz%20"), "/%25zz%2520");
        assert_eq!(location("/a?b?c"), "/a?b%3Fc");
        assert_eq!(location("/a#b#c?d"), "/a#b%23c%3Fd");
        assert_eq!(
            location("/\u{e9}\"<>\\^`{|}\u{7f}\n"),
            "/%C3%A9%22%3C%3E%5C%5E%60%7B%7C%7D%7F%0A"
        );
    }

    #[test]
    fn paths() {
        let mut out = Vec::new();
        encode_path(&mut out, b"/a b/?#%~");
        assert_eq!(out, b"/a%20b/%3F%23%25~");
    }

    #[test]
    fn decoding() {
        assert_eq!(decode(b"a%20b+c%2b", false).unwrap(), b"a b+c+");
        assert_eq!(decode(b"a%20b+c%2B", true).unwrap(), b"a b c+");
        for bad in ["%", "%4", "%4g", "a%"] {
            assert_eq!(decode(bad.as_bytes(), false), Err(BadEscape));
        }
    }
}
