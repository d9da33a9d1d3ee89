//! Resource limits and scheduling priority of a process, and the CPUs of a thread.
//!
//! The priority and the CPUs belong to threads; a new thread inherits them from the one that makes
//! it, a new process everything from its parent.

use std::fs;
use std::io;

use nix::errno::Errno as Number;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::Errno;

/// How often the threads of a process are listed until there is no new one.
const PASSES: usize = 8;

/// A soft and a hard limit; `u64::MAX` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What counts.
    pub soft: u64,
    /// How far the process may raise that by itself.
    pub hard: u64,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `RLIMIT_NOFILE`: one more than the greatest descriptor.
    pub nofile: Resource,
    /// `RLIMIT_CORE`: bytes of a core file.
    pub core: Resource,
    /// The nice value, -20 (first served) to 19.
    pub nice: i32,
}

/// A limit that cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// prlimit(2)
    #[error("setrlimit({name}, {limit}) failed {errno}")]
    Resource {
        /// The resource.
        name: &'static str,
        /// The soft limit.
        limit: u64,
        /// The error.
        errno: Errno,
    },
    /// setpriority(2)
    #[error("setpriority({nice}) failed {errno}")]
    Priority {
        /// The nice value.
        nice: i32,
        /// The error.
        errno: Errno,
    },
    /// A CPU that is not there, or not for this process.
    #[error("CPU {0} is not among those that may be used: {1:?}")]
    Cpu(usize, Vec<usize>),
    /// sched_setaffinity(2)
    #[error("sched_setaffinity({0:?}) failed {1}")]
    Affinity(Vec<usize>, Errno),
}

impl Limits {
    /// Those of this process.
    pub fn current() -> io::Result<Limits> {
        Ok(Limits {
            nofile: resource(libc::RLIMIT_NOFILE)?,
            core: resource(libc::RLIMIT_CORE)?,
            nice: nice(0)?,
        })
    }

    /// The same with other soft limits. The hard ones are raised if they must be and never lowered:
    /// so everything can be taken back, for which a privilege would be needed otherwise.
    pub fn with(mut self, nofile: Option<u64>, core: Option<u64>, nice: Option<i32>) -> Limits {
        for (resource, value) in [(&mut self.nofile, nofile), (&mut self.core, core)] {
            if let Some(soft) = value {
                let hard = resource.hard.max(soft);
                *resource = Resource { soft, hard };
            }
        }
        self.nice = nice.unwrap_or(self.nice);
        self
    }

    /// The same with the hard limits lowered to the soft ones of what is given, so that the process
    /// cannot raise them.
    pub fn strictly(mut self, nofile: Option<u64>, core: Option<u64>, nice: Option<i32>) -> Limits {
        self = self.with(nofile, core, nice);
        self.nofile.hard = nofile.unwrap_or(self.nofile.hard);
        self.core.hard = core.unwrap_or(self.core.hard);
        self
    }

    /// Gives them to this process and its threads.
    pub fn apply(&self) -> Result<(), LimitError> {
        self.apply_resources(None)?;
        self.apply_priority(None)
    }

    /// Gives the limits of resources to a process; `None` is this one.
    pub fn apply_resources(&self, pid: Option<i32>) -> Result<(), LimitError> {
        let pid = pid.unwrap_or(0);
        set_resource(pid, libc::RLIMIT_NOFILE, "RLIMIT_NOFILE", self.nofile)?;
        set_resource(pid, libc::RLIMIT_CORE, "RLIMIT_CORE", self.core)
    }

    /// Gives the priority to all threads of a process; `None` is this one.
    pub fn apply_priority(&self, pid: Option<i32>) -> Result<(), LimitError> {
        let pid = pid.map_or("self".to_owned(), |pid| pid.to_string());
        set_nice(&pid, self.nice).map_err(|errno| LimitError::Priority {
            nice: self.nice,
            errno: Errno(errno),
        })
    }
}

fn resource(which: libc::__rlimit_resource_t) -> nix::Result<Resource> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a structure of this function that the kernel fills.
    Number::result(unsafe { libc::getrlimit(which, &mut limit) })?;
    Ok(Resource {
        soft: limit.rlim_cur,
        hard: limit.rlim_max,
    })
}

fn set_resource(
    pid: i32,
    which: libc::__rlimit_resource_t,
    name: &'static str,
    value: Resource,
) -> Result<(), LimitError> {
    let limit = libc::rlimit {
        rlim_cur: value.soft,
        rlim_max: value.hard,
    };
    // SAFETY: `limit` is a structure of this function that the kernel reads; no old value is asked
    // for.
    let set = unsafe { libc::prlimit(pid, which, &limit, std::ptr::null_mut()) };
    Number::result(set)
        .map(drop)
        .map_err(|errno| LimitError::Resource {
            name,
            limit: value.soft,
            errno: Errno(errno),
        })
}

fn nice(thread: u32) -> nix::Result<i32> {
    Number::clear();
    // SAFETY: getpriority(2) takes numbers and touches no memory of ours.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, thread) };
    // -1 is a nice value too.
    match Number::last_raw() {
        0 => Ok(nice),
        errno if nice == -1 => Err(Number::from_raw(errno)),
        _ => Ok(nice),
    }
}

/// Sets the nice value of all threads, new ones included: what a thread that has it makes has it.
fn set_nice(pid: &str, value: i32) -> nix::Result<()> {
    for _ in 0..PASSES {
        let mut changed = false;
        let threads = fs::read_dir(format!("/proc/{pid}/task"))
            .map_err(|error| error.raw_os_error().map_or(Number::EIO, Number::from_raw))?;
        let threads = threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        for thread in threads {
            match nice(thread) {
                Ok(now) if now == value => continue,
                Err(Number::ESRCH) => continue,
                Err(errno) => return Err(errno),
                Ok(_) => {}
            }
            // SAFETY: setpriority(2) takes numbers and touches no memory of ours.
            let set = unsafe { libc::setpriority(libc::PRIO_PROCESS, thread, value) };
            match Number::result(set) {
                // It has ended.
                Ok(_) | Err(Number::ESRCH) => changed = true,
                Err(errno) => return Err(errno),
            }
        }
        if !changed {
            break;
        }
    }
    Ok(())
}

/// The CPUs that the threads of a role may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    cpus: Vec<usize>,
    spread: bool,
}

/// The CPUs that this thread may use.
pub fn allowed_cpus() -> Vec<usize> {
    // Without the call there is nothing to place on.
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count())
        .filter(|&cpu| set.is_set(cpu).unwrap_or(false))
        .collect()
}

impl Placement {
    /// All of `only`, which must be among the `allowed` ones, or of these; with `spread` one of
    /// them for each thread in turn.
    pub fn new(
        allowed: &[usize],
        only: Option<&[usize]>,
        spread: bool,
    ) -> Result<Placement, LimitError> {
        let cpus = only.unwrap_or(allowed).to_vec();
        if let Some(&cpu) = cpus.iter().find(|cpu| !allowed.contains(cpu)) {
            return Err(LimitError::Cpu(cpu, allowed.to_vec()));
        }
        Ok(Placement { cpus, spread })
    }

    /// Binds the calling thread, the `index`th of its role.
    pub fn bind(&self, index: usize) -> Result<(), LimitError> {
        let cpus = match self.spread && !self.cpus.is_empty() {
            true => &self.cpus[index % self.cpus.len()..][..1],
            false => &self.cpus[..],
        };
        if cpus.is_empty() {
            return Ok(());
        }
        let bind = || {
            let mut set = CpuSet::new();
            cpus.iter().try_for_each(|&cpu| set.set(cpu))?;
            sched_setaffinity(Pid::from_raw(0), &set)
        };
        bind().map_err(|errno| LimitError::Affinity(cpus.to_vec(), Errno(errno)))
    }

    /// Binds the calling thread to all the CPUs of the role, which it is not one of, if the role
    /// does not spread over them.
    pub fn bind_manager(&self, allowed: &[usize]) -> Result<(), LimitError> {
        let cpus = if self.spread { allowed } else { &self.cpus };
        let cpus = cpus.to_vec();
        Placement {
            cpus,
            spread: false,
        }
        .bind(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        // In a thread of its own, but the limits are those of the process: they stay as they are.
        let limits = Limits::current().unwrap();
        limits.apply().unwrap();
        assert_eq!(Limits::current().unwrap(), limits);
        let own = Some(std::process::id().cast_signed());
        limits.apply_resources(own).unwrap();
        limits.apply_priority(own).unwrap();
        let impossible = Limits {
            nofile: Resource { soft: 2, hard: 1 },
            ..limits
        };
        let error = impossible.apply().unwrap_err().to_string();
        let text = "setrlimit(RLIMIT_NOFILE, 2) failed (22: Invalid argument)";
        assert_eq!(error, text);
    }

    #[test]
    fn threads_are_spread_or_share() {
        let allowed = allowed_cpus();
        std::thread::spawn(move || {
            let spread = Placement::new(&allowed, None, true).unwrap();
            for index in [0, 1, allowed.len()] {
                spread.bind(index).unwrap();
                assert_eq!(allowed_cpus(), [allowed[index % allowed.len()]]);
            }
            spread.bind_manager(&allowed).unwrap();
            assert_eq!(allowed_cpus(), allowed);
            let one = &allowed[allowed.len() - 1..];
            let only = Placement::new(&allowed, Some(one), false).unwrap();
            only.bind(5).unwrap();
            assert_eq!(allowed_cpus(), one);
            Placement::new(&allowed, None, false)
                .unwrap()
                .bind(3)
                .unwrap();
            assert_eq!(allowed_cpus(), allowed);
            let error = Placement::new(&[0, 1], Some(&[1, 2]), false).unwrap_err();
            assert_eq!(
                error.to_string(),
                "CPU 2 is not among those that may be used: [0, 1]"
            );
        })
        .join()
        .unwrap();
    }
}
