//! Readiness, and leaving.

use std::sync::atomic::Ordering;

use super::log::report_request;
use super::{Context, Failed};
use crate::abi::unit::*;
use crate::ipc::message::{Header, QUIT_GRACEFUL, kind};

impl Context {
    /// The router knows this context (`PORT_ACK`): it may take requests.
    pub(super) fn become_ready(&self) -> Result<(), Failed> {
        if self.ready.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let lib = self.library();
        if lib.is_main(self) {
            let Some(ready_handler) = lib.callbacks().ready_handler else {
                return Ok(());
            };
            // SAFETY: the context is alive; the callback is the application's.
            return match unsafe { ready_handler(self.as_ptr()) } {
                NXT_UNIT_OK => Ok(()),
                _ => Err(Failed),
            };
        }
        if let Some(main) = lib.main_context()
            && !main.ready.load(Ordering::Acquire)
        {
            // The main context is leaving already.
            self.ready.store(false, Ordering::Release);
            self.quit(main.quit_param.load(Ordering::Acquire));
            return Ok(());
        }
        if let (Some(add_port), Ok(port)) = (lib.callbacks().add_port, lib.shared_port()) {
            // SAFETY: both are alive; the callback is the application's.
            unsafe { add_port(self.as_ptr(), port.as_ptr()) };
        }
        Ok(())
    }

    /// A context that no longer takes requests goes when it has done what it has.
    pub(super) fn quit_if_leaving(&self) {
        if !self.ready.load(Ordering::Acquire) {
            self.quit(QUIT_GRACEFUL);
        }
    }

    /// Takes no more requests, and ends the context: at once, or (graceful) when it is idle. The
    /// main context tells the others.
    pub(super) fn quit(&self, how: u8) {
        if !self.is_online() {
            return;
        }
        let graceful = how == QUIT_GRACEFUL;
        let lib = self.library().clone();
        let was_ready = self.ready.swap(false, Ordering::AcqRel);
        if was_ready
            && let (Some(remove_port), Ok(port)) = (lib.callbacks().remove_port, lib.shared_port())
        {
            // SAFETY: all are alive; the callback is the application's.
            unsafe { remove_port(lib.as_ptr(), self.as_ptr(), port.as_ptr()) };
        }
        if !graceful {
            self.quit_param.store(how, Ordering::Release);
        }
        if !graceful || self.is_idle() {
            self.go_offline();
        }
        if lib.is_main(self) && (was_ready || !graceful) {
            let header = Header::new(lib.pid(), kind::QUIT, 0).with_last(false);
            for port in lib.other_read_ports(self) {
                // A failure has been logged.
                let _ = port.send(self, &header, &[how], &[]);
            }
        }
    }

    fn go_offline(&self) {
        self.online.store(false, Ordering::Release);
        let lib = self.library().clone();
        if let Some(quit) = lib.callbacks().quit {
            // SAFETY: the context is alive; the callback is the application's.
            unsafe { quit(self.as_ptr()) };
        }
        for request in self.active_requests() {
            // SAFETY: active requests live as long as the context.
            let request = unsafe { &*request };
            if request.is_released() {
                continue;
            }
            report_request!(request, WARN, "active request on ctx quit");
            match lib.callbacks().close_handler {
                // SAFETY: the request is alive; the callback is the application's.
                Some(close_handler) => unsafe { close_handler(request.as_ptr()) },
                None => request.done(NXT_UNIT_ERROR),
            }
        }
        if let Some(port) = self.read_port() {
            lib.remove_port(Some(self), port.id());
        }
    }
}
