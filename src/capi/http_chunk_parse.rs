//! `nxt_http_chunk_parse` of `nxt_http_parse.h`: the decoder of chunked bodies, on chains of buffers.

use std::ptr;

use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::buf::{nxt_buf_mem_t, nxt_buf_t};
use crate::abi::http_parse::nxt_http_chunk_parse_t;
use crate::abi::task::nxt_task_t;
use crate::capi::buf::{nxt_buf_mem_alloc, nxt_buf_parent_completion};
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::mp::{nxt_mp_free, nxt_mp_release, nxt_mp_retain};
use crate::capi::port::own_engine;
use crate::capi::{bytes, guard};
use crate::http::chunked::{BadChunk, ChunkedDecoder, Decoded};

/// How the walk through a chain ended.
enum Outcome {
    /// All buffers are used up.
    Partial,
    /// The body is complete. What comes after it stays in its buffer.
    End,
    Malformed,
    NoMemory,
}

/// Takes the chunks' lines out of a chain of buffers. The answer is a chain of new buffers, each with
/// a stretch of the memory of one of `in`, which it holds until it is complete. A buffer without
/// any data is completed.
///
/// `hcp` has to be zero but for its pool at the start of a body. `last` says that the last chunk was
/// met, `chunk_error` that the body is malformed, `error` that there is no memory; the answer is what
/// was found before.
///
/// # Safety
/// `task` is NULL or valid, with the engine of its thread; `hcp` is NULL or has a pool; `in` is NULL
/// or a chain of memory buffers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_chunk_parse(
    task: *mut nxt_task_t,
    hcp: *mut nxt_http_chunk_parse_t,
    r#in: *mut nxt_buf_t,
) -> *mut nxt_buf_t {
    let mut out = ptr::null_mut();
    let found = &raw mut out;
    guard("nxt_http_chunk_parse", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        let Some(hcp) = (unsafe { hcp.as_mut() }) else {
            return;
        };
        let progress = (hcp.state, hcp.chunk_size);
        let Some(mut decoder) = ChunkedDecoder::resume(progress) else {
            hcp.chunk_error = 1;
            return;
        };
        // SAFETY: the caller's promise is the same, and `out` outlives the call.
        let outcome = unsafe { decode_chain(task, hcp, &mut decoder, r#in, found) };
        (hcp.state, hcp.chunk_size) = decoder.progress();
        match outcome {
            Outcome::Partial => hcp.last = decoder.is_in_trailer().into(),
            Outcome::End => hcp.last = 1,
            Outcome::Malformed => hcp.chunk_error = 1,
            Outcome::NoMemory => hcp.error = 1,
        }
    });
    out
}

/// # Safety
/// As [`nxt_http_chunk_parse`]; the new buffers are linked from `tail` on.
unsafe fn decode_chain(
    task: *mut nxt_task_t,
    hcp: &nxt_http_chunk_parse_t,
    decoder: &mut ChunkedDecoder,
    chain: *mut nxt_buf_t,
    mut tail: *mut *mut nxt_buf_t,
) -> Outcome {
    let mut b = chain;
    while !b.is_null() {
        // SAFETY: not NULL, and by the caller's promise; a buffer that was completed is not read.
        unsafe {
            let mem = (*b).mem;
            let length = mem.free.addr().saturating_sub(mem.pos.addr());
            let mut input = bytes(mem.pos, length);
            loop {
                let decoded = decoder.decode(&mut input);
                (*b).mem.pos = mem.free.wrapping_sub(input.len());
                match decoded {
                    Ok(Decoded::Data(data)) => {
                        let Some(piece) = piece_of(b, data, hcp.mem_pool) else {
                            return Outcome::NoMemory;
                        };
                        tail.write(piece);
                        tail = &raw mut (*piece).next;
                        if input.is_empty() {
                            // Data up to the end is read when its piece is complete.
                            (*b).mem.pos = (*piece).mem.pos;
                            break;
                        }
                    }
                    Ok(Decoded::Partial) => break,
                    Ok(Decoded::End) => return Outcome::End,
                    Err(BadChunk) => return Outcome::Malformed,
                }
            }
            let next = (*b).next;
            (*b).next = ptr::null_mut();
            if (*b).retain == 0 {
                let engine = own_engine(task);
                if !engine.is_null() {
                    let queue = &raw mut (*engine).fast_work_queue;
                    let handler = (*b).completion_handler;
                    nxt_work_queue_add(queue, handler, task, b.cast(), (*b).parent);
                }
            }
            b = next;
        }
    }
    Outcome::Partial
}

/// A buffer with a stretch of the memory of `b`, which it holds, as it holds its pool. `None` when
/// there is no memory.
///
/// # Safety
/// `b` is valid, `data` is of its memory; `pool` is NULL or a pool.
unsafe fn piece_of(b: *mut nxt_buf_t, data: &[u8], pool: *mut nxt_mp_t) -> Option<*mut nxt_buf_t> {
    // SAFETY: by the caller's promise; a new buffer is ours.
    unsafe {
        let piece = nxt_buf_mem_alloc(pool, 0, 0);
        if piece.is_null() {
            return None;
        }
        nxt_mp_retain(pool);
        (*b).retain = (*b).retain.wrapping_add(1);
        (*piece).parent = b.cast();
        (*piece).completion_handler = Some(complete);
        let start = data.as_ptr().cast_mut();
        (*piece).mem = nxt_buf_mem_t {
            pos: start,
            free: start.wrapping_add(data.len()),
            start,
            end: start.wrapping_add(data.len()),
        };
        Some(piece)
    }
}

/// Frees a chain of such pieces, and gives up their holds.
unsafe extern "C" fn complete(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    guard("nxt_http_chunk_completion", (), || {
        let mut b = obj.cast::<nxt_buf_t>();
        while !b.is_null() {
            // SAFETY: the handler belongs to buffers of this file, which nobody uses any more.
            unsafe {
                let (next, parent, pool) = ((*b).next, (*b).parent, (*b).data.cast());
                nxt_mp_free(pool, b.cast());
                nxt_mp_release(pool);
                nxt_buf_parent_completion(task, parent.cast());
                b = next;
            }
        }
    });
}
