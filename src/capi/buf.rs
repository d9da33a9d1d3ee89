//! `nxt_buf.h`: buffers from a pool, and chains of them.

use std::mem::offset_of;
use std::ptr;

use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::buf::{
    IS_FILE, IS_FLUSH, IS_LAST, IS_MMAP, IS_NOBUF, IS_SYNC, NXT_BUF_SYNC_FLUSH, NXT_BUF_SYNC_LAST,
    NXT_BUF_SYNC_NOBUF, nxt_buf_t,
};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_uint_t;
use crate::capi::guard;
use crate::capi::mp::{nxt_mp_alloc, nxt_mp_free};

/// The size of a buffer without a file.
const MEM_SIZE: usize = offset_of!(nxt_buf_t, file);

/// Where a buffer's memory starts and how much it is; all four addresses lie there.
///
/// # Safety
/// `b` is writable as far as `mem`.
unsafe fn set_memory(b: *mut nxt_buf_t, start: *mut u8, size: usize) {
    // SAFETY: by the caller's promise; the buffer may be shorter than its type.
    unsafe {
        let mem = &raw mut (*b).mem;
        (*mem).start = start;
        (*mem).pos = start;
        (*mem).free = start;
        (*mem).end = start.wrapping_add(size);
    }
}

/// Gives a buffer its memory, empty.
///
/// # Safety
/// `b` is NULL or a buffer; `start` has `size` bytes as long as the buffer uses them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_mem_init(b: *mut nxt_buf_t, start: *mut c_void, size: usize) {
    guard("nxt_buf_mem_init", (), || {
        if !b.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe { set_memory(b, start.cast(), size) };
        }
    });
}

/// A buffer whose own part has `head` bytes, followed by `size` bytes of memory.
///
/// # Safety
/// `mp` is NULL or a pool.
unsafe fn allocate(mp: *mut nxt_mp_t, head: usize, size: usize) -> *mut nxt_buf_t {
    let Some(whole) = head.checked_add(size) else {
        return ptr::null_mut();
    };
    // SAFETY: the caller's promise is the same; what is written lies within `head`.
    unsafe {
        let b = nxt_mp_alloc(mp, whole).cast::<nxt_buf_t>();
        if b.is_null() {
            return b;
        }
        b.cast::<u8>().write_bytes(0, head);
        (*b).data = mp.cast();
        (*b).completion_handler = Some(complete);
        if size != 0 {
            set_memory(b, b.cast::<u8>().add(head), size);
        }
        b
    }
}

/// A buffer with `size` bytes of memory; NULL when there is none.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_mem_alloc(
    mp: *mut nxt_mp_t,
    size: usize,
    flags: nxt_uint_t,
) -> *mut nxt_buf_t {
    let _ = flags;
    guard("nxt_buf_mem_alloc", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        unsafe { allocate(mp, MEM_SIZE, size) }
    })
}

/// A buffer for a stretch of a file, with `size` bytes of memory; NULL when there is none.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_file_alloc(
    mp: *mut nxt_mp_t,
    size: usize,
    flags: nxt_uint_t,
) -> *mut nxt_buf_t {
    let _ = flags;
    guard("nxt_buf_file_alloc", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same; a new buffer is ours.
        unsafe {
            let b = allocate(mp, size_of::<nxt_buf_t>(), size);
            if !b.is_null() {
                (*b).flags |= IS_FILE;
            }
            b
        }
    })
}

/// A buffer for a mapped stretch of a file of `size` bytes; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_mmap_alloc(mp: *mut nxt_mp_t, size: usize) -> *mut nxt_buf_t {
    guard("nxt_buf_mmap_alloc", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same; a new buffer is ours.
        unsafe {
            let b = allocate(mp, size_of::<nxt_buf_t>(), 0);
            if !b.is_null() {
                (*b).flags |= IS_FILE | IS_MMAP;
                // Until it is mapped, the difference of the two addresses is its size.
                (*b).mem.end = ptr::without_provenance_mut(size);
            }
            b
        }
    })
}

/// A mark in a chain; `flags` are of `NXT_BUF_SYNC_*`. NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_sync_alloc(
    mp: *mut nxt_mp_t,
    flags: nxt_uint_t,
) -> *mut nxt_buf_t {
    guard("nxt_buf_sync_alloc", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same; a new buffer is ours.
        unsafe {
            let b = allocate(mp, MEM_SIZE, 0);
            if !b.is_null() {
                (*b).flags |= IS_SYNC;
                for (flag, mark) in [
                    (NXT_BUF_SYNC_NOBUF, IS_NOBUF),
                    (NXT_BUF_SYNC_FLUSH, IS_FLUSH),
                    (NXT_BUF_SYNC_LAST, IS_LAST),
                ] {
                    if flags & flag != 0 {
                        (*b).flags |= mark;
                    }
                }
            }
            b
        }
    })
}

/// Appends a chain to another one.
///
/// # Safety
/// `head` is NULL or names a chain; `in` is NULL or another chain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_chain_add(head: *mut *mut nxt_buf_t, r#in: *mut nxt_buf_t) {
    guard("nxt_buf_chain_add", (), || {
        if head.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let mut place = head;
            while !place.read().is_null() {
                place = &raw mut (*place.read()).next;
            }
            place.write(r#in);
        }
    });
}

/// How many bytes the memory of a chain holds.
///
/// # Safety
/// `b` is NULL or a chain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_chain_length(b: *mut nxt_buf_t) -> usize {
    guard("nxt_buf_chain_length", 0, || {
        let (mut b, mut length) = (b, 0usize);
        while !b.is_null() {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe {
                if (*b).flags & IS_SYNC == 0 {
                    let mem = (*b).mem;
                    length = length.saturating_add(mem.free.addr().saturating_sub(mem.pos.addr()));
                }
                b = (*b).next;
            }
        }
        length
    })
}

/// Frees a chain of buffers, each into the pool it came from, and tells their parents.
unsafe extern "C" fn complete(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    guard("nxt_buf_completion", (), || {
        let mut b = obj.cast::<nxt_buf_t>();
        while !b.is_null() {
            // SAFETY: the handler belongs to buffers of `allocate`, which nobody uses any more.
            unsafe {
                let (next, parent, mp) = ((*b).next, (*b).parent, (*b).data);
                nxt_mp_free(mp.cast(), b.cast());
                nxt_buf_parent_completion(task, parent.cast());
                b = next;
            }
        }
    });
}

/// Gives up one hold on a buffer; without any it is complete.
///
/// # Safety
/// `task` is what the buffer's handler takes; `parent` is NULL or a buffer that is held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_parent_completion(task: *mut nxt_task_t, parent: *mut nxt_buf_t) {
    guard("nxt_buf_parent_completion", (), || {
        if parent.is_null() {
            return;
        }
        // SAFETY: checked above; the caller holds the parent, which is not used after its handler
        // has been called.
        unsafe {
            (*parent).retain = (*parent).retain.wrapping_sub(1);
            if (*parent).retain == 0 {
                (*parent).mem.pos = (*parent).mem.free;
                if let Some(handler) = (*parent).completion_handler {
                    handler(task, parent.cast(), (*parent).parent);
                }
            }
        }
    });
}

/// One buffer with the memory of a chain, at most `size` bytes, with 0 as many as there are; whole
/// buffers only. NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool; `src` is NULL or a chain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_make_plain(
    mp: *mut nxt_mp_t,
    src: *mut nxt_buf_t,
    size: usize,
) -> *mut nxt_buf_t {
    guard("nxt_buf_make_plain", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same; the new buffer has room for what is copied.
        unsafe {
            let size = if size == 0 {
                nxt_buf_chain_length(src)
            } else {
                size
            };
            let plain = nxt_buf_mem_alloc(mp, size, 0);
            if plain.is_null() {
                return plain;
            }
            let mut room = size;
            let mut b = src;
            while !b.is_null() {
                let mem = (*b).mem;
                let used = mem.free.addr().saturating_sub(mem.pos.addr());
                if used > room {
                    break;
                }
                if used > 0 {
                    (*plain).mem.free.copy_from_nonoverlapping(mem.pos, used);
                    (*plain).mem.free = (*plain).mem.free.add(used);
                    room -= used;
                }
                b = (*b).next;
            }
            plain
        }
    })
}
