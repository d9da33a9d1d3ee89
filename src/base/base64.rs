//! Base64 as the C interface decodes it (`nxt_base64_decode`): padding may be missing, and bits
//! that the last digit has too many may be anything.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The digits of `text`, without padding that makes a whole group of four.
fn digits(text: &[u8]) -> &[u8] {
    if !text.len().is_multiple_of(4) {
        return text;
    }
    let short = text.strip_suffix(b"=").unwrap_or(text);
    short.strip_suffix(b"=").unwrap_or(short)
}

/// The bytes that `text` stands for; `None` if it is not Base64.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    LENIENT.decode(digits(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_or_not() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("QUI=", b"AB"),
            ("QUI", b"AB"),
            ("QQ==", b"A"),
            ("Qf", b"A"),
            ("QUJD", b"ABC"),
            ("+/+/", b"\xfb\xff\xbf"),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "Q", "Q===", "Q=Q=", "====", "QQ=", "QQ=A", "QUJDQ", "QU JD", "QUI\n", "QUI_",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
