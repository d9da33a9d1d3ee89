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
}
