//! Bytes of a response on their way to the client.

/// Bytes of a response: a view of shared memory that goes back to the application when dropped, or
/// bytes that came in a message.
#[derive(Debug)]
pub struct Chunk(Vec<u8>);

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
