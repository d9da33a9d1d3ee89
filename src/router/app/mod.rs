//! Applications: their processes, and the exchange of one request with them.
//!
//! A request goes into the application's shared queue, and the process that takes it says so
//! (`REQ_HEADERS_ACK`) and answers to the port of the router thread that sent it. The bookkeeping
//! of processes is behind one lock for each application ([`pool`]); nothing waits while holding it.

mod app_port;
pub mod chunk;
pub mod exchange;
mod pool;
mod prototypes;
mod response;
mod serialize;
mod shared_port;
mod slot;
#[cfg(test)]
pub(crate) mod tests;
pub mod worker_port;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::base::log::Level;
use crate::base::log_limit::LogLimit;
use crate::base::respawn::Respawn;
use crate::conf::config::Application;
use crate::ipc::message::QUIT_GRACEFUL;
use crate::ipc::segment::{CHUNK_SIZE, DATA_SIZE};
use crate::ipc::{Id, Leaving, OutgoingSegments, Pid, kind};
use crate::router::hub::{AppId, Event, Hub, Link, Notice, lock};

pub use pool::Counts;
use pool::{Leaver, Limits, Pool, Restart};
pub(crate) use prototypes::PrototypeStarts;
use prototypes::Prototypes;
use serialize::NameStyle;
pub(crate) use shared_port::SharedPort;

/// Segments of 10 MiB that hold the requests of one application.
const MAX_OUTGOING_SEGMENTS: usize = 64;

/// The most segments that a process may send, whatever its `limits.shm`.
const MAX_INCOMING: u64 = 4096;

/// Between two replacements of processes that broke their queue.
const REPAIR_PAUSE: Duration = Duration::from_secs(5);

/// Ports that a process may have beyond those of the `threads` in its configuration: an external
/// program starts as many threads as it likes.
const EXTRA_PORTS: usize = 64;

/// How long a process that was told to leave may take, once nobody waits for what it does, unless
/// `limits.kill_timeout` says otherwise.
const LEAVE: Duration = Duration::from_secs(30);

/// One configured application.
pub struct App {
    /// Its name.
    pub name: String,
    /// What it is called inside of the router.
    pub(crate) id: AppId,
    /// Its object in the configuration, compact.
    pub json: String,
    /// Names of its targets in order.
    pub targets: Vec<String>,
    style: NameStyle,
    /// Its processes are told of clients that leave: what libunit makes of it is safe only where
    /// the request is not in use by another thread meanwhile, which is known of the Python module.
    hears_of_leaving: bool,
    /// `limits.timeout`
    timeout: Option<Duration>,
    /// `limits.kill_timeout`
    kill_timeout: Option<Duration>,
    /// Chunks of shared memory that its processes may have in flight.
    max_chunks: usize,
    /// Segments of shared memory that each of its processes may send.
    pub(crate) max_incoming: usize,
    /// Ports that each of its processes may have, one for each thread.
    max_ports: usize,
    /// For what its processes bring about by breaking the protocol.
    pub(crate) complaints: LogLimit,
    /// When its processes were replaced for having broken their queue.
    repaired: Mutex<Option<Instant>>,
    hub: Arc<Hub>,
    outgoing: Arc<OutgoingSegments>,
    inner: Mutex<Inner>,
    /// The idle timer runs or was asked for.
    idle_timer: AtomicBool,
    pub(crate) prototypes: PrototypeStarts,
}

struct Inner {
    pool: Pool<Arc<Link>>,
    shared: Arc<SharedPort>,
    prototypes: Prototypes,
    /// When processes are started that end without having served anything.
    respawn: Respawn,
    /// How often all hope for a process was lost.
    failures: u32,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn new(conf: &Application, hub: &Arc<Hub>) -> std::io::Result<Arc<App>> {
        let outgoing = OutgoingSegments::new(hub.pid, 0, MAX_OUTGOING_SEGMENTS);
        Ok(Arc::new(App {
            name: conf.name.clone(),
            id: hub.name_app(),
            json: conf.json.clone(),
            targets: conf.targets.clone(),
            style: NameStyle::of(&conf.kind),
            hears_of_leaving: conf.kind.starts_with("python"),
            timeout: (!conf.timeout.is_zero()).then_some(conf.timeout),
            kill_timeout: conf.kill_timeout,
            max_chunks: (conf.shm / CHUNK_SIZE as u64) as usize
                + 2 * crate::ipc::segment::CHUNK_COUNT,
            // libunit rounds up likewise.
            max_incoming: conf.shm.div_ceil(DATA_SIZE as u64).clamp(1, MAX_INCOMING) as usize,
            max_ports: EXTRA_PORTS + conf.threads as usize,
            complaints: LogLimit::new(),
            repaired: Mutex::new(None),
            hub: hub.clone(),
            outgoing: Arc::new(outgoing),
            inner: Mutex::new(Inner {
                pool: Pool::new(Limits::from(conf)),
                shared: Arc::new(SharedPort::create()?),
                prototypes: Prototypes::new(&conf.name),
                respawn: respawn_of_processes(&conf.name),
                failures: 0,
            }),
            idle_timer: AtomicBool::new(false),
            prototypes: PrototypeStarts::new(),
        }))
    }

    /// For `/status`.
    pub fn counts(&self) -> Counts {
        lock(&self.inner).pool.counts()
    }

    // What requests do, from any thread.

    /// Counts a request that is about to be queued; where to, and the count of failures before it.
    fn request_queued(self: &Arc<Self>) -> (Arc<SharedPort>, u32) {
        let mut inner = lock(&self.inner);
        let start = inner.pool.request_queued();
        let (shared, failures) = (inner.shared.clone(), inner.failures);
        let generation = inner.pool.generation();
        drop(inner);
        self.start_if(start, generation);
        (shared, failures)
    }

    /// Where requests go now.
    fn current_queue(&self) -> Arc<SharedPort> {
        lock(&self.inner).shared.clone()
    }

    fn request_dropped(self: &Arc<Self>, abandoned: bool) {
        let mut inner = lock(&self.inner);
        inner.pool.request_dropped(abandoned);
        let drained = inner.pool.is_closed() && !inner.pool.is_busy();
        drop(inner);
        self.drained_if(drained);
    }

    /// A process took a request: the port that talks to it.
    fn request_taken(self: &Arc<Self>, pid: Pid, port: Id, abandoned: bool) -> Option<Arc<Link>> {
        let mut inner = lock(&self.inner);
        let taken = inner.pool.request_taken(pid, port, abandoned)?;
        let generation = inner.pool.generation();
        drop(inner);
        self.start_if(taken.start, generation);
        Some(taken.port)
    }

    fn request_upgraded(&self, pid: Pid) {
        lock(&self.inner).pool.request_upgraded(pid);
    }

    fn request_done(self: &Arc<Self>, pid: Pid, upgraded: bool, abandoned: bool) {
        let mut inner = lock(&self.inner);
        let pool = &mut inner.pool;
        let done = pool.request_done(pid, upgraded, abandoned, Instant::now());
        let drained = inner.pool.is_closed() && !inner.pool.is_busy();
        drop(inner);
        self.freed_if(done.freed, pid);
        self.idle_if(done.idle);
        self.drained_if(drained);
    }

    /// The client of a request seems to be gone; `pid` has the request, if a process took it.
    fn request_abandoned(self: &Arc<Self>, pid: Option<Pid>) {
        let mut inner = lock(&self.inner);
        let freed = match pid {
            Some(pid) => inner.pool.request_abandoned(pid).zip(Some(pid)),
            None => {
                inner.pool.waiting_request_abandoned();
                None
            }
        };
        let drained = inner.pool.is_closed() && !inner.pool.is_busy();
        drop(inner);
        if let Some((generation, pid)) = freed {
            self.freed_if(Some(generation), pid);
        }
        self.drained_if(drained);
    }

    fn freed_if(&self, freed: Option<u32>, pid: Pid) {
        if let Some(generation) = freed {
            self.must_leave(generation, pid, self.kill_timeout.unwrap_or(LEAVE));
        }
    }

    /// A request that a process took timed out. With `limits.kill_timeout` the process is replaced:
    /// it may finish what else it has, but not for long.
    fn process_hangs(self: &Arc<Self>, pid: Pid) {
        let Some(time) = self.kill_timeout else {
            return;
        };
        let mut inner = lock(&self.inner);
        let Some((leaver, start)) = inner.pool.hangs(pid) else {
            return;
        };
        // The thread that reads the first port may be the one that hangs.
        let (ports, generation) = (inner.pool.ports(pid), inner.pool.generation());
        drop(inner);
        for port in ports {
            port.tell(kind::QUIT, 0, &[QUIT_GRACEFUL]);
        }
        self.must_leave(leaver.generation, pid, time);
        self.start_if(start, generation);
    }

    /// Has the prototype kill a process that does not leave in time.
    fn must_leave(&self, generation: u32, pid: Pid, time: Duration) {
        if let Some(prototype) = self.prototype(generation) {
            prototype.tell(kind::QUIT, 0, &Leaving { pid, time }.encode());
        }
    }

    /// Tells processes to leave when they have finished what they have.
    fn send_away(&self, leavers: Vec<Leaver<Arc<Link>>>) {
        for leaver in leavers {
            leaver.port.tell(kind::QUIT, 0, &[QUIT_GRACEFUL]);
            // Otherwise the time begins with the end of its last request.
            let freed = (!leaver.awaited).then_some(leaver.generation);
            self.freed_if(freed, leaver.pid);
        }
    }

    fn start_if(self: &Arc<Self>, start: bool, generation: u32) {
        if start {
            self.hub.ask(Event::Start(self.clone(), generation));
        }
    }

    fn idle_if(self: &Arc<Self>, idle: bool) {
        if idle && self.idle_timer_starts() {
            self.hub.ask(Event::Idle(self.clone()));
        }
    }

    fn drained_if(self: &Arc<Self>, drained: bool) {
        if drained {
            self.hub.ask(Event::Drained(self.clone()));
        }
    }

    /// Tells a process that waits for shared memory that there is some.
    pub(crate) fn acknowledge_memory(&self, pid: Pid) {
        let ports = lock(&self.inner).pool.ports(pid);
        for port in ports {
            port.tell(kind::SHM_ACK, 0, &[]);
        }
    }

    // What the main thread does.

    pub(crate) fn generation(&self) -> u32 {
        lock(&self.inner).pool.generation()
    }

    pub(crate) fn outgoing(&self) -> &Arc<OutgoingSegments> {
        &self.outgoing
    }

    /// A port of one of its processes.
    pub(crate) fn port(&self, pid: Pid, id: Id) -> Option<Arc<Link>> {
        lock(&self.inner).pool.port(pid, id)
    }

    pub(crate) fn shared_port(&self) -> Arc<SharedPort> {
        self.current_queue()
    }

    /// A process that was being started is ready.
    pub(crate) fn process_ready(self: &Arc<Self>, generation: u32, link: Arc<Link>) {
        let mut inner = lock(&self.inner);
        let pid = link.port.pid;
        let ready = inner
            .pool
            .process_ready(pid, generation, link.clone(), Instant::now());
        drop(inner);
        match ready {
            Some(idle) => {
                link.tell(kind::PORT_ACK, 0, &[]);
                self.idle_if(idle);
            }
            None => {
                link.tell(kind::QUIT, 0, &[QUIT_GRACEFUL]);
                self.freed_if(Some(generation), pid);
            }
        }
    }

    /// A further port of a process.
    pub(crate) fn port_added(&self, link: Arc<Link>) {
        let (pid, id) = (link.port.pid, link.port.id);
        let mut inner = lock(&self.inner);
        if inner.pool.ports_count(pid) >= self.max_ports && inner.pool.port(pid, id).is_none() {
            drop(inner);
            let text = format_args!("app \"{}\": process {pid} has too many ports", self.name);
            self.complaints.write(Level::Alert, text);
            return;
        }
        let known = inner.pool.port_added(pid, id, link.clone());
        drop(inner);
        if known {
            link.tell(kind::PORT_ACK, 0, &[]);
        }
    }

    /// A process is gone.
    pub(crate) fn process_gone(self: &Arc<Self>, pid: Pid) {
        let mut inner = lock(&self.inner);
        let restart = inner.pool.process_gone(pid);
        let generation = inner.pool.generation();
        inner.shared.rouse(self.hub.pid);
        // It did not die by itself if it died with its prototype.
        let died_alone = inner.prototypes.of(generation).is_some();
        match restart {
            Restart::Later { alone } if died_alone => {
                let pause = inner.pause_of_processes(&self.name);
                let failures = alone.then(|| inner.count_failure());
                drop(inner);
                self.refuse_if(failures);
                self.hub
                    .ask(Event::StartLater(self.clone(), generation, pause));
            }
            _ => {
                drop(inner);
                self.start_if(restart != Restart::No, generation);
            }
        }
    }

    /// All that a dead process said has been read.
    pub(crate) fn bury(&self, pid: Pid) {
        let mut inner = lock(&self.inner);
        inner.pool.bury(pid);
        let deserted = inner.take_deserted_prototypes();
        drop(inner);
        prototypes::quit(deserted);
    }

    /// A process could not be started.
    pub(crate) fn start_failed(self: &Arc<Self>, generation: u32) {
        let mut inner = lock(&self.inner);
        let hopeless = inner.pool.start_failed(generation);
        let failures = hopeless.then(|| inner.count_failure());
        drop(inner);
        self.refuse_if(failures);
    }

    /// A start was given up, because the prototype that should do it died. `again`: if it is still
    /// wanted, another takes its place.
    pub(crate) fn start_lost(self: &Arc<Self>, generation: u32, again: bool) {
        let mut inner = lock(&self.inner);
        inner.pool.start_failed(generation);
        let current = inner.pool.generation();
        let start = again && current == generation && inner.pool.refill();
        drop(inner);
        self.start_if(start, generation);
    }

    /// Counts a process to be started although no request asks for it: one of this generation.
    pub(crate) fn refill(&self) -> Option<u32> {
        let pool = &mut lock(&self.inner).pool;
        pool.refill().then(|| pool.generation())
    }

    /// Refuses the requests that waited before this failure.
    fn refuse_if(self: &Arc<Self>, failures: Option<u32>) {
        if let Some(failures) = failures {
            self.hub
                .tell_workers(&Notice::Refused(self.clone(), failures));
        }
    }

    /// The idle timer: sends idle processes away, and says when to look again.
    pub(crate) fn expire_idle(&self) -> Option<Instant> {
        let (leavers, next) = lock(&self.inner).pool.expire(Instant::now());
        self.send_away(leavers);
        next
    }

    pub(crate) fn idle_timer_stopped(&self) {
        self.idle_timer.store(false, Ordering::Release);
    }

    /// Takes the idle timer, if nobody else has it; whether it did.
    pub(crate) fn idle_timer_starts(&self) -> bool {
        !self.idle_timer.swap(true, Ordering::AcqRel)
    }

    /// Replaces all processes: those that work finish what they took, new ones serve the rest.
    pub(crate) fn restart(self: &Arc<Self>) -> std::io::Result<()> {
        let shared = Arc::new(SharedPort::create()?);
        let mut inner = lock(&self.inner);
        inner.shared = shared;
        let leavers = inner.pool.renew();
        inner.prototypes.forgive(&self.name);
        inner.respawn = respawn_of_processes(&self.name);
        let deserted = inner.take_deserted_prototypes();
        drop(inner);
        self.send_away(leavers);
        prototypes::quit(deserted);
        self.hub.tell_workers(&Notice::QueueReplaced(self.clone()));
        self.hub.ask(Event::Refill(self.clone()));
        Ok(())
    }

    /// Its processes broke their common queue: others, with another one, take their place. If they
    /// do the same, they do not get the next ones at once.
    fn repair(self: &Arc<Self>) {
        let mut repaired = lock(&self.repaired);
        let now = Instant::now();
        if repaired.is_some_and(|at| now.duration_since(at) < REPAIR_PAUSE) {
            return;
        }
        *repaired = Some(now);
        drop(repaired);
        crate::notice!("app \"{}\" is restarted with a new queue", self.name);
        if let Err(error) = self.restart() {
            crate::alert!("app \"{}\" cannot be restarted: {error}", self.name);
        }
    }

    /// The application is no longer configured. It leaves when its last request is over.
    pub(crate) fn close(self: &Arc<Self>) {
        let mut inner = lock(&self.inner);
        inner.pool.close();
        let busy = inner.pool.is_busy();
        drop(inner);
        if !busy {
            self.retire();
        }
    }

    /// Sends the processes of a removed application away, unless a request came meanwhile.
    pub(crate) fn retire(self: &Arc<Self>) {
        let mut inner = lock(&self.inner);
        if !inner.pool.is_closed() || inner.pool.is_busy() {
            return;
        }
        let leavers = inner.pool.renew();
        let deserted = inner.take_deserted_prototypes();
        // Of clients that are gone: nobody will take them.
        let left = inner.pool.waiting() > 0;
        let failures = left.then(|| inner.count_failure());
        drop(inner);
        self.send_away(leavers);
        prototypes::quit(deserted);
        self.refuse_if(failures);
    }

    /// It is no longer configured, and nothing of it runs any more.
    pub(crate) fn is_finished(&self) -> bool {
        let inner = lock(&self.inner);
        let pool = &inner.pool;
        pool.is_closed() && pool.is_empty() && !pool.is_busy() && inner.prototypes.is_empty()
    }
}

impl Inner {
    /// Prototypes of old generations whose last process is gone.
    fn take_deserted_prototypes(&mut self) -> Vec<prototypes::Prototype> {
        let (pool, current) = (&self.pool, self.pool.generation());
        self.prototypes
            .take(|generation| generation != current && pool.generation_gone(generation))
    }

    /// Counts a failure that ends what waits; the count before it.
    fn count_failure(&mut self) -> u32 {
        let failures = self.failures;
        self.failures = failures.wrapping_add(1);
        failures
    }

    /// How long to wait with the next process after one that ended without having done anything.
    fn pause_of_processes(&mut self, app: &str) -> Duration {
        if self.pool.take_served() {
            self.respawn = respawn_of_processes(app);
        }
        self.respawn.died();
        self.respawn.pause_left(Instant::now())
    }
}

fn respawn_of_processes(app: &str) -> Respawn {
    Respawn::new(format!("a process of \"{app}\" that serves nothing"))
}
