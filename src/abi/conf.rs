//! The configuration value of `nxt_conf.h`.

/// A JSON value; C code only ever handles its address.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_conf_value_t {
    _opaque: [u8; 0],
}
