//! The generator of `nxt_random.h`.

/// Its state.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_random_t {
    /// The index that runs.
    pub i: u8,
    /// The index that jumps.
    pub j: u8,
    /// The permutation.
    pub s: [u8; 256],
    /// How many numbers may be drawn before it is stirred again.
    pub count: i32,
}

super::assert_layout!(nxt_random_t, size 264, align 4, i @ 0, j @ 1, s @ 2, count @ 260);
