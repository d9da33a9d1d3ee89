//! The port of one router thread: applications answer to it.
//!
//! Lives in the thread's own tokio runtime. One task reads the port and hands each message to the
//! exchange of its stream; another takes notices of the main thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{JoinHandle, spawn_local};

use super::slot::Slot;
use crate::ipc::{Header, Id, Message, Pid, PortQueue, ReceiveError, Receiver, kind, socket};
use crate::router::hub::{Hub, Notice, WorkerHandle};
use crate::sys::watch::watch;

/// Messages that are handled before other tasks of the thread get their turn.
const BATCH: usize = 64;

/// How long a request may be in nobody's hands after a process of its application died: another
/// process may just have taken it and say so in a moment.
const BETWEEN: Duration = Duration::from_secs(1);

/// Streams are numbers from a counter: they need no mixing.
#[derive(Default)]
pub(super) struct StreamHasher(u64);

impl Hasher for StreamHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u32(&mut self, n: u32) {
        // hashbrown takes the upper bits for its tags.
        self.0 = u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

type Slots = HashMap<u32, Rc<Slot>, BuildHasherDefault<StreamHasher>>;

/// See the module head.
pub struct WorkerPort {
    hub: Arc<Hub>,
    id: Cell<Id>,
    receiver: RefCell<Receiver>,
    slots: RefCell<Slots>,
    /// Scratch space of the response parser.
    table: RefCell<Vec<u8>>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

impl WorkerPort {
    /// Opens the port of this thread and starts its tasks; call inside the thread's `LocalSet`.
    pub fn open(hub: &Arc<Hub>) -> std::io::Result<Rc<WorkerPort>> {
        let (read, write) = socket::pair()?;
        // The reactor watches a descriptor of its own; both name the same socket.
        let watched = watch(read.try_clone()?, Interest::READABLE)?;
        let (queue, memory) = PortQueue::create().map_err(std::io::Error::other)?;
        let (notices, notices_in) = unbounded_channel();
        let port = Rc::new(WorkerPort {
            hub: hub.clone(),
            id: Cell::new(0),
            receiver: RefCell::new(Receiver::new(read, Some(queue))),
            slots: RefCell::default(),
            table: RefCell::default(),
            tasks: RefCell::default(),
        });
        port.id.set(hub.add_worker(WorkerHandle {
            socket: write,
            queue: memory,
            notices,
        }));
        let reader = spawn_local(read_messages(watched, Rc::downgrade(&port)));
        let listener = spawn_local(take_notices(notices_in, Rc::downgrade(&port)));
        port.tasks.borrow_mut().extend([reader, listener]);
        Ok(port)
    }

    /// Its id among the ports of the router.
    pub fn id(&self) -> Id {
        self.id.get()
    }

    /// Requests of this thread that applications work on.
    pub fn in_flight(&self) -> usize {
        self.slots.borrow().len()
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(super) fn request_header(&self, stream: u32) -> Header {
        Header {
            mmap: true,
            ..Header::new(self.hub.pid, kind::REQ_HEADERS, stream).reply_to(self.id.get())
        }
    }

    pub(super) fn insert(&self, slot: Rc<Slot>) {
        self.slots.borrow_mut().insert(slot.stream, slot);
    }

    pub(super) fn remove(&self, stream: u32) {
        self.slots.borrow_mut().remove(&stream);
    }

    fn slot(&self, stream: u32) -> Option<Rc<Slot>> {
        self.slots.borrow().get(&stream).cloned()
    }

    /// Handles what is there, up to `limit` messages; whether that was all.
    fn drain(&self, limit: usize) -> Result<bool, ReceiveError> {
        for _ in 0..limit {
            // Not a `match` on the call: the borrow must end before the message is handled.
            let received = self.receiver.borrow_mut().receive();
            match received {
                Ok(Some(message)) => self.dispatch(message),
                Ok(None) => return Ok(true),
                Err(ReceiveError::Malformed(why)) => {
                    crate::alert!("router port {}: malformed message: {why}", self.id.get());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn dispatch(&self, mut message: Message) {
        let header = message.header;
        match header.kind {
            kind::DATA => {
                let Some(slot) = self.slot(header.stream) else {
                    return self.discard(&message);
                };
                let chunks = header.mmap.then(|| message.body.clone());
                if !slot.data(message, &mut self.table.borrow_mut())
                    && let Some(body) = chunks
                {
                    self.discard(&Message {
                        header,
                        body,
                        ..Message::default()
                    });
                }
                self.forget_if_over(&slot);
            }
            kind::REQ_HEADERS_ACK => {
                if let Some(slot) = self.slot(header.stream) {
                    slot.taken(&header, self.hub.pid, self.id.get());
                    self.forget_if_over(&slot);
                }
            }
            kind::RPC_ERROR => {
                if let Some(slot) = self.slot(header.stream)
                    && slot.process() == Some(header.pid)
                {
                    slot.fail(503);
                    self.forget_if_over(&slot);
                }
            }
            kind::MMAP => {
                let (process, fd) = (self.hub.process(header.pid), message.take_fd());
                if let (Some(process), Some(fd)) = (process, fd)
                    && let Err(error) = process.incoming.add(fd.as_fd())
                {
                    crate::alert!("shared memory of process {}: {error}", header.pid);
                }
            }
            kind::OOSM => out_of_memory(&self.hub, header.pid),
            _ => {}
        }
    }

    /// Gives back shared memory of a response that nobody waits for.
    fn discard(&self, message: &Message) {
        if let Some(process) = self.hub.process(message.header.pid) {
            for reference in message.chunks() {
                drop(process.incoming.chunk(reference));
            }
        }
    }

    fn forget_if_over(&self, slot: &Slot) {
        if slot.is_over() {
            self.remove(slot.stream);
        }
    }

    fn slots_where(&self, wanted: impl Fn(&Slot) -> bool) -> Vec<Rc<Slot>> {
        self.slots
            .borrow()
            .values()
            .filter(|slot| wanted(slot))
            .cloned()
            .collect()
    }

    fn notice(self: &Rc<Self>, notice: Notice) {
        match notice {
            Notice::ProcessGone(departure) => self.process_gone(departure.process.pid),
            Notice::StartFailed(app, count) => {
                for slot in self.slots_where(|slot| Arc::ptr_eq(&slot.app, &app)) {
                    slot.start_failed(count);
                    self.forget_if_over(&slot);
                }
            }
            Notice::QueueReplaced(app) => {
                for slot in self.slots_where(|slot| Arc::ptr_eq(&slot.app, &app)) {
                    slot.requeue(&self.request_header(slot.stream));
                    self.forget_if_over(&slot);
                }
            }
        }
    }

    fn process_gone(self: &Rc<Self>, pid: Pid) {
        // What it said before its end counts.
        let _ = self.drain(usize::MAX);
        self.receiver.borrow_mut().forget_peer(pid);
        for slot in self.slots_where(|slot| slot.process() == Some(pid)) {
            slot.process_died();
            self.forget_if_over(&slot);
        }
        // A request may have been taken by the dead process which did not live to say so.
        let between = self.slots_where(Slot::is_between);
        if !between.is_empty() {
            let port = self.clone();
            spawn_local(async move {
                tokio::time::sleep(BETWEEN).await;
                for slot in between.iter().filter(|slot| slot.is_between()) {
                    slot.process_died();
                    port.forget_if_over(slot);
                }
            });
        }
    }
}

impl Drop for WorkerPort {
    fn drop(&mut self) {
        self.hub.remove_worker(self.id.get());
        self.tasks
            .borrow_mut()
            .drain(..)
            .for_each(|task| task.abort());
    }
}

/// A process has no room for its response.
pub(crate) fn out_of_memory(hub: &Hub, pid: Pid) {
    let Some(process) = hub.process(pid) else {
        return;
    };
    if process.incoming.peer_is_exhausted()
        && let Some(app) = process.app.upgrade()
    {
        app.acknowledge_memory(pid);
    }
}

async fn read_messages(socket: AsyncFd<OwnedFd>, port: Weak<WorkerPort>) {
    loop {
        let Ok(mut guard) = socket.readable().await else {
            return;
        };
        loop {
            let Some(port) = port.upgrade() else { return };
            match port.drain(BATCH) {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    crate::alert!("router port {}: {error}", port.id.get());
                    return;
                }
            }
            drop(port);
            tokio::task::yield_now().await;
        }
        guard.clear_ready();
    }
}

async fn take_notices(mut notices: UnboundedReceiver<Notice>, port: Weak<WorkerPort>) {
    while let Some(notice) = notices.recv().await {
        let Some(port) = port.upgrade() else { return };
        port.notice(notice);
    }
}
