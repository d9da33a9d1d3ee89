//! One request in the hands of an application.

use super::chunk::Chunk;
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
    /// Name, value, hash of the lower-cased name; skipped fields left out.
    pub fields: &'a mut dyn Iterator<Item = (&'a [u8], &'a [u8], u16)>,
    /// The whole body. A file is sent to the application from its beginning.
    pub body: &'a Body,
    /// The client spoke TLS.
    pub tls: bool,
    /// A valid WebSocket handshake.
    pub websocket: bool,
    /// Index of the target.
    pub target_index: u8,
}

/// The head of an application's response.
#[derive(Debug, Default)]
pub struct ResponseHead {
    /// Status.
    pub status: u16,
    /// The value of the last `Content-Length` field, if it is a number. The field itself is left
    /// out of `fields`.
    pub content_length: Option<u64>,
    /// Names and values. `Server`, `Connection`, `Upgrade`, `Sec-WebSocket-Accept`, `Status` and
    /// `Content-Length` are left out, also what the application marked as skipped.
    pub fields: FieldList,
}

/// Header fields in one buffer: copied out of shared memory once, so that nothing changes after
/// it was checked.
#[derive(Debug, Default)]
pub struct FieldList {
    text: Vec<u8>,
    /// Lengths of name and value; their bytes follow each other in `text`.
    lengths: Vec<(u32, u32)>,
}

impl FieldList {
    /// Appends a field.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.lengths.push((name.len() as u32, value.len() as u32));
    }

    /// Names and values, in the application's order.
    pub fn iter(&self) -> FieldIter<'_> {
        FieldIter { text: &self.text, lengths: self.lengths.iter() }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }
}

impl<'a> IntoIterator for &'a FieldList {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = FieldIter<'a>;

    fn into_iter(self) -> FieldIter<'a> {
        self.iter()
    }
}

/// Iterator over a [`FieldList`].
pub struct FieldIter<'a> {
    text: &'a [u8],
    lengths: std::slice::Iter<'a, (u32, u32)>,
}

impl<'a> Iterator for FieldIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &(name, value) = self.lengths.next()?;
        let (name, rest) = self.text.split_at(name as usize);
        let (value, rest) = rest.split_at(value as usize);
        self.text = rest;
        Some((name, value))
    }
}

/// The next part of an exchange.
#[derive(Debug)]
pub enum Part {
    /// The response head; always the first part of a successful response. With status 101 after
    /// [`AppRequest::websocket`] the connection is upgraded.
    Head(ResponseHead),
    /// Bytes of the body, or after an upgrade bytes of WebSocket frames to send as they are.
    Data(Chunk),
    /// The response is complete.
    End,
    /// The application failed, exited or timed out (status for the client if no head was sent yet).
    Failed(u16),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order() {
        let mut list = FieldList::default();
        list.push(b"A", b"one");
        list.push(b"Empty", b"");
        list.push(b"B", b"two");
        let all: Vec<_> = list.iter().collect();
        assert_eq!(
            all,
            [(&b"A"[..], &b"one"[..]), (&b"Empty"[..], &b""[..]), (&b"B"[..], &b"two"[..])]
        );
        assert_eq!((list.len(), list.is_empty()), (3, false));
    }
}
