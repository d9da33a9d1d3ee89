//! A prototype: the process of an application that loads its language once and forks the
//! application's processes.
//!
//! How it comes to be ready is in [`prototype_setup`](super::prototype_setup). From then on the router
//! asks it for processes with `START_PROCESS`.
//!
//! The router tells it of processes that were told to leave: a `QUIT` with a body ([`Leaving`]) is
//! about that process, one without about all. Those that do not leave in time are killed, and so are
//! those that do not become ready in time.
#![forbid(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};

use super::app_conf::AppConf;
use super::app_context::AppContext;
use super::app_limits::Places;
use super::handshake::change_log_file;
use super::isolation::PidView;
use super::main_process::{BATCH, FLUSH_AGAIN, Own};
use super::table::{Process, State, Table};
use super::{Host, application, fork};
use crate::base::log::Level;
use crate::base::log_limit::LogLimit;
use crate::ipc::{
    Header, Leaving, Message, Pid, ProcessType, ReceiveError, admission, kind, socket,
};
use crate::sys::events::{Event, signal_name};
use crate::sys::process::{Exit, reap};
use crate::sys::{Errno, stdio, title};
use crate::{alert, notice, warning};

/// What runs in the application processes.
pub(super) enum Program {
    External,
    Module(super::module_loading::Start),
}

/// See the module head.
pub(super) struct Prototype {
    pub(super) conf: &'static AppConf,
    pub(super) daemon: bool,
    pub(super) host: Host,
    pub(super) table: Table,
    pub(super) main: Pid,
    pub(super) own: Option<Own>,
    pub(super) program: Program,
    pub(super) context: AppContext,
    pub(super) shared_port: OwnedFd,
    pub(super) shared_queue: OwnedFd,
    /// The processes' places on the CPUs.
    pub(super) places: Places,
    /// The prototype's number as its processes see it.
    pub(super) local_pid: Pid,
    pub(super) pids: PidView,
    pub(super) exiting: bool,
    /// Its port cannot be read any more.
    pub(super) broken: bool,
    /// For messages that are dropped.
    pub(super) complaints: LogLimit,
}

impl Prototype {
    /// Serves until it has nothing to do; the exit code.
    pub(super) fn serve(mut self) -> i32 {
        let mut events = Vec::new();
        while !(self.exiting && self.children().is_empty()) {
            if self.broken {
                for process in self.table.iter().filter(|p| p.parent == self.table.own) {
                    let _ = kill(nix::unistd::Pid::from_raw(process.local), Signal::SIGKILL);
                }
                return 1;
            }
            events.clear();
            let waits = self
                .table
                .iter()
                .any(|process| process.sender.has_pending());
            let flush = waits.then(|| Instant::now() + FLUSH_AGAIN);
            let deadline = [flush, self.table.next_escalation()]
                .into_iter()
                .flatten()
                .min();
            let Some(own) = &mut self.own else { break };
            if let Err(error) = own.events.wait(deadline, &mut events) {
                alert!("epoll_wait() failed {}", Errno::from(&error));
                return 1;
            }
            for event in &events {
                match event {
                    Event::Signal(signal) => self.on_signal(*signal),
                    Event::Ready { .. } => self.receive(),
                }
            }
            self.table.flush();
            self.table.escalate(Instant::now());
        }
        0
    }

    fn children(&self) -> Vec<Pid> {
        self.table.children_of(self.table.own)
    }

    fn receive(&mut self) {
        for _ in 0..BATCH {
            let Some(own) = &mut self.own else { return };
            match own.receiver.receive() {
                Ok(Some(message)) => self.on_message(message),
                Ok(None) => return,
                Err(ReceiveError::Malformed(what)) => {
                    let text = format_args!("malformed message dropped: {what}");
                    self.complaints.write(Level::Warn, text);
                }
                Err(error) => {
                    // Its own processes can do that: they have a write end.
                    alert!("the port of the prototype cannot be used: {error}");
                    self.broken = true;
                    return;
                }
            }
        }
    }

    fn on_signal(&mut self, signal: Signal) {
        match signal {
            Signal::SIGCHLD => self.reap_children(),
            other => {
                let (number, name) = (other as i32, signal_name(other));
                if matches!(other, Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT) {
                    notice!("signal signo:{number} ({name}) received");
                    self.exit();
                } else {
                    notice!("signal signo:{number} ({name}) received, ignored");
                }
            }
        }
    }

    /// Tells all processes to quit and waits for them.
    fn exit(&mut self) {
        self.exiting = true;
        for pid in self.children() {
            self.table.quit(pid);
            if let Some(time) = self.conf.kill_timeout {
                self.table.must_quit(pid, time);
            }
        }
    }

    fn on_message(&mut self, message: Message) {
        let Some(local) = message.sender else { return };
        let sender = self.pids.of_sender(local, message.header.pid);
        let from = self.table.get(sender).map(|process| process.kind);
        let stream = message.header.stream;
        // A sender outside of the pid namespace is known by what it says: it is no child.
        let outside = self.pids.is_isolated() && local == 0;
        if from.is_none() || (outside && from == Some(ProcessType::App)) {
            // What a process sent before it died may come after the notice of its death.
            return;
        }
        if let Err(refusal) = admission::check(ProcessType::Prototype, from, &message) {
            let kind = message.header.kind;
            let text = format_args!("message {kind} from process {sender} {refusal}, dropped");
            return self.complaints.write(Level::Warn, text);
        }
        match (message.header.kind, from) {
            (kind::START_PROCESS, Some(ProcessType::Router)) => {
                if self.exiting || !self.start_application(stream) {
                    self.table.refuse(sender, stream, &[]);
                }
            }
            (kind::PROCESS_CREATED, Some(ProcessType::App)) => {
                self.on_created(sender, local, message.header.pid);
            }
            (kind::PROCESS_READY, Some(ProcessType::App)) => self.on_ready(sender, message),
            (kind::REMOVE_PID, Some(ProcessType::Main)) => self.on_removed(&message),
            (kind::CHANGE_FILE, Some(ProcessType::Main)) => {
                change_log_file(message);
                self.reopen_stderr();
            }
            (kind::QUIT, Some(ProcessType::Main | ProcessType::Router)) => {
                match Leaving::decode(&message.body) {
                    Some(leaving) => self.table.must_quit(leaving.pid, leaving.time),
                    None if message.body.len() <= 1 => self.exit(),
                    None => warning!("malformed QUIT message from process {sender} dropped"),
                }
            }
            (other, _) => {
                warning!("message {other} from process {sender} is not expected, dropped")
            }
        }
    }

    /// Opens the application's own `stderr` file anew and hands it to its processes, which have
    /// got the daemon's log before.
    fn reopen_stderr(&self) {
        let Some(path) = self.conf.stderr.as_deref().filter(|_| self.daemon) else {
            return;
        };
        match stdio::open_append(path, application::OUTPUT_MODE) {
            Ok(file) => {
                for pid in self.children() {
                    let header = Header::new(self.table.own, kind::CHANGE_FILE, 0);
                    let fds = [file.as_fd()];
                    self.table.send(pid, header, &0u32.to_ne_bytes(), &fds);
                }
            }
            Err(error) => {
                let errno = Errno::from(&error);
                alert!("open(\"{}\") failed {errno}", path.display());
            }
        }
    }

    /// An application process runs, and knows its number outside of the pid namespace.
    fn on_created(&mut self, child: Pid, local: Pid, outer: Pid) {
        let creating = |process: &Process| process.state == State::Creating;
        if !self.table.get(child).is_some_and(creating) {
            return;
        }
        let outer = if self.pids.is_isolated() {
            outer
        } else {
            child
        };
        if outer <= 0 || !self.table.rename(child, outer) {
            warning!("process {local} says that it is process {outer}");
            return;
        }
        self.pids.learn(local, outer);
        if let Some(process) = self.table.get_mut(outer) {
            process.state = State::Created;
        }
    }

    /// An application process serves: main and the router get its port.
    fn on_ready(&mut self, sender: Pid, mut message: Message) {
        let queue = message.take_fd();
        let Some(process) = self.table.get_mut(sender) else {
            return;
        };
        if process.state == State::Ready {
            warning!("process {sender} is ready twice");
            return;
        }
        if let Some(queue) = queue {
            process.set_queue(queue);
        }
        let stream = process.stream;
        self.table.set_ready(sender, stream);
        if self.exiting {
            // An earlier QUIT has come before the process could read its queue.
            self.table.quit(sender);
        }
    }

    fn on_removed(&mut self, message: &Message) {
        let Some(pid) = message.pid_body() else {
            return;
        };
        let Some(process) = self.table.get(pid) else {
            return;
        };
        if process.kind == ProcessType::Router {
            // Nobody will ask this prototype again.
            self.table.remove(pid);
            self.exit();
        }
    }

    fn reap_children(&mut self) {
        loop {
            match reap() {
                Ok(Some((pid, exit))) => self.on_exit(pid.as_raw(), exit),
                Ok(None) => return,
                Err(errno) => {
                    alert!("waitpid() failed {}", Errno(errno));
                    return;
                }
            }
        }
    }

    fn on_exit(&mut self, local: Pid, exit: Exit) {
        let pid = self.pids.forget(local);
        let shown = match (self.pids.is_isolated(), PidView::is_provisional(pid)) {
            (false, _) => format!("{pid}"),
            (true, false) => format!("{pid} (isolated {local})"),
            (true, true) => format!("(isolated {local})"),
        };
        match exit {
            Exit::Signal { .. } => alert!("app process {shown} {exit}"),
            Exit::Code(_) => notice!("app process {shown} {exit}"),
        }
        if let Some(own) = &mut self.own {
            own.receiver.forget_peer(pid);
        }
        self.places.release(local);
        // A child of a child that came to us is not in the table.
        let Some(process) = self.table.remove(pid) else {
            return;
        };
        if PidView::is_provisional(pid) {
            // Nobody else knows it yet.
            if let Some(router) = self.table.of_kind(ProcessType::Router) {
                self.table.refuse(router.pid, process.stream, &[]);
            }
        } else {
            self.table.announce_death(&process);
        }
    }

    /// Forks an application process that answers the router's `stream`.
    fn start_application(&mut self, stream: u32) -> bool {
        let name = format!("\"{}\" application", self.conf.name);
        // As in main: one side takes the ends.
        let (mut read, mut write) = match socket::pair() {
            Ok((read, write)) => (Some(read), Some(write)),
            Err(errno) => {
                alert!("socketpair() failed for {name} {}", Errno(errno));
                return false;
            }
        };
        let prototype = self.table.own;
        let place = self.places.free();
        let forked = fork::spawn(|| {
            title::set(format!("unit: {name}").as_bytes());
            self.own = None;
            if let Err(error) = self.places.bind(place) {
                alert!("limits of {name}: {error}");
                return 1;
            }
            match read.take().zip(write.take()) {
                Some((read, write)) => application::run(self, &name, read, write, stream),
                None => 1,
            }
        });
        match forked {
            Ok(pid) => {
                let local = pid.as_raw();
                let pid = self.pids.of_child(local);
                self.places.take(local, place);
                if let Some(write) = write {
                    let process = Process::new(pid, ProcessType::App, prototype, stream, write);
                    self.table.add(process.with_local(local));
                }
                if let Some(time) = self.conf.start_timeout {
                    self.table.must_start(pid, time);
                }
                true
            }
            Err(errno) => {
                alert!("fork() failed for {name} {}", Errno(errno));
                false
            }
        }
    }
}

/// The router's port, for an application.
pub(super) fn router_of(table: &mut Table) -> Option<Process> {
    let pid = table.of_kind(ProcessType::Router)?.pid;
    table.remove(pid)
}
