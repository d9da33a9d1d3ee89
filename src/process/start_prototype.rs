//! Starting a prototype: what main does before it forks, for the isolation of the application.
//!
//! Everything that can be known to fail is found out here, before there is a process; what was made
//! for it is taken away again.
#![forbid(unsafe_code)]

use std::os::fd::OwnedFd;

use nix::unistd::{getegid, geteuid};

use super::app_conf::AppConf;
use super::isolation::{Daemon, Leftovers, Places, RootPlan};
use super::listeners::Listeners;
use super::main_process::Main;
use super::modules::Runner;
use super::prototype_setup::{self, SharedPorts};
use super::table::Table;
use super::upgrade::Upgrade;
use crate::base::log;
use crate::ipc::{Pid, ProcessType, Receiver, Sender, socket};
use crate::sys::Errno;
use crate::sys::clone::Namespaces;
use crate::sys::credentials::{Capabilities, Credentials};
use crate::{alert, error, warning};

impl Main {
    /// Forks a prototype that answers the router's `stream`; the error is logged, and for the
    /// client of the control API.
    pub(super) fn start_prototype(
        &mut self,
        conf: AppConf,
        ports: SharedPorts,
        stream: u32,
    ) -> Result<(), String> {
        let alert = |text: String| {
            alert!("{text}");
            text
        };
        let credentials = self.application_credentials(&conf).map_err(alert)?;
        // Its own way to main, see `Main::families`.
        let (heard, way) = socket::pair()
            .map_err(|errno| alert(format!("socketpair() failed {}", Errno(errno))))?;
        let way = Sender::new(way, None);
        let daemon = self.capabilities();
        conf.isolation
            .check_maps(credentials.as_ref(), &daemon)
            .map_err(|error| {
                log::write(error.level(), None, format_args!("{error}"));
                error.to_string()
            })?;
        let root = self.plan_root(&conf, credentials.as_ref())?;
        let cgroup = match &conf.isolation.cgroup {
            None => None,
            Some(path) => {
                let opened = self.isolated.open_cgroup(path);
                Some(opened.map_err(|error| alert(error.to_string()))?)
            }
        };
        let mounts = match &root {
            Some(root) if !conf.isolation.has(Namespaces::MOUNT) => self.isolated.mount(root),
            _ => Ok(Places::default()),
        };
        let mounts = match mounts {
            Ok(mounts) => mounts,
            Err(error) => {
                self.isolated.close_cgroup(cgroup);
                return Err(alert(error.to_string()));
            }
        };
        let start_timeout = conf.start_timeout;
        let mut leftovers = Leftovers::new(
            &conf.isolation,
            credentials.as_ref(),
            mounts,
            cgroup.as_ref(),
        );
        let started = self.isolated.guard(&mut leftovers, || {
            self.own = None;
            self.control = None;
            self.listeners = Listeners::default();
            self.upgrade = Upgrade::default();
            self.families.clear();
            self.table = Table::new(0);
        });
        let started = started
            .map_err(|errno| format!("fork() of the isolation guard failed {}", Errno(errno)))
            .and_then(|()| {
                let name = format!("\"{}\" prototype", conf.name);
                // A process enters its control group first; then this group can be the root of
                // a namespace.
                let namespaces = conf.isolation.namespaces - Namespaces::CGROUP;
                let kind = ProcessType::Prototype;
                self.fork_into(namespaces, kind, &name, stream, |main, port, write_end| {
                    main.control = None;
                    let pid = main.main_pid();
                    if let Some(main) = main.table.get_mut(pid) {
                        main.sender = way;
                    }
                    prototype_setup::run(prototype_setup::Start {
                        conf,
                        credentials,
                        default_user: main.options.user.clone(),
                        daemon: main.options.daemon,
                        host: main.host,
                        stored_version: main.state.version(),
                        modules: &main.modules,
                        table: std::mem::replace(&mut main.table, Table::new(0)),
                        main: pid,
                        receiver: Receiver::new(port, None),
                        write_end,
                        ports,
                        stream,
                        cgroup,
                        root,
                        sets_groups: daemon.setid,
                    })
                })
            });
        match started {
            Ok(pid) => {
                self.isolated.started(pid, leftovers);
                self.listen_to_family(pid, heard);
                if let Some(time) = start_timeout {
                    self.table.must_start(pid, time);
                }
                Ok(())
            }
            Err(text) => {
                self.isolated.remove(leftovers);
                Err(alert(text))
            }
        }
    }

    fn listen_to_family(&mut self, prototype: Pid, socket: OwnedFd) {
        let Some(own) = &mut self.own else { return };
        match own.events.add(&socket, prototype as u64) {
            Ok(()) => {
                let receiver = Receiver::new(socket, None).without_fragments();
                self.families.insert(prototype, receiver);
            }
            // The prototype finds its way to main closed and ends.
            Err(error) => alert!("epoll_ctl() failed {}", Errno::from(&error)),
        }
    }

    /// What the daemon is and may do, for the maps of user namespaces.
    pub(super) fn capabilities(&self) -> Daemon {
        Daemon {
            setid: self.credentials.is_some(),
            uid: geteuid(),
            gid: getegid(),
        }
    }

    /// Whom an application runs as; `None` to stay what main is.
    fn application_credentials(&self, conf: &AppConf) -> Result<Option<Credentials>, String> {
        let (user, group) = (conf.user.as_deref(), conf.group.as_deref());
        match &self.credentials {
            Some(own) if user.is_none() && group.is_none() => Ok(Some(own.clone())),
            Some(own) => Credentials::find(user.unwrap_or(&own.user), group)
                .map(Some)
                .map_err(|error| error.to_string()),
            // Inside of a user namespace of its own a process may become anybody.
            None if conf.isolation.has(Namespaces::CREDENTIAL) => {
                let user = user.unwrap_or(&self.options.user);
                let group = group.or(self.options.group.as_deref());
                Credentials::find(user, group)
                    .map(Some)
                    .map_err(|error| error.to_string())
            }
            None => {
                let differs =
                    |wish: Option<&str>, is: Option<&str>| wish.is_some_and(|w| Some(w) != is);
                let app = &conf.name;
                let (what, name) = if differs(user, Some(&self.options.user)) {
                    ("user", user)
                } else if differs(group, self.options.group.as_deref()) {
                    ("group", group)
                } else {
                    return Ok(None);
                };
                let name = name.unwrap_or_default();
                Err(format!(
                    "cannot set {what} \"{name}\" for app \"{app}\": missing capabilities"
                ))
            }
        }
    }

    /// The application's root, if it gets one of its own.
    fn plan_root(
        &self,
        conf: &AppConf,
        credentials: Option<&Credentials>,
    ) -> Result<Option<RootPlan>, String> {
        let isolation = &conf.isolation;
        let Some(path) = &isolation.rootfs else {
            return Ok(None);
        };
        let refuse = |text: String| {
            error!("{text}");
            text
        };
        if !Capabilities::current().chroot && !isolation.has(Namespaces::CREDENTIAL) {
            return Err(refuse("The \"rootfs\" field requires privileges".into()));
        }
        let language = match self.modules.find(&conf.kind) {
            Some(Runner::Module(module)) => &*module.mounts,
            Some(Runner::External) | None => &[],
        };
        let plan = RootPlan::new(path, isolation.automount, language).map_err(refuse)?;
        let is_root = credentials.map_or(geteuid(), |user| user.uid).is_root();
        if is_root && !isolation.has(Namespaces::MOUNT) {
            warning!(
                "setting user \"root\" with \"rootfs\" is unsafe without \"mount\" namespace isolation"
            );
        }
        Ok(Some(plan))
    }
}
