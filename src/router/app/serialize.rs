//! A request in the form that libunit reads (`nxt_unit_request_t`).
//!
//! The structure (96 bytes), its header fields (16 bytes each) and then the texts, each with a zero
//! byte behind it, in one run of shared memory. Pointers are offsets from their own position. The
//! first bytes of the body follow the texts.

use super::exchange::AppRequest;

const REQUEST_SIZE: usize = 96;
const FIELD_SIZE: usize = 16;

/// `NXT_UNIT_NONE_FIELD`: there is no such field.
const NONE_FIELD: u32 = u32::MAX;

/// Offsets of members of `nxt_unit_request_t`.
mod at {
    pub(super) const SERVER_NAME_LENGTH: usize = 8;
    pub(super) const TARGET_LENGTH: usize = 12;
    pub(super) const PATH_LENGTH: usize = 16;
    pub(super) const QUERY_LENGTH: usize = 20;
    pub(super) const FIELDS_COUNT: usize = 24;
    pub(super) const CONTENT_LENGTH_FIELD: usize = 28;
    pub(super) const CONTENT_TYPE_FIELD: usize = 32;
    pub(super) const COOKIE_FIELD: usize = 36;
    pub(super) const AUTHORIZATION_FIELD: usize = 40;
    pub(super) const CONTENT_LENGTH: usize = 48;
    pub(super) const METHOD: usize = 56;
    pub(super) const VERSION: usize = 60;
    pub(super) const REMOTE: usize = 64;
    pub(super) const LOCAL_ADDR: usize = 68;
    pub(super) const LOCAL_PORT: usize = 72;
    pub(super) const SERVER_NAME: usize = 76;
    pub(super) const TARGET: usize = 80;
    pub(super) const PATH: usize = 84;
    pub(super) const QUERY: usize = 88;
    pub(super) const PREREAD_CONTENT: usize = 92;
}

/// How the names of header fields reach the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameStyle {
    /// As sent by the client.
    Plain,
    /// `HTTP_ACCEPT_LANGUAGE`, fields of the same name joined with `, `: PHP, Perl and Ruby.
    Cgi,
}

impl NameStyle {
    pub(super) fn of(kind: &str) -> NameStyle {
        let language = kind.split(|c: char| c == ' ' || c.is_ascii_digit()).next();
        match language {
            Some("php" | "perl" | "ruby") => NameStyle::Cgi,
            _ => NameStyle::Plain,
        }
    }

    fn prefix(self) -> &'static [u8] {
        match self {
            NameStyle::Plain => b"",
            NameStyle::Cgi => b"HTTP_",
        }
    }
}

struct FieldView<'a> {
    name: &'a [u8],
    value: &'a [u8],
    hash: u16,
    /// Joined to an earlier field.
    joined: bool,
}

/// A request measured and ready to be written.
pub(super) struct Serialized<'r, 'a> {
    request: &'r AppRequest<'a>,
    fields: Vec<FieldView<'a>>,
    fields_count: usize,
    style: NameStyle,
    size: usize,
}

/// Something in the request is longer than its length member can say.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has a text that is too long for its length field")]
pub(super) struct TooLong;

impl<'r, 'a> Serialized<'r, 'a> {
    pub(super) fn new(
        request: &'r mut AppRequest<'a>,
        style: NameStyle,
    ) -> Result<Serialized<'r, 'a>, TooLong> {
        let prefix = style.prefix().len();
        // Room for 24 fields is what the allocator gives without a search.
        let mut fields = Vec::with_capacity(24);
        for (name, value, hash) in &mut *request.fields {
            fields.push(FieldView {
                name,
                value,
                hash,
                joined: false,
            });
        }
        let request = &*request;
        let short = [
            request.method,
            request.version,
            request.remote,
            request.local_addr,
            request.local_port,
        ];
        if short.iter().any(|text| text.len() > 255)
            || fields.iter().any(|f| f.name.len() + prefix > 255)
        {
            return Err(TooLong);
        }
        if style == NameStyle::Cgi {
            mark_joined(&mut fields);
        }
        let fields_count = fields.iter().filter(|f| !f.joined).count();
        let mut size = REQUEST_SIZE + fields_count * FIELD_SIZE;
        size += short.iter().map(|text| text.len() + 1).sum::<usize>();
        size += request.server_name.len() + 1 + request.target.len() + 1;
        if !shares_start(request.path, request.target) {
            size += request.path.len() + 1;
        }
        if let Some(query) = request.query
            && offset_inside(query, request.target).is_none()
        {
            size += query.len() + 1;
        }
        // A joined field costs its value and the separator, less than a field of its own.
        size += fields
            .iter()
            .map(|f| {
                f.value.len()
                    + if f.joined {
                        2
                    } else {
                        2 + prefix + f.name.len()
                    }
            })
            .sum::<usize>();
        Ok(Serialized {
            request,
            fields,
            fields_count,
            style,
            size,
        })
    }

    /// Bytes that [`write`](Self::write) takes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Writes the structure and its texts; exactly [`size`](Self::size) bytes.
    pub(super) fn write(&self, out: &mut [u8]) {
        let request = self.request;
        let (out, _) = out.split_at_mut(self.size);
        out[..REQUEST_SIZE].fill(0);
        let mut w = Writer {
            end: REQUEST_SIZE + self.fields_count * FIELD_SIZE,
            out,
        };
        w.out[..8].copy_from_slice(&[
            request.method.len() as u8,
            request.version.len() as u8,
            request.remote.len() as u8,
            request.local_addr.len() as u8,
            request.local_port.len() as u8,
            request.tls as u8,
            request.websocket as u8,
            request.target_index,
        ]);
        w.text(at::METHOD, request.method);
        w.text(at::VERSION, request.version);
        w.text(at::REMOTE, request.remote);
        w.text(at::LOCAL_ADDR, request.local_addr);
        w.text(at::LOCAL_PORT, request.local_port);
        w.number(at::SERVER_NAME_LENGTH, request.server_name.len() as u32);
        w.text(at::SERVER_NAME, request.server_name);
        let target = w.end;
        w.number(at::TARGET_LENGTH, request.target.len() as u32);
        w.text(at::TARGET, request.target);
        w.number(at::PATH_LENGTH, request.path.len() as u32);
        if shares_start(request.path, request.target) {
            w.pointer(at::PATH, target);
        } else {
            w.text(at::PATH, request.path);
        }
        // Without a query the pointer stays zero: the Java module tells "/" and "/?" apart by it.
        if let Some(query) = request.query {
            w.number(at::QUERY_LENGTH, query.len() as u32);
            match offset_inside(query, request.target) {
                Some(offset) => w.pointer(at::QUERY, target + offset),
                None => w.text(at::QUERY, query),
            }
        }
        w.out[at::CONTENT_LENGTH..at::CONTENT_LENGTH + 8]
            .copy_from_slice(&request.body.len().to_ne_bytes());
        for member in [
            at::CONTENT_LENGTH_FIELD,
            at::CONTENT_TYPE_FIELD,
            at::COOKIE_FIELD,
            at::AUTHORIZATION_FIELD,
        ] {
            w.number(member, NONE_FIELD);
        }
        w.number(at::FIELDS_COUNT, self.fields_count as u32);
        self.write_fields(&mut w);
        w.pointer(at::PREREAD_CONTENT, self.size);
    }

    fn write_fields(&self, w: &mut Writer<'_>) {
        let mut index = 0;
        for (i, field) in self.fields.iter().enumerate() {
            if field.joined {
                continue;
            }
            if let Some(member) = special(field.name) {
                w.number(member, index);
            }
            let base = REQUEST_SIZE + index as usize * FIELD_SIZE;
            let prefix = self.style.prefix();
            w.pointer(base + 8, w.end);
            w.bytes(prefix);
            let name = w.end;
            w.bytes(field.name);
            if self.style == NameStyle::Cgi {
                w.out[name..w.end]
                    .iter_mut()
                    .for_each(|c| *c = cgi_letter(*c));
            }
            w.bytes(b"\0");
            let value = w.end;
            w.pointer(base + 12, value);
            w.bytes(field.value);
            if self.style == NameStyle::Cgi {
                for other in &self.fields[i + 1..] {
                    if other.joined && same_name(other, field) {
                        w.bytes(b", ");
                        w.bytes(other.value);
                    }
                }
            }
            let value_length = (w.end - value) as u32;
            w.bytes(b"\0");
            w.out[base..base + 2].copy_from_slice(&field.hash.to_ne_bytes());
            w.out[base + 2] = 0;
            w.out[base + 3] = (prefix.len() + field.name.len()) as u8;
            w.number(base + 4, value_length);
            index += 1;
        }
    }
}

/// Writes into the measured space. The caller measured with the same rules, so a slice out of
/// range here is a mistake of this file, not of a request.
struct Writer<'o> {
    out: &'o mut [u8],
    /// Where the next text goes.
    end: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.out[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    fn number(&mut self, at: usize, value: u32) {
        self.out[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    /// A serialised pointer at `at` to `to`.
    fn pointer(&mut self, at: usize, to: usize) {
        self.number(at, (to - at) as u32);
    }

    /// Appends a text and points to it.
    fn text(&mut self, at: usize, text: &[u8]) {
        self.pointer(at, self.end);
        self.bytes(text);
        self.bytes(b"\0");
    }
}

fn special(name: &[u8]) -> Option<usize> {
    let (text, member): (&[u8], usize) = match name.len() {
        6 => (b"cookie", at::COOKIE_FIELD),
        12 => (b"content-type", at::CONTENT_TYPE_FIELD),
        13 => (b"authorization", at::AUTHORIZATION_FIELD),
        14 => (b"content-length", at::CONTENT_LENGTH_FIELD),
        _ => return None,
    };
    name.eq_ignore_ascii_case(text).then_some(member)
}

fn cgi_letter(c: u8) -> u8 {
    if c == b'-' {
        b'_'
    } else {
        c.to_ascii_uppercase()
    }
}

fn same_name(a: &FieldView<'_>, b: &FieldView<'_>) -> bool {
    a.hash == b.hash && a.name.eq_ignore_ascii_case(b.name)
}

fn mark_joined(fields: &mut [FieldView<'_>]) {
    for i in 1..fields.len() {
        let (before, rest) = fields.split_at_mut(i);
        rest[0].joined = before.iter().any(|f| !f.joined && same_name(f, &rest[0]));
    }
}

fn shares_start(part: &[u8], whole: &[u8]) -> bool {
    std::ptr::eq(part.as_ptr(), whole.as_ptr()) && part.len() <= whole.len()
}

/// The offset of `part` in `whole`, if it lies there (or is empty at its end).
fn offset_inside(part: &[u8], whole: &[u8]) -> Option<usize> {
    let offset = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (offset + part.len() <= whole.len()).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::body::Body;

    type Raw<'a> = (&'a [u8], &'a [u8], u16);

    fn with_request<R>(
        target: &[u8],
        path: &[u8],
        query: Option<&[u8]>,
        fields: &[Raw<'_>],
        then: impl FnOnce(&mut AppRequest<'_>) -> R,
    ) -> R {
        let body = Body::Memory(b"hello".to_vec());
        let mut iter = fields.iter().copied();
        // The iterator's items and the trait object must have one lifetime.
        fn build<'a, R>(
            (target, path, query): (&'a [u8], &'a [u8], Option<&'a [u8]>),
            fields: &'a mut dyn Iterator<Item = Raw<'a>>,
            body: &'a Body,
            then: impl FnOnce(&mut AppRequest<'_>) -> R,
        ) -> R {
            then(&mut AppRequest {
                method: b"POST",
                version: b"HTTP/1.1",
                remote: b"10.0.0.1",
                local_addr: b"10.0.0.2",
                local_port: b"8080",
                server_name: b"example.com",
                target,
                path,
                query,
                fields,
                body,
                tls: true,
                websocket: false,
                target_index: 3,
            })
        }
        build((target, path, query), &mut iter, &body, then)
    }

    fn number(out: &[u8], at: usize) -> u32 {
        u32::from_ne_bytes(out[at..at + 4].try_into().unwrap())
    }

    fn text(out: &[u8], at: usize) -> &[u8] {
        let start = at + number(out, at) as usize;
        let end = start + out[start..].iter().position(|&c| c == 0).unwrap();
        &out[start..end]
    }

    fn serialize(request: &mut AppRequest<'_>, style: NameStyle) -> Vec<u8> {
        let serialized = Serialized::new(request, style).unwrap();
        let mut out = vec![0xAA; serialized.size() + 7];
        serialized.write(&mut out);
        assert_eq!(out[serialized.size()..], [0xAA; 7], "wrote beyond its size");
        assert_eq!(
            number(&out, at::PREREAD_CONTENT) as usize + at::PREREAD_CONTENT,
            serialized.size()
        );
        out
    }

    #[test]
    fn every_member_can_be_read_back() {
        let target = b"/a%20b?x=1";
        let fields: &[Raw<'_>] = &[
            (b"Host", b"example.com", 1),
            (b"CONTENT-length", b"5", 0x1EA0),
            (b"Authorization", b"Basic zzz", 7),
            (b"cookie", b"", 0x23F2),
        ];
        with_request(target, b"/a b", Some(&target[7..]), fields, |request| {
            let out = serialize(request, NameStyle::Plain);
            assert_eq!(out[..8], [4, 8, 8, 8, 4, 1, 0, 3]);
            assert_eq!(text(&out, at::METHOD), b"POST");
            assert_eq!(text(&out, at::VERSION), b"HTTP/1.1");
            assert_eq!(text(&out, at::REMOTE), b"10.0.0.1");
            assert_eq!(text(&out, at::LOCAL_ADDR), b"10.0.0.2");
            assert_eq!(text(&out, at::LOCAL_PORT), b"8080");
            assert_eq!(text(&out, at::SERVER_NAME), b"example.com");
            assert_eq!(text(&out, at::TARGET), target);
            assert_eq!(
                (number(&out, at::PATH_LENGTH), text(&out, at::PATH)),
                (4, &b"/a b"[..])
            );
            assert_eq!(
                (number(&out, at::QUERY_LENGTH), text(&out, at::QUERY)),
                (3, &b"x=1"[..])
            );
            assert_eq!(
                out[at::CONTENT_LENGTH..at::CONTENT_LENGTH + 8],
                5u64.to_ne_bytes()
            );
            assert_eq!(number(&out, at::FIELDS_COUNT), 4);
            assert_eq!(number(&out, at::CONTENT_LENGTH_FIELD), 1);
            assert_eq!(number(&out, at::CONTENT_TYPE_FIELD), NONE_FIELD);
            assert_eq!(number(&out, at::AUTHORIZATION_FIELD), 2);
            assert_eq!(number(&out, at::COOKIE_FIELD), 3);
            let base = REQUEST_SIZE + 2 * FIELD_SIZE;
            assert_eq!(out[base..base + 4], [7, 0, 0, 13]);
            assert_eq!(number(&out, base + 4), 9);
            assert_eq!(text(&out, base + 8), b"Authorization");
            assert_eq!(text(&out, base + 12), b"Basic zzz");
        });
    }

    #[test]
    fn a_path_that_is_the_target_is_not_copied() {
        let target = b"/index.html";
        with_request(target, target, None, &[], |request| {
            let out = serialize(request, NameStyle::Plain);
            let path = at::PATH + number(&out, at::PATH) as usize;
            assert_eq!(path, at::TARGET + number(&out, at::TARGET) as usize);
            assert_eq!(
                (number(&out, at::QUERY_LENGTH), number(&out, at::QUERY)),
                (0, 0)
            );
        });
        let with_question_mark = b"/?";
        with_request(
            with_question_mark,
            b"/",
            Some(&with_question_mark[2..]),
            &[],
            |request| {
                let out = serialize(request, NameStyle::Plain);
                let query = at::QUERY + number(&out, at::QUERY) as usize;
                assert_eq!(number(&out, at::QUERY_LENGTH), 0);
                assert_eq!(query, at::TARGET + number(&out, at::TARGET) as usize + 2);
                assert!(text(&out, at::QUERY).is_empty());
            },
        );
    }

    #[test]
    fn cgi_names_are_changed_and_joined() {
        let fields: &[Raw<'_>] = &[
            (b"X-Two_words", b"1", 5),
            (b"Accept", b"a", 6),
            (b"x-two_WORDS", b"2", 5),
            (b"X-Two_Words", b"", 5),
        ];
        with_request(b"/", b"/", None, fields, |request| {
            let out = serialize(request, NameStyle::Cgi);
            assert_eq!(number(&out, at::FIELDS_COUNT), 2);
            let base = REQUEST_SIZE;
            assert_eq!(text(&out, base + 8), b"HTTP_X_TWO_WORDS");
            assert_eq!(out[base + 3], 16);
            assert_eq!(number(&out, base + 4), 6);
            assert_eq!(text(&out, base + 12), b"1, 2, ");
            assert_eq!(text(&out, base + FIELD_SIZE + 8), b"HTTP_ACCEPT");
        });
    }

    #[test]
    fn what_a_length_byte_cannot_say_is_refused() {
        let name = [b'n'; 251];
        let fields: &[Raw<'_>] = &[(&name, b"v", 1)];
        with_request(b"/", b"/", None, fields, |request| {
            assert_eq!(
                Serialized::new(request, NameStyle::Cgi).err(),
                Some(TooLong)
            );
        });
        with_request(b"/", b"/", None, fields, |request| {
            assert!(Serialized::new(request, NameStyle::Plain).is_ok());
        });
    }

    #[test]
    fn the_style_follows_the_type() {
        assert_eq!(NameStyle::of("php 8.2"), NameStyle::Cgi);
        assert_eq!(NameStyle::of("ruby"), NameStyle::Cgi);
        assert_eq!(NameStyle::of("python 3.11"), NameStyle::Plain);
        assert_eq!(NameStyle::of("external"), NameStyle::Plain);
    }
}
