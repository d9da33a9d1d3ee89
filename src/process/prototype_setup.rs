//! How a prototype becomes ready.
//!
//! It starts with main's privileges, in the namespaces of its isolation: it enters its control
//! group, sets the environment, opens the module and calls its `setup`, moves to the new root, and
//! enters the working directory. Then it reports `PROCESS_CREATED`, waits for main's answer (main
//! writes the maps of its user namespace meanwhile), becomes the application's user, and reports
//! `PROCESS_READY`. If a step fails, it tells main why before it ends. A language may hang: main kills
//! a prototype that is not ready in time.
#![forbid(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use nix::sched::CloneFlags;
use nix::sys::signal::SigSet;

use super::app_conf::AppConf;
use super::app_context::{self, AppContext};
use super::app_limits::{self, Places};
use super::handshake::{Reply, await_reply};
use super::isolation::{PidView, RootPlan};
use super::main_process::{MAIN_SIGNALS, Own, SIGNALS};
use super::module_loading::LoadedModule;
use super::modules::{Modules, Runner};
use super::prototype::{Program, Prototype};
use super::table::{Process, Table};
use super::{Host, fork};
use crate::base::log_limit::LogLimit;
use crate::ipc::{Header, Pid, ProcessType, Receiver, Sender, kind, rpc};
use crate::sys::Errno;
use crate::sys::cgroups::{Cgroup, CgroupError};
use crate::sys::clone::Namespaces;
use crate::sys::credentials::{Credentials, CredentialsError};
use crate::sys::dl::Flags;
use crate::sys::events::EventLoop;
use crate::sys::mounts::{self, MountError};
use crate::sys::process::{die_with, set_no_new_privs};
use crate::{alert, info, warning};

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

/// The token of the port in the event loop.
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
}
