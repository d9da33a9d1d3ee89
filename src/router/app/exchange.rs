//! One request in the hands of an application.

use crate::router::body::Body;

/// What an application learns of a request (`nxt_unit_request_t`).
pub struct AppRequest<'a> {
    /// Method as sent.
    pub method: &'a [u8],
    /// Protocol version as sent, e.g. `HTTP/1.1`.
    pub version: &'a [u8],
    /// Client address without port, or `unix:`.
    pub remote: &'a [u8],
    /// Local address without port.
    pub local_addr: &'a [u8],
    /// Local port.
    pub local_port: &'a [u8],
    /// Normalised host, or `localhost`.
    pub server_name: &'a [u8],
    /// Target as sent.
    pub target: &'a [u8],
    /// Decoded, normalised path.
    pub path: &'a [u8],
    /// Raw query.
    pub query: &'a [u8],
    /// Name, value, hash of the lower-cased name, skip bit.
    pub fields: &'a mut dyn Iterator<Item = (&'a [u8], &'a [u8], u16)>,
    /// Index of the `Content-Length` field and so on is found by the callee from the hash.
    pub body: &'a Body,
    /// The client spoke TLS.
    pub tls: bool,
    /// A valid WebSocket handshake.
    pub websocket: bool,
    /// Index of the target.
    pub target_index: u8,
}

/// Bytes of a response: a view of shared memory that goes back to the application when dropped, or
/// bytes that came in a message.
pub struct Chunk(Vec<u8>);

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The head of an application's response.
pub struct ResponseHead {
    /// Status.
    pub status: u16,
    /// The length that the application declared, if any.
    pub content_length: Option<u64>,
    /// Names and values, hop-by-hop and skipped fields left out.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The next part of an exchange.
pub enum Part {
    /// The response head; always the first part of a successful response.
    Head(ResponseHead),
    /// Bytes of the body, or after an upgrade a WebSocket frame to send as it is.
    Data(Chunk),
    /// The response is complete.
    End,
    /// The application failed, exited or timed out (status for the client if no head was sent yet).
    Failed(u16),
}
