//! Forking of main's children, and what each does first.
//!
//! In a child: the title, then everything that only main may have is closed, then the privileges
//! fall, then the child ties its life to main's, then it says that it is ready and runs.
#![forbid(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};

use super::handshake::{Reply, await_reply};
use super::isolation::Supervisor;
use super::listeners::Listeners;
use super::main_process::Main;
use super::table::{Process, Table};
use super::upgrade::Upgrade;
use super::{discovery, fork};
use crate::ipc::{Header, Pid, ProcessType, Receiver, Sender, kind, rpc, socket};
use crate::sys::clone::Namespaces;
use crate::sys::notify::NOTIFY_SOCKET;
use crate::sys::{Errno, process, title};
use crate::{alert, controller, info, router};

/// A descriptor of main's table for the use of a child that keeps its own.
type Peer = (Pid, OwnedFd);

impl Main {
    /// Forks a child that runs `entry`, and takes it into the table; its pid.
    fn fork_child(
        &mut self,
        kind: ProcessType,
        name: &str,
        stream: u32,
        entry: impl FnOnce(&mut Main, OwnedFd, OwnedFd) -> i32,
    ) -> Option<Pid> {
        self.fork_into(Namespaces::empty(), kind, name, stream, entry)
            .inspect_err(|text| alert!("{text}"))
            .ok()
    }

    /// The same into new namespaces; the child's number, or why there is none.
    pub(super) fn fork_into(
        &mut self,
        namespaces: Namespaces,
        kind: ProcessType,
        name: &str,
        stream: u32,
        entry: impl FnOnce(&mut Main, OwnedFd, OwnedFd) -> i32,
    ) -> Result<Pid, String> {
        // One of parent and child takes the ends, the other closes the read end by leaving it.
        let (port, socket) = socket::pair()
            .map_err(|errno| format!("socketpair() failed for {name} {}", Errno(errno)))?;
        let (mut port, mut socket) = (Some(port), Some(socket));
        let main = self.table.own;
        let forked = fork::spawn_into(namespaces, || {
            title::set(format!("unit: {name}").as_bytes());
            self.own = None;
            self.listeners = Listeners::default();
            self.families.clear();
            self.upgrade = Upgrade::default();
            // The service manager is told by main only.
            fork::remove_environment(NOTIFY_SOCKET);
            self.isolated = Supervisor::default();
            self.table.retain_for(std::process::id() as Pid, kind, main);
            // From inside of a new pid namespace, main has no number.
            let parent = if namespaces.contains(Namespaces::PID) {
                0
            } else {
                main
            };
            if process::die_with(nix::unistd::Pid::from_raw(parent)).is_err() {
                return 0;
            }
            match port.take().zip(socket.take()) {
                Some((port, socket)) => entry(self, port, socket),
                None => 1,
            }
        });
        let pid = forked.map_err(|errno| {
            let call = if namespaces.is_empty() {
                "fork"
            } else {
                "clone"
            };
            format!("{call}() failed for {name} {}", Errno(errno))
        })?;
        let pid = pid.as_raw();
        if let Some(socket) = socket {
            self.table
                .add(Process::new(pid, kind, main, stream, socket));
        }
        Ok(pid)
    }

    pub(super) fn start_discovery(&mut self) {
        let forked = self.fork_child(ProcessType::Discovery, "discovery", 0, |main, port, _| {
            main.run_discovery(port)
        });
        if forked.is_none() {
            self.stop(1);
        }
    }

    pub(super) fn start_controller(&mut self) {
        info!("controller started");
        // Only who may write there tidies the state directory up.
        let in_control = self.upgrade.in_control();
        let conf = match in_control {
            true => self.state.load(),
            false => self.state.stored(),
        };
        self.candidate = conf.clone();
        let forked = self.fork_child(ProcessType::Controller, "controller", 0, |main, port, _| {
            main.run_controller(port, conf, in_control)
        });
        if forked.is_none() {
            self.controller_died();
        }
    }

    pub(super) fn start_router(&mut self) {
        let forked = self.fork_child(ProcessType::Router, "router", 0, |main, port, _| {
            main.run_router(port)
        });
        if forked.is_none() {
            self.router_died();
        }
    }

    /// The privileges of the controller, the router and discovery.
    fn drop_privileges(&self) -> bool {
        let dropped = match &self.credentials {
            Some(credentials) => credentials.apply().map_err(|error| error.to_string()),
            None => Ok(()),
        };
        let dropped = dropped.and_then(|()| {
            process::set_no_new_privs()
                .map_err(|errno| format!("failed to set no_new_privs {}", Errno(errno)))
        });
        if let Err(text) = &dropped {
            alert!("{text}");
        }
        let main = nix::unistd::Pid::from_raw(self.main_pid());
        dropped.is_ok() && process::die_with(main).is_ok()
    }

    pub(super) fn main_pid(&self) -> Pid {
        self.table
            .of_kind(ProcessType::Main)
            .map_or(0, |main| main.pid)
    }

    /// Takes a peer out of the child's table.
    fn take_peer(&mut self, kind: ProcessType) -> Option<Peer> {
        let pid = self.table.of_kind(kind)?.pid;
        let peer = self.table.remove(pid)?;
        Some((pid, peer.sender.as_fd().try_clone_to_owned().ok()?))
    }

    /// Main and its port, after it was told that this process is ready. The ports that nobody has
    /// taken are closed.
    fn report_ready(&mut self) -> Option<Peer> {
        let own = self.table.own;
        self.table.send(
            self.main_pid(),
            Header::new(own, kind::PROCESS_READY, 0),
            &[],
            &[],
        );
        let main = self.take_peer(ProcessType::Main);
        self.table = Table::new(own);
        main
    }

    fn run_discovery(&mut self, port: OwnedFd) -> i32 {
        self.control = None;
        if !self.drop_privileges() {
            return 1;
        }
        info!("discovery started");
        (self.host.entered)(std::process::id() as Pid, self.main_pid());
        let list = discovery::find_modules(&self.options.modulesdir).to_json();
        let Some((_, main)) = self.report_ready() else {
            return 1;
        };
        let stream = rpc::next_stream();
        let header = Header::new(self.table.own, kind::MODULES, stream);
        let main = Sender::new(main, None);
        if let Err(error) = main.send(&header, list.as_bytes(), &[]) {
            alert!("the list of modules is lost: {error}");
            return 1;
        }
        match await_reply(&mut Receiver::new(port, None), stream) {
            Reply::Ready(_) | Reply::Quit => 0,
            Reply::Failed => 1,
        }
    }

    fn run_controller(&mut self, port: OwnedFd, conf: Option<Vec<u8>>, in_control: bool) -> i32 {
        if !self.drop_privileges() {
            return 1;
        }
        let router = self.take_peer(ProcessType::Router);
        let (Some(main), Some(control)) = (self.report_ready(), self.control.take()) else {
            return 1;
        };
        controller::run(controller::Start {
            control: in_control.then_some(control.fd),
            config: conf,
            in_force: self.in_force.take(),
            modules: self.modules.summary().to_vec(),
            port,
            main,
            router,
        })
    }

    fn run_router(&mut self, port: OwnedFd) -> i32 {
        self.control = None;
        if !self.drop_privileges() {
            return 1;
        }
        info!("router started");
        let controller = self.take_peer(ProcessType::Controller);
        let Some(main) = self.report_ready() else {
            return 1;
        };
        router::run(router::Start {
            port,
            main,
            controller,
            tmpdir: self.options.tmpdir.clone(),
        })
    }
}
