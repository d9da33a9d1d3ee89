//! The scanner of a request head: one pass over bytes that may arrive in pieces.
//!
//! It owns no bytes. The caller passes everything received since the head began, and the scanner
//! goes on where it stopped, so no byte is looked at twice however the input is cut, and the
//! result does not depend on the cuts.
//!
//! Leniency of Unit 1.35.0 that is kept: CR and LF before the request line, several spaces around
//! the target, spaces inside it, bare LF as line end.

use super::field::{Field, HASH_INIT, NAME_BYTES, Span, UNSAFE_NAME, hash_byte, hash_end};

/// Longest field name, in bytes.
pub const MAX_FIELD_NAME: usize = 255;

/// Bytes of the version, with the space before it.
const VERSION_LEN: usize = 9;

/// Why bytes are not a request head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Not HTTP/1 syntax.
    Syntax,
    /// `HTTP/N.N` with another major version.
    Version,
    /// A field name of more than [`MAX_FIELD_NAME`] bytes.
    NameTooLong,
}

/// What a scan came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The request line is complete.
    RequestLine,
    /// A field is complete.
    Field(Field),
    /// A field was complete and is dropped for its unusual name.
    Dropped,
    /// The head ends before this offset.
    End(usize),
    /// All bytes are used up.
    Partial,
}

/// In their order; those of the request line come before `Name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Method,
    BeforeTarget,
    Target,
    RequestLineEnd,
    Name,
    BeforeValue,
    Value,
    FieldEnd,
    HeadEnd,
    Done,
}

/// The request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// From the method to the version.
    pub line: Span,
    /// Method.
    pub method: Span,
    /// Target.
    pub target: Span,
    /// Offset just after the first `?`, if that came before any `#` or `%`.
    pub query: Option<u32>,
    /// Before any escape the path holds empty or dot segments, or the target holds a fragment.
    pub complex: bool,
    /// The path holds escapes.
    pub quoted: bool,
    /// `HTTP/1.1`; zeros until it is known.
    pub version: [u8; 8],
}

/// Progress through a head.
#[derive(Clone, Debug)]
pub struct Scanner {
    stage: Stage,
    /// The next byte to look at.
    at: usize,
    /// Where the method, name or value being scanned begins.
    start: usize,
    /// A `/` was the last byte of the target.
    after_slash: bool,
    hash: u32,
    unsafe_name: bool,
    /// Where the name begins and ends, and where the value ends, of the field that is complete next;
    /// the value begins at `start`.
    name_start: usize,
    name_end: usize,
    value_end: usize,
    discard_unsafe: bool,
    request_line: RequestLine,
}

/// The bytes of a target that tell how its path is to be read: `/`, `?`, `%`, `#`.
static TARGET_SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    table[b'/' as usize] = true;
    table[b'?' as usize] = true;
    table[b'%' as usize] = true;
    table[b'#' as usize] = true;
    table
};

/// Whether what follows a slash is an empty or a dot segment, or a name that begins with a dot.
fn begins_complex_segment(buf: &[u8], at: usize) -> bool {
    matches!(buf.get(at), Some(b'/' | b'.'))
}

/// Offset of the first control byte at or after `at`, or the length.
fn find_control(buf: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    while let Some(Ok(eight)) = buf.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(eight);
        // The lowest marked byte is exact: a borrow can only come from a marked one below.
        let below = word.wrapping_sub(ONES * 0x20) & !word & (ONES * 0x80);
        if below != 0 {
            return at + below.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < buf.len() && buf[at] >= 0x20 {
        at += 1;
    }
    at
}

impl RequestLine {
    /// Whether the path is not simply what stands before the query.
    #[inline]
    pub fn needs_normalising(&self) -> bool {
        self.complex || self.quoted
    }

    /// Whether the segments are of no interest any more: the query has begun, or they are looked at
    /// after decoding.
    fn past_path(&self) -> bool {
        self.query.is_some() || self.quoted
    }
}

impl Scanner {
    /// A scanner at the start of a request line. As a constant it is written whole: the C interface
    /// makes one for every call.
    const START: Scanner = Scanner {
        stage: Stage::Method,
        at: 0,
        start: 0,
        after_slash: false,
        hash: HASH_INIT,
        unsafe_name: false,
        name_start: 0,
        name_end: 0,
        value_end: 0,
        discard_unsafe: false,
        request_line: RequestLine {
            line: Span { start: 0, len: 0 },
            method: Span { start: 0, len: 0 },
            target: Span { start: 0, len: 0 },
            query: None,
            complex: false,
            quoted: false,
            version: [0; 8],
        },
    };

    /// A scanner at the start of a request line.
    #[inline]
    pub fn new(discard_unsafe: bool) -> Scanner {
        let mut scanner = Scanner::START;
        scanner.discard_unsafe = discard_unsafe;
        scanner
    }

    /// A scanner of the fields alone, which begin at offset `at`.
    #[inline]
    pub fn fields(at: usize, discard_unsafe: bool) -> Scanner {
        let mut scanner = Scanner::new(discard_unsafe);
        scanner.at = at;
        scanner.begin_field();
        scanner
    }

    /// Nothing was scanned yet.
    pub fn at_start(&self) -> bool {
        self.at == 0
    }

    /// The request line, as far as it is known.
    #[inline]
    pub fn request_line(&self) -> &RequestLine {
        &self.request_line
    }

    /// Where the element begins that is still incomplete: the request line, or the name or value
    /// of a field. Header buffers count from here.
    pub fn element_start(&self) -> usize {
        match self.stage {
            Stage::Method | Stage::BeforeTarget | Stage::Target | Stage::RequestLineEnd => 0,
            Stage::Name | Stage::Value => self.start,
            Stage::BeforeValue | Stage::Done => self.at,
            // The carriage return.
            Stage::FieldEnd | Stage::HeadEnd => self.at.saturating_sub(1),
        }
    }

    /// After an event other than the end: where the element begins that follows.
    #[inline]
    pub fn next_element(&self) -> usize {
        self.start
    }

    /// Goes on through `buf`, which holds all bytes since the head began, up to the next event.
    pub fn next(&mut self, buf: &[u8]) -> Result<Event, Violation> {
        if self.stage < Stage::Name {
            self.scan_request_line(buf)
        } else {
            self.scan_field(buf)
        }
    }

    /// The stages of the request line from the current one on, each of which leads to the next.
    fn scan_request_line(&mut self, buf: &[u8]) -> Result<Event, Violation> {
        let known = (self.stage != Stage::Method || self.method(buf)?)
            && (self.stage != Stage::BeforeTarget || self.before_target(buf)?)
            && (self.stage != Stage::Target || self.target(buf)?)
            && self.line_feed(buf)?;
        if !known {
            return Ok(Event::Partial);
        }
        self.begin_field();
        Ok(Event::RequestLine)
    }

    /// As [`scan_request_line`](Self::scan_request_line), of a field or the end of the head.
    fn scan_field(&mut self, buf: &[u8]) -> Result<Event, Violation> {
        if self.stage == Stage::Done {
            return Ok(Event::End(self.at));
        }
        let known = (self.stage != Stage::Name || self.field_name(buf)?)
            && (self.stage != Stage::BeforeValue || self.before_value(buf))
            && (self.stage != Stage::Value || self.field_value(buf)?)
            && self.line_feed(buf)?;
        if !known {
            return Ok(Event::Partial);
        }
        if self.stage == Stage::HeadEnd {
            self.stage = Stage::Done;
            return Ok(Event::End(self.at));
        }
        Ok(self.field())
    }

    fn line_feed(&mut self, buf: &[u8]) -> Result<bool, Violation> {
        match buf.get(self.at) {
            Some(b'\n') => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(Violation::Syntax),
            None => Ok(false),
        }
    }

    fn method(&mut self, buf: &[u8]) -> Result<bool, Violation> {
        while let Some(&byte) = buf.get(self.at) {
            match byte {
                b'A'..=b'Z' | b'_' | b'-' => {
                    let rest = buf[self.at..].iter();
                    self.at += rest
                        .take_while(|byte| matches!(byte, b'A'..=b'Z' | b'_' | b'-'))
                        .count();
                }
                b'\r' | b'\n' if self.at == self.start => {
                    self.at += 1;
                    self.start = self.at;
                }
                b' ' if self.at > self.start => {
                    self.request_line.method = Span::new(self.start, self.at);
                    self.at += 1;
                    self.stage = Stage::BeforeTarget;
                    return Ok(true);
                }
                _ => {
                    self.request_line.method = Span::new(self.start, self.at);
                    return Err(Violation::Syntax);
                }
            }
        }
        Ok(false)
    }

    fn before_target(&mut self, buf: &[u8]) -> Result<bool, Violation> {
        while let Some(&byte) = buf.get(self.at) {
            match byte {
                b' ' => self.at += 1,
                b'/' => {
                    self.request_line.target = Span::new(self.at, self.at + 1);
                    self.at += 1;
                    self.after_slash = true;
                    self.stage = Stage::Target;
                    return Ok(true);
                }
                _ => return Err(Violation::Syntax),
            }
        }
        Ok(false)
    }

    /// Scans to the end of the line. Only there can the version be told from the target, because
    /// a target may have spaces in it.
    fn target(&mut self, buf: &[u8]) -> Result<bool, Violation> {
        let mut line_end = self.at;
        let found = loop {
            line_end = find_control(buf, line_end);
            match buf.get(line_end) {
                None => break None,
                Some(&byte @ (b'\r' | b'\n' | 0)) => break Some(byte),
                Some(_) => line_end += 1,
            }
        };
        // What looks like a version is not looked at.
        let space = line_end.saturating_sub(VERSION_LEN);
        let version_follows = found.is_some() && space > self.at && buf[space] == b' ';
        self.path(buf, if version_follows { space } else { line_end });
        self.at = line_end;
        let start = self.request_line.target.start as usize;
        match found {
            None => {
                self.request_line.target = Span::new(start, line_end);
                Ok(false)
            }
            Some(0) => Err(Violation::Syntax),
            Some(byte) => {
                self.version(buf, start)?;
                self.stage = Stage::RequestLineEnd;
                if byte == b'\r' {
                    self.at += 1;
                }
                Ok(true)
            }
        }
    }

    /// Notes how the path is to be read, going on through the target up to `end`.
    fn path(&mut self, buf: &[u8], end: usize) {
        let mut at = self.at;
        let line = &mut self.request_line;
        if self.after_slash && !line.past_path() {
            line.complex |= begins_complex_segment(buf, at);
        }
        while let Some(plain) = buf[at..end]
            .iter()
            .position(|byte| TARGET_SPECIAL[usize::from(*byte)])
        {
            at += plain + 1;
            match buf[at - 1] {
                b'#' => line.complex = true,
                _ if line.past_path() => {}
                b'?' => line.query = Some(at as u32),
                b'%' => line.quoted = true,
                _ => line.complex |= begins_complex_segment(buf, at),
            }
        }
        self.after_slash = end > 0 && buf[end - 1] == b'/';
    }

    /// Splits target and version; `self.at` is the line end.
    fn version(&mut self, buf: &[u8], target: usize) -> Result<(), Violation> {
        let line_end = self.at;
        let space = line_end.saturating_sub(VERSION_LEN);
        if space <= target || buf[space] != b' ' {
            self.request_line.target = Span::new(target, line_end);
            return Err(Violation::Syntax);
        }
        let mut version = [0; 8];
        version.copy_from_slice(&buf[space + 1..line_end]);
        let spaces = buf[target..space].iter().rev();
        let target_end = space - spaces.take_while(|byte| **byte == b' ').count();
        let line = &mut self.request_line;
        line.target = Span::new(target, target_end);
        line.line = Span::new(line.method.start as usize, line_end);
        if version != *b"HTTP/1.1" && version != *b"HTTP/1.0" {
            match version {
                [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9'] => {}
                [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
                    line.version = version;
                    return Err(Violation::Version);
                }
                _ => return Err(Violation::Syntax),
            }
        }
        line.version = version;
        Ok(())
    }

    fn begin_field(&mut self) {
        self.stage = Stage::Name;
        self.start = self.at;
        self.hash = HASH_INIT;
        self.unsafe_name = false;
    }

    fn field_name(&mut self, buf: &[u8]) -> Result<bool, Violation> {
        let limit = buf.len().min(self.start + MAX_FIELD_NAME + 1);
        let mut at = self.at;
        let mut hash = self.hash;
        while at < limit {
            let byte = buf[at];
            let mut lower = NAME_BYTES[byte as usize];
            if lower <= UNSAFE_NAME {
                if lower != UNSAFE_NAME {
                    break;
                }
                self.unsafe_name = true;
                lower = byte;
            }
            hash = hash_byte(hash, lower);
            at += 1;
        }
        self.at = at;
        self.hash = hash;
        if at - self.start > MAX_FIELD_NAME {
            return Err(Violation::NameTooLong);
        }
        let Some(&byte) = buf.get(at) else {
            return Ok(false);
        };
        let empty = at == self.start;
        self.at = at + 1;
        match byte {
            b':' if !empty => {
                self.name_start = self.start;
                self.name_end = at;
                self.stage = Stage::BeforeValue;
            }
            b'\r' if empty => self.stage = Stage::HeadEnd,
            b'\n' if empty => {
                self.at = at;
                self.stage = Stage::HeadEnd;
            }
            _ => return Err(Violation::Syntax),
        }
        Ok(true)
    }

    fn before_value(&mut self, buf: &[u8]) -> bool {
        while let Some(&byte) = buf.get(self.at) {
            if byte != b' ' && byte != b'\t' {
                self.start = self.at;
                self.stage = Stage::Value;
                return true;
            }
            self.at += 1;
        }
        false
    }

    fn field_value(&mut self, buf: &[u8]) -> Result<bool, Violation> {
        loop {
            self.at = find_control(buf, self.at);
            match buf.get(self.at) {
                None => return Ok(false),
                Some(b'\t') => self.at += 1,
                Some(b'\r' | b'\n') => break,
                Some(_) => return Err(Violation::Syntax),
            }
        }
        let blanks = buf[self.start..self.at].iter().rev();
        let blanks = blanks.take_while(|byte| matches!(byte, b' ' | b'\t'));
        self.value_end = self.at - blanks.count();
        if buf[self.at] == b'\r' {
            self.at += 1;
        }
        self.stage = Stage::FieldEnd;
        Ok(true)
    }

    #[inline]
    fn field(&mut self) -> Event {
        let event = if self.unsafe_name && self.discard_unsafe {
            Event::Dropped
        } else {
            Event::Field(Field {
                name: Span::new(self.name_start, self.name_end),
                value: Span::new(self.start, self.value_end),
                hash: hash_end(self.hash),
                skip: false,
                hop_by_hop: false,
            })
        };
        self.begin_field();
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bytes_are_found_at_every_offset() {
        for len in 0..40 {
            for at in 0..len {
                for byte in [0, 9, 0x1f] {
                    let mut text = vec![b' '; len];
                    text[at] = byte;
                    text[at + 1..].fill(0x80);
                    assert_eq!(find_control(&text, 0), at);
                    assert_eq!(find_control(&text, at), at);
                }
            }
            assert_eq!(find_control(&vec![0xff; len], 0), len);
            assert_eq!(find_control(&vec![0x7f; len], 0), len);
            assert_eq!(find_control(&vec![0x20; len], 0), len);
        }
    }

    #[test]
    fn no_byte_is_scanned_twice() {
        // Every call gets one byte more; the offset never goes back.
        let head = b"\r\nGET  /a b?c HTTP/1.1\r\nHost: \t x \t\r\nA:\r\n\r\nrest";
        let mut scanner = Scanner::new(true);
        let mut last = 0;
        for len in 0..=head.len() {
            loop {
                match scanner.next(&head[..len]).unwrap() {
                    Event::Partial => break,
                    Event::End(at) => {
                        assert_eq!(&head[at..], b"rest");
                        assert_eq!(scanner.request_line().target.of(head), b"/a b?c");
                        return;
                    }
                    _ => {}
                }
            }
            assert!(scanner.at >= last && scanner.at <= len);
            last = scanner.at;
        }
        panic!("no end found");
    }
}
