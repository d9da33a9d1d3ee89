//! The head of an HTTP/1 request: request line and header fields.

/// A range of bytes in the buffer that a head was parsed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

/// One header field, in the order of the request.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name as sent.
    pub name: Span,
    /// The value without leading and trailing white space.
    pub value: Span,
    /// Hash of the lower-cased name, as `nxt_unit_field_hash` computes it.
    pub hash: u16,
    /// The field is not passed on (an unsafe name, or replaced by the server).
    pub skip: bool,
}
