//! The parser of `nxt_http_parse.h`.

use libc::{c_uint, c_void};

use crate::abi::array::nxt_mp_t;
use crate::abi::list::nxt_list_t;
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_int_t;

/// Why bytes are no request: one of the numbers below.
pub type nxt_http_parse_error_t = c_uint;
/// Not HTTP/1.
pub const NXT_HTTP_PARSE_INVALID: nxt_http_parse_error_t = 1;
/// Another major version.
pub const NXT_HTTP_PARSE_UNSUPPORTED_VERSION: nxt_http_parse_error_t = 2;
/// A field's name or value is too long.
pub const NXT_HTTP_PARSE_TOO_LARGE_FIELD: nxt_http_parse_error_t = 3;

/// `HTTP/1.1`, part by part.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_http_ver_s_t {
    /// `HTTP/`
    pub prefix: [u8; 5],
    /// The digit before the point.
    pub major: u8,
    /// The point.
    pub point: u8,
    /// The digit after it.
    pub minor: u8,
}

/// The version of a request.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "a union does not know its member"
)]
pub union nxt_http_ver_t {
    /// As bytes.
    pub str: [u8; 8],
    /// As a number.
    pub ui64: u64,
    /// In parts.
    pub s: nxt_http_ver_s_t,
}

/// The step of the parser that is next; never NULL after `nxt_http_parse_request_init`.
pub type nxt_http_parse_handler_t = Option<
    unsafe extern "C" fn(
        rp: *mut nxt_http_request_parse_t,
        pos: *mut *mut u8,
        end: *const u8,
    ) -> nxt_int_t,
>;

/// A request while it is parsed. All addresses lie in the caller's buffer.
#[repr(C)]
#[expect(missing_debug_implementations, reason = "holds a union")]
pub struct nxt_http_request_parse_t {
    /// The next step.
    pub handler: nxt_http_parse_handler_t,
    /// The method.
    pub method: nxt_str_t,
    /// Where the target starts.
    pub target_start: *mut u8,
    /// Where it ends.
    pub target_end: *mut u8,
    /// Where the request line ends, its line end not counted.
    pub request_line_end: *mut u8,
    /// The path, decoded if the target is complex.
    pub path: nxt_str_t,
    /// The query.
    pub args: nxt_str_t,
    /// The version.
    pub version: nxt_http_ver_t,
    /// The fields, of `nxt_http_field_t`.
    pub fields: *mut nxt_list_t,
    /// The pool of the fields and the decoded path.
    pub mem_pool: *mut nxt_mp_t,
    /// The name of the last field.
    pub field_name: nxt_str_t,
    /// The value of the last field.
    pub field_value: nxt_str_t,
    /// The hash of the last field's name.
    pub field_hash: u32,
    /// Whether the last field was dropped.
    pub skip_field: u8,
    /// Whether fields with unusual names are dropped.
    pub discard_unsafe_fields: u8,
    /// Whether the target had to be normalised.
    pub complex_target: u8,
    /// Whether the path has escapes.
    pub quoted_target: u8,
    /// Whether `%2F` and `%25` stay escaped in the path.
    pub encoded_slashes: u8,
}

/// A header field.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_http_field_t {
    /// The hash of the name.
    pub hash: u16,
    /// Bit 0: not to be passed on; bit 1: of this connection only.
    pub flags: u8,
    /// The length of the name.
    pub name_length: u8,
    /// The length of the value.
    pub value_length: u32,
    /// The name.
    pub name: *mut u8,
    /// The value.
    pub value: *mut u8,
}

/// Deals with a field; anything but `NXT_OK` ends the processing.
pub type nxt_http_field_handler_t = Option<
    unsafe extern "C" fn(ctx: *mut c_void, field: *mut nxt_http_field_t, data: usize) -> nxt_int_t,
>;

/// Which handler deals with which field.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_http_field_proc_t {
    /// The field's name.
    pub name: nxt_str_t,
    /// Its handler.
    pub handler: nxt_http_field_handler_t,
    /// The handler's last argument.
    pub data: usize,
}

/// A chunked body while it is parsed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_http_chunk_parse_t {
    /// The pool that buffers come from.
    pub mem_pool: *mut nxt_mp_t,
    /// What is left of the chunk.
    pub chunk_size: u64,
    /// Where the parser stands.
    pub state: u8,
    /// Whether the last chunk was met.
    pub last: u8,
    /// Whether the body is malformed.
    pub chunk_error: u8,
    /// Whether there was no memory.
    pub error: u8,
}

super::assert_layout!(nxt_http_ver_s_t, size 8, align 1, prefix @ 0, major @ 5, point @ 6, minor @ 7);
super::assert_layout!(nxt_http_ver_t, size 8, align 8, str @ 0, ui64 @ 0, s @ 0);
super::assert_layout!(nxt_http_request_parse_t, size 152, align 8, handler @ 0, method @ 8, target_start @ 24,
    target_end @ 32, request_line_end @ 40, path @ 48, args @ 64, version @ 80, fields @ 88, mem_pool @ 96,
    field_name @ 104, field_value @ 120, field_hash @ 136, skip_field @ 140, discard_unsafe_fields @ 141,
    complex_target @ 142, quoted_target @ 143, encoded_slashes @ 144);
super::assert_layout!(nxt_http_field_t, size 24, align 8, hash @ 0, flags @ 2, name_length @ 3, value_length @ 4,
    name @ 8, value @ 16);
super::assert_layout!(nxt_http_field_proc_t, size 32, align 8, name @ 0, handler @ 16, data @ 24);
super::assert_layout!(nxt_http_chunk_parse_t, size 24, align 8, mem_pool @ 0, chunk_size @ 8, state @ 16, last @ 17,
    chunk_error @ 18, error @ 19);
