//! The request target: percent-decoding and dot segments of its path, and where its query stands.
//!
//! Escapes are decoded before dot segments are resolved, so `%2e%2e` climbs and `%2F` separates;
//! the characters that would change meaning when decoded (`%`, `#`, `?`) stay part of the path.

use super::field::Span;

/// A target whose path cannot be used: a bad escape, an escaped NUL, or a climb above the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid request target")]
pub struct BadTarget;

/// What [`normalise`] found besides the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The query, between the first `?` and a `#` or the end; `None` without `?`.
    pub query: Option<Span>,
    /// The path had percent escapes.
    pub quoted: bool,
}

/// What the current path segment is made of so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    /// Nothing: the last byte was a slash.
    Empty,
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// Anything else.
    Name,
}

struct Builder<'a> {
    out: &'a mut Vec<u8>,
    segment: Segment,
}

impl Builder<'_> {
    fn ordinary(&mut self, byte: u8) {
        self.segment = Segment::Name;
        self.out.push(byte);
    }

    fn byte(&mut self, byte: u8) -> Result<(), BadTarget> {
        match byte {
            b'/' => {
                let ends_name = self.segment == Segment::Name;
                self.end_segment()?;
                if ends_name {
                    self.out.push(b'/');
                }
                self.segment = Segment::Empty;
            }
            b'.' => {
                self.segment = match self.segment {
                    Segment::Empty => Segment::Dot,
                    Segment::Dot => Segment::DotDot,
                    _ => Segment::Name,
                };
                self.out.push(b'.');
            }
            _ => self.ordinary(byte),
        }
        Ok(())
    }

    /// Resolves a dot segment that is complete.
    fn end_segment(&mut self) -> Result<(), BadTarget> {
        match self.segment {
            Segment::Empty | Segment::Name => {}
            Segment::Dot => {
                self.out.pop();
            }
            Segment::DotDot => {
                // `…/name/..`: back to just after the slash before the name.
                let parent = self.out.len().saturating_sub(3);
                let slash = memchr::memrchr(b'/', &self.out[..parent]).ok_or(BadTarget)?;
                self.out.truncate(slash + 1);
            }
        }
        Ok(())
    }
}

fn hex(byte: u8) -> Result<u8, BadTarget> {
    (byte as char)
        .to_digit(16)
        .map(|digit| digit as u8)
        .ok_or(BadTarget)
}

/// What becomes of `%2F` and `%25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slashes {
    /// They are decoded like all others.
    Decode,
    /// They stay as they are, so that the path can be told from one with real slashes.
    Keep,
}

/// Writes the decoded, normalised path of `target` to `out` (cleared first).
pub fn normalise(target: &[u8], out: &mut Vec<u8>) -> Result<Parts, BadTarget> {
    normalise_with(target, out, Slashes::Decode)
}

/// As [`normalise`], with a choice for escaped slashes.
pub fn normalise_with(
    target: &[u8],
    out: &mut Vec<u8>,
    slashes: Slashes,
) -> Result<Parts, BadTarget> {
    out.clear();
    out.reserve(target.len());
    let mut parts = Parts::default();
    let mut path = Builder {
        out,
        segment: Segment::Name,
    };
    let mut at = 0;
    while let Some(&byte) = target.get(at) {
        at += 1;
        match byte {
            b'%' => {
                let (Some(&high), Some(&low)) = (target.get(at), target.get(at + 1)) else {
                    return Err(BadTarget);
                };
                at += 2;
                parts.quoted = true;
                match hex(high)? << 4 | hex(low)? {
                    0 => return Err(BadTarget),
                    b'/' | b'%' if slashes == Slashes::Keep => {
                        for literal in [b'%', high, low] {
                            path.ordinary(literal);
                        }
                    }
                    literal @ (b'%' | b'#' | b'?') => path.ordinary(literal),
                    decoded => path.byte(decoded)?,
                }
            }
            b'?' => {
                let end = memchr::memchr(b'#', &target[at..]).map_or(target.len(), |n| at + n);
                parts.query = Some(Span::new(at, end));
                break;
            }
            b'#' => break,
            _ => path.byte(byte)?,
        }
    }
    path.end_segment()?;
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_slashes_are_kept_on_demand() {
        let mut out = Vec::new();
        normalise_with(b"/a%2f..%2F%25%41//b", &mut out, Slashes::Keep).unwrap();
        assert_eq!(out, b"/a%2f..%2F%25A/b");
    }

    fn path(target: &str) -> Option<String> {
        let mut out = Vec::new();
        normalise(target.as_bytes(), &mut out).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn paths() {
        for (target, expected) in [
            ("/", "/"),
            ("/a//b///c", "/a/b/c"),
            ("/a/./b", "/a/b"),
            ("/a/.", "/a/"),
            ("/a/..", "/"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/../..", "/"),
            ("/a/b/../../c", "/c"),
            ("/a/...", "/a/..."),
            ("/a/..b", "/a/..b"),
            ("/a/.b/..c/", "/a/.b/..c/"),
            ("/.well-known", "/.well-known"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e", "/"),
            ("/a%2Fb%2f..", "/a/"),
            ("/a%2f%2fb", "/a/b"),
            ("/%25%23%3F", "/%#?"),
            ("/.%25", "/.%"),
            ("/a%20b", "/a b"),
            ("/a#b?c", "/a"),
            ("/a/.?x", "/a/"),
            ("/a/..?x", "/"),
            ("/a/..#x", "/"),
            ("/%2541", "/%41"),
            ("a/b", "a/b"),
            ("..", ".."),
            ("", ""),
        ] {
            assert_eq!(path(target).as_deref(), Some(expected), "{target}");
        }
    }

    #[test]
    fn refused() {
        for target in [
            "/..",
            "/../",
            "/a/../..",
            "/%",
            "/%4",
            "/%4g",
            "/%00",
            "/%?x",
            "/a/../../b",
            "a/..",
        ] {
            assert_eq!(path(target), None, "{target}");
        }
    }

    #[test]
    fn query_is_raw_and_ends_at_a_hash() {
        let mut out = Vec::new();
        let target = b"/%41?a=%zz&b=?c#d";
        let parts = normalise(target, &mut out).unwrap();
        assert_eq!(parts.query.unwrap().of(target), b"a=%zz&b=?c");
        assert!(parts.quoted);
        let parts = normalise(b"/a/./b#?q", &mut out).unwrap();
        assert_eq!(
            parts,
            Parts {
                query: None,
                quoted: false
            }
        );
    }
}
