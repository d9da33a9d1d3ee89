//! Bytes of a request in a log record.

use std::fmt::{self, Display, Write};

/// Bytes of a request inside a record: whatever could forge another record or upset a terminal is
/// escaped.
pub(in crate::router) struct Text<'a>(pub(in crate::router) &'a [u8]);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() {
                    write!(f, "\\x{:02x}", u32::from(character))?;
                } else {
                    f.write_char(character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn no_record_can_be_forged() {
        assert_eq!(
            Text("/\u{e9}\n[alert]\u{1b}".as_bytes()).to_string(),
            "/\u{e9}\\x0a[alert]\\x1b"
        );
        assert_eq!(Text(b"\xff/").to_string(), "\\xff/");
    }
}
