//! Limits of an application's processes: `rlimit_nofile`, `rlimit_core`, `priority` and
//! `cpu_affinity` of its `limits`.
//!
//! The prototype takes them while it has main's privileges, and its processes inherit them. Each
//! process binds itself to its CPU, if each shall have one of its own.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::conf::limits::ProcessLimits;
use crate::ipc::Pid;
use crate::sys::Errno;
use crate::sys::limits::{Limits, Placement, allowed_cpus};

/// Which process has which place on the CPUs.
#[derive(Debug, Default)]
pub(super) struct Places {
    placement: Placement,
    taken: BTreeMap<Pid, usize>,
}

/// Gives this process, a prototype, the limits of its application.
pub(super) fn enter(limits: &ProcessLimits) -> Result<Places, String> {
    if *limits == ProcessLimits::default() {
        return Ok(Places::default());
    }
    let own =
        Limits::current().map_err(|error| format!("getrlimit() failed {}", Errno::from(&error)))?;
    let allowed = allowed_cpus();
    let placement = Placement::new(&allowed, limits.cpus(), limits.spread());
    let placement = placement.map_err(|error| error.to_string())?;
    own.strictly(limits.nofile, limits.core, limits.priority)
        .apply()
        .and_then(|()| placement.bind_manager(&allowed))
        .map_err(|error| error.to_string())?;
    Ok(Places {
        placement,
        taken: BTreeMap::new(),
    })
}

impl Places {
    /// The first place that no process has.
    pub(super) fn free(&self) -> usize {
        let taken = |place: &usize| self.taken.values().any(|other| other == place);
        (0..).find(|place| !taken(place)).unwrap_or(0)
    }

    /// A process has been forked for this place.
    pub(super) fn take(&mut self, process: Pid, place: usize) {
        self.taken.insert(process, place);
    }

    /// A process is gone.
    pub(super) fn release(&mut self, process: Pid) {
        self.taken.remove(&process);
    }

    /// Binds this process, which was forked for the place.
    pub(super) fn bind(&self, place: usize) -> Result<(), String> {
        self.placement
            .bind(place)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_dead_process_is_taken_again() {
        let mut places = enter(&ProcessLimits::default()).unwrap();
        for (process, place) in [(10, 0), (11, 1), (12, 2)] {
            assert_eq!(places.free(), place);
            places.take(process, place);
        }
        places.release(11);
        assert_eq!(places.free(), 1);
        places.bind(7).unwrap();
    }
}
