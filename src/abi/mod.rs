//! `#[repr(C)]` types and constants of the C interface, with compile-time layout assertions; no functions.
