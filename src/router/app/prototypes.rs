//! The prototypes of an application: the one of the current generation, and those on their way out.
//!
//! A prototype that dies takes its processes with it, and the starts that it was asked for. Requests
//! that no process has taken are refused at once, and the next prototype is started, after a growing
//! pause if they die again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::App;
use crate::base::respawn::{MAX_PAUSE_SERVED, Respawn};
use crate::ipc::{Pid, kind};
use crate::router::hub::{Event, Link, Notice, lock};

/// Requests wait for the end of a pause that is no longer; with a longer one they are refused.
const MAX_WAIT: Duration = MAX_PAUSE_SERVED;

/// Starts of prototypes, one at a time, and how they went.
pub(crate) struct PrototypeStarts {
    /// Held during a start; why the last one failed.
    pub(crate) turn: tokio::sync::Mutex<String>,
    /// How many of them failed: who waited for one that failed does not try again.
    pub(crate) failed: AtomicU32,
    /// How many prototypes died while they were needed.
    deaths: AtomicU32,
}

impl PrototypeStarts {
    pub(super) fn new() -> PrototypeStarts {
        PrototypeStarts {
            turn: tokio::sync::Mutex::default(),
            failed: AtomicU32::new(0),
            deaths: AtomicU32::new(0),
        }
    }
}

/// See the module head.
pub(super) struct Prototypes {
    known: Vec<Prototype>,
    respawn: Respawn,
}

#[derive(Clone)]
pub(super) struct Prototype {
    generation: u32,
    link: Arc<Link>,
    /// Told to quit, or gone. What it says until it is buried is still heard.
    leaving: bool,
}

impl Prototypes {
    pub(super) fn new(app: &str) -> Prototypes {
        Prototypes {
            known: Vec::new(),
            respawn: respawn(app),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The prototype that starts processes of a generation.
    pub(super) fn of(&self, generation: u32) -> Option<&Arc<Link>> {
        let mut known = self.known.iter();
        let found = known.find(|p| p.generation == generation && !p.leaving)?;
        Some(&found.link)
    }

    /// A new generation: what became of the old one's prototypes says nothing about it.
    pub(super) fn forgive(&mut self, app: &str) {
        self.respawn = respawn(app);
    }

    /// Those that have nothing to do any more; they count as leaving from now on.
    pub(super) fn take(&mut self, deserted: impl Fn(u32) -> bool) -> Vec<Prototype> {
        let leavers = self.known.iter_mut();
        leavers
            .filter(|p| !p.leaving && deserted(p.generation))
            .map(|prototype| {
                prototype.leaving = true;
                prototype.clone()
            })
            .collect()
    }
}

fn respawn(app: &str) -> Respawn {
    Respawn::new(format!("the prototype of \"{app}\""))
}

/// Tells prototypes to leave.
pub(super) fn quit(prototypes: Vec<Prototype>) {
    for prototype in prototypes {
        prototype.link.tell(kind::QUIT, 0, &[]);
    }
}

impl App {
    /// The prototype of a generation.
    pub(crate) fn prototype(&self, generation: u32) -> Option<Arc<Link>> {
        lock(&self.inner).prototypes.of(generation).cloned()
    }

    /// Whether a process is one of its prototypes.
    pub(crate) fn has_prototype(&self, pid: Pid) -> bool {
        let inner = lock(&self.inner);
        let mut known = inner.prototypes.known.iter();
        known.any(|p| p.link.port.pid == pid)
    }

    /// Whether a prototype of this generation is worth a start even if no request asks for it.
    pub(crate) fn wants_prototype(&self, generation: u32) -> bool {
        let inner = lock(&self.inner);
        generation == inner.pool.generation() && !inner.pool.is_closed()
    }

    /// How long the next prototype must not be started yet, because the last ones died; the error
    /// is the same for a time that nobody should wait for.
    pub(crate) fn prototype_pause(&self) -> Result<Duration, Duration> {
        let mut inner = lock(&self.inner);
        let respawn = &mut inner.prototypes.respawn;
        let now = Instant::now();
        match respawn.pause_left(now) {
            Duration::ZERO => {
                respawn.take_due(now);
                Ok(Duration::ZERO)
            }
            pause if pause <= MAX_WAIT => Ok(pause),
            pause => Err(pause),
        }
    }

    /// When to look whether the prototype has settled after deaths; looks now.
    pub(crate) fn prototype_settles(&self) -> Option<Instant> {
        let mut inner = lock(&self.inner);
        let respawn = &mut inner.prototypes.respawn;
        respawn.take_due(Instant::now());
        respawn.due()
    }

    /// A prototype could not be started.
    pub(crate) fn prototype_failed(&self) {
        self.prototypes.failed.fetch_add(1, Ordering::Relaxed);
        lock(&self.inner).prototypes.respawn.died();
    }

    /// How many prototypes died while they were needed.
    pub(crate) fn prototype_deaths(&self) -> u32 {
        self.prototypes.deaths.load(Ordering::Relaxed)
    }

    /// A prototype is ready; one that came too late must leave.
    pub(crate) fn prototype_ready(&self, generation: u32, link: Arc<Link>) {
        let mut inner = lock(&self.inner);
        let retired = inner.pool.is_closed() && !inner.pool.is_busy();
        let leaving = retired || generation != inner.pool.generation();
        inner.prototypes.known.push(Prototype {
            generation,
            link: link.clone(),
            leaving,
        });
        if leaving {
            drop(inner);
            link.tell(kind::QUIT, 0, &[]);
        } else {
            inner.prototypes.respawn.serves();
        }
    }

    /// A prototype is gone. It stays known for a moment: messages that it sent before its end may
    /// not have been read yet.
    pub(crate) fn prototype_gone(self: &Arc<Self>, pid: Pid) {
        let mut inner = lock(&self.inner);
        let generation = inner.pool.generation();
        let mut known = inner.prototypes.known.iter_mut();
        let Some(prototype) = known.find(|p| p.link.port.pid == pid) else {
            return;
        };
        let needed = prototype.generation == generation && !prototype.leaving;
        prototype.leaving = true;
        if !needed {
            drop(inner);
            return self.hub.ask(Event::PrototypeGone(self.clone(), pid, None));
        }
        inner.prototypes.respawn.died();
        let failures = inner.count_failure();
        drop(inner);
        self.prototypes.deaths.fetch_add(1, Ordering::Relaxed);
        self.hub
            .tell_workers(&Notice::Refused(self.clone(), failures));
        let successor = Some(generation);
        self.hub
            .ask(Event::PrototypeGone(self.clone(), pid, successor));
    }

    /// All that a dead prototype said has been read.
    pub(crate) fn bury_prototype(&self, pid: Pid) {
        let mut inner = lock(&self.inner);
        let known = &mut inner.prototypes.known;
        known.retain(|p| p.link.port.pid != pid);
    }
}
