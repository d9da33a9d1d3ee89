//! The received body of a request.

use std::fs::File;

/// A whole request body, received before routing starts.
#[derive(Debug, Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// Up to `settings.http.body_buffer_size` bytes.
    Memory(Vec<u8>),
    /// More: an unlinked temporary file and its length in bytes.
    File(File, u64),
}

impl Body {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Memory(bytes) => bytes.len() as u64,
            Body::File(_, len) => *len,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
