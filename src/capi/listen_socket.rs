//! `nxt_listen_socket.h`: listening sockets.

use std::ffi::CStr;
use std::os::fd::{IntoRawFd, OwnedFd};

use libc::{c_char, c_int};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, setsockopt, sockopt};

use crate::abi::array::nxt_mp_t;
use crate::abi::engine::NXT_NONBLOCK;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::listen_socket::nxt_listen_socket_t;
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::base::log::Level;
use crate::capi::guard;
use crate::capi::log::task_record;
use crate::capi::process::runtime_of;
use crate::capi::sockaddr::{INET_TEXT, INET6_TEXT, UNIX_HEAD, address_of};
use crate::sys::Errno;
use crate::sys::address::Address;
use crate::sys::listen;
use crate::sys::published::{Access, PublishError, failed, listen_at};

/// Who may connect to a socket file, unless the runtime says otherwise: its owner.
const OWNER: u32 = 0o600;

/// listen(2); what goes wrong is in the task's log.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_listen_socket(
    task: *mut nxt_task_t,
    s: c_int,
    backlog: c_int,
) -> nxt_int_t {
    guard("nxt_listen_socket", NXT_ERROR, || {
        // SAFETY: a plain call; the caller's promise is the same.
        unsafe {
            if libc::listen(s, backlog) == 0 {
                return NXT_OK;
            }
            let errno = Errno(nix::errno::Errno::last());
            let text = format!("listen({s}, {backlog}) failed {errno}");
            task_record(task, Level::Alert, &text);
            NXT_ERROR
        }
    })
}

/// Makes a socket as `ls` describes it, bound and listening, in `ls->socket`. A socket file gets mode
/// and owner as the runtime has them for the control socket, before others find it.
///
/// # Safety
/// `task` is NULL or valid; `ls` is NULL or valid, with an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_listen_socket_create(
    task: *mut nxt_task_t,
    mp: *mut nxt_mp_t,
    ls: *mut nxt_listen_socket_t,
) -> nxt_int_t {
    // The temporary name needs no memory of a pool.
    let _ = mp;
    guard("nxt_listen_socket_create", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise; the texts end with a NUL or are NULL.
        unsafe {
            let Some(listener) = ls.as_mut() else {
                return NXT_ERROR;
            };
            let Some(address) = address_of(listener.sockaddr) else {
                task_record(task, Level::Alert, "a listening socket has no address");
                return NXT_ERROR;
            };
            // Nothing but streams listens.
            if c_int::from((*listener.sockaddr).r#type) != libc::SOCK_STREAM {
                let errno = Errno(nix::errno::Errno::ESOCKTNOSUPPORT);
                let text = format!("socket(\"{address}\") failed {errno}");
                task_record(task, Level::Alert, &text);
                return NXT_ERROR;
            }
            match create(listener, &address, &access_of(runtime_of(task))) {
                Ok(socket) => {
                    listener.socket = socket.into_raw_fd();
                    NXT_OK
                }
                Err(error) => {
                    task_record(task, Level::Alert, &error.to_string());
                    NXT_ERROR
                }
            }
        }
    })
}

/// What the runtime says of the control socket.
///
/// # Safety
/// `rt` is NULL or a runtime, its texts end with a NUL or are NULL.
unsafe fn access_of<'a>(rt: *const nxt_runtime_t) -> Access<'a> {
    // SAFETY: by the caller's promise.
    unsafe {
        let text = |text: *const c_char| {
            let text = (!text.is_null()).then(|| CStr::from_ptr(text))?;
            text.to_str().ok().filter(|text| !text.is_empty())
        };
        match rt.as_ref() {
            Some(rt) => Access {
                mode: match rt.control_mode {
                    0 => OWNER,
                    mode => mode,
                },
                user: text(rt.control_user),
                group: text(rt.control_group),
            },
            None => Access {
                mode: OWNER,
                user: None,
                group: None,
            },
        }
    }
}

fn create(
    ls: &nxt_listen_socket_t,
    address: &Address,
    access: &Access<'_>,
) -> Result<OwnedFd, PublishError> {
    let family = address.family();
    let inet = family != AddressFamily::Unix;
    let system = |call| {
        let build = failed(call, address);
        move |errno: nix::errno::Errno| build(errno.into())
    };
    let fd = listen::stream_socket(family).map_err(system("socket"))?;
    if inet {
        setsockopt(&fd, sockopt::ReuseAddr, &true).map_err(system("setsockopt"))?;
    }
    if family == AddressFamily::Inet6 && ls.ipv6only != 0 {
        setsockopt(&fd, sockopt::Ipv6V6Only, &(ls.ipv6only == 1)).map_err(system("setsockopt"))?;
    }
    if inet && ls.read_after_accept != 0 {
        listen::defer_accept(&fd).map_err(system("setsockopt"))?;
    }
    if ls.flags & NXT_NONBLOCK == 0 {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::empty())).map_err(system("fcntl"))?;
    }
    listen_at(&fd, address, ls.backlog, access)?;
    Ok(fd)
}

/// Goes on with the socket of another program or configuration, with the backlog of `ls`.
///
/// # Safety
/// `task` is NULL or valid, `ls` and `prev` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_listen_socket_update(
    task: *mut nxt_task_t,
    ls: *mut nxt_listen_socket_t,
    prev: *mut nxt_listen_socket_t,
) -> nxt_int_t {
    guard("nxt_listen_socket_update", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let (Some(ls), Some(prev)) = (ls.as_mut(), prev.as_ref()) else {
                return NXT_ERROR;
            };
            ls.socket = prev.socket;
            nxt_listen_socket(task, ls.socket, ls.backlog)
        }
    })
}

/// Notes how much the address of a client and its text need.
///
/// # Safety
/// `ls` is NULL or valid, its address is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_listen_socket_remote_size(ls: *mut nxt_listen_socket_t) {
    guard("nxt_listen_socket_remote_size", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(ls) = ls.as_mut() else {
                return;
            };
            let family = address_of(ls.sockaddr).map(|address| address.family());
            let (socklen, text) = match family {
                Some(AddressFamily::Inet6) => (size_of::<libc::sockaddr_in6>(), INET6_TEXT),
                // Clients have no names.
                Some(AddressFamily::Unix) => (UNIX_HEAD + 1, "unix:".len()),
                _ => (size_of::<libc::sockaddr_in>(), INET_TEXT),
            };
            (ls.socklen, ls.address_length) = (socklen as u8, text as u8);
        }
    });
}
