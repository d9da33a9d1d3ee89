//! The head of a response as libunit writes it (`nxt_unit_response_t`).
//!
//! The structure (24 bytes), its fields (16 bytes each), then the texts and
//! perhaps the first bytes of the body ("piggyback"). Every count, length and offset comes from the
//! application and is checked; the texts are copied before they are judged.

use std::ops::Range;

use super::exchange::{FieldList, ResponseHead};

const FIELDS_AT: usize = 24;
const FIELD_SIZE: usize = 16;
const RESPONSE_SIZE: usize = 24;

/// Offsets of members of `nxt_unit_response_t`.
mod at {
    pub(super) const FIELDS_COUNT: usize = 8;
    pub(super) const PIGGYBACK_LENGTH: usize = 12;
    pub(super) const STATUS: usize = 16;
    pub(super) const PIGGYBACK: usize = 20;
}

/// What is wrong with a response head.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadResponse {
    #[error("response buffer too small: {0}")]
    Small(usize),
    #[error("response buffer too small for fields count: {0}")]
    FieldsCount(u32),
    #[error("a response field points outside of its buffer")]
    Pointer,
}

/// Reads a head; also where in `buffer` the first bytes of the body lie.
///
/// The application may write the buffer meanwhile: what is checked is read once, into `table`, and
/// a text is bounded again by the buffer when it is copied.
pub(super) fn parse(
    buffer: &[u8],
    table: &mut Vec<u8>,
) -> Result<(ResponseHead, Range<usize>), BadResponse> {
    let fixed: [u8; RESPONSE_SIZE] = *buffer
        .first_chunk()
        .ok_or(BadResponse::Small(buffer.len()))?;
    let count = number(&fixed, at::FIELDS_COUNT);
    let fields_end = FIELDS_AT + (count as usize).saturating_mul(FIELD_SIZE);
    table.clear();
    table.extend_from_slice(
        buffer
            .get(FIELDS_AT..fields_end)
            .ok_or(BadResponse::FieldsCount(count))?,
    );
    let mut head = ResponseHead {
        status: u16::from_ne_bytes([fixed[at::STATUS], fixed[at::STATUS + 1]]),
        content_length: None,
        fields: FieldList::with_capacity(count as usize, buffer.len().min(512)),
    };
    for (i, field) in table.chunks_exact(FIELD_SIZE).enumerate() {
        if field[2] & 1 != 0 {
            continue;
        }
        let base = FIELDS_AT + i * FIELD_SIZE;
        let text = |at: usize, length: usize| {
            let start = base + at + number(field, at) as usize;
            buffer
                .get(start..start + length)
                .ok_or(BadResponse::Pointer)
        };
        let name = text(8, field[3] as usize)?;
        let value = text(12, number(field, 4) as usize)?;
        add(&mut head, name, value);
    }
    let length = number(&fixed, at::PIGGYBACK_LENGTH) as usize;
    let start = at::PIGGYBACK + number(&fixed, at::PIGGYBACK) as usize;
    let body = if length == 0 {
        0..0
    } else {
        start..start + length
    };
    if body.end > buffer.len() {
        Err(BadResponse::Pointer)
    } else {
        Ok((head, body))
    }
}

fn number(buffer: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([buffer[at], buffer[at + 1], buffer[at + 2], buffer[at + 3]])
}

/// Takes a field, or acts on it where the server answers for it. It is copied before it is judged:
/// the original may change between the two.
fn add(head: &mut ResponseHead, name: &[u8], value: &[u8]) {
    head.fields.push(name, value);
    let Some((name, value)) = head.fields.last() else {
        return;
    };
    let is = |text: &[u8]| name.eq_ignore_ascii_case(text);
    let keep = match name.len() {
        6 if is(b"Server") => false,
        6 if is(b"Status") => {
            let status = value.get(..3).and_then(digits_to_number);
            head.status = status.map_or(500, |n| n as u16);
            false
        }
        7 if is(b"Upgrade") => false,
        10 if is(b"Connection") => false,
        20 if is(b"Sec-WebSocket-Accept") => false,
        14 if is(b"Content-Length") => {
            // What is not a number is left out, and a length has one field.
            match (head.content_length, digits_to_number(value)) {
                (None, Some(length)) => {
                    head.content_length = Some(length);
                    true
                }
                _ => false,
            }
        }
        _ => true,
    };
    if !keep {
        head.fields.pop();
    }
}

fn digits_to_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |n, c| n * 10 + u64::from(c - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse_fresh(buffer: &[u8]) -> Result<(ResponseHead, Range<usize>), BadResponse> {
        parse(buffer, &mut Vec::new())
    }

    fn response(status: u16, fields: &[(&[u8], &[u8], bool)], body: &[u8]) -> Vec<u8> {
        let mut out = vec![0; FIELDS_AT + fields.len() * FIELD_SIZE];
        out[8..12].copy_from_slice(&(fields.len() as u32).to_ne_bytes());
        out[12..16].copy_from_slice(&(body.len() as u32).to_ne_bytes());
        out[16..18].copy_from_slice(&status.to_ne_bytes());
        let point = |out: &mut Vec<u8>, at: usize| {
            let offset = (out.len() - at) as u32;
            out[at..at + 4].copy_from_slice(&offset.to_ne_bytes());
        };
        for (i, (name, value, skip)) in fields.iter().enumerate() {
            let base = FIELDS_AT + i * FIELD_SIZE;
            out[base + 2] = *skip as u8;
            out[base + 3] = name.len() as u8;
            out[base + 4..base + 8].copy_from_slice(&(value.len() as u32).to_ne_bytes());
            point(&mut out, base + 8);
            out.extend_from_slice(name);
            point(&mut out, base + 12);
            out.extend_from_slice(value);
        }
        point(&mut out, 20);
        out.extend_from_slice(body);
        out
    }

    #[test]
    fn fields_and_first_bytes_are_found() {
        let buffer = response(
            200,
            &[
                (b"Content-Type", b"text/plain", false),
                (b"X-Skip", b"1", true),
                (b"server", b"mine", false),
                (b"Content-Length", b"11", false),
                (b"Connection", b"close", false),
                (b"X", b"", false),
            ],
            b"hello",
        );
        let (head, body) = parse_fresh(&buffer).unwrap();
        assert_eq!((head.status, head.content_length), (200, Some(11)));
        let all: Vec<_> = head.fields.iter().collect();
        assert_eq!(
            all,
            [
                (&b"Content-Type"[..], &b"text/plain"[..]),
                (b"Content-Length", b"11"),
                (b"X", b""),
            ]
        );
        assert_eq!(&buffer[body], b"hello");
    }

    #[test]
    fn the_status_field_replaces_the_status() {
        let head = |value: &[u8]| {
            parse_fresh(&response(200, &[(b"Status", value, false)], b""))
                .unwrap()
                .0
        };
        assert_eq!(head(b"404 Not Found").status, 404);
        assert_eq!(head(b"40").status, 500);
        assert_eq!(head(b"abc").status, 500);
    }

    #[test]
    fn lengths_that_are_no_numbers_are_ignored() {
        for value in [&b""[..], b"-1", b"1a", b"99999999999999999999"] {
            let (head, _) =
                parse_fresh(&response(200, &[(b"Content-Length", value, false)], b"")).unwrap();
            assert_eq!(head.content_length, None);
        }
    }

    #[test]
    fn pointers_and_counts_are_checked() {
        let good = response(200, &[(b"A", b"b", false)], b"body");
        assert_eq!(
            parse_fresh(&good[..23]).unwrap_err(),
            BadResponse::Small(23)
        );
        let mut bad = good.clone();
        bad[8..12].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(
            parse_fresh(&bad).unwrap_err(),
            BadResponse::FieldsCount(u32::MAX)
        );
        for at in [12, 20, FIELDS_AT + 4, FIELDS_AT + 8, FIELDS_AT + 12] {
            let mut bad = good.clone();
            bad[at..at + 4].copy_from_slice(&u32::MAX.to_ne_bytes());
            assert_eq!(
                parse_fresh(&bad).unwrap_err(),
                BadResponse::Pointer,
                "at {at}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), small: bool) {
            if small && bytes.len() >= 16 {
                // Small counts and lengths get further into the parser.
                bytes[9..12].fill(0);
                bytes[13..16].fill(0);
            }
            if let Ok((head, body)) = parse_fresh(&bytes) {
                prop_assert!(body.end <= bytes.len());
                prop_assert!(head.fields.iter().count() == head.fields.len());
            }
        }
    }
}
