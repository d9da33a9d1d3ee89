//! HTTP/1 parsing and framing without I/O.
#![forbid(unsafe_code)]

pub mod request;
