//! `nxt_buf_pool.h`: buffers that are used again and again.

use std::ptr;

use crate::abi::buf::{IS_MMAP, nxt_buf_t};
use crate::abi::buf_pool::nxt_buf_pool_t;
use crate::abi::errno::{NXT_AGAIN, NXT_ERROR, NXT_OK};
use crate::abi::types::nxt_int_t;
use crate::capi::buf::{nxt_buf_file_alloc, nxt_buf_mem_alloc, nxt_buf_mmap_alloc};
use crate::capi::guard;
use crate::capi::mem_map::nxt_mem_munmap;
use crate::capi::mp::nxt_mp_free;

/// Makes sure that there is a current buffer: the one there is, a free one, or a new one that
/// `allocate` makes of a size. `NXT_AGAIN` when there are as many as there may be.
///
/// # Safety
/// `bp` is NULL or valid.
unsafe fn provide(
    bp: *mut nxt_buf_pool_t,
    size: usize,
    has_room: impl FnOnce(&nxt_buf_t) -> bool,
    allocate: impl FnOnce(&nxt_buf_pool_t, usize) -> *mut nxt_buf_t,
) -> nxt_int_t {
    // SAFETY: NULL or valid, by the caller's promise, and so are its buffers.
    unsafe {
        let Some(pool) = bp.as_mut() else {
            return NXT_ERROR;
        };
        if pool.current.as_ref().is_some_and(has_room) {
            return NXT_OK;
        }
        if let Some(free) = pool.free.as_mut() {
            pool.current = free;
            pool.free = std::mem::replace(&mut free.next, ptr::null_mut());
            return NXT_OK;
        }
        if pool.num >= pool.max {
            return NXT_AGAIN;
        }
        let usual = pool.size as usize;
        // Up to a quarter more than usual can be had.
        let size = match size {
            0 => usual,
            size if size >= usual + usual / 4 => usual,
            size => size,
        };
        let b = allocate(pool, size);
        if b.is_null() {
            return NXT_ERROR;
        }
        pool.current = b;
        pool.num += 1;
        NXT_OK
    }
}

fn has_memory(b: &nxt_buf_t) -> bool {
    b.mem.free < b.mem.end
}

/// Makes sure that the current buffer has room: `NXT_AGAIN` if no more buffers are allowed,
/// `NXT_ERROR` when there is no memory.
///
/// # Safety
/// `bp` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_pool_mem_alloc(bp: *mut nxt_buf_pool_t, size: usize) -> nxt_int_t {
    guard("nxt_buf_pool_mem_alloc", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            provide(bp, size, has_memory, |pool, size| {
                nxt_buf_mem_alloc(pool.mem_pool, size, pool.flags.into())
            })
        }
    })
}

/// The same with buffers for stretches of files.
///
/// # Safety
/// `bp` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_pool_file_alloc(
    bp: *mut nxt_buf_pool_t,
    size: usize,
) -> nxt_int_t {
    guard("nxt_buf_pool_file_alloc", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            provide(bp, size, has_memory, |pool, size| {
                nxt_buf_file_alloc(pool.mem_pool, size, pool.flags.into())
            })
        }
    })
}

/// The same with buffers for mapped stretches of files; any current buffer will do.
///
/// # Safety
/// `bp` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_pool_mmap_alloc(
    bp: *mut nxt_buf_pool_t,
    size: usize,
) -> nxt_int_t {
    guard("nxt_buf_pool_mmap_alloc", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            let any = |_: &nxt_buf_t| true;
            let result = provide(bp, size, any, |pool, size| {
                nxt_buf_mmap_alloc(pool.mem_pool, size)
            });
            if let Some(pool) = bp.as_mut()
                && pool
                    .current
                    .as_ref()
                    .is_some_and(|b| b.flags & IS_MMAP != 0)
            {
                pool.mmap = 1;
            }
            result
        }
    })
}

/// Empties a buffer, for the next use; one that was mapped is mapped no more. A pool that was
/// destroyed frees it.
///
/// # Safety
/// `bp` is NULL or valid; `b` is NULL or a buffer of it, which nobody uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_pool_free(bp: *mut nxt_buf_pool_t, b: *mut nxt_buf_t) {
    guard("nxt_buf_pool_free", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let (Some(pool), false) = (bp.as_mut(), b.is_null()) else {
                return;
            };
            let mem = &raw mut (*b).mem;
            let size = (*mem).end.addr().saturating_sub((*mem).start.addr());
            let mapped = pool.mmap != 0;
            if mapped && !(*mem).start.is_null() {
                nxt_mem_munmap((*mem).start.cast(), size);
            }
            if pool.destroy != 0 {
                if b == pool.current {
                    pool.current = ptr::null_mut();
                }
                nxt_mp_free(pool.mem_pool, b.cast());
                return;
            }
            if mapped {
                // Until it is mapped again, the difference of the two addresses is its size.
                (*mem).start = ptr::null_mut();
                (*mem).end = ptr::without_provenance_mut(size);
            }
            (*mem).pos = (*mem).start;
            (*mem).free = (*mem).start;
            if b != pool.current {
                (*b).next = pool.free;
                pool.free = b;
            }
        }
    });
}

/// Frees the free buffers; the others follow when they are given back.
///
/// # Safety
/// `bp` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_pool_destroy(bp: *mut nxt_buf_pool_t) {
    guard("nxt_buf_pool_destroy", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(pool) = bp.as_mut() else {
                return;
            };
            pool.destroy = 1;
            while let Some(b) = pool.free.as_ref() {
                let next = b.next;
                nxt_mp_free(pool.mem_pool, pool.free.cast());
                pool.free = next;
            }
        }
    });
}
