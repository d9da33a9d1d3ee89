//! The hash of `nxt_djb_hash.h`: Daniel J. Bernstein's, in its variant with exclusive or.

/// The hash of no bytes.
pub const INIT: u32 = 5381;

fn add(hash: u32, byte: u8) -> u32 {
    hash.wrapping_mul(33) ^ u32::from(byte)
}

/// The hash of `data`.
pub fn hash(data: &[u8]) -> u32 {
    data.iter().fold(INIT, |hash, byte| add(hash, *byte))
}

/// The hash of `data` with its ASCII letters in lower case.
pub fn hash_lowcase(data: &[u8]) -> u32 {
    data.iter()
        .fold(INIT, |hash, byte| add(hash, byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_interface() {
        assert_eq!(hash(b""), 5381);
        assert_eq!(hash(b"a"), (5381 * 33) ^ 97);
        assert_eq!(hash_lowcase(b"Content-Type"), hash(b"content-type"));
        assert_ne!(hash(b"Content-Type"), hash(b"content-type"));
    }
}
