//! RPC streams: a request registers here for its answers, which carry its stream number.
//!
//! Stream numbers are unique in the whole daemon, because a request may travel on: the router asks
//! main for a process under a stream of its own, and the `NEW_PORT` message that main sends at last
//! carries that stream. The counter lies in memory that all processes inherit.

use std::collections::{BTreeSet, HashMap};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Pid;

struct Counter(NonNull<AtomicU32>);

// SAFETY: it points at an atomic that is never freed.
unsafe impl Send for Counter {}
// SAFETY: as above.
unsafe impl Sync for Counter {}

/// The counter; main calls [`init_streams`] before it forks, so that all its descendants share it.
fn counter() -> &'static AtomicU32 {
    static LOCAL: AtomicU32 = AtomicU32::new(1);
    static SHARED: OnceLock<Option<Counter>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        // SAFETY: a new anonymous mapping touches nothing existing; it is zeroed and stays mapped
        // for the life of the process.
        let p = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<AtomicU32>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if p == libc::MAP_FAILED {
            return None;
        }
        NonNull::new(p.cast()).map(Counter)
    });
    match shared {
        // SAFETY: see `Counter`.
        Some(Counter(p)) => unsafe { p.as_ref() },
        None => &LOCAL,
    }
}

/// Makes the stream counter, to be shared with the processes forked from now on.
pub fn init_streams() {
    counter();
}

/// A stream number that no process of the daemon uses; never 0.
pub fn next_stream() -> u32 {
    loop {
        match counter().fetch_add(1, Ordering::Relaxed) {
            0 => continue,
            stream => return stream,
        }
    }
}

/// The requests of one port that wait for answers.
#[derive(Debug)]
pub struct RpcTable<T> {
    streams: HashMap<u32, (Option<Pid>, T)>,
    peers: HashMap<Pid, BTreeSet<u32>>,
}

impl<T> Default for RpcTable<T> {
    fn default() -> Self {
        RpcTable {
            streams: HashMap::new(),
            peers: HashMap::new(),
        }
    }
}

impl<T> RpcTable<T> {
    /// Registers a request and returns its stream. If `peer` dies, the request comes out of
    /// [`RpcTable::peer_died`].
    pub fn register(&mut self, value: T, peer: Option<Pid>) -> u32 {
        let stream = next_stream();
        self.insert(stream, value, peer);
        stream
    }

    /// Registers a request under a stream that the caller got from [`next_stream`].
    pub fn insert(&mut self, stream: u32, value: T, peer: Option<Pid>) {
        self.take(stream);
        self.streams.insert(stream, (None, value));
        if peer.is_some() {
            self.set_peer(stream, peer);
        }
    }

    /// Changes the peer that a request depends on.
    pub fn set_peer(&mut self, stream: u32, peer: Option<Pid>) {
        let Some((current, _)) = self.streams.get_mut(&stream) else {
            return;
        };
        let before = std::mem::replace(current, peer);
        self.unlink(before, stream);
        if let Some(pid) = peer {
            self.peers.entry(pid).or_default().insert(stream);
        }
    }

    /// The request of a message that is not the last of its stream.
    pub fn get_mut(&mut self, stream: u32) -> Option<&mut T> {
        self.streams.get_mut(&stream).map(|(_, value)| value)
    }

    /// The peer that a request depends on.
    pub fn peer(&self, stream: u32) -> Option<Pid> {
        self.streams.get(&stream)?.0
    }

    /// The streams of the requests that depend on a process.
    pub fn streams_of(&self, peer: Pid) -> Vec<u32> {
        self.peers
            .get(&peer)
            .map_or_else(Vec::new, |streams| streams.iter().copied().collect())
    }

    /// Any request that waits.
    pub fn any(&self) -> Option<u32> {
        self.streams.keys().next().copied()
    }

    /// Takes the request of the last message of its stream, or cancels it.
    pub fn take(&mut self, stream: u32) -> Option<T> {
        let (peer, value) = self.streams.remove(&stream)?;
        self.unlink(peer, stream);
        Some(value)
    }

    /// Forgets a request; whether it was there.
    pub fn cancel(&mut self, stream: u32) -> bool {
        self.take(stream).is_some()
    }

    /// Takes the requests that depend on a process, in the order of their streams.
    pub fn peer_died(&mut self, peer: Pid) -> Vec<(u32, T)> {
        let streams = self.peers.remove(&peer).unwrap_or_default();
        streams
            .into_iter()
            .filter_map(|stream| Some((stream, self.streams.remove(&stream)?.1)))
            .collect()
    }

    /// Takes everything, when the port closes.
    pub fn drain(&mut self) -> impl Iterator<Item = (u32, T)> + '_ {
        self.peers.clear();
        self.streams
            .drain()
            .map(|(stream, (_, value))| (stream, value))
    }

    /// Requests that wait.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    fn unlink(&mut self, peer: Option<Pid>, stream: u32) {
        let Some(pid) = peer else { return };
        if let Some(streams) = self.peers.get_mut(&pid) {
            streams.remove(&stream);
            if streams.is_empty() {
                self.peers.remove(&pid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_find_their_request_once() {
        let mut table = RpcTable::default();
        let a = table.register("a", None);
        let b = table.register("b", Some(7));
        assert!(a != 0 && a != b);
        *table.get_mut(a).unwrap() = "a2";
        assert_eq!(table.take(a), Some("a2"));
        assert_eq!(table.take(a), None);
        assert!(table.cancel(b));
        assert!(!table.cancel(b));
        assert!(table.peers.is_empty());
    }

    #[test]
    fn a_death_yields_all_requests_of_the_peer() {
        let mut table = RpcTable::default();
        let a = table.register(1, Some(7));
        let b = table.register(2, Some(8));
        let c = table.register(3, None);
        table.set_peer(c, Some(7));
        let d = table.register(4, Some(7));
        table.set_peer(d, Some(8));
        assert_eq!((table.peer(c), table.peer(d)), (Some(7), Some(8)));
        assert_eq!(table.streams_of(7), [a, c]);
        assert!(table.any().is_some());
        assert_eq!(table.peer_died(7), [(a, 1), (c, 3)]);
        assert!(table.peer_died(7).is_empty());
        assert_eq!(table.peer_died(8), [(b, 2), (d, 4)]);
        assert!(table.is_empty());
    }

    #[test]
    fn streams_are_shared_with_forked_processes() {
        init_streams();
        let before = next_stream();
        // SAFETY: the child only touches an atomic and leaves.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                for _ in 0..1000 {
                    counter().fetch_add(1, Ordering::Relaxed);
                }
                // SAFETY: leaves without running anything of the parent's.
                unsafe { libc::_exit(0) }
            }
            nix::unistd::ForkResult::Parent { child } => {
                nix::sys::wait::waitpid(child, None).unwrap();
            }
        }
        assert!(next_stream().wrapping_sub(before) > 1000);
    }
}
