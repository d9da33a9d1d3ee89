//! Header fields of a message head: where they stand in its bytes, and the hash of their names.
//!
//! The hash is the one that `nxt_unit_field_hash` of `nxt_unit.h` computes; applications look
//! fields up by it, so it is part of the ABI: start 159406, `h * 17 + c` over the lower-cased
//! bytes (32 bits, wrapping), then `(h >> 16) ^ h` cut to 16 bits.

/// A range of bytes in the buffer that a head was parsed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Span {
    /// The span from `start` up to but without `end`. Heads are limited to far less than 4 GiB.
    pub fn new(start: usize, end: usize) -> Span {
        Span {
            start: start as u32,
            len: end.saturating_sub(start) as u32,
        }
    }

    /// Offset just after the last byte.
    #[must_use]
    pub fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    /// Its bytes in `buf`; empty where the span lies outside.
    pub fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end()).unwrap_or_default()
    }
}

/// One header field, in the order of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as sent.
    pub name: Span,
    /// The value without leading and trailing white space.
    pub value: Span,
    /// Hash of the lower-cased name, as `nxt_unit_field_hash` computes it.
    pub hash: u16,
    /// The field is not passed on (replaced by the server).
    pub skip: bool,
    /// The field concerns this connection only; a proxy does not forward it.
    pub hop_by_hop: bool,
}

/// First value of the hash of a name.
pub(crate) const HASH_INIT: u32 = 159_406;

/// Takes one lower-cased byte into the hash.
pub(crate) const fn hash_byte(hash: u32, byte: u8) -> u32 {
    hash.wrapping_mul(17).wrapping_add(byte as u32)
}

/// The final value.
pub(crate) const fn hash_end(hash: u32) -> u16 {
    ((hash >> 16) ^ hash) as u16
}

/// Hash of a field name, upper or lower case.
pub const fn field_hash(name: &[u8]) -> u16 {
    let mut hash = HASH_INIT;
    let mut i = 0;
    while i < name.len() {
        hash = hash_byte(hash, name[i].to_ascii_lowercase());
        i += 1;
    }
    hash_end(hash)
}

/// `0` = ends a name, [`UNSAFE_NAME`] = legal but unusual, anything else = the lower-cased byte.
pub(crate) static NAME_BYTES: [u8; 256] = name_bytes();

/// Marks the token characters that `discard_unsafe_fields` is about.
pub(crate) const UNSAFE_NAME: u8 = 1;

const fn name_bytes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        table[byte] = match c {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => c,
            b'A'..=b'Z' => c.to_ascii_lowercase(),
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'.' | b'^' | b'_' | b'`'
            | b'|' | b'~' => UNSAFE_NAME,
            _ => 0,
        };
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_ignores_case_and_fits_the_abi() {
        assert_eq!(field_hash(b"Content-Type"), field_hash(b"content-type"));
        // The constants NXT_UNIT_HASH_* of nxt_unit_field.h.
        assert_eq!(field_hash(b"Content-Type"), 0x5F7D);
        assert_eq!(field_hash(b"Content-Length"), 0x1EA0);
        assert_eq!(field_hash(b"Cookie"), 0x23F2);
    }

    #[test]
    fn spans_never_reach_outside() {
        assert_eq!(Span::new(1, 3).of(b"abcd"), b"bc");
        assert_eq!(Span::new(2, 9).of(b"abcd"), b"");
    }
}
