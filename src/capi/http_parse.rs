//! `nxt_http_parse.h`: the request parser of C callers, on the scanner that the daemon itself uses.
//!
//! The scanner knows offsets, not addresses, and a C caller may move the bytes that were not used
//! yet to another buffer. So each call scans from the start of the element that is incomplete, and
//! the state between calls is only the next step: the request line, or a field.

use std::ptr;

use libc::c_void;

use crate::abi::array::nxt_mp_t;
use crate::abi::buf::nxt_buf_mem_t;
use crate::abi::errno::{NXT_AGAIN, NXT_DECLINED, NXT_DONE, NXT_ERROR, NXT_OK};
use crate::abi::http_parse::{
    NXT_HTTP_PARSE_INVALID, NXT_HTTP_PARSE_TOO_LARGE_FIELD, NXT_HTTP_PARSE_UNSUPPORTED_VERSION,
    nxt_http_field_proc_t, nxt_http_field_t, nxt_http_request_parse_t,
};
use crate::abi::list::{nxt_list_next_t, nxt_list_t};
use crate::abi::lvlhsh::{nxt_lvlhsh_proto_t, nxt_lvlhsh_query_t, nxt_lvlhsh_t};
use crate::abi::string::nxt_str_t;
use crate::abi::types::{nxt_bool_t, nxt_int_t, nxt_uint_t};
use crate::capi::list::{nxt_list_add, nxt_list_create, nxt_list_next};
use crate::capi::lvlhsh::{find_as, nxt_lvlhsh_alloc, nxt_lvlhsh_free, nxt_lvlhsh_insert};
use crate::capi::mp::nxt_mp_alloc;
use crate::capi::room::alert_no_memory;
use crate::capi::{bytes, guard, str_bytes};
use crate::http::field::{Field, field_hash};
use crate::http::scan::{Event, RequestLine, Scanner, Violation};
use crate::http::target::{self, Slashes};

/// Elements of a part of the list of fields.
const FIELDS: nxt_uint_t = 8;
/// Bits of a name's hash that the first level of a hash of fields takes.
const LEVEL_BITS: u8 = 5;

/// Prepares a parser, which is all zero: its fields will lie in the pool. `NXT_ERROR` when there is
/// no memory.
///
/// # Safety
/// `rp` is NULL or valid; `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_parse_request_init(
    rp: *mut nxt_http_request_parse_t,
    mp: *mut nxt_mp_t,
) -> nxt_int_t {
    guard("nxt_http_parse_request_init", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(rp) = rp.as_mut() else {
                return NXT_ERROR;
            };
            rp.mem_pool = mp;
            rp.fields = nxt_list_create(mp, FIELDS, size_of::<nxt_http_field_t>());
            if rp.fields.is_null() {
                NXT_ERROR
            } else {
                NXT_OK
            }
        }
    })
}

/// What a violation is in C.
fn error(violation: Violation) -> nxt_int_t {
    let number = match violation {
        Violation::Syntax => NXT_HTTP_PARSE_INVALID,
        Violation::Version => NXT_HTTP_PARSE_UNSUPPORTED_VERSION,
        Violation::NameTooLong => NXT_HTTP_PARSE_TOO_LARGE_FIELD,
    };
    number.cast_signed()
}

/// The string at an offset of the buffer.
fn string(start: *mut u8, offset: u32, length: u32) -> nxt_str_t {
    nxt_str_t {
        length: length as usize,
        start: start.wrapping_add(offset as usize),
    }
}

/// Notes what is known of the request line.
fn note(rp: &mut nxt_http_request_parse_t, line: &RequestLine, start: *mut u8) {
    rp.method = string(start, line.method.start, line.method.len);
    rp.target_start = start.wrapping_add(line.target.start as usize);
    rp.target_end = start.wrapping_add(line.target.end());
    rp.request_line_end = start.wrapping_add(line.line.end());
    rp.version.str = line.version;
    rp.complex_target = line.complex.into();
    rp.quoted_target = line.quoted.into();
    rp.path = string(start, line.target.start, line.target.len);
    if let Some(query) = line.query.filter(|_| !line.needs_normalising()) {
        rp.path.length = (query - 1 - line.target.start) as usize;
        rp.args = string(start, query, line.target.end() as u32 - query);
    }
}

/// The step of the request line.
///
/// # Safety
/// As [`nxt_http_parse_request`], with the bytes between `*pos` and `end`.
unsafe extern "C" fn request_line(
    rp: *mut nxt_http_request_parse_t,
    pos: *mut *mut u8,
    end: *const u8,
) -> nxt_int_t {
    guard("nxt_http_parse_request", NXT_ERROR, || {
        // SAFETY: by the caller's promise.
        unsafe {
            let start = *pos;
            let text = bytes(start, end.addr().saturating_sub(start.addr()));
            let mut scanner = Scanner::new((*rp).discard_unsafe_fields != 0);
            match scanner.next(text) {
                Ok(Event::RequestLine) => {
                    note(&mut *rp, scanner.request_line(), start);
                    *pos = start.add(scanner.next_element());
                    (*rp).handler = Some(field);
                    if (*rp).complex_target != 0 || (*rp).quoted_target != 0 {
                        match nxt_http_parse_complex_target(rp) {
                            NXT_OK => {}
                            answer => return answer,
                        }
                    }
                    fields(rp, pos, &mut scanner, text, start)
                }
                // The request line comes first.
                Ok(_) => NXT_AGAIN,
                Err(violation) => {
                    note(&mut *rp, scanner.request_line(), start);
                    error(violation)
                }
            }
        }
    })
}

/// Notes a field and adds it to the list.
///
/// # Safety
/// The parser was prepared; `start` is where the field's offsets count from.
unsafe fn add(rp: &mut nxt_http_request_parse_t, field: &Field, start: *mut u8) -> nxt_int_t {
    // SAFETY: by the caller's promise; the list has elements of this type.
    unsafe {
        rp.skip_field = 0;
        rp.field_hash = field.hash.into();
        rp.field_name = string(start, field.name.start, field.name.len);
        rp.field_value = string(start, field.value.start, field.value.len);
        let place = nxt_list_add(rp.fields).cast::<nxt_http_field_t>();
        if place.is_null() {
            return NXT_ERROR;
        }
        place.write(nxt_http_field_t {
            hash: field.hash,
            flags: 0,
            // The scanner refuses names of more than 255 bytes.
            name_length: field.name.len as u8,
            value_length: field.value.len,
            name: rp.field_name.start,
            value: rp.field_value.start,
        });
        NXT_OK
    }
}

/// The step of the fields: all that are complete.
///
/// # Safety
/// As [`request_line`].
unsafe extern "C" fn field(
    rp: *mut nxt_http_request_parse_t,
    pos: *mut *mut u8,
    end: *const u8,
) -> nxt_int_t {
    guard("nxt_http_parse_fields", NXT_ERROR, || {
        // SAFETY: by the caller's promise.
        unsafe {
            let start = *pos;
            let text = bytes(start, end.addr().saturating_sub(start.addr()));
            let mut scanner = Scanner::fields(0, (*rp).discard_unsafe_fields != 0);
            fields(rp, pos, &mut scanner, text, start)
        }
    })
}

/// Adds the fields that are complete, from where the scanner stands.
///
/// # Safety
/// As [`request_line`]; `text` is what the scanner goes through, and begins at `start`.
#[inline]
unsafe fn fields(
    rp: *mut nxt_http_request_parse_t,
    pos: *mut *mut u8,
    scanner: &mut Scanner,
    text: &[u8],
    start: *mut u8,
) -> nxt_int_t {
    // SAFETY: by the caller's promise.
    unsafe {
        loop {
            // By reference: a field is not copied on its way to the list.
            match &scanner.next(text) {
                Ok(Event::Field(field)) => {
                    if add(&mut *rp, field, start) != NXT_OK {
                        return NXT_ERROR;
                    }
                }
                Ok(Event::Dropped) => (*rp).skip_field = 1,
                Ok(Event::End(used)) => {
                    *pos = start.add(*used);
                    return NXT_DONE;
                }
                Ok(_) => return NXT_AGAIN,
                Err(violation) => return error(*violation),
            }
            *pos = start.add(scanner.next_element());
        }
    }
}

/// Runs steps until one does not answer `NXT_OK`.
///
/// # Safety
/// As [`nxt_http_parse_request`].
unsafe fn run(
    name: &'static str,
    rp: *mut nxt_http_request_parse_t,
    b: *mut nxt_buf_mem_t,
    first: unsafe extern "C" fn(
        *mut nxt_http_request_parse_t,
        *mut *mut u8,
        *const u8,
    ) -> nxt_int_t,
) -> nxt_int_t {
    guard(name, NXT_ERROR, || {
        if rp.is_null() || b.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise. A handler may be the caller's own.
        unsafe {
            if (*rp).fields.is_null() || (*b).pos.is_null() {
                return NXT_ERROR;
            }
            loop {
                let handler = *(*rp).handler.get_or_insert(first);
                match handler(rp, &raw mut (*b).pos, (*b).free) {
                    NXT_OK => {}
                    answer => return answer,
                }
            }
        }
    })
}

/// Parses a request head between `b->pos`, which is moved over what was used, and `b->free`. `NXT_DONE`
/// at its end; `NXT_AGAIN` if there has to be more, then from `b->pos` on; `NXT_HTTP_PARSE_*` for
/// what is no request; `NXT_ERROR` when there is no memory. All addresses noted lie in the buffer.
///
/// # Safety
/// `rp` is NULL or was prepared; `b` is NULL or has readable bytes between those addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_parse_request(
    rp: *mut nxt_http_request_parse_t,
    b: *mut nxt_buf_mem_t,
) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    unsafe { run("nxt_http_parse_request", rp, b, request_line) }
}

/// As [`nxt_http_parse_request`], for header fields without a request line.
///
/// # Safety
/// As [`nxt_http_parse_request`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_parse_fields(
    rp: *mut nxt_http_request_parse_t,
    b: *mut nxt_buf_mem_t,
) -> nxt_int_t {
    // SAFETY: the caller's promise is the same.
    unsafe { run("nxt_http_parse_fields", rp, b, field) }
}

/// Decodes and normalises the target: path and query.
///
/// # Safety
/// `rp` is NULL, or was prepared and its target noted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_parse_complex_target(
    rp: *mut nxt_http_request_parse_t,
) -> nxt_int_t {
    guard("nxt_http_parse_complex_target", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise; the pool's memory has room for the path.
        unsafe {
            let Some(rp) = rp.as_mut() else {
                return NXT_ERROR;
            };
            let length = rp.target_end.addr().saturating_sub(rp.target_start.addr());
            let slashes = if rp.encoded_slashes != 0 {
                Slashes::Keep
            } else {
                Slashes::Decode
            };
            let text = bytes(rp.target_start, length);
            let mut path = Vec::new();
            // The path is no longer than the target.
            if path.try_reserve_exact(text.len()).is_err() {
                alert_no_memory("malloc", text.len());
                return NXT_ERROR;
            }
            let Ok(parts) = target::normalise_with(text, &mut path, slashes) else {
                return NXT_HTTP_PARSE_INVALID.cast_signed();
            };
            rp.quoted_target |= u8::from(parts.quoted);
            let copy = nxt_mp_alloc(rp.mem_pool, path.len() + 1).cast::<u8>();
            if copy.is_null() {
                return NXT_ERROR;
            }
            copy.copy_from_nonoverlapping(path.as_ptr(), path.len());
            rp.path = nxt_str_t {
                length: path.len(),
                start: copy,
            };
            if let Some(query) = parts.query {
                rp.args = string(rp.target_start, query.start, query.len);
            }
            NXT_OK
        }
    })
}

/// A field's name is that of an entry, regardless of case.
unsafe extern "C" fn same_name(lhq: *mut nxt_lvlhsh_query_t, data: *mut c_void) -> nxt_int_t {
    // SAFETY: entries of these hashes are what `nxt_http_fields_hash` was given.
    unsafe {
        let key = bytes((*lhq).key.start, (*lhq).key.length);
        let name = str_bytes(&raw const (*data.cast::<nxt_http_field_proc_t>()).name);
        if key.eq_ignore_ascii_case(name) {
            NXT_OK
        } else {
            NXT_DECLINED
        }
    }
}

/// Entries of one hash are the same.
unsafe extern "C" fn same_hash(_lhq: *mut nxt_lvlhsh_query_t, _data: *mut c_void) -> nxt_int_t {
    NXT_OK
}

/// The shape of a hash of fields.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is that of the C interface")]
pub static nxt_http_fields_hash_proto: nxt_lvlhsh_proto_t = nxt_lvlhsh_proto_t {
    // Four entries of three words, and the link: buckets of 64 bytes.
    bucket_end: 12,
    bucket_size: 64,
    bucket_mask: 63,
    shift: [LEVEL_BITS, 0, 0, 0, 0, 0, 0, 0],
    test: Some(same_name),
    alloc: Some(nxt_lvlhsh_alloc),
    free: Some(nxt_lvlhsh_free),
};

/// A query for a name of a hash of fields.
fn query(
    proto: &nxt_lvlhsh_proto_t,
    hash: u16,
    key: nxt_str_t,
    value: *mut c_void,
) -> nxt_lvlhsh_query_t {
    nxt_lvlhsh_query_t {
        key_hash: hash.into(),
        replace: 0,
        key,
        value,
        proto,
        pool: ptr::null_mut(),
        data: ptr::null_mut(),
    }
}

/// Fills a hash with fields that have handlers; the entries are `items` themselves. `NXT_ERROR` when there
/// is no memory, or a name comes twice.
///
/// # Safety
/// `hash` is NULL or an empty hash; `items` is NULL or has `count` entries, which outlive the hash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_fields_hash(
    hash: *mut nxt_lvlhsh_t,
    items: *mut nxt_http_field_proc_t,
    count: nxt_uint_t,
) -> nxt_int_t {
    guard("nxt_http_fields_hash", NXT_ERROR, || {
        if hash.is_null() || items.is_null() {
            return NXT_ERROR;
        }
        for index in 0..count as usize {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe {
                let item = items.add(index);
                let key = (*item).name;
                let hash_of_name = field_hash(str_bytes(&raw const key));
                let mut query = query(&nxt_http_fields_hash_proto, hash_of_name, key, item.cast());
                if nxt_lvlhsh_insert(hash, &raw mut query) != NXT_OK {
                    return NXT_ERROR;
                }
            }
        }
        NXT_OK
    })
}

/// Counts the names that collide with an earlier one: in their hashes, or, if `level` is not 0, in the
/// part of them that the hash looks at. The hash is only good for this afterwards.
///
/// # Safety
/// As [`nxt_http_fields_hash`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_fields_hash_collisions(
    hash: *mut nxt_lvlhsh_t,
    items: *mut nxt_http_field_proc_t,
    count: nxt_uint_t,
    level: nxt_bool_t,
) -> nxt_uint_t {
    guard("nxt_http_fields_hash_collisions", 0, || {
        if hash.is_null() || items.is_null() {
            return 0;
        }
        let proto = nxt_lvlhsh_proto_t {
            test: Some(same_hash),
            ..nxt_http_fields_hash_proto
        };
        let mask = if level != 0 {
            (1 << LEVEL_BITS) - 1
        } else {
            u16::MAX
        };
        let mut collisions = 0;
        for index in 0..count as usize {
            // SAFETY: not NULL, and by the caller's promise.
            unsafe {
                let item = items.add(index);
                let key = (*item).name;
                let hash_of_name = field_hash(str_bytes(&raw const key)) & mask;
                let mut query = query(&proto, hash_of_name, key, item.cast());
                if nxt_lvlhsh_insert(hash, &raw mut query) == NXT_DECLINED {
                    collisions += 1;
                }
            }
        }
        collisions
    })
}

/// Calls the handlers of those fields of a list that a hash knows, in their order, up to the first that
/// does not answer `NXT_OK`; its answer.
///
/// # Safety
/// `fields` is NULL or a list of `nxt_http_field_t`; `hash` is NULL or from [`nxt_http_fields_hash`], and its
/// handlers take `ctx`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_http_fields_process(
    fields: *mut nxt_list_t,
    hash: *mut nxt_lvlhsh_t,
    ctx: *mut c_void,
) -> nxt_int_t {
    guard("nxt_http_fields_process", NXT_ERROR, || {
        let mut next = nxt_list_next_t {
            part: ptr::null_mut(),
            elt: 0,
        };
        loop {
            // SAFETY: by the caller's promise.
            unsafe {
                let field = nxt_list_next(fields, &raw mut next).cast::<nxt_http_field_t>();
                if field.is_null() {
                    return NXT_OK;
                }
                let name = nxt_str_t {
                    length: (*field).name_length.into(),
                    start: (*field).name,
                };
                let proto = &nxt_http_fields_hash_proto;
                let mut query = query(proto, (*field).hash, name, ptr::null_mut());
                let item = find_as(hash, proto, &raw mut query).cast::<nxt_http_field_proc_t>();
                if item.is_null() {
                    continue;
                }
                if let Some(handler) = (*item).handler {
                    let answer = handler(ctx, field, (*item).data);
                    if answer != NXT_OK {
                        return answer;
                    }
                }
            }
        }
    })
}
