//! The listening sockets of one router thread.
//!
//! All threads share the sockets. Each thread has them, with `EPOLLEXCLUSIVE`, in an epoll
//! instance of its own, and its runtime waits for that instance: a new connection goes to a thread
//! that is waiting, and a thread takes one connection at a time before it turns to its others.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::router::generation::Generation;
use crate::router::request::Address;
use crate::sys::accept::{Peer, accept};
use crate::sys::watch::watch;

/// What a listener serves: one entry of one generation.
pub(super) struct Binding {
    /// The configuration.
    pub(super) generation: Arc<Generation>,
    /// The listener's index in it.
    pub(super) index: usize,
}

/// A listening socket, as its connections on this thread see it.
pub(super) struct Listener {
    /// `None` once the listener was removed, and before it is watched.
    socket: RefCell<Option<Arc<OwnedFd>>>,
    /// The address it is bound to; of a wildcard, each connection has its own.
    pub(super) local: Address,
    binding: RefCell<Option<Rc<Binding>>>,
    waiting: RefCell<WaitingList>,
    token: Cell<u64>,
}

impl Listener {
    /// A listener that is not watched yet.
    pub(super) fn new(binding: Binding) -> Rc<Listener> {
        let entry = &binding.generation.listeners[binding.index];
        Rc::new(Listener {
            socket: RefCell::new(None),
            local: entry.local.clone(),
            binding: RefCell::new(Some(Rc::new(binding))),
            waiting: RefCell::default(),
            token: Cell::new(0),
        })
    }

    /// Whether it is on this socket.
    fn has_socket(&self, socket: &Arc<OwnedFd>) -> bool {
        self.socket
            .borrow()
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, socket))
    }

    /// What a request that begins now is served by; `None` once the listener was removed.
    pub(super) fn binding(&self) -> Option<Rc<Binding>> {
        self.binding.borrow().clone()
    }

    /// Whether the listener was removed.
    pub(super) fn is_removed(&self) -> bool {
        self.binding.borrow().is_none()
    }

    /// Serves requests that begin from now on by another generation.
    pub(super) fn rebind(&self, binding: Binding) {
        *self.binding.borrow_mut() = Some(Rc::new(binding));
    }

    /// Ends the service; connections that wait for a request are woken to close. The socket goes
    /// with its last user.
    fn remove(&self) {
        *self.binding.borrow_mut() = None;
        *self.socket.borrow_mut() = None;
        self.wake();
    }

    /// Has connections that wait for a request look around: their worker leaves, or the listener
    /// was removed.
    fn wake(&self) {
        for waker in self.waiting.borrow().wakers.iter().flatten() {
            waker.wake_by_ref();
        }
    }
}

/// The tasks to wake when a listener is removed.
#[derive(Default)]
struct WaitingList {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

/// One connection's entry in its listener's waiting list.
pub(super) struct Registration {
    listener: Rc<Listener>,
    slot: Option<usize>,
}

impl Registration {
    /// A connection of `listener`.
    pub(super) fn new(listener: Rc<Listener>) -> Registration {
        Registration {
            listener,
            slot: None,
        }
    }

    /// The listener.
    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Sees to it that removal of the listener wakes `waker`. A connection is one task with one
    /// waker, so only the first call does anything but compare.
    pub(super) fn watch(&mut self, waker: &Waker) {
        let mut list = self.listener.waiting.borrow_mut();
        let slot = match self.slot {
            Some(slot) => slot,
            None => {
                let slot = list.free.pop().unwrap_or(list.wakers.len());
                if slot == list.wakers.len() {
                    list.wakers.push(None);
                }
                self.slot = Some(slot);
                slot
            }
        };
        let entry = &mut list.wakers[slot];
        if !entry.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *entry = Some(waker.clone());
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let mut list = self.listener.waiting.borrow_mut();
            list.wakers[slot] = None;
            list.free.push(slot);
        }
    }
}

/// A connection, whose it is, and where it came in.
pub(super) type Accepted = (OwnedFd, Peer, Rc<Listener>);

/// How many connections a thread that leaves takes along.
const LAST_ACCEPTS: usize = 1024;

/// The listeners of a thread.
pub(super) struct Listeners {
    epoll: Epoll,
    /// The same epoll instance, watched by the runtime.
    ready: AsyncFd<OwnedFd>,
    open: RefCell<Vec<Rc<Listener>>>,
    next_token: Cell<u64>,
    /// A connection was accepted since the thread's other tasks had their turn.
    in_a_row: Cell<bool>,
}

impl Listeners {
    /// None yet. To be called within the thread's runtime.
    pub(super) fn new() -> io::Result<Listeners> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let ready = watch(epoll.0.try_clone()?, Interest::READABLE)?;
        Ok(Listeners {
            epoll,
            ready,
            open: RefCell::default(),
            next_token: Cell::new(0),
            in_a_row: Cell::new(false),
        })
    }

    /// Opens, keeps and closes listeners until they are those of `generation`.
    pub(super) fn apply(&self, generation: &Arc<Generation>) {
        let mut open = self.open.borrow_mut();
        let mut old = std::mem::take(&mut *open);
        for (index, entry) in generation.listeners.iter().enumerate() {
            let Some(socket) = entry.socket.upgrade() else {
                crate::alert!("the socket of listener {} is gone", entry.address);
                continue;
            };
            let binding = Binding {
                generation: generation.clone(),
                index,
            };
            match old.iter().position(|listener| listener.has_socket(&socket)) {
                Some(known) => {
                    let listener = old.swap_remove(known);
                    listener.rebind(binding);
                    open.push(listener);
                }
                None => {
                    let listener = Listener::new(binding);
                    match self.watch(&listener, socket) {
                        Ok(()) => open.push(listener),
                        Err(error) => {
                            crate::alert!("cannot watch listener {}: {error}", entry.address);
                        }
                    }
                }
            }
        }
        drop(open);
        old.iter().for_each(|listener| self.close(listener));
    }

    /// Stops listening, because the thread leaves. The connections that the kernel has accepted
    /// already are returned; unless another process has the sockets too, they would be reset.
    pub(super) fn close_all(&self) -> Vec<Accepted> {
        let mut accepted = Vec::new();
        for listener in std::mem::take(&mut *self.open.borrow_mut()) {
            self.unwatch(&listener);
            let socket = listener.socket.take();
            // Not for ever, should clients come faster than this.
            while accepted.len() < LAST_ACCEPTS
                && let Some(Ok((fd, peer))) = socket.as_ref().map(accept)
            {
                accepted.push((fd, peer, listener.clone()));
            }
            listener.wake();
        }
        accepted
    }

    fn watch(&self, listener: &Listener, socket: Arc<OwnedFd>) -> io::Result<()> {
        if let Address::Ip(_) = listener.local {
            // Accepted sockets inherit it, which saves a call for each. A kernel that refuses it
            // delays the second of two small writes; nothing breaks.
            let _ = setsockopt(&socket, sockopt::TcpNoDelay, &true);
        }
        let token = self.next_token.get();
        self.next_token.set(token + 1);
        listener.token.set(token);
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
        self.epoll.add(&socket, EpollEvent::new(flags, token))?;
        *listener.socket.borrow_mut() = Some(socket);
        Ok(())
    }

    fn close(&self, listener: &Listener) {
        self.unwatch(listener);
        listener.remove();
    }

    fn unwatch(&self, listener: &Listener) {
        let socket = listener.socket.borrow().clone();
        if let Some(Err(errno)) = socket.map(|socket| self.epoll.delete(&socket)) {
            crate::alert!("cannot stop watching listener {}: {errno}", listener.local);
        }
    }

    /// Waits for a connection. Between two that are there already, the thread's other tasks and the
    /// other threads get their turn.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        loop {
            let mut guard = self.ready.readable().await?;
            let mut events = [EpollEvent::empty(); 8];
            let count = self.epoll.wait(&mut events, EpollTimeout::ZERO)?;
            if count == 0 {
                self.in_a_row.set(false);
                guard.clear_ready();
                continue;
            }
            if self.in_a_row.take() {
                tokio::task::yield_now().await;
                continue;
            }
            for event in &events[..count] {
                let Some(listener) = self.find(event.data()) else {
                    continue;
                };
                let Some(socket) = listener.socket.borrow().clone() else {
                    continue;
                };
                match accept(&socket) {
                    Ok((fd, peer)) => {
                        self.in_a_row.set(true);
                        return Ok((fd, peer, listener));
                    }
                    // Another thread was faster, or the client has left already.
                    Err(error) if is_passing(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn find(&self, token: u64) -> Option<Rc<Listener>> {
        self.open
            .borrow()
            .iter()
            .find(|listener| listener.token.get() == token)
            .cloned()
    }
}

/// Errors of accept(2) that concern one connection, not the listener.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    matches!(
        error.kind(),
        WouldBlock | Interrupted | ConnectionAborted | ConnectionReset
    ) || error.raw_os_error() == Some(libc::EPROTO)
        || error.raw_os_error() == Some(libc::EPERM)
}
