//! What one router thread has to do with applications: a port for each ([`AppPort`]), and the
//! notices of the main thread.
//!
//! Lives in the thread's own tokio runtime.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{JoinHandle, spawn_local};

use super::App;
use super::app_port::AppPort;
use crate::ipc::Id;
use crate::router::hub::{AppId, Hub, Notice};

/// See the module head.
pub struct WorkerPort {
    hub: Arc<Hub>,
    number: u64,
    ports: RefCell<HashMap<AppId, Rc<AppPort>>>,
    listener: Cell<Option<JoinHandle<()>>>,
}

impl WorkerPort {
    /// Registers this thread and starts its task; call inside the thread's `LocalSet`.
    pub fn open(hub: &Arc<Hub>) -> Rc<WorkerPort> {
        let (notices, notices_in) = unbounded_channel();
        let port = Rc::new(WorkerPort {
            hub: hub.clone(),
            number: hub.add_thread(notices),
            ports: RefCell::default(),
            listener: Cell::default(),
        });
        let listener = spawn_local(take_notices(notices_in, Rc::downgrade(&port)));
        port.listener.set(Some(listener));
        port
    }

    /// Requests of this thread that applications work on.
    pub fn in_flight(&self) -> usize {
        let ports = self.ports.borrow();
        ports.values().map(|port| port.in_flight()).sum()
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Opens the ports of applications before their first requests: descriptors and memory that
    /// are missing show when the configuration is applied, not later.
    pub(in crate::router) fn open_ports(self: &Rc<Self>, apps: &[Arc<App>]) {
        for app in apps {
            if let Err(error) = self.port_of(app) {
                crate::warning!("app \"{}\": no port for its answers: {error}", app.name);
            }
        }
    }

    /// The port to which an application answers.
    pub(super) fn port_of(self: &Rc<Self>, app: &Arc<App>) -> std::io::Result<Rc<AppPort>> {
        if let Some(port) = self.known_port(app.id) {
            return Ok(port);
        }
        let port = AppPort::open(self, app)?;
        self.ports.borrow_mut().insert(app.id, port.clone());
        Ok(port)
    }

    fn known_port(&self, app: AppId) -> Option<Rc<AppPort>> {
        self.ports.borrow().get(&app).cloned()
    }

    /// Forgets the port of an application, if it is still this one.
    pub(super) fn forget_port(&self, app: AppId, id: Id) {
        let mut ports = self.ports.borrow_mut();
        if ports.get(&app).is_some_and(|port| port.id() == id) {
            ports.remove(&app);
        }
    }

    fn notice(&self, notice: Notice) {
        let (app, port) = match &notice {
            Notice::ProcessGone(departure) => (departure.process.app_id, None),
            Notice::Refused(app, _) | Notice::QueueReplaced(app) => (app.id, None),
            Notice::AppGone(app) => (*app, self.ports.borrow_mut().remove(app)),
        };
        let Some(port) = port.or_else(|| self.known_port(app)) else {
            return;
        };
        match notice {
            Notice::ProcessGone(departure) => port.process_gone(departure.process.pid),
            Notice::Refused(_, failure) => port.refuse(failure),
            Notice::QueueReplaced(_) => port.queue_replaced(),
            Notice::AppGone(_) => {}
        }
    }
}

impl Drop for WorkerPort {
    fn drop(&mut self) {
        self.hub.remove_thread(self.number);
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
    }
}

async fn take_notices(mut notices: UnboundedReceiver<Notice>, port: Weak<WorkerPort>) {
    while let Some(notice) = notices.recv().await {
        let Some(port) = port.upgrade() else { return };
        port.notice(notice);
    }
}
