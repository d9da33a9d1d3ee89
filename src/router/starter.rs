//! Starting the processes of applications, and sending idle ones away.
//!
//! A process is forked by its application's prototype, and the prototype by main. A prototype that
//! dies takes the starts with it that it was asked for; they are tried again with a new one.

use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::Interest;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet, spawn_local};
use tokio::time::{sleep, sleep_until};

use super::app::App;
use super::app_control;
use super::control::{Control, Pending};
use super::hub::{Event, Link};
use crate::ipc::kind;
use crate::sys::watch::watch;

/// How many prototypes one process start may outlive.
const ATTEMPTS: usize = 3;

/// Between two processes of an application that end without having served anything.
const PAUSE: Duration = Duration::from_millis(500);

/// Messages of a dead prototype and main's notice of its death come on different ways; those that
/// were sent before it are read within this time.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// No process was started; the log says why, and so does the text, if main knows.
#[derive(Debug)]
pub(super) struct StartFailed(pub(super) String);

/// Does what the worker threads ask for. `false`: the router cannot go on.
pub(super) fn handle(control: &Rc<Control>, event: Event) -> bool {
    match event {
        Event::Start(app, generation) => {
            let control = control.clone();
            spawn_local(async move { start_counted(&control, &app, generation).await });
        }
        Event::StartLater(app, generation) => {
            let control = control.clone();
            spawn_local(async move {
                sleep(PAUSE).await;
                start_counted(&control, &app, generation).await
            });
        }
        Event::Refill(app) => {
            let control = control.clone();
            spawn_local(async move {
                let mut starts = JoinSet::new();
                // Failures are in the log; what was begun goes on.
                let _ = start_missing(&control, &app, &mut starts).await;
                while let Some(started) = starts.join_next().await {
                    let _ = settle(&app, started);
                }
            });
        }
        Event::Idle(app) => {
            spawn_local(expire_idle(app));
        }
        Event::Drained(app) => app.retire(),
        Event::PrototypeGone(app, pid) => {
            let control = control.clone();
            spawn_local(async move {
                sleep(LAST_WORDS).await;
                app.bury_prototype(pid);
                drop(app);
                control.forget_finished();
            });
        }
        Event::Flush(link) => {
            spawn_local(flush(link));
        }
        Event::Buried(process) => control.bury(&process),
        Event::ThreadLost => return false,
    }
    true
}

/// Starts a process that the application already counts as starting.
async fn start_counted(control: &Rc<Control>, app: &Arc<App>, generation: u32) {
    if start(control, app, generation).await.is_err() {
        app.start_failed(generation);
    }
}

/// Starts the spare processes of a new application. After a failure nobody waits for those that
/// are being started: they leave when they find that the application is gone.
pub(super) async fn start_spare(control: &Rc<Control>, app: &Arc<App>) -> Result<(), StartFailed> {
    start_missing(control, app, &mut JoinSet::new()).await
}

/// A task that starts a process of a generation.
type Starts = JoinSet<(u32, Result<(), StartFailed>)>;

/// Starts the processes that are missing, at the same time, until the first failure.
async fn start_missing(
    control: &Rc<Control>,
    app: &Arc<App>,
    starts: &mut Starts,
) -> Result<(), StartFailed> {
    loop {
        let generation = app.generation();
        while app.refill() {
            let (control, app) = (control.clone(), app.clone());
            starts.spawn_local(async move {
                let result = start(&control, &app, generation).await;
                (generation, result)
            });
        }
        match starts.join_next().await {
            None => return Ok(()),
            Some(started) => settle(app, started)?,
        }
    }
}

/// Takes a process that was not started off the count of those being started.
fn settle(
    app: &Arc<App>,
    started: Result<(u32, Result<(), StartFailed>), JoinError>,
) -> Result<(), StartFailed> {
    match started {
        Ok((_, Ok(()))) => Ok(()),
        Ok((generation, Err(error))) => {
            app.start_failed(generation);
            Err(error)
        }
        Err(_) => Err(StartFailed(String::new())),
    }
}

async fn start(control: &Rc<Control>, app: &Arc<App>, generation: u32) -> Result<(), StartFailed> {
    for attempt in 1..=ATTEMPTS {
        // Restarted or removed meanwhile: a new generation counts its own starts.
        let outdated = || app.generation() != generation;
        if outdated() {
            return Ok(());
        }
        let prototype = match prototype(control, app, generation).await {
            Ok(prototype) => prototype,
            Err(_) if outdated() => return Ok(()),
            Err(reason) => {
                crate::warning!("failed to start prototype \"{}\"", app.name);
                return Err(StartFailed(reason));
            }
        };
        let (done, ready) = oneshot::channel();
        let pid = prototype.port.pid;
        let pending = Pending::Process(app.clone(), generation, done);
        control.request(&prototype, kind::START_PROCESS, &[], &[], pid, pending);
        if ready.await.is_ok() {
            return Ok(());
        }
        let died = app
            .prototype(generation)
            .is_none_or(|link| link.port.pid != pid);
        if outdated() {
            return Ok(());
        }
        if !died || attempt == ATTEMPTS {
            break;
        }
    }
    crate::warning!("failed to start application \"{}\"", app.name);
    Err(StartFailed(String::new()))
}

/// The application's prototype, started if need be.
async fn prototype(
    control: &Rc<Control>,
    app: &Arc<App>,
    generation: u32,
) -> Result<Arc<Link>, String> {
    let failed = app.failed_prototypes.load(Ordering::Relaxed);
    let mut last_failure = app.starting.lock().await;
    if let Some(link) = app.prototype(generation) {
        return Ok(link);
    }
    if app.failed_prototypes.load(Ordering::Relaxed) != failed {
        return Err(last_failure.clone());
    }
    let mut body = Vec::with_capacity(app.name.len() + 1 + app.json.len());
    body.extend_from_slice(app.name.as_bytes());
    body.push(0);
    body.extend_from_slice(app.json.as_bytes());
    let (done, ready) = oneshot::channel();
    let pending = Pending::Prototype(app.clone(), generation, done);
    let (shared, main) = (app.shared_port(), control.main.port.pid);
    let way = match app_control::open(control, app) {
        Ok(way) => way,
        Err(error) => {
            crate::alert!("app \"{}\": no port for its processes: {error}", app.name);
            return Err(error.to_string());
        }
    };
    let [read, queue] = shared.descriptors();
    control.request(
        &control.main,
        kind::START_PROCESS,
        &body,
        &[read, queue, way.as_fd()],
        main,
        pending,
    );
    drop(way);
    // A prototype of an old generation was sent away on arrival.
    let started = ready.await.unwrap_or_else(|_| Err(String::new()));
    let link = started.and_then(|()| app.prototype(generation).ok_or_else(String::new));
    if let Err(reason) = &link {
        app.failed_prototypes.fetch_add(1, Ordering::Relaxed);
        last_failure.clone_from(reason);
    }
    link
}

/// Sends idle processes away when their time has come. A timer that waits does not keep a removed
/// application, with its descriptors, alive.
async fn expire_idle(app: Arc<App>) {
    let waiting = Arc::downgrade(&app);
    let mut app = Some(app);
    while let Some(now) = app.take() {
        match now.expire_idle() {
            Some(at) => {
                drop(now);
                sleep_until(at.into()).await;
                app = waiting.upgrade();
            }
            None => {
                now.idle_timer_stopped();
                // One that went idle just now found the timer running.
                if now.expire_idle().is_some() && now.idle_timer_starts() {
                    app = Some(now);
                }
            }
        }
    }
}

/// Sends what a full socket did not take, as it takes more.
async fn flush(link: Arc<Link>) {
    loop {
        let flushed = async {
            let socket = watch(link.socket()?, Interest::WRITABLE)?;
            loop {
                let mut guard = socket.writable().await?;
                match link.flush() {
                    Ok(true) => return Ok::<(), std::io::Error>(()),
                    Ok(false) => guard.clear_ready(),
                    Err(error) => return Err(std::io::Error::other(error)),
                }
            }
        };
        let result = flushed.await;
        link.flushed();
        match result {
            Ok(()) if link.has_pending() && link.flush_starts() => {}
            Ok(()) => return,
            Err(error) => {
                // A process that is gone is told of by REMOVE_PID.
                crate::warning!("port of process {}: {error}", link.port.pid);
                return;
            }
        }
    }
}
