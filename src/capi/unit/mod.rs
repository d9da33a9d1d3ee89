//! `nxt_unit.h`: the library for applications. The logic is in `libunit/`.
//!
//! Here are the library, its contexts, its memory and its log; the functions on requests, responses
//! and WebSockets have a file each. `nxt_unit_log` and `nxt_unit_req_log` are variadic and defined
//! in `unit_variadic.c`.
//!
//! A null object is refused with the function's error value, where there is one.

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use super::{bytes, guard};
use crate::abi::unit::*;
use crate::libunit::{self, Context, Failed, Request};

pub mod request;
pub mod response;
pub mod websocket;

/// The room at `start`; none if it is null.
///
/// # Safety
/// `start` is null or points at `size` writable bytes that only this call uses.
unsafe fn room<'a>(start: *mut c_void, size: usize) -> &'a mut [MaybeUninit<u8>] {
    if start.is_null() || size > isize::MAX as usize {
        return &mut [];
    }
    // SAFETY: not NULL, and by the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(start.cast(), size) }
}

/// What `call` answers for a context; `failed` if that is NULL, or after a panic.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
unsafe fn with_context<T: Copy>(
    function: &'static str,
    ctx: *mut nxt_unit_ctx_t,
    failed: T,
    call: impl FnOnce(&Context) -> T,
) -> T {
    guard(function, failed, || {
        // SAFETY: the caller's promise is the same.
        unsafe { Context::from_ptr(ctx) }.map_or(failed, call)
    })
}

/// What `call` answers for a request; `failed` if that is NULL, or after a panic.
///
/// # Safety
/// `req` is null or a request of this library that is in the caller's hands.
unsafe fn with_request<T: Copy>(
    function: &'static str,
    req: *mut nxt_unit_request_info_t,
    failed: T,
    call: impl FnOnce(&Request) -> T,
) -> T {
    guard(function, failed, || {
        // SAFETY: the caller's promise is the same.
        unsafe { Request::from_ptr(req) }.map_or(failed, call)
    })
}

/// Starts the library and says to the daemon that the process is ready. NULL on error.
///
/// # Safety
/// `init` is null or points at a filled structure; the descriptors it names, or those that the
/// environment names, belong to the library from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_init(init: *mut nxt_unit_init_t) -> *mut nxt_unit_ctx_t {
    guard("nxt_unit_init", null_mut(), || {
        // SAFETY: `init` is NULL or a filled structure, and the descriptors are the library's from
        // now on: both are what the caller promises.
        let context = unsafe {
            init.as_ref()
                .ok_or(Failed)
                .and_then(|init| libunit::init(init))
        };
        context.map_or(null_mut(), |ctx| ctx.as_ptr())
    })
}

/// Processes messages until the context shall quit.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run(ctx: *mut nxt_unit_ctx_t) -> c_int {
    // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
    unsafe { with_context("nxt_unit_run", ctx, NXT_UNIT_ERROR, |ctx| ctx.run()) }
}

/// Processes the messages of the context's own port until it shall quit.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run_ctx(ctx: *mut nxt_unit_ctx_t) -> c_int {
    // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
    unsafe { with_context("nxt_unit_run_ctx", ctx, NXT_UNIT_ERROR, |ctx| ctx.run_own()) }
}

/// Processes requests of the application's shared port as long as the context takes them.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run_shared(ctx: *mut nxt_unit_ctx_t) -> c_int {
    // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
    unsafe {
        with_context("nxt_unit_run_shared", ctx, NXT_UNIT_ERROR, |ctx| {
            ctx.run_shared()
        })
    }
}

/// Waits for one message and processes it.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_run_once(ctx: *mut nxt_unit_ctx_t) -> c_int {
    // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
    unsafe {
        with_context("nxt_unit_run_once", ctx, NXT_UNIT_ERROR, |ctx| {
            ctx.run_once()
        })
    }
}

/// Takes a request from the application's queue without waiting; NULL if there is none.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_dequeue_request(
    ctx: *mut nxt_unit_ctx_t,
) -> *mut nxt_unit_request_info_t {
    // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
    unsafe {
        with_context("nxt_unit_dequeue_request", ctx, null_mut(), |ctx| {
            ctx.dequeue().map_or(null_mut(), Request::as_ptr)
        })
    }
}

/// Receives and processes one message of a port that is readable.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_process_port_msg(
    ctx: *mut nxt_unit_ctx_t,
    port: *mut nxt_unit_port_t,
) -> c_int {
    // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
    unsafe {
        with_context("nxt_unit_process_port_msg", ctx, NXT_UNIT_ERROR, |ctx| {
            ctx.process_port(port)
        })
    }
}

/// Gives up the context; the last one ends the library.
///
/// # Safety
/// `ctx` is null or a context of this library, which the caller does not use after this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_done(ctx: *mut nxt_unit_ctx_t) {
    // SAFETY: `ctx` is NULL or a context, which the caller does not use after this.
    unsafe { with_context("nxt_unit_done", ctx, (), |ctx| Context::release(ctx)) }
}

/// Makes a context for another thread. NULL on error.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_ctx_alloc(
    ctx: *mut nxt_unit_ctx_t,
    data: *mut c_void,
) -> *mut nxt_unit_ctx_t {
    // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
    unsafe {
        with_context("nxt_unit_ctx_alloc", ctx, null_mut(), |ctx| {
            ctx.create_sibling(data)
                .map_or(null_mut(), |new| new.as_ptr())
        })
    }
}

/// Names a port, with the hash of the name.
///
/// # Safety
/// `port_id` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_port_id_init(
    port_id: *mut nxt_unit_port_id_t,
    pid: libc::pid_t,
    id: u16,
) {
    guard("nxt_unit_port_id_init", (), || {
        if !port_id.is_null() {
            // SAFETY: not NULL, so there is room for it, as the caller promises.
            unsafe { port_id.write(libunit::port_id(pid, id)) };
        }
    })
}

/// `malloc()`, which logs a failure.
///
/// # Safety
/// `ctx` is null or a context of this library that is not done with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_malloc(ctx: *mut nxt_unit_ctx_t, size: usize) -> *mut c_void {
    // SAFETY: malloc has no preconditions.
    let memory = unsafe { libc::malloc(size) };
    if memory.is_null() {
        guard("nxt_unit_malloc", (), || {
            // SAFETY: `ctx` is NULL or a context that is in use, which the caller promises.
            let lib = unsafe { Context::from_ptr(ctx) }.map(Context::library_ref);
            libunit::write_log(
                lib,
                NXT_UNIT_LOG_ALERT,
                None,
                format_args!("malloc({size}) failed"),
            );
        });
    }
    memory
}

/// `free()`.
///
/// # Safety
/// `p` is null or came from `nxt_unit_malloc()` or another function of the C library's heap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_free(_ctx: *mut nxt_unit_ctx_t, p: *mut c_void) {
    // SAFETY: NULL, or memory of the C library's heap that the caller gives up.
    unsafe { libc::free(p) };
}

/// The second half of `nxt_unit_log()`.
///
/// # Safety
/// `ctx` is null or a context of this library; `text` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_log_text(
    ctx: *mut nxt_unit_ctx_t,
    level: c_int,
    text: *const c_char,
    length: usize,
) {
    guard("nxt_unit_log", (), || {
        // SAFETY: the shim passes on the context of its caller, and the text that it has formatted.
        let (lib, text) = unsafe {
            (
                Context::from_ptr(ctx).map(Context::library_ref),
                bytes(text.cast(), length),
            )
        };
        libunit::write_log_bytes(lib, level, None, text);
    })
}

/// The second half of `nxt_unit_req_log()`.
///
/// # Safety
/// `req` is null or a request of this library; `text` points at so many readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_unit_req_log_text(
    req: *mut nxt_unit_request_info_t,
    level: c_int,
    text: *const c_char,
    length: usize,
) {
    guard("nxt_unit_req_log", (), || {
        // SAFETY: the shim passes on the request of its caller, and the text that it has formatted.
        let (req, text) = unsafe { (Request::from_ptr(req), bytes(text.cast(), length)) };
        let lib = req.map(|req| req.context().library_ref());
        libunit::write_log_bytes(lib, level, req.map(Request::stream), text);
    })
}
