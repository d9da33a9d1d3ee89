//! The string of `nxt_string.h`: a length and a start, with no terminating NUL.

/// Bytes of known length. `start` may be NULL when `length` is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_str_t {
    /// How many bytes.
    pub length: usize,
    /// Where they start.
    pub start: *mut u8,
}

impl nxt_str_t {
    /// The string that has no bytes and points nowhere.
    pub const NULL: nxt_str_t = nxt_str_t {
        length: 0,
        start: core::ptr::null_mut(),
    };
}

super::assert_layout!(nxt_str_t, size 16, align 8, length @ 0, start @ 8);
