//! The listening sockets of a runtime.

use std::ptr;

use crate::abi::array::nxt_array_t;
use crate::abi::engine::NXT_NONBLOCK;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::listen_socket::{NXT_LISTEN_BACKLOG, nxt_listen_socket_t};
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::sockaddr::nxt_sockaddr_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::base::log::Level;
use crate::capi::array::{nxt_array_remove, nxt_array_zero_add};
use crate::capi::c_string;
use crate::capi::conn::nxt_listen_event;
use crate::capi::guard;
use crate::capi::listen_socket::{
    nxt_listen_socket_create, nxt_listen_socket_remote_size, nxt_listen_socket_update,
};
use crate::capi::log::task_record;
use crate::capi::mp::nxt_mp_zalloc;
use crate::capi::sockaddr::{
    address_of, nxt_sockaddr_cmp, nxt_sockaddr_create, nxt_sockaddr_parse, nxt_sockaddr_text,
};
use crate::sys::published::make_folder;

/// Adds a listening socket to those of a runtime, not made yet, at a copy of the address. NULL when
/// there is no memory.
///
/// # Safety
/// `rt` is NULL or a runtime, `sa` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_listen_socket_add(
    rt: *mut nxt_runtime_t,
    sa: *mut nxt_sockaddr_t,
) -> *mut nxt_listen_socket_t {
    guard("nxt_runtime_listen_socket_add", ptr::null_mut(), || {
        if rt.is_null() || sa.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let sockets = (*rt).listen_sockets;
            let ls = nxt_array_zero_add(sockets).cast::<nxt_listen_socket_t>();
            if ls.is_null() {
                return ls;
            }
            let (length, text) = ((*sa).socklen.into(), (*sa).length.into());
            let from = (&raw mut (*sa).u).cast();
            let copy = nxt_sockaddr_create((*rt).mem_pool, from, length, text);
            if copy.is_null() {
                nxt_array_remove(sockets, ls.cast());
                return ptr::null_mut();
            }
            (*copy).r#type = (*sa).r#type;
            nxt_sockaddr_text(copy);
            (*ls).sockaddr = copy;
            (*ls).socket = -1;
            (*ls).backlog = NXT_LISTEN_BACKLOG;
            ls
        }
    })
}

/// The sockets of an array.
///
/// # Safety
/// `array` is NULL or an array of listening sockets.
unsafe fn sockets(array: *mut nxt_array_t) -> impl Iterator<Item = *mut nxt_listen_socket_t> {
    // SAFETY: NULL or valid, by the caller's promise.
    let (first, count) = unsafe {
        array.as_ref().map_or((ptr::null_mut(), 0), |array| {
            (array.elts.cast::<nxt_listen_socket_t>(), array.nelts)
        })
    };
    (0..count as usize).map(move |index| first.wrapping_add(index))
}

/// Makes the listening sockets of a runtime, or goes on with those that the program was started with.
///
/// # Safety
/// `task` is NULL or valid, `rt` is NULL or a runtime, its sockets have addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_listen_sockets_create(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
) -> nxt_int_t {
    guard("nxt_runtime_listen_sockets_create", NXT_ERROR, || {
        if rt.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            for ls in sockets((*rt).listen_sockets) {
                let inherited = sockets((*rt).inherited_sockets)
                    .find(|prev| nxt_sockaddr_cmp((*ls).sockaddr, (**prev).sockaddr) != 0);
                let made = match inherited {
                    Some(prev) => nxt_listen_socket_update(task, ls, prev),
                    None => nxt_listen_socket_create(task, (*rt).mem_pool, ls),
                };
                if made != NXT_OK {
                    return NXT_ERROR;
                }
            }
        }
        NXT_OK
    })
}

/// Has the engine of the calling thread accept connections at the listening sockets of a runtime that do
/// not wait.
///
/// # Safety
/// `task` is NULL or valid with the engine of its thread, `rt` is NULL or a runtime, whose sockets stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_listen_sockets_enable(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
) -> nxt_int_t {
    guard("nxt_runtime_listen_sockets_enable", NXT_ERROR, || {
        if rt.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            for ls in sockets((*rt).listen_sockets) {
                if (*ls).flags == NXT_NONBLOCK && nxt_listen_event(task, ls).is_null() {
                    return NXT_ERROR;
                }
            }
        }
        NXT_OK
    })
}

/// Makes the control socket at `rt->controller_listen`, or, if that is NULL, at the address `rt->control`
/// of the options.
///
/// # Safety
/// `task` is NULL or valid, `rt` is NULL or a runtime.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_controller_socket(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
) -> nxt_int_t {
    guard("nxt_runtime_controller_socket", NXT_ERROR, || {
        if rt.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise; the socket is ours until the runtime has it.
        unsafe {
            if (*rt).controller_listen.is_null() {
                (*rt).controller_listen = control_address(rt);
            }
            let Some(address) = address_of((*rt).controller_listen) else {
                task_record(task, Level::Alert, "the control socket has no address");
                return NXT_ERROR;
            };
            let ls = nxt_mp_zalloc((*rt).mem_pool, size_of::<nxt_listen_socket_t>())
                .cast::<nxt_listen_socket_t>();
            if ls.is_null() {
                return NXT_ERROR;
            }
            (*ls).socket = -1;
            (*ls).sockaddr = (*rt).controller_listen;
            (*ls).backlog = NXT_LISTEN_BACKLOG;
            (*ls).read_after_accept = 1;
            (*ls).flags = NXT_NONBLOCK;
            nxt_listen_socket_remote_size(ls);
            if let Some(path) = address.unix_path() {
                make_folder(path);
            }
            let made = nxt_listen_socket_create(task, (*rt).mem_pool, ls);
            if made == NXT_OK {
                (*rt).controller_socket = ls;
            }
            made
        }
    })
}

/// The address of the options.
///
/// # Safety
/// `rt` is a runtime.
unsafe fn control_address(rt: *mut nxt_runtime_t) -> *mut nxt_sockaddr_t {
    // SAFETY: by the caller's promise.
    unsafe {
        let text = c_string((*rt).control.cast());
        let mut text = crate::abi::string::nxt_str_t {
            length: text.len(),
            start: text.as_ptr().cast_mut(),
        };
        let sa = nxt_sockaddr_parse((*rt).mem_pool, &raw mut text);
        if !sa.is_null() {
            (*sa).r#type = libc::SOCK_STREAM as u8;
        }
        sa
    }
}
