//! `nxt_array.h`: arrays that grow in a pool.

use std::ptr;

use libc::c_void;

use crate::abi::array::{nxt_array_t, nxt_mp_t};
use crate::abi::types::nxt_uint_t;
use crate::capi::guard;
use crate::capi::mp::{nxt_mp_alloc, nxt_mp_free};

/// The most elements there may be room for; the number has 16 bits.
const MAX_ROOM: usize = u16::MAX as usize;

/// Where the elements stand that were allocated together with the array.
fn joined(array: *mut nxt_array_t) -> *mut c_void {
    array.wrapping_add(1).cast()
}

/// An empty array with room for `n` elements of `size` bytes; NULL when there is no memory, or one of
/// the numbers does not fit 16 bits.
///
/// # Safety
/// `mp` is NULL or a pool, which outlives the array.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_array_create(
    mp: *mut nxt_mp_t,
    n: nxt_uint_t,
    size: usize,
) -> *mut nxt_array_t {
    guard("nxt_array_create", ptr::null_mut(), || {
        let (Ok(nalloc), Ok(element)) = (u16::try_from(n), u16::try_from(size)) else {
            return ptr::null_mut();
        };
        let room = usize::from(nalloc) * usize::from(element);
        // SAFETY: the caller's promise is the same; the memory has room for the array and, after
        // it, for its elements.
        unsafe {
            let array = nxt_mp_alloc(mp, size_of::<nxt_array_t>() + room).cast::<nxt_array_t>();
            if !array.is_null() {
                array.write(nxt_array_t {
                    elts: joined(array),
                    nelts: 0,
                    size: element,
                    nalloc,
                    mem_pool: mp,
                });
            }
            array
        }
    })
}

/// Frees an array that was created in a pool.
///
/// # Safety
/// `array` is NULL or from [`nxt_array_create`], and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_array_destroy(array: *mut nxt_array_t) {
    guard("nxt_array_destroy", (), || {
        // SAFETY: NULL or an array of a pool, by the caller's promise.
        unsafe {
            let Some(gone) = array.as_ref().copied() else {
                return;
            };
            if gone.elts != joined(array) {
                nxt_mp_free(gone.mem_pool, gone.elts);
            }
            nxt_mp_free(gone.mem_pool, array.cast());
        }
    });
}

/// Makes room for another element: twice as much, from 16 on half as much again.
///
/// # Safety
/// The array is valid.
unsafe fn grow(array: *mut nxt_array_t) -> Option<()> {
    // SAFETY: by the caller's promise; the new place is larger than the old one.
    unsafe {
        let old = *array;
        let room = match usize::from(old.nalloc) {
            0 => 4,
            room @ 1..16 => room * 2,
            room => (room + room / 2).min(MAX_ROOM),
        };
        if room == usize::from(old.nalloc) {
            return None;
        }
        let elts = nxt_mp_alloc(old.mem_pool, room * usize::from(old.size));
        if elts.is_null() {
            return None;
        }
        let used = old.nelts as usize * usize::from(old.size);
        elts.cast::<u8>()
            .copy_from_nonoverlapping(old.elts.cast(), used);
        if old.elts != joined(array) && !old.elts.is_null() {
            nxt_mp_free(old.mem_pool, old.elts);
        }
        (*array).elts = elts;
        // At most MAX_ROOM.
        (*array).nalloc = room as u16;
        Some(())
    }
}

/// The address of a new element, whose content may be anything; NULL when there is no memory. It may
/// move all elements.
///
/// # Safety
/// `array` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_array_add(array: *mut nxt_array_t) -> *mut c_void {
    guard("nxt_array_add", ptr::null_mut(), || {
        if array.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: checked above; after growing there is room for one more element of the array's
        // size.
        unsafe {
            if (*array).nelts >= u32::from((*array).nalloc) && grow(array).is_none() {
                return ptr::null_mut();
            }
            let index = (*array).nelts as usize;
            (*array).nelts += 1;
            (*array)
                .elts
                .cast::<u8>()
                .add(index * usize::from((*array).size))
                .cast()
        }
    })
}

/// As [`nxt_array_add`], for an element of value zero.
///
/// # Safety
/// As [`nxt_array_add`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_array_zero_add(array: *mut nxt_array_t) -> *mut c_void {
    // SAFETY: the caller's promise is the same; a new element has the array's element size.
    unsafe {
        let element = nxt_array_add(array);
        if !element.is_null() {
            element.cast::<u8>().write_bytes(0, (*array).size.into());
        }
        element
    }
}

/// Removes an element; the last one takes its place.
///
/// # Safety
/// `array` is NULL or valid; `elt` is NULL or one of its elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_array_remove(array: *mut nxt_array_t, elt: *mut c_void) {
    guard("nxt_array_remove", (), || {
        // SAFETY: NULL or valid, as the caller promises; both addresses are elements, and the copy
        // may overlap itself.
        unsafe {
            let Some(array) = array.as_mut().filter(|array| array.nelts > 0) else {
                return;
            };
            if elt.is_null() {
                return;
            }
            let size = usize::from(array.size);
            let last = array
                .elts
                .cast::<u8>()
                .add((array.nelts as usize - 1) * size);
            ptr::copy(last, elt.cast(), size);
            array.nelts -= 1;
        }
    });
}

/// Makes `dst`, or, if that is NULL, a new array in `mp`, a copy of `src`. NULL when there is no
/// memory, or the elements of the two differ in size.
///
/// # Safety
/// `mp` is NULL or a pool; both arrays are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_array_copy(
    mp: *mut nxt_mp_t,
    dst: *mut nxt_array_t,
    src: *mut nxt_array_t,
) -> *mut nxt_array_t {
    guard("nxt_array_copy", ptr::null_mut(), || {
        // SAFETY: NULL or valid, as the caller promises; the copy has as many elements of the same
        // size when the bytes move.
        unsafe {
            let Some(source) = src.as_ref().copied() else {
                return ptr::null_mut();
            };
            let size = usize::from(source.size);
            let dst = if dst.is_null() {
                nxt_array_create(mp, source.nelts, size)
            } else {
                dst
            };
            if dst.is_null() || (*dst).size != source.size {
                return ptr::null_mut();
            }
            (*dst).nelts = (*dst).nelts.min(source.nelts);
            for _ in (*dst).nelts..source.nelts {
                if nxt_array_add(dst).is_null() {
                    return ptr::null_mut();
                }
            }
            ptr::copy(
                source.elts.cast::<u8>(),
                (*dst).elts.cast::<u8>(),
                source.nelts as usize * size,
            );
            dst
        }
    })
}
