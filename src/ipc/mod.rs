//! The port protocol of Unit 1.35.0: messages, queues, shared-memory segments, RPC streams.
//!
//! Processes talk through *ports*. A port is the pair of ends of a `SOCK_SEQPACKET` socket and,
//! for ports that see many messages, a queue in shared memory beside it: short messages travel
//! through the queue, and the socket wakes the reader and carries descriptors and long messages.
//! Bulk data lies in shared-memory *segments*; a message then only names chunks of them.
//!
//! Everything here is synchronous and nonblocking, so that an epoll loop, tokio's `AsyncFd` and an
//! application inside libunit can use the same code. Whatever lies in shared memory may be changed
//! by the peer at any moment: each index, size and counter read from there is checked, and each
//! retry loop is bounded.

pub mod admission;
pub mod fault;
mod memory;
pub mod message;
#[cfg(test)]
mod models;
mod outbox;
pub mod peers;
pub mod port;
pub mod queue;
mod reassembly;
pub mod receiver;
pub mod ring;
pub mod rpc;
pub mod segment;
mod shared_queue;
pub mod socket;

pub(crate) use memory::copy_to;
pub use memory::{Mapping, MemoryError, create_memory, read_memory};
pub use message::{Body, ChunkRef, Header, Leaving, Message, kind};
pub use peers::{NewPort, PeerTable, PortId, ProcessType};
pub use port::{Sender, Sent};
pub use queue::{AppQueue, PortQueue};
pub use receiver::Receiver;
pub use rpc::RpcTable;
pub use segment::{IncomingSegments, OutgoingSegments, SharedChunk};
pub use socket::{ReceiveError, SendError};

/// Id of a port inside its process.
pub type Id = u16;

/// Process id as it travels in messages.
pub type Pid = i32;

/// The port id that names the queue shared by all processes of an application
/// (`NXT_UNIT_SHARED_PORT_ID`).
pub const SHARED_PORT_ID: Id = 0xFFFF;
