//! The HTTP service: listeners, connections, routes, applications.
#![forbid(unsafe_code)]

pub mod access_log;
pub mod app;
mod app_control;
mod app_response;
pub mod arguments;
pub mod body;
mod client;
mod connection;
mod control;
pub mod counters;
mod deadline;
mod forwarding;
pub mod generation;
pub mod hub;
mod input;
mod limits;
mod listener;
mod proxy;
mod reconfigure;
pub mod request;
mod request_body;
pub mod route;
mod send_file;
mod shutdown;
mod starter;
pub mod static_file;
mod status;
mod stream;
pub mod template;
#[cfg(test)]
mod tests;
mod threads;
mod upstream;
pub mod variable;
mod websocket_relay;
pub mod worker;

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

use crate::sys::events::signal_name;
use crate::sys::watch::watch;
use control::{Control, Flow};
use hub::{Event, Hub};

/// How long a router that leaves waits for its access log to be written.
const LOG_FINISH: Duration = Duration::from_secs(1);

/// What the router process starts with.
///
/// Main gives the descriptors right after the fork, privileges already dropped. Between the
/// daemon's own processes the body of a `SOCKET` and of a `SOCKET_UNLINK` message is the listener's
/// address as written in the configuration (`*:80`, `unix:/path`, `unix:@name`); the answer to
/// `SOCKET` carries the bound socket as its first descriptor; `SOCKET_UNLINK` is answered when
/// main has closed the socket and removed its file.
pub struct Start {
    /// The read end of the router's port, id 0.
    pub port: OwnedFd,
    /// Main's process id and the write end of its port.
    pub main: (i32, OwnedFd),
    /// The same of the controller, if it runs already; a later one is told by `NEW_PORT`.
    pub controller: Option<(i32, OwnedFd)>,
    /// `--tmpdir`
    pub tmpdir: PathBuf,
}

/// Runs the router until it is told to leave; the exit code.
pub fn run(start: Start) -> i32 {
    match serve(start) {
        Ok(code) => code,
        Err(error) => {
            crate::alert!("router failed: {error}");
            1
        }
    }
}

fn serve(start: Start) -> io::Result<i32> {
    // Threads inherit the mask, so that signals are read here only.
    let signals: SigSet = [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
        Signal::SIGUSR1,
    ]
    .into_iter()
    .collect();
    signals.thread_block()?;
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    let signals = SignalFd::with_flags(&signals, flags)?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let (events, events_in) = unbounded_channel();
        let (changes, changes_in) = unbounded_channel();
        let (leave, mut leaving) = unbounded_channel();
        let hub = Hub::new(std::process::id() as i32, events);
        let control = Control::new(start, &hub, changes);
        let port = watch(control.socket()?, Interest::READABLE)?;
        spawn_local(reconfigure::apply_changes(control.clone(), changes_in));
        spawn_local(handle_events(control.clone(), events_in, leave.clone()));
        spawn_local(read_port(control.clone(), port, leave.clone()));
        spawn_local(read_signals(signals, leave));
        control.greet_controller();
        let code = leaving.recv().await.unwrap_or(1);
        control.threads.borrow_mut().quit();
        if let Some(log) = control.access_log() {
            log.finish(LOG_FINISH);
        }
        Ok(code)
    })
}

async fn handle_events(
    control: Rc<Control>,
    mut events: UnboundedReceiver<Event>,
    leave: UnboundedSender<i32>,
) {
    while let Some(event) = events.recv().await {
        if !starter::handle(&control, event) {
            // Main starts a router that has all its threads.
            let _ = leave.send(1);
        }
    }
}

async fn read_port(control: Rc<Control>, port: AsyncFd<OwnedFd>, leave: UnboundedSender<i32>) {
    while let Ok(mut guard) = port.readable().await {
        loop {
            match control.drain() {
                Some(Flow::Continue) => break,
                Some(Flow::Quit) => drop(leave.send(0)),
                Some(Flow::Finish) => {
                    if !control.finishing.replace(true) {
                        spawn_local(shutdown::finish(control.clone(), leave.clone()));
                    }
                }
                None => tokio::task::yield_now().await,
            }
        }
        guard.clear_ready();
    }
}

async fn read_signals(signals: SignalFd, leave: UnboundedSender<i32>) {
    let watched = std::os::fd::AsFd::as_fd(&signals).try_clone_to_owned();
    let Ok(watched) = watched.and_then(|fd| watch(fd, Interest::READABLE)) else {
        crate::alert!("signals cannot be read");
        return;
    };
    while let Ok(mut guard) = watched.readable().await {
        while let Ok(Some(info)) = signals.read_signal() {
            let number = info.ssi_signo as i32;
            let Ok(signal) = Signal::try_from(number) else {
                continue;
            };
            let name = signal_name(signal);
            if matches!(signal, Signal::SIGHUP | Signal::SIGUSR1) {
                crate::notice!("signal signo:{number} ({name}) received, ignored");
            } else {
                crate::notice!("signal signo:{number} ({name}) received");
                let _ = leave.send(0);
            }
        }
        guard.clear_ready();
    }
}
