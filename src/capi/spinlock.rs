//! `nxt_spinlock.h`: a lock that spins for a while, and then lets other threads run.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::abi::thread::nxt_thread_spinlock_t;
use crate::abi::types::{nxt_bool_t, nxt_uint_t};
use crate::capi::guard;

/// How many times a lock is looked at before the thread gives way.
static SPINS: AtomicU32 = AtomicU32::new(USUAL_SPINS);
const USUAL_SPINS: u32 = 1000;

/// Sets how long locks spin: `count` times with `ncpu` 0, else as is good with so many processors.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_thread_spin_init(ncpu: nxt_uint_t, count: nxt_uint_t) {
    let spins = match ncpu {
        0 => count,
        // Nobody else runs who could open the lock.
        1 => 0,
        _ => USUAL_SPINS,
    };
    SPINS.store(spins, Ordering::Relaxed);
}

/// The lock as an atomic.
///
/// # Safety
/// `lock` is NULL or a lock that lives as long as the result is used.
unsafe fn open<'a>(lock: *mut nxt_thread_spinlock_t) -> Option<&'a AtomicU64> {
    // SAFETY: not NULL, aligned, alive, and only used atomically, by the caller's promise.
    (!lock.is_null()).then(|| unsafe { AtomicU64::from_ptr(lock) })
}

fn try_lock(lock: &AtomicU64) -> bool {
    lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
        .is_ok()
}

/// Waits for a lock and closes it.
///
/// # Safety
/// `lock` is NULL or a lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_spin_lock(lock: *mut nxt_thread_spinlock_t) {
    guard("nxt_thread_spin_lock", (), || {
        // SAFETY: the caller's promise is the same.
        let Some(lock) = (unsafe { open(lock) }) else {
            return;
        };
        while !try_lock(lock) {
            let spins = SPINS.load(Ordering::Relaxed);
            let opened = (0..spins).any(|_| {
                std::hint::spin_loop();
                lock.load(Ordering::Relaxed) == 0
            });
            if !opened {
                std::thread::yield_now();
            }
        }
    });
}

/// Closes a lock if it is open: 1, or 0 if it was not.
///
/// # Safety
/// `lock` is NULL or a lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_spin_trylock(lock: *mut nxt_thread_spinlock_t) -> nxt_bool_t {
    guard("nxt_thread_spin_trylock", 0, || {
        // SAFETY: the caller's promise is the same.
        unsafe { open(lock) }.is_some_and(try_lock).into()
    })
}

/// Opens a lock.
///
/// # Safety
/// `lock` is NULL or a lock that the calling thread has closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_spin_unlock(lock: *mut nxt_thread_spinlock_t) {
    guard("nxt_thread_spin_unlock", (), || {
        // SAFETY: the caller's promise is the same.
        if let Some(lock) = unsafe { open(lock) } {
            lock.store(0, Ordering::Release);
        }
    });
}
