//! `settings.router`: limits of the router process, and the CPUs of its threads.
//!
//! The router sets what it may; for the rest (more descriptors than the hard limit, a better
//! priority) it asks main with a `LIMITS` message. What is not configured is as the router had it
//! when it started.

use std::cell::RefCell;

use crate::conf::limits::ProcessLimits;
use crate::ipc::kind;
use crate::router::control::Control;
use crate::sys::Errno;
use crate::sys::limits::{Limits, Placement, allowed_cpus};

/// The limits of this process.
pub(super) struct RouterLimits {
    /// As they were at the start; `None` if they could not be read.
    inherited: Option<Limits>,
    /// The CPUs of the start.
    allowed: Vec<usize>,
    /// What is in force.
    current: RefCell<ProcessLimits>,
}

impl RouterLimits {
    /// To be made when the process starts, in its first thread.
    pub(super) fn new() -> RouterLimits {
        let inherited = Limits::current();
        if let Err(error) = &inherited {
            crate::alert!("getrlimit() failed {}", Errno::from(error));
        }
        RouterLimits {
            inherited: inherited.ok(),
            allowed: allowed_cpus(),
            current: RefCell::default(),
        }
    }

    /// Where the threads of a configuration may run.
    pub(super) fn placement(&self, wanted: &ProcessLimits) -> Result<Placement, String> {
        Placement::new(&self.allowed, wanted.cpus(), wanted.spread())
            .map_err(|error| error.to_string())
    }
}

/// Puts limits in force. If that fails, the ones before stay.
pub(super) async fn enforce(control: &Control, wanted: &ProcessLimits) -> Result<(), String> {
    let before = control.limits.current.borrow().clone();
    if before == *wanted {
        return Ok(());
    }
    let done = change(control, wanted).await;
    match done {
        Ok(()) => *control.limits.current.borrow_mut() = wanted.clone(),
        Err(_) => {
            if let Err(error) = change(control, &before).await {
                crate::alert!("limits cannot be restored: {error}");
            }
        }
    }
    done
}

/// Has main set what this process may not.
async fn ask_main(control: &Control, limits: &ProcessLimits) -> Result<(), String> {
    let text = limits.to_json();
    match control.ask_main(kind::LIMITS, text.as_bytes()).await {
        Ok(_) => Ok(()),
        Err(reason) if reason.is_empty() => Err("the main process does not answer".to_owned()),
        Err(reason) => Err(String::from_utf8_lossy(&reason).into_owned()),
    }
}

async fn change(control: &Control, wanted: &ProcessLimits) -> Result<(), String> {
    let limits = &control.limits;
    let inherited = limits.inherited.ok_or("the limits are not known")?;
    let own = inherited.with(wanted.nofile, wanted.core, wanted.priority);
    if own.apply_resources(None).is_err() {
        let resources = ProcessLimits {
            nofile: wanted.nofile,
            core: wanted.core,
            ..ProcessLimits::default()
        };
        ask_main(control, &resources).await?;
        // Main has raised the hard limits; the rest is this process's right.
        own.apply_resources(None)
            .map_err(|error| error.to_string())?;
    }
    if own.apply_priority(None).is_err() {
        let priority = ProcessLimits {
            priority: Some(own.nice),
            ..ProcessLimits::default()
        };
        ask_main(control, &priority).await?;
    }
    // New threads start from here, and bind themselves.
    let placement = limits.placement(wanted)?;
    placement
        .bind_manager(&limits.allowed)
        .map_err(|error| error.to_string())
}
