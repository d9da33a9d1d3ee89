//! `nxt_mp.h`: memory pools.

use std::ptr;

use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::task::{nxt_task_t, nxt_work_handler_t, nxt_work_t};
use crate::abi::types::{nxt_bool_t, nxt_int_t};
use crate::alert;
use crate::capi::guard;

mod block;
mod pool;
mod sizes;

use pool::Pool;
use sizes::Sizes;

/// The alignment of [`nxt_mp_get`].
const GET_ALIGNMENT: usize = align_of::<usize>();

/// Makes a pool with one owner. Memory is taken from the heap in clusters of pages, and pages are
/// divided into chunks from `min_chunk_size` up. NULL when there is no memory, or the sizes do not
/// fit each other.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_mp_create(
    cluster_size: usize,
    page_alignment: usize,
    page_size: usize,
    min_chunk_size: usize,
) -> *mut nxt_mp_t {
    guard("nxt_mp_create", ptr::null_mut(), || {
        match Sizes::new(cluster_size, page_alignment, page_size, min_chunk_size) {
            Some(sizes) => Pool::create(sizes).cast(),
            None => ptr::null_mut(),
        }
    })
}

/// Whether [`nxt_mp_create`] takes these sizes.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_mp_test_sizes(
    cluster_size: usize,
    page_alignment: usize,
    page_size: usize,
    min_chunk_size: usize,
) -> nxt_bool_t {
    Sizes::new(cluster_size, page_alignment, page_size, min_chunk_size)
        .is_some()
        .into()
}

/// Runs a body with the pool behind a C pointer; NULL is answered with `missing`.
///
/// # Safety
/// `mp` is NULL or a pool that is alive.
unsafe fn with<T>(
    name: &'static str,
    mp: *mut nxt_mp_t,
    missing: T,
    body: impl FnOnce(*mut Pool) -> T,
) -> T
where
    T: Copy,
{
    guard(name, missing, || {
        if mp.is_null() {
            missing
        } else {
            body(mp.cast())
        }
    })
}

/// Frees the pool with all its memory, whoever owns it, after running its cleanups.
///
/// # Safety
/// `mp` is NULL or a pool, which nobody uses afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_destroy(mp: *mut nxt_mp_t) {
    // SAFETY: the caller's promise is the same.
    unsafe { with("nxt_mp_destroy", mp, (), |pool| Pool::destroy(pool)) }
}

/// Adds an owner.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_retain(mp: *mut nxt_mp_t) {
    // SAFETY: the caller's promise is the same.
    unsafe { with("nxt_mp_retain", mp, (), |pool| Pool::retain(pool)) }
}

/// Takes an owner away; without owners the pool is destroyed.
///
/// # Safety
/// `mp` is NULL or a pool, which this owner does not use afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_release(mp: *mut nxt_mp_t) {
    // SAFETY: the caller's promise is the same.
    unsafe { with("nxt_mp_release", mp, (), |pool| Pool::release(pool)) }
}

/// Whether everything that was allocated is free again.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_is_empty(mp: *mut nxt_mp_t) -> nxt_bool_t {
    // SAFETY: the caller's promise is the same.
    unsafe { with("nxt_mp_is_empty", mp, 1, |pool| Pool::is_empty(pool).into()) }
}

/// Memory that can be freed; NULL when there is none.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_alloc(mp: *mut nxt_mp_t, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with("nxt_mp_alloc", mp, ptr::null_mut(), |pool| {
            Pool::alloc(pool, size).cast()
        })
    }
}

/// Fills memory with zeroes, unless it is NULL.
///
/// # Safety
/// `memory` is NULL or has `size` bytes that are the caller's own.
unsafe fn zeroed(memory: *mut c_void, size: usize) -> *mut c_void {
    if !memory.is_null() {
        // SAFETY: not NULL, and the caller owns it.
        unsafe { memory.cast::<u8>().write_bytes(0, size) };
    }
    memory
}

/// Memory of value zero that can be freed; NULL when there is none.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_zalloc(mp: *mut nxt_mp_t, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe { zeroed(nxt_mp_alloc(mp, size), size) }
}

/// Aligned memory that can be freed; NULL when there is none, or the alignment is no power of two.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_align(
    mp: *mut nxt_mp_t,
    alignment: usize,
    size: usize,
) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with("nxt_mp_align", mp, ptr::null_mut(), |pool| {
            Pool::align(pool, alignment, size).cast()
        })
    }
}

/// Aligned memory of value zero that can be freed; NULL as for [`nxt_mp_align`].
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_zalign(
    mp: *mut nxt_mp_t,
    alignment: usize,
    size: usize,
) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe { zeroed(nxt_mp_align(mp, alignment, size), size) }
}

/// Frees what one of the four functions above has answered. Anything else is an alert in the log.
///
/// # Safety
/// `mp` is NULL or a pool; memory of it that is freed is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_free(mp: *mut nxt_mp_t, p: *mut c_void) {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with("nxt_mp_free", mp, (), |pool| {
            if let Err(error) = Pool::free(pool, p.cast()) {
                alert!("nxt_mp_free({p:p}): the pointer {error}");
            }
        });
    }
}

/// Memory without alignment that is freed with the pool; NULL when there is none.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_nget(mp: *mut nxt_mp_t, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with("nxt_mp_nget", mp, ptr::null_mut(), |pool| {
            Pool::get(pool, 1, size).cast()
        })
    }
}

/// Memory that is freed with the pool; NULL when there is none.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_get(mp: *mut nxt_mp_t, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe {
        with("nxt_mp_get", mp, ptr::null_mut(), |pool| {
            Pool::get(pool, GET_ALIGNMENT, size).cast()
        })
    }
}

/// Memory of value zero that is freed with the pool; NULL when there is none.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_zget(mp: *mut nxt_mp_t, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe { zeroed(nxt_mp_get(mp, size), size) }
}

/// Has `handler` called with the three arguments when the pool is destroyed, before its memory is
/// freed; the last one registered comes first. `NXT_ERROR` when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool; the handler may be called with these arguments then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_cleanup(
    mp: *mut nxt_mp_t,
    handler: nxt_work_handler_t,
    task: *mut nxt_task_t,
    obj: *mut c_void,
    data: *mut c_void,
) -> nxt_int_t {
    let work = nxt_work_t {
        next: ptr::null_mut(),
        handler,
        task,
        obj,
        data,
    };
    // SAFETY: the caller's promise is the same.
    unsafe {
        with("nxt_mp_cleanup", mp, NXT_ERROR, |pool| {
            if Pool::cleanup(pool, work) {
                NXT_OK
            } else {
                NXT_ERROR
            }
        })
    }
}

/// Lets the calling thread use the pool from now on. Pools do not check who uses them, so that
/// there is nothing to note.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_mp_thread_adopt(mp: *mut nxt_mp_t) {
    let _ = mp;
}

/// The allocator of level hashes that lie in a pool: `size` bytes aligned to `size`.
///
/// # Safety
/// `pool` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_lvlhsh_alloc(pool: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_mp_align(pool.cast(), size, size) }
}

/// Frees what [`nxt_mp_lvlhsh_alloc`] has answered.
///
/// # Safety
/// As [`nxt_mp_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mp_lvlhsh_free(pool: *mut c_void, p: *mut c_void) {
    // SAFETY: the caller's promise is the same.
    unsafe { nxt_mp_free(pool.cast(), p) };
}

#[cfg(test)]
mod tests;
