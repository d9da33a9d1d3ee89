//! Starting the processes of applications, and sending idle ones away.
//!
//! A process is forked by its application's prototype, and the prototype by main. A prototype that
//! dies takes the starts with it that it was asked for. It is started anew, and so are processes as
//! far as they are still wanted then.

use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::io::Interest;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{sleep, sleep_until};

use super::app::App;
use super::app_control;
use super::control::{Control, Pending};
use super::hub::{Event, Link};
use crate::ipc::kind;
use crate::sys::watch::watch;

/// How many prototypes of a new application or generation may die before its start has failed.
const ATTEMPTS: u32 = 3;

/// Messages of a dead prototype and main's notice of its death come on different ways; those that
/// were sent before it are read within this time.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// No process was started; the log says why, and so does the text, if main knows.
#[derive(Debug)]
pub(super) struct StartFailed(pub(super) String);

/// Why a process was not started.
enum NotStarted {
    /// It cannot be.
    Failed(StartFailed),
    /// The prototype died before it had started it.
    PrototypeDied,
}

/// Does what the worker threads ask for. `false`: the router cannot go on.
pub(super) fn handle(control: &Rc<Control>, event: Event) -> bool {
    match event {
        Event::Start(app, generation) => {
            let control = control.clone();
            spawn_local(async move { start_counted(&control, &app, generation).await });
        }
        Event::StartLater(app, generation, pause) => {
            let control = control.clone();
            spawn_local(async move {
                sleep(pause).await;
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
                    if let Ok((generation, Err(failure))) = started {
                        give_up(&app, generation, &failure);
                    }
                }
            });
        }
        Event::Idle(app) => {
            spawn_local(expire_idle(app));
        }
        Event::Drained(app) => app.retire(),
        Event::PrototypeGone(app, pid, successor) => {
            if let Some(generation) = successor {
                spawn_local(succeed(control.clone(), Arc::downgrade(&app), generation));
            }
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
    if let Err(failure) = start(control, app, generation).await {
        give_up(app, generation, &failure);
    }
}

/// Takes a process that was not started off the count of those being started.
fn give_up(app: &Arc<App>, generation: u32, failure: &NotStarted) {
    match failure {
        NotStarted::Failed(_) => app.start_failed(generation),
        // The pauses between prototypes bound how often this is tried again.
        NotStarted::PrototypeDied => app.start_lost(generation, true),
    }
}

/// Starts the spare processes of a new application. After a failure nobody waits for those that
/// are being started: they leave when they find that the application is gone.
pub(super) async fn start_spare(control: &Rc<Control>, app: &Arc<App>) -> Result<(), StartFailed> {
    start_missing(control, app, &mut JoinSet::new()).await
}

/// A task that starts a process of a generation.
type Starts = JoinSet<(u32, Result<(), NotStarted>)>;

/// Starts the processes that are missing, at the same time, until the first failure.
async fn start_missing(
    control: &Rc<Control>,
    app: &Arc<App>,
    starts: &mut Starts,
) -> Result<(), StartFailed> {
    let deaths_before = app.prototype_deaths();
    loop {
        while let Some(generation) = app.refill() {
            let (control, app) = (control.clone(), app.clone());
            starts.spawn_local(async move {
                let result = start(&control, &app, generation).await;
                (generation, result)
            });
        }
        match starts.join_next().await {
            None => return Ok(()),
            Some(Ok((_, Ok(())))) => {}
            Some(Ok((generation, Err(NotStarted::Failed(error))))) => {
                app.start_failed(generation);
                return Err(error);
            }
            Some(Ok((generation, Err(NotStarted::PrototypeDied)))) => {
                if app.prototype_deaths().wrapping_sub(deaths_before) >= ATTEMPTS {
                    app.start_failed(generation);
                    return Err(StartFailed(String::new()));
                }
                app.start_lost(generation, false);
            }
            // The task panicked, or the router ends.
            Some(Err(_)) => return Err(StartFailed(String::new())),
        }
    }
}

async fn start(control: &Rc<Control>, app: &Arc<App>, generation: u32) -> Result<(), NotStarted> {
    // Restarted or removed meanwhile: a new generation counts its own starts.
    let outdated = || app.generation() != generation;
    if outdated() {
        return Ok(());
    }
    let prototype = match prototype(control, app, generation).await {
        Ok(prototype) => prototype,
        Err(_) if outdated() => return Ok(()),
        Err(reason) => return Err(NotStarted::Failed(StartFailed(reason))),
    };
    let (done, ready) = oneshot::channel();
    let pid = prototype.port.pid;
    let pending = Pending::Process(app.clone(), generation, done);
    control.request(&prototype, kind::START_PROCESS, &[], &[], pid, pending);
    if ready.await.is_ok() || outdated() {
        return Ok(());
    }
    if app
        .prototype(generation)
        .is_none_or(|link| link.port.pid != pid)
    {
        return Err(NotStarted::PrototypeDied);
    }
    crate::warning!("failed to start application \"{}\"", app.name);
    Err(NotStarted::Failed(StartFailed(String::new())))
}

/// Starts the successor of a prototype that died, and the processes that are missing then.
async fn succeed(control: Rc<Control>, app: Weak<App>, generation: u32) {
    loop {
        let wanted = app.upgrade().filter(|app| app.wants_prototype(generation));
        let Some(app) = wanted else { return };
        if prototype(&control, &app, generation).await.is_ok() {
            control.hub.ask(Event::Refill(app));
            break;
        }
        if let Err(pause) = app.prototype_pause() {
            drop(app);
            sleep(pause).await;
        }
    }
    while let Some(at) = app.upgrade().and_then(|app| app.prototype_settles()) {
        sleep_until(at.into()).await;
    }
}

/// The application's prototype, started if need be. The error is the reason why there is none.
async fn prototype(
    control: &Rc<Control>,
    app: &Arc<App>,
    generation: u32,
) -> Result<Arc<Link>, String> {
    let starts = &app.prototypes;
    let failed = starts.failed.load(Ordering::Relaxed);
    let mut last_failure = starts.turn.lock().await;
    loop {
        if let Some(link) = app.prototype(generation) {
            return Ok(link);
        }
        let failed_meanwhile = starts.failed.load(Ordering::Relaxed) != failed;
        if failed_meanwhile || app.generation() != generation {
            return Err(last_failure.clone());
        }
        match app.prototype_pause() {
            Ok(Duration::ZERO) => break,
            Ok(pause) => sleep(pause).await,
            Err(_) => return Err(last_failure.clone()),
        }
    }
    let started = start_prototype(control, app, generation).await;
    // One of an old generation was sent away on arrival.
    let link = started.and_then(|()| app.prototype(generation).ok_or_else(String::new));
    if let Err(reason) = &link
        && app.generation() == generation
    {
        crate::warning!("failed to start prototype \"{}\"", app.name);
        app.prototype_failed();
        last_failure.clone_from(reason);
    }
    link
}

/// Has main start a prototype, and waits until it is ready. The error is the reason why it is not.
async fn start_prototype(
    control: &Rc<Control>,
    app: &Arc<App>,
    generation: u32,
) -> Result<(), String> {
    let mut body = Vec::with_capacity(app.name.len() + 1 + app.json.len());
    body.extend_from_slice(app.name.as_bytes());
    body.push(0);
    body.extend_from_slice(app.json.as_bytes());
    let way = app_control::open(control, app).map_err(|error| {
        crate::alert!("app \"{}\": no port for its processes: {error}", app.name);
        error.to_string()
    })?;
    let (done, ready) = oneshot::channel();
    let pending = Pending::Prototype(app.clone(), generation, done);
    let (shared, main) = (app.shared_port(), control.main.port.pid);
    let [read, queue] = shared.descriptors();
    let fds = [read, queue, way.as_fd()];
    let kind = kind::START_PROCESS;
    control.request(&control.main, kind, &body, &fds, main, pending);
    drop(way);
    ready.await.unwrap_or_else(|_| Err(String::new()))
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
