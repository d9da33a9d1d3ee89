//! `nxt_lvlhsh.h`: the level hash of C callers.

use libc::c_void;

use crate::abi::errno::{NXT_DECLINED, NXT_ERROR, NXT_OK};
use crate::abi::lvlhsh::{nxt_lvlhsh_each_t, nxt_lvlhsh_proto_t, nxt_lvlhsh_query_t, nxt_lvlhsh_t};
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_int_t;
use crate::base::murmur::hash2;
use crate::capi::{guard, malloc};

mod node;
mod shape;
mod trie;
mod walk;

use shape::Shape;
use trie::{Inserted, Trie};

/// The trie and the shape that a call names, or nothing if a pointer that it needs is NULL.
///
/// # Safety
/// Each pointer is NULL or valid; the root was zero at first and since then only changed by these
/// functions with the same prototype.
#[inline]
unsafe fn open<'a>(
    lh: *mut nxt_lvlhsh_t,
    proto: *const nxt_lvlhsh_proto_t,
    pool: *mut c_void,
) -> Option<(Trie, Shape<'a>)> {
    // SAFETY: NULL or valid, by the caller's promise; the prototype is constant.
    let shape = Shape::new(unsafe { proto.as_ref() }?, pool)?;
    // SAFETY: the caller's promise about the root is that of `Trie::new`.
    (!lh.is_null()).then(|| (unsafe { Trie::new(&raw mut (*lh).slot) }, shape))
}

/// As [`open`], for a query.
///
/// # Safety
/// As [`open`]; the query is NULL or initialised.
unsafe fn open_query<'a>(
    lh: *mut nxt_lvlhsh_t,
    lhq: *mut nxt_lvlhsh_query_t,
) -> Option<(Trie, Shape<'a>)> {
    if lhq.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller's promise covers the rest.
    unsafe { open(lh, (*lhq).proto, (*lhq).pool) }
}

/// The entry that the query's key names, or NULL, with a prototype that the compiler knows: its
/// callback is not called through a pointer then.
///
/// # Safety
/// As [`nxt_lvlhsh_find`] with this prototype.
#[inline(always)]
pub(crate) unsafe fn find_as(
    lh: *mut nxt_lvlhsh_t,
    proto: &nxt_lvlhsh_proto_t,
    lhq: *mut nxt_lvlhsh_query_t,
) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    unsafe {
        match open(lh, proto, std::ptr::null_mut()) {
            Some((trie, shape)) => trie.find(&shape, lhq),
            None => std::ptr::null_mut(),
        }
    }
}

/// Looks for the entry that the query's key names. `NXT_OK`: it is in `value`. `NXT_DECLINED`: none.
///
/// # Safety
/// `lh` is a root of this prototype; the query has `key_hash`, `key` and `proto`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lvlhsh_find(
    lh: *mut nxt_lvlhsh_t,
    lhq: *mut nxt_lvlhsh_query_t,
) -> nxt_int_t {
    guard("nxt_lvlhsh_find", NXT_DECLINED, || {
        // SAFETY: the caller's promise is the same.
        let Some((trie, shape)) = (unsafe { open_query(lh, lhq) }) else {
            return NXT_DECLINED;
        };
        // SAFETY: the query is valid, and its test callback belongs to this trie's entries.
        let found = unsafe { trie.find(&shape, lhq) };
        if found.is_null() {
            return NXT_DECLINED;
        }
        // SAFETY: the query is the caller's own.
        unsafe { (*lhq).value = found };
        NXT_OK
    })
}

/// Adds `value`. `NXT_OK`: added, or with `replace` exchanged for the equal entry, which is then in
/// `value`. `NXT_DECLINED`: there is an equal entry, now in `value`. `NXT_ERROR`: no memory.
///
/// # Safety
/// `lh` is a root of this prototype; the query has `key_hash`, `key`, `replace`, `value`, `proto`, `pool`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lvlhsh_insert(
    lh: *mut nxt_lvlhsh_t,
    lhq: *mut nxt_lvlhsh_query_t,
) -> nxt_int_t {
    guard("nxt_lvlhsh_insert", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        let Some((trie, shape)) = (unsafe { open_query(lh, lhq) }) else {
            return NXT_ERROR;
        };
        // SAFETY: the query is valid, and its callbacks belong to this trie.
        match unsafe { trie.insert(&shape, lhq) } {
            Some(Inserted::Added) => NXT_OK,
            Some(Inserted::Equal(old)) => {
                // SAFETY: the query is the caller's own.
                unsafe {
                    (*lhq).value = old;
                    if (*lhq).replace != 0 {
                        NXT_OK
                    } else {
                        NXT_DECLINED
                    }
                }
            }
            None => NXT_ERROR,
        }
    })
}

/// Removes the entry that the query's key names. `NXT_OK`: it is in `value`. `NXT_DECLINED`: none.
///
/// # Safety
/// `lh` is a root of this prototype; the query has `key_hash`, `key`, `proto` and `pool`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lvlhsh_delete(
    lh: *mut nxt_lvlhsh_t,
    lhq: *mut nxt_lvlhsh_query_t,
) -> nxt_int_t {
    guard("nxt_lvlhsh_delete", NXT_DECLINED, || {
        // SAFETY: the caller's promise is the same.
        let Some((trie, shape)) = (unsafe { open_query(lh, lhq) }) else {
            return NXT_DECLINED;
        };
        // SAFETY: the query is valid, and its callbacks belong to this trie.
        let removed = unsafe { trie.delete(&shape, lhq) };
        if removed.is_null() {
            return NXT_DECLINED;
        }
        // SAFETY: the query is the caller's own.
        unsafe { (*lhq).value = removed };
        NXT_OK
    })
}

/// Removes some entry and answers it; NULL when the hash is empty.
///
/// # Safety
/// `lh` is a root of this prototype; `pool` is what its callbacks take.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lvlhsh_retrieve(
    lh: *mut nxt_lvlhsh_t,
    proto: *const nxt_lvlhsh_proto_t,
    pool: *mut c_void,
) -> *mut c_void {
    guard("nxt_lvlhsh_retrieve", std::ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        let Some((trie, shape)) = (unsafe { open(lh, proto, pool) }) else {
            return std::ptr::null_mut();
        };
        // SAFETY: the callbacks belong to this trie.
        unsafe { trie.retrieve(&shape) }
    })
}

/// Some entry, which stays in the hash; NULL when the hash is empty.
///
/// # Safety
/// `lh` is a root of this prototype.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lvlhsh_peek(
    lh: *mut nxt_lvlhsh_t,
    proto: *const nxt_lvlhsh_proto_t,
) -> *mut c_void {
    guard("nxt_lvlhsh_peek", std::ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same; nothing is allocated.
        let Some((trie, shape)) = (unsafe { open(lh, proto, std::ptr::null_mut()) }) else {
            return std::ptr::null_mut();
        };
        // SAFETY: the trie is of this shape.
        unsafe { trie.peek(&shape) }
    })
}

/// The next entry of a walk over all of them, or NULL after the last. The cursor is prepared with
/// nxt_lvlhsh_each_init; during the walk the hash must not be changed, but for a removal of the entry
/// that was answered last.
///
/// # Safety
/// `lh` is a root of the prototype that the cursor was prepared with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lvlhsh_each(
    lh: *mut nxt_lvlhsh_t,
    lhe: *mut nxt_lvlhsh_each_t,
) -> *mut c_void {
    guard("nxt_lvlhsh_each", std::ptr::null_mut(), || {
        if lhe.is_null() {
            return std::ptr::null_mut();
        }
        // SAFETY: not NULL, and the macro has set `proto` and `bucket`; the other members may hold
        // anything then, which is a value of theirs.
        let cursor = unsafe {
            if (*lhe).bucket.is_null() {
                (&raw mut (*lhe).entry).write(0);
                (&raw mut (*lhe).current).write(0);
                (&raw mut (*lhe).entries).write(0);
            }
            &mut *lhe
        };
        // SAFETY: the caller's promise is the same; nothing is allocated.
        let Some((trie, shape)) = (unsafe { open(lh, cursor.proto, std::ptr::null_mut()) }) else {
            return std::ptr::null_mut();
        };
        // SAFETY: the trie is of this shape.
        unsafe { walk::next(trie, &shape, cursor) }
    })
}

/// The prototype that C calls `NXT_LVLHSH_DEFAULT`, with buckets from the heap.
pub(crate) const fn default_proto(
    test: unsafe extern "C" fn(*mut nxt_lvlhsh_query_t, *mut c_void) -> nxt_int_t,
) -> nxt_lvlhsh_proto_t {
    nxt_lvlhsh_proto_t {
        bucket_end: 30,
        bucket_size: 128,
        bucket_mask: 127,
        shift: [4, 4, 4, 4, 4, 4, 4, 0],
        test: Some(test),
        alloc: Some(allocate_bucket),
        free: Some(nxt_lvlhsh_free),
    }
}

/// A query for the entry of a key: its bytes are hashed, and the prototype's test gets them.
pub(crate) fn query_of(key: &mut [u8], proto: *const nxt_lvlhsh_proto_t) -> nxt_lvlhsh_query_t {
    nxt_lvlhsh_query_t {
        key_hash: hash2(key),
        replace: 0,
        key: nxt_str_t {
            length: key.len(),
            start: key.as_mut_ptr(),
        },
        value: std::ptr::null_mut(),
        proto,
        pool: std::ptr::null_mut(),
        data: std::ptr::null_mut(),
    }
}

/// # Safety
/// None; the interface asks for it.
unsafe extern "C" fn allocate_bucket(data: *mut c_void, size: usize) -> *mut c_void {
    nxt_lvlhsh_alloc(data, size)
}

/// An allocator for prototypes: `size` bytes of the heap, aligned to `size`.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_lvlhsh_alloc(data: *mut c_void, size: usize) -> *mut c_void {
    let _ = data;
    malloc::nxt_memalign(size, size)
}

/// Frees what [`nxt_lvlhsh_alloc`] has answered.
///
/// # Safety
/// `p` is NULL or was answered by it, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_lvlhsh_free(data: *mut c_void, p: *mut c_void) {
    let _ = data;
    // SAFETY: by the caller's promise.
    unsafe { libc::free(p) };
}

#[cfg(test)]
mod tests;
