//! The JSON reader of the control API: standard JSON plus comments and trailing commas, with the
//! position and the explanation that a person needs to find a mistake.
//!
//! Texts and positions of errors are client-visible facts of Unit 1.35.0. Two limits are ours:
//! nesting is bounded, so that no input can exhaust the stack, and strings must be UTF-8.

use std::collections::HashSet;

use super::Value;

/// How deep containers may be nested.
pub const MAX_DEPTH: usize = 256;
/// Longest text of a number.
const MAX_NUMBER: usize = 14;
/// Longest string, bytes.
const MAX_STRING: usize = i32::MAX as usize;
/// Objects up to this many members are searched for a duplicate name; larger ones are hashed.
const FEW_MEMBERS: usize = 16;

macro_rules! expected_value {
    ($start:literal) => {
        concat!(
            $start,
            "  It must be either a literal (null, true, or false), a number, a string (in double quotes \"\"), ",
            "an array (with brackets []), or an object (with braces {})."
        )
    };
}

pub(super) const EMPTY: &str = expected_value!("An empty JSON payload isn't allowed.");
pub(super) const VALUE_EXPECTED: &str = expected_value!("A valid JSON value is expected here.");
pub(super) const TRAILING: &str = "Unexpected character after the end of a valid JSON value.";
pub(super) const OPEN_OBJECT: &str =
    "Unexpected end of JSON payload.  There's an object without a closing brace (}).";
pub(super) const NO_MEMBER_VALUE: &str =
    "Unexpected end of JSON payload.  There's an object member without a value.";
pub(super) const OPEN_ARRAY: &str =
    "Unexpected end of JSON payload.  There's an array without a closing bracket (]).";
pub(super) const OPEN_STRING: &str =
    "Unexpected end of JSON payload.  There's a string without a final double quote (\").";
pub(super) const QUOTE_EXPECTED: &str = "A double quote (\") is expected here.  There must be a valid JSON object member \
     starts with a name, which is a string enclosed in double quotes.";
pub(super) const COLON_EXPECTED: &str =
    "A colon (:) is expected here.  There must be a colon after a JSON member name.";
pub(super) const BRACE_EXPECTED: &str = "Either a closing brace (}) or a comma (,) is expected here.  Each JSON object must be \
     enclosed in braces and its members must be separated by commas.";
pub(super) const BRACKET_EXPECTED: &str = "Either a closing bracket (]) or a comma (,) is expected here.  Each array must be \
     enclosed in brackets and its members must be separated by commas.";
pub(super) const DUPLICATE: &str =
    "Duplicate object member.  All JSON object members must have unique names.";
pub(super) const CONTROL_CHARACTER: &str =
    "Unexpected character.  All control characters in a JSON string must be escaped.";
pub(super) const BACKSLASH: &str = "Unexpected backslash.  A literal backslash in a JSON string must be escaped with a second \
     backslash (\\\\).";
pub(super) const ESCAPE: &str = "Invalid escape sequence.  An escape sequence in a JSON string must start with a backslash, \
     followed by the lowercase letter u, followed by four hexadecimal digits (\\uXXXX).";
pub(super) const LONE_SURROGATE: &str = "Invalid JSON encoding sequence.  This 6-byte sequence does not represent a valid UTF character.";
pub(super) const BAD_PAIR: &str = "Invalid JSON encoding sequence.  This 12-byte sequence composes an illegal UTF-16 surrogate pair.";
pub(super) const NOT_UTF8: &str =
    "Invalid JSON encoding sequence.  The bytes here do not represent a valid UTF-8 character.";
pub(super) const LONG_STRING: &str =
    "The string is too long.  Such a long JSON string value is not supported.";
pub(super) const FRACTION: &str =
    "The number is invalid.  A fraction part in JSON numbers must contain at least one digit.";
pub(super) const LEADING_ZERO: &str =
    "The number is invalid.  Leading zeros are not allowed in JSON numbers.";
pub(super) const EXPONENT: &str =
    "The number is invalid.  An exponent part in JSON numbers must contain at least one digit.";
pub(super) const LONG_NUMBER: &str =
    "The number is too long.  Such a long JSON number value is not supported.";
pub(super) const NUMBER_RANGE: &str =
    "The number is out of representable range.  Such JSON number value is not supported.";
pub(super) const TOO_DEEP: &str =
    "The value is nested too deeply.  Such a deep nesting of arrays and objects is not supported.";

/// Why a text is not JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct JsonError {
    /// The explanation.
    pub detail: &'static str,
    /// Byte offset of the mistake.
    pub offset: usize,
}

/// A place in a text as people count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl JsonError {
    /// Line and column of the mistake in `text`; `None` when what precedes it in its line is not
    /// UTF-8, so that its characters cannot be counted.
    pub fn position(&self, text: &[u8]) -> Option<Position> {
        let before = text.get(..self.offset)?;
        let last_line = before
            .rsplit(|&byte| byte == b'\n')
            .next()
            .unwrap_or(before);
        let column = std::str::from_utf8(last_line).ok()?.chars().count() + 1;
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        Some(Position { line, column })
    }
}

/// `text` without a leading byte order mark.
pub fn skip_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Reads one JSON value that fills the whole text.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
        not_utf8: None,
    };
    reader.skip_space();
    if reader.peek().is_none() {
        return Err(JsonError {
            detail: EMPTY,
            offset: 0,
        });
    }
    let value = reader.value()?;
    reader.skip_space();
    match (reader.peek(), reader.not_utf8) {
        (Some(_), _) => reader.fail(TRAILING),
        (None, Some(offset)) => fail_at(NOT_UTF8, offset),
        (None, None) => Ok(value),
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    /// Where the first string stops to be UTF-8.
    not_utf8: Option<usize>,
}

type Parsed<T> = Result<T, JsonError>;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn fail<T>(&self, detail: &'static str) -> Parsed<T> {
        fail_at(detail, self.at)
    }

    /// White space and comments. An unfinished comment stays, and is then what cannot be parsed;
    /// that includes a `//` comment without its line end.
    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
                .count();
            if blank > 0 {
                self.at += blank;
                continue;
            }
            let comment = match rest {
                [b'/', b'/', body @ ..] => memchr::memchr(b'\n', body).map(|end| end + 3),
                [b'/', b'*', body @ ..] => memchr::memmem::find(body, b"*/").map(|end| end + 4),
                _ => None,
            };
            match comment {
                Some(length) => self.at += length,
                None => return,
            }
        }
    }

    /// The caller has made sure that there is a byte.
    fn value(&mut self) -> Parsed<Value> {
        let rest = self.rest();
        let literal = |text: &str, value: Value| {
            rest.starts_with(text.as_bytes())
                .then_some((text.len(), value))
        };
        let literal = match rest.first() {
            Some(b'{') => return self.nested(Self::object),
            Some(b'[') => return self.nested(Self::array),
            Some(b'"') => return Ok(Value::String(self.string()?)),
            Some(b't') => literal("true", Value::Bool(true)),
            Some(b'f') => literal("false", Value::Bool(false)),
            Some(b'n') => literal("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => return self.number(),
            _ => None,
        };
        match literal {
            Some((length, value)) => {
                self.at += length;
                Ok(value)
            }
            None => self.fail(VALUE_EXPECTED),
        }
    }

    fn nested(&mut self, container: fn(&mut Self) -> Parsed<Value>) -> Parsed<Value> {
        if self.depth == MAX_DEPTH {
            return self.fail(TOO_DEEP);
        }
        self.depth += 1;
        let value = container(self);
        self.depth -= 1;
        value
    }

    /// Skips the byte at hand and white space; there must be something after it.
    fn advance(&mut self, at_end: &'static str) -> Parsed<u8> {
        self.at += 1;
        self.next(at_end)
    }

    fn next(&mut self, at_end: &'static str) -> Parsed<u8> {
        self.skip_space();
        self.peek().ok_or(JsonError {
            detail: at_end,
            offset: self.at,
        })
    }

    fn object(&mut self) -> Parsed<Value> {
        let mut members: Vec<(Box<str>, Value)> = Vec::new();
        let mut names: HashSet<Box<str>> = HashSet::new();
        loop {
            match self.advance(OPEN_OBJECT)? {
                b'"' => {}
                b'}' => break,
                _ => return self.fail(QUOTE_EXPECTED),
            }
            let name_at = self.at;
            let name = self.string()?;
            let known = if members.len() < FEW_MEMBERS {
                members.iter().any(|(other, _)| *other == name)
            } else {
                if names.is_empty() {
                    names.extend(members.iter().map(|(name, _)| name.clone()));
                }
                !names.insert(name.clone())
            };
            if known {
                return fail_at(DUPLICATE, name_at);
            }
            if self.next(NO_MEMBER_VALUE)? != b':' {
                return self.fail(COLON_EXPECTED);
            }
            self.advance(NO_MEMBER_VALUE)?;
            members.push((name, self.value()?));
            match self.next(OPEN_OBJECT)? {
                b',' => {}
                b'}' => break,
                _ => return self.fail(BRACE_EXPECTED),
            }
        }
        self.at += 1;
        Ok(Value::Object(members))
    }

    fn array(&mut self) -> Parsed<Value> {
        let mut elements = Vec::new();
        while self.advance(OPEN_ARRAY)? != b']' {
            elements.push(self.value()?);
            match self.next(OPEN_ARRAY)? {
                b',' => {}
                b']' => break,
                _ => return self.fail(BRACKET_EXPECTED),
            }
        }
        self.at += 1;
        Ok(Value::Array(elements))
    }

    /// A string; the position is at its opening quote.
    fn string(&mut self) -> Parsed<Box<str>> {
        let start = self.at + 1;
        let (end, escaped) = self.string_end(start)?;
        let raw = &self.text[start..end];
        if raw.len() > MAX_STRING {
            return fail_at(LONG_STRING, start);
        }
        let text = match std::str::from_utf8(raw) {
            Ok(raw) if escaped => unescape(raw, start)?.into_boxed_str(),
            Ok(raw) => raw.into(),
            Err(error) => {
                self.not_utf8.get_or_insert(start + error.valid_up_to());
                String::from_utf8_lossy(raw).into()
            }
        };
        self.at = end + 1;
        Ok(text)
    }

    /// Where the closing quote of the string is, and whether there are escapes on the way.
    fn string_end(&self, start: usize) -> Parsed<(usize, bool)> {
        let mut at = start;
        let mut escaped = false;
        loop {
            match self.text.get(at) {
                None => return fail_at(OPEN_STRING, at),
                Some(b'"') => return Ok((at, escaped)),
                Some(b'\\') => {
                    escaped = true;
                    at = self.escape_end(at)?;
                }
                Some(0..0x20) => return fail_at(CONTROL_CHARACTER, at),
                Some(_) => at += 1,
            }
        }
    }

    /// The end of the escape sequence that starts at `at`.
    fn escape_end(&self, at: usize) -> Parsed<usize> {
        match self.text.get(at + 1) {
            None => fail_at(OPEN_STRING, at + 1),
            Some(b'"' | b'\\' | b'/' | b'n' | b'r' | b't' | b'b' | b'f') => Ok(at + 2),
            Some(b'u') => {
                let digits = at + 2..at + 6;
                for at in digits.clone() {
                    match self.text.get(at) {
                        None => return fail_at(OPEN_STRING, at),
                        Some(byte) if byte.is_ascii_hexdigit() => {}
                        Some(_) => return fail_at(ESCAPE, at),
                    }
                }
                Ok(digits.end)
            }
            Some(_) => fail_at(BACKSLASH, at),
        }
    }

    /// A number; the position is at its sign or first digit.
    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        let digits = |from: usize| {
            from + self.text[from..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let whole = start + usize::from(self.text[start] == b'-');
        let mut end = digits(whole);
        if end == whole {
            return self.fail(VALUE_EXPECTED);
        }
        let whole_digits = end - whole;
        if self.text.get(end) == Some(&b'.') {
            let fraction = end + 1;
            end = digits(fraction);
            if end == fraction {
                return fail_at(FRACTION, whole);
            }
        }
        // `-01` has always been let through.
        if whole_digits > 1 && self.text[start] == b'0' {
            return fail_at(LEADING_ZERO, whole);
        }
        if let Some(b'e' | b'E') = self.text.get(end) {
            let exponent =
                end + 1 + usize::from(matches!(self.text.get(end + 1), Some(b'-' | b'+')));
            end = digits(exponent);
            if end == exponent {
                return fail_at(EXPONENT, start);
            }
        }
        if end - start > MAX_NUMBER {
            return fail_at(LONG_NUMBER, start);
        }
        let text = match std::str::from_utf8(&self.text[start..end]) {
            Ok(text) => text,
            Err(_) => return fail_at(VALUE_EXPECTED, start),
        };
        if !representable(text) {
            return fail_at(NUMBER_RANGE, start);
        }
        if !matches!(
            self.text.get(end),
            None | Some(
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b'}' | b']' | b'{' | b'[' | b'"' | b'/'
            )
        ) {
            return fail_at(VALUE_EXPECTED, start);
        }
        self.at = end;
        Ok(Value::Number(text.into()))
    }
}

fn fail_at<T>(detail: &'static str, offset: usize) -> Parsed<T> {
    Err(JsonError { detail, offset })
}

/// Whether the number fits a signed 64-bit magnitude and does not vanish in a float.
fn representable(text: &str) -> bool {
    let Ok(number) = text.parse::<f64>() else {
        return false;
    };
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let zero = !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    number.abs() <= i64::MAX as f64 && (zero || number.is_normal())
}

/// Resolves the escapes of a string whose syntax has been checked; `start` is its offset.
fn unescape(raw: &str, start: usize) -> Parsed<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at..];
        let offset = start + (raw.len() - escape.len());
        let (character, length) = match escape.as_bytes().get(1) {
            Some(b'n') => ('\n', 2),
            Some(b'r') => ('\r', 2),
            Some(b't') => ('\t', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'u') => encoded_character(escape, offset)?,
            Some(&other) => (char::from(other), 2),
            None => break,
        };
        text.push(character);
        rest = &escape[length..];
    }
    text.push_str(rest);
    Ok(text)
}

/// The character that `\uXXXX` or a pair of them stands for, and the length of what was read.
fn encoded_character(escape: &str, offset: usize) -> Parsed<(char, usize)> {
    let unit = |at: usize| {
        let encoded = escape.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(encoded, 16).ok()
    };
    let Some(first) = unit(0) else {
        return fail_at(ESCAPE, offset);
    };
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Ok((character, 6));
    }
    match (first, unit(6)) {
        (0xd800..=0xdbff, Some(second)) => match char::decode_utf16([first, second]).next() {
            Some(Ok(character)) => Ok((character, 12)),
            _ => fail_at(BAD_PAIR, offset),
        },
        _ => fail_at(LONE_SURROGATE, offset),
    }
}
