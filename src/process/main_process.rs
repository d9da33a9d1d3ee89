//! The main process: it keeps the privileges, makes sockets, stores the state, forks the others,
//! and starts what dies anew.
//!
//! At start it forks discovery; when that has reported, the controller and the router; a prototype
//! for each application when the router asks. Signals: TERM and INT end everything quickly, QUIT
//! gracefully (`shutdown`), USR1 reopens the log files, USR2 starts a new binary, WINCH and HUP end
//! and start the service (`upgrade`), CHLD reaps. KILL ends main, and the kernel then ends the
//! others (`sys::process::die_with`).
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Host;
use super::binary::Binary;
use super::control_socket::ControlSocket;
use super::isolation::Supervisor;
use super::listeners::{Inherited, Listeners};
use super::modules::Modules;
use super::options::Options;
use super::pid_file::PidFile;
use super::shutdown::Phase;
use super::state::State;
use super::table::{Process, Table};
use super::upgrade::{CHANNEL, Upgrade};
use crate::base::log::Level;
use crate::base::log_limit::LogLimit;
use crate::base::respawn::{HOPELESS, Respawn};
use crate::ipc::{Header, Pid, ProcessType, ReceiveError, Receiver, kind, port};
use crate::sys::Errno;
use crate::sys::credentials::Credentials;
use crate::sys::events::{Event, EventLoop, signal_name};
use crate::sys::notify::{NOTIFY_SOCKET, Notifier};
use crate::sys::process::{Exit, reap};
use crate::{alert, notice, warning};

/// The signals that main and prototypes handle; they stay blocked in all their descendants.
pub(super) const SIGNALS: [Signal; 6] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGCHLD,
    Signal::SIGUSR1,
];

/// Those that only main handles. Prototypes unblock them again: applications may use them.
pub(super) const MAIN_SIGNALS: [Signal; 2] = [Signal::SIGUSR2, Signal::SIGWINCH];

/// When to try again what a full socket did not take.
pub(super) const FLUSH_AGAIN: Duration = Duration::from_millis(10);

/// How often discovery is tried before the daemon goes on without language modules.
const DISCOVERIES: u32 = 3;

/// The token of main's port in its event loop.
const PORT: u64 = 0;

/// Messages handled between two looks at the signals.
pub(super) const BATCH: usize = 64;

/// What only main itself uses and no child may inherit.
pub(super) struct Own {
    pub(super) events: EventLoop,
    pub(super) receiver: Receiver,
    /// `None` in prototypes, and if no service manager wants to know.
    pub(super) notifier: Option<Notifier>,
}

/// See the module head.
pub(super) struct Main {
    pub(super) options: Options,
    /// Whom the others run as; `None` if main has no privileges to change it.
    pub(super) credentials: Option<Credentials>,
    pub(super) host: Host,
    pub(super) own: Option<Own>,
    /// For the prototypes: each has a way to main of its own, which its processes share, so that
    /// what one application writes there, or that it closes the socket, concerns no other one.
    /// The event loop knows them by the prototype's pid.
    pub(super) families: HashMap<Pid, Receiver>,
    pub(super) table: Table,
    pub(super) state: State,
    pub(super) control: Option<ControlSocket>,
    pub(super) modules: Modules,
    pub(super) isolated: Supervisor,
    /// Discovery has reported or failed.
    pub(super) discovered: bool,
    failed_discoveries: u32,
    pub(super) listeners: Listeners,
    pub(super) controller: Respawn,
    pub(super) router: Respawn,
    pub(super) phase: Phase,
    /// The service manager knows that the daemon is ready.
    pub(super) notified: bool,
    pub(super) exit_code: i32,
    /// For messages that are dropped.
    pub(super) complaints: LogLimit,
    pub(super) pid_file: PidFile,
    /// The program, for an upgrade.
    pub(super) binary: Binary,
    pub(super) upgrade: Upgrade,
    /// The configuration that is in force as far as known, for a controller that finds no usable one
    /// in the state directory.
    pub(super) in_force: Option<Vec<u8>>,
    /// The one that the present controller is to put in force.
    pub(super) candidate: Option<Vec<u8>>,
    /// SIGWINCH has sent the router away.
    pub(super) paused: bool,
    /// The controller was told to leave for another one.
    pub(super) controller_replaced: bool,
}

/// What main starts with.
pub(super) struct Start {
    pub(super) options: Options,
    pub(super) credentials: Option<Credentials>,
    pub(super) control: Option<ControlSocket>,
    pub(super) host: Host,
    pub(super) binary: Binary,
    /// Listening sockets that the process was started with.
    pub(super) inherited: Vec<Inherited>,
    pub(super) upgrade: Upgrade,
}

impl Start {
    /// Removes the file of the control socket, unless another main process serves it.
    pub(super) fn remove_control(&self) {
        if let Some(control) = self
            .control
            .as_ref()
            .filter(|_| !self.upgrade.shares_sockets())
        {
            control.remove();
        }
    }
}

impl Main {
    pub(super) fn new(start: Start, pid_file: PidFile) -> std::io::Result<Main> {
        let (receiver, write_end) = port::create()?;
        let events = EventLoop::new(&[&SIGNALS[..], &MAIN_SIGNALS].concat())?;
        events.add(&receiver, PORT)?;
        if let Some(channel) = start.upgrade.channel() {
            events.add(channel, CHANNEL)?;
        }
        let mut listeners = Listeners::default();
        listeners.inherit(start.inherited);
        // So that the stream counter is in memory that all descendants share.
        crate::ipc::rpc::init_streams();
        // All descendants inherit it.
        crate::ipc::fault::install()?;
        let notifier = notifier();
        let state = State::new(&start.options.statedir);
        // Main's own port stands in its table so that the children inherit it.
        let pid = std::process::id() as Pid;
        let mut table = Table::new(pid);
        table.add(Process::new(pid, ProcessType::Main, 0, 0, write_end).ready());
        Ok(Main {
            options: start.options,
            credentials: start.credentials,
            host: start.host,
            own: Some(Own {
                events,
                receiver,
                notifier,
            }),
            families: HashMap::new(),
            table,
            state,
            control: start.control,
            modules: Modules::default(),
            isolated: Supervisor::default(),
            discovered: false,
            failed_discoveries: 0,
            listeners,
            controller: Respawn::new("controller"),
            router: Respawn::new("router"),
            phase: Phase::Serving,
            notified: false,
            exit_code: 0,
            complaints: LogLimit::new(),
            pid_file,
            binary: start.binary,
            upgrade: start.upgrade,
            in_force: None,
            candidate: None,
            paused: false,
            controller_replaced: false,
        })
    }

    /// Serves until everything has ended; the exit code.
    pub(super) fn run(mut self) -> i32 {
        self.start_discovery();
        let mut events = Vec::new();
        while !(self.is_stopping() && self.children().is_empty()) {
            events.clear();
            let deadline = self.deadline();
            let Some(own) = &mut self.own else { break };
            if let Err(error) = own.events.wait(deadline, &mut events) {
                alert!("epoll_wait() failed {}", Errno::from(&error));
                self.stop(1);
                std::thread::sleep(FLUSH_AGAIN);
            }
            for event in &events {
                match event {
                    Event::Signal(signal) => self.on_signal(*signal),
                    Event::Ready { token: CHANNEL, .. } => self.on_channel(),
                    Event::Ready { token: PORT, .. } => self.receive(None),
                    Event::Ready { token, .. } => self.receive(Pid::try_from(*token).ok()),
                }
            }
            self.on_time();
        }
        self.clean_up();
        self.exit_code
    }

    fn children(&self) -> Vec<Pid> {
        self.table.children_of(self.table.own)
    }

    /// The next moment at which something is due without an event.
    fn deadline(&self) -> Option<Instant> {
        let flush = self
            .table
            .iter()
            .any(|process| process.sender.has_pending());
        [
            flush.then(|| Instant::now() + FLUSH_AGAIN),
            self.controller.due(),
            self.router.due(),
            self.table.next_escalation(),
            self.finishing_ends(),
            self.isolated.due(),
            self.upgrade.due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn on_time(&mut self) {
        self.table.flush();
        let now = Instant::now();
        self.table.escalate(now);
        self.check_finishing(now);
        self.isolated.on_time(now);
        self.check_handover(now);
        if self.controller.take_due(now) {
            self.start_controller();
        }
        if self.router.take_due(now) {
            self.start_router();
        }
    }

    /// Reads main's port, or the way of the family of a prototype.
    fn receive(&mut self, family: Option<Pid>) {
        for _ in 0..BATCH {
            let receiver = match family {
                None => self.own.as_mut().map(|own| &mut own.receiver),
                Some(prototype) => self.families.get_mut(&prototype),
            };
            let Some(receiver) = receiver else { return };
            match receiver.receive() {
                Ok(Some(message)) => super::main_messages::handle(self, family, message),
                Ok(None) => return,
                Err(ReceiveError::Malformed(what)) => {
                    let text = format_args!("malformed message dropped: {what}");
                    self.complaints.write(Level::Warn, text);
                }
                Err(error) => {
                    if let Some(prototype) = family {
                        // They are gone, or do not want to be heard any more.
                        self.families.remove(&prototype);
                    } else {
                        // Main itself holds a write end, so that its port never closes.
                        alert!("{error}");
                    }
                    return;
                }
            }
        }
    }

    fn on_signal(&mut self, signal: Signal) {
        match signal {
            Signal::SIGCHLD => self.reap_children(),
            Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT => {
                let number = signal as i32;
                notice!("signal signo:{number} ({}) received", signal_name(signal));
                match signal {
                    Signal::SIGQUIT => self.finish(),
                    _ => self.stop(0),
                }
            }
            Signal::SIGUSR1 => self.reopen_log(),
            Signal::SIGUSR2 | Signal::SIGHUP => {
                let number = signal as i32;
                notice!("signal signo:{number} ({}) received", signal_name(signal));
                match signal {
                    Signal::SIGUSR2 => self.begin_upgrade(),
                    _ => self.reload(),
                }
            }
            Signal::SIGWINCH => self.pause(),
            other => {
                let number = other as i32;
                notice!(
                    "signal signo:{number} ({}) received, ignored",
                    signal_name(other)
                );
            }
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

    fn on_exit(&mut self, pid: Pid, exit: Exit) {
        if let Some(own) = &mut self.own {
            own.receiver.forget_peer(pid);
        }
        // What a dead prototype said, above all why it failed, comes before its end.
        self.receive(Some(pid));
        self.families.remove(&pid);
        self.isolated.child_died(pid);
        self.isolated.ended(pid);
        let Some(mut process) = self.table.remove(pid) else {
            self.successor_exited(pid, exit);
            // Main is the first process of a container, and inherits what others leave behind.
            return;
        };
        match exit {
            Exit::Signal { .. } => alert!("process {pid} {exit}"),
            Exit::Code(_) => notice!("process {pid} {exit}"),
        }
        // What its descendants still send is no concern of a dead parent's: they are told to
        // leave, and those who waited for them learn that they are gone.
        let orphans: Vec<Process> = self
            .table
            .children_of(pid)
            .into_iter()
            .filter_map(|child| self.table.remove(child))
            .collect();
        for orphan in &orphans {
            let quit = Header::new(self.table.own, kind::QUIT, 0);
            let _ = orphan.sender.send(&quit, &[], &[]);
        }
        if self.is_stopping() {
            return;
        }
        if let Some(failure) = process.failure.take() {
            // The answer to who asked for it; the notice of its death is no further one.
            if let Some(router) = self.table.of_kind(ProcessType::Router) {
                let stream = std::mem::take(&mut process.stream);
                self.table.refuse(router.pid, stream, failure.as_bytes());
            }
        }
        self.table.announce_death(&process);
        for orphan in &orphans {
            self.table.announce_death(orphan);
        }
        match process.kind {
            // It has finished, or never will.
            ProcessType::Router if self.phase != Phase::Serving => self.stop(0),
            ProcessType::Controller if self.phase != Phase::Serving => {}
            ProcessType::Controller => {
                if std::mem::take(&mut self.controller_replaced) {
                    self.start_controller();
                } else if !self.controller_handed_over() {
                    self.controller_died();
                }
            }
            ProcessType::Router => {
                self.send_applications_away();
                if self.paused {
                    return;
                }
                self.router_died();
            }
            ProcessType::Discovery if !self.discovered => self.discovery_died(),
            _ => {}
        }
    }

    /// Tries again: a module that kills whoever loads it must not keep the daemon from serving what
    /// needs no module, and a death for another reason must not cost it all modules.
    fn discovery_died(&mut self) {
        self.failed_discoveries += 1;
        if self.failed_discoveries < DISCOVERIES {
            warning!("discovery failed, starting it again");
            self.start_discovery();
        } else {
            alert!("discovery failed, no language modules are available");
            self.on_discovered(Modules::default());
        }
    }

    /// The applications were the dead router's, and cannot reach a new one: they leave too. The
    /// listening sockets stay for the new one.
    fn send_applications_away(&mut self) {
        let is_app = |kind| matches!(kind, ProcessType::Prototype | ProcessType::App);
        let apps: Vec<Pid> = self
            .table
            .iter()
            .filter(|process| is_app(process.kind))
            .map(|process| process.pid)
            .collect();
        for pid in apps {
            self.table.quit(pid);
        }
        self.listeners.router_died();
    }

    /// The controller died or could not be started. Without one an old configuration is served.
    pub(super) fn controller_died(&mut self) {
        if !self.controller.died() && !self.router.is_serving() {
            self.give_up("controller");
        }
    }

    /// The router died or could not be started.
    pub(super) fn router_died(&mut self) {
        if !self.router.died() {
            self.give_up("router");
        }
    }

    fn give_up(&mut self, name: &str) {
        alert!("{name} died {HOPELESS} times in a row before it could serve, giving up");
        self.stop(1);
    }

    /// The controller says that this router has its configuration.
    ///
    /// `is_stored`: that is the stored one, or the default one because there is none.
    pub(super) fn on_applied(&mut self, router: Pid, is_stored: bool) {
        let is_router = |process: &Process| process.kind == ProcessType::Router;
        if !self.table.get(router).is_some_and(is_router) {
            return;
        }
        if !(is_stored && self.state.is_usable()) && self.leave_to_predecessor() {
            return;
        }
        if is_stored && let Some(conf) = self.candidate.take() {
            self.in_force = Some(conf);
        }
        self.controller.serves();
        self.router.serves();
        self.listeners.close_unused(self.upgrade.shares_sockets());
        if !self.notified {
            for address in self.listeners.spare() {
                notice!("no listener uses the inherited socket \"{address}\" yet");
            }
        }
        self.tell_serving();
        self.notify_ready();
    }

    /// Starts what needs to know the modules.
    pub(super) fn on_discovered(&mut self, modules: Modules) {
        self.discovered = true;
        self.modules = modules;
        if !self.ask_for_control() {
            self.start_service();
        }
    }

    /// Starts the processes that serve.
    pub(super) fn start_service(&mut self) {
        self.start_controller();
        self.start_router();
    }

    fn clean_up(&mut self) {
        let shared = self.upgrade.shares_sockets();
        self.listeners.close_all(shared);
        self.isolated.finish();
        if let Some(control) = self.control.as_ref().filter(|_| !shared) {
            control.remove();
        }
        self.pid_file.remove();
    }

    /// The state directory, for messages about it.
    pub(super) fn statedir(&self) -> &PathBuf {
        &self.options.statedir
    }
}

/// The way to the service manager.
fn notifier() -> Option<Notifier> {
    let address = std::env::var_os(NOTIFY_SOCKET)?;
    Notifier::new(address.as_encoded_bytes())
        .inspect_err(|error| {
            warning!(
                "{NOTIFY_SOCKET}={} cannot be used: {error}",
                address.display()
            );
        })
        .ok()
}
