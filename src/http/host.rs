//! Normalisation of the `Host` field: `$host`, route matching and `SERVER_NAME` use its result.

use super::field::Span;

/// A `Host` value that no request may carry: it has a slash or an empty label inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid host")]
pub struct BadHost;

/// Finds the host in a `Host` value: without the port and without one final dot. The span is
/// relative to the value; the flag says that it has upper-case letters to be lowered.
pub fn normalise(value: &[u8]) -> Result<(Span, bool), BadHost> {
    if value.contains(&b'/') || value.windows(2).any(|pair| pair == b"..") {
        return Err(BadHost);
    }
    let mut end = if value.first() == Some(&b'[') {
        // An address literal; its own colons belong to it.
        memchr::memchr(b']', value).map_or(value.len(), |at| at + 1)
    } else {
        memchr::memchr(b':', value).unwrap_or(value.len())
    };
    if value[..end].last() == Some(&b'.') {
        end -= 1;
    }
    let upper = value[..end].iter().any(u8::is_ascii_uppercase);
    Ok((Span::new(0, end), upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(value: &str) -> Option<String> {
        let (span, upper) = normalise(value.as_bytes()).ok()?;
        let text = String::from_utf8(span.of(value.as_bytes()).to_vec()).unwrap();
        Some(if upper {
            text.to_ascii_lowercase()
        } else {
            text
        })
    }

    #[test]
    fn port_case_and_final_dot_go() {
        assert_eq!(host("Example.COM:8080").unwrap(), "example.com");
        assert_eq!(host("example.com.").unwrap(), "example.com");
        assert_eq!(host("example.com.:80").unwrap(), "example.com");
        assert_eq!(host("[::1]:80").unwrap(), "[::1]");
        assert_eq!(host("[::1").unwrap(), "[::1");
        assert_eq!(host("a:b:c").unwrap(), "a");
        assert_eq!(host(":80").unwrap(), "");
        assert_eq!(host(".").unwrap(), "");
        assert_eq!(host("").unwrap(), "");
        assert_eq!(host("b\u{fc}cher.example").unwrap(), "b\u{fc}cher.example");
    }

    #[test]
    fn slash_and_empty_labels_are_refused() {
        assert_eq!(host("a/b"), None);
        assert_eq!(host("a..b"), None);
        assert_eq!(host("a:.."), None);
        assert_eq!(host("a:/"), None);
    }
}
