//! HTTP/1 parsing and framing without I/O.
