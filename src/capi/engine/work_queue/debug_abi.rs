//! What queues have only in the debug ABI: a name, and a check that one thread alone uses them.

use libc::c_char;

use crate::abi::engine::nxt_event_engine_t;
use crate::abi::task::nxt_work_queue_t;
use crate::base::log::Level;
use crate::capi::engine::work_queues;
use crate::capi::globals::{self, nxt_pid};
use crate::capi::guard;
use crate::capi::log::thread_record;
use crate::capi::thread::nxt_thread_tid;

/// Ends the program, with an alert, if a queue is that of another thread of this process. The queue of
/// a process that forked is adopted.
///
/// # Safety
/// `wq` is a queue.
pub(super) unsafe fn check(wq: *mut nxt_work_queue_t) {
    // SAFETY: by the caller's promise; both states are the calling thread's and the program's own.
    unsafe {
        let queue = &mut *wq;
        let tid = nxt_thread_tid(globals::thread());
        if queue.tid == tid {
            return;
        }
        let pid = nxt_pid.get().read();
        if queue.tid == 0 || queue.pid != pid {
            queue.pid = pid;
            queue.tid = tid;
            return;
        }
        let owner = queue.tid;
        thread_record(
            Level::Alert,
            &format!("work queue locked by thread {owner}"),
        );
        std::process::abort();
    }
}

/// Gives a queue a name, for those who debug; only in the debug ABI.
///
/// # Safety
/// `wq` is NULL or a queue of the calling thread; `name` stays as long as the queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_work_queue_name(wq: *mut nxt_work_queue_t, name: *const c_char) {
    guard("nxt_work_queue_name", (), || {
        if wq.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            check(wq);
            (*wq).name = name;
        }
    });
}

/// Makes a queue that of the calling thread; only in the debug ABI.
///
/// # Safety
/// `wq` is NULL or a queue that no other thread uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_work_queue_thread_adopt(wq: *mut nxt_work_queue_t) {
    guard("nxt_work_queue_thread_adopt", (), || {
        // SAFETY: NULL or valid, by the caller's promise; the thread's state is its own.
        unsafe {
            if let Some(queue) = wq.as_mut() {
                queue.pid = nxt_pid.get().read();
                queue.tid = nxt_thread_tid(globals::thread());
            }
        }
    });
}

/// Makes all queues of an engine those of the calling thread; only in the debug ABI.
///
/// # Safety
/// `engine` is NULL or an engine that no other thread runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_event_engine_thread_adopt(engine: *mut nxt_event_engine_t) {
    guard("nxt_event_engine_thread_adopt", (), || {
        if engine.is_null() {
            return;
        }
        for queue in work_queues(engine) {
            // SAFETY: the queues are members of the engine, and by the caller's promise.
            unsafe { nxt_work_queue_thread_adopt(queue) };
        }
    });
}
