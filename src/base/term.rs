//! Terms such as `1d 6h` (`nxt_term_parse` of `nxt_parse.h`).

/// Why a text is no term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermError {
    /// It does not have the form.
    Malformed,
    /// It is longer than 2^31 - 1 units.
    TooLong,
}

/// What numbers are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds; years and months may be given.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// Seconds of `y`, `M`, `w`, `d`, `h`, `m` and `s`, from the longest down.
const UNITS: [(u8, u64); 7] = [
    (b'y', 365 * 86_400),
    (b'M', 30 * 86_400),
    (b'w', 7 * 86_400),
    (b'd', 86_400),
    (b'h', 3_600),
    (b'm', 60),
    (b's', 1),
];

/// The place of `ms` among the units: after all others.
const MILLISECOND: usize = UNITS.len();

/// Reads numbers with units, each unit shorter than the one before; a last number without a unit is
/// of seconds.
pub fn parse(text: &[u8], unit: Unit) -> Result<u32, TermError> {
    const MAX: u64 = i32::MAX as u64;
    let milli = |seconds: u64| match unit {
        Unit::Seconds => seconds,
        Unit::Milliseconds => seconds.saturating_mul(1000),
    };
    // Terms in milliseconds know no years and months.
    let mut next = if unit == Unit::Seconds { 0 } else { 2 };
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(TermError::Malformed);
        }
        let number = rest[..digits].iter().fold(0u64, |number, digit| {
            number
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        });
        rest = &rest[digits..];
        let (place, scale) = match rest {
            [] => (next, milli(1)),
            [b'm', b's', tail @ ..] if unit == Unit::Milliseconds => {
                rest = tail;
                (MILLISECOND, 1)
            }
            [b'm', b's', ..] => return Err(TermError::Malformed),
            [b' ', tail @ ..] if next < MILLISECOND => {
                rest = tail;
                // Nothing but spaces may follow.
                (MILLISECOND + 1, milli(1))
            }
            [letter, tail @ ..] => {
                rest = tail;
                let place = UNITS.iter().position(|(name, _)| name == letter);
                let place = place.ok_or(TermError::Malformed)?;
                (place, milli(UNITS[place].1))
            }
        };
        if place < next {
            return Err(TermError::Malformed);
        }
        next = place + 1;
        let length = number.checked_mul(scale).ok_or(TermError::TooLong)?;
        total = Some(total + length)
            .filter(|total| length <= MAX && *total <= MAX)
            .ok_or(TermError::TooLong)?;
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        rest = &rest[blanks..];
    }
    // `total` is at most MAX.
    Ok(total as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds() {
        for (text, expected) in [
            ("", Ok(0)),
            ("5", Ok(5)),
            ("5s", Ok(5)),
            ("1h30m", Ok(5400)),
            ("1d 1h", Ok(90_000)),
            ("1y 1M 1w", Ok(34_732_800)),
            ("1m 5  ", Ok(65)),
            ("2147483647", Ok(2_147_483_647)),
            ("2147483648", Err(TermError::TooLong)),
            ("69y", Err(TermError::TooLong)),
            ("99999999999999999999999d", Err(TermError::TooLong)),
            ("1h 1d", Err(TermError::Malformed)),
            ("1s 1", Ok(2)),
            ("1h 1h", Err(TermError::Malformed)),
            ("5 5", Ok(10)),
            ("5 5 5", Err(TermError::Malformed)),
            ("1s 5 ", Err(TermError::Malformed)),
            ("5ms", Err(TermError::Malformed)),
            ("d", Err(TermError::Malformed)),
            (" 5", Err(TermError::Malformed)),
            ("5x", Err(TermError::Malformed)),
            ("-5", Err(TermError::Malformed)),
        ] {
            assert_eq!(parse(text.as_bytes(), Unit::Seconds), expected, "{text}");
        }
    }

    #[test]
    fn milliseconds() {
        for (text, expected) in [
            ("5", Ok(5000)),
            ("5ms", Ok(5)),
            ("1s 5ms", Ok(1005)),
            ("1y", Err(TermError::Malformed)),
            ("1M", Err(TermError::Malformed)),
            ("24d", Ok(2_073_600_000)),
            ("25d", Err(TermError::TooLong)),
            ("5ms 1s", Err(TermError::Malformed)),
        ] {
            assert_eq!(
                parse(text.as_bytes(), Unit::Milliseconds),
                expected,
                "{text}"
            );
        }
    }
}
