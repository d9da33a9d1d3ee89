//! `nxt_string.h`: bytes, with a length or up to a NUL.

use std::cmp::Ordering;
use std::ptr;

use libc::{c_char, c_void};

use crate::abi::array::nxt_mp_t;
use crate::abi::errno::NXT_ERROR;
use crate::abi::string::nxt_str_t;
use crate::abi::types::{nxt_bool_t, nxt_int_t};
use crate::base::uri::{self, Part, Plus};
use crate::base::{base64, version_order};
use crate::capi::mp::{nxt_mp_alloc, nxt_mp_get, nxt_mp_nget};
use crate::capi::room::alert_no_memory;
use crate::capi::{bytes, c_string, guard, str_bytes};

/// A string with room for `length` bytes, which follow it in the pool; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_str_alloc(mp: *mut nxt_mp_t, length: usize) -> *mut nxt_str_t {
    guard("nxt_str_alloc", ptr::null_mut(), || {
        let Some(size) = length.checked_add(size_of::<nxt_str_t>()) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller's promise is the same.
        let string = unsafe { nxt_mp_get(mp, size) }.cast::<nxt_str_t>();
        if !string.is_null() {
            // SAFETY: the memory has room for the string and, after it, for its bytes.
            unsafe {
                let start = string.add(1).cast();
                string.write(nxt_str_t { length, start });
            }
        }
        string
    })
}

/// A copy of `src`: in `dst`, or, if that is NULL, in a new string. It points into the pool also when
/// it is empty. NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, `dst` NULL or writable, `src` NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_str_dup(
    mp: *mut nxt_mp_t,
    dst: *mut nxt_str_t,
    src: *const nxt_str_t,
) -> *mut nxt_str_t {
    guard("nxt_str_dup", ptr::null_mut(), || {
        if src.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's promises are the same; what was allocated has room for the bytes.
        unsafe {
            let text = str_bytes(src);
            let copy = if dst.is_null() {
                nxt_str_alloc(mp, text.len())
            } else {
                let start = nxt_mp_nget(mp, text.len()).cast::<u8>();
                if start.is_null() {
                    return ptr::null_mut();
                }
                dst.write(nxt_str_t {
                    length: text.len(),
                    start,
                });
                dst
            };
            if !copy.is_null() {
                (*copy)
                    .start
                    .copy_from_nonoverlapping(text.as_ptr(), text.len());
            }
            copy
        }
    })
}

/// A copy of `src` that ends with a NUL; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, `src` NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_str_cstrz(mp: *mut nxt_mp_t, src: *const nxt_str_t) -> *mut c_char {
    guard("nxt_str_cstrz", ptr::null_mut(), || {
        // SAFETY: the caller's promises are the same; there is room for the bytes and the NUL.
        unsafe {
            let text = str_bytes(src);
            let copy = nxt_mp_alloc(mp, text.len() + 1).cast::<u8>();
            if !copy.is_null() {
                copy.copy_from_nonoverlapping(text.as_ptr(), text.len());
                copy.add(text.len()).write(0);
            }
            copy.cast()
        }
    })
}

/// Writes each byte of `src`, changed by `change`, to `dst`, which may be `src`.
///
/// # Safety
/// Both are NULL or have `length` bytes.
unsafe fn map(dst: *mut u8, src: *const u8, length: usize, change: impl Fn(u8) -> u8) {
    if dst.is_null() || src.is_null() {
        return;
    }
    for index in 0..length {
        // SAFETY: not NULL, and within `length`.
        unsafe { dst.add(index).write(change(src.add(index).read())) };
    }
}

/// Copies with ASCII letters in lower case; both may be the same.
///
/// # Safety
/// Both are NULL or have `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_memcpy_lowcase(dst: *mut u8, src: *const u8, length: usize) {
    guard("nxt_memcpy_lowcase", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe { map(dst, src, length, |byte| byte.to_ascii_lowercase()) }
    });
}

/// Copies with ASCII letters in upper case; both may be the same.
///
/// # Safety
/// Both are NULL or have `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_memcpy_upcase(dst: *mut u8, src: *const u8, length: usize) {
    guard("nxt_memcpy_upcase", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe { map(dst, src, length, |byte| byte.to_ascii_uppercase()) }
    });
}

/// Copies a C string; answers the place of the copy's NUL.
///
/// # Safety
/// `src` is NULL or ends with a NUL; `dst` is NULL or has room for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_cpystr(dst: *mut u8, src: *const u8) -> *mut u8 {
    // SAFETY: the caller's promise is the same; nothing limits the room.
    unsafe { nxt_cpystrn(dst, src, usize::MAX) }
}

/// Copies a C string into `length` bytes, cut if it is longer; answers the place of the copy's NUL.
///
/// # Safety
/// `src` is NULL or ends with a NUL; `dst` is NULL or has room for `length` bytes or the whole string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_cpystrn(dst: *mut u8, src: *const u8, length: usize) -> *mut u8 {
    guard("nxt_cpystrn", dst, || {
        if dst.is_null() || length == 0 {
            return dst;
        }
        // SAFETY: not NULL, and by the caller's promise; a byte is left for the NUL. The source
        // need not end with a NUL where it is cut, so that it is only looked at so far.
        unsafe {
            let count = if src.is_null() {
                0
            } else {
                libc::strnlen(src.cast(), length - 1)
            };
            ptr::copy(src, dst, count);
            let end = dst.add(count);
            end.write(0);
            end
        }
    })
}

/// Compares bytes with ASCII letters in lower case; the first difference counts.
fn difference(one: u8, two: u8) -> nxt_int_t {
    nxt_int_t::from(one.to_ascii_lowercase()) - nxt_int_t::from(two.to_ascii_lowercase())
}

/// Compares two C strings of which at most `length` bytes count.
///
/// # Safety
/// Each is NULL, or ends with a NUL or after `length` bytes.
unsafe fn compare(s1: *const u8, s2: *const u8, length: usize) -> nxt_int_t {
    if s1.is_null() || s2.is_null() {
        return nxt_int_t::from(!s1.is_null()) - nxt_int_t::from(!s2.is_null());
    }
    for index in 0..length {
        // SAFETY: no NUL came before.
        let (one, two) = unsafe { (s1.add(index).read(), s2.add(index).read()) };
        let difference = difference(one, two);
        if difference != 0 || one == 0 {
            return difference;
        }
    }
    0
}

/// Compares C strings regardless of case.
///
/// # Safety
/// Each is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_strcasecmp(s1: *const u8, s2: *const u8) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    guard("nxt_strcasecmp", -1, || unsafe {
        compare(s1, s2, usize::MAX)
    })
}

/// Compares at most `length` bytes of C strings regardless of case.
///
/// # Safety
/// Each is NULL, or ends with a NUL or after `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_strncasecmp(s1: *const u8, s2: *const u8, length: usize) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    guard("nxt_strncasecmp", -1, || unsafe { compare(s1, s2, length) })
}

/// Compares `length` bytes, NULs like any other, regardless of case.
///
/// # Safety
/// Each is NULL or has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_memcasecmp(
    p1: *const c_void,
    p2: *const c_void,
    length: usize,
) -> nxt_int_t {
    guard("nxt_memcasecmp", -1, || {
        // SAFETY: the caller's promise is the same.
        let (one, two) = unsafe { (bytes(p1.cast(), length), bytes(p2.cast(), length)) };
        let found = one.iter().zip(two).map(|(one, two)| difference(*one, *two));
        match found.into_iter().find(|difference| *difference != 0) {
            Some(difference) => difference,
            // Only where one of them is NULL.
            None => match one.len().cmp(&two.len()) {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            },
        }
    })
}

/// Where `found` in the text that starts at `s` says, as an address.
fn place(s: *const u8, found: Option<usize>) -> *mut u8 {
    found.map_or(ptr::null_mut(), |index| s.wrapping_add(index).cast_mut())
}

/// The text between two addresses and the one that is looked for in it.
///
/// # Safety
/// `s` is NULL or names readable bytes up to `end`; `ss` is NULL or has `length` bytes.
unsafe fn haystack<'a>(
    s: *const u8,
    end: *const u8,
    ss: *const c_char,
    length: usize,
) -> (&'a [u8], &'a [u8]) {
    // SAFETY: the caller's promise is the same.
    unsafe {
        (
            bytes(s, end.addr().saturating_sub(s.addr())),
            bytes(ss.cast(), length),
        )
    }
}

/// The first place of `length` bytes at `ss` between `s` and `end`, or NULL.
///
/// # Safety
/// `s` is NULL or names readable bytes up to `end`; `ss` is NULL or has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_memstrn(
    s: *const u8,
    end: *const u8,
    ss: *const c_char,
    length: usize,
) -> *mut u8 {
    guard("nxt_memstrn", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        let (text, wanted) = unsafe { haystack(s, end, ss, length) };
        place(s, memchr::memmem::find(text, wanted))
    })
}

/// As [`nxt_memstrn`], regardless of case.
///
/// # Safety
/// As [`nxt_memstrn`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_memcasestrn(
    s: *const u8,
    end: *const u8,
    ss: *const c_char,
    length: usize,
) -> *mut u8 {
    guard("nxt_memcasestrn", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        let (text, wanted) = unsafe { haystack(s, end, ss, length) };
        let last = text.len().checked_sub(wanted.len());
        place(
            s,
            last.and_then(|last| {
                (0..=last).find(|at| text[*at..*at + wanted.len()].eq_ignore_ascii_case(wanted))
            }),
        )
    })
}

/// The last place of `length` bytes at `ss` between `s` and `end`, or NULL.
///
/// # Safety
/// As [`nxt_memstrn`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rmemstrn(
    s: *const u8,
    end: *const u8,
    ss: *const c_char,
    length: usize,
) -> *mut u8 {
    guard("nxt_rmemstrn", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        let (text, wanted) = unsafe { haystack(s, end, ss, length) };
        place(s, memchr::memmem::rfind(text, wanted))
    })
}

/// The length of the text between `start` and `end` without line ends at its end.
///
/// # Safety
/// `start` is NULL or names readable bytes up to `end`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_str_strip(start: *const u8, end: *mut u8) -> usize {
    guard("nxt_str_strip", 0, || {
        // SAFETY: the caller's promise is the same.
        let text = unsafe { bytes(start, end.addr().saturating_sub(start.addr())) };
        text.iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
            .map_or(0, |last| last + 1)
    })
}

/// Compares versions: runs of digits count as numbers.
///
/// # Safety
/// Each is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_strverscmp(s1: *const u8, s2: *const u8) -> nxt_int_t {
    guard("nxt_strverscmp", 0, || {
        // SAFETY: the caller's promise is the same.
        version_order::compare(unsafe { c_string(s1) }, unsafe { c_string(s2) })
    })
}

/// Whether a version begins with a prefix that ends where a part of the version does.
///
/// # Safety
/// `version` is NULL or ends with a NUL; `prefix` is NULL or has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_strvers_match(
    version: *mut u8,
    prefix: *mut u8,
    length: usize,
) -> nxt_bool_t {
    guard("nxt_strvers_match", 0, || {
        // SAFETY: the caller's promise is the same.
        version_order::matches(unsafe { c_string(version) }, unsafe {
            bytes(prefix, length)
        })
        .into()
    })
}

/// Resolves the escapes of `length` bytes at `src` into `dst`: the end of the text there, or NULL if
/// an escape is malformed.
///
/// # Safety
/// Both are NULL or have `length` bytes; they may be the same.
unsafe fn decode(dst: *mut u8, src: *mut u8, length: usize, plus: Plus) -> *mut u8 {
    if dst.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the caller's promise is the same. The result may be written over the source, so that
    // it is complete before the first byte is written.
    let source = unsafe { bytes(src, length) };
    let mut decoded = Vec::new();
    if decoded.try_reserve_exact(source.len()).is_err() {
        alert_no_memory("malloc", source.len());
        return ptr::null_mut();
    }
    let complete =
        uri::decode(source, plus).try_for_each(|byte| byte.map(|byte| decoded.push(byte)));
    match complete {
        Ok(()) => {
            // SAFETY: each byte comes from at least one of the source, so that there is room.
            unsafe {
                dst.copy_from_nonoverlapping(decoded.as_ptr(), decoded.len());
                dst.add(decoded.len())
            }
        }
        Err(_) => ptr::null_mut(),
    }
}

/// Resolves the escapes of `length` bytes at `src` into `dst`, which may be `src`: the end of the
/// text there, or NULL if an escape is malformed.
///
/// # Safety
/// Both are NULL or have `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_decode_uri(dst: *mut u8, src: *mut u8, length: usize) -> *mut u8 {
    guard("nxt_decode_uri", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        unsafe { decode(dst, src, length, Plus::Plus) }
    })
}

/// As [`nxt_decode_uri`]; a plus sign is a space.
///
/// # Safety
/// As [`nxt_decode_uri`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_decode_uri_plus(dst: *mut u8, src: *mut u8, length: usize) -> *mut u8 {
    guard("nxt_decode_uri_plus", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        unsafe { decode(dst, src, length, Plus::Space) }
    })
}

/// As the two functions that escape.
///
/// # Safety
/// As those functions.
unsafe fn encode(dst: *mut u8, src: *mut u8, length: usize, part: Part) -> usize {
    // SAFETY: the caller's promise is the same.
    let text = unsafe { bytes(src, length) };
    if dst.is_null() {
        return uri::count_escaped(text, part);
    }
    let mut end = dst;
    uri::encode(text, part, |piece| {
        // SAFETY: the caller has made room for two more bytes for each escape.
        unsafe {
            end.copy_from_nonoverlapping(piece.as_ptr(), piece.len());
            end = end.add(piece.len());
        }
    });
    end.expose_provenance()
}

/// Escapes `length` bytes at `src` into `dst`: the address of the end of the text there. With `dst`
/// NULL only counts the bytes that need an escape, each of which takes two bytes more.
///
/// # Safety
/// `src` is NULL or has `length` bytes; `dst` is NULL or has room for the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_encode_uri(dst: *mut u8, src: *mut u8, length: usize) -> usize {
    guard("nxt_encode_uri", 0, || {
        // SAFETY: the caller's promise is the same.
        unsafe { encode(dst, src, length, Part::Single) }
    })
}

/// As [`nxt_encode_uri`], for a path with a query and a fragment.
///
/// # Safety
/// As [`nxt_encode_uri`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_encode_complex_uri(
    dst: *mut u8,
    src: *mut u8,
    length: usize,
) -> usize {
    guard("nxt_encode_complex_uri", 0, || {
        // SAFETY: the caller's promise is the same.
        unsafe { encode(dst, src, length, Part::Whole) }
    })
}

/// Whether [`nxt_encode_complex_uri`] would have nothing to escape but the percent signs of escapes.
///
/// # Safety
/// `s` is NULL or has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_is_complex_uri_encoded(s: *mut u8, length: usize) -> nxt_bool_t {
    guard("nxt_is_complex_uri_encoded", 0, || {
        // SAFETY: the caller's promise is the same.
        uri::is_encoded(unsafe { bytes(s, length) }).into()
    })
}

/// Decodes Base64 into `dst`, or, if that is NULL, nowhere: how many bytes it makes, or `NXT_ERROR`
/// for what is not Base64.
///
/// # Safety
/// `src` is NULL or has `length` bytes; `dst` is NULL or has room for the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_base64_decode(dst: *mut u8, src: *mut u8, length: usize) -> isize {
    guard("nxt_base64_decode", NXT_ERROR as isize, || {
        // SAFETY: the caller's promise is the same.
        match base64::decode(unsafe { bytes(src, length) }) {
            Some(decoded) => {
                if !dst.is_null() {
                    // SAFETY: not NULL, and there is room.
                    unsafe { dst.copy_from_nonoverlapping(decoded.as_ptr(), decoded.len()) };
                }
                decoded.len() as isize
            }
            None => NXT_ERROR as isize,
        }
    })
}
