//! WebSocket (RFC 6455): the accept key, frame headers, and what a client's frames must obey.
//!
//! Reserved bits are ignored and extensions never negotiated.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// What RFC 6455 appends to the client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`.
pub fn accept_key(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

/// The opcodes of RFC 6455; any other number is possible on the wire.
pub mod opcode {
    /// Continues a message.
    pub const CONTINUATION: u8 = 0;
    /// Starts a text message.
    pub const TEXT: u8 = 1;
    /// Starts a binary message.
    pub const BINARY: u8 = 2;
    /// Closes the connection.
    pub const CLOSE: u8 = 8;
    /// Asks for a pong.
    pub const PING: u8 = 9;
    /// Answers a ping.
    pub const PONG: u8 = 10;
}

/// Longest payload of a control frame, bytes.
pub const MAX_CONTROL_PAYLOAD: u64 = 125;

/// Longest header of a frame, bytes.
pub const MAX_FRAME_HEADER: usize = 14;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Last frame of its message.
    pub fin: bool,
    /// See [`opcode`].
    pub opcode: u8,
    /// The masking key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload.
    pub payload_len: u64,
    /// Bytes of the header itself.
    pub header_len: usize,
}

impl FrameHeader {
    /// Reads the header at the start of `buf`; `None` if more bytes are needed.
    pub fn parse(buf: &[u8]) -> Option<FrameHeader> {
        let [first, second, rest @ ..] = buf else {
            return None;
        };
        let (payload_len, rest) = match second & 0x7f {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len), rest)
            }
            len => (u64::from(len), rest),
        };
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (mask, rest) = rest.split_first_chunk()?;
            (Some(*mask), rest)
        };
        Some(FrameHeader {
            fin: first & 0x80 != 0,
            opcode: first & 0x0f,
            mask,
            payload_len,
            header_len: buf.len() - rest.len(),
        })
    }

    /// Close, ping, pong and the control opcodes that are not defined.
    pub fn is_control(&self) -> bool {
        self.opcode & 0x08 != 0
    }
}

/// Writes the header of an unmasked frame, as a server sends it.
pub fn write_frame_header(out: &mut Vec<u8>, fin: bool, opcode: u8, payload_len: u64) {
    out.push(u8::from(fin) << 7 | opcode & 0x0f);
    match payload_len {
        0..=125 => out.push(payload_len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(payload_len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&payload_len.to_be_bytes());
        }
    }
}

/// Writes a close frame with a code and as much of the reason as a control frame holds.
pub fn write_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let mut end = reason.len().min(MAX_CONTROL_PAYLOAD as usize - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    write_frame_header(out, true, opcode::CLOSE, end as u64 + 2);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&reason.as_bytes()[..end]);
}

/// Masks or unmasks part of a payload; `offset` is where the part begins in it.
pub fn apply_mask(part: &mut [u8], mask: [u8; 4], offset: u64) {
    let shift = (offset % 4) as usize;
    let mut mask = mask;
    mask.rotate_left(shift);
    let word = u32::from_ne_bytes(mask);
    let mut words = part.chunks_exact_mut(4);
    for four in &mut words {
        let masked = u32::from_ne_bytes([four[0], four[1], four[2], four[3]]) ^ word;
        four.copy_from_slice(&masked.to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}

/// Why the server closes a WebSocket connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A frame of a client must be masked.
    #[error("Not masked client frame")]
    NotMasked,
    /// Control frames cannot be fragmented.
    #[error("Fragmented control frame")]
    FragmentedControl,
    /// A control frame above [`MAX_CONTROL_PAYLOAD`].
    #[error("Control frame too big: {0} bytes")]
    ControlTooBig(u64),
    /// Half a close code.
    #[error("Close frame payload length cannot be 1")]
    CloseLength,
    /// A close code that must not be sent.
    #[error("Close code {0} is not valid")]
    CloseCode(u16),
    /// An undefined opcode, or a continuation of nothing.
    #[error("Unrecognized opcode {0}")]
    Opcode(u8),
    /// A new message before the last one ended.
    #[error("Continuation expected, but {0} opcode received")]
    ContinuationExpected(u8),
    /// A frame above `max_frame_size`.
    #[error("Message too big: {0} bytes")]
    TooBig(u64),
    /// Nothing came within `read_timeout`.
    #[error("Remote peer is going away")]
    GoingAway,
    /// No memory for a frame.
    #[error("Out of memory")]
    OutOfMemory,
}

impl Fault {
    /// The code of the close frame; its reason is the text of the fault.
    pub fn code(self) -> u16 {
        match self {
            Fault::GoingAway => 1001,
            Fault::TooBig(_) => 1009,
            Fault::OutOfMemory => 1011,
            _ => 1002,
        }
    }

    /// Writes the close frame.
    pub fn write_close(self, out: &mut Vec<u8>) {
        write_close(out, self.code(), &self.to_string());
    }
}

/// The rules for the sequence of a client's frames.
#[derive(Clone, Debug)]
pub struct ClientFrames {
    max_frame_size: u64,
    in_message: bool,
}

impl ClientFrames {
    /// The rules at the start of a connection; the limit is for header and payload together.
    pub fn new(max_frame_size: u64) -> ClientFrames {
        ClientFrames {
            max_frame_size,
            in_message: false,
        }
    }

    /// Checks the header of the next frame.
    pub fn check(&mut self, frame: &FrameHeader) -> Result<(), Fault> {
        if frame.mask.is_none() {
            return Err(Fault::NotMasked);
        }
        if frame.is_control() {
            if !frame.fin {
                return Err(Fault::FragmentedControl);
            }
            if !matches!(frame.opcode, opcode::CLOSE | opcode::PING | opcode::PONG) {
                return Err(Fault::Opcode(frame.opcode));
            }
            if frame.payload_len > MAX_CONTROL_PAYLOAD {
                return Err(Fault::ControlTooBig(frame.payload_len));
            }
            if frame.opcode == opcode::CLOSE && frame.payload_len == 1 {
                return Err(Fault::CloseLength);
            }
        } else {
            if self.in_message {
                if frame.opcode != opcode::CONTINUATION {
                    return Err(Fault::ContinuationExpected(frame.opcode));
                }
            } else if !matches!(frame.opcode, opcode::TEXT | opcode::BINARY) {
                return Err(Fault::Opcode(frame.opcode));
            }
            self.in_message = !frame.fin;
        }
        match frame.payload_len.checked_add(frame.header_len as u64) {
            Some(size) if size <= self.max_frame_size => Ok(()),
            _ => Err(Fault::TooBig(frame.payload_len)),
        }
    }
}

/// Checks the unmasked payload of a close frame.
pub fn check_close(payload: &[u8]) -> Result<(), Fault> {
    match payload {
        [] => Ok(()),
        [_] => Err(Fault::CloseLength),
        [high, low, ..] => match u16::from_be_bytes([*high, *low]) {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(()),
            code => Err(Fault::CloseCode(code)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_key_of_the_rfc() {
        assert_eq!(
            accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn headers_of_every_length() {
        for len in [0, 125, 126, 65535, 65536, u64::MAX] {
            let mut out = Vec::new();
            write_frame_header(&mut out, true, opcode::BINARY, len);
            let frame = FrameHeader::parse(&out).unwrap();
            assert_eq!((frame.fin, frame.opcode, frame.payload_len), (true, 2, len));
            assert_eq!((frame.mask, frame.header_len), (None, out.len()));
            for short in 0..out.len() {
                assert_eq!(FrameHeader::parse(&out[..short]), None);
            }
        }
        let masked = FrameHeader::parse(&[0x01, 0xfe, 0x01, 0x00, 9, 8, 7, 6, 5]).unwrap();
        assert_eq!(
            (masked.fin, masked.opcode, masked.payload_len),
            (false, 1, 256)
        );
        assert_eq!((masked.mask, masked.header_len), (Some([9, 8, 7, 6]), 8));
        // Reserved bits are ignored.
        assert_eq!(FrameHeader::parse(&[0xf1, 0]).unwrap().opcode, opcode::TEXT);
    }

    #[test]
    fn mask_in_parts_equals_mask_at_once() {
        let mask = [1, 2, 3, 4];
        let text: Vec<u8> = (0..23).collect();
        let mut whole = text.clone();
        apply_mask(&mut whole, mask, 0);
        assert_eq!(whole[5], 5 ^ 2);
        for cut in 0..text.len() {
            let mut parts = text.clone();
            let (left, right) = parts.split_at_mut(cut);
            apply_mask(left, mask, 0);
            apply_mask(right, mask, cut as u64);
            assert_eq!(parts, whole);
        }
    }

    fn frame(fin: bool, opcode: u8, payload_len: u64) -> FrameHeader {
        FrameHeader {
            fin,
            opcode,
            mask: Some([0; 4]),
            payload_len,
            header_len: 6,
        }
    }

    #[test]
    fn frame_rules() {
        let check = |frame| ClientFrames::new(1000).check(&frame);
        assert_eq!(
            check(FrameHeader {
                mask: None,
                ..frame(true, 1, 0)
            }),
            Err(Fault::NotMasked)
        );
        assert_eq!(
            check(frame(false, opcode::PING, 0)),
            Err(Fault::FragmentedControl)
        );
        assert_eq!(check(frame(true, 11, 0)), Err(Fault::Opcode(11)));
        assert_eq!(check(frame(true, 3, 0)), Err(Fault::Opcode(3)));
        assert_eq!(
            check(frame(true, opcode::CONTINUATION, 0)),
            Err(Fault::Opcode(0))
        );
        assert_eq!(
            check(frame(true, opcode::PONG, 126)),
            Err(Fault::ControlTooBig(126))
        );
        assert_eq!(
            check(frame(true, opcode::CLOSE, 1)),
            Err(Fault::CloseLength)
        );
        assert_eq!(check(frame(true, opcode::TEXT, 994)), Ok(()));
        assert_eq!(
            check(frame(true, opcode::TEXT, 995)),
            Err(Fault::TooBig(995))
        );
        assert_eq!(
            check(frame(true, opcode::TEXT, u64::MAX)),
            Err(Fault::TooBig(u64::MAX))
        );
    }

    #[test]
    fn messages_are_continued() {
        let mut frames = ClientFrames::new(1000);
        assert_eq!(frames.check(&frame(false, opcode::TEXT, 1)), Ok(()));
        assert_eq!(frames.check(&frame(true, opcode::PING, 1)), Ok(()));
        let text = frames.clone().check(&frame(true, opcode::TEXT, 1));
        assert_eq!(text, Err(Fault::ContinuationExpected(1)));
        assert_eq!(frames.check(&frame(false, opcode::CONTINUATION, 1)), Ok(()));
        assert_eq!(frames.check(&frame(true, opcode::CONTINUATION, 1)), Ok(()));
        assert_eq!(frames.check(&frame(true, opcode::BINARY, 1)), Ok(()));
    }

    #[test]
    fn close_codes() {
        for code in [1000, 1003, 1007, 1014, 3000, 4999u16] {
            assert_eq!(check_close(&code.to_be_bytes()), Ok(()), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535u16] {
            assert_eq!(
                check_close(&code.to_be_bytes()),
                Err(Fault::CloseCode(code))
            );
        }
        assert_eq!(check_close(&[]), Ok(()));
    }

    #[test]
    fn close_frames() {
        let mut out = Vec::new();
        Fault::TooBig(70000).write_close(&mut out);
        let text = b"Message too big: 70000 bytes";
        assert_eq!(
            out,
            [&[0x88, text.len() as u8 + 2, 0x03, 0xf1][..], text].concat()
        );
        out.clear();
        write_close(&mut out, 1000, &"\u{e9}".repeat(100));
        assert_eq!(out.len(), 2 + 2 + 122);
    }
}
