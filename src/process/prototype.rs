//! A prototype: the process of an application that loads its language once and forks the
//! application's processes.
//!
//! It starts with main's privileges, in the namespaces of its isolation: it enters its control
//! group, sets the environment, opens the module and calls its `setup`, moves to the new root, and
//! enters the working directory. Then it reports `PROCESS_CREATED`, waits for main's answer (main
//! writes the maps of its user namespace meanwhile), becomes the application's user, and reports
//! `PROCESS_READY`. From then on the router asks it for processes with `START_PROCESS`. If a step
//! fails, it tells main why before it ends. A language may hang: main kills a prototype that is not
//! ready in time.
//!
//! The router tells it of processes that were told to leave: a `QUIT` with a body ([`Leaving`]) is
//! about that process, one without about all. Those that do not leave in time are killed, and so are
//! those that do not become ready in time.
#![forbid(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Instant;

use nix::sched::CloneFlags;
use nix::sys::signal::{SigSet, Signal, kill};

use super::app_conf::AppConf;
use super::app_context::{self, AppContext};
use super::app_limits::{self, Places};
use super::handshake::{Reply, await_reply, change_log_file};
use super::isolation::{PidView, RootPlan};
use super::main_process::{BATCH, FLUSH_AGAIN, MAIN_SIGNALS, Own, SIGNALS};
use super::module_loading::LoadedModule;
use super::modules::{Modules, Runner};
use super::table::{Process, State, Table};
use super::{Host, application, fork};
use crate::base::log::Level;
use crate::base::log_limit::LogLimit;
use crate::ipc::admission;
use crate::ipc::{
    Header, Leaving, Message, Pid, ProcessType, ReceiveError, Receiver, Sender, kind, rpc, socket,
};
use crate::sys::cgroups::{Cgroup, CgroupError};
use crate::sys::clone::Namespaces;
use crate::sys::credentials::{Credentials, CredentialsError};
use crate::sys::dl::Flags;
use crate::sys::events::{Event, EventLoop, signal_name};
use crate::sys::mounts::{self, MountError};
use crate::sys::process::{Exit, die_with, reap, set_no_new_privs};
use crate::sys::{Errno, stdio, title};
use crate::{alert, info, notice, warning};

/// What a prototype starts with; main's other things are closed already.
pub(super) struct Start<'a> {
    pub(super) conf: AppConf,
    /// Whom to become; `None` to stay.
    pub(super) credentials: Option<Credentials>,
    /// The daemon's user, which applications have unless they name another.
    pub(super) default_user: String,
    /// The daemon is in the background.
    pub(super) daemon: bool,
    pub(super) host: Host,
    /// Of which version the stored configuration is.
    pub(super) stored_version: u32,
    pub(super) modules: &'a Modules,
    /// Main and the router.
    pub(super) table: Table,
    pub(super) main: Pid,
    /// The prototype's port.
    pub(super) receiver: Receiver,
    /// Its write end, for the application processes.
    pub(super) write_end: OwnedFd,
    /// What the router sent for it.
    pub(super) ports: SharedPorts,
    /// The router's request that this prototype answers.
    pub(super) stream: u32,
    /// The control group to enter.
    pub(super) cgroup: Option<Cgroup>,
    /// The root to move to.
    pub(super) root: Option<RootPlan>,
    /// The daemon may give processes supplementary groups.
    pub(super) sets_groups: bool,
}

/// What all processes of an application get from the router.
pub(super) struct SharedPorts {
    /// The read end of the port by which they take requests.
    pub(super) port: OwnedFd,
    /// The memory of its queue.
    pub(super) queue: OwnedFd,
    /// Their way to the router.
    pub(super) router: OwnedFd,
}

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
    pids: PidView,
    exiting: bool,
    /// Its port cannot be read any more.
    broken: bool,
    /// For messages that are dropped.
    complaints: LogLimit,
}

const PORT: u64 = 0;

/// What main takes of the reason of a failure, bytes.
const MAX_REASON: usize = 4096;

/// Why a prototype cannot be set up; a log record.
#[derive(Debug, thiserror::Error)]
enum SetUpError {
    #[error("unknown application type: \"{0}\"")]
    UnknownType(String),
    #[error(transparent)]
    Module(#[from] super::module_loading::ModuleError),
    #[error("incompatible module {0}")]
    Incompatible(PathBuf),
    #[error("setup of \"{0}\" failed")]
    Setup(String),
    #[error("chdir({0}) failed {1}")]
    WorkingDirectory(PathBuf, Errno),
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error("unshare() of the cgroup namespace failed {0}")]
    CgroupNamespace(Errno),
    #[error(transparent)]
    Root(#[from] MountError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("limits of the application: {0}")]
    Limits(String),
    #[error("failed to set no_new_privs {0}")]
    NoNewPrivs(Errno),
}

/// Runs a prototype until it has nothing to do; the exit code.
pub(super) fn run(mut start: Start<'_>) -> i32 {
    let name = format!("\"{}\" prototype", start.conf.name);
    let (main, stream) = (start.main, start.stream);
    let (credentials, sets_groups) = (start.credentials.take(), start.sets_groups);
    // What the table holds is gone when the set-up fails.
    let main_port = start
        .table
        .get(main)
        .and_then(|main| main.sender.as_fd().try_clone_to_owned().ok())
        .map(|socket| Sender::new(socket, None));
    let own = std::process::id() as Pid;
    let fail = |error: SetUpError| {
        match error {
            // The module has said more; a folder is the user's to make.
            SetUpError::Setup(_) | SetUpError::WorkingDirectory(..) => warning!("{error}"),
            SetUpError::Credentials(_) => crate::error!("{error}"),
            _ => alert!("{error}"),
        }
        if let Some(main_port) = &main_port {
            // Main reads it before it buries this process.
            let header = Header::new(own, kind::RPC_ERROR, stream);
            let reason = error.to_string();
            let length = reason.len().min(MAX_REASON);
            let _ = main_port.send(&header, &reason.as_bytes()[..length], &[]);
        }
        1
    };
    if let Err(error) = enter_groups(&start) {
        return fail(error);
    }
    if start.conf.isolation.has(Namespaces::PID) {
        match learn_own_pid(&mut start) {
            Reply::Ready(_) => {}
            Reply::Quit => return 0,
            Reply::Failed => {
                alert!("{name} failed to start");
                return 1;
            }
        }
    }
    (start.host.entered)(start.table.own, main);
    (start.host.stored_version)(start.stored_version);
    let (mut prototype, mut receiver) = match Prototype::set_up(start) {
        Ok(ready) => ready,
        Err(error) => return fail(error),
    };
    match prototype.report_created(&mut receiver) {
        Reply::Ready(_) => {}
        Reply::Quit => return 0,
        Reply::Failed => {
            alert!("{name} failed to start");
            return 1;
        }
    }
    // While the privileges last; what a module or a program starts inherits them.
    match app_limits::enter(&prototype.conf.limits) {
        Ok(places) => prototype.places = places,
        Err(error) => {
            return fail(SetUpError::Limits(error.to_string()));
        }
    }
    if let Err(error) = prototype.drop_privileges(credentials, sets_groups) {
        return fail(error);
    }
    // The processes forked from here get no further way to main.
    drop(main_port);
    let parent = if prototype.pids.is_isolated() {
        0
    } else {
        main
    };
    if die_with(nix::unistd::Pid::from_raw(parent)).is_err() {
        return 0;
    }
    info!("{name} started");
    let unblocked: SigSet = MAIN_SIGNALS.into_iter().collect();
    if let Err(errno) = unblocked.thread_unblock() {
        alert!("sigprocmask() failed {}", Errno(errno));
    }
    let events = match EventLoop::new(&SIGNALS) {
        Ok(events) => events,
        Err(error) => {
            alert!("{name} failed to start {}", Errno::from(&error));
            return 1;
        }
    };
    if let Err(error) = events.add(&receiver, PORT) {
        alert!("{name} failed to start {}", Errno::from(&error));
        return 1;
    }
    prototype.own = Some(Own {
        events,
        receiver,
        notifier: None,
    });
    let header = Header::new(prototype.table.own, kind::PROCESS_READY, stream);
    prototype.table.send(main, header, &[], &[]);
    prototype.serve()
}

/// Enters the control group, and then the namespace of which this group is the root.
fn enter_groups(start: &Start<'_>) -> Result<(), SetUpError> {
    if let Some(cgroup) = &start.cgroup {
        cgroup.enter()?;
    }
    if start.conf.isolation.has(Namespaces::CGROUP) {
        nix::sched::unshare(CloneFlags::CLONE_NEWCGROUP)
            .map_err(|errno| SetUpError::CgroupNamespace(errno.into()))?;
    }
    if start.conf.isolation.has(Namespaces::MOUNT) {
        mounts::stop_propagation()?;
    }
    Ok(())
}

/// Asks main for the number that this process has outside of its pid namespace.
fn learn_own_pid(start: &mut Start<'_>) -> Reply {
    let whoami = rpc::next_stream();
    let header = Header::new(start.table.own, kind::WHOAMI, whoami);
    let main = start.main;
    start.table.send(main, header, &main.to_ne_bytes(), &[]);
    // The kernel does not tell this process whether main lived when it tied its life to main's.
    if start
        .table
        .get(main)
        .is_none_or(|main| main.sender.is_closed())
    {
        return Reply::Quit;
    }
    let reply = await_reply(&mut start.receiver, whoami);
    match &reply {
        Reply::Ready(body) => match body.first_chunk() {
            Some(pid) => {
                start.table.own = Pid::from_ne_bytes(*pid);
                reply
            }
            None => Reply::Failed,
        },
        _ => reply,
    }
}

impl Prototype {
    fn set_up(start: Start<'_>) -> Result<(Prototype, Receiver), SetUpError> {
        let conf: &'static AppConf = Box::leak(Box::new(start.conf));
        let user = conf.user.as_deref().unwrap_or(&start.default_user);
        let (port, queue) = (start.ports.port.as_raw_fd(), start.ports.queue.as_raw_fd());
        let c_conf = app_context::build_conf(conf, user, port, queue);
        let name = format!("\"{}\" prototype", conf.name);
        let context = AppContext::new(start.host, &name, start.stream, &conf.isolation, c_conf);

        let module = match start.modules.find(&conf.kind) {
            None => return Err(SetUpError::UnknownType(conf.kind.clone())),
            Some(Runner::External) => None,
            Some(Runner::Module(module)) => {
                let loaded = LoadedModule::open(&module.file, Flags::LAZY)?;
                // The file may have been replaced since discovery.
                if !loaded.is_compatible() {
                    return Err(SetUpError::Incompatible(module.file.clone()));
                }
                Some(loaded)
            }
        };
        for (name, value) in &conf.environment {
            fork::set_environment(name, value);
        }
        if let Some(module) = &module
            && !module.setup(&context)
        {
            return Err(SetUpError::Setup(conf.name.clone()));
        }
        if let Some(root) = &start.root {
            if conf.isolation.has(Namespaces::MOUNT) {
                root.pivot()?;
            } else {
                root.chroot()?;
            }
        }
        if let Some(folder) = &conf.working_directory {
            nix::unistd::chdir(folder)
                .map_err(|errno| SetUpError::WorkingDirectory(folder.clone(), errno.into()))?;
        }

        let mut table = start.table;
        let own = Process::new(
            table.own,
            ProcessType::Prototype,
            start.main,
            0,
            start.write_end,
        );
        table.add(own.ready());
        // Not the router's port that main knows: the application must not be able to close it.
        let router = table.of_kind(ProcessType::Router).map(|router| router.pid);
        if let Some(router) = router.and_then(|pid| table.get_mut(pid)) {
            router.sender = Sender::new(start.ports.router, None);
        }
        let prototype = Prototype {
            conf,
            daemon: start.daemon,
            host: start.host,
            table,
            main: start.main,
            own: None,
            program: module.map_or(Program::External, |module| {
                Program::Module(module.into_start())
            }),
            context,
            shared_port: start.ports.port,
            shared_queue: start.ports.queue,
            places: Places::default(),
            local_pid: std::process::id() as Pid,
            pids: PidView::new(conf.isolation.has(Namespaces::PID)),
            exiting: false,
            broken: false,
            complaints: LogLimit::new(),
        };
        Ok((prototype, start.receiver))
    }

    /// Becomes the application's user; from here on nothing is possible that needs privileges.
    fn drop_privileges(
        &self,
        credentials: Option<Credentials>,
        sets_groups: bool,
    ) -> Result<(), SetUpError> {
        match credentials {
            Some(credentials) if sets_groups => credentials.apply()?,
            Some(credentials) => credentials.apply_without_groups()?,
            None => {}
        }
        if self.conf.isolation.no_new_privs {
            set_no_new_privs().map_err(|errno| SetUpError::NoNewPrivs(errno.into()))?;
        }
        Ok(())
    }

    fn report_created(&self, receiver: &mut Receiver) -> Reply {
        let stream = rpc::next_stream();
        let header = Header::new(self.table.own, kind::PROCESS_CREATED, stream);
        self.table.send(self.main, header, &[], &[]);
        await_reply(receiver, stream)
    }

    fn serve(mut self) -> i32 {
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
