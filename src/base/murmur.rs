//! MurmurHash2 with seed 0, the hash of the C interface's hash tables (`nxt_murmur_hash.h`).

const MULTIPLIER: u32 = 0x5BD1_E995;

/// The 32-bit MurmurHash2 of `data`; words are read in little-endian order on every machine.
pub fn hash2(data: &[u8]) -> u32 {
    let (words, rest) = data.as_chunks::<4>();
    // The seed is 0 and the length counts modulo 2^32, as in the public algorithm.
    let mut hash = data.len() as u32;
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(MULTIPLIER) ^ mixed.wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let tail = rest
            .iter()
            .rev()
            .fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::hash2;

    /// What Unit 1.35.0 answers for texts of each remainder modulo 4.
    #[test]
    fn known_values() {
        let vectors: [(&[u8], u32); 8] = [
            (b"", 0),
            (b"a", 0x9268_5f5e),
            (b"ab", 0x1aa1_4063),
            (b"abc", 0x1357_7c9b),
            (b"abcd", 0x2687_3021),
            (b"Content-Type", 0x1372_980f),
            (b"The quick brown fox jumps over the lazy dog", 0x2127_29d0),
            (b"\xff\xfe\xfd", 0x3d61_4590),
        ];
        for (text, hash) in vectors {
            assert_eq!(hash2(text), hash, "{text:?}");
        }
    }
}
