//! How many processes an application has, which of them are idle, and when to start or stop one.
//!
//! Pure bookkeeping behind the application's lock: no I/O, the caller passes the time. The rules
//! are those of Unit 1.35.0: a process is started when more requests are in work than there are
//! contexts, or when fewer than `spare` processes are idle, up to `max`; a process beyond the spare
//! ones leaves after `idle_timeout` without work.
//!
//! Unlike the original:
//! - All processes that are missing are started at once, not one after the other.
//! - A process that was told to leave stays known until it is gone, so that a request which it took
//!   from the shared queue at the last moment is still answered.
//! - A process that takes its last request (`limits.requests`) counts as leaving from then on, and
//!   its successor is started a little before; for this time there may be more than `max`.

use std::time::{Duration, Instant};

use crate::conf::config::Application;
use crate::ipc::{Id, Pid};

/// `processes` of an application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max: u32,
    pub(super) spare: u32,
    pub(super) idle_timeout: Duration,
    /// `limits.requests`; zero = off.
    pub(super) requests: u32,
}

/// More processes of one application are not started at the same time.
const MAX_PENDING: u32 = 64;

/// When to look for idle processes again, if there were some but also requests to be taken.
const EXPIRE_AGAIN: Duration = Duration::from_millis(100);

impl From<&Application> for Limits {
    fn from(conf: &Application) -> Limits {
        Limits {
            max: conf.max_processes.max(1),
            spare: conf.spare_processes,
            idle_timeout: conf.idle_timeout,
            requests: conf.requests,
        }
    }
}

impl Limits {
    /// After how many requests a process gets a successor, so that this one is ready when the
    /// process leaves. Of a small limit nothing can be spared.
    fn succession(self) -> u32 {
        self.requests - self.requests / 16
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
    /// How many of both have a client that seems to be gone.
    abandoned: u32,
    idle: Option<Idle>,
    /// How many requests it has taken.
    taken: u32,
    /// Told to leave, or about to by itself: no longer counted.
    leaving: bool,
    /// Gone; what it said before may still be on its way.
    dead: bool,
}

impl<P> Member<P> {
    /// Somebody waits for what it does.
    fn is_awaited(&self) -> bool {
        self.active + self.websockets > self.abandoned
    }

    /// Told to leave, and nobody waits for what it still does: its generation.
    fn freed(&self) -> Option<u32> {
        (self.leaving && !self.dead && !self.is_awaited()).then_some(self.generation)
    }
}

/// The processes of one application.
#[derive(Debug)]
pub(super) struct Pool<P> {
    limits: Limits,
    members: Vec<Member<P>>,
    generation: u32,
    active_requests: u32,
    /// How many requests that no process has taken have a client that seems to be gone.
    abandoned: u32,
    /// Being started, of the current generation.
    pending: u32,
    processes: u32,
    idle: u32,
    contexts: u32,
    /// Set when the application is no longer configured: only what waits is served.
    closed: bool,
    /// A process took a request since [`take_served`](Pool::take_served).
    served: bool,
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

/// What follows from the end of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// The idle timer must be looked at.
    pub(super) idle: bool,
    /// A leaving process, of this generation, has nothing left to do for anybody.
    pub(super) freed: Option<u32>,
}

/// What to do about the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restart {
    No,
    Now,
    /// It ended without having done anything. `alone`: nobody else is there to serve what waits.
    Later {
        alone: bool,
    },
}

/// A process that leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaver<P> {
    pub(super) pid: Pid,
    pub(super) generation: u32,
    /// The port that takes a quit message.
    pub(super) port: P,
    /// It works on something that somebody waits for.
    pub(super) awaited: bool,
}

impl<P: Clone> Pool<P> {
    pub(super) fn new(limits: Limits) -> Pool<P> {
        Pool {
            limits,
            members: Vec::new(),
            generation: 0,
            active_requests: 0,
            abandoned: 0,
            pending: 0,
            processes: 0,
            idle: 0,
            contexts: 0,
            closed: false,
            served: false,
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
        let can = self.processes + self.pending < self.limits.max && self.pending < MAX_PENDING;
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

    /// A request ended that no process had taken; `abandoned` as for
    /// [`request_done`](Self::request_done).
    pub(super) fn request_dropped(&mut self, abandoned: bool) {
        self.active_requests = self.active_requests.saturating_sub(1);
        self.abandoned = self.abandoned.saturating_sub(abandoned as u32);
    }

    /// The client of a request that no process has taken seems to be gone.
    pub(super) fn waiting_request_abandoned(&mut self) {
        self.abandoned += 1;
    }

    /// Requests that no process has taken.
    pub(super) fn waiting(&self) -> u32 {
        let taken: u32 = self.members.iter().map(|m| m.active).sum();
        self.active_requests.saturating_sub(taken)
    }

    /// A process says that it took a request; `abandoned` says that
    /// [`waiting_request_abandoned`](Self::waiting_request_abandoned) was called for it. `None`: the
    /// process is not known.
    pub(super) fn request_taken(
        &mut self,
        pid: Pid,
        port: Id,
        abandoned: bool,
    ) -> Option<Taken<P>> {
        let at = self.members.iter().position(|m| m.pid == pid)?;
        let member = &mut self.members[at];
        let port = member.ports.iter().find(|(id, _)| *id == port)?.1.clone();
        member.active += 1;
        if abandoned {
            member.abandoned += 1;
            self.abandoned = self.abandoned.saturating_sub(1);
        }
        member.taken = member.taken.saturating_add(1);
        self.served = true;
        let (taken, leaving) = (member.taken, member.leaving);
        let was_idle = member.idle.take();
        if let Some(idle) = was_idle {
            self.idle -= 1;
            self.refill_spare(idle);
        }
        if leaving || self.limits.requests == 0 {
            let start = was_idle.is_some() && self.want_start();
            return Some(Taken { port, start });
        }
        let last = taken >= self.limits.requests;
        if last {
            self.leave(at);
        }
        let start = if taken == self.limits.succession() && !last {
            !self.closed && self.start_successor()
        } else {
            (last || was_idle.is_some()) && self.want_start()
        };
        Some(Taken { port, start })
    }

    /// Starts the successor of a process that will leave soon, whatever `max` says.
    fn start_successor(&mut self) -> bool {
        let can = self.pending < MAX_PENDING;
        self.pending += can as u32;
        can
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

    /// The client of a taken request seems to be gone; the process may finish what it does, but
    /// nobody waits for it. See [`Done::freed`].
    pub(super) fn request_abandoned(&mut self, pid: Pid) -> Option<u32> {
        let member = self.member(pid)?;
        member.abandoned += 1;
        member.freed()
    }

    /// A taken request is over; `abandoned` says that
    /// [`request_abandoned`](Self::request_abandoned) was called for it, or
    /// [`waiting_request_abandoned`](Self::waiting_request_abandoned) before.
    pub(super) fn request_done(
        &mut self,
        pid: Pid,
        upgraded: bool,
        abandoned: bool,
        now: Instant,
    ) -> Done {
        if !upgraded {
            self.active_requests = self.active_requests.saturating_sub(1);
        }
        let Some(member) = self.member(pid) else {
            return Done::default();
        };
        let count = if upgraded {
            &mut member.websockets
        } else {
            &mut member.active
        };
        *count = count.saturating_sub(1);
        member.abandoned = member.abandoned.saturating_sub(abandoned as u32);
        let freed = member.freed();
        let works = member.active > 0 || member.websockets > 0;
        if works || member.leaving || member.idle.is_some() {
            return Done { idle: false, freed };
        }
        let idle = self.becomes_idle(pid, now);
        Done { idle, freed: None }
    }

    /// A process is taken for hung: it must leave, and no longer counts. `None` if it is gone.
    pub(super) fn hangs(&mut self, pid: Pid) -> Option<(Leaver<P>, bool)> {
        let at = self.members.iter().position(|m| m.pid == pid && !m.dead)?;
        if self.members[at].leaving {
            return Some((self.leaver(at), false));
        }
        let idle = self.members[at].idle;
        let leaver = self.leave(at);
        if let Some(idle) = idle {
            self.refill_spare(idle);
        }
        Some((leaver, self.want_start()))
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
            abandoned: 0,
            idle: None,
            taken: 0,
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
        if generation != self.generation {
            // The new one counts and starts its own.
            return false;
        }
        self.pending = self.pending.saturating_sub(1);
        self.is_deserted()
    }

    /// A process is gone; whether another must be started. It stays known until
    /// [`bury`](Self::bury): messages that it sent before its end may not have been read yet.
    pub(super) fn process_gone(&mut self, pid: Pid) -> Restart {
        let Some(at) = self.members.iter().position(|m| m.pid == pid) else {
            return Restart::No;
        };
        // The next one would probably do the same, so there must be a pause between them.
        let useless = self.members[at].taken == 0 && !self.members[at].leaving;
        if !self.members[at].leaving {
            let idle = self.members[at].idle;
            self.leave(at);
            if let Some(idle) = idle {
                self.refill_spare(idle);
            }
        }
        self.members[at].dead = true;
        let alone = self.is_deserted();
        match self.want_start() {
            true if useless => Restart::Later { alone },
            true => Restart::Now,
            false => Restart::No,
        }
    }

    /// All that a dead process said has been read.
    pub(super) fn bury(&mut self, pid: Pid) {
        self.members.retain(|m| !(m.pid == pid && m.dead));
    }

    /// Whether a process took a request since the last call.
    pub(super) fn take_served(&mut self) -> bool {
        std::mem::take(&mut self.served)
    }

    fn leave(&mut self, at: usize) -> Leaver<P> {
        self.processes -= 1;
        let member = &mut self.members[at];
        member.leaving = true;
        self.contexts -= member.ports.len() as u32;
        if member.idle.take().is_some() {
            self.idle -= 1;
        }
        self.leaver(at)
    }

    fn leaver(&self, at: usize) -> Leaver<P> {
        let member = &self.members[at];
        Leaver {
            pid: member.pid,
            generation: member.generation,
            port: member.ports[0].1.clone(),
            awaited: member.is_awaited(),
        }
    }

    /// Takes the processes out that were idle for too long; and when to look again.
    pub(super) fn expire(&mut self, now: Instant) -> (Vec<Leaver<P>>, Option<Instant>) {
        let mut leavers = Vec::new();
        if self.waiting() > 0 && self.idle > self.limits.spare {
            // An idle process is about to take what waits in the queue.
            return (leavers, Some(now + EXPIRE_AGAIN));
        }
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

    /// Somebody waits for a request that is queued or in work.
    pub(super) fn is_busy(&self) -> bool {
        self.waiting() > self.abandoned || self.members.iter().any(Member::is_awaited)
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
#[path = "pool_tests.rs"]
mod tests;
