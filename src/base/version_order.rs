//! The order of version texts (`nxt_strverscmp` of `nxt_string.h`), which is that of the C
//! library's `strverscmp`: runs of digits compare as numbers, and runs that begin with a zero as
//! fractions.

/// Where the comparison stood when it met the first difference.
#[derive(Clone, Copy)]
enum State {
    /// Not inside digits.
    Text,
    /// In a number.
    Number,
    /// In zeroes that begin a number.
    Zeroes,
    /// After such zeroes.
    Fraction,
}

/// The byte at `index`; a NUL stands after the end.
fn at(text: &[u8], index: usize) -> u8 {
    text.get(index).copied().unwrap_or(0)
}

fn digits_from(text: &[u8], index: usize) -> usize {
    (index..)
        .take_while(|index| at(text, *index).is_ascii_digit())
        .count()
}

/// Negative, zero or positive as `left` is before, equal to or after `right`. A NUL ends a text.
pub fn compare(left: &[u8], right: &[u8]) -> i32 {
    let mut state = State::Text;
    let mut index = 0;
    let (one, two) = loop {
        let (one, two) = (at(left, index), at(right, index));
        if one != two {
            break (one, two);
        }
        if one == 0 {
            return 0;
        }
        state = match (state, one) {
            (State::Text, b'0') => State::Zeroes,
            (State::Text, b'1'..=b'9') => State::Number,
            (State::Zeroes, b'1'..=b'9') => State::Fraction,
            (_, b'0'..=b'9') => state,
            _ => State::Text,
        };
        index += 1;
    };
    let difference = i32::from(one) - i32::from(two);
    let is_number = |byte: u8| (b'1'..=b'9').contains(&byte);
    match state {
        State::Text if is_number(one) && is_number(two) => {
            by_length(left, right, index, difference)
        }
        State::Number => by_length(left, right, index, difference),
        State::Zeroes if one == b'0' || two == 0 => -1,
        State::Zeroes if two == b'0' || one == 0 => 1,
        State::Text | State::Zeroes | State::Fraction => difference,
    }
}

/// Of two numbers the one with more digits is greater; with equally many the first digit decides.
fn by_length(left: &[u8], right: &[u8], index: usize, difference: i32) -> i32 {
    match digits_from(left, index).cmp(&digits_from(right, index)) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => difference,
        std::cmp::Ordering::Greater => 1,
    }
}

/// Whether `version` begins with `prefix` and the prefix ends where a part of the version does:
/// at its end, or between a digit and something else.
pub fn matches(version: &[u8], prefix: &[u8]) -> bool {
    let (Some(rest), Some(last)) = (version.strip_prefix(prefix), prefix.last()) else {
        return prefix.is_empty();
    };
    match rest.first() {
        None | Some(0) => true,
        Some(next) => last.is_ascii_digit() != next.is_ascii_digit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        for (less, greater) in [
            ("a", "b"),
            ("1.9", "1.10"),
            ("7.4", "8.0"),
            ("000", "00"),
            ("00", "01"),
            ("01", "010"),
            ("010", "09"),
            ("09", "0"),
            ("0", "1"),
            ("9", "10"),
            ("3.2", "3.10"),
        ] {
            assert!(
                compare(less.as_bytes(), greater.as_bytes()) < 0,
                "{less} {greater}"
            );
            assert!(
                compare(greater.as_bytes(), less.as_bytes()) > 0,
                "{greater} {less}"
            );
        }
        assert_eq!(compare(b"1.2.3", b"1.2.3"), 0);
        assert_eq!(compare(b"1\x002", b"1\x003"), 0);
        assert_eq!(compare(b"", b""), 0);
    }

    #[test]
    fn prefixes_end_with_a_part() {
        assert!(matches(b"3.11", b""));
        assert!(matches(b"3.11", b"3"));
        assert!(matches(b"3.11", b"3."));
        assert!(matches(b"3.11", b"3.11"));
        assert!(matches(b"3.11rc1", b"3.11"));
        assert!(!matches(b"3.11", b"3.1"));
        assert!(!matches(b"3.11", b"4"));
        assert!(!matches(b"3", b"3.1"));
    }
}
