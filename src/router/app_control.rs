//! The way of one application's prototype and processes to the router's main thread.
//!
//! The router makes a socket for each prototype that it asks main for; the prototype hands its write
//! end to the processes that it forks, as the router's port 0. So what one application writes there,
//! how much of it, or that it closes the socket, concerns no other application and not the daemon.
//!
//! | message | from | meaning |
//! |---|---|---|
//! | `NEW_PORT` | prototype | a new process, the answer to `START_PROCESS` |
//! | `RPC_ERROR` | prototype | no process could be started |
//! | `REMOVE_PID` | prototype | a process is gone |
//! | `NEW_PORT` | process | a port of a further thread |
//! | `GET_PORT`, `GET_MMAP` | process | send that port, that segment |
//! | `OOSM`, `MMAP` | process | shared memory |

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::{Arc, Weak};

use tokio::io::Interest;
use tokio::task::spawn_local;

use super::app::App;
use super::control::{Control, read_port};
use super::hub::{Link, Process};
use crate::base::log::Level;
use crate::ipc::admission::{self, Refusal};
use crate::ipc::message::kind;
use crate::ipc::peers::decode_get_port;
use crate::ipc::{Header, Message, NewPort, ProcessType, ReceiveError, Receiver, socket};
use crate::sys::watch::watch;

/// Messages that are handled before other tasks get their turn.
const BATCH: usize = 64;

/// Makes the way for a prototype that is about to be started: its write end.
pub(super) fn open(control: &Rc<Control>, app: &Arc<App>) -> std::io::Result<OwnedFd> {
    let (read, write) = socket::pair()?;
    let watched = watch(read.try_clone()?, Interest::READABLE)?;
    let reader = Reader {
        control: control.clone(),
        app: Arc::downgrade(app),
        receiver: Receiver::new(read, None).without_fragments(),
    };
    spawn_local(async move {
        let mut reader = reader;
        while let Ok(mut guard) = watched.readable().await {
            loop {
                match reader.drain() {
                    Some(true) => break,
                    Some(false) => tokio::task::yield_now().await,
                    None => return,
                }
            }
            guard.clear_ready();
        }
    });
    Ok(write)
}

struct Reader {
    control: Rc<Control>,
    app: Weak<App>,
    receiver: Receiver,
}

impl Reader {
    /// Handles what is there, up to a batch; whether that was all. `None`: nobody will write here
    /// any more, the prototype and its processes are gone or want to hear nothing.
    fn drain(&mut self) -> Option<bool> {
        for _ in 0..BATCH {
            let received = self.receiver.receive();
            // A removed application whose processes are gone has nothing to say.
            let app = self.app.upgrade()?;
            match received {
                Ok(Some(message)) => {
                    let (kind, pid) = (message.header.kind, message.header.pid);
                    if let Err(refusal) = self.dispatch(&app, message) {
                        complain(
                            &app,
                            format_args!("message {kind} from process {pid} {refusal}"),
                        );
                    }
                }
                Ok(None) => return Some(true),
                Err(ReceiveError::Malformed(why)) => {
                    complain(&app, format_args!("malformed message: {why}"));
                }
                Err(ReceiveError::Closed) => return None,
                Err(error) => {
                    complain(&app, format_args!("{error}"));
                    return None;
                }
            }
        }
        Some(false)
    }

    fn dispatch(&self, app: &Arc<App>, message: Message) -> Result<(), Refusal> {
        let sender = message.sender.ok_or(Refusal::Sender(None))?;
        if app.has_prototype(sender) {
            admission::check(ProcessType::Router, Some(ProcessType::Prototype), &message)?;
            self.take_from_prototype(app, message);
            return Ok(());
        }
        // A program may have handed its port on to one that it started, as a shell does. It speaks
        // for the process then, but never for one of another application.
        let hub = &self.control.hub;
        let process = hub
            .process(app.id, message.header.pid)
            .filter(|process| process.pid == sender || !hub.is_foreign(app.id, sender))
            .ok_or(Refusal::Sender(Some(sender)))?;
        admission::check(ProcessType::Router, Some(ProcessType::App), &message)?;
        self.take_from_process(app, &process, message)
    }

    fn take_from_prototype(&self, app: &Arc<App>, message: Message) {
        let stream = message.header.stream;
        match message.header.kind {
            kind::NEW_PORT => match read_port(message) {
                Some((new, sender)) if new.process == ProcessType::App => {
                    self.control.process_ready(app, stream, new.port, sender);
                }
                _ => self.control.start_refused(app, stream),
            },
            kind::REMOVE_PID => {
                self.control.start_refused(app, stream);
                let process = message.pid_body();
                if let Some(process) = process.and_then(|pid| self.control.hub.process(app.id, pid))
                {
                    self.control.app_process_gone(process);
                }
                self.control.forget_finished();
            }
            _ => self.control.start_refused(app, stream),
        }
    }

    fn take_from_process(
        &self,
        app: &Arc<App>,
        process: &Arc<Process>,
        mut message: Message,
    ) -> Result<(), Refusal> {
        match message.header.kind {
            kind::NEW_PORT => {
                let claimed = NewPort::decode(&message.body).map(|new| new.port.pid);
                if claimed != Some(process.pid) {
                    return Err(Refusal::Sender(claimed));
                }
                if let Some((new, sender)) = read_port(message) {
                    let hub = &self.control.hub;
                    app.port_added(Link::new(hub, new.port, sender, Some(process.clone())));
                }
            }
            kind::GET_PORT => self.send_port(app, &message),
            kind::GET_MMAP => self.send_segment(app, &message),
            kind::MMAP => {
                if let Some(fd) = message.take_fd()
                    && let Err(error) = process.incoming.add(fd.as_fd())
                {
                    let pid = process.pid;
                    complain(app, format_args!("shared memory of process {pid}: {error}"));
                }
            }
            kind::OOSM => process.out_of_memory(),
            _ => return Err(Refusal::Kind),
        }
        Ok(())
    }

    fn send_port(&self, app: &App, message: &Message) {
        let header = &message.header;
        let Some(wanted) = decode_get_port(&message.body) else {
            return;
        };
        let hub = &self.control.hub;
        let port = hub
            .port(wanted.id)
            .filter(|port| wanted.pid == hub.pid && port.app == app.id);
        let link = app.port(header.pid, header.reply_port);
        let (Some(port), Some(link)) = (port, link) else {
            let text = format_args!(
                "port {}:{} for process {} not found",
                wanted.pid, wanted.id, header.pid
            );
            return complain(app, text);
        };
        let body = NewPort::new(wanted, ProcessType::Router).encode();
        let answer = Header::new(hub.pid, kind::NEW_PORT, header.stream);
        let fds = [port.socket.as_fd(), port.queue.as_fd()];
        if let Err(error) = link.send(&answer, &body, &fds) {
            complain(
                app,
                format_args!("port for process {}: {error}", header.pid),
            );
        }
    }

    fn send_segment(&self, app: &App, message: &Message) {
        let (header, pid) = (&message.header, message.header.pid);
        let Some(id) = message
            .body
            .first_chunk()
            .map(|bytes| u32::from_ne_bytes(*bytes))
        else {
            return;
        };
        let Some(link) = app.port(pid, header.reply_port) else {
            return complain(app, format_args!("segment {id} for process {pid}: no port"));
        };
        let own = self.control.hub.pid;
        let answer = Header::new(own, kind::MMAP, 0);
        let sent = match app.outgoing().duplicate_fd(id) {
            Some(fd) => link.send(&answer, &[], &[fd.as_fd()]),
            None => {
                complain(
                    app,
                    format_args!("process {pid} asks for unknown segment {id}"),
                );
                let error = Header::new(own, kind::RPC_ERROR, header.stream);
                link.send(&error, &[], &[])
            }
        };
        if let Err(error) = sent {
            complain(app, format_args!("segment for process {pid}: {error}"));
        }
    }
}

fn complain(app: &App, what: std::fmt::Arguments<'_>) {
    let text = format_args!("app \"{}\": {what}", app.name);
    app.complaints.write(Level::Alert, text);
}
