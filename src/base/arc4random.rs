//! The pseudo-random generator of `nxt_random.h`: OpenBSD's first arc4random, whose state the C
//! interface makes visible. It is no source of secrets: those come from the kernel.

/// How many bytes of the kernel's randomness go into the state at a time.
pub const KEY_SIZE: usize = 128;
/// How many numbers are drawn before the state is stirred again.
pub const NUMBERS: i32 = 400_000;
/// How many of the first bytes are dropped, because they tell too much of the key.
const DROPPED: usize = 3072;

/// The permutation and its two indices.
#[derive(Debug)]
pub struct State<'a> {
    /// The index that runs.
    pub i: &'a mut u8,
    /// The index that jumps.
    pub j: &'a mut u8,
    /// The permutation.
    pub s: &'a mut [u8; 256],
}

impl State<'_> {
    /// The state before any key.
    pub fn reset(&mut self) {
        (*self.i, *self.j) = (0, 0);
        for (value, place) in (0..=255).zip(self.s.iter_mut()) {
            *place = value;
        }
    }

    /// Mixes a key of at least one byte into the permutation.
    pub fn add(&mut self, key: &[u8]) {
        for key in key.iter().cycle().take(self.s.len()) {
            let value = self.s[usize::from(*self.i)];
            *self.j = self.j.wrapping_add(value).wrapping_add(*key);
            self.s.swap(usize::from(*self.i), usize::from(*self.j));
            *self.i = self.i.wrapping_add(1);
        }
        // In this RC4 does otherwise.
        *self.i = self.i.wrapping_sub(1);
        *self.j = *self.i;
    }

    /// Mixes a key in and drops the bytes that tell of it.
    pub fn stir(&mut self, key: &[u8; KEY_SIZE]) {
        self.add(key);
        for _ in 0..DROPPED {
            self.byte();
        }
    }

    fn byte(&mut self) -> u8 {
        *self.i = self.i.wrapping_add(1);
        let one = self.s[usize::from(*self.i)];
        *self.j = self.j.wrapping_add(one);
        let two = self.s[usize::from(*self.j)];
        self.s.swap(usize::from(*self.i), usize::from(*self.j));
        self.s[usize::from(one.wrapping_add(two))]
    }

    /// The next number.
    pub fn number(&mut self) -> u32 {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }
}

/// Draws from a fixed key and compares with the known numbers.
pub fn self_test() -> bool {
    let (mut i, mut j, mut s) = (0, 0, [0; 256]);
    let mut state = State {
        i: &mut i,
        j: &mut j,
        s: &mut s,
    };
    state.reset();
    state.add(b"arc4random");
    let first = state.number();
    for _ in 0..100_000 {
        state.number();
    }
    (first, state.number()) == (0xD627_0B27, 0x6FCA_E186)
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_numbers() {
        assert!(super::self_test());
    }
}
