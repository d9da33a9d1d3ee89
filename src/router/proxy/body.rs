//! The body of a server's response: where it ends.

use crate::http::chunked::{ChunkedDecoder, Decoded};
use crate::http::response_head::BodyLength;
use crate::router::proxy::ProxyError;

/// Progress through a body.
#[derive(Debug)]
pub(super) enum PeerBody {
    /// So many bytes are to come.
    Known(u64),
    /// Chunks.
    Chunked(ChunkedDecoder),
    /// It ends with the connection.
    UntilClose,
    /// It is complete.
    Ended,
}

impl PeerBody {
    /// A body of this length, or none.
    pub(super) fn new(length: Option<BodyLength>) -> PeerBody {
        match length {
            None | Some(BodyLength::Known(0)) => PeerBody::Ended,
            Some(BodyLength::Known(length)) => PeerBody::Known(length),
            Some(BodyLength::Chunked) => PeerBody::Chunked(ChunkedDecoder::of_response()),
            Some(BodyLength::UntilClose) => PeerBody::UntilClose,
        }
    }

    /// Whether all of it was received.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self, PeerBody::Ended)
    }

    /// Whether all data is there and only the trailer is missing.
    pub(super) fn awaits_trailer(&self) -> bool {
        matches!(self, PeerBody::Chunked(decoder) if decoder.is_in_trailer())
    }

    /// The server closed the connection; an error if the body is not complete by that.
    pub(super) fn close(&mut self) -> Result<(), ProxyError> {
        match self {
            PeerBody::UntilClose | PeerBody::Ended => {
                *self = PeerBody::Ended;
                Ok(())
            }
            PeerBody::Known(_) | PeerBody::Chunked(_) => Err(ProxyError::Closed),
        }
    }

    /// Takes received bytes in and leaves only the data, at the front; how many bytes that is.
    /// What follows the end of the body belongs to nobody and is dropped.
    pub(super) fn decode(&mut self, bytes: &mut [u8]) -> Result<usize, ProxyError> {
        match self {
            PeerBody::Ended => Ok(0),
            PeerBody::UntilClose => Ok(bytes.len()),
            PeerBody::Known(left) => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |n| n.min(bytes.len()));
                *left -= taken as u64;
                if *left == 0 {
                    *self = PeerBody::Ended;
                }
                Ok(taken)
            }
            PeerBody::Chunked(decoder) => {
                let (mut used, mut kept) = (0, 0);
                loop {
                    let mut rest = &bytes[used..];
                    let data = match decoder.decode(&mut rest).map_err(|_| ProxyError::Body)? {
                        Decoded::Data(data) => data.len(),
                        Decoded::Partial => return Ok(kept),
                        Decoded::End => {
                            *self = PeerBody::Ended;
                            return Ok(kept);
                        }
                    };
                    used = bytes.len() - rest.len();
                    bytes.copy_within(used - data..used, kept);
                    kept += data;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &mut PeerBody, text: &str) -> Result<String, ProxyError> {
        let mut bytes = text.as_bytes().to_vec();
        let kept = body.decode(&mut bytes)?;
        bytes.truncate(kept);
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn known_lengths() {
        let mut body = PeerBody::new(Some(BodyLength::Known(5)));
        assert_eq!(decode(&mut body, "abc").unwrap(), "abc");
        assert!(body.close().is_err() && !body.has_ended());
        assert_eq!(decode(&mut body, "defg").unwrap(), "de");
        assert!(body.has_ended() && body.close().is_ok());
        assert_eq!(decode(&mut body, "h").unwrap(), "");
        assert!(PeerBody::new(Some(BodyLength::Known(0))).has_ended());
    }

    #[test]
    fn until_close() {
        let mut body = PeerBody::new(Some(BodyLength::UntilClose));
        assert_eq!(decode(&mut body, "abc").unwrap(), "abc");
        assert!(!body.has_ended());
        body.close().unwrap();
        assert!(body.has_ended());
    }

    #[test]
    fn chunks() {
        let mut body = PeerBody::new(Some(BodyLength::Chunked));
        assert_eq!(decode(&mut body, "2\r\nab\r\n3\r\nc").unwrap(), "abc");
        assert_eq!(decode(&mut body, "de\r\n0\r\n").unwrap(), "de");
        assert!(body.awaits_trailer() && !body.has_ended() && body.close().is_err());
        assert_eq!(decode(&mut body, "\r\nrest").unwrap(), "");
        assert!(body.has_ended() && !body.awaits_trailer());
        let mut body = PeerBody::new(Some(BodyLength::Chunked));
        assert!(matches!(
            decode(&mut body, "1\r\nXX"),
            Err(ProxyError::Body)
        ));
    }
}
