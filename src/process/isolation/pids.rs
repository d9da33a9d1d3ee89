//! Process numbers inside and outside of a prototype's pid namespace.
//!
//! The port protocol speaks of processes by their numbers outside. Inside, the kernel names the
//! sender of a message by its number inside; a sender that is outside has the number 0 there, and
//! only main and the router are, so that they are known by what their messages say. A process
//! learns its outer number from main (`WHOAMI`), and its prototype learns it from its
//! `PROCESS_CREATED`; until then it has a provisional number that no process can have.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::ipc::Pid;

/// More than any process number (`PID_MAX_LIMIT`).
const PID_LIMIT: Pid = 1 << 22;

/// How a prototype sees the numbers of its processes.
#[derive(Debug)]
pub(in crate::process) enum PidView {
    /// As everybody else.
    Shared,
    /// From inside of a namespace.
    Isolated {
        /// Inside → outside.
        outer: BTreeMap<Pid, Pid>,
    },
}

impl PidView {
    pub(in crate::process) fn new(isolated: bool) -> PidView {
        if isolated {
            PidView::Isolated {
                outer: BTreeMap::new(),
            }
        } else {
            PidView::Shared
        }
    }

    /// Whether there is a namespace.
    pub(in crate::process) fn is_isolated(&self) -> bool {
        matches!(self, PidView::Isolated { .. })
    }

    /// The number under which the table knows a child.
    pub(in crate::process) fn of_child(&self, inner: Pid) -> Pid {
        match self {
            PidView::Shared => inner,
            PidView::Isolated { outer } => outer.get(&inner).copied().unwrap_or(PID_LIMIT + inner),
        }
    }

    /// Who sent a message: `kernel` is what the kernel says, `claimed` what the message says. The
    /// result is checked against the table: a claim stands only for a process outside.
    pub(in crate::process) fn of_sender(&self, kernel: Pid, claimed: Pid) -> Pid {
        match self {
            PidView::Isolated { .. } if kernel == 0 => claimed,
            _ => self.of_child(kernel),
        }
    }

    /// A child has told its outer number.
    pub(in crate::process) fn learn(&mut self, inner: Pid, outer_pid: Pid) {
        if let PidView::Isolated { outer } = self {
            outer.insert(inner, outer_pid);
        }
    }

    /// A child has died; the number under which the table knows it.
    pub(in crate::process) fn forget(&mut self, inner: Pid) -> Pid {
        let known = self.of_child(inner);
        if let PidView::Isolated { outer } = self {
            outer.remove(&inner);
        }
        known
    }

    /// Whether a number is no process's but stands for one that has not told its own.
    pub(in crate::process) fn is_provisional(pid: Pid) -> bool {
        pid >= PID_LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_namespace_numbers_are_what_they_are() {
        let mut view = PidView::new(false);
        view.learn(5, 9);
        assert_eq!((view.of_child(5), view.of_sender(5, 7)), (5, 5));
        assert_eq!(view.forget(5), 5);
        // Nobody is outside; 0 is not in any table.
        assert_eq!(view.of_sender(0, 7), 0);
    }

    #[test]
    fn inside_a_namespace_children_have_outer_numbers_once_they_told_them() {
        let mut view = PidView::new(true);
        let provisional = view.of_child(2);
        assert!(PidView::is_provisional(provisional));
        view.learn(2, 4321);
        assert_eq!((view.of_child(2), view.of_sender(2, 1)), (4321, 4321));
        // From outside.
        assert_eq!(view.of_sender(0, 77), 77);
        assert_eq!(view.forget(2), 4321);
        assert_eq!(view.of_child(2), provisional);
    }
}
