//! What an isolated application would leave on the host, and its removal.
//!
//! Mounts that main made for a root without a mount namespace, and control groups, do not end
//! with the processes that use them. Main removes them when it has reaped the prototype. For the
//! case that main itself is killed there is a *guard*: a process that does nothing but wait for
//! main's death, and then removes what main cannot any more.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill};

use super::host_mounts::HostMounts;
use super::{Daemon, Isolation, MapError, Places, RootPlan, id_map};
use crate::ipc::Pid;
use crate::process::fork;
use crate::sys::cgroups::{Cgroup, CgroupError, Cgroups};
use crate::sys::clone::Namespaces;
use crate::sys::credentials::Credentials;
use crate::sys::mounts::MountError;
use crate::sys::{process, title};
use crate::{notice, warning};

/// How often a control group is tried to be removed while processes in it end.
const AGAIN: Duration = Duration::from_millis(20);

/// For how long; processes that are still there after it have another use for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same when the daemon itself ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// What one application leaves, and what main still has to do for it.
#[derive(Debug, Default)]
pub(in crate::process) struct Leftovers {
    mounts: Places,
    cgroup: Option<PathBuf>,
    guard: Option<Pid>,
    /// The maps to be written when the prototype is set up, and for whom.
    maps: Option<(Isolation, Credentials)>,
}

impl Leftovers {
    /// `credentials` is whom the application runs as.
    pub(in crate::process) fn new(
        isolation: &Isolation,
        credentials: Option<&Credentials>,
        mounts: Places,
        cgroup: Option<&Cgroup>,
    ) -> Leftovers {
        let maps = isolation
            .has(Namespaces::CREDENTIAL)
            .then(|| credentials.map(|user| (isolation.clone(), user.clone())))
            .flatten();
        Leftovers {
            mounts,
            cgroup: cgroup.map(|cgroup| cgroup.path.clone()),
            guard: None,
            maps,
        }
    }

    fn outlive_processes(&self) -> bool {
        !self.mounts.is_empty() || self.cgroup.is_some()
    }
}

/// Those of all running prototypes; main's.
#[derive(Debug, Default)]
pub(in crate::process) struct Supervisor {
    running: BTreeMap<Pid, Leftovers>,
    mounts: HostMounts,
    cgroups: Cgroups,
    /// Control groups whose processes are still ending: until when to try, when next.
    ending: Vec<(PathBuf, Instant, Instant)>,
}

impl Supervisor {
    /// Makes the mounts of a root in the host's namespace.
    pub(in crate::process) fn mount(&mut self, root: &RootPlan) -> Result<Places, MountError> {
        self.mounts.make(root)
    }

    /// Opens a control group, made if need be.
    pub(in crate::process) fn open_cgroup(&mut self, path: &Path) -> Result<Cgroup, CgroupError> {
        self.cgroups.open(path)
    }

    /// Removes a control group again that nobody entered.
    pub(in crate::process) fn close_cgroup(&mut self, cgroup: Option<Cgroup>) {
        if let Some(cgroup) = cgroup {
            self.remove_cgroup(&cgroup.path);
        }
    }

    /// Forks the guard of what is to be made use of. `close` closes what only main may have.
    pub(in crate::process) fn guard(
        &mut self,
        leftovers: &mut Leftovers,
        close: impl FnOnce(),
    ) -> nix::Result<()> {
        if !leftovers.outlive_processes() {
            return Ok(());
        }
        let main = nix::unistd::getpid();
        let guard = fork::spawn(|| {
            title::set(b"unit: isolation guard");
            close();
            // The mounts of other applications have guards of their own.
            self.mounts.retain(&leftovers.mounts);
            self.stand_guard(main, leftovers);
            0
        })?;
        leftovers.guard = Some(guard.as_raw());
        Ok(())
    }

    fn stand_guard(&mut self, main: nix::unistd::Pid, leftovers: &Leftovers) {
        let signals: SigSet = [Signal::SIGTERM, Signal::SIGUSR2].into_iter().collect();
        let alone = signals.thread_block().is_err()
            || process::signal_when_dies(main, Signal::SIGUSR2).is_err();
        if !alone && signals.wait() != Ok(Signal::SIGUSR2) {
            return;
        }
        self.mounts.unmount_all();
        if let Some(path) = &leftovers.cgroup {
            let end = Instant::now() + PATIENCE;
            while !self.cgroups.remove(path) && Instant::now() < end {
                std::thread::sleep(AGAIN);
            }
        }
    }

    /// A prototype has been forked.
    pub(in crate::process) fn started(&mut self, pid: Pid, leftovers: Leftovers) {
        self.running.insert(pid, leftovers);
    }

    /// A prototype is set up and waits: writes the maps of its user namespace.
    pub(in crate::process) fn write_maps(&self, pid: Pid, daemon: &Daemon) -> Result<(), MapError> {
        match self.running.get(&pid).and_then(|of| of.maps.as_ref()) {
            None => Ok(()),
            Some((isolation, user)) => {
                let Isolation {
                    uid_map, gid_map, ..
                } = isolation;
                id_map::write_maps(pid, uid_map, gid_map, user, daemon)
            }
        }
    }

    /// A prototype has ended.
    pub(in crate::process) fn ended(&mut self, pid: Pid) {
        if let Some(leftovers) = self.running.remove(&pid) {
            self.remove(leftovers);
        }
    }

    /// Removes what was made for a prototype.
    pub(in crate::process) fn remove(&mut self, leftovers: Leftovers) {
        self.mounts.release(&leftovers.mounts);
        if let Some(guard) = leftovers.guard {
            let _ = kill(nix::unistd::Pid::from_raw(guard), Signal::SIGTERM);
        }
        if let Some(path) = leftovers.cgroup {
            self.remove_cgroup(&path);
        }
    }

    fn remove_cgroup(&mut self, path: &Path) {
        let in_use = |other: &Leftovers| {
            other
                .cgroup
                .as_ref()
                .is_some_and(|other| other.starts_with(path))
        };
        // The last one who uses it removes it.
        if !self.running.values().any(in_use) && !self.cgroups.remove(path) {
            let now = Instant::now();
            self.ending
                .push((path.to_owned(), now + PATIENCE, now + AGAIN));
        }
    }

    /// When to call [`Supervisor::on_time`] next.
    pub(in crate::process) fn due(&self) -> Option<Instant> {
        self.ending.iter().map(|&(_, _, next)| next).min()
    }

    /// Tries again what could not be removed.
    pub(in crate::process) fn on_time(&mut self, now: Instant) {
        let due: Vec<_> = self.ending.extract_if(.., |of| of.2 <= now).collect();
        for (path, end, _) in due {
            let in_use = |other: &Leftovers| other.cgroup.as_ref() == Some(&path);
            if self.running.values().any(in_use) || self.cgroups.remove(&path) {
                continue;
            }
            if now < end {
                self.ending.push((path, end, now + AGAIN));
            } else {
                notice!("cgroup {} is still in use, it stays", path.display());
            }
        }
    }

    /// A child of main has died: if it was a guard, its number may soon be another's.
    pub(in crate::process) fn child_died(&mut self, pid: Pid) {
        let mut bereft = self.running.values_mut();
        if let Some(leftovers) = bereft.find(|leftovers| leftovers.guard == Some(pid)) {
            leftovers.guard = None;
            warning!("isolation guard {pid} is gone");
        }
    }

    /// The daemon ends, and all prototypes have: waits a little for what still ends with them.
    pub(in crate::process) fn finish(&mut self) {
        while let Some((_, leftovers)) = self.running.pop_first() {
            self.remove(leftovers);
        }
        let end = Instant::now() + FAREWELL;
        for path in self.cgroups.made() {
            while !self.cgroups.remove(&path) && Instant::now() < end {
                std::thread::sleep(AGAIN);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_outlives_processes_needs_a_guard() {
        let mut supervisor = Supervisor::default();
        let mut nothing = Leftovers::default();
        supervisor.guard(&mut nothing, || unreachable!()).unwrap();
        assert_eq!(nothing.guard, None);
        supervisor.started(5, nothing);
        supervisor.ended(5);
        assert_eq!(supervisor.due(), None);
        supervisor.finish();
    }
}
