//! The end of the daemon, and what the service manager hears of it.
//!
//! A quick end (SIGTERM, SIGINT) tells everybody to quit at once. A graceful one (SIGQUIT) goes step
//! by step: the controller leaves, the router stops accepting and finishes the requests in progress
//! while prototypes and applications still serve it, and when the router has left, they are told
//! too. The router keeps to `settings.shutdown_timeout` by itself; main waits a little longer for
//! it, and then goes on as if it were a quick end. A quick end may overtake a graceful one.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::main_process::Main;
use crate::conf::{json, shutdown_timeout};
use crate::ipc::{Pid, ProcessType};
use crate::sys::Errno;
use crate::{notice, warning};

/// How much longer than `settings.shutdown_timeout` main waits for the router.
const MARGIN: Duration = Duration::from_secs(3);

/// What the processes have at a quick end until the last of them is killed, and some more: the
/// service manager shall not be faster than main.
const QUICK: Duration = Duration::from_secs(15);

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not begun.
    Serving,
    /// Requests in progress are finished; at most until then.
    Finishing(Option<Instant>),
    /// Everybody was told to quit.
    Stopping,
}

impl Main {
    /// Whether everybody was told to quit: nothing new is started.
    pub(super) fn is_stopping(&self) -> bool {
        self.phase == Phase::Stopping
    }

    /// Begins a graceful end.
    pub(super) fn finish(&mut self) {
        if self.phase != Phase::Serving {
            return;
        }
        let Some(router) = self.pid_of(ProcessType::Router) else {
            return self.stop(0);
        };
        let limit = self
            .state
            .stored()
            .and_then(|conf| json::parse(&conf).ok())
            .map_or_else(
                || shutdown_timeout(&json::Value::Null),
                |conf| shutdown_timeout(&conf),
            );
        match limit {
            Some(limit) => notice!("graceful shutdown, within {} s", limit.as_secs()),
            None => notice!("graceful shutdown"),
        }
        let now = Instant::now();
        self.phase = Phase::Finishing(limit.map(|limit| now + limit + MARGIN));
        self.notify_stopping(limit.map(|limit| limit + MARGIN + QUICK));
        self.controller.cancel();
        self.router.cancel();
        // The router closes its own after it has taken the clients that wait in them.
        self.listeners.close_all(self.upgrade.shares_sockets());
        if let Some(controller) = self.pid_of(ProcessType::Controller) {
            self.table.quit(controller);
        }
        self.table.ask_to_finish(router);
    }

    /// Tells everybody to quit; a second call changes nothing but the exit code.
    pub(super) fn stop(&mut self, code: i32) {
        self.exit_code |= code;
        if self.is_stopping() {
            return;
        }
        if self.phase == Phase::Serving {
            self.notify_stopping(Some(QUICK));
        }
        self.phase = Phase::Stopping;
        self.controller.cancel();
        self.router.cancel();
        let own = self.table.own;
        let others: Vec<Pid> = self.table.iter().map(|process| process.pid).collect();
        for pid in others.into_iter().filter(|&pid| pid != own) {
            self.table.quit(pid);
        }
    }

    /// Ends the patience with a router that does not finish.
    pub(super) fn check_finishing(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Finishing(Some(end)) if end <= now) {
            warning!("the router has not finished in time");
            self.stop(0);
        }
    }

    /// When [`Main::check_finishing`] has something to do.
    pub(super) fn finishing_ends(&self) -> Option<Instant> {
        match self.phase {
            Phase::Finishing(end) => end,
            _ => None,
        }
    }

    fn pid_of(&self, kind: ProcessType) -> Option<Pid> {
        self.table.of_kind(kind).map(|process| process.pid)
    }

    /// The configuration is in force.
    pub(super) fn notify_ready(&mut self) {
        if !std::mem::replace(&mut self.notified, true) {
            self.notify(&format!("READY=1\nMAINPID={}", std::process::id()));
        }
    }

    fn notify_stopping(&mut self, within: Option<Duration>) {
        if self.upgrade.has_successor() {
            // The service goes on.
            return;
        }
        let mut state = "STOPPING=1".to_owned();
        if let Some(within) = within {
            state += &format!("\nEXTEND_TIMEOUT_USEC={}", within.as_micros());
        }
        self.notify(&state);
    }

    /// Tells the service manager, if there is one that wants to know.
    pub(super) fn notify(&self, state: &str) {
        let notifier = self.own.as_ref().and_then(|own| own.notifier.as_ref());
        if let Some(Err(error)) = notifier.map(|notifier| notifier.tell(state)) {
            warning!(
                "the service manager cannot be notified {}",
                Errno::from(&error)
            );
        }
    }
}
