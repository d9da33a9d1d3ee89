//! The event loops that an application may use, and the entry points for those with their own.

use std::ffi::c_int;

use super::port::wait_for;
use super::{Context, Failed, Request};
use crate::abi::unit::*;
use crate::ipc::message::QUIT_NORMAL;

impl Context {
    /// Processes messages until the context shall quit (`nxt_unit_run`).
    pub fn run(&self) -> c_int {
        let _in_use = self.acquire();
        let mut rc = NXT_UNIT_OK;
        while self.is_online() {
            rc = self.step();
            if rc == NXT_UNIT_ERROR {
                self.quit(QUIT_NORMAL);
                break;
            }
        }
        rc
    }

    /// Waits for one message and processes it (`nxt_unit_run_once`).
    pub fn run_once(&self) -> c_int {
        let _in_use = self.acquire();
        self.step()
    }

    fn step(&self) -> c_int {
        match self.receive_any() {
            Ok(Some(message)) => self.process_and_settle(message),
            Ok(None) => NXT_UNIT_AGAIN,
            Err(Failed) => NXT_UNIT_ERROR,
        }
    }

    fn process_and_settle(&self, message: super::receive::Received) -> c_int {
        let rc = self.process(message, None);
        if rc == NXT_UNIT_ERROR {
            return rc;
        }
        let pending = self.process_pending();
        if pending == NXT_UNIT_ERROR {
            return pending;
        }
        self.process_ready_requests();
        pending
    }

    /// Processes messages of the context's own port only (`nxt_unit_run_ctx`).
    pub fn run_own(&self) -> c_int {
        let _in_use = self.acquire();
        let mut rc = NXT_UNIT_OK;
        while self.is_online() {
            let Some(port) = self.read_port() else {
                return NXT_UNIT_ERROR;
            };
            rc = match self.receive_waiting(port) {
                Ok(message) => self.process_and_settle(message),
                Err(Failed) => NXT_UNIT_ERROR,
            };
            if rc == NXT_UNIT_ERROR {
                break;
            }
        }
        rc
    }

    /// Processes requests of the shared port only (`nxt_unit_run_shared`).
    pub fn run_shared(&self) -> c_int {
        let _in_use = self.acquire();
        let mut rc = NXT_UNIT_OK;
        while self.takes_requests() {
            rc = match self.receive_shared() {
                Ok(Some(message)) => self.process(message, None),
                Ok(None) => {
                    if let Ok(port) = self.library().shared_port() {
                        wait_for(port.in_fd(), libc::POLLIN);
                    }
                    continue;
                }
                Err(Failed) => NXT_UNIT_ERROR,
            };
            if rc == NXT_UNIT_ERROR {
                break;
            }
        }
        rc
    }

    /// Takes a request without waiting and without calling the request handler
    /// (`nxt_unit_dequeue_request`).
    pub fn dequeue(&self) -> Option<&Request> {
        let _in_use = self.acquire();
        if !self.takes_requests() {
            return None;
        }
        let message = self.receive_request()?;
        let mut request = None;
        self.process(message, Some(&mut request));
        request
    }

    /// Receives and processes one message of a port that the application found readable
    /// (`nxt_unit_process_port_msg`). A null port means the context's own.
    pub fn process_port(&self, port: *mut nxt_unit_port_t) -> c_int {
        let _in_use = self.acquire();
        let lib = self.library();
        let message = match lib.shared_port() {
            Ok(shared) if std::ptr::eq(shared.as_ptr(), port) => {
                if !self.takes_requests() {
                    return NXT_UNIT_AGAIN;
                }
                self.receive_shared()
            }
            _ => match self.port_named(port) {
                Some(port) => self.receive_from(&port),
                None => Err(Failed),
            },
        };
        match message {
            Ok(Some(message)) => self.process_and_settle(message),
            Ok(None) => NXT_UNIT_AGAIN,
            Err(Failed) => NXT_UNIT_ERROR,
        }
    }

    fn port_named(&self, port: *mut nxt_unit_port_t) -> Option<std::sync::Arc<super::Port>> {
        let own = self.read_port()?;
        if port.is_null() || std::ptr::eq(own.as_ptr(), port) {
            return Some(own.clone());
        }
        // SAFETY: not null, so it is a port of this library, by the interface's contract.
        let id = unsafe { (*port).id };
        self.library().find_port(crate::ipc::PortId {
            pid: id.pid,
            id: id.id,
        })
    }

    /// Processes the messages that were kept for later.
    pub(super) fn process_pending(&self) -> c_int {
        let pending = self.take_pending();
        if pending.is_empty() {
            return NXT_UNIT_OK;
        }
        let mut rc = NXT_UNIT_OK;
        for message in pending {
            if rc == NXT_UNIT_ERROR {
                self.recycle(message);
            } else {
                rc = self.process(message, None);
            }
        }
        self.quit_if_leaving();
        rc
    }

    /// Starts the requests whose response port has become usable.
    pub(super) fn process_ready_requests(&self) {
        for request in self.take_ready_requests() {
            // SAFETY: active requests live as long as the context.
            let request = unsafe { &*request };
            self.start_request(request, None);
        }
    }
}
