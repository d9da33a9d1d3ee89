//! How many processes an application has, which of them are idle, and when to start or stop one.
//!
//! Pure bookkeeping behind the application's lock: no I/O, the caller passes the time. The rules
//! are those of Unit 1.35.0: a process is started when more requests are in work than there are
//! contexts, or when fewer than `spare` processes are idle, up to `max`; a process beyond the spare
//! ones leaves after `idle_timeout` without work.
//!
//! Unlike the original, a process that was told to leave stays known until it is gone, so that a
//! request which it took from the shared queue at the last moment is still answered.

use std::time::{Duration, Instant};

use crate::conf::config::Application;
use crate::ipc::{Id, Pid};

/// `processes` of an application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max: u32,
    pub(super) spare: u32,
    pub(super) idle_timeout: Duration,
}

impl From<&Application> for Limits {
    fn from(conf: &Application) -> Limits {
        Limits {
            max: conf.max_processes.max(1),
            spare: conf.spare_processes,
            idle_timeout: conf.idle_timeout,
        }
    }
}

/// Why a process has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Idle {
    /// One of the `spare` processes: stays.
    Spare,
    /// Beyond them, since this time.
    Since(Instant),
}

/// A ready process. `P` is what the caller needs to talk to one of its ports.
#[derive(Debug)]
struct Member<P> {
    pid: Pid,
    generation: u32,
    /// One port for each context (thread) of the process; the first has id 0.
    ports: Vec<(Id, P)>,
    active: u32,
    websockets: u32,
    idle: Option<Idle>,
    /// It has taken a request.
    served: bool,
    /// Told to leave: no longer counted.
    leaving: bool,
    /// Gone; what it said before may still be on its way.
    dead: bool,
}

/// The processes of one application.
#[derive(Debug)]
pub(super) struct Pool<P> {
    limits: Limits,
    members: Vec<Member<P>>,
    generation: u32,
    active_requests: u32,
    /// Being started, of the current generation.
    pending: u32,
    processes: u32,
    idle: u32,
    contexts: u32,
    /// Set when the application is no longer configured: only what waits is served.
    closed: bool,
}

/// Numbers for `/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready processes.
    pub running: u32,
    /// Processes being started.
    pub starting: u32,
    /// Processes without work.
    pub idle: u32,
    /// Requests queued or in work.
    pub active: u32,
}

/// Who took a request.
#[derive(Debug)]
pub(super) struct Taken<P> {
    pub(super) port: P,
    /// Another process must be started.
    pub(super) start: bool,
}

/// What to do about the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restart {
    No,
    Now,
    /// It ended without having done anything.
    Later,
}

/// A process with a port that takes a quit message.
pub(super) type Leaver<P> = (Pid, P);

impl<P: Clone> Pool<P> {
    pub(super) fn new(limits: Limits) -> Pool<P> {
        Pool {
            limits,
            members: Vec::new(),
            generation: 0,
            active_requests: 0,
            pending: 0,
            processes: 0,
            idle: 0,
            contexts: 0,
            closed: false,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            running: self.processes,
            starting: self.pending,
            idle: self.idle,
            active: self.active_requests,
        }
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Nothing runs, nothing is being started.
    pub(super) fn is_deserted(&self) -> bool {
        self.processes == 0 && self.pending == 0
    }

    /// No process is known, not even one that leaves.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.pending == 0
    }

    fn want_start(&mut self) -> bool {
        let max_pending = self.limits.spare.max(1);
        let can = self.processes + self.pending < self.limits.max && self.pending < max_pending;
        let need = self.active_requests > self.contexts + self.pending
            || (!self.closed && self.limits.spare > self.idle + self.pending);
        if can && need {
            self.pending += 1;
        }
        can && need
    }

    fn member(&mut self, pid: Pid) -> Option<&mut Member<P>> {
        self.members.iter_mut().find(|m| m.pid == pid)
    }

    /// A request is about to be queued; whether a process must be started for it.
    pub(super) fn request_queued(&mut self) -> bool {
        self.active_requests += 1;
        self.want_start()
    }

    /// A request ended that no process had taken.
    pub(super) fn request_dropped(&mut self) {
        self.active_requests = self.active_requests.saturating_sub(1);
    }

    /// A process says that it took a request.
    pub(super) fn request_taken(&mut self, pid: Pid, port: Id) -> Option<Taken<P>> {
        let member = self.member(pid)?;
        let port = member.ports.iter().find(|(id, _)| *id == port)?.1.clone();
        member.active += 1;
        member.served = true;
        let start = match member.idle.take() {
            Some(idle) => {
                self.idle -= 1;
                self.refill_spare(idle);
                self.want_start()
            }
            None => false,
        };
        Some(Taken { port, start })
    }

    /// A taken request became a WebSocket connection: it no longer counts as a request, but keeps
    /// its process from being idle.
    pub(super) fn request_upgraded(&mut self, pid: Pid) {
        self.active_requests = self.active_requests.saturating_sub(1);
        if let Some(member) = self.member(pid) {
            member.active = member.active.saturating_sub(1);
            member.websockets += 1;
        }
    }

    /// A taken request is over. Whether the idle timer must be looked at.
    pub(super) fn request_done(&mut self, pid: Pid, upgraded: bool, now: Instant) -> bool {
        if !upgraded {
            self.active_requests = self.active_requests.saturating_sub(1);
        }
        let Some(member) = self.member(pid) else {
            return false;
        };
        let count = if upgraded {
            &mut member.websockets
        } else {
            &mut member.active
        };
        *count = count.saturating_sub(1);
        if member.active > 0 || member.websockets > 0 || member.leaving || member.idle.is_some() {
            return false;
        }
        self.becomes_idle(pid, now)
    }

    fn becomes_idle(&mut self, pid: Pid, now: Instant) -> bool {
        let spare = self.idle < self.limits.spare;
        if let Some(member) = self.member(pid) {
            member.idle = Some(if spare { Idle::Spare } else { Idle::Since(now) });
            self.idle += 1;
        }
        !spare
    }

    /// A place among the spare processes became free: the one that went idle last takes it.
    fn refill_spare(&mut self, gone: Idle) {
        if gone != Idle::Spare || self.idle < self.limits.spare {
            return;
        }
        let last = self
            .members
            .iter_mut()
            .filter_map(|m| match m.idle {
                Some(Idle::Since(at)) => Some((at, m)),
                _ => None,
            })
            .max_by_key(|(at, _)| *at);
        if let Some((_, member)) = last {
            member.idle = Some(Idle::Spare);
        }
    }

    /// A process that was being started is ready. `None`: it is of an old generation or of a
    /// removed application and must leave; it stays known.
    pub(super) fn process_ready(
        &mut self,
        pid: Pid,
        generation: u32,
        port: P,
        now: Instant,
    ) -> Option<bool> {
        let current = generation == self.generation && (!self.closed || self.is_busy());
        if generation == self.generation {
            self.pending = self.pending.saturating_sub(1);
        }
        self.bury(pid);
        self.members.push(Member {
            pid,
            generation,
            ports: vec![(0, port)],
            active: 0,
            websockets: 0,
            idle: None,
            served: false,
            leaving: !current,
            dead: false,
        });
        if !current {
            return None;
        }
        self.processes += 1;
        self.contexts += 1;
        Some(self.becomes_idle(pid, now))
    }

    /// A further context of a process.
    pub(super) fn port_added(&mut self, pid: Pid, id: Id, port: P) -> bool {
        let Some(member) = self.member(pid) else {
            return false;
        };
        let counts = !member.leaving;
        match member.ports.iter_mut().find(|(known, _)| *known == id) {
            Some(place) => place.1 = port,
            None => {
                member.ports.push((id, port));
                self.contexts += counts as u32;
            }
        }
        true
    }

    /// A port of a process, to answer a message from it.
    pub(super) fn port(&self, pid: Pid, id: Id) -> Option<P> {
        let member = self.members.iter().find(|m| m.pid == pid)?;
        Some(
            member
                .ports
                .iter()
                .find(|(known, _)| *known == id)?
                .1
                .clone(),
        )
    }

    /// How many ports a process has.
    pub(super) fn ports_count(&self, pid: Pid) -> usize {
        let member = self.members.iter().find(|m| m.pid == pid);
        member.map_or(0, |m| m.ports.len())
    }

    /// All ports of a process.
    pub(super) fn ports(&self, pid: Pid) -> Vec<P> {
        let member = self.members.iter().find(|m| m.pid == pid);
        member.map_or(Vec::new(), |m| {
            m.ports.iter().map(|(_, p)| p.clone()).collect()
        })
    }

    /// A process could not be started. Whether nobody is left to serve what waits.
    pub(super) fn start_failed(&mut self, generation: u32) -> bool {
        if generation == self.generation {
            self.pending = self.pending.saturating_sub(1);
        }
        self.is_deserted()
    }

    /// A process is gone; whether another must be started. It stays known until
    /// [`bury`](Self::bury): messages that it sent before its end may not have been read yet.
    pub(super) fn process_gone(&mut self, pid: Pid) -> Restart {
        let Some(at) = self.members.iter().position(|m| m.pid == pid) else {
            return Restart::No;
        };
        // The next one would probably do the same, so there must be a pause between them.
        let useless = !self.members[at].served && !self.members[at].leaving;
        if !self.members[at].leaving {
            let idle = self.members[at].idle;
            self.leave(at);
            if let Some(idle) = idle {
                self.refill_spare(idle);
            }
        }
        self.members[at].dead = true;
        match self.want_start() {
            true if useless => Restart::Later,
            true => Restart::Now,
            false => Restart::No,
        }
    }

    /// All that a dead process said has been read.
    pub(super) fn bury(&mut self, pid: Pid) {
        self.members.retain(|m| !(m.pid == pid && m.dead));
    }

    fn leave(&mut self, at: usize) -> Leaver<P> {
        self.processes -= 1;
        let member = &mut self.members[at];
        member.leaving = true;
        self.contexts -= member.ports.len() as u32;
        if member.idle.take().is_some() {
            self.idle -= 1;
        }
        (member.pid, member.ports[0].1.clone())
    }

    /// Takes the processes out that were idle for too long; and when to look again.
    pub(super) fn expire(&mut self, now: Instant) -> (Vec<Leaver<P>>, Option<Instant>) {
        let mut leavers = Vec::new();
        while self.idle > self.limits.spare {
            let oldest = self
                .members
                .iter()
                .enumerate()
                .filter_map(|(i, m)| match m.idle {
                    Some(Idle::Since(at)) => Some((at, i)),
                    _ => None,
                })
                .min();
            let Some((since, at)) = oldest else { break };
            let deadline = since + self.limits.idle_timeout;
            if deadline > now {
                return (leavers, Some(deadline));
            }
            leavers.push(self.leave(at));
        }
        (leavers, None)
    }

    /// Begins a new generation: all processes leave when they have answered what they took.
    pub(super) fn renew(&mut self) -> Vec<Leaver<P>> {
        self.generation += 1;
        self.pending = 0;
        let staying: Vec<usize> = (0..self.members.len())
            .filter(|&i| !self.members[i].leaving)
            .collect();
        staying.into_iter().map(|at| self.leave(at)).collect()
    }

    /// The application is no longer configured; what waits is still served.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Requests are still queued or in work.
    pub(super) fn is_busy(&self) -> bool {
        self.active_requests > 0 || self.members.iter().any(|m| m.websockets > 0)
    }

    /// Whether no process of this generation is left.
    pub(super) fn generation_gone(&self, generation: u32) -> bool {
        self.members.iter().all(|m| m.generation != generation)
    }

    /// A process must be started although nothing asks for it now (a new generation with work
    /// waiting, or spare processes to refill).
    pub(super) fn refill(&mut self) -> bool {
        self.want_start()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(max: u32, spare: u32) -> Pool<&'static str> {
        Pool::new(Limits {
            max,
            spare,
            idle_timeout: Duration::from_secs(10),
        })
    }

    #[test]
    fn processes_start_on_demand_up_to_the_limit() {
        let now = Instant::now();
        let mut p = pool(2, 0);
        assert!(p.request_queued());
        assert!(
            !p.request_queued(),
            "one start at a time without spare processes"
        );
        assert_eq!(p.process_ready(10, 0, "a", now), Some(true));
        let taken = p.request_taken(10, 0).unwrap();
        assert!(taken.start, "two requests, one context");
        p.process_ready(11, 0, "b", now);
        p.request_taken(11, 0).unwrap();
        assert!(!p.request_queued(), "two processes are the limit");
        assert_eq!(
            p.counts(),
            Counts {
                running: 2,
                starting: 0,
                idle: 0,
                active: 3
            }
        );
    }

    #[test]
    fn idle_processes_leave_and_spare_ones_stay() {
        let now = Instant::now();
        let mut p = pool(3, 1);
        for pid in 1..=3 {
            p.pending += 1;
            p.process_ready(pid, 0, "x", now + Duration::from_secs(pid as u64));
        }
        assert_eq!(p.counts().idle, 3);
        let (leavers, next) = p.expire(now + Duration::from_secs(12));
        assert_eq!(leavers, [(2, "x")]);
        assert_eq!(next, Some(now + Duration::from_secs(13)));
        let (leavers, next) = p.expire(now + Duration::from_secs(20));
        assert_eq!((leavers.len(), next), (1, None));
        assert_eq!(
            p.counts(),
            Counts {
                running: 1,
                starting: 0,
                idle: 1,
                active: 0
            }
        );
        // A request that one of the leavers took at the last moment is still its own.
        p.request_queued();
        assert!(p.request_taken(2, 0).is_some());
        p.request_done(2, false, now);
        assert_eq!(p.counts().active, 0);
        assert_eq!(p.process_gone(2), Restart::No);
        assert!(p.request_taken(2, 0).is_some(), "it said so before its end");
        p.bury(2);
        assert!(p.request_taken(2, 0).is_none());
    }

    #[test]
    fn the_last_idle_process_takes_a_free_spare_place() {
        let now = Instant::now();
        let mut p = pool(2, 1);
        p.pending = 2;
        assert_eq!(p.process_ready(1, 0, "a", now), Some(false));
        assert_eq!(p.process_ready(2, 0, "b", now), Some(true));
        p.request_queued();
        assert!(!p.request_taken(1, 0).unwrap().start);
        assert_eq!(p.expire(now + Duration::from_secs(60)), (vec![], None));
        assert!(
            p.request_done(1, false, now + Duration::from_secs(60)),
            "beyond the spare ones"
        );
        assert_eq!(p.expire(now + Duration::from_secs(70)).0, [(1, "a")]);
    }

    #[test]
    fn a_dead_process_is_replaced_if_it_is_wanted() {
        let now = Instant::now();
        let mut p = pool(1, 0);
        p.request_queued();
        p.process_ready(1, 0, "a", now);
        p.request_taken(1, 0);
        p.request_queued();
        assert_eq!(p.process_gone(1), Restart::Now);
        p.request_done(1, false, now);
        assert_eq!(
            p.counts(),
            Counts {
                running: 0,
                starting: 1,
                idle: 0,
                active: 1
            }
        );
        assert!(p.start_failed(0));
    }

    #[test]
    fn a_process_that_ends_at_once_is_replaced_after_a_pause() {
        let mut p = pool(1, 1);
        assert!(p.refill());
        p.process_ready(1, 0, "a", Instant::now());
        assert_eq!(p.process_gone(1), Restart::Later);
        assert_eq!(p.counts().starting, 1);
    }

    #[test]
    fn a_new_generation_replaces_the_old_one() {
        let now = Instant::now();
        let mut p = pool(2, 1);
        assert!(p.refill());
        p.process_ready(1, 0, "a", now);
        p.port_added(1, 7, "thread");
        p.request_queued();
        assert!(p.request_taken(1, 7).unwrap().start);
        assert_eq!(p.renew(), [(1, "a")]);
        assert_eq!(
            p.counts(),
            Counts {
                running: 0,
                starting: 0,
                idle: 0,
                active: 1
            }
        );
        assert_eq!(
            p.process_ready(2, 0, "late", now),
            None,
            "it was started for the old one"
        );
        assert!(p.refill());
        assert!(!p.generation_gone(0));
        for pid in [1, 2] {
            p.process_gone(pid);
            p.bury(pid);
        }
        assert!(p.generation_gone(0));
    }

    #[test]
    fn websockets_keep_a_process_busy_without_counting_as_requests() {
        let now = Instant::now();
        let mut p = pool(1, 0);
        p.request_queued();
        p.process_ready(1, 0, "a", now);
        p.request_taken(1, 0);
        p.request_upgraded(1);
        assert_eq!(
            p.counts(),
            Counts {
                running: 1,
                starting: 0,
                idle: 0,
                active: 0
            }
        );
        assert!(p.is_busy());
        assert!(p.request_done(1, true, now));
        assert!(!p.is_busy());
        assert_eq!(p.counts().idle, 1);
    }
}
