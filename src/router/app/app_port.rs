//! The port of one application on one router thread: the application's processes answer to it.
//!
//! Each application has a port of its own, because whoever may write to a port's queue and socket
//! can write whatever it likes, close it, or break it: an application does that only to itself. It
//! finds no request of another application here, and a port that it broke is replaced.
//!
//! One task of the thread reads the port and hands each message to the exchange of its stream.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::{JoinHandle, spawn_local};

use super::App;
use super::slot::Slot;
use super::worker_port::WorkerPort;
use crate::base::log::Level;
use crate::ipc::admission::{self, Refusal};
use crate::ipc::receiver::Debt;
use crate::ipc::{
    Header, Id, Message, Pid, PortQueue, ProcessType, ReceiveError, Receiver, kind, socket,
};
use crate::router::hub::{AppId, Hub, PortHandle};
use crate::sys::watch::watch;

/// Messages that are handled before other tasks of the thread get their turn.
const BATCH: usize = 64;

/// Messages that are read of a dead process: what a queue and a socket hold.
const LAST_WORDS: usize = 32 * 1024;

/// How long a request may be in nobody's hands after a process of its application died: another
/// process may just have taken it and say so in a moment.
const BETWEEN: Duration = Duration::from_secs(1);

/// What is owed to the port for longer than this is owed by a dead process.
const OVERDUE: Duration = Duration::from_millis(200);

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
pub(crate) struct AppPort {
    hub: Arc<Hub>,
    thread: Weak<WorkerPort>,
    /// The name, for the log.
    name: String,
    app: AppId,
    id: Id,
    receiver: RefCell<Receiver>,
    slots: RefCell<Slots>,
    /// Scratch space of the response parser.
    table: RefCell<Vec<u8>>,
    reader: Cell<Option<JoinHandle<()>>>,
    /// Somebody looks after what is owed to the port.
    is_owed: Cell<bool>,
    /// A process died while a message was owed.
    is_bereaved: Cell<bool>,
    app_ref: std::sync::Weak<App>,
}

impl AppPort {
    /// Opens the port and starts its task; call inside the thread's `LocalSet`.
    pub(super) fn open(thread: &Rc<WorkerPort>, app: &Arc<App>) -> std::io::Result<Rc<AppPort>> {
        let hub = thread.hub();
        let (read, write) = socket::pair()?;
        // The reactor watches a descriptor of its own; both name the same socket.
        let watched = watch(read.try_clone()?, Interest::READABLE)?;
        let (queue, memory) = PortQueue::create().map_err(std::io::Error::other)?;
        let handle = PortHandle {
            app: app.id,
            socket: write,
            queue: memory,
        };
        let id = hub
            .add_port(handle)
            .ok_or_else(|| std::io::Error::other("no port id is free"))?;
        let port = Rc::new(AppPort {
            hub: hub.clone(),
            thread: Rc::downgrade(thread),
            name: app.name.clone(),
            app: app.id,
            id,
            // Applications send no fragments.
            receiver: RefCell::new(Receiver::new(read, Some(queue)).without_fragments()),
            slots: RefCell::default(),
            table: RefCell::default(),
            reader: Cell::default(),
            is_owed: Cell::default(),
            is_bereaved: Cell::default(),
            app_ref: Arc::downgrade(app),
        });
        let reader = spawn_local(read_messages(watched, Rc::downgrade(&port)));
        port.reader.set(Some(reader));
        Ok(port)
    }

    /// Its id among the ports of the router.
    pub(super) fn id(&self) -> Id {
        self.id
    }

    /// Requests that the application works on.
    pub(super) fn in_flight(&self) -> usize {
        self.slots.borrow().len()
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(super) fn request_header(&self, stream: u32) -> Header {
        Header {
            mmap: true,
            ..Header::new(self.hub.pid, kind::REQ_HEADERS, stream).reply_to(self.id)
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
                Ok(Some(message)) => {
                    let (kind, pid) = (message.header.kind, message.header.pid);
                    if let Err(refusal) = self.dispatch(message) {
                        self.complain(format_args!("message {kind} from process {pid} {refusal}"));
                    }
                }
                Ok(None) => return Ok(true),
                Err(ReceiveError::Malformed(why)) => {
                    self.complain(format_args!("malformed message: {why}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn complain(&self, what: std::fmt::Arguments<'_>) {
        if let Some(app) = self.app_ref.upgrade() {
            let text = format_args!("app \"{}\": {what}, dropped", self.name);
            app.complaints.write(Level::Alert, text);
        }
    }

    fn dispatch(&self, mut message: Message) -> Result<(), Refusal> {
        let header = message.header;
        admission::check(ProcessType::Router, Some(ProcessType::App), &message)?;
        // What came through the queue is from some process of the application; of the socket the
        // kernel knows more.
        if let Some(sender) = message.sender
            && sender != header.pid
            && self.hub.is_foreign(self.app, sender)
        {
            return Err(Refusal::Sender(Some(sender)));
        }
        match header.kind {
            kind::DATA => {
                let Some(slot) = self.slot(header.stream) else {
                    self.discard(&message);
                    return Ok(());
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
                    slot.taken(&header, self.hub.pid, self.id);
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
            kind::MMAP | kind::OOSM => {
                let process = self.hub.process(self.app, header.pid);
                let process = process.ok_or(Refusal::Sender(message.sender))?;
                match message.take_fd() {
                    Some(fd) if header.kind == kind::MMAP => {
                        if let Err(error) = process.incoming.add(fd.as_fd()) {
                            let pid = header.pid;
                            self.complain(format_args!("shared memory of process {pid}: {error}"));
                        }
                    }
                    _ => process.out_of_memory(),
                }
            }
            _ => return Err(Refusal::Kind),
        }
        Ok(())
    }

    /// Gives back shared memory of a response that nobody waits for.
    fn discard(&self, message: &Message) {
        if let Some(process) = self.hub.process(self.app, message.header.pid) {
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

    pub(super) fn refuse(&self, failure: u32) {
        for slot in self.slots_where(|_| true) {
            slot.refuse(failure);
            self.forget_if_over(&slot);
        }
    }

    pub(super) fn queue_replaced(&self) {
        for slot in self.slots_where(|_| true) {
            slot.requeue(&self.request_header(slot.stream));
            self.forget_if_over(&slot);
        }
    }

    pub(super) fn process_gone(self: &Rc<Self>, pid: Pid) {
        // What it said before its end counts, also if it did not live to wake the reader.
        if !self.read(LAST_WORDS) {
            return;
        }
        if matches!(self.receiver.borrow().debt(), Some(Debt::Message(_))) {
            // Perhaps the dead one's; then no other request should come here.
            self.is_bereaved.set(true);
            self.retire();
        }
        for slot in self.slots_where(|slot| slot.process() == Some(pid)) {
            slot.give_up();
            self.forget_if_over(&slot);
        }
        // A request may have been taken by the dead process which did not live to say so.
        let between = self.slots_where(Slot::is_between);
        if !between.is_empty() {
            let port = self.clone();
            spawn_local(async move {
                tokio::time::sleep(BETWEEN).await;
                for slot in between.iter().filter(|slot| slot.is_between()) {
                    slot.give_up();
                    port.forget_if_over(slot);
                }
            });
        }
    }

    /// Handles what is there; `false` if the port had to be given up.
    fn read(self: &Rc<Self>, limit: usize) -> bool {
        if let Err(error) = self.drain(limit) {
            self.give_up(&error);
            return false;
        }
        self.watch_debt();
        true
    }

    /// What is owed to the port is waited for, but not for long.
    fn watch_debt(self: &Rc<Self>) {
        let Some(debt) = self.receiver.borrow().debt() else {
            return;
        };
        if self.is_owed.replace(true) {
            return;
        }
        let port = Rc::downgrade(self);
        spawn_local(async move {
            tokio::time::sleep(OVERDUE).await;
            let Some(port) = port.upgrade() else { return };
            port.is_owed.set(false);
            port.collect(debt);
        });
    }

    fn collect(self: &Rc<Self>, debt: Debt) {
        let overdue = self.receiver.borrow().debt() == Some(debt);
        match debt {
            Debt::Count if overdue => self.receiver.borrow_mut().settle(),
            // Messages of other processes may have taken its place, and so come out of order.
            Debt::Message(_) if overdue && self.is_bereaved.get() => {
                let why = "a process died in the middle of a message";
                return self.give_up(&ReceiveError::Malformed(why));
            }
            _ => {}
        }
        self.read(LAST_WORDS);
    }

    /// The next request opens another port.
    fn retire(&self) {
        if let Some(thread) = self.thread.upgrade() {
            thread.forget_port(self.app, self.id);
        }
    }

    /// The application broke its port: its requests fail, and the next one opens a new port.
    fn give_up(&self, error: &ReceiveError) {
        self.complain(format_args!("port {} is unusable: {error}", self.id));
        self.retire();
        for slot in self.slots_where(|_| true) {
            slot.fail(503);
            self.remove(slot.stream);
        }
    }
}

impl Drop for AppPort {
    fn drop(&mut self) {
        self.hub.remove_port(self.id);
        if let Some(reader) = self.reader.take() {
            reader.abort();
        }
    }
}

async fn read_messages(socket: AsyncFd<OwnedFd>, port: Weak<AppPort>) {
    loop {
        let Ok(mut guard) = socket.readable().await else {
            return;
        };
        loop {
            let Some(port) = port.upgrade() else { return };
            match port.drain(BATCH) {
                Ok(true) => {
                    port.watch_debt();
                    break;
                }
                Ok(false) => {}
                Err(error) => return port.give_up(&error),
            }
            drop(port);
            tokio::task::yield_now().await;
        }
        guard.clear_ready();
    }
}
