//! One thread of the router: its runtime, its listeners and their connections.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, oneshot};
use tokio::task::LocalSet;

use crate::router::app::worker_port::WorkerPort;
use crate::router::connection;
use crate::router::counters::WorkerCounters;
use crate::router::generation::Generation;
use crate::router::hub::Hub;
use crate::router::listener::{Accepted, Listeners};
use crate::router::proxy::Buffers;

/// How long a thread leaves its listeners alone after accept(2) failed for want of descriptors or
/// memory. Closing connections meanwhile make room.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Numbers the connections of all threads, for the log.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// What the router's main thread tells a worker.
pub enum WorkerCommand {
    /// Serve requests that begin from now on by this configuration; answer when its listeners are
    /// the only ones open.
    Apply(Arc<Generation>, oneshot::Sender<()>),
    /// Close listeners and idle connections, answer, finish the requests being served, then leave.
    Retire(oneshot::Sender<()>),
    /// The time for that is over: close WebSocket connections too.
    Expire,
    /// Leave at once.
    Quit,
}

/// What a worker starts with.
pub struct WorkerSeed {
    /// The way from the main thread. Its other end being dropped means [`WorkerCommand::Quit`].
    pub commands: UnboundedReceiver<WorkerCommand>,
    /// The way to application processes.
    pub hub: Arc<Hub>,
    /// The worker's counters, shared with the main thread.
    pub counters: Arc<WorkerCounters>,
    /// Its place among the threads, from 0.
    pub index: usize,
    /// Where bodies go for which no `body_temp_path` is configured.
    pub temp_path: PathBuf,
}

/// What the tasks of a worker share.
pub(super) struct Worker {
    /// See [`WorkerCounters`].
    pub(super) counters: Arc<WorkerCounters>,
    /// See [`WorkerSeed::temp_path`].
    pub(super) temp_path: PathBuf,
    /// Where applications answer.
    pub(super) port: Rc<WorkerPort>,
    /// For requests that are passed to other servers.
    pub(super) proxy_buffers: Rc<Buffers>,
    listeners: Listeners,
    leaving: Cell<bool>,
    /// Told of each connection that ends while the worker leaves.
    connection_ended: Notify,
    /// The time for leaving is over.
    expired: Cell<bool>,
    /// Tells WebSocket connections so.
    expiry: Notify,
}

impl Worker {
    /// A worker without listeners. To be called within the thread's `LocalSet`.
    pub(super) fn new(
        hub: &Arc<Hub>,
        counters: Arc<WorkerCounters>,
        temp_path: PathBuf,
    ) -> io::Result<Rc<Worker>> {
        let port = WorkerPort::open(hub);
        let listeners = Listeners::new()?;
        Ok(Rc::new(Worker {
            counters,
            temp_path,
            port,
            proxy_buffers: Rc::default(),
            listeners,
            leaving: Cell::new(false),
            connection_ended: Notify::new(),
            expired: Cell::new(false),
            expiry: Notify::new(),
        }))
    }

    /// Whether connections serve no further requests but those that are on their way.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.get()
    }

    fn expire(&self) {
        self.expired.set(true);
        self.expiry.notify_waiters();
    }

    /// Waits until WebSocket connections have to end too.
    pub(super) async fn expired(&self) {
        let told = self.expiry.notified();
        if !self.expired.get() {
            told.await;
        }
    }

    /// A connection is over.
    pub(super) fn count_closed(&self) {
        self.counters.closed.increment();
        if self.leaving.get() {
            self.connection_ended.notify_one();
        }
    }

    fn serve(self: &Rc<Self>, (fd, peer, listener): Accepted) {
        self.counters.accepted.increment();
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let connection = connection::serve(self.clone(), listener, fd, peer, number);
        tokio::task::spawn_local(connection);
    }

    async fn all_closed(&self) {
        while self.counters.accepted.get() != self.counters.closed.get() {
            self.connection_ended.notified().await;
        }
    }
}

/// The body of a router thread: returns once a command had it leave.
pub fn run(seed: WorkerSeed) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, serve(seed))
}

async fn serve(seed: WorkerSeed) -> io::Result<()> {
    let WorkerSeed {
        mut commands,
        hub,
        counters,
        index,
        temp_path,
    } = seed;
    let worker = Worker::new(&hub, counters, temp_path)?;
    tokio::task::spawn_local(accept(worker.clone()));
    let mut retire = None;
    while let Some(command) = commands.recv().await {
        match command {
            WorkerCommand::Apply(generation, applied) => {
                worker.port.open_ports(&generation.apps);
                if let Err(error) = generation.placement.bind(index) {
                    crate::alert!("router thread {index}: {error}");
                }
                worker.listeners.apply(&generation);
                // Nobody waits any more if the router is going down.
                let _ = applied.send(());
            }
            WorkerCommand::Retire(closed) => {
                retire = Some(closed);
                break;
            }
            WorkerCommand::Expire | WorkerCommand::Quit => break,
        }
    }
    worker.leaving.set(true);
    let last = worker.listeners.close_all();
    if let Some(closed) = retire {
        for accepted in last {
            worker.serve(accepted);
        }
        let _ = closed.send(());
        let mut all_closed = pin!(worker.all_closed());
        loop {
            let command = poll_fn(|cx| match all_closed.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => commands.poll_recv(cx),
            });
            match command.await {
                Some(WorkerCommand::Expire) => worker.expire(),
                _ => break,
            }
        }
    }
    Ok(())
}

async fn accept(worker: Rc<Worker>) {
    while !worker.leaving.get() {
        match worker.listeners.accept().await {
            Ok(accepted) => worker.serve(accepted),
            Err(error) => {
                crate::alert!("accept4() failed: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
