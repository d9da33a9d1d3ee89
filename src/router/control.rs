//! The router's main thread: its port to the daemon's other processes.
//!
//! | message | from | meaning |
//! |---|---|---|
//! | `DATA`, last | controller | apply the configuration in the memory file; its length is the body |
//! | `STATUS` | controller | report; see [`status`](super::status) |
//! | `APP_RESTART` | controller | restart the application named in the body |
//! | `NEW_PORT` | main, prototypes | a new process; with a stream the answer to `START_PROCESS` |
//! | `NEW_PORT` | applications | a port of a further thread |
//! | `GET_PORT`, `GET_MMAP` | applications | send that port, that segment |
//! | `REMOVE_PID` | main, prototypes | a process is gone |
//! | `OOSM`, `MMAP` | applications | shared memory |
//! | `CHANGE_FILE` | main | the log file was reopened |
//! | `ACCESS_LOG` | main | reopen the access log |
//! | `QUIT` | main | leave; with `QUIT_GRACEFUL` when the requests in progress are finished |

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::access_log::LogFile;
use super::app::App;
use super::app::worker_port::out_of_memory;
use super::generation::Generation;
use super::hub::{Departure, Hub, Link, Notice, Process};
use super::threads::Threads;
use crate::ipc::message::QUIT_GRACEFUL;
use crate::ipc::peers::decode_get_port;
use crate::ipc::{
    Body, Header, Message, NewPort, Pid, PortId, PortQueue, ProcessType, ReceiveError, Receiver,
    RpcTable, Sender, kind,
};
use crate::sys::memory::write_memfd;

/// The longest configuration, bytes; the controller's limit is lower.
const MAX_CONFIGURATION: u64 = 1 << 30;

/// Messages that are handled before other tasks get their turn.
const BATCH: usize = 64;

/// Who waits for an answer.
pub(super) enum Pending {
    /// A task, for the message itself.
    Answer(oneshot::Sender<Message>),
    /// This log, for its new file.
    ReopenedLog(Arc<LogFile>),
    /// A task, for a prototype of this generation.
    Prototype(Arc<App>, u32, oneshot::Sender<()>),
    /// A task, for a process of this generation.
    Process(Arc<App>, u32, oneshot::Sender<()>),
}

/// A configuration to apply, and whom to answer.
pub(super) struct Change {
    pub(super) text: Vec<u8>,
    pub(super) controller: Arc<Link>,
    pub(super) stream: u32,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    /// Finish the requests in progress, then leave.
    Finish,
    Quit,
}

/// See the module head.
pub(super) struct Control {
    pub(super) hub: Arc<Hub>,
    pub(super) main: Arc<Link>,
    controller: RefCell<Option<Arc<Link>>>,
    receiver: RefCell<Receiver>,
    rpc: RefCell<RpcTable<Pending>>,
    changes: UnboundedSender<Change>,
    pub(super) threads: RefCell<Threads>,
    pub(super) tmpdir: PathBuf,
    /// What runs now.
    pub(super) generation: RefCell<Option<Arc<Generation>>>,
    /// Listening sockets by address.
    pub(super) sockets: RefCell<HashMap<String, Arc<OwnedFd>>>,
    /// Applications whose processes exist, removed ones too.
    pub(super) apps: RefCell<Vec<Arc<App>>>,
    /// Requests in progress are finished, then the router leaves: no further configuration.
    pub(super) finishing: Cell<bool>,
}

impl Control {
    pub(super) fn new(
        start: super::Start,
        hub: &Arc<Hub>,
        changes: UnboundedSender<Change>,
    ) -> Rc<Control> {
        let link = |(pid, socket): (Pid, OwnedFd)| {
            Link::new(hub, PortId { pid, id: 0 }, Sender::new(socket, None), None)
        };
        Rc::new(Control {
            hub: hub.clone(),
            main: link(start.main),
            controller: RefCell::new(start.controller.map(link)),
            receiver: RefCell::new(Receiver::new(start.port, None)),
            rpc: RefCell::default(),
            changes,
            threads: RefCell::default(),
            tmpdir: start.tmpdir,
            generation: RefCell::default(),
            sockets: RefCell::default(),
            apps: RefCell::default(),
            finishing: Cell::new(false),
        })
    }

    /// A descriptor of the port's socket, for the reactor.
    pub(super) fn socket(&self) -> std::io::Result<OwnedFd> {
        self.receiver.borrow().as_fd().try_clone_to_owned()
    }

    /// Tells a controller that was there first that this router takes configurations.
    pub(super) fn greet_controller(&self) {
        if let Some(controller) = &*self.controller.borrow() {
            controller.tell(kind::PROCESS_READY, 0, &[]);
        }
    }

    /// Handles what is there, up to a batch; `None` if there may be more.
    pub(super) fn drain(&self) -> Option<Flow> {
        for _ in 0..BATCH {
            // Not a `match` on the call: the borrow must end before the message is handled.
            let received = self.receiver.borrow_mut().receive();
            match received {
                Ok(Some(message)) => {
                    let flow = self.dispatch(message);
                    if flow != Flow::Continue {
                        return Some(flow);
                    }
                }
                Ok(None) => return Some(Flow::Continue),
                Err(ReceiveError::Malformed(why)) => {
                    crate::alert!("router port: malformed message: {why}");
                }
                Err(error) => {
                    crate::alert!("router port: {error}");
                    return Some(Flow::Quit);
                }
            }
        }
        None
    }

    fn dispatch(&self, mut message: Message) -> Flow {
        let header = message.header;
        // What only the daemon may say is believed by the sender that the kernel names.
        let sender = message.sender.unwrap_or(header.pid);
        let from_main = sender == self.main.port.pid;
        match header.kind {
            kind::QUIT if from_main => {
                return match message.body.first() {
                    Some(&QUIT_GRACEFUL) => Flow::Finish,
                    _ => Flow::Quit,
                };
            }
            kind::RPC_READY | kind::RPC_ERROR => self.answered(message),
            kind::NEW_PORT => self.new_port(message),
            kind::REMOVE_PID => {
                if let Some(pid) = message.pid_body() {
                    self.fail(header.stream);
                    self.process_gone(pid);
                }
            }
            kind::GET_PORT => self.send_port(&message),
            kind::GET_MMAP => self.send_segment(&message),
            kind::MMAP => {
                if let (Some(process), Some(fd)) = (self.hub.process(header.pid), message.take_fd())
                    && let Err(error) = process.incoming.add(fd.as_fd())
                {
                    crate::alert!("shared memory of process {}: {error}", header.pid);
                }
            }
            kind::OOSM => out_of_memory(&self.hub, header.pid),
            kind::CHANGE_FILE if from_main => {
                if let Some(Err(error)) = message.take_fd().map(nix::unistd::dup2_stderr) {
                    crate::alert!("the log file cannot be reopened: {error}");
                }
            }
            kind::ACCESS_LOG if from_main => self.reopen_access_log(),
            kind::DATA | kind::STATUS | kind::APP_RESTART => {
                let controller = self.controller.borrow().clone();
                if let Some(controller) = controller.filter(|c| c.port.pid == sender) {
                    self.serve_controller(&controller, message);
                } else {
                    crate::alert!(
                        "message {} from process {sender} is not allowed",
                        header.kind
                    );
                }
            }
            other => crate::warning!("message {other} from process {sender} is not expected"),
        }
        Flow::Continue
    }

    fn serve_controller(&self, controller: &Arc<Link>, mut message: Message) {
        let stream = message.header.stream;
        let done = match message.header.kind {
            kind::STATUS => self.report(controller, stream),
            kind::APP_RESTART => self.restart(&message.body),
            _ => {
                let length = message.body.first_chunk().map(|b| u64::from_ne_bytes(*b));
                let text = message.take_fd().zip(length).and_then(|(fd, length)| {
                    crate::ipc::read_memory(fd, length.min(MAX_CONFIGURATION)).ok()
                });
                let change = text.map(|text| Change {
                    text,
                    controller: controller.clone(),
                    stream,
                });
                match change.map(|change| self.changes.send(change)) {
                    // The answer comes when it is applied.
                    Some(Ok(())) => return,
                    _ => {
                        crate::alert!("a configuration from the controller cannot be read");
                        Some(false)
                    }
                }
            }
        };
        match done {
            Some(true) => controller.tell(kind::RPC_READY, stream, &[]),
            Some(false) => controller.tell(kind::RPC_ERROR, stream, &[]),
            None => {}
        }
    }

    /// `None`: it has been answered.
    fn report(&self, controller: &Arc<Link>, stream: u32) -> Option<bool> {
        let apps = self
            .generation
            .borrow()
            .as_ref()
            .map_or(Vec::new(), |g| g.apps.clone());
        let text = super::status::report(&self.threads.borrow().totals(), &apps);
        let header = Header::new(self.hub.pid, kind::RPC_READY, stream).with_last(true);
        let sent = write_memfd(c"unit status", text.as_bytes())
            .map(|memory| controller.send(&header, &text.len().to_ne_bytes(), &[memory.as_fd()]));
        match sent {
            Ok(Ok(())) => None,
            _ => Some(false),
        }
    }

    fn restart(&self, name: &[u8]) -> Option<bool> {
        let generation = self.generation.borrow().clone();
        let app =
            generation.and_then(|g| g.apps.iter().find(|a| a.name.as_bytes() == name).cloned());
        let restarted = app.map(|app| app.restart());
        if let Some(Err(error)) = &restarted {
            crate::alert!("an application cannot be restarted: {error}");
        }
        Some(matches!(restarted, Some(Ok(()))))
    }

    // Requests of this process.

    /// Sends a request that `pending` waits for; if `peer` dies, the request fails.
    pub(super) fn request(
        &self,
        to: &Arc<Link>,
        kind: u8,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
        peer: Pid,
        pending: Pending,
    ) {
        let stream = self.rpc.borrow_mut().register(pending, Some(peer));
        let header = Header::new(self.hub.pid, kind, stream);
        if let Err(error) = to.send(&header, body, fds) {
            // Of a process that has just ended main or its prototype tells.
            if !matches!(error, crate::ipc::SendError::Closed) {
                crate::alert!("message {kind} to process {}: {error}", to.port.pid);
            }
            self.fail(stream);
        }
    }

    /// Asks main; the error is what main says about a refusal.
    pub(super) async fn ask_main(&self, kind: u8, body: &[u8]) -> Result<Message, Body> {
        let (answer, answered) = oneshot::channel();
        let main = self.main.port.pid;
        self.request(&self.main, kind, body, &[], main, Pending::Answer(answer));
        match answered.await {
            Ok(message) if message.header.kind == kind::RPC_READY => Ok(message),
            Ok(message) => Err(message.body),
            Err(_) => Err(Body::new(&[])),
        }
    }

    /// An answer, or an error, which fails the request.
    fn answered(&self, mut message: Message) {
        let pending = self.rpc.borrow_mut().take(message.header.stream);
        match pending {
            // Nobody listens any more if the task was given up.
            Some(Pending::Answer(answer)) => drop(answer.send(message)),
            Some(Pending::ReopenedLog(log)) => match message.take_fd() {
                Some(file) => log.replace(file.into()),
                // Main has told why.
                None => crate::alert!("the access log stays the old file"),
            },
            Some(Pending::Prototype(..) | Pending::Process(..)) | None => {}
        }
    }

    /// The access log of the present configuration.
    pub(super) fn access_log(&self) -> Option<Arc<LogFile>> {
        let generation = self.generation.borrow();
        let log = generation.as_ref()?.access_log.as_ref()?;
        Some(log.file().clone())
    }

    fn reopen_access_log(&self) {
        if let Some(log) = self.access_log() {
            let path = log.path.clone().into_bytes();
            let pending = Pending::ReopenedLog(log);
            let main = self.main.port.pid;
            self.request(&self.main, kind::ACCESS_LOG, &path, &[], main, pending);
        }
    }

    /// A request failed. Its waiter learns it by the dropped channel.
    fn fail(&self, stream: u32) {
        drop(self.rpc.borrow_mut().take(stream));
    }

    // Processes that come and go.

    fn new_port(&self, mut message: Message) {
        let header = message.header;
        let (Some(new), Some(socket)) = (NewPort::decode(&message.body), message.take_fd()) else {
            crate::alert!("malformed NEW_PORT message from process {}", header.pid);
            return self.fail(header.stream);
        };
        // Its reader may have made it blocking.
        let nonblocking = fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        let queue = message.fds[1]
            .take()
            .map(|memory| PortQueue::map(memory.as_fd()));
        let queue = match queue.transpose() {
            Ok(queue) if nonblocking.is_ok() => queue,
            _ => {
                crate::alert!("the port of process {} cannot be used", new.port.pid);
                return self.fail(header.stream);
            }
        };
        let sender = Sender::new(socket, queue);
        match new.process {
            ProcessType::Controller => {
                let link = Link::new(&self.hub, new.port, sender, None);
                *self.controller.borrow_mut() = Some(link);
                self.greet_controller();
            }
            ProcessType::Prototype | ProcessType::App if header.stream != 0 => {
                let pending = self.rpc.borrow_mut().take(header.stream);
                self.process_ready(new.port, sender, pending);
            }
            ProcessType::App => self.further_port(new.port, sender),
            _ => {}
        }
    }

    fn process_ready(&self, port: PortId, sender: Sender, pending: Option<Pending>) {
        match pending {
            Some(Pending::Prototype(app, generation, done)) => {
                app.prototype_ready(generation, Link::new(&self.hub, port, sender, None));
                let _ = done.send(());
            }
            Some(Pending::Process(app, generation, done)) => {
                let process = Process::new(&self.hub, port.pid, &app);
                self.hub.add_process(process.clone());
                let link = Link::new(&self.hub, port, sender, Some(process));
                app.process_ready(generation, link);
                let _ = done.send(());
            }
            // Nobody waits for it any more: it must not stay.
            Some(Pending::Answer(_) | Pending::ReopenedLog(_)) | None => {
                Link::new(&self.hub, port, sender, None).tell(kind::QUIT, 0, &[]);
            }
        }
    }

    fn further_port(&self, port: PortId, sender: Sender) {
        let process = self.hub.process(port.pid);
        match process.as_ref().and_then(|process| process.app.upgrade()) {
            Some(app) => app.port_added(Link::new(&self.hub, port, sender, process)),
            None => crate::warning!("port {} of unknown process {}", port.id, port.pid),
        }
    }

    fn process_gone(&self, pid: Pid) {
        self.receiver.borrow_mut().forget_peer(pid);
        let failed = self.rpc.borrow_mut().peer_died(pid);
        drop(failed);
        if let Some(process) = self.hub.process(pid) {
            if let Some(app) = process.app.upgrade() {
                app.process_gone(pid);
            }
            let departure = Departure::new(&self.hub, process);
            self.hub.tell_workers(&Notice::ProcessGone(departure));
        } else {
            let apps = self.apps.borrow().clone();
            apps.iter().for_each(|app| app.prototype_gone(pid));
            let mut controller = self.controller.borrow_mut();
            if controller.as_ref().is_some_and(|c| c.port.pid == pid) {
                *controller = None;
            }
        }
        self.forget_finished();
    }

    /// All threads have read what a dead process said.
    pub(super) fn bury(&self, process: &Arc<Process>) {
        self.hub.remove_process(process);
        if let Some(app) = process.app.upgrade() {
            app.bury(process.pid);
        }
        self.forget_finished();
    }

    /// Forgets removed applications whose last process is gone.
    pub(super) fn forget_finished(&self) {
        self.apps.borrow_mut().retain(|app| !app.is_finished());
    }

    // What applications ask for.

    /// The port of a process that has sent a message.
    fn reply_link(&self, header: &Header) -> Option<(Arc<App>, Arc<Link>)> {
        let app = self.hub.process(header.pid)?.app.upgrade()?;
        let link = app.port(header.pid, header.reply_port)?;
        Some((app, link))
    }

    fn send_port(&self, message: &Message) {
        let header = &message.header;
        let Some(wanted) = decode_get_port(&message.body) else {
            return;
        };
        let worker = self
            .hub
            .worker(wanted.id)
            .filter(|_| wanted.pid == self.hub.pid);
        let (Some(worker), Some((_, link))) = (worker, self.reply_link(header)) else {
            crate::alert!(
                "port {}:{} for process {} not found",
                wanted.pid,
                wanted.id,
                header.pid
            );
            return;
        };
        let body = NewPort::new(wanted, ProcessType::Router).encode();
        let answer = Header::new(self.hub.pid, kind::NEW_PORT, header.stream);
        let fds = [worker.socket.as_fd(), worker.queue.as_fd()];
        if let Err(error) = link.send(&answer, &body, &fds) {
            crate::alert!("port for process {}: {error}", header.pid);
        }
    }

    fn send_segment(&self, message: &Message) {
        let header = &message.header;
        let Some(id) = message
            .body
            .first_chunk()
            .map(|bytes| u32::from_ne_bytes(*bytes))
        else {
            return;
        };
        let Some((app, link)) = self.reply_link(header) else {
            crate::alert!("segment {id} for unknown process {}", header.pid);
            return;
        };
        let answer = Header::new(self.hub.pid, kind::MMAP, 0);
        let sent = match app.outgoing().duplicate_fd(id) {
            Some(fd) => link.send(&answer, &[], &[fd.as_fd()]),
            None => {
                crate::alert!("process {} asks for unknown segment {id}", header.pid);
                let error = Header::new(self.hub.pid, kind::RPC_ERROR, header.stream);
                link.send(&error, &[], &[])
            }
        };
        if let Err(error) = sent {
            crate::alert!("segment for process {}: {error}", header.pid);
        }
    }
}
