//! Percent-encoding of URIs (`nxt_string.h`).

/// Which bytes are escaped: everything but letters, digits and a few signs that need not be.
fn is_escaped(byte: u8) -> bool {
    !matches!(
        byte,
        b'!' | b'$' | b'&'..=b';' | b'=' | b'@'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~'
    )
}

/// What a plus sign stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    /// Itself.
    Plus,
    /// A space, as in forms.
    Space,
}

/// A percent sign without two hexadecimal digits after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape;

/// Resolves `%XX`. The bytes are never more than those of `text`.
pub fn decode(text: &[u8], plus: Plus) -> Decoded<'_> {
    Decoded { text, plus }
}

/// See [`decode`].
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    text: &'a [u8],
    plus: Plus,
}

impl Iterator for Decoded<'_> {
    type Item = Result<u8, BadEscape>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&byte, rest) = self.text.split_first()?;
        self.text = rest;
        match byte {
            b'%' => {
                let digits = rest.first_chunk::<2>();
                self.text = rest.get(2..).unwrap_or_default();
                Some(digits.and_then(|digits| escaped(*digits)).ok_or(BadEscape))
            }
            b'+' if self.plus == Plus::Space => Some(Ok(b' ')),
            byte => Some(Ok(byte)),
        }
    }
}

fn escaped([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// What of the two delimiters that follow a path is still to come.
struct Delimiters<'a>(&'a [u8]);

impl Delimiters<'_> {
    /// Whether `byte` is a delimiter here: one `?`, then one `#`, the first of which may be missing.
    fn take(&mut self, byte: u8) -> bool {
        match self.0.iter().position(|delimiter| *delimiter == byte) {
            Some(index) => {
                self.0 = &self.0[index + 1..];
                true
            }
            None => false,
        }
    }
}

/// How a URI is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// As one part: `?` and `#` lose their meaning.
    Single,
    /// As a path with a query and a fragment: the first `?` and `#` keep theirs.
    Whole,
}

impl Part {
    fn delimiters(self) -> Delimiters<'static> {
        Delimiters(match self {
            Part::Single => b"",
            Part::Whole => b"?#",
        })
    }
}

/// How many bytes of `text` have to be escaped.
pub fn count_escaped(text: &[u8], part: Part) -> usize {
    let mut delimiters = part.delimiters();
    text.iter()
        .filter(|byte| is_escaped(**byte) && !delimiters.take(**byte))
        .count()
}

/// Hands out the escaped text piece by piece: one byte, or three for an escape.
pub fn encode(text: &[u8], part: Part, mut put: impl FnMut(&[u8])) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut delimiters = part.delimiters();
    for byte in text {
        if is_escaped(*byte) && !delimiters.take(*byte) {
            put(&[
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        } else {
            put(&[*byte]);
        }
    }
}

/// Whether `text` could have come from [`encode`] with [`Part::Whole`].
pub fn is_encoded(mut text: &[u8]) -> bool {
    let mut delimiters = Part::Whole.delimiters();
    while let Some((byte, rest)) = text.split_first() {
        text = rest;
        if *byte == b'%' {
            if rest
                .first_chunk::<2>()
                .and_then(|digits| escaped(*digits))
                .is_none()
            {
                return false;
            }
            text = &rest[2..];
        } else if is_escaped(*byte) && !delimiters.take(*byte) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str, plus: Plus) -> Result<Vec<u8>, BadEscape> {
        decode(text.as_bytes(), plus).collect()
    }

    fn encoded(text: &str, part: Part) -> String {
        let mut out = Vec::new();
        encode(text.as_bytes(), part, |bytes| out.extend_from_slice(bytes));
        assert_eq!(
            out.len() - text.len(),
            2 * count_escaped(text.as_bytes(), part)
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(
            decoded("a%2Fb%2f+%25", Plus::Plus).as_deref(),
            Ok(&b"a/b/+%"[..])
        );
        assert_eq!(decoded("a+%2B", Plus::Space).as_deref(), Ok(&b"a +"[..]));
        for text in ["%", "%1", "%1x", "%zz", "a%"] {
            assert_eq!(decoded(text, Plus::Plus), Err(BadEscape), "{text}");
        }
    }

    #[test]
    fn every_byte_there_and_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut out = Vec::new();
        encode(&all, Part::Single, |bytes| out.extend_from_slice(bytes));
        assert_eq!(
            decode(&out, Plus::Plus).collect::<Result<Vec<u8>, _>>(),
            Ok(all)
        );
        assert!(is_encoded(&out));
    }

    #[test]
    fn delimiters_keep_their_meaning_once() {
        assert_eq!(encoded("/a b?c#d", Part::Single), "/a%20b%3Fc%23d");
        assert_eq!(
            encoded("/a b?c?d#e#f?g", Part::Whole),
            "/a%20b?c%3Fd#e%23f%3Fg"
        );
        assert_eq!(encoded("/a#b?c", Part::Whole), "/a#b%3Fc");
        assert!(is_encoded(b"/a?b#c%20"));
        for text in ["/a b", "/a?b?c", "/a#b?c", "%2", "%x2"] {
            assert!(!is_encoded(text.as_bytes()), "{text}");
        }
    }
}
