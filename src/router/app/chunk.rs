//! Bytes of a response on their way to the client.

use std::ops::Range;

use crate::ipc::SharedChunk;

/// Bytes of a response: a view of shared memory that goes back to the application when dropped, or
/// bytes that came in a message.
///
/// The application can still write the shared ones: hand them to the kernel or copy them, and rely
/// on nothing that was read from them before.
#[derive(Debug)]
pub struct Chunk(Bytes);

#[derive(Debug)]
enum Bytes {
    Shared { chunk: SharedChunk, len: usize },
    Plain(Vec<u8>),
}

/// Plain bytes are joined up to this size.
const JOINED_MAX: usize = 64 * 1024;

impl Chunk {
    /// A part of a view.
    pub(super) fn shared(mut chunk: SharedChunk, part: Range<usize>) -> Chunk {
        let len = part.len().min(chunk.len().saturating_sub(part.start));
        chunk.advance(part.start);
        Chunk(Bytes::Shared { chunk, len })
    }

    /// Bytes of a message.
    pub(in crate::router) fn plain(bytes: Vec<u8>) -> Chunk {
        Chunk(Bytes::Plain(bytes))
    }

    /// Bytes that lie in the router's own memory.
    pub(super) fn own_bytes(&self) -> usize {
        match &self.0 {
            Bytes::Shared { .. } => 0,
            Bytes::Plain(bytes) => bytes.len(),
        }
    }

    /// Appends to plain bytes that are still short; false if this is not the place for them.
    pub(super) fn join(&mut self, more: &[u8]) -> bool {
        match &mut self.0 {
            Bytes::Plain(bytes) if bytes.len() + more.len() <= JOINED_MAX => {
                bytes.extend_from_slice(more);
                true
            }
            _ => false,
        }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Shared { chunk, len } => &chunk[..*len],
            Bytes::Plain(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bytes_are_joined_while_short() {
        let mut chunk = Chunk::plain(b"body".to_vec());
        assert!(chunk.join(b" more"));
        assert_eq!(chunk.as_ref(), b"body more");
        assert!(!chunk.join(&vec![0; JOINED_MAX]));
    }
}
