//! Buffers of `nxt_buf.h` that may be done with on another thread than their engine's.

use std::mem::offset_of;
use std::ptr;

use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::buf::nxt_buf_t;
use crate::abi::engine::nxt_event_engine_t;
use crate::abi::task::{nxt_task_t, nxt_work_t};
use crate::abi::types::nxt_int_t;
use crate::capi::buf::nxt_buf_parent_completion;
use crate::capi::engine::nxt_event_engine_post;
use crate::capi::guard;
use crate::capi::mp::{nxt_mp_alloc, nxt_mp_free, nxt_mp_release, nxt_mp_retain};
use crate::capi::port::own_engine;

/// The size of a buffer without a file.
const MEM_SIZE: usize = offset_of!(nxt_buf_t, file);
/// `thread_flags`: it may be.
const IS_TS: u8 = 1;

/// What follows the buffer: how it gets home.
#[repr(C)]
struct Home {
    work: nxt_work_t,
    engine: *mut nxt_event_engine_t,
}

/// A buffer with `size` bytes of memory that any thread may complete. It holds its pool. NULL when
/// there is no memory.
///
/// # Safety
/// `task` is NULL or valid, of the thread that the pool belongs to; `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_mem_ts_alloc(
    task: *mut nxt_task_t,
    mp: *mut nxt_mp_t,
    size: usize,
) -> *mut nxt_buf_t {
    guard("nxt_buf_mem_ts_alloc", ptr::null_mut(), || {
        const HEAD: usize = MEM_SIZE + size_of::<Home>();
        let (false, Some(whole)) = (task.is_null() || mp.is_null(), size.checked_add(HEAD)) else {
            return ptr::null_mut();
        };
        // SAFETY: not NULL, and by the caller's promise; what is written lies within the memory.
        unsafe {
            let b = nxt_mp_alloc(mp, whole).cast::<nxt_buf_t>();
            if b.is_null() {
                return b;
            }
            nxt_mp_retain(mp);
            b.cast::<u8>().write_bytes(0, HEAD);
            (*b).data = mp.cast();
            (*b).completion_handler = Some(complete);
            (*b).thread_flags = IS_TS;
            if size != 0 {
                let start = b.cast::<u8>().add(HEAD);
                (*b).mem.start = start;
                (*b).mem.pos = start;
                (*b).mem.free = start;
                (*b).mem.end = start.add(size);
            }
            home(b).write(Home {
                work: nxt_work_t {
                    next: ptr::null_mut(),
                    handler: Some(complete),
                    task,
                    obj: b.cast(),
                    data: ptr::null_mut(),
                },
                engine: own_engine(task),
            });
            b
        }
    })
}

fn home(b: *mut nxt_buf_t) -> *mut Home {
    b.cast::<u8>().wrapping_add(MEM_SIZE).cast()
}

/// Sends a buffer home, if this is another engine than its own: 1 then, and its completion handler
/// is called there; else 0.
///
/// # Safety
/// `task` is NULL or valid, `obj` is NULL or a buffer of [`nxt_buf_mem_ts_alloc`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_buf_ts_handle(
    task: *mut nxt_task_t,
    obj: *mut c_void,
    data: *mut c_void,
) -> nxt_int_t {
    guard("nxt_buf_ts_handle", 0, || {
        let b = obj.cast::<nxt_buf_t>();
        // SAFETY: all are checked here; a buffer with this flag has a home, and is only used by the
        // thread that has it.
        unsafe {
            if task.is_null() || b.is_null() || (*b).thread_flags & IS_TS == 0 {
                return 0;
            }
            let home = home(b);
            let engine = (*home).engine;
            if engine.is_null() || engine == own_engine(task) {
                return 0;
            }
            (*home).work.handler = (*b).completion_handler;
            (*home).work.obj = obj;
            (*home).work.data = data;
            // The sender's task is of another thread.
            (*home).work.task = &raw mut (*engine).task;
            nxt_event_engine_post(engine, &raw mut (*home).work);
            1
        }
    })
}

/// Frees a chain of such buffers, each into the pool it came from, and tells their parents.
unsafe extern "C" fn complete(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    guard("nxt_buf_ts_completion", (), || {
        // SAFETY: the handler belongs to buffers of this file, which nobody uses any more.
        unsafe {
            if nxt_buf_ts_handle(task, obj, data) != 0 {
                return;
            }
            let mut b = obj.cast::<nxt_buf_t>();
            while !b.is_null() {
                let (next, parent, pool) = ((*b).next, (*b).parent, (*b).data.cast());
                nxt_mp_free(pool, b.cast());
                nxt_mp_release(pool);
                nxt_buf_parent_completion(task, parent.cast());
                b = next;
            }
        }
    });
}
