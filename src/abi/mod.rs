//! `#[repr(C)]` types and constants of the C interface, with compile-time layout assertions; no functions.
//!
//! The names are those of Unit 1.35.0, because C sources spell them; the numbers are those of its
//! canonical build (non-debug, with TLS) for 64-bit Linux. One file serves one family of headers;
//! `include/` is generated from these files, so what stands here is what C sees.
//!
//! A value that foreign code may write is never a Rust `enum` here, but an integer alias with
//! constants: an unknown number from a C module must not be undefined behaviour.
#![allow(
    non_camel_case_types,
    reason = "the names are those of the C interface"
)]

/// Asserts at compile time the size, the alignment and the offset of each named field of a type.
macro_rules! assert_layout {
    ($type:ty, size $size:literal, align $align:literal $(, $field:ident @ $offset:literal)* $(,)?) => {
        const _: () = {
            assert!(::core::mem::size_of::<$type>() == $size);
            assert!(::core::mem::align_of::<$type>() == $align);
            $(assert!(::core::mem::offset_of!($type, $field) == $offset);)*
        };
    };
}
pub(crate) use assert_layout;

pub mod application;
pub mod array;
pub mod buf;
pub mod buf_pool;
pub mod capability;
pub mod clone;
pub mod conf;
pub mod conn;
pub mod credential;
pub mod engine;
pub mod errno;
pub mod file;
pub mod fs_mount;
pub mod http;
pub mod http_parse;
pub mod job;
pub mod list;
pub mod listen_socket;
pub mod log;
pub mod lvlhsh;
pub mod port;
pub mod port_memory;
pub mod process;
pub mod queue;
pub mod random;
pub mod rbtree;
pub mod runtime;
pub mod sockaddr;
pub mod socket_msg;
pub mod string;
pub mod task;
pub mod thread;
pub mod thread_pool;
pub mod time;
pub mod timer;
pub mod types;
pub mod unit;
pub mod version;
pub mod websocket;
