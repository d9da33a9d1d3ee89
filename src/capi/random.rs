//! `nxt_random.h`: pseudo-random numbers.

use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::random::nxt_random_t;
use crate::abi::thread::nxt_thread_t;
use crate::abi::types::nxt_int_t;
use crate::base::arc4random::{self, KEY_SIZE, NUMBERS, State};
use crate::base::log::Level;
use crate::capi::guard;
use crate::capi::log::record;

/// A key from the kernel; `None` before it has gathered enough randomness for one.
fn key() -> Option<[u8; KEY_SIZE]> {
    let mut key = [0; KEY_SIZE];
    // SAFETY: the buffer is ours and has that many bytes.
    let read = unsafe { libc::getrandom(key.as_mut_ptr().cast(), key.len(), 0) };
    (read == KEY_SIZE as isize).then_some(key)
}

/// Mixes what the kernel has, or else what differs from one process and moment to the next.
fn stir(r: &mut nxt_random_t) {
    let key = key().unwrap_or_else(|| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let mut key = [0; KEY_SIZE];
        key[..16].copy_from_slice(&now.as_nanos().to_ne_bytes());
        key[16..20].copy_from_slice(&std::process::id().to_ne_bytes());
        key
    });
    state(r).stir(&key);
    r.count = NUMBERS;
}

fn state(r: &mut nxt_random_t) -> State<'_> {
    State {
        i: &mut r.i,
        j: &mut r.j,
        s: &mut r.s,
    }
}

/// Prepares a generator with randomness from the kernel.
///
/// # Safety
/// `r` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_random_init(r: *mut nxt_random_t) {
    guard("nxt_random_init", (), || {
        if r.is_null() {
            return;
        }
        // SAFETY: not NULL, and the caller passes a place of its own, which may hold anything.
        let r = unsafe {
            r.write_bytes(0, 1);
            &mut *r
        };
        state(r).reset();
        stir(r);
    });
}

/// The next number.
///
/// # Safety
/// `r` is NULL or was prepared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_random(r: *mut nxt_random_t) -> u32 {
    guard("nxt_random", 0, || {
        // SAFETY: NULL or valid, by the caller's promise.
        let Some(r) = (unsafe { r.as_mut() }) else {
            return 0;
        };
        r.count = r.count.saturating_sub(1);
        if r.count <= 0 {
            stir(r);
        }
        state(r).number()
    })
}

/// Draws numbers from a known key and tells the thread's log whether they are the right ones.
///
/// # Safety
/// `thr` is NULL or a thread with a log.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_random_test(thr: *mut nxt_thread_t) -> nxt_int_t {
    guard("nxt_random_test", NXT_ERROR, || {
        let passed = arc4random::self_test();
        let text = if passed {
            "arc4random test passed"
        } else {
            "arc4random test failed"
        };
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            if let Some(thread) = thr.as_ref() {
                record(thread.log, Level::Notice, text);
            }
        }
        if passed { NXT_OK } else { NXT_ERROR }
    })
}
