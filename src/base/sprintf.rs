//! The format language of the C interface (`nxt_sprintf.h`), in which modules write log records.
//!
//! It is not that of `printf`: the letter names an Unit type (`%V` a string with length, `%E` an
//! error number with its text, `%uD` 32 bits, `%PI` a process, `%*s` length and bytes …), and flags are
//! `0` and a width before, `u` unsigned, `x`/`X` hexadecimal, `m` the width of the type's longest
//! number, `.n` decimals. A letter that is not in the table stands for itself and takes no argument.
//!
//! The arguments come from a [`Source`], because only C can walk a `va_list`.

/// Where the arguments of a format come from, in the widths that C passes them in.
pub trait Source {
    /// The next `int` or anything that is promoted to it.
    fn int(&mut self) -> i32;
    /// The next 64-bit integer.
    fn long(&mut self) -> i64;
    /// The next `double`.
    fn double(&mut self) -> f64;
    /// The next pointer, as a number.
    fn pointer(&mut self) -> usize;
    /// The next pointer to bytes that end with a NUL; not more than `max` of them are needed.
    fn c_string(&mut self, max: usize) -> Option<&[u8]>;
    /// The next pointer to `length` bytes.
    fn bytes(&mut self, length: usize) -> Option<&[u8]>;
    /// The next pointer to a string with length.
    fn string(&mut self) -> Option<&[u8]>;
}

/// What a NULL pointer looks like.
const NULL: &[u8] = b"[null]";

/// Output of bounded length: what does not fit is dropped.
struct Bounded<'a> {
    text: &'a mut Vec<u8>,
    limit: usize,
}

impl Bounded<'_> {
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.text.len())
    }

    fn put(&mut self, bytes: &[u8]) {
        let fits = bytes.len().min(self.room());
        self.text.extend_from_slice(&bytes[..fits]);
    }

    fn pad(&mut self, byte: u8, count: usize) {
        let fits = count.min(self.room());
        self.text.resize(self.text.len() + fits, byte);
    }
}

/// What stands between `%` and the letter.
struct Flags {
    padding: u8,
    width: usize,
    decimals: Option<usize>,
    unsigned: bool,
    hex: Hex,
    widest: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hex {
    No,
    Lower,
    Upper,
}

impl Flags {
    fn read(format: &mut &[u8]) -> Flags {
        let mut flags = Flags {
            padding: if format.first() == Some(&b'0') {
                b'0'
            } else {
                b' '
            },
            width: read_width(format),
            decimals: None,
            unsigned: false,
            hex: Hex::No,
            widest: false,
        };
        while let Some((flag, rest)) = format.split_first() {
            match flag {
                b'u' => flags.unsigned = true,
                b'm' => flags.widest = true,
                b'x' => flags.hex = Hex::Lower,
                b'X' => flags.hex = Hex::Upper,
                _ => break,
            }
            *format = rest;
        }
        if let Some((b'.', rest)) = format.split_first() {
            *format = rest;
            flags.decimals = Some(read_width(format));
        }
        flags.unsigned |= flags.hex != Hex::No;
        flags
    }

    /// A number of which C passed `bits`: its magnitude, and whether it is negative.
    fn sign(&self, signed: i64, unsigned: u64) -> Number {
        if self.unsigned {
            Number {
                negative: false,
                magnitude: unsigned,
            }
        } else {
            Number {
                negative: signed < 0,
                magnitude: signed.unsigned_abs(),
            }
        }
    }
}

fn read_width(format: &mut &[u8]) -> usize {
    let mut width: usize = 0;
    while let Some((digit @ b'0'..=b'9', rest)) = format.split_first() {
        width = width
            .saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'));
        *format = rest;
    }
    width
}

struct Number {
    negative: bool,
    magnitude: u64,
}

impl Number {
    fn positive(magnitude: u64) -> Number {
        Number {
            negative: false,
            magnitude,
        }
    }
}

/// Formats `format` with the arguments of `source` at the end of `text`, which never grows beyond
/// `limit` bytes. Formatting stops, and no further argument is taken, when the limit is reached.
pub fn format(text: &mut Vec<u8>, limit: usize, mut format: &[u8], source: &mut impl Source) {
    let mut out = Bounded { text, limit };
    while out.room() > 0 {
        let literal = memchr::memchr(b'%', format).unwrap_or(format.len());
        out.put(&format[..literal]);
        format = format.get(literal + 1..).unwrap_or_default();
        if format.is_empty() || out.room() == 0 {
            return;
        }
        directive(&mut out, &mut format, source);
    }
}

/// Formats what one `%` announces; `format` starts after it and is left after the letter.
fn directive(out: &mut Bounded<'_>, format: &mut &[u8], source: &mut impl Source) {
    if let Some((b'*', rest)) = format.split_first() {
        *format = rest;
        let length = source.long() as usize;
        if let Some((b's', rest)) = format.split_first() {
            *format = rest;
            // Bytes beyond the limit are dropped in any case; a length beyond it is not looked at.
            out.put(source.bytes(length.min(out.limit)).unwrap_or(NULL));
        }
        return;
    }
    let mut flags = Flags::read(format);
    let Some((letter, rest)) = format.split_first() else {
        return;
    };
    *format = rest;

    let number = match letter {
        b'V' => return out.put(source.string().unwrap_or_default()),
        b's' => return out.put(source.c_string(out.limit).unwrap_or(NULL)),
        b'c' => return out.put(&[source.int() as u8]),
        b'Z' => return out.put(b"\0"),
        b'n' => return out.put(b"\n"),
        b'E' => return error(out, source.int()),
        b'f' => return double(out, &flags, source.double()),
        b'F' => match format.split_first() {
            Some((b'N', rest)) => {
                *format = rest;
                return out.put(source.c_string(out.limit).unwrap_or(NULL));
            }
            Some((b'D', rest)) => {
                *format = rest;
                flags.unsigned = false;
                let descriptor = source.int();
                flags.sign(descriptor.into(), 0)
            }
            _ => return,
        },
        b'P' => match format.split_first() {
            Some((b'I', rest)) => {
                *format = rest;
                flags.unsigned = false;
                let process = source.int();
                flags.sign(process.into(), 0)
            }
            Some((b'T', rest)) => {
                *format = rest;
                // A thread is widened as the pointer-sized number it is cast to in C.
                Number::positive(i64::from(source.int()) as u64)
            }
            Some((b'H', rest)) => {
                *format = rest;
                flags.hex = Hex::Upper;
                Number::positive(source.long() as u64)
            }
            _ => return,
        },
        b'O' | b'T' | b'r' => {
            let number = source.long();
            Number {
                negative: number < 0,
                magnitude: number.unsigned_abs(),
            }
        }
        b'M' => match source.int() as u32 {
            // The infinite interval.
            u32::MAX if flags.hex == Hex::No => Number {
                negative: true,
                magnitude: 1,
            },
            milliseconds => Number::positive(milliseconds.into()),
        },
        b'N' => match source.long() as u64 {
            u64::MAX => Number {
                negative: true,
                magnitude: 1,
            },
            nanoseconds => Number::positive(nanoseconds),
        },
        b'z' | b'l' | b'L' | b'A' => {
            let number = source.long();
            if flags.widest && *letter == b'A' {
                flags.width = 20;
            }
            flags.sign(number, number as u64)
        }
        b'i' | b'd' | b'D' => {
            let number = source.int();
            if flags.widest && *letter == b'i' {
                flags.width = 11;
            }
            flags.sign(number.into(), (number as u32).into())
        }
        b'b' => Number::positive((source.int() as u32).into()),
        b'p' => {
            flags.hex = Hex::Upper;
            Number::positive(source.pointer() as u64)
        }
        // `%%`, and whatever has no meaning.
        other => return out.put(&[*other]),
    };
    integer(out, &flags, &number);
}

fn integer(out: &mut Bounded<'_>, flags: &Flags, number: &Number) {
    if number.negative {
        out.put(b"-");
    }
    let digits = match flags.hex {
        Hex::No => number.magnitude.to_string(),
        Hex::Lower => format!("{:x}", number.magnitude),
        Hex::Upper => format!("{:X}", number.magnitude),
    };
    out.pad(flags.padding, flags.width.saturating_sub(digits.len()));
    out.put(digits.as_bytes());
}

/// `(number: text)`, the text being the system's.
fn error(out: &mut Bounded<'_>, number: i32) {
    out.put(format!("({number}: {})", error_text(number)).as_bytes());
}

/// The system's text for an error number, without the number that the standard library adds.
pub fn error_text(number: i32) -> String {
    let mut text = std::io::Error::from_raw_os_error(number).to_string();
    if let Some(end) = text.rfind(" (os error ") {
        text.truncate(end);
    }
    text
}

/// Below this a fraction counts as none, so that 0.1 does not show the error of its last bit.
const SMALLEST_FRACTION: f64 = f32::EPSILON as f64;

fn double(out: &mut Bounded<'_>, flags: &Flags, number: f64) {
    if number < 0.0 {
        out.put(b"-");
    }
    if number.is_nan() {
        return out.put(b"[nan]");
    }
    if number.is_infinite() {
        return out.put(b"[infinity]");
    }
    let number = number.abs();
    let mut whole = number.trunc();
    let mut decimals = String::new();
    match flags.decimals {
        Some(0) => {}
        Some(count) => {
            // More decimals than a double or a 64-bit number can hold are zeroes.
            let exact = count.min(18);
            let scale = 10f64.powi(exact as i32);
            let mut fraction = ((number - whole) * scale + 0.5).floor();
            if fraction >= scale {
                whole += 1.0;
                fraction = 0.0;
            }
            decimals = format!("{fraction:0exact$.0}");
            decimals.extend(std::iter::repeat_n('0', (count - exact).min(out.limit)));
        }
        None => {
            let mut fraction = number - whole;
            while fraction > SMALLEST_FRACTION && decimals.len() < out.limit {
                fraction *= 10.0;
                decimals.push(char::from(b'0' + fraction.trunc() as u8));
                fraction = fraction.fract();
            }
        }
    }
    let digits = format!("{whole:.0}");
    out.pad(flags.padding, flags.width.saturating_sub(digits.len()));
    out.put(digits.as_bytes());
    if !decimals.is_empty() {
        out.put(b".");
        out.put(decimals.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug)]
    enum Argument {
        Int(i32),
        Long(i64),
        Double(f64),
        Text(Option<&'static str>),
    }
    use Argument::{Double, Int, Long, Text};

    /// Arguments in order; taking one of another kind is a failed test.
    struct List<'a>(std::iter::Cloned<std::slice::Iter<'a, Argument>>);

    impl List<'_> {
        fn text(&mut self) -> Option<&'static [u8]> {
            match self.0.next() {
                Some(Text(text)) => text.map(str::as_bytes),
                other => panic!("text wanted, {other:?} given"),
            }
        }
    }

    impl Source for List<'_> {
        fn int(&mut self) -> i32 {
            match self.0.next() {
                Some(Int(number)) => number,
                other => panic!("int wanted, {other:?} given"),
            }
        }
        fn long(&mut self) -> i64 {
            match self.0.next() {
                Some(Long(number)) => number,
                other => panic!("long wanted, {other:?} given"),
            }
        }
        fn double(&mut self) -> f64 {
            match self.0.next() {
                Some(Double(number)) => number,
                other => panic!("double wanted, {other:?} given"),
            }
        }
        fn pointer(&mut self) -> usize {
            self.long() as usize
        }
        fn c_string(&mut self, max: usize) -> Option<&[u8]> {
            self.text().map(|text| &text[..text.len().min(max)])
        }
        fn bytes(&mut self, length: usize) -> Option<&[u8]> {
            self.text().map(|text| &text[..length])
        }
        fn string(&mut self) -> Option<&[u8]> {
            self.text()
        }
    }

    fn formatted(limit: usize, text: &str, arguments: &[Argument]) -> String {
        let mut list = List(arguments.iter().cloned());
        let mut out = Vec::new();
        format(&mut out, limit, text.as_bytes(), &mut list);
        assert!(out.len() <= limit);
        assert!(list.0.next().is_none(), "{text}: an argument is left");
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(text: &str, arguments: &[Argument], wanted: &str) {
        assert_eq!(formatted(1000, text, arguments), wanted, "{text}");
    }

    #[test]
    fn integers() {
        check("%d %ud", &[Int(-1), Int(-1)], "-1 4294967295");
        check(
            "%D|%uD|%xD",
            &[Int(i32::MIN), Int(-2), Int(-2)],
            "-2147483648|4294967294|fffffffe",
        );
        check("%i|%ui", &[Int(7), Int(-7)], "7|4294967289");
        check(
            "%l %ul %z %uz %L %uL",
            &[
                Long(-5),
                Long(-5),
                Long(-6),
                Long(6),
                Long(i64::MIN),
                Long(-1),
            ],
            "-5 18446744073709551611 -6 6 -9223372036854775808 18446744073709551615",
        );
        check("%O,%T", &[Long(-3), Long(1 << 40)], "-3,1099511627776");
        check(
            "[%5d][%05d][%2d]",
            &[Int(42), Int(42), Int(12345)],
            "[   42][00042][12345]",
        );
        check(
            "[%mi][%mA]",
            &[Int(1), Long(2)],
            "[          1][                   2]",
        );
        check("%XD %08xD", &[Int(0xABCD), Int(0xABCD)], "ABCD 0000abcd");
        check("%b", &[Int(1)], "1");
    }

    #[test]
    fn intervals_have_an_infinite_value() {
        check("%M %M", &[Int(-1), Int(-2)], "-1 4294967294");
        check("%N %N", &[Long(-1), Long(5)], "-1 5");
    }

    #[test]
    fn identifiers_and_addresses() {
        check("%PI %PT %FD", &[Int(12), Int(13), Int(-1)], "12 13 -1");
        check("%PH %p", &[Long(0x7f00), Long(0xbeef)], "7F00 BEEF");
    }

    #[test]
    fn texts() {
        check(
            "%V=%s",
            &[Text(Some("name")), Text(Some("value"))],
            "name=value",
        );
        check("%*s!", &[Long(3), Text(Some("abcdef"))], "abc!");
        check(
            "<%V><%s><%*s><%FN>",
            &[
                Text(None),
                Text(None),
                Long(1),
                Text(None),
                Text(Some("file")),
            ],
            "<><[null]><[null]><file>",
        );
        check("%c%%%n%Z", &[Int(i32::from(b'x'))], "x%\n\0");
    }

    #[test]
    fn errors_carry_their_text() {
        check("open %E", &[Int(2)], "open (2: No such file or directory)");
    }

    #[test]
    fn doubles() {
        check(
            "%f %f %f",
            &[Double(1.0), Double(-2.5), Double(0.1)],
            "1 -2.5 0.1",
        );
        check(
            "%.2f|%.0f|%6.1f|%06.1f",
            &[Double(3.1234), Double(2.9), Double(2.25), Double(2.25)],
            "3.12|2|     2.3|000002.3",
        );
        check("%.1f %.3f", &[Double(0.96), Double(1.0006)], "1.0 1.001");
        check(
            "%f %f %f",
            &[
                Double(f64::NAN),
                Double(f64::INFINITY),
                Double(f64::NEG_INFINITY),
            ],
            "[nan] [infinity] -[infinity]",
        );
        check("%.25f", &[Double(0.5)], "0.5000000000000000000000000");
    }

    #[test]
    fn unknown_and_unfinished_directives() {
        check("%q %", &[], "q ");
        check("%5", &[], "");
        check("%Px%Fx%*x", &[Long(1)], "xxx");
    }

    #[test]
    fn nothing_grows_beyond_the_limit() {
        assert_eq!(formatted(4, "abcdefgh%d", &[]), "abcd");
        assert_eq!(formatted(4, "%V", &[Text(Some("abcdefgh"))]), "abcd");
        assert_eq!(
            formatted(4, "%099999999999999999999999d", &[Int(1)]),
            "0000"
        );
        assert_eq!(formatted(4, "%.999999999f", &[Double(0.0)]), "0.00");
        assert_eq!(formatted(0, "x", &[]), "");
        assert_eq!(formatted(3, "abc%d%s", &[]), "abc");
    }
}
