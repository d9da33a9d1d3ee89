//! Dates as the C interface reads them (`nxt_time_parse` of `nxt_parse.h`): the three forms of
//! HTTP, without heed to the weekday, to the rest of a month's name, or to what follows.

use super::calendar;
use super::decimal;

/// What is still to be read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self, expected: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[expected])?;
        Some(())
    }

    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<u16> {
        let (text, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        decimal::parse(text, u16::MAX.into())
            .ok()
            .and_then(|number| number.try_into().ok())
    }

    fn month(&mut self) -> Option<u8> {
        let (name, rest) = self.0.split_first_chunk::<3>()?;
        self.0 = rest;
        Some(match name {
            [b'J', b'a', _] => 0,
            [b'J', _, b'n'] => 5,
            [b'J', ..] => 6,
            [b'F', ..] => 1,
            [b'M', _, b'r'] => 2,
            [b'M', ..] => 4,
            [b'A', b'p', _] => 3,
            [b'A', ..] => 7,
            [b'S', ..] => 8,
            [b'O', ..] => 9,
            [b'N', ..] => 10,
            [b'D', ..] => 11,
            _ => return None,
        })
    }

    /// `12:00:00`
    fn time(&mut self) -> Option<[u8; 3]> {
        let hour = self.number(2)?;
        self.take(b':')?;
        let minute = self.number(2)?;
        self.take(b':')?;
        let second = self.number(2)?;
        (hour < 24 && minute < 60 && second < 60).then_some([
            hour as u8,
            minute as u8,
            second as u8,
        ])
    }
}

/// Seconds from the epoch; `None` if `text` is no date. A date before the epoch is negative.
///
/// The forms are `Mon, 28 Sep 1970 12:00:00`, `Monday, 28-Sep-70 12:00:00` and
/// `Mon Sep 28 12:00:00 1970`.
pub fn parse(text: &[u8]) -> Option<i64> {
    let weekday = text.iter().position(|byte| matches!(byte, b',' | b' '))?;
    let asctime = text[weekday] == b' ';
    let rest = &text[weekday + 1..];
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let mut cursor = Cursor(&rest[blanks..]);
    let (year, month, day, time);
    if asctime {
        month = cursor.month()?;
        cursor.take(b' ')?;
        day = match cursor.0 {
            [b' ', ..] => {
                cursor.take(b' ')?;
                cursor.number(1)?
            }
            [_, b' ', ..] => cursor.number(1)?,
            _ => cursor.number(2)?,
        };
        cursor.take(b' ')?;
        time = cursor.time()?;
        cursor.take(b' ')?;
        year = cursor.number(4)?;
    } else {
        day = cursor.number(2)?;
        let separator = *cursor
            .0
            .first()
            .filter(|byte| matches!(byte, b' ' | b'-'))?;
        cursor.take(separator)?;
        month = cursor.month()?;
        cursor.take(separator)?;
        year = if separator == b' ' {
            cursor.number(4)?
        } else {
            let short = cursor.number(2)?;
            short + if short < 70 { 2000 } else { 1900 }
        };
        cursor.take(b' ')?;
        time = cursor.time()?;
    }
    let year = i64::from(year);
    let day = u8::try_from(day).ok()?;
    (1..=calendar::days_of_month(year, month))
        .contains(&day)
        .then(|| calendar::seconds(year, month, day, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms() {
        for text in [
            "Mon, 28 Sep 1970 12:00:00 GMT",
            "Monday, 28-Sep-70 12:00:00 GMT",
            "Mon Sep 28 12:00:00 1970",
            "x,    28 Sep 1970 12:00:00",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(23_371_200), "{text}");
        }
        assert_eq!(parse(b"Thu Jan  1 00:00:01 1970"), Some(1));
        assert_eq!(parse(b"Thu Jan 1 00:00:01 1970"), Some(1));
        assert_eq!(parse(b"Tue, 29 Feb 2000 00:00:00"), Some(951_782_400));
        assert_eq!(parse(b"Sunday, 07-Feb-69 00:00:00"), Some(3_127_420_800));
    }

    #[test]
    fn anything_else() {
        for text in [
            "",
            "Mon",
            "Mon, ",
            "Mon, 28 Sep 1970 12:00",
            "Mon, 00 Sep 1970 12:00:00",
            "Mon, 31 Sep 1970 12:00:00",
            "Mon, 29 Feb 1900 12:00:00",
            "Mon, 28 Sep 1970 24:00:00",
            "Mon, 28 Sep 1970 12:60:00",
            "Mon, 28 Xep 1970 12:00:00",
            "Mon, 28-Sep 1970 12:00:00",
            "Mon Sep 28 12:00:00",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
