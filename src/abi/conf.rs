//! The configuration of `nxt_conf.h`.

use libc::{c_int, c_uint, c_void};

use crate::abi::array::nxt_mp_t;
use crate::abi::string::nxt_str_t;
use crate::abi::types::nxt_uint_t;

/// A JSON value; C code only ever handles its address.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_conf_value_t {
    _opaque: [u8; 0],
}

/// A change of a document; C code only ever handles its address.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_conf_op_t {
    _opaque: [u8; 0],
}

/// The templates of a configuration (`nxt_tstr.h`).
#[repr(C)]
#[derive(Debug)]
pub struct nxt_tstr_state_t {
    _opaque: [u8; 0],
}

/// The kind of a value: one of the numbers below.
pub type nxt_conf_type_t = c_uint;
/// `null`
pub const NXT_CONF_NULL: nxt_conf_type_t = 0;
/// `true` or `false`
pub const NXT_CONF_BOOLEAN: nxt_conf_type_t = 1;
/// A number without a fraction.
pub const NXT_CONF_INTEGER: nxt_conf_type_t = 2;
/// A number with a fraction.
pub const NXT_CONF_NUMBER: nxt_conf_type_t = 3;
/// A string.
pub const NXT_CONF_STRING: nxt_conf_type_t = 4;
/// An array.
pub const NXT_CONF_ARRAY: nxt_conf_type_t = 5;
/// An object.
pub const NXT_CONF_OBJECT: nxt_conf_type_t = 6;

/// What became of a change: one of the numbers below.
pub type nxt_conf_op_ret_t = c_uint;
/// It can be made.
pub const NXT_CONF_OP_OK: nxt_conf_op_ret_t = 0;
/// There is no such place.
pub const NXT_CONF_OP_NOT_FOUND: nxt_conf_op_ret_t = 1;
/// The place does not take it.
pub const NXT_CONF_OP_NOT_ALLOWED: nxt_conf_op_ret_t = 2;
/// There is no memory.
pub const NXT_CONF_OP_ERROR: nxt_conf_op_ret_t = 3;

/// Why a text is no JSON.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_conf_json_error_t {
    /// The byte that is wrong.
    pub pos: *mut u8,
    /// A sentence, ended by a NUL.
    pub detail: *mut u8,
}

/// How JSON is laid out.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_conf_json_pretty_t {
    /// How deep the value stands.
    pub level: u32,
    /// Whether an empty line is due.
    pub more_space: u8,
}

/// What a member is stored as: one of the numbers below.
pub type nxt_conf_map_type_t = c_uint;
/// 8 bits; also of a boolean.
pub const NXT_CONF_MAP_INT8: nxt_conf_map_type_t = 0;
/// 32 bits.
pub const NXT_CONF_MAP_INT32: nxt_conf_map_type_t = 1;
/// 64 bits.
pub const NXT_CONF_MAP_INT64: nxt_conf_map_type_t = 2;
/// `nxt_int_t`
pub const NXT_CONF_MAP_INT: nxt_conf_map_type_t = 3;
/// `ssize_t`
pub const NXT_CONF_MAP_SIZE: nxt_conf_map_type_t = 4;
/// `off_t`
pub const NXT_CONF_MAP_OFF: nxt_conf_map_type_t = 5;
/// `nxt_msec_t`, of a number of seconds.
pub const NXT_CONF_MAP_MSEC: nxt_conf_map_type_t = 6;
/// `double`
pub const NXT_CONF_MAP_DOUBLE: nxt_conf_map_type_t = 7;
/// `nxt_str_t` that points into the document.
pub const NXT_CONF_MAP_STR: nxt_conf_map_type_t = 8;
/// `nxt_str_t` with a copy.
pub const NXT_CONF_MAP_STR_COPY: nxt_conf_map_type_t = 9;
/// `char *` to a copy that ends with a NUL.
pub const NXT_CONF_MAP_CSTRZ: nxt_conf_map_type_t = 10;
/// `nxt_conf_value_t *`
pub const NXT_CONF_MAP_PTR: nxt_conf_map_type_t = 11;

/// Where a member of an object goes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_conf_map_t {
    /// The member's name.
    pub name: nxt_str_t,
    /// What it is stored as.
    pub r#type: nxt_conf_map_type_t,
    /// Where, in bytes from the start of the structure.
    pub offset: usize,
}

/// Compares two elements by their addresses.
pub type nxt_conf_compare_t =
    Option<unsafe extern "C" fn(one: *const c_void, two: *const c_void) -> c_int>;

/// A document that is checked, and what is wrong with it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_conf_validation_t {
    /// The document.
    pub conf: *mut nxt_conf_value_t,
    /// The pool of what the check needs.
    pub pool: *mut nxt_mp_t,
    /// The sentence that tells what is wrong.
    pub error: nxt_str_t,
    /// The caller's own.
    pub ctx: *mut c_void,
    /// The templates of the document.
    pub tstr_state: *mut nxt_tstr_state_t,
    /// The pool of the document.
    pub conf_pool: *mut nxt_mp_t,
    /// The version the document is of.
    pub ver: nxt_uint_t,
}

super::assert_layout!(nxt_conf_json_error_t, size 16, align 8, pos @ 0, detail @ 8);
super::assert_layout!(nxt_conf_json_pretty_t, size 8, align 4, level @ 0, more_space @ 4);
super::assert_layout!(nxt_conf_map_t, size 32, align 8, name @ 0, r#type @ 16, offset @ 24);
super::assert_layout!(nxt_conf_validation_t, size 64, align 8, conf @ 0, pool @ 8, error @ 16, ctx @ 32,
    tstr_state @ 40, conf_pool @ 48, ver @ 56);
