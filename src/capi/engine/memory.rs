//! Memory of an engine (`nxt_event_engine.h`): pieces of few sizes that are used again.

use std::mem::offset_of;
use std::ptr;

use libc::c_void;

use crate::abi::buf::nxt_buf_t;
use crate::abi::engine::{NXT_EVENT_ENGINE_NO_MEM_HINT, nxt_event_engine_t};
use crate::abi::task::nxt_task_t;
use crate::capi::array::{nxt_array_add, nxt_array_create};
use crate::capi::buf::nxt_buf_parent_completion;
use crate::capi::guard;
use crate::capi::mp::{nxt_mp_alloc, nxt_mp_free};

/// Pieces of one size that were given back.
#[repr(C)]
struct Class {
    free: *mut *mut c_void,
    size: u32,
    count: u32,
}

/// Size classes at first.
const CLASSES: u32 = 5;
/// Pieces of a size that are kept.
const KEPT: u32 = 16;
/// The size of a buffer without a file.
const MEM_SIZE: usize = offset_of!(nxt_buf_t, file);

/// The class of a size or of a hint; `None` if there is none.
///
/// # Safety
/// `engine` is an engine.
unsafe fn class(
    engine: *mut nxt_event_engine_t,
    hint: u8,
    size: usize,
) -> Option<(usize, *mut Class)> {
    // SAFETY: the array's elements are classes.
    unsafe {
        let cache = (*engine).mem_cache.as_ref()?;
        let classes = cache.elts.cast::<Class>();
        let count = cache.nelts as usize;
        let index = if hint == NXT_EVENT_ENGINE_NO_MEM_HINT {
            (0..count).find(|index| (*classes.add(*index)).size as usize == size)?
        } else {
            Some(usize::from(hint)).filter(|index| *index < count)?
        };
        Some((index, classes.add(index)))
    }
}

/// A piece of memory; `hint` is set to the class of its size. NULL when there is none.
///
/// # Safety
/// `engine` is NULL or an engine of the calling thread with a pool, `hint` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_mem_alloc(
    engine: *mut nxt_event_engine_t,
    hint: *mut u8,
    size: usize,
) -> *mut c_void {
    guard("nxt_event_engine_mem_alloc", ptr::null_mut(), || {
        if engine.is_null() || hint.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise; a piece that was given back begins with
        // the address of the next one.
        unsafe {
            let pool = (*engine).mem_pool;
            let least = size.max(size_of::<*mut c_void>());
            if (*engine).mem_cache.is_null() {
                (*engine).mem_cache = nxt_array_create(pool, CLASSES, size_of::<Class>());
            }
            let (index, class) = match class(engine, hint.read(), size) {
                Some(found) => found,
                None => {
                    let new = nxt_array_add((*engine).mem_cache).cast::<Class>();
                    let Ok(size) = u32::try_from(size) else {
                        return ptr::null_mut();
                    };
                    if new.is_null() {
                        return ptr::null_mut();
                    }
                    new.write(Class {
                        free: ptr::null_mut(),
                        size,
                        count: 0,
                    });
                    ((*(*engine).mem_cache).nelts as usize - 1, new)
                }
            };
            if index < usize::from(NXT_EVENT_ENGINE_NO_MEM_HINT) {
                hint.write(index as u8);
            }
            let piece = (*class).free;
            if piece.is_null() {
                return nxt_mp_alloc(pool, least);
            }
            (*class).free = piece.read().cast();
            (*class).count -= 1;
            piece.cast()
        }
    })
}

/// Gives a piece back.
///
/// # Safety
/// `engine` is NULL or the engine of the piece; `hint` and `size` are those of the piece.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_mem_free(
    engine: *mut nxt_event_engine_t,
    hint: u8,
    p: *mut c_void,
    size: usize,
) {
    guard("nxt_event_engine_mem_free", (), || {
        if engine.is_null() || p.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            match class(engine, hint, size) {
                Some((_, class)) if (*class).count < KEPT => {
                    let piece = p.cast::<*mut c_void>();
                    piece.write((*class).free.cast());
                    (*class).free = piece;
                    (*class).count += 1;
                }
                _ => nxt_mp_free((*engine).mem_pool, p),
            }
        }
    });
}

/// A buffer with `size` bytes of memory; NULL when there is none.
///
/// # Safety
/// `engine` is NULL or an engine of the calling thread with a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_buf_mem_alloc(
    engine: *mut nxt_event_engine_t,
    size: usize,
) -> *mut c_void {
    guard("nxt_event_engine_buf_mem_alloc", ptr::null_mut(), || {
        let Some(whole) = size.checked_add(MEM_SIZE) else {
            return ptr::null_mut();
        };
        let mut hint = NXT_EVENT_ENGINE_NO_MEM_HINT;
        // SAFETY: the caller's promise is the same; a new buffer is ours.
        unsafe {
            let b = nxt_event_engine_mem_alloc(engine, &raw mut hint, whole).cast::<nxt_buf_t>();
            if b.is_null() {
                return ptr::null_mut();
            }
            b.cast::<u8>().write_bytes(0, MEM_SIZE);
            (*b).cache_hint = hint;
            (*b).data = engine.cast();
            (*b).completion_handler = Some(nxt_event_engine_buf_mem_completion);
            if size != 0 {
                let start = b.cast::<u8>().add(MEM_SIZE);
                (*b).mem.start = start;
                (*b).mem.pos = start;
                (*b).mem.free = start;
                (*b).mem.end = start.add(size);
            }
            b.cast()
        }
    })
}

/// Gives a buffer back.
///
/// # Safety
/// `engine` is NULL or the engine of the buffer, `b` is NULL or such a buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_buf_mem_free(
    engine: *mut nxt_event_engine_t,
    b: *mut nxt_buf_t,
) {
    if b.is_null() {
        return;
    }
    // SAFETY: not NULL, and by the caller's promise.
    unsafe {
        let size = (*b).mem.end.addr().saturating_sub((*b).mem.start.addr());
        nxt_event_engine_mem_free(engine, (*b).cache_hint, b.cast(), size + MEM_SIZE);
    }
}

/// Gives a chain of buffers back, and tells their parents.
///
/// # Safety
/// `obj` is NULL or a chain of buffers of [`nxt_event_engine_buf_mem_alloc`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_buf_mem_completion(
    task: *mut nxt_task_t,
    obj: *mut c_void,
    data: *mut c_void,
) {
    let _ = data;
    let mut b = obj.cast::<nxt_buf_t>();
    while !b.is_null() {
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let (next, parent, engine) = ((*b).next, (*b).parent, (*b).data);
            nxt_event_engine_buf_mem_free(engine.cast(), b);
            nxt_buf_parent_completion(task, parent.cast());
            b = next;
        }
    }
}
