//! HTTP/1 parsing and framing without I/O.
#![forbid(unsafe_code)]

pub mod chunked;
pub mod encoding;
pub mod field;
pub mod host;
pub mod known;
pub mod mime;
pub mod request;
pub mod response;
pub mod response_head;
pub mod scan;
pub mod status;
pub mod target;
pub mod websocket;
