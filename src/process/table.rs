//! The processes that a parent knows, and the notices that keep their tables in step.
//!
//! Who is told of whom follows the connection matrices of the port protocol
//! ([`ProcessType::learns_of`], [`ProcessType::death_concerns`]): a process that became ready is
//! announced with `NEW_PORT`, a dead one with `REMOVE_PID`. The announcement carries the stream of
//! the `START_PROCESS` request that the process answers, and so does the notice of a process that
//! died before it was ready: for the router it is the answer that the start failed.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal;

use super::escalation::{Duty, Escalation};
use crate::ipc::message::{QUIT_GRACEFUL, QUIT_NORMAL};
use crate::ipc::{Header, NewPort, Pid, PortId, PortQueue, ProcessType, SendError, Sender, kind};
use crate::sys::Errno;
use crate::sys::events::signal_name;
use crate::{alert, warning};

/// How far a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Forked.
    Creating,
    /// Set up; its port is known to main.
    Created,
    /// Serving.
    Ready,
}

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    /// Its id.
    pub(super) pid: Pid,
    /// Its id as the owner of the table sees it, from inside of a pid namespace.
    pub(super) local: Pid,
    /// What it is.
    pub(super) kind: ProcessType,
    /// How far it has come.
    pub(super) state: State,
    /// The process that forked it.
    pub(super) parent: Pid,
    /// The stream of the request that asked for it, until it is ready; else 0.
    pub(super) stream: u32,
    /// Why it could not start, if it has said so.
    pub(super) failure: Option<String>,
    /// The way to it.
    pub(super) sender: Sender,
    /// The memory of its port's queue.
    queue: Option<OwnedFd>,
    /// It must quit, or become ready, in time.
    escalation: Option<Escalation>,
}

impl Process {
    /// One that was just forked. `socket` is the write end of its port.
    pub(super) fn new(
        pid: Pid,
        kind: ProcessType,
        parent: Pid,
        stream: u32,
        socket: OwnedFd,
    ) -> Process {
        let sender = Sender::new(socket, None);
        Process {
            pid,
            local: pid,
            kind,
            state: State::Creating,
            parent,
            stream,
            failure: None,
            sender,
            queue: None,
            escalation: None,
        }
    }

    /// The same, known under another number to this process.
    pub(super) fn with_local(self, local: Pid) -> Process {
        Process { local, ..self }
    }

    /// The same, ready.
    pub(super) fn ready(mut self) -> Process {
        self.state = State::Ready;
        self
    }

    /// Gives the port its queue; what is not a queue is refused with a log record.
    pub(super) fn set_queue(&mut self, fd: OwnedFd) {
        match PortQueue::map(fd.as_fd()) {
            Ok(queue) => {
                self.sender.set_queue(queue);
                self.queue = Some(fd);
            }
            Err(error) => warning!("process {}: invalid port queue: {error}", self.pid),
        }
    }

    /// Closes the descriptor of the queue, which is needed only to announce the port.
    pub(super) fn close_queue_memory(&mut self) {
        self.queue = None;
    }
}

/// See the module head.
#[derive(Debug)]
pub(super) struct Table {
    /// The process that owns the table.
    pub(super) own: Pid,
    processes: BTreeMap<Pid, Process>,
}

impl Table {
    /// An empty table of the process `own`.
    pub(super) fn new(own: Pid) -> Table {
        Table {
            own,
            processes: BTreeMap::new(),
        }
    }

    /// Adds a process; one of the same id is replaced, it must be dead.
    pub(super) fn add(&mut self, process: Process) {
        self.processes.insert(process.pid, process);
    }

    /// A process.
    pub(super) fn get(&self, pid: Pid) -> Option<&Process> {
        self.processes.get(&pid)
    }

    /// A process to change.
    pub(super) fn get_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.processes.get_mut(&pid)
    }

    /// Forgets a process; its port is closed when the result is dropped.
    pub(super) fn remove(&mut self, pid: Pid) -> Option<Process> {
        self.processes.remove(&pid)
    }

    /// All processes.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Process> {
        self.processes.values()
    }

    /// The process of a type that there is one of.
    pub(super) fn of_kind(&self, kind: ProcessType) -> Option<&Process> {
        self.iter().find(|process| process.kind == kind)
    }

    /// The processes that `parent` has forked.
    pub(super) fn children_of(&self, parent: Pid) -> Vec<Pid> {
        self.iter()
            .filter(|process| process.parent == parent)
            .map(|process| process.pid)
            .collect()
    }

    /// Keeps what a new process of type `own` may talk to: ready peers of its row of the
    /// connection matrix, and its parent.
    pub(super) fn retain_for(&mut self, own: Pid, kind: ProcessType, parent: Pid) {
        self.own = own;
        self.processes.retain(|&pid, process| {
            pid == parent || (process.state == State::Ready && kind.keeps(process.kind))
        });
    }

    /// Sends a message. A process that is gone is no error: its end is on the way by itself.
    pub(super) fn send(&self, pid: Pid, header: Header, body: &[u8], fds: &[BorrowedFd<'_>]) {
        if let Some(process) = self.get(pid) {
            report(
                process.pid,
                process.sender.send(&header, body, fds).map(drop),
            );
        }
    }

    /// Sends `QUIT`. A child that does not quit then gets signals, see [`Table::escalate`].
    pub(super) fn quit(&mut self, pid: Pid) {
        let header = Header::new(self.own, kind::QUIT, 0);
        self.send(pid, header, &[QUIT_NORMAL], &[]);
        let own = self.own;
        if let Some(process) = self.get_mut(pid).filter(|process| process.parent == own) {
            // A prototype has to deal with its own children first.
            let more = match process.kind {
                ProcessType::App => Duration::ZERO,
                _ => Duration::from_secs(1),
            };
            if process.escalation.is_none_or(|e| !e.is_to_quit()) {
                process.escalation = Some(Escalation::begin(Instant::now(), more));
            }
        }
    }

    /// A child was told to quit and is killed when it is not gone within `time`. Being told again
    /// gives it no more time. It may be gone already.
    pub(super) fn must_quit(&mut self, pid: Pid, time: Duration) {
        let own = self.own;
        let child = self.get_mut(pid).filter(|process| process.parent == own);
        let escalation = Escalation::within(Instant::now(), time);
        if let Some(process) = child
            && process
                .escalation
                .is_none_or(|e| !e.is_to_quit() || e.end() > escalation.end())
        {
            process.escalation = Some(escalation);
        }
    }

    /// A child that was just forked is killed when it is not ready within `time`.
    pub(super) fn must_start(&mut self, pid: Pid, time: Duration) {
        if let Some(process) = self.get_mut(pid) {
            process.escalation = Some(Escalation::of_start(Instant::now(), time));
        }
    }

    /// Asks a process to finish what it does and to leave then. Nothing happens to one that
    /// does not.
    pub(super) fn ask_to_finish(&self, pid: Pid) {
        let header = Header::new(self.own, kind::QUIT, 0);
        self.send(pid, header, &[QUIT_GRACEFUL], &[]);
    }

    /// When [`Table::escalate`] has something to do.
    pub(super) fn next_escalation(&self) -> Option<Instant> {
        self.iter()
            .filter_map(|process| process.escalation.map(|escalation| escalation.due()))
            .min()
    }

    /// Sends the signals that are due to children.
    pub(super) fn escalate(&mut self, now: Instant) {
        for process in self.processes.values_mut() {
            let (pid, local, name) = (process.pid, process.local, process.kind.name());
            let overdue = process.escalation.as_mut().and_then(|e| e.take_due(now));
            let Some(overdue) = overdue else { continue };
            let (since, signal) = (overdue.since.as_secs(), overdue.signal);
            let what = match overdue.duty {
                Duty::Start => "was started",
                Duty::Quit => "has been told to quit",
            };
            warning!(
                "{name} process {pid} {what} {since} s ago and {}: sending {}",
                match overdue.duty {
                    Duty::Start => "is not ready",
                    Duty::Quit => "has not",
                },
                signal_name(signal)
            );
            // It has not been reaped, so the number is still its own.
            if let Err(errno) = signal::kill(nix::unistd::Pid::from_raw(local), signal) {
                alert!("kill({pid}) failed {}", Errno(errno));
            }
        }
    }

    /// Sends `RPC_READY`, the last of its stream.
    pub(super) fn answer(&self, pid: Pid, stream: u32, body: &[u8], fds: &[BorrowedFd<'_>]) {
        let header = Header::new(self.own, kind::RPC_READY, stream).with_last(true);
        self.send(pid, header, body, fds);
    }

    /// Sends `RPC_ERROR`.
    pub(super) fn refuse(&self, pid: Pid, stream: u32, body: &[u8]) {
        self.send(
            pid,
            Header::new(self.own, kind::RPC_ERROR, stream),
            body,
            &[],
        );
    }

    /// Marks a process as ready and announces its port; the message answers `stream`.
    pub(super) fn set_ready(&mut self, pid: Pid, stream: u32) {
        let Some(process) = self.processes.get_mut(&pid) else {
            return;
        };
        process.state = State::Ready;
        process.stream = 0;
        process.escalation.take_if(|e| !e.is_to_quit());
        let Some(process) = self.get(pid) else {
            return;
        };
        let announcement = NewPort::new(PortId { pid, id: 0 }, process.kind);
        let queue = process.queue.as_ref().map(AsFd::as_fd);
        for other in self.iter() {
            if other.pid != pid && other.pid != self.own && other.kind.learns_of(process.kind) {
                let socket = process.sender.as_fd();
                let sent = announcement.send(&other.sender, self.own, stream, socket, queue);
                report(other.pid, sent.map(drop));
            }
        }
    }

    /// Gives a child the number that it has outside of its pid namespace; false if that is taken.
    pub(super) fn rename(&mut self, from: Pid, to: Pid) -> bool {
        if from == to {
            return true;
        }
        if self.processes.contains_key(&to) {
            return false;
        }
        if let Some(mut process) = self.processes.remove(&from) {
            process.pid = to;
            self.processes.insert(to, process);
        }
        true
    }

    /// Tells those whom it concerns that `dead`, which is not in the table any more, has died.
    pub(super) fn announce_death(&self, dead: &Process) {
        for other in self.iter() {
            if other.pid != dead.pid
                && other.pid != self.own
                && dead.kind.death_concerns(other.kind)
            {
                let header = Header::new(self.own, kind::REMOVE_PID, dead.stream);
                let body = dead.pid.to_ne_bytes();
                report(other.pid, other.sender.send(&header, &body, &[]).map(drop));
            }
        }
    }

    /// Sends on what full sockets did not take; true if something still waits.
    pub(super) fn flush(&self) -> bool {
        let mut waits = false;
        for process in self.iter().filter(|process| process.sender.has_pending()) {
            match process.sender.flush() {
                Ok(done) => waits |= !done,
                Err(error) => report(process.pid, Err(error)),
            }
        }
        waits
    }
}

fn report(pid: Pid, result: Result<(), SendError>) {
    match result {
        Ok(()) | Err(SendError::Closed) => {}
        Err(error) => warning!("message to process {pid} is lost: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::{Message, Receiver, port};

    fn process(table: &mut Table, pid: Pid, kind: ProcessType, stream: u32) -> Receiver {
        let (receiver, socket) = port::create().unwrap();
        table.add(Process::new(pid, kind, 1, stream, socket));
        receiver
    }

    fn messages(receiver: &mut Receiver) -> Vec<Message> {
        std::iter::from_fn(|| receiver.receive().unwrap()).collect()
    }

    #[test]
    fn a_ready_process_is_announced_along_the_matrix() {
        let mut table = Table::new(1);
        let mut controller = process(&mut table, 2, ProcessType::Controller, 0);
        let mut router = process(&mut table, 3, ProcessType::Router, 0);
        let mut other = process(&mut table, 4, ProcessType::Prototype, 0);
        let mut new = process(&mut table, 5, ProcessType::Prototype, 77);
        table.set_ready(5, 77);
        let told = messages(&mut router);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].header.kind, told[0].header.stream),
            (kind::NEW_PORT, 77)
        );
        assert_eq!(
            NewPort::decode(&told[0].body).unwrap().port,
            PortId { pid: 5, id: 0 }
        );
        assert!(told[0].fds[0].is_some() && told[0].fds[1].is_none());
        assert_eq!(table.get(5).unwrap().stream, 0);
        for receiver in [&mut controller, &mut other, &mut new] {
            assert!(messages(receiver).is_empty());
        }
        table.set_ready(3, 0);
        assert_eq!(messages(&mut controller).len(), 1);
        assert!(messages(&mut other).is_empty());
    }

    #[test]
    fn a_death_before_ready_answers_the_start_request() {
        let mut table = Table::new(1);
        let mut controller = process(&mut table, 2, ProcessType::Controller, 0);
        let mut router = process(&mut table, 3, ProcessType::Router, 0);
        let _new = process(&mut table, 5, ProcessType::Prototype, 77);
        let dead = table.remove(5).unwrap();
        table.announce_death(&dead);
        let told = messages(&mut router);
        assert_eq!(
            (told[0].header.kind, told[0].header.stream),
            (kind::REMOVE_PID, 77)
        );
        assert_eq!(told[0].pid_body(), Some(5));
        assert!(messages(&mut controller).is_empty());
    }

    #[test]
    fn a_child_keeps_ready_peers_of_its_row_and_its_parent() {
        let mut table = Table::new(1);
        let _fds: Vec<_> = [
            (1, ProcessType::Main),
            (2, ProcessType::Controller),
            (3, ProcessType::Router),
            (4, ProcessType::Prototype),
        ]
        .map(|(pid, kind)| process(&mut table, pid, kind, 0))
        .into();
        table.set_ready(2, 0);
        table.set_ready(3, 0);
        table.retain_for(9, ProcessType::Prototype, 1);
        assert_eq!(
            table.iter().map(|process| process.pid).collect::<Vec<_>>(),
            [1, 3]
        );
    }
}
