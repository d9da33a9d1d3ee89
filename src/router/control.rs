//! The router's main thread: its port to main and the controller.
//!
//! | message | from | meaning |
//! |---|---|---|
//! | `DATA`, last | controller | apply the configuration in the memory file; its length is the body |
//! | `STATUS` | controller | report; see [`status`](super::status) |
//! | `APP_RESTART` | controller | restart the application named in the body |
//! | `NEW_PORT` | main | a new process; with a stream the answer to `START_PROCESS` |
//! | `REMOVE_PID` | main | a process is gone |
//! | `CHANGE_FILE` | main | the log file was reopened |
//! | `ACCESS_LOG` | main | reopen the access log |
//! | `QUIT` | main | leave; with `QUIT_GRACEFUL` when the requests in progress are finished |
//!
//! Applications and their prototypes have other ways to this thread, see
//! [`app_control`](super::app_control).

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
use super::generation::Generation;
use super::hub::{Departure, Hub, Link, Notice, Process};
use super::limits::RouterLimits;
use super::threads::Threads;
use crate::base::log::Level;
use crate::base::log_limit::LogLimit;
use crate::ipc::admission::{self, Refusal};
use crate::ipc::message::QUIT_GRACEFUL;
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
    /// A task, for a prototype of this generation; or for the reason why there is none.
    Prototype(Arc<App>, u32, oneshot::Sender<Result<(), String>>),
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
    /// `settings.router`
    pub(super) limits: RouterLimits,
    /// What runs now.
    pub(super) generation: RefCell<Option<Arc<Generation>>>,
    /// Listening sockets by address.
    pub(super) sockets: RefCell<HashMap<String, Arc<OwnedFd>>>,
    /// Applications whose processes exist, removed ones too.
    pub(super) apps: RefCell<Vec<Arc<App>>>,
    /// Requests in progress are finished, then the router leaves: no further configuration.
    pub(super) finishing: Cell<bool>,
    complaints: LogLimit,
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
            limits: RouterLimits::new(),
            generation: RefCell::default(),
            sockets: RefCell::default(),
            apps: RefCell::default(),
            finishing: Cell::new(false),
            complaints: LogLimit::new(),
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
                    let (kind, pid) = (message.header.kind, message.sender.unwrap_or(0));
                    match self.dispatch(message) {
                        Ok(Flow::Continue) => {}
                        Ok(flow) => return Some(flow),
                        Err(refusal) => self.complain(format_args!(
                            "message {kind} from process {pid} {refusal}, dropped"
                        )),
                    }
                }
                Ok(None) => return Some(Flow::Continue),
                Err(ReceiveError::Malformed(why)) => {
                    self.complain(format_args!("router port: malformed message: {why}"));
                }
                Err(error) => {
                    crate::alert!("router port: {error}");
                    return Some(Flow::Quit);
                }
            }
        }
        None
    }

    fn complain(&self, text: std::fmt::Arguments<'_>) {
        self.complaints.write(Level::Alert, text);
    }

    /// What the process is that sent a message to this port.
    fn origin(&self, sender: Option<Pid>) -> Option<ProcessType> {
        let sender = sender?;
        let controller = self.controller.borrow();
        if sender == self.main.port.pid {
            Some(ProcessType::Main)
        } else if controller.as_ref().is_some_and(|c| c.port.pid == sender) {
            Some(ProcessType::Controller)
        } else {
            None
        }
    }

    fn dispatch(&self, mut message: Message) -> Result<Flow, Refusal> {
        let header = message.header;
        let from = self.origin(message.sender);
        admission::check(ProcessType::Router, from, &message)?;
        match header.kind {
            kind::QUIT => {
                return Ok(match message.body.first() {
                    Some(&QUIT_GRACEFUL) => Flow::Finish,
                    _ => Flow::Quit,
                });
            }
            kind::RPC_READY | kind::RPC_ERROR => self.answered(message),
            kind::NEW_PORT => self.new_port(message),
            kind::REMOVE_PID => {
                if let Some(pid) = message.pid_body() {
                    self.fail(header.stream);
                    self.process_gone(pid);
                }
            }
            kind::CHANGE_FILE => {
                if let Some(Err(error)) = message.take_fd().map(nix::unistd::dup2_stderr) {
                    crate::alert!("the log file cannot be reopened: {error}");
                }
            }
            kind::ACCESS_LOG => self.reopen_access_log(),
            kind::DATA | kind::STATUS | kind::APP_RESTART => {
                let controller = self.controller.borrow().clone();
                if let Some(controller) = controller {
                    self.serve_controller(&controller, message);
                }
            }
            _ => return Err(Refusal::Kind),
        }
        Ok(Flow::Continue)
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
            Some(Pending::Prototype(_, _, done)) => {
                let reason = String::from_utf8_lossy(&message.body).into_owned();
                let _ = done.send(Err(reason));
            }
            Some(Pending::Process(..)) | None => {}
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

    /// Main announces a process: another controller, or the prototype that it was asked for.
    fn new_port(&self, message: Message) {
        let stream = message.header.stream;
        let Some((new, sender)) = read_port(message) else {
            return self.fail(stream);
        };
        let link = Link::new(&self.hub, new.port, sender, None);
        match new.process {
            ProcessType::Controller => {
                *self.controller.borrow_mut() = Some(link);
                self.greet_controller();
            }
            ProcessType::Prototype => {
                let pending = self.rpc.borrow_mut().take(stream);
                let Some(Pending::Prototype(app, generation, done)) = pending else {
                    // Nobody waits for it any more: it must not stay.
                    return link.tell(kind::QUIT, 0, &[]);
                };
                app.prototype_ready(generation, link);
                let _ = done.send(Ok(()));
            }
            _ => {}
        }
    }

    /// A prototype answers a request for a process of this application.
    pub(super) fn process_ready(&self, app: &Arc<App>, stream: u32, port: PortId, sender: Sender) {
        let Some(Pending::Process(app, generation, done)) = self.take_start(app, stream) else {
            // Nobody waits for it any more: it must not stay.
            return Link::new(&self.hub, port, sender, None).tell(kind::QUIT, 0, &[]);
        };
        let process = Process::new(&self.hub, port.pid, &app);
        self.hub.add_process(process.clone());
        let link = Link::new(&self.hub, port, sender, Some(process));
        app.process_ready(generation, link);
        let _ = done.send(());
    }

    /// A prototype could not start a process of this application.
    pub(super) fn start_refused(&self, app: &Arc<App>, stream: u32) {
        drop(self.take_start(app, stream));
    }

    /// Who waits for a process of this application; an application answers for no other one.
    fn take_start(&self, app: &Arc<App>, stream: u32) -> Option<Pending> {
        let mut rpc = self.rpc.borrow_mut();
        match rpc.get_mut(stream)? {
            Pending::Process(asker, ..) if Arc::ptr_eq(asker, app) => rpc.take(stream),
            _ => None,
        }
    }

    /// Main says that a process is gone.
    fn process_gone(&self, pid: Pid) {
        self.receiver.borrow_mut().forget_peer(pid);
        let failed = self.rpc.borrow_mut().peer_died(pid);
        drop(failed);
        for process in self.hub.processes_of_pid(pid) {
            self.app_process_gone(process);
        }
        let apps = self.apps.borrow().clone();
        apps.iter().for_each(|app| app.prototype_gone(pid));
        let mut controller = self.controller.borrow_mut();
        if controller.as_ref().is_some_and(|c| c.port.pid == pid) {
            *controller = None;
        }
        drop(controller);
        self.forget_finished();
    }

    /// A process of an application is gone.
    pub(super) fn app_process_gone(&self, process: Arc<Process>) {
        if let Some(app) = process.app.upgrade() {
            app.process_gone(process.pid);
        }
        let departure = Departure::new(&self.hub, process);
        self.hub.tell_workers(&Notice::ProcessGone(departure));
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
        let mut finished = Vec::new();
        self.apps.borrow_mut().retain(|app| {
            let ended = app.is_finished();
            finished.extend(ended.then_some(app.id));
            !ended
        });
        for app in finished {
            self.hub.tell_workers(&Notice::AppGone(app));
        }
    }
}

/// The port of a `NEW_PORT` message; `None`, with a log record, if it cannot be used.
pub(super) fn read_port(mut message: Message) -> Option<(NewPort, Sender)> {
    let pid = message.header.pid;
    let (Some(new), Some(socket)) = (NewPort::decode(&message.body), message.take_fd()) else {
        crate::alert!("malformed NEW_PORT message from process {pid}");
        return None;
    };
    // Its reader may have made it blocking.
    let nonblocking = fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    let queue = message.fds[1]
        .take()
        .map(|memory| PortQueue::map(memory.as_fd()));
    match queue.transpose() {
        Ok(queue) if nonblocking.is_ok() => Some((new, Sender::new(socket, queue))),
        Ok(_) => {
            crate::alert!("the port of process {pid} cannot be used");
            None
        }
        Err(error) => {
            crate::alert!("the port of process {pid} cannot be used: {error}");
            None
        }
    }
}
