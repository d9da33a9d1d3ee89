//! Memory for what the application sends, and what happens when there is none left.

use super::log::report;
use super::{Context, Failed, Port};
use crate::ipc::message::{Header, kind};
use crate::ipc::segment::{AllocateError, OutgoingRun, Via, chunks_for};

use super::MAX_PLAIN;

/// Up to this a message fits the queue as it is.
pub(super) const MAX_QUEUED: usize = crate::ipc::queue::MAX_MESSAGE - 16;

/// How much the caller needs.
#[derive(Clone, Copy)]
pub(super) enum Need {
    /// At least so many bytes: wait for the router to release memory.
    AtLeast(usize),
    /// Whatever there is: do not wait.
    Anything,
}

/// Where outgoing bytes can go.
pub(super) enum Outgoing {
    /// Shared memory.
    Run(OutgoingRun),
    /// The message itself: short, and no chunk is needed or to be had.
    Plain,
    /// There is no memory now.
    Nothing,
}

impl Context {
    /// Finds room for `size` bytes to be sent to `port`.
    ///
    /// Short messages also go into shared memory if there is some at once: their message then fits
    /// the router's queue, which saves both sides a system call. Not so when the process may leave
    /// right after it: the router of Unit 1.35.0 forgets the memory of a process that is gone, even
    /// if messages of it are still to be read.
    pub(super) fn outgoing(
        &self,
        port: &Port,
        size: usize,
        need: Need,
    ) -> Result<Outgoing, Failed> {
        if size <= MAX_QUEUED {
            return Ok(Outgoing::Plain);
        }
        if size <= MAX_PLAIN {
            if !self.is_staying() {
                return Ok(Outgoing::Plain);
            }
            return Ok(match self.allocate(port, size, size) {
                Ok(run) => Outgoing::Run(run),
                Err(_) => Outgoing::Plain,
            });
        }
        let min = match need {
            Need::AtLeast(min) => min,
            Need::Anything => 0,
        };
        loop {
            match self.allocate(port, size, min) {
                Ok(run) => return Ok(Outgoing::Run(run)),
                Err(Some(AllocateError::Exhausted)) => {}
                Err(Some(error)) => {
                    report!(Some(self.library()), ALERT, "{error}");
                    return Err(Failed);
                }
                Err(None) => return Err(Failed),
            }
            let outgoing = self.library().outgoing();
            if outgoing.held_chunks() + chunks_for(min) >= outgoing.max_chunks() {
                // The application itself holds it all: nobody will release any.
                return if min == 0 {
                    Ok(Outgoing::Nothing)
                } else {
                    Err(Failed)
                };
            }
            self.send_oosm()?;
            if min == 0 {
                return Ok(Outgoing::Nothing);
            }
            self.wait_shm_ack()?;
        }
    }

    /// `None`: a new segment could not be announced (logged).
    fn allocate(
        &self,
        port: &Port,
        size: usize,
        min: usize,
    ) -> Result<OutgoingRun, Option<AllocateError>> {
        // SAFETY: pthread_self has no preconditions.
        let thread = unsafe { libc::pthread_self() } as usize;
        let via = Via {
            port: port.id().id,
            thread,
        };
        let outgoing = self.library().outgoing();
        let allocation = outgoing.allocate(size, min, Some(via)).map_err(Some)?;
        if allocation.created {
            let (id, fd) = allocation.run.segment_fd();
            let header = Header::new(self.library().pid(), kind::MMAP, 0).with_last(false);
            if port.send(self, &header, &[], &[fd]).is_err() {
                drop(allocation);
                outgoing.discard(id);
                return Err(None);
            }
        }
        Ok(allocation.run)
    }

    fn send_oosm(&self) -> Result<(), Failed> {
        let header = Header::new(self.library().pid(), kind::OOSM, 0).with_last(false);
        self.library().router_port()?.send(self, &header, &[], &[])
    }

    /// Waits until the router has released memory; keeps other messages for later.
    fn wait_shm_ack(&self) -> Result<(), Failed> {
        let port = self.read_port().ok_or(Failed)?;
        loop {
            let message = self.receive_waiting(port)?;
            match message.header().map(|header| header.kind) {
                Some(kind::SHM_ACK) => {
                    self.recycle(message);
                    return Ok(());
                }
                None => {
                    self.postpone(message);
                    return Err(Failed);
                }
                Some(other) => {
                    self.postpone(message);
                    if other == kind::QUIT {
                        return Err(Failed);
                    }
                }
            }
        }
    }
}
