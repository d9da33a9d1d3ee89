//! Replacing the running program without losing a request.
//!
//! On SIGUSR2 main forks and executes the program file anew, with the same arguments, all listening
//! sockets and the control socket (`inheritance`). Both main processes then serve, until one of
//! them is told to leave: SIGQUIT to the old one ends the upgrade, SIGQUIT or SIGTERM to the new one
//! takes it back. Between the two there is a channel, a pair of stream sockets; each byte on it is
//! a message, and its end means that the other process is gone:
//!
//! | byte | from | meaning |
//! |---|---|---|
//! | `p` | new | prepared: the modules are loaded, the control API and the state may be handed over |
//! | `c` | old | the controller is gone: the state directory and the control socket are the new one's |
//! | `s` | new | the stored configuration is in force |
//!
//! So at any time one process at most answers the control API and writes the state. Clients of the
//! control socket wait in its queue meanwhile. A new process that cannot put the stored
//! configuration in force leaves. When the new one is gone, however that came, the old one takes
//! back the name of its pid file, the control API, and the configuration as it is stored by then.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::fork;
use super::inheritance::{self, upgrade_value};
use super::main_process::Main;
use super::shutdown::Phase;
use crate::ipc::{Header, Pid, ProcessType, kind};
use crate::sys::inherited::leave_open;
use crate::sys::memory::write_memfd;
use crate::sys::process::Exit;
use crate::sys::{Errno, events::signal_name};
use crate::{alert, notice, warning};

/// The token of the channel in main's event loop; no process id.
pub(super) const CHANNEL: u64 = u64::MAX - 1;

/// What the controller has to finish the requests of its clients before it is told to quit.
const HANDOVER: Duration = Duration::from_secs(12);

/// The exit code of a child that could not execute the program (as shells have it).
const EXIT_EXEC: i32 = 127;

const PREPARED: u8 = b'p';
const CONTROL: u8 = b'c';
const SERVING: u8 = b's';

/// How far a new main process has come, for the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It loads modules.
    Starting,
    /// It waits until the controller has left; it is told to quit then.
    Handover(Instant),
    /// It has the control API and the state.
    InControl,
}

#[derive(Debug)]
struct Successor {
    pid: Pid,
    channel: UnixStream,
    step: Step,
}

/// How far this process has come in replacing another.
#[derive(Debug)]
struct Predecessor {
    channel: UnixStream,
    /// The control API and the state are this process's.
    in_control: bool,
    /// The old process was told that this one serves.
    told: bool,
}

/// The other main process, if there is one.
#[derive(Debug, Default)]
pub(super) struct Upgrade {
    successor: Option<Successor>,
    predecessor: Option<Predecessor>,
}

impl Upgrade {
    /// Replaces the process at the other end of this channel, if there is one.
    pub(super) fn of(predecessor: Option<OwnedFd>) -> io::Result<Upgrade> {
        let predecessor = match predecessor {
            Some(channel) => {
                let channel = UnixStream::from(channel);
                channel.set_nonblocking(true)?;
                Some(Predecessor {
                    channel,
                    in_control: false,
                    told: false,
                })
            }
            None => None,
        };
        Ok(Upgrade {
            successor: None,
            predecessor,
        })
    }

    /// The channel to the predecessor, to be watched from the start.
    pub(super) fn channel(&self) -> Option<&UnixStream> {
        self.predecessor.as_ref().map(|old| &old.channel)
    }

    /// Whether another main process has the same sockets: their files must stay.
    pub(super) fn shares_sockets(&self) -> bool {
        self.successor.is_some() || self.predecessor.is_some()
    }

    /// Whether the control API and the state are this process's.
    pub(super) fn in_control(&self) -> bool {
        let given = self
            .successor
            .as_ref()
            .is_some_and(|new| new.step == Step::InControl);
        let expected = self.predecessor.as_ref().is_some_and(|old| !old.in_control);
        !given && !expected
    }

    /// Whether there is a new main process, which goes on when this one leaves.
    pub(super) fn has_successor(&self) -> bool {
        self.successor.is_some()
    }

    /// When [`Main::check_handover`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.successor.as_ref()?.step {
            Step::Handover(end) => Some(end),
            _ => None,
        }
    }
}

impl Main {
    /// SIGUSR2: starts the program file anew.
    pub(super) fn begin_upgrade(&mut self) {
        if self.phase != Phase::Serving || self.upgrade.shares_sockets() || !self.discovered {
            warning!(
                "the request to change the binary is ignored: {}",
                if self.upgrade.shares_sockets() {
                    "an upgrade is going on, end the old or the new process first"
                } else {
                    "the daemon is starting or about to leave"
                }
            );
            return;
        }
        if let Err(error) = self.pid_file.make_old() {
            alert!(
                "rename(\"{}\") failed {}, the binary is not changed",
                self.pid_file.path().display(),
                Errno::from(&error)
            );
            return;
        }
        match self.start_successor() {
            Ok((pid, channel)) => {
                notice!(
                    "changing the binary: process {pid} runs \"{}\"",
                    self.binary.path().display()
                );
                self.upgrade.successor = Some(Successor {
                    pid,
                    channel,
                    step: Step::Starting,
                });
            }
            Err(error) => {
                alert!("the binary cannot be changed {}", Errno::from(&error));
                self.restore_pid_file();
            }
        }
    }

    fn start_successor(&mut self) -> io::Result<(Pid, UnixStream)> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        if let Some(own) = &self.own {
            own.events.add(&near, CHANNEL)?;
        }
        let pid = fork::spawn(|| {
            let errno = match self.leave_sockets(&far) {
                Ok(value) => self.binary.execute(inheritance::UPGRADE, &value),
                Err(errno) => errno,
            };
            let path = self.binary.path().display();
            alert!("execve(\"{path}\") failed {}", Errno(errno));
            EXIT_EXEC
        })?;
        Ok((pid.as_raw(), near))
    }

    /// In the child: has the sockets outlive the execution; the value that describes them.
    ///
    /// The signals of main stay blocked, so that none ends the new process before it can read it.
    fn leave_sockets(&self, channel: &UnixStream) -> nix::Result<String> {
        leave_open(channel.as_fd())?;
        let control = self.control.as_ref();
        let control = control.map(|control| (control.fd.as_fd(), control.origin));
        let sockets: Vec<_> = self.listeners.iter().chain(control).collect();
        for (fd, _) in &sockets {
            leave_open(*fd)?;
        }
        let numbers = sockets.iter().map(|(fd, origin)| (fd.as_raw_fd(), *origin));
        Ok(upgrade_value(channel.as_raw_fd(), numbers))
    }

    /// Something came from the other main process.
    pub(super) fn on_channel(&mut self) {
        let channel = match (&self.upgrade.successor, &self.upgrade.predecessor) {
            (Some(new), _) => &new.channel,
            (None, Some(old)) => &old.channel,
            (None, None) => return,
        };
        let mut bytes = [0; 16];
        let read = (&mut &*channel).read(&mut bytes);
        match read {
            Ok(0) => self.channel_closed(),
            Ok(count) => {
                for &byte in &bytes[..count] {
                    self.on_channel_message(byte);
                }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => {
                warning!(
                    "the channel to the other main process is broken {}",
                    Errno::from(&error)
                );
                self.channel_closed();
            }
        }
    }

    fn channel_closed(&mut self) {
        if let Some(new) = &self.upgrade.successor {
            // Its end is told by SIGCHLD.
            self.unwatch(&new.channel);
        } else if let Some(old) = self.upgrade.predecessor.take() {
            self.unwatch(&old.channel);
            notice!("the old main process is gone, the upgrade is complete");
            if !old.in_control {
                self.start_service();
            }
        }
    }

    fn unwatch(&self, channel: &UnixStream) {
        if let Some(own) = &self.own
            && let Err(error) = own.events.remove(channel)
        {
            alert!("epoll_ctl() failed {}", Errno::from(&error));
        }
    }

    fn on_channel_message(&mut self, byte: u8) {
        if let Some(new) = &mut self.upgrade.successor {
            match (byte, new.step) {
                (PREPARED, Step::Starting) => {
                    new.step = Step::Handover(Instant::now() + HANDOVER);
                    self.controller.cancel();
                    match self.table.of_kind(ProcessType::Controller) {
                        Some(controller) => self.table.ask_to_finish(controller.pid),
                        None => self.hand_over(),
                    }
                }
                (SERVING, Step::InControl) => {
                    let pid = new.pid;
                    notice!("the new main process {pid} serves; end this one with SIGQUIT");
                    self.notify(&format!("MAINPID={pid}"));
                }
                _ => warning!("unexpected message {byte} from the new main process"),
            }
        } else if let Some(old) = &mut self.upgrade.predecessor {
            match byte {
                CONTROL if !old.in_control => {
                    old.in_control = true;
                    self.start_service();
                }
                _ => warning!("unexpected message {byte} from the old main process"),
            }
        }
    }

    /// The controller has left: everything that it had is the new process's.
    fn hand_over(&mut self) {
        let Some(new) = &mut self.upgrade.successor else {
            return;
        };
        new.step = Step::InControl;
        if let Err(error) = new.channel.write_all(&[CONTROL]) {
            // It is about to die, which SIGCHLD tells.
            warning!(
                "the new main process {} does not listen {}",
                new.pid,
                Errno::from(&error)
            );
        }
    }

    /// Tells a controller to quit that does not come to an end with its clients.
    pub(super) fn check_handover(&mut self, now: Instant) {
        if let Some(new) = &mut self.upgrade.successor
            && let Step::Handover(end) = &mut new.step
            && *end <= now
        {
            *end = now + HANDOVER;
            if let Some(controller) = self.table.of_kind(ProcessType::Controller) {
                let pid = controller.pid;
                self.table.quit(pid);
            }
        }
    }

    /// The controller is gone; whether that was for the new main process.
    pub(super) fn controller_handed_over(&mut self) -> bool {
        match self.upgrade.successor.as_ref().map(|new| new.step) {
            Some(Step::Handover(_)) => {
                self.hand_over();
                true
            }
            _ => false,
        }
    }

    /// A child is gone that is not in the table: perhaps the new main process.
    pub(super) fn successor_exited(&mut self, pid: Pid, exit: Exit) {
        let Some(new) = self.upgrade.successor.take_if(|new| new.pid == pid) else {
            return;
        };
        self.unwatch(&new.channel);
        match new.step {
            Step::InControl => notice!("the new main process {pid} {exit}"),
            _ => alert!("the new main process {pid} {exit}, the upgrade has failed"),
        }
        self.restore_pid_file();
        self.notify(&format!("MAINPID={}", std::process::id()));
        if self.phase != Phase::Serving {
            return;
        }
        if self.paused {
            self.resume();
        }
        if new.step != Step::Starting {
            self.take_control_back();
        }
    }

    fn restore_pid_file(&mut self) {
        if let Err(error) = self.pid_file.make_current() {
            alert!(
                "rename(\"{}\") failed {}",
                self.pid_file.path().display(),
                Errno::from(&error)
            );
        }
    }

    /// Starts a controller that answers the control API, in the place of one that does not.
    fn take_control_back(&mut self) {
        match self.table.of_kind(ProcessType::Controller) {
            // Its end is the start of the next one.
            Some(controller) => {
                let pid = controller.pid;
                self.controller_replaced = true;
                self.table.quit(pid);
            }
            None => self.start_controller(),
        }
    }

    /// Discovery is over in a process that replaces another: asks for the control API and the
    /// state. Whether that was to be done.
    pub(super) fn ask_for_control(&mut self) -> bool {
        let Some(old) = self.upgrade.predecessor.as_mut() else {
            return false;
        };
        if let Err(error) = old.channel.write_all(&[PREPARED]) {
            warning!(
                "the old main process does not listen {}",
                Errno::from(&error)
            );
            // If it is gone, the channel says so too.
        }
        true
    }

    /// The stored configuration is in force.
    pub(super) fn tell_serving(&mut self) {
        if let Some(old) = self.upgrade.predecessor.as_mut().filter(|old| !old.told) {
            old.told = true;
            // If it is gone, the channel says so too.
            let _ = old.channel.write_all(&[SERVING]);
        }
    }

    /// The stored configuration cannot be put in force: as long as the old main process serves it,
    /// this one has no business here.
    /// Whether that is so.
    pub(super) fn leave_to_predecessor(&mut self) -> bool {
        let old = self.upgrade.predecessor.as_ref();
        let leaves = old.is_some_and(|old| !old.told);
        if leaves {
            alert!("the stored configuration is not in force, the old main process goes on");
            self.stop(1);
        }
        leaves
    }

    /// SIGHUP: has the controller put the stored configuration in force again.
    fn reload_configuration(&mut self) {
        let Some(controller) = self.table.of_kind(ProcessType::Controller) else {
            // The next one loads it anyway.
            return;
        };
        let Some(conf) = self.state.stored() else {
            notice!("there is no stored configuration to load again");
            return;
        };
        match write_memfd(c"unit configuration", &conf) {
            Ok(memory) => {
                let header = Header::new(self.table.own, kind::DATA, 0).with_last(true);
                let length = conf.len().to_ne_bytes();
                self.table
                    .send(controller.pid, header, &length, &[memory.as_fd()]);
            }
            Err(error) => alert!("memfd_create() failed {}", Errno::from(&error)),
        }
    }

    /// SIGWINCH: the router and the applications finish and leave, main stays. A terminal sends
    /// that signal too, when its size changes.
    pub(super) fn pause(&mut self) {
        let name = signal_name(nix::sys::signal::Signal::SIGWINCH);
        if has_terminal() {
            notice!("{name} ignored: the daemon runs in a terminal");
            return;
        }
        if self.phase != Phase::Serving || self.paused {
            return;
        }
        notice!("{name} received, the router and the applications leave");
        self.paused = true;
        self.router.cancel();
        if let Some(router) = self.table.of_kind(ProcessType::Router) {
            self.table.ask_to_finish(router.pid);
        }
    }

    /// SIGHUP: starts again what SIGWINCH ended, or puts the stored configuration in force anew.
    pub(super) fn reload(&mut self) {
        if self.phase != Phase::Serving {
            return;
        }
        if self.paused {
            self.resume();
            if !self.upgrade.in_control() && self.table.of_kind(ProcessType::Controller).is_none() {
                // It has no clients: the control socket is the new process's.
                self.start_controller();
            }
        } else if self.upgrade.in_control() {
            self.reload_configuration();
        } else {
            notice!("the configuration is not loaded again: another main process is in charge");
        }
    }

    fn resume(&mut self) {
        notice!("the router and the applications start again");
        self.paused = false;
        if self.table.of_kind(ProcessType::Router).is_none() {
            self.start_router();
        }
    }
}

/// Whether this process has a controlling terminal.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}
