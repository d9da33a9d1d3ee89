//! Unsigned decimal numbers as the C interface reads them (`nxt_parse.h`): digits and nothing else.

use thiserror::Error;

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// The text is empty or has something that is not a digit.
    #[error("not a decimal number")]
    Malformed,
    /// The number is greater than the type holds.
    #[error("the decimal number is too large")]
    Overflow,
}

/// Reads `text`, whole, as a number that is at most `max`. The first fault from the left counts.
pub fn parse(text: &[u8], max: u64) -> Result<u64, DecimalError> {
    if text.is_empty() {
        return Err(DecimalError::Malformed);
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(DecimalError::Malformed);
        }
        number
            .checked_mul(10)
            .and_then(|number| number.checked_add(u64::from(digit)))
            .filter(|number| *number <= max)
            .ok_or(DecimalError::Overflow)
    })
}

/// Reads the digits that `text` begins with as a number that is at most `max`, and tells how many
/// digits there were.
pub fn parse_prefix(text: &[u8], max: u64) -> Result<(u64, usize), DecimalError> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    parse(&text[..digits], max).map(|number| (number, digits))
}

/// Reads `text`, whole, as a number of bytes with an optional unit `k`, `m` or `g`, in either case.
pub fn parse_size(text: &[u8], max: u64) -> Result<u64, DecimalError> {
    let (number, shift) = match text {
        [number @ .., b'g' | b'G'] => (number, 30),
        [number @ .., b'm' | b'M'] => (number, 20),
        [number @ .., b'k' | b'K'] => (number, 10),
        number => (number, 0),
    };
    parse(number, max >> shift).map(|number| number << shift)
}

/// Decimals that [`parse_fraction`] takes.
const MAX_DECIMALS: usize = 9;

/// Reads the number, with or without decimals, that `text` begins with, and tells how many bytes
/// it takes. The whole part is at most `max`; more than nine decimals are an overflow, too.
pub fn parse_fraction(text: &[u8], max: u64) -> Result<(f64, usize), DecimalError> {
    let (whole, length) = parse_prefix(text, max)?;
    let Some(decimals) = text[length..].strip_prefix(b".") else {
        return Ok((whole as f64, length));
    };
    let count = decimals
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count > MAX_DECIMALS {
        return Err(DecimalError::Overflow);
    }
    let fraction = decimals[..count]
        .iter()
        .fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    // Nine decimals fit 32 bits.
    let number = whole as f64 + f64::from(fraction) / f64::from(10u32.pow(count as u32));
    Ok((number, length + 1 + count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_up_to_the_limit() {
        let max = i32::MAX as u64;
        assert_eq!(parse(b"0", max), Ok(0));
        assert_eq!(parse(b"0000000000000000000000007", max), Ok(7));
        assert_eq!(parse(b"2147483647", max), Ok(max));
        assert_eq!(parse(b"2147483648", max), Err(DecimalError::Overflow));
        assert_eq!(
            parse(b"9223372036854775807", i64::MAX as u64),
            Ok(i64::MAX as u64)
        );
        assert_eq!(
            parse(b"18446744073709551616", u64::MAX),
            Err(DecimalError::Overflow)
        );
    }

    #[test]
    fn anything_but_digits_is_malformed() {
        for text in [
            &b""[..],
            b"-1",
            b"+1",
            b" 1",
            b"1 ",
            b"0x1",
            b"1\xff",
            b"1:",
        ] {
            assert_eq!(
                parse(text, u64::MAX),
                Err(DecimalError::Malformed),
                "{text:?}"
            );
        }
        // The fault that comes first decides.
        assert_eq!(parse(b"99999999999x", 10), Err(DecimalError::Overflow));
    }

    #[test]
    fn prefixes() {
        assert_eq!(parse_prefix(b"12abc", 99), Ok((12, 2)));
        assert_eq!(parse_prefix(b"12", 99), Ok((12, 2)));
        assert_eq!(parse_prefix(b"abc", 99), Err(DecimalError::Malformed));
        assert_eq!(parse_prefix(b"100", 99), Err(DecimalError::Overflow));
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size(b"7", 99), Ok(7));
        assert_eq!(parse_size(b"2k", 4096), Ok(2048));
        assert_eq!(parse_size(b"4K", 4096), Ok(4096));
        assert_eq!(parse_size(b"5K", 4096), Err(DecimalError::Overflow));
        assert_eq!(parse_size(b"1m", u64::MAX), Ok(1 << 20));
        assert_eq!(parse_size(b"1G", u64::MAX), Ok(1 << 30));
        for text in [&b""[..], b"k", b"1t", b"1kk", b"1 k"] {
            assert_eq!(parse_size(text, u64::MAX), Err(DecimalError::Malformed));
        }
    }

    #[test]
    fn fractions() {
        assert_eq!(parse_fraction(b"1.25x", 9), Ok((1.25, 4)));
        assert_eq!(parse_fraction(b"1.", 9), Ok((1.0, 2)));
        assert_eq!(parse_fraction(b"3;", 9), Ok((3.0, 1)));
        assert_eq!(parse_fraction(b"0.999999999", 9), Ok((0.999_999_999, 11)));
        assert_eq!(
            parse_fraction(b"0.0000000000", 9),
            Err(DecimalError::Overflow)
        );
        assert_eq!(parse_fraction(b"10", 9), Err(DecimalError::Overflow));
        assert_eq!(parse_fraction(b".5", 9), Err(DecimalError::Malformed));
    }
}
