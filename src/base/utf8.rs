//! UTF-8 as the C interface reads it (`nxt_utf8.h`).
//!
//! It differs from [`str`] in one thing: the halves of surrogate pairs count as characters, because
//! they do in Unit 1.35.0.

use super::case_folding::fold;

/// What a byte sequence that is no character reads as.
pub const INVALID: u32 = u32::MAX;

/// The first character of `text` and how many bytes it takes; `None` for nothing, or for a
/// sequence that is cut short, overlong, or beyond U+10FFFF.
pub fn decode(text: &[u8]) -> Option<(u32, usize)> {
    let first = u32::from(*text.first()?);
    let (bits, length, least) = match first {
        0..0x80 => return Some((first, 1)),
        0xC2..0xE0 => (first & 0x1F, 2, 0x80),
        0xE0..0xF0 => (first & 0x0F, 3, 0x800),
        0xF0..=0xF4 => (first & 0x07, 4, 0x1_0000),
        _ => return None,
    };
    let character = text.get(1..length)?.iter().try_fold(bits, |bits, byte| {
        (byte & 0xC0 == 0x80).then_some(bits << 6 | u32::from(byte & 0x3F))
    })?;
    (least..0x11_0000)
        .contains(&character)
        .then_some((character, length))
}

/// The bytes of a character and how many of them count; `None` beyond U+10FFFF.
pub fn encode(character: u32) -> Option<([u8; 4], usize)> {
    let tail = |shift: u32| 0x80 | (character >> shift & 0x3F) as u8;
    let lead = |mark: u8, shift: u32| mark | (character >> shift) as u8;
    match character {
        0..0x80 => Some(([character as u8, 0, 0, 0], 1)),
        0x80..0x800 => Some(([lead(0xC0, 6), tail(0), 0, 0], 2)),
        0x800..0x1_0000 => Some(([lead(0xE0, 12), tail(6), tail(0), 0], 3)),
        0x1_0000..0x11_0000 => Some(([lead(0xF0, 18), tail(12), tail(6), tail(0)], 4)),
        _ => None,
    }
}

/// How many characters `text` has; `None` if it is not UTF-8.
pub fn length(mut text: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !text.is_empty() {
        let (_, size) = decode(text)?;
        text = &text[size..];
        count += 1;
    }
    Some(count)
}

/// Why two texts cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8;

/// Compares up to the end of the shorter text, upper and lower case being equal: the difference
/// of the first folded characters that differ, or 0.
pub fn compare_folded(mut left: &[u8], mut right: &[u8]) -> Result<i32, NotUtf8> {
    while !left.is_empty() && !right.is_empty() {
        let ((one, one_size), (two, two_size)) =
            (decode(left).ok_or(NotUtf8)?, decode(right).ok_or(NotUtf8)?);
        let difference = fold(one).cast_signed() - fold(two).cast_signed();
        if difference != 0 {
            return Ok(difference);
        }
        left = &left[one_size..];
        right = &right[two_size..];
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_there_and_back() {
        for character in 0..0x11_0000 {
            let (bytes, length) = encode(character).unwrap();
            assert_eq!(decode(&bytes[..length]), Some((character, length)));
            assert_eq!(decode(&bytes[..length - 1]), None);
        }
        assert_eq!(encode(0x11_0000), None);
        assert_eq!(encode(u32::MAX), None);
    }

    #[test]
    fn same_as_str_but_for_surrogates() {
        for high in 0..=255u8 {
            for low in 0..=255u8 {
                let bytes = [high, low];
                assert_eq!(
                    length(&bytes).is_some(),
                    std::str::from_utf8(&bytes).is_ok()
                );
            }
        }
        assert_eq!(decode(b"\xED\xA0\x80"), Some((0xD800, 3)));
        for overlong in [
            &b"\xC0\x80"[..],
            b"\xC1\xBF",
            b"\xE0\x9F\xBF",
            b"\xF0\x8F\xBF\xBF",
        ] {
            assert_eq!(decode(overlong), None);
        }
        assert_eq!(decode(b"\xF4\x90\x80\x80"), None);
        assert_eq!(decode(b""), None);
    }

    #[test]
    fn comparison_ignores_case_and_stops_at_the_shorter() {
        assert_eq!(compare_folded("ÄB".as_bytes(), "äbc".as_bytes()), Ok(0));
        assert_eq!(compare_folded(b"a", b"C"), Ok(-2));
        assert_eq!(compare_folded(b"", b"\xff"), Ok(0));
        assert_eq!(compare_folded(b"a", b"\xff"), Err(NotUtf8));
    }
}
