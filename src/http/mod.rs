//! HTTP/1 parsing and framing without I/O.
#![forbid(unsafe_code)]

pub mod field;
pub mod host;
pub mod known;
pub mod request;
pub mod scan;
pub mod target;
