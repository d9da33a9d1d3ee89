//! The data object `nxt_server` of `nxt_main.h`: the text of the `Server` field.

use crate::abi::string::nxt_str_t;
use crate::abi::version::NXT_SERVER;

/// A string that never changes, so that every thread may read it.
#[repr(transparent)]
#[derive(Debug)]
pub struct SharedStr(nxt_str_t);

// SAFETY: both the descriptor and the bytes it names are constant and live as long as the program;
// C code has only a declaration of this object and, by the interface, never writes to it.
unsafe impl Sync for SharedStr {}

/// `Unit/1.35.0`.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_server: SharedStr = SharedStr(nxt_str_t {
    length: NXT_SERVER.len(),
    start: NXT_SERVER.as_ptr().cast_mut(),
});
