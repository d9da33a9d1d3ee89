//! The processes of the daemon and the ports by which they reach each other.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::message::{Header, MAX_BODY, kind};
use super::port::{Sender, Sent};
use super::socket::SendError;
use super::{Id, Pid};

/// What a process is (`nxt_process_type_t`); the numbers travel in `NEW_PORT` messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ProcessType {
    /// The root process.
    Main = 0,
    /// Reports the modules and exits.
    Discovery = 1,
    /// The control API.
    Controller = 2,
    /// HTTP.
    Router = 3,
    /// Forks the processes of one application.
    Prototype = 4,
    /// A process of an application.
    App = 5,
}

use ProcessType::*;

impl ProcessType {
    /// From its number.
    pub fn from_number(n: u8) -> Option<Self> {
        [Main, Discovery, Controller, Router, Prototype, App]
            .get(n as usize)
            .copied()
    }

    /// What it is called in the log.
    pub fn name(self) -> &'static str {
        match self {
            Main => "main",
            Discovery => "discovery",
            Controller => "controller",
            Router => "router",
            Prototype => "prototype",
            App => "application",
        }
    }

    /// Whether a new process of this type keeps the inherited port of a `peer`. (The port of its
    /// parent is kept always.)
    pub fn keeps(self, peer: ProcessType) -> bool {
        match (self, peer) {
            (Main, _) | (_, Main) => true,
            (Discovery, _) => false,
            (Router, Discovery) => false,
            (Router, _) => true,
            (Controller | Prototype | App, _) => peer == Router,
        }
    }

    /// Whether a process of this type is told the port of a new `peer`.
    pub fn learns_of(self, peer: ProcessType) -> bool {
        match self {
            Prototype | App => peer == Main,
            _ => self.keeps(peer),
        }
    }

    /// Whether, when a process of this type has died, a process of type `told` gets `REMOVE_PID`.
    pub fn death_concerns(self, told: ProcessType) -> bool {
        matches!(
            (self, told),
            (Controller, Router)
                | (Router, Controller | Prototype | App)
                | (Prototype, Router)
                | (App, Main | Router)
        )
    }
}

/// Names a port in the whole daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortId {
    /// The process that reads it.
    pub pid: Pid,
    /// The port of that process.
    pub id: Id,
}

/// The body of a `NEW_PORT` message (`nxt_port_msg_new_port_t`, 32 bytes). The socket's write end
/// is the first descriptor of the message, the queue's memory the second, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPort {
    /// The port.
    pub port: PortId,
    /// The longest datagram body.
    pub max_size: u64,
    /// Bytes of one message before another gets its turn.
    pub max_share: u64,
    /// What its process is.
    pub process: ProcessType,
}

impl NewPort {
    /// Size of the wire form.
    pub const SIZE: usize = 32;

    /// With the usual sizes.
    pub fn new(port: PortId, process: ProcessType) -> Self {
        NewPort {
            port,
            max_size: MAX_BODY as u64,
            max_share: 64 * 1024,
            process,
        }
    }

    /// The wire form.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        out[0..2].copy_from_slice(&self.port.id.to_ne_bytes());
        out[4..8].copy_from_slice(&self.port.pid.to_ne_bytes());
        out[8..16].copy_from_slice(&self.max_size.to_ne_bytes());
        out[16..24].copy_from_slice(&self.max_share.to_ne_bytes());
        out[24] = self.process as u8;
        out
    }

    /// Reads it; `None` if it is not one.
    pub fn decode(body: &[u8]) -> Option<Self> {
        let b: &[u8; Self::SIZE] = body.try_into().ok()?;
        let word = |at: usize| Some(u64::from_ne_bytes(b[at..at + 8].try_into().ok()?));
        Some(NewPort {
            port: PortId {
                pid: Pid::from_ne_bytes([b[4], b[5], b[6], b[7]]),
                id: Id::from_ne_bytes([b[0], b[1]]),
            },
            max_size: word(8)?,
            max_share: word(16)?,
            process: ProcessType::from_number(b[24])?,
        })
    }

    /// Sends this port to another: its write end, and the memory of its queue.
    pub fn send(
        &self,
        to: &Sender,
        own_pid: Pid,
        stream: u32,
        socket: BorrowedFd<'_>,
        queue: Option<BorrowedFd<'_>>,
    ) -> Result<Sent, SendError> {
        let header = Header::new(own_pid, kind::NEW_PORT, stream);
        match queue {
            Some(queue) => to.send(&header, &self.encode(), &[socket, queue]),
            None => to.send(&header, &self.encode(), &[socket]),
        }
    }
}

/// The body of a `GET_PORT` message (`nxt_port_msg_get_port_t`, 8 bytes).
pub fn encode_get_port(port: PortId) -> [u8; 8] {
    let mut out = [0; 8];
    out[0..2].copy_from_slice(&port.id.to_ne_bytes());
    out[4..8].copy_from_slice(&port.pid.to_ne_bytes());
    out
}

/// Reads the body of a `GET_PORT` message.
pub fn decode_get_port(body: &[u8]) -> Option<PortId> {
    let b: &[u8; 8] = body.try_into().ok()?;
    Some(PortId {
        pid: Pid::from_ne_bytes([b[4], b[5], b[6], b[7]]),
        id: Id::from_ne_bytes([b[0], b[1]]),
    })
}

/// A port of another process.
#[derive(Debug)]
pub struct Peer {
    /// Its name.
    pub port: PortId,
    /// What its process is.
    pub process: ProcessType,
    /// The way to it.
    pub sender: Sender,
}

/// The known ports of other processes.
#[derive(Debug, Default)]
pub struct PeerTable {
    ports: HashMap<PortId, Arc<Peer>>,
    /// Ports in the order of their arrival; the first is the main port of its process.
    by_pid: HashMap<Pid, Vec<Arc<Peer>>>,
}

impl PeerTable {
    /// Adds a port; one that is known already is kept and returned.
    pub fn add(&mut self, peer: Peer) -> Arc<Peer> {
        if let Some(known) = self.ports.get(&peer.port) {
            return known.clone();
        }
        let peer = Arc::new(peer);
        self.ports.insert(peer.port, peer.clone());
        self.by_pid
            .entry(peer.port.pid)
            .or_default()
            .push(peer.clone());
        peer
    }

    /// A port by name.
    pub fn get(&self, port: PortId) -> Option<&Arc<Peer>> {
        self.ports.get(&port)
    }

    /// All ports of a process, the main one first.
    pub fn ports_of(&self, pid: Pid) -> &[Arc<Peer>] {
        self.by_pid.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// The main port of a process.
    pub fn main_port(&self, pid: Pid) -> Option<&Arc<Peer>> {
        self.ports_of(pid).first()
    }

    /// The main port of the first process of a type.
    pub fn of_type(&self, process: ProcessType) -> Option<&Arc<Peer>> {
        self.main_ports().find(|peer| peer.process == process)
    }

    /// The main port of each process.
    pub fn main_ports(&self) -> impl Iterator<Item = &Arc<Peer>> {
        self.by_pid.values().filter_map(|ports| ports.first())
    }

    /// Forgets one port.
    pub fn remove(&mut self, port: PortId) -> Option<Arc<Peer>> {
        let peer = self.ports.remove(&port)?;
        if let Some(ports) = self.by_pid.get_mut(&port.pid) {
            ports.retain(|p| p.port != port);
            if ports.is_empty() {
                self.by_pid.remove(&port.pid);
            }
        }
        Some(peer)
    }

    /// Forgets a process; returns its ports.
    pub fn remove_pid(&mut self, pid: Pid) -> Vec<Arc<Peer>> {
        let ports = self.by_pid.remove(&pid).unwrap_or_default();
        for peer in &ports {
            self.ports.remove(&peer.port);
        }
        ports
    }

    /// Forgets what a new process of type `own` has no use for, after the fork; `parent` stays.
    pub fn retain_for(&mut self, own: ProcessType, parent: Pid) {
        let drop: Vec<Pid> = self
            .main_ports()
            .filter(|p| p.port.pid != parent && !own.keeps(p.process))
            .map(|p| p.port.pid)
            .collect();
        for pid in drop {
            self.remove_pid(pid);
        }
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.sender.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ProcessType; 6] = [Main, Discovery, Controller, Router, Prototype, App];

    fn matrix(rule: impl Fn(ProcessType, ProcessType) -> bool) -> Vec<String> {
        let row = |a| {
            ALL.iter()
                .map(|&b| if rule(a, b) { '1' } else { '0' })
                .collect()
        };
        ALL.iter().map(|&a| row(a)).collect()
    }

    #[test]
    fn the_connection_matrices_are_those_of_the_original() {
        assert_eq!(
            matrix(ProcessType::keeps),
            ["111111", "100000", "100100", "101111", "100100", "100100"]
        );
        assert_eq!(
            matrix(ProcessType::learns_of),
            ["111111", "100000", "100100", "101111", "100000", "100000"]
        );
        assert_eq!(
            matrix(ProcessType::death_concerns),
            ["000000", "000000", "000100", "001011", "000100", "100100"]
        );
    }

    #[test]
    fn new_port_survives_the_wire() {
        let new = NewPort::new(PortId { pid: 77, id: 65535 }, App);
        let wire = new.encode();
        assert_eq!(NewPort::decode(&wire), Some(new));
        assert_eq!(NewPort::decode(&wire[..31]), None);
        let mut bad = wire;
        bad[24] = 6;
        assert_eq!(NewPort::decode(&bad), None);
        let port = PortId { pid: -2, id: 3 };
        assert_eq!(decode_get_port(&encode_get_port(port)), Some(port));
        assert_eq!(decode_get_port(b"short"), None);
    }

    #[test]
    fn the_table_knows_ports_by_name_and_process() {
        let mut table = PeerTable::default();
        let peer = |pid, id, process| {
            let (_, write) = crate::ipc::socket::pair().unwrap();
            Peer {
                port: PortId { pid, id },
                process,
                sender: Sender::new(write, None),
            }
        };
        table.add(peer(1, 0, Main));
        table.add(peer(2, 0, Router));
        table.add(peer(2, 5, Router));
        table.add(peer(3, 0, Controller));
        let again = table.add(peer(2, 5, App));
        assert_eq!(again.process, Router);
        assert_eq!(table.main_port(2).unwrap().port.id, 0);
        assert_eq!(table.ports_of(2).len(), 2);
        assert_eq!(table.of_type(Controller).unwrap().port.pid, 3);
        table.remove(PortId { pid: 2, id: 0 });
        assert_eq!(table.main_port(2).unwrap().port.id, 5);
        table.retain_for(Prototype, 1);
        assert!(table.main_port(3).is_none() && table.main_port(2).is_some());
        assert_eq!(table.remove_pid(2).len(), 1);
        assert!(table.get(PortId { pid: 2, id: 5 }).is_none());
    }
}
