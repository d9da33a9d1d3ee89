//! The frame header of `nxt_websocket_header.h` and the numbers of RFC 6455.
//!
//! In C the first two bytes are bit-fields, which cbindgen cannot say: the C declaration is written
//! by hand, and the accessors here read the same bits.

/// A frame header as on the wire, with room for the longest payload length.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct nxt_websocket_header_t {
    /// From the top bit: fin, rsv1, rsv2, rsv3, and four bits of opcode.
    pub flags: u8,
    /// The mask bit on top, then seven bits of payload length (126 and 127 announce a longer one).
    pub length: u8,
    /// The longer payload length, in network order: two bytes or eight.
    pub payload_len_: [u8; 8],
}

impl nxt_websocket_header_t {
    /// Whether this is the last frame of its message.
    pub const fn fin(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// What the frame is: one of the `NXT_WEBSOCKET_OP_*` numbers.
    pub const fn opcode(&self) -> u8 {
        self.flags & 0x0f
    }

    /// Whether the payload is masked.
    pub const fn mask(&self) -> bool {
        self.length & 0x80 != 0
    }

    /// The seven bits of payload length.
    pub const fn payload_len(&self) -> u8 {
        self.length & 0x7f
    }

    /// How many bytes of longer payload length follow the first two.
    pub const fn extended_length(&self) -> usize {
        match self.payload_len() {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }
}

super::assert_layout!(nxt_websocket_header_t, size 10, align 1, flags @ 0, length @ 1, payload_len_ @ 2);

/// The length of `Sec-WebSocket-Accept` in bytes.
pub const NXT_WEBSOCKET_ACCEPT_SIZE: usize = 28;
/// Continues a message.
pub const NXT_WEBSOCKET_OP_CONT: u8 = 0x0;
/// A message of text.
pub const NXT_WEBSOCKET_OP_TEXT: u8 = 0x1;
/// A message of bytes.
pub const NXT_WEBSOCKET_OP_BINARY: u8 = 0x2;
/// Closes the connection.
pub const NXT_WEBSOCKET_OP_CLOSE: u8 = 0x8;
/// Asks for a pong.
pub const NXT_WEBSOCKET_OP_PING: u8 = 0x9;
/// Answers a ping.
pub const NXT_WEBSOCKET_OP_PONG: u8 = 0xA;
/// The bit that control frames have.
pub const NXT_WEBSOCKET_OP_CTRL: u8 = 0x8;
/// The exchange is complete.
pub const NXT_WEBSOCKET_CR_NORMAL: u16 = 1000;
/// The peer goes away.
pub const NXT_WEBSOCKET_CR_GOING_AWAY: u16 = 1001;
/// The peer broke the protocol.
pub const NXT_WEBSOCKET_CR_PROTOCOL_ERROR: u16 = 1002;
/// The peer cannot take this kind of data.
pub const NXT_WEBSOCKET_CR_UNPROCESSABLE_INPUT: u16 = 1003;
/// Reserved by RFC 6455.
pub const NXT_WEBSOCKET_CR_RESERVED: u16 = 1004;
/// No code was given; never sent.
pub const NXT_WEBSOCKET_CR_NOT_PROVIDED: u16 = 1005;
/// The connection broke off; never sent.
pub const NXT_WEBSOCKET_CR_ABNORMAL: u16 = 1006;
/// The data does not fit its message, such as text that is not UTF-8.
pub const NXT_WEBSOCKET_CR_INVALID_DATA: u16 = 1007;
/// The message is against the receiver's policy.
pub const NXT_WEBSOCKET_CR_POLICY_VIOLATION: u16 = 1008;
/// The message is too big.
pub const NXT_WEBSOCKET_CR_MESSAGE_TOO_BIG: u16 = 1009;
/// An extension that the client needs was not offered.
pub const NXT_WEBSOCKET_CR_EXTENSION_REQUIRED: u16 = 1010;
/// The server cannot go on.
pub const NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR: u16 = 1011;
/// The TLS handshake failed; never sent.
pub const NXT_WEBSOCKET_CR_TLS_HANDSHAKE_FAILED: u16 = 1015;
