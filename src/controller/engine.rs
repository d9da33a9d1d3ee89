//! The controller's state: the current document, the tasks that wait for it, and the conversation
//! with the router and main.
//!
//! One task at a time is with the router; the others wait in the order of their arrival. A new
//! router gets the current document first. A changed document is written to disk, applied by the
//! router, and then made the stored one: a full disk shows before anything has changed. Everything
//! here is synchronous: the event loop passes in requests and messages, and answers leave through
//! one-shot channels.
//!
//! Messages (the bodies are ours, not seen by applications):
//! - `DATA`, last, to the router: a configuration, compact JSON in a memory file, its length as
//!   native `size_t` in the body; answered by `RPC_READY`, or by `RPC_ERROR` with the reason.
//! - `CONF_STORE` to main: the same form; the document is written beside the stored one. Without a
//!   memory file, [`CONF_COMMIT`]: it takes the place of the stored one. Both are answered by
//!   `RPC_READY`, or by `RPC_ERROR` with the reason. [`CONF_DISCARD`] has no answer.
//! - `DATA`, last, from main: the stored document, to be put in force again; without an answer.
//! - `STATUS` to the router: answered by `RPC_READY` with a memory file that holds the JSON object
//!   of `connections`, `requests` and `applications`.
//! - `APP_RESTART` to the router: the body is the name; answered by `RPC_READY` or `RPC_ERROR`.
//! - `PROCESS_READY` to main: the router whose pid is the body has the current document.
//! - `PROCESS_READY` from the router: it knows the controller's port and takes configurations.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::conf::json::{self, Value};
use crate::conf::validate::Module;
use crate::ipc::message::{CONF_COMMIT, CONF_COMMIT_REJECTED, CONF_DISCARD, QUIT_GRACEFUL};
use crate::ipc::peers::Peer;
use crate::ipc::{
    Header, Message, NewPort, PeerTable, Pid, PortId, PortQueue, ProcessType, RpcTable, SendError,
    Sender, kind, read_memory,
};
use crate::sys::memory::write_memfd;
use crate::{alert, error, notice};

use super::answer::Answer;
use super::api::{self, Plan, Report, Task};
use super::document;

/// Longest status that is read from the router.
const MAX_STATUS: u64 = 64 << 20;
/// Routers that may die over one document before it is given up.
const MAX_DEATHS: u32 = 3;
/// The first pause before a document is tried again, doubled each time, and the longest.
pub(super) const FIRST_RETRY: Duration = Duration::from_millis(250);
pub(super) const LAST_RETRY: Duration = Duration::from_secs(8);

/// A task of a client.
pub(super) struct Job {
    /// What it asks for.
    pub(super) task: Task,
    /// The request's body.
    pub(super) body: Vec<u8>,
    /// Where the answer goes.
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the router has been asked.
enum Pending {
    /// To apply the current document.
    Current,
    /// To write a new document to disk.
    Prepare(Value, oneshot::Sender<Answer>),
    /// To apply a new document, which is on disk.
    Change(Value, oneshot::Sender<Answer>),
    /// To make the current document, which came after this one, the stored one.
    Commit(Value, oneshot::Sender<Answer>),
    /// To go back to the current document, since another one could not be stored.
    Revert(Answer, oneshot::Sender<Answer>),
    /// For its status.
    Status(Report, oneshot::Sender<Answer>),
    /// To restart an application.
    Restart(oneshot::Sender<Answer>),
}

/// What the controller knows about the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Router {
    /// There is none that takes messages.
    Away,
    /// It is applying the current document.
    Starting(Pid),
    /// It has the current document.
    Ready(Pid),
}

/// What a message means for the event loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Go on.
    Continue,
    /// Replace the document by this text, which is the stored one.
    Reload(Vec<u8>),
    /// Answer the clients that are there, then leave.
    Finish,
    /// Leave.
    Quit,
}

pub(super) struct Engine {
    pid: Pid,
    main: Pid,
    document: Value,
    /// The stored document could not be used, and another one is current.
    rejected: bool,
    modules: Vec<Module>,
    peers: PeerTable,
    rpc: RpcTable<Pending>,
    waiting: VecDeque<Job>,
    /// A task is with the router or with main.
    busy: bool,
    router: Router,
    /// Who sent the last greeting; whether it is a router is for main to say.
    greeting: Option<Pid>,
    /// Routers that died while they applied the current document.
    deaths: u32,
    /// The current document has been in force.
    proven: bool,
    /// A router could not apply it nevertheless: when to try again, and the pause before that.
    retry: Option<(Instant, Duration)>,
    /// The first document has been applied: clients may come.
    open: bool,
    /// What the router served before, for the case that it cannot serve the current document.
    fallback: Option<Value>,
}

impl Engine {
    /// Starts from a stored document. The process `pid` reads the port 0.
    pub(super) fn new(
        pid: Pid,
        stored: Option<&[u8]>,
        modules: Vec<Module>,
        main: (Pid, OwnedFd),
        router: Option<(Pid, OwnedFd)>,
    ) -> Engine {
        let mut peers = PeerTable::default();
        let known = [(ProcessType::Main, Some(main.0), Some(main.1))]
            .into_iter()
            .chain(router.map(|(pid, socket)| (ProcessType::Router, Some(pid), Some(socket))));
        for (process, pid, socket) in known {
            if let (Some(pid), Some(socket)) = (pid, socket) {
                peers.add(Peer {
                    port: PortId { pid, id: 0 },
                    process,
                    sender: Sender::new(socket, None),
                });
            }
        }
        let restored = document::restored(stored, &modules);
        Engine {
            pid,
            main: main.0,
            rejected: stored.is_some() && restored.is_none(),
            document: restored.unwrap_or_else(document::initial),
            modules,
            peers,
            rpc: RpcTable::default(),
            waiting: VecDeque::new(),
            busy: false,
            router: Router::Away,
            greeting: None,
            deaths: 0,
            proven: false,
            retry: None,
            open: false,
            fallback: None,
        }
    }

    /// Takes note of the document that is in force already: it stays so if the stored one cannot
    /// be used.
    pub(super) fn fall_back_on(&mut self, in_force: &[u8], has_stored: bool) {
        let in_force = document::restored(Some(in_force), &self.modules);
        if self.rejected || !has_stored {
            if let Some(document) = in_force {
                notice!("the configuration that is in force stays");
                self.document = document;
            }
        } else {
            self.fallback = in_force;
        }
    }

    /// The stored document has been in force: if a router cannot apply it, this will pass.
    pub(super) fn trust_document(&mut self) {
        self.proven = !self.rejected;
    }

    /// Whether clients may be served.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes a client's task.
    pub(super) fn submit(&mut self, job: Job) {
        if job.task.is_immediate() {
            if let Plan::Answer(answer) = job.task.plan(&job.body, &self.document, &self.modules) {
                reply(job.answer, answer);
            }
            return;
        }
        self.waiting.push_back(job);
        self.next();
    }

    /// Starts the next task, if the router is free for it.
    fn next(&mut self) {
        while let (Router::Ready(router), false) = (self.router, self.busy) {
            let Some(job) = self.waiting.pop_front() else {
                return;
            };
            match job.task.plan(&job.body, &self.document, &self.modules) {
                Plan::Answer(answer) => reply(job.answer, answer),
                Plan::Apply(document) => {
                    let text = json::compact(&document);
                    let pending = Pending::Prepare(document, job.answer);
                    self.ask(self.main, kind::CONF_STORE, Some(&text), &[], pending);
                }
                Plan::AskStatus(report) => {
                    self.ask(
                        router,
                        kind::STATUS,
                        None,
                        &[],
                        Pending::Status(report, job.answer),
                    );
                }
                Plan::Restart(name) => {
                    self.ask(
                        router,
                        kind::APP_RESTART,
                        None,
                        name.as_bytes(),
                        Pending::Restart(job.answer),
                    );
                }
            }
        }
    }

    /// Sends a request to the router or to main, or fails it at once.
    fn ask(&mut self, to: Pid, kind: u8, document: Option<&str>, body: &[u8], pending: Pending) {
        self.busy = true;
        let stream = self.rpc.register(pending, Some(to));
        let header = Header::new(self.pid, kind, stream).with_last(true);
        let sent = self.send(to, &header, document, body);
        if matches!(sent, Err(SendProblem::Port(SendError::Closed))) {
            // It has just died, which says nothing about the request. Main will tell of it.
            return;
        }
        if let Err(problem) = sent {
            error!("controller failed to reach process {to}: {problem}");
            if let Some(pending) = self.rpc.take(stream) {
                self.finish(pending, Err(String::new()));
            }
        }
    }

    fn send(
        &self,
        to: Pid,
        header: &Header,
        document: Option<&str>,
        body: &[u8],
    ) -> Result<(), SendProblem> {
        let peer = self.peers.main_port(to).ok_or(SendProblem::NoPort)?;
        match document {
            None => peer.sender.send(header, body, &[])?,
            Some(text) => {
                let memory = write_memfd(c"unit configuration", text.as_bytes())?;
                peer.sender
                    .send(header, &text.len().to_ne_bytes(), &[memory.as_fd()])?
            }
        };
        Ok(())
    }

    /// Sends what a full socket kept back; whether nothing is left.
    pub(super) fn flush(&self) -> bool {
        let mut flushed = true;
        for peer in self
            .peers
            .main_ports()
            .filter(|peer| peer.sender.has_pending())
        {
            // A peer that is gone is reported by main.
            flushed &= peer.sender.flush().unwrap_or(true);
        }
        flushed
    }

    /// Handles a message.
    pub(super) fn handle(&mut self, mut message: Message) -> Flow {
        let sender = message.sender.unwrap_or(message.header.pid);
        let from_main = sender == self.main;
        match message.header.kind {
            kind::QUIT if from_main => {
                return match message.body.first() {
                    Some(&QUIT_GRACEFUL) => Flow::Finish,
                    _ => Flow::Quit,
                };
            }
            kind::DATA if from_main => match document::stored_again(message) {
                Some(text) => return Flow::Reload(text),
                None => error!("the stored configuration cannot be read"),
            },
            kind::NEW_PORT if from_main => self.new_port(message),
            kind::REMOVE_PID if from_main => {
                if let Some(pid) = message.pid_body() {
                    self.remove_process(pid);
                }
            }
            kind::PROCESS_READY => {
                self.greeting = Some(sender);
                self.meet_router();
            }
            kind::CHANGE_FILE if from_main => {
                if let Some(Err(problem)) = message.take_fd().map(nix::unistd::dup2_stderr) {
                    alert!("failed to reopen the log: {problem}");
                }
            }
            kind::RPC_READY | kind::RPC_ERROR => {
                if let Some(pending) = self.rpc.take(message.header.stream) {
                    let answer = match message.header.kind {
                        kind::RPC_READY => Ok(message),
                        _ => Err(String::from_utf8_lossy(&message.body).into_owned()),
                    };
                    self.finish(pending, answer);
                }
            }
            _ => {}
        }
        Flow::Continue
    }

    fn is_router(&self, pid: Pid) -> bool {
        let port = self.peers.main_port(pid);
        port.is_some_and(|peer| peer.process == ProcessType::Router)
    }

    fn new_port(&mut self, mut message: Message) {
        let (Some(new), Some(socket)) = (NewPort::decode(&message.body), message.fds[0].take())
        else {
            error!("controller received a malformed NEW_PORT message");
            return;
        };
        let queue = message.fds[1]
            .take()
            .and_then(|memory| PortQueue::map(memory.as_fd()).ok());
        self.peers.add(Peer {
            port: new.port,
            process: new.process,
            sender: Sender::new(socket, queue),
        });
        self.meet_router();
    }

    /// Turns to the router that greeted, once main has introduced it. A router that is only
    /// introduced may not know the port of this process yet, and would not listen.
    fn meet_router(&mut self) {
        if let Some(router) = self.greeting.filter(|&pid| self.is_router(pid)) {
            self.greet(router);
        }
    }

    /// A router takes messages: it gets the current document before anything else.
    fn greet(&mut self, router: Pid) {
        if matches!(self.router, Router::Starting(known) | Router::Ready(known) if known == router)
        {
            return;
        }
        if let Router::Starting(old) | Router::Ready(old) = self.router {
            self.remove_process(old);
        }
        self.router = Router::Starting(router);
        let text = json::compact(&self.document);
        self.ask(router, kind::DATA, Some(&text), &[], Pending::Current);
    }

    fn remove_process(&mut self, pid: Pid) {
        self.peers.remove_pid(pid);
        self.greeting = self.greeting.filter(|&greeted| greeted != pid);
        if matches!(self.router, Router::Starting(router) | Router::Ready(router) if router == pid)
        {
            self.router = Router::Away;
        }
        for (_, pending) in self.rpc.peer_died(pid) {
            match pending {
                Pending::Current => {
                    // Whoever killed it, the document may still be good for the next router.
                    self.busy = false;
                    self.deaths += 1;
                    if self.deaths >= MAX_DEATHS && !self.proven {
                        self.give_up();
                    }
                }
                pending => self.finish(pending, Err(String::new())),
            }
        }
    }

    /// Goes back to the document that was in force before, or to the default one.
    fn give_up(&mut self) {
        alert!("failed to apply previous configuration");
        self.document = self.fallback.take().unwrap_or_else(document::initial);
        self.rejected = true;
        self.deaths = 0;
    }

    /// The router has the current document.
    fn in_force(&mut self) {
        self.proven = true;
        if self.retry.take().is_some() {
            notice!("the configuration is in force again");
        }
    }

    /// A new router cannot apply what the one before it did, perhaps because somebody took an
    /// address meanwhile: the document stays, and is tried again until it or a change succeeds.
    fn try_again_later(&mut self) {
        let pause = match self.retry {
            None => {
                alert!("failed to apply the configuration that was in force, trying again");
                FIRST_RETRY
            }
            Some((_, pause)) => (pause * 2).min(LAST_RETRY),
        };
        self.retry = Some((Instant::now() + pause, pause));
    }

    /// Tries again what is due.
    pub(super) fn on_time(&mut self, now: Instant) {
        if let (Some((due, _)), Router::Ready(router), false) = (self.retry, self.router, self.busy)
            && due <= now
        {
            let text = json::compact(&self.document);
            self.ask(router, kind::DATA, Some(&text), &[], Pending::Current);
        }
    }

    /// Tells main that the daemon serves, and whether by the stored document.
    fn report_applied(&self, router: Pid) {
        let header = Header::new(self.pid, kind::PROCESS_READY, 0);
        let body = [&router.to_ne_bytes()[..], &[u8::from(self.rejected)]].concat();
        if let Err(problem) = self.send(self.main, &header, None, &body) {
            error!("controller failed to reach main: {problem}");
        }
    }

    /// Ends a request with its answer, or with what is known about its failure.
    fn finish(&mut self, pending: Pending, answer: Result<Message, String>) {
        self.busy = false;
        match (pending, answer) {
            (Pending::Current, answer) => {
                match answer {
                    Ok(_) => self.in_force(),
                    Err(_) if self.proven => self.try_again_later(),
                    Err(_) => {
                        let falls_back = self.fallback.is_some();
                        self.give_up();
                        if let (true, Router::Starting(router)) = (falls_back, self.router) {
                            let text = json::compact(&self.document);
                            return self.ask(
                                router,
                                kind::DATA,
                                Some(&text),
                                &[],
                                Pending::Current,
                            );
                        }
                    }
                }
                self.fallback = None;
                if let Router::Starting(router) = self.router {
                    self.router = Router::Ready(router);
                }
                if let Router::Ready(router) = self.router {
                    self.report_applied(router);
                }
                self.deaths = 0;
                self.open = true;
            }
            (Pending::Prepare(document, client), Ok(_)) => self.apply(document, client),
            (Pending::Prepare(_, client), Err(why)) => reply(client, not_stored(&why)),
            (Pending::Change(document, client), Ok(_)) => {
                self.in_force();
                let old = std::mem::replace(&mut self.document, document);
                let commit = match self.rejected {
                    true => CONF_COMMIT_REJECTED,
                    false => CONF_COMMIT,
                };
                let pending = Pending::Commit(old, client);
                self.ask(self.main, kind::CONF_STORE, None, &[commit], pending);
            }
            (Pending::Change(_, client), Err(why)) => {
                self.discard();
                let answer = Answer::failure("Failed to apply new configuration.", &why);
                reply(client, answer);
            }
            (Pending::Commit(_, client), Ok(_)) => {
                self.rejected = false;
                reply(client, Answer::success("Reconfiguration done."));
            }
            (Pending::Commit(old, client), Err(why)) => {
                self.document = old;
                self.revert(not_stored(&why), client);
            }
            (Pending::Revert(answer, client), reverted) => {
                if reverted.is_err() {
                    alert!("failed to return to the previous configuration");
                }
                reply(client, answer);
            }
            (Pending::Status(report, client), answer) => {
                let answer = match answer.ok().and_then(status) {
                    Some(status) => api::report(report, status, &self.document, &self.modules),
                    None => Answer::error(500, "Failed to get status."),
                };
                reply(client, answer);
            }
            (Pending::Restart(client), Ok(_)) => reply(client, Answer::success("Ok")),
            (Pending::Restart(client), Err(_)) => {
                reply(client, Answer::error(500, "Failed to restart app."))
            }
        }
        self.next();
    }

    /// Gives the router a document that is on disk.
    fn apply(&mut self, document: Value, client: oneshot::Sender<Answer>) {
        if let Router::Ready(router) = self.router {
            let text = json::compact(&document);
            let pending = Pending::Change(document, client);
            self.ask(router, kind::DATA, Some(&text), &[], pending);
        } else {
            // It died while main wrote.
            self.finish(Pending::Change(document, client), Err(String::new()));
        }
    }

    /// Has the router go back to the current document. A router that is not there gets it anyway.
    fn revert(&mut self, answer: Answer, client: oneshot::Sender<Answer>) {
        match self.router {
            Router::Starting(router) | Router::Ready(router) => {
                let text = json::compact(&self.document);
                let pending = Pending::Revert(answer, client);
                self.ask(router, kind::DATA, Some(&text), &[], pending);
            }
            Router::Away => reply(client, answer),
        }
    }

    /// Has main forget the document that it wrote.
    fn discard(&self) {
        let header = Header::new(self.pid, kind::CONF_STORE, 0);
        if let Err(problem) = self.send(self.main, &header, None, &[CONF_DISCARD]) {
            error!(
                "controller failed to reach process {}: {problem}",
                self.main
            );
        }
    }
}

fn not_stored(why: &str) -> Answer {
    Answer::failure("Failed to store new configuration.", why)
}

/// The status that an answer of the router carries.
fn status(mut answer: Message) -> Option<Value> {
    let text = read_memory(answer.take_fd()?, MAX_STATUS).ok()?;
    json::parse(&text).ok()
}

fn reply(client: oneshot::Sender<Answer>, answer: Answer) {
    // A client that went away needs none.
    let _ = client.send(answer);
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
enum SendProblem {
    /// The process has no port here.
    #[error("its port is not known")]
    NoPort,
    /// The port does not take it.
    #[error(transparent)]
    Port(#[from] SendError),
    /// No memory file.
    #[error("memfd_create() failed: {0}")]
    Memory(#[from] std::io::Error),
}
