//! `nxt_port_hash.h`: ports by process and number.

use std::ptr;

use libc::c_void;

use crate::abi::errno::{NXT_DECLINED, NXT_ERROR, NXT_OK};
use crate::abi::lvlhsh::{nxt_lvlhsh_proto_t, nxt_lvlhsh_query_t, nxt_lvlhsh_t};
use crate::abi::port::{nxt_port_id_t, nxt_port_t};
use crate::abi::types::{nxt_int_t, nxt_pid_t};
use crate::capi::globals::Global;
use crate::capi::guard;
use crate::capi::lvlhsh::{
    default_proto, nxt_lvlhsh_delete, nxt_lvlhsh_find, nxt_lvlhsh_insert, nxt_lvlhsh_retrieve,
    query_of,
};

/// What a port is found by, without bytes between.
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Key {
    pid: nxt_pid_t,
    id: nxt_port_id_t,
}

static PROTO: Global<nxt_lvlhsh_proto_t> = Global::new(default_proto(is_port));

/// Whether an entry is the port of a key.
unsafe extern "C" fn is_port(query: *mut nxt_lvlhsh_query_t, data: *mut c_void) -> nxt_int_t {
    // SAFETY: the queries are those of this file, and the entries are ports.
    unsafe {
        let key = (*query).key.start.cast::<Key>().read_unaligned();
        let port = data.cast::<nxt_port_t>();
        if (key.pid, key.id) == ((*port).pid, (*port).id) {
            NXT_OK
        } else {
            NXT_DECLINED
        }
    }
}

/// Runs a query for a port.
fn with_query<T>(key: Key, body: impl FnOnce(&mut nxt_lvlhsh_query_t) -> T) -> T {
    let mut bytes = [0; 6];
    bytes[..4].copy_from_slice(&{ key.pid }.to_ne_bytes());
    bytes[4..].copy_from_slice(&{ key.id }.to_ne_bytes());
    body(&mut query_of(&mut bytes, PROTO.get()))
}

/// Adds a port; `NXT_ERROR` if there is one of its process and number already, or no memory.
///
/// # Safety
/// Both are NULL or valid; the port stays as long as it is in the hash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_hash_add(
    port_hash: *mut nxt_lvlhsh_t,
    port: *mut nxt_port_t,
) -> nxt_int_t {
    guard("nxt_port_hash_add", NXT_ERROR, || {
        if port_hash.is_null() || port.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: both are checked above; the caller promises that the port stays as long as the
        // hash has it, so the entries that a query compares are ports.
        unsafe {
            let key = Key {
                pid: (*port).pid,
                id: (*port).id,
            };
            with_query(key, |query| {
                query.value = port.cast();
                match nxt_lvlhsh_insert(port_hash, query) {
                    NXT_OK => NXT_OK,
                    _ => NXT_ERROR,
                }
            })
        }
    })
}

/// Removes a port; `NXT_ERROR` if it is not there.
///
/// # Safety
/// Both are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_hash_remove(
    port_hash: *mut nxt_lvlhsh_t,
    port: *mut nxt_port_t,
) -> nxt_int_t {
    guard("nxt_port_hash_remove", NXT_ERROR, || {
        // SAFETY: the port is checked here, and the hash by the search; its entries are ports that
        // are alive.
        unsafe {
            if port.is_null() || nxt_port_hash_find(port_hash, (*port).pid, (*port).id) != port {
                return NXT_ERROR;
            }
            let key = Key {
                pid: (*port).pid,
                id: (*port).id,
            };
            with_query(key, |query| match nxt_lvlhsh_delete(port_hash, query) {
                NXT_OK => NXT_OK,
                _ => NXT_ERROR,
            })
        }
    })
}

/// The port of a process and a number; NULL if it is not there.
///
/// # Safety
/// `port_hash` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_hash_find(
    port_hash: *mut nxt_lvlhsh_t,
    pid: nxt_pid_t,
    port_id: nxt_port_id_t,
) -> *mut nxt_port_t {
    guard("nxt_port_hash_find", ptr::null_mut(), || {
        if port_hash.is_null() {
            return ptr::null_mut();
        }
        let key = Key { pid, id: port_id };
        with_query(key, |query| {
            // SAFETY: not NULL, and by the caller's promise.
            match unsafe { nxt_lvlhsh_find(port_hash, query) } {
                NXT_OK => query.value.cast(),
                _ => ptr::null_mut(),
            }
        })
    })
}

/// Removes any port and answers it; NULL of an empty hash.
///
/// # Safety
/// `port_hash` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_hash_retrieve(port_hash: *mut nxt_lvlhsh_t) -> *mut nxt_port_t {
    guard("nxt_port_hash_retrieve", ptr::null_mut(), || {
        if port_hash.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise; all entries are ports.
        unsafe { nxt_lvlhsh_retrieve(port_hash, PROTO.get(), ptr::null_mut()).cast() }
    })
}
