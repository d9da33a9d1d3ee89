//! Lets a C test program see what a panic inside of an exported function comes to. Only with the feature
//! `panic-probe`, which no build but that of the tests has.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::c_char;

use crate::capi::c_string;

/// The function that is to panic, when it is called next; NULL is none.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of a C object")]
static nxt_panic_probe: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());

/// Panics once if `function` is the one that is to.
pub(super) fn panic_in(function: &str) {
    let wanted = nxt_panic_probe.load(Ordering::Acquire);
    // SAFETY: NULL, or a string that the program keeps as long as it stands there.
    if !wanted.is_null() && unsafe { c_string(wanted.cast()) } == function.as_bytes() {
        nxt_panic_probe.store(ptr::null_mut(), Ordering::Release);
        panic!("the test wants it");
    }
}
