//! Messages of the port protocol: `nxt_port_msg_t` (16 bytes) and the bodies that libunit and the
//! daemon exchange. All integers travel in the byte order of the machine.

use std::ops::Deref;
use std::os::fd::OwnedFd;

use super::{Id, Pid};

/// Size of an encoded [`Header`].
pub const HEADER_SIZE: usize = 16;

/// The longest body of one datagram (the port's `max_size` in Unit 1.35.0).
pub const MAX_BODY: usize = 16 * 1024;

/// The most descriptors of one message. Those that libunit sends or gets have two
/// (`nxt_recv_oob_t`), `START_PROCESS` from the router to main has three.
pub const MAX_DESCRIPTORS: usize = 3;

/// Descriptors that came with a message.
pub type Descriptors = [Option<OwnedFd>; MAX_DESCRIPTORS];

/// Message kinds: the positions in `nxt_port_handlers_t`.
pub mod kind {
    #![allow(missing_docs, reason = "the names are those of the protocol")]
    pub const RPC_READY: u8 = 0;
    pub const RPC_ERROR: u8 = 1;
    pub const START_PROCESS: u8 = 2;
    pub const SOCKET: u8 = 3;
    pub const SOCKET_UNLINK: u8 = 4;
    pub const MODULES: u8 = 5;
    pub const CONF_STORE: u8 = 6;
    pub const CERT_GET: u8 = 7;
    pub const CERT_DELETE: u8 = 8;
    pub const SCRIPT_GET: u8 = 9;
    pub const SCRIPT_DELETE: u8 = 10;
    pub const ACCESS_LOG: u8 = 11;
    pub const CHANGE_FILE: u8 = 12;
    pub const NEW_PORT: u8 = 13;
    pub const GET_PORT: u8 = 14;
    pub const PORT_ACK: u8 = 15;
    pub const MMAP: u8 = 16;
    pub const GET_MMAP: u8 = 17;
    pub const PROCESS_CREATED: u8 = 18;
    pub const PROCESS_READY: u8 = 19;
    pub const WHOAMI: u8 = 20;
    pub const REMOVE_PID: u8 = 21;
    pub const QUIT: u8 = 22;
    pub const REQ_HEADERS: u8 = 23;
    pub const REQ_HEADERS_ACK: u8 = 24;
    pub const REQ_BODY: u8 = 25;
    pub const WEBSOCKET: u8 = 26;
    pub const DATA: u8 = 27;
    pub const APP_RESTART: u8 = 28;
    pub const STATUS: u8 = 29;
    pub const OOSM: u8 = 30;
    pub const SHM_ACK: u8 = 31;
    pub const READ_QUEUE: u8 = 32;
    pub const READ_SOCKET: u8 = 33;
    /// One more than the greatest kind of Unit. Applications send and get no other.
    pub const MAX: u8 = 34;
    /// The router asks main for limits that it may not set itself. Far from what Unit may add.
    pub const LIMITS: u8 = 64;

    /// Whether a message of this kind is by default the only and last one of its stream.
    pub const fn is_single(kind: u8) -> bool {
        !matches!(
            kind,
            RPC_READY
                | REQ_HEADERS
                | REQ_HEADERS_ACK
                | REQ_BODY
                | WEBSOCKET
                | DATA
                | READ_QUEUE
                | READ_SOCKET
        )
    }
}

/// Body of a `QUIT` message: leave at once.
pub const QUIT_NORMAL: u8 = 0;
/// Body of a `QUIT` message: finish the requests in hand first.
pub const QUIT_GRACEFUL: u8 = 1;

/// Body of a `CONF_STORE` message without a descriptor: forget the document that was prepared.
pub const CONF_DISCARD: u8 = 0;
/// Body of a `CONF_STORE` message without a descriptor: put the document that was prepared in the
/// place of the stored one.
pub const CONF_COMMIT: u8 = 1;
/// The same, and keep the stored one under another name, since it could not be used.
pub const CONF_COMMIT_REJECTED: u8 = 2;

/// Body of a `QUIT` message from the router to a prototype: not the prototype shall leave, but one
/// of its processes was told to, and must be gone in time. Between processes of the daemon only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The process.
    pub pid: Pid,
    /// What it may take.
    pub time: std::time::Duration,
}

impl Leaving {
    /// The wire form: the pid, then milliseconds as `u32`.
    pub fn encode(&self) -> [u8; 8] {
        let mut out = [0; 8];
        out[..4].copy_from_slice(&self.pid.to_ne_bytes());
        let millis = u32::try_from(self.time.as_millis()).unwrap_or(u32::MAX);
        out[4..].copy_from_slice(&millis.to_ne_bytes());
        out
    }

    /// Reads the wire form; `None` if the body is another one.
    pub fn decode(body: &[u8]) -> Option<Leaving> {
        let (pid, millis) = <&[u8; 8]>::try_from(body).ok()?.split_first_chunk()?;
        let millis = u32::from_ne_bytes(millis.try_into().ok()?);
        Some(Leaving {
            pid: Pid::from_ne_bytes(*pid),
            time: std::time::Duration::from_millis(millis.into()),
        })
    }
}

/// The head of every message (`nxt_port_msg_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Header {
    /// The RPC stream or request that the message belongs to.
    pub stream: u32,
    /// The sender, as the sender says.
    pub pid: Pid,
    /// The sender's port for the answer.
    pub reply_port: Id,
    /// One of [`kind`].
    pub kind: u8,
    /// The last message of this stream.
    pub last: bool,
    /// The body is a list of [`ChunkRef`]s.
    pub mmap: bool,
    /// A fragment other than the first.
    pub nf: bool,
    /// More fragments follow.
    pub mf: bool,
}

impl Header {
    /// A header with the kind's usual `last` flag; no reply port.
    pub const fn new(pid: Pid, kind: u8, stream: u32) -> Self {
        Header {
            stream,
            pid,
            reply_port: 0,
            kind,
            last: kind::is_single(kind),
            mmap: false,
            nf: false,
            mf: false,
        }
    }

    /// The same with a port for the answer.
    pub const fn reply_to(mut self, port: Id) -> Self {
        self.reply_port = port;
        self
    }

    /// The same with the `last` flag as given.
    pub const fn with_last(mut self, last: bool) -> Self {
        self.last = last;
        self
    }

    /// The wire form.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut out = [0; HEADER_SIZE];
        out[0..4].copy_from_slice(&self.stream.to_ne_bytes());
        out[4..8].copy_from_slice(&self.pid.to_ne_bytes());
        out[8..10].copy_from_slice(&self.reply_port.to_ne_bytes());
        out[10] = self.kind;
        out[11] = self.last as u8;
        out[12] = self.mmap as u8;
        out[13] = self.nf as u8;
        out[14] = self.mf as u8;
        out
    }

    /// Reads the first 16 bytes; `None` if there are fewer.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let b: &[u8; HEADER_SIZE] = bytes.first_chunk()?;
        Some(Header {
            stream: u32::from_ne_bytes([b[0], b[1], b[2], b[3]]),
            pid: i32::from_ne_bytes([b[4], b[5], b[6], b[7]]),
            reply_port: u16::from_ne_bytes([b[8], b[9]]),
            kind: b[10],
            last: b[11] != 0,
            mmap: b[12] != 0,
            nf: b[13] != 0,
            mf: b[14] != 0,
        })
    }
}

/// A run of chunks of a shared-memory segment (`nxt_port_mmap_msg_t`, 12 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRef {
    /// The segment's id among those of its creator.
    pub segment: u32,
    /// The first chunk.
    pub chunk: u32,
    /// Bytes of data.
    pub size: u32,
}

impl ChunkRef {
    /// Size of the wire form.
    pub const SIZE: usize = 12;

    /// The wire form.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        out[0..4].copy_from_slice(&self.segment.to_ne_bytes());
        out[4..8].copy_from_slice(&self.chunk.to_ne_bytes());
        out[8..12].copy_from_slice(&self.size.to_ne_bytes());
        out
    }

    /// The references in the body of a message with the `mmap` flag. Bytes that do not make a
    /// whole reference at the end are left out.
    pub fn parse(body: &[u8]) -> impl ExactSizeIterator<Item = ChunkRef> + '_ {
        let word = |b: &[u8]| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
        body.chunks_exact(Self::SIZE).map(move |c| ChunkRef {
            segment: word(&c[0..4]),
            chunk: word(&c[4..8]),
            size: word(&c[8..12]),
        })
    }
}

/// The bytes of a message. What fits a queue item is kept in place, without an allocation.
#[derive(Clone)]
pub enum Body {
    /// Up to 15 bytes.
    Short {
        /// How many of them count.
        len: u8,
        /// The bytes.
        bytes: [u8; 15],
    },
    /// More.
    Long(Vec<u8>),
}

impl Body {
    /// Copies the bytes.
    pub fn new(bytes: &[u8]) -> Self {
        if bytes.len() <= 15 {
            let mut short = [0; 15];
            short[..bytes.len()].copy_from_slice(bytes);
            Body::Short {
                len: bytes.len() as u8,
                bytes: short,
            }
        } else {
            Body::Long(bytes.to_vec())
        }
    }

    /// The bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Body::Short { .. } => self.to_vec(),
            Body::Long(v) => v,
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Body::new(&[])
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Body::Short { len, bytes } => &bytes[..*len as usize],
            Body::Long(v) => v,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl PartialEq<[u8]> for Body {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

/// A received message.
#[derive(Debug, Default)]
pub struct Message {
    /// The head.
    pub header: Header,
    /// What follows the head.
    pub body: Body,
    /// Descriptors that came with it; owned.
    pub fds: Descriptors,
    /// The sending process as the kernel says; `None` for what came through a queue.
    pub sender: Option<Pid>,
}

impl Message {
    /// Takes the first descriptor.
    pub fn take_fd(&mut self) -> Option<OwnedFd> {
        self.fds[0].take()
    }

    /// The body as a process id (`REMOVE_PID`).
    pub fn pid_body(&self) -> Option<Pid> {
        Some(Pid::from_ne_bytes(self.body[..].try_into().ok()?))
    }

    /// The chunks that the body names, if the header says so.
    pub fn chunks(&self) -> impl ExactSizeIterator<Item = ChunkRef> + '_ {
        ChunkRef::parse(if self.header.mmap { &self.body } else { &[] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaving_process_is_told_by_pid_and_time() {
        let leaving = Leaving {
            pid: 77,
            time: std::time::Duration::from_millis(1500),
        };
        assert_eq!(Leaving::decode(&leaving.encode()), Some(leaving));
        assert_eq!(Leaving::decode(&[]), None);
        assert_eq!(Leaving::decode(&[QUIT_GRACEFUL]), None);
        assert_eq!(Leaving::decode(&[0; 9]), None);
    }

    #[test]
    fn header_survives_the_wire() {
        let h = Header {
            nf: true,
            mmap: true,
            ..Header::new(-7, kind::NEW_PORT, 0xAABB_CCDD)
        }
        .reply_to(513);
        let wire = h.encode();
        assert_eq!(wire[10], 13);
        assert_eq!(wire[11..16], [1, 1, 1, 0, 0]);
        assert_eq!(Header::decode(&wire), Some(h));
        assert_eq!(Header::decode(&wire[..15]), None);
    }

    #[test]
    fn chunk_references_ignore_a_torn_tail() {
        let a = ChunkRef {
            segment: 1,
            chunk: 639,
            size: 16384,
        };
        let b = ChunkRef {
            segment: 2,
            chunk: 0,
            size: 1,
        };
        let mut wire = [a.encode(), b.encode()].concat();
        wire.extend([1, 2, 3]);
        assert_eq!(ChunkRef::parse(&wire).collect::<Vec<_>>(), [a, b]);
    }

    #[test]
    fn bodies_keep_their_bytes() {
        for len in [0usize, 1, 15, 16, 4000] {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let body = Body::new(&bytes);
            assert_eq!(&*body, &bytes[..]);
            assert_eq!(matches!(body, Body::Short { .. }), len <= 15);
            assert_eq!(body.into_vec(), bytes);
        }
    }
}
