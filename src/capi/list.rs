//! `nxt_list.h`: lists that grow part by part, so that elements never move.

use std::ptr;

use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::list::{nxt_list_next_t, nxt_list_part_t, nxt_list_t};
use crate::abi::types::nxt_uint_t;
use crate::capi::guard;
use crate::capi::mp::nxt_mp_get;

/// Bytes of the elements of a part; `None` if that is more than there can be.
fn room(n: u32, size: usize, head: usize) -> Option<usize> {
    size.checked_mul(n as usize)?.checked_add(head)
}

/// An empty list of elements of `size` bytes, `n` in each part; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, which outlives the list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_list_create(
    mp: *mut nxt_mp_t,
    n: nxt_uint_t,
    size: usize,
) -> *mut nxt_list_t {
    guard("nxt_list_create", ptr::null_mut(), || {
        let (Some(room), Ok(element)) =
            (room(n, size, size_of::<nxt_list_t>()), u32::try_from(size))
        else {
            return ptr::null_mut();
        };
        // SAFETY: the caller's promise is the same; the memory has room for the list, whose last
        // member is its first part, and the elements of that.
        unsafe {
            let list = nxt_mp_get(mp, room).cast::<nxt_list_t>();
            if !list.is_null() {
                list.write(nxt_list_t {
                    last: &raw mut (*list).part,
                    size: element,
                    nalloc: n,
                    mem_pool: mp,
                    part: EMPTY,
                });
            }
            list
        }
    })
}

const EMPTY: nxt_list_part_t = nxt_list_part_t {
    next: ptr::null_mut(),
    nelts: 0,
    data: [],
};

/// The address of an element.
///
/// # Safety
/// The part is alive and has room for more than `index` elements.
unsafe fn element(part: *mut nxt_list_part_t, index: usize, size: u32) -> *mut c_void {
    // SAFETY: the elements follow the part.
    unsafe { part.add(1).cast::<u8>().add(index * size as usize).cast() }
}

/// The address of a new element, whose content may be anything; NULL when there is no memory.
///
/// # Safety
/// `list` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_list_add(list: *mut nxt_list_t) -> *mut c_void {
    guard("nxt_list_add", ptr::null_mut(), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(list) = list.as_mut() else {
                return ptr::null_mut();
            };
            if (*list.last).nelts >= list.nalloc as usize {
                let size = size_of::<nxt_list_part_t>();
                let Some(room) = room(list.nalloc, list.size as usize, size) else {
                    return ptr::null_mut();
                };
                let part = nxt_mp_get(list.mem_pool, room).cast::<nxt_list_part_t>();
                if part.is_null() {
                    return ptr::null_mut();
                }
                part.write(EMPTY);
                (*list.last).next = part;
                list.last = part;
            }
            let index = (*list.last).nelts;
            if list.nalloc == 0 {
                return ptr::null_mut();
            }
            (*list.last).nelts += 1;
            element(list.last, index, list.size)
        }
    })
}

/// As [`nxt_list_add`], for an element of value zero.
///
/// # Safety
/// As [`nxt_list_add`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_list_zero_add(list: *mut nxt_list_t) -> *mut c_void {
    // SAFETY: the caller's promise is the same; a new element has the list's element size.
    unsafe {
        let element = nxt_list_add(list);
        if !element.is_null() {
            element.cast::<u8>().write_bytes(0, (*list).size as usize);
        }
        element
    }
}

/// The next element of a walk, or NULL after the last. `next` is all zero at the start.
///
/// # Safety
/// `list` is NULL or valid; `next` is NULL or stands in this list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_list_next(
    list: *mut nxt_list_t,
    next: *mut nxt_list_next_t,
) -> *mut c_void {
    guard("nxt_list_next", ptr::null_mut(), || {
        if list.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let Some(next) = next.as_mut() else {
                return ptr::null_mut();
            };
            if next.part.is_null() {
                next.part = &raw mut (*list).part;
                next.elt = 0;
            } else {
                next.elt += 1;
            }
            while next.elt >= (*next.part).nelts {
                let following = (*next.part).next;
                if following.is_null() {
                    return ptr::null_mut();
                }
                next.part = following;
                next.elt = 0;
            }
            element(next.part, next.elt, (*list).size)
        }
    })
}
