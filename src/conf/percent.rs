//! Percent-encoding inside the configuration: pass targets, match patterns, control API paths.

use std::fmt::Write;

use crate::base::uri::{self, Plus};

/// Resolves `%XX`; `None` when a percent sign is not followed by two hexadecimal digits.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    uri::decode(text, Plus::Plus).collect::<Result<_, _>>().ok()
}

/// As [`decode`], for a name: `None` also when the result is not UTF-8.
pub fn decode_name(text: &str) -> Option<String> {
    String::from_utf8(decode(text.as_bytes())?).ok()
}

/// Encodes everything but unreserved characters, so that the result is one path segment without
/// any other meaning.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_needs_two_digits() {
        assert_eq!(decode_name("a%2Fb%2f+%25").as_deref(), Some("a/b/+%"));
        for text in ["%", "%1", "%1x", "%zz", "a%"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
        assert_eq!(decode(b"%ff").as_deref(), Some(&b"\xff"[..]));
        assert_eq!(decode_name("%ff"), None);
    }

    #[test]
    fn encoding_leaves_nothing_special() {
        assert_eq!(encode("a b/$c`%é"), "a%20b%2F%24c%60%25%C3%A9");
        assert_eq!(decode_name(&encode("x/é$`")).as_deref(), Some("x/é$`"));
    }
}
