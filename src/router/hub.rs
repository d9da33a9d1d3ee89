//! What the threads of the router share: the application processes and the ports that they answer
//! to, and the way to the main thread, which alone talks to the other processes of the daemon.
//!
//! Each application has ports of its own on each thread, and its processes are known by application
//! and pid: whatever pid a process claims in a message, it finds only what is its application's.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::base::log::Level;
use crate::base::log_limit::LogLimit;
use crate::ipc::segment::IncomingSegments;
use crate::ipc::{Header, Id, Pid, PortId, SendError, Sender, Sent};
use crate::router::app::App;

/// What worker threads ask of the main thread.
pub(crate) enum Event {
    /// Start a process of this generation.
    Start(Arc<App>, u32),
    /// Start all processes of a new generation that are missing.
    Refill(Arc<App>),
    /// The same as [`Start`](Event::Start) after a pause: the last one ended before it did anything.
    StartLater(Arc<App>, u32, Duration),
    /// A process went idle that is not a spare one.
    Idle(Arc<App>),
    /// The last request of a removed application is over.
    Drained(Arc<App>),
    /// A prototype of this id is gone. With a generation: it needs another one.
    PrototypeGone(Arc<App>, Pid, Option<u32>),
    /// A port has messages that wait for its socket.
    Flush(Arc<Link>),
    /// A worker thread ended without being told to.
    ThreadLost,
    /// All threads have read what this dead process said.
    Buried(Arc<Process>),
}

/// What the main thread tells the worker threads.
#[derive(Clone)]
pub(crate) enum Notice {
    /// A process is gone. What it said before counts.
    ProcessGone(Arc<Departure>),
    /// No process of this application can be started, or its prototype died: refuse the requests
    /// that waited before this failure, named by its number.
    Refused(Arc<App>, u32),
    /// The application has a new queue; move what nobody took from the old one.
    QueueReplaced(Arc<App>),
    /// A removed application has no process any more.
    AppGone(AppId),
}

/// Names an application for the life of the router, also after another of the same name took its
/// place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AppId(u64);

/// The port of one application on one worker thread, as the application sees it.
pub(crate) struct PortHandle {
    /// The only application that may use it.
    pub(crate) app: AppId,
    /// The write end of its socket.
    pub(crate) socket: OwnedFd,
    /// The memory of its queue.
    pub(crate) queue: OwnedFd,
}

/// See the module head.
pub struct Hub {
    /// The router's process id.
    pub(crate) pid: Pid,
    events: UnboundedSender<Event>,
    processes: RwLock<HashMap<(AppId, Pid), Arc<Process>>>,
    ports: RwLock<HashMap<Id, Arc<PortHandle>>>,
    next_port: Mutex<Id>,
    /// The ways to the worker threads.
    threads: RwLock<HashMap<u64, UnboundedSender<Notice>>>,
    /// For numbers of threads and applications.
    counter: AtomicU64,
}

impl Hub {
    pub(crate) fn new(pid: Pid, events: UnboundedSender<Event>) -> Arc<Hub> {
        Arc::new(Hub {
            pid,
            events,
            processes: RwLock::default(),
            ports: RwLock::default(),
            // 0 is the port of the main thread.
            next_port: Mutex::new(1),
            threads: RwLock::default(),
            counter: AtomicU64::new(0),
        })
    }

    /// Asks the main thread; it is gone only while the process exits.
    pub(crate) fn ask(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// A name for a new application.
    pub(crate) fn name_app(&self) -> AppId {
        AppId(self.counter.fetch_add(1, Ordering::Relaxed))
    }

    /// Registers a worker thread; the number by which it leaves.
    pub(crate) fn add_thread(&self, notices: UnboundedSender<Notice>) -> u64 {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        write(&self.threads).insert(number, notices);
        number
    }

    pub(crate) fn remove_thread(&self, number: u64) {
        write(&self.threads).remove(&number);
    }

    /// Tells every worker thread.
    pub(crate) fn tell_workers(&self, notice: &Notice) {
        for thread in read(&self.threads).values() {
            let _ = thread.send(notice.clone());
        }
    }

    /// A live process of an application.
    pub(crate) fn process(&self, app: AppId, pid: Pid) -> Option<Arc<Process>> {
        read(&self.processes).get(&(app, pid)).cloned()
    }

    /// The processes of that pid; more than one only if an application lied about a pid.
    pub(crate) fn processes_of_pid(&self, pid: Pid) -> Vec<Arc<Process>> {
        let processes = read(&self.processes);
        let of_pid = processes.values().filter(|process| process.pid == pid);
        of_pid.cloned().collect()
    }

    /// Whether a pid is known as a process of another application than this one.
    pub(crate) fn is_foreign(&self, app: AppId, pid: Pid) -> bool {
        let processes = read(&self.processes);
        !processes.contains_key(&(app, pid)) && processes.keys().any(|&(_, known)| known == pid)
    }

    pub(crate) fn add_process(&self, process: Arc<Process>) {
        write(&self.processes).insert((process.app_id, process.pid), process);
    }

    pub(crate) fn remove_process(&self, process: &Arc<Process>) {
        let mut processes = write(&self.processes);
        let key = (process.app_id, process.pid);
        // Its number may have been given to another meanwhile.
        if processes
            .get(&key)
            .is_some_and(|known| Arc::ptr_eq(known, process))
        {
            processes.remove(&key);
        }
    }

    /// A port of a worker thread.
    pub(crate) fn port(&self, id: Id) -> Option<Arc<PortHandle>> {
        read(&self.ports).get(&id).cloned()
    }

    /// Registers a port of a worker thread and returns its id; `None` if all ids are taken.
    pub(crate) fn add_port(&self, handle: PortHandle) -> Option<Id> {
        let mut ports = write(&self.ports);
        let mut next = lock(&self.next_port);
        // Applications remember ports by id, so an id is not used again soon.
        let id = (0..=Id::MAX)
            .map(|step| next.wrapping_add(step))
            .find(|id| *id != 0 && *id != crate::ipc::SHARED_PORT_ID && !ports.contains_key(id))?;
        *next = id.wrapping_add(1);
        ports.insert(id, Arc::new(handle));
        Some(id)
    }

    pub(crate) fn remove_port(&self, id: Id) {
        write(&self.ports).remove(&id);
    }
}

/// A panic of one thread must not take the others with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(|e| e.into_inner())
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(|e| e.into_inner())
}

/// A process of an application.
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) app: Weak<App>,
    pub(crate) app_id: AppId,
    /// The shared memory that it sent.
    pub(crate) incoming: IncomingSegments,
}

impl Process {
    pub(crate) fn new(hub: &Hub, pid: Pid, app: &Arc<App>) -> Arc<Process> {
        let owner = Arc::downgrade(app);
        let acknowledge = Arc::new(move || {
            if let Some(app) = owner.upgrade() {
                app.acknowledge_memory(pid);
            }
        });
        Arc::new(Process {
            pid,
            app: Arc::downgrade(app),
            app_id: app.id,
            incoming: IncomingSegments::new(hub.pid, pid, app.max_incoming, acknowledge),
        })
    }
}

impl Process {
    /// It has no room for its response: it is told when there is some, perhaps at once.
    pub(crate) fn out_of_memory(&self) {
        if self.incoming.peer_is_exhausted()
            && let Some(app) = self.app.upgrade()
        {
            app.acknowledge_memory(self.pid);
        }
    }
}

/// A dead process that some threads have not heard of yet.
pub(crate) struct Departure {
    pub(crate) process: Arc<Process>,
    hub: Arc<Hub>,
}

impl Departure {
    pub(crate) fn new(hub: &Arc<Hub>, process: Arc<Process>) -> Arc<Departure> {
        Arc::new(Departure {
            process,
            hub: hub.clone(),
        })
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        self.hub.ask(Event::Buried(self.process.clone()));
    }
}

/// The way to a port of another process.
pub(crate) struct Link {
    pub(crate) port: PortId,
    /// The application process that reads the port, if it is one.
    pub(crate) process: Option<Arc<Process>>,
    sender: Sender,
    hub: Arc<Hub>,
    flushing: AtomicBool,
    /// For what its reader brings about by not reading.
    complaints: LogLimit,
}

impl Link {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        port: PortId,
        sender: Sender,
        process: Option<Arc<Process>>,
    ) -> Arc<Link> {
        Arc::new(Link {
            port,
            process,
            sender,
            hub: hub.clone(),
            flushing: AtomicBool::new(false),
            complaints: LogLimit::new(),
        })
    }

    /// Sends a message; what the socket does not take waits without holding the caller up.
    pub(crate) fn send(
        self: &Arc<Self>,
        header: &Header,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), SendError> {
        let sent = self.sender.send(header, body, fds)?;
        self.note(sent);
        Ok(())
    }

    /// Sends a message of the main thread that has no body; a failure means that the process is
    /// going, and its end is told separately.
    pub(crate) fn tell(self: &Arc<Self>, kind: u8, stream: u32, body: &[u8]) {
        if let Err(error) = self.send(&Header::new(self.hub.pid, kind, stream), body, &[])
            && !matches!(error, SendError::Closed)
        {
            let pid = self.port.pid;
            let text = format_args!("message {kind} to process {pid}: {error}");
            self.complaints.write(Level::Warn, text);
        }
    }

    /// Sends a message whose body lies in shared memory.
    pub(crate) fn send_chunks(
        self: &Arc<Self>,
        header: &Header,
        chunks: &[crate::ipc::ChunkRef],
    ) -> Result<(), SendError> {
        let sent = self.sender.send_chunks(header, chunks)?;
        self.note(sent);
        Ok(())
    }

    fn note(self: &Arc<Self>, sent: Sent) {
        if sent == Sent::Pending && !self.flushing.swap(true, Ordering::AcqRel) {
            self.hub.ask(Event::Flush(self.clone()));
        }
    }

    /// Sends what waits; whether all of it went.
    pub(crate) fn flush(&self) -> Result<bool, SendError> {
        self.sender.flush()
    }

    /// The flushing is over. Messages that came meanwhile must be looked for after this.
    pub(crate) fn flushed(&self) {
        self.flushing.store(false, Ordering::Release);
    }

    /// Takes the flushing over, if nobody else did; whether it did.
    pub(crate) fn flush_starts(&self) -> bool {
        !self.flushing.swap(true, Ordering::AcqRel)
    }

    /// Whether messages wait for the socket.
    pub(crate) fn has_pending(&self) -> bool {
        self.sender.has_pending()
    }

    /// A descriptor of the socket, for the reactor.
    pub(crate) fn socket(&self) -> std::io::Result<OwnedFd> {
        self.sender.as_fd().try_clone_to_owned()
    }
}
