//! One request in flight, as its worker's port sees it: who has it, and what came back so far.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Seek;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::chunk::Chunk;
use super::exchange::Part;
use super::{App, SharedPort, response};
use crate::ipc::segment::OutgoingRun;
use crate::ipc::{ChunkRef, Header, Id, Message, Pid, SendError, kind};
use crate::router::hub::Link;

/// Bytes of plain messages that may wait for one slow client. An application that writes small
/// pieces gets no backpressure by the protocol, so there must be an end.
const MAX_PLAIN: usize = 32 << 20;

/// Who has the request.
enum Holder {
    /// It waits in the queue.
    Queue {
        shared: Arc<SharedPort>,
        cookie: u32,
        failures: u32,
    },
    /// A process took it.
    Process { link: Arc<Link>, upgraded: bool },
    /// Nobody any more: it is over.
    Nobody,
}

pub(super) struct Slot {
    pub(super) stream: u32,
    pub(super) app: Arc<App>,
    websocket: bool,
    /// The client is known to have left.
    left: Cell<bool>,
    state: RefCell<State>,
    waker: Cell<Option<Waker>>,
    /// When the application should have said something (`limits.timeout`).
    deadline: Cell<Option<Instant>>,
}

struct State {
    holder: Holder,
    /// The request's head in shared memory.
    head: ChunkRef,
    /// What of the body did not fit behind the head.
    rest: Vec<(OutgoingRun, usize)>,
    file: Option<File>,
    parts: VecDeque<Part>,
    plain: usize,
    head_seen: bool,
}

/// The body of a request beside what lies behind its head.
#[derive(Default)]
pub(super) struct Rest {
    pub(super) runs: Vec<(OutgoingRun, usize)>,
    pub(super) file: Option<File>,
}

impl Slot {
    pub(super) fn new(
        stream: u32,
        app: Arc<App>,
        websocket: bool,
        head: ChunkRef,
        rest: Rest,
    ) -> Slot {
        Slot {
            stream,
            app,
            websocket,
            left: Cell::new(false),
            state: RefCell::new(State {
                holder: Holder::Nobody,
                head,
                rest: rest.runs,
                file: rest.file,
                parts: VecDeque::new(),
                plain: 0,
                head_seen: false,
            }),
            waker: Cell::new(None),
            deadline: Cell::new(None),
        }
    }

    /// The request is in the queue. It must not wait there longer than for the answer later.
    pub(super) fn queued(&self, shared: Arc<SharedPort>, cookie: u32, failures: u32) {
        self.restart_timer();
        self.state.borrow_mut().holder = Holder::Queue {
            shared,
            cookie,
            failures,
        };
    }

    /// Whether the request is over for the application.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state.borrow().holder, Holder::Nobody)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.get()
    }

    pub(super) fn pop(&self, waker: &Waker) -> Option<Part> {
        let mut state = self.state.borrow_mut();
        let part = state.parts.pop_front();
        match &part {
            Some(Part::Data(chunk)) => state.plain -= chunk.own_bytes(),
            Some(_) => {}
            None => {
                let old = self.waker.take();
                let same = old.filter(|old| old.will_wake(waker));
                self.waker.set(Some(same.unwrap_or_else(|| waker.clone())));
            }
        }
        part
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The process that took it.
    pub(super) fn process(&self) -> Option<Pid> {
        match &self.state.borrow().holder {
            Holder::Process { link, .. } => Some(link.port.pid),
            _ => None,
        }
    }

    /// Where WebSocket frames of the client go.
    pub(super) fn upgraded_link(&self) -> Option<Arc<Link>> {
        match &self.state.borrow().holder {
            Holder::Process {
                link,
                upgraded: true,
            } => Some(link.clone()),
            _ => None,
        }
    }

    /// A process says that it took the request; the rest of the body is sent to it.
    pub(super) fn taken(&self, message: &Header, own_pid: Pid, own_port: Id) {
        let mut state = self.state.borrow_mut();
        if !matches!(state.holder, Holder::Queue { .. }) {
            return;
        }
        let taken = self
            .app
            .request_taken(message.pid, message.reply_port, self.left.get());
        let Some(link) = taken else {
            // It died right after it took the request; or nobody told us of it.
            drop(state);
            crate::warning!(
                "app \"{}\": process {} took a request and is gone",
                self.app.name,
                message.pid
            );
            self.give_up();
            return;
        };
        state.holder = Holder::Process {
            link: link.clone(),
            upgraded: false,
        };
        let sent = if state.file.is_some() || !state.rest.is_empty() {
            let header = Header::new(own_pid, kind::REQ_BODY, self.stream).reply_to(own_port);
            send_rest(&mut state, &self.app, &link, &header)
        } else {
            Ok(())
        };
        drop(state);
        if let Err(error) = sent {
            crate::error!(
                "app \"{}\": sending a request body failed: {error}",
                self.app.name
            );
            self.fail(503);
            return;
        }
        if self.left.get() && self.app.hears_of_leaving {
            self.tell_closed(&link, own_pid, own_port);
        }
        self.restart_timer();
    }

    fn restart_timer(&self) {
        if let Some(timeout) = self.app.timeout {
            self.deadline.set(Some(Instant::now() + timeout));
        }
    }

    /// The application said nothing for too long.
    pub(super) fn timed_out(&self) {
        crate::warning!("app \"{}\": a request timed out", self.app.name);
        if let Some(pid) = self.process() {
            self.app.process_hangs(pid);
        }
        self.fail(503);
    }

    /// A `DATA` message. Whether it is from the process that has the request.
    pub(super) fn data(&self, mut message: Message, table: &mut Vec<u8>) -> bool {
        let mut state = self.state.borrow_mut();
        let link = match &state.holder {
            Holder::Process { link, .. } if link.port.pid == message.header.pid => link.clone(),
            _ => return false,
        };
        let added = if message.header.mmap {
            self.add_shared(&mut state, &link, &message, table)
        } else {
            let body = std::mem::take(&mut message.body);
            self.add_plain(&mut state, body.into_vec(), table)
        };
        let (limit, head_seen) = (self.app.max_chunks, state.head_seen);
        let within = state.parts.len() <= limit && state.plain <= MAX_PLAIN;
        drop(state);
        match added {
            Err(error) => {
                crate::alert!(
                    "app \"{}\": process {}: {error}",
                    self.app.name,
                    link.port.pid
                );
                self.fail(503);
            }
            Ok(()) if !within => {
                crate::error!(
                    "app \"{}\": the client is too slow for a response in small writes",
                    self.app.name
                );
                self.fail(503);
            }
            Ok(()) if message.header.last => {
                // An end without a head is no response.
                self.finish(if head_seen {
                    Part::End
                } else {
                    Part::Failed(503)
                });
            }
            Ok(()) => {
                self.restart_timer();
                self.wake();
            }
        }
        true
    }

    fn add_shared(
        &self,
        state: &mut State,
        link: &Link,
        message: &Message,
        table: &mut Vec<u8>,
    ) -> Result<(), BadData> {
        let process = link.process.as_ref().ok_or(BadData::NoProcess)?;
        for reference in message.chunks() {
            let chunk = process.incoming.chunk(reference)?;
            if state.head_seen {
                let all = 0..chunk.len();
                state.parts.push_back(Part::Data(Chunk::shared(chunk, all)));
                continue;
            }
            let (head, body) = response::parse(&chunk, table)?;
            self.add_head(state, head);
            if !body.is_empty() {
                state
                    .parts
                    .push_back(Part::Data(Chunk::shared(chunk, body)));
            }
        }
        Ok(())
    }

    fn add_plain(
        &self,
        state: &mut State,
        mut bytes: Vec<u8>,
        table: &mut Vec<u8>,
    ) -> Result<(), BadData> {
        if !state.head_seen && !bytes.is_empty() {
            let (head, body) = response::parse(&bytes, table)?;
            self.add_head(state, head);
            bytes.truncate(body.end);
            bytes.drain(..body.start);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        state.plain += bytes.len();
        if let Some(Part::Data(last)) = state.parts.back_mut()
            && last.join(&bytes)
        {
            return Ok(());
        }
        state.parts.push_back(Part::Data(Chunk::plain(bytes)));
        Ok(())
    }

    fn add_head(&self, state: &mut State, head: super::exchange::ResponseHead) {
        state.head_seen = true;
        if let Holder::Process { link, upgraded } = &mut state.holder
            && self.websocket
            && head.status == 101
        {
            *upgraded = true;
            self.app.request_upgraded(link.port.pid);
        }
        state.parts.push_back(Part::Head(head));
    }

    /// What the request waited for will not come, if it began to wait before this failure. One that
    /// a process took without saying so yet waits for that process.
    pub(super) fn refuse(&self, failure: u32) {
        let refused = match &self.state.borrow().holder {
            Holder::Queue {
                shared,
                cookie,
                failures,
            } => failure.wrapping_sub(*failures) as i32 >= 0 && shared.cancel(*cookie, self.stream),
            _ => false,
        };
        if refused {
            self.give_up();
        }
    }

    /// Whether a process took the request out of the queue without saying so yet.
    pub(super) fn is_between(&self) -> bool {
        match &self.state.borrow().holder {
            Holder::Queue { shared, cookie, .. } => !shared.is_waiting(*cookie, self.stream),
            _ => false,
        }
    }

    /// Puts the request into the application's present queue if nobody took it from its old one.
    pub(super) fn requeue(&self, header: &Header) {
        let current = self.app.current_queue();
        let mut state = self.state.borrow_mut();
        let head = state.head;
        let Holder::Queue { shared, cookie, .. } = &mut state.holder else {
            return;
        };
        if Arc::ptr_eq(shared, &current) || !shared.cancel(*cookie, self.stream) {
            return;
        }
        let result = current.send(header, head);
        *shared = current;
        match result {
            Ok(new) => *cookie = new,
            Err(error) => {
                drop(state);
                crate::alert!("app \"{}\": {error}", self.app.name);
                self.fail(503);
            }
        }
    }

    /// The application is out of the game; the client gets the status, or is cut off.
    pub(super) fn fail(&self, status: u16) {
        if !self.is_over() {
            self.finish(Part::Failed(status));
        }
    }

    /// Nobody will serve the request: what lay in shared memory for it comes back.
    pub(super) fn give_up(&self) {
        let (head, stream) = (self.state.borrow().head, self.stream);
        self.app.outgoing.take_back(head, stream);
        self.fail(503);
    }

    fn finish(&self, part: Part) {
        self.release();
        self.state.borrow_mut().parts.push_back(part);
        self.wake();
    }

    /// Ends the application's part in it.
    fn release(&self) {
        self.deadline.set(None);
        let mut state = self.state.borrow_mut();
        let holder = std::mem::replace(&mut state.holder, Holder::Nobody);
        state.rest.clear();
        state.file = None;
        let head = state.head;
        drop(state);
        match holder {
            Holder::Queue { shared, cookie, .. } => {
                if shared.cancel(cookie, self.stream) {
                    self.app.outgoing.take_back(head, self.stream);
                }
                self.app.request_dropped(self.left.get());
            }
            Holder::Process { link, upgraded } => {
                self.app
                    .request_done(link.port.pid, upgraded, self.left.get());
            }
            Holder::Nobody => {}
        }
    }

    /// See [`Exchange::client_left`](super::exchange::Exchange::client_left).
    pub(super) fn client_left(&self, own_pid: Pid, own_port: Id) {
        if self.left.replace(true) {
            return;
        }
        let link = match &self.state.borrow().holder {
            Holder::Process { link, .. } => Some(link.clone()),
            // It is told when it takes the request.
            Holder::Queue { .. } => None,
            Holder::Nobody => return,
        };
        self.app
            .request_abandoned(link.as_ref().map(|link| link.port.pid));
        if let Some(link) = link
            && self.app.hears_of_leaving
        {
            self.tell_closed(&link, own_pid, own_port);
        }
    }

    /// The client is gone or has enough. An application that speaks WebSocket with it is told.
    pub(super) fn cancel(&self, own_pid: Pid, own_port: Id) {
        match self.upgraded_link() {
            Some(link) => self.tell_closed(&link, own_pid, own_port),
            None => self.client_left(own_pid, own_port),
        }
        self.release();
    }

    /// The last, empty WebSocket message of a stream: libunit calls `close_handler` for it, also
    /// when the request is a plain one.
    fn tell_closed(&self, link: &Arc<Link>, own_pid: Pid, own_port: Id) {
        let header = Header::new(own_pid, kind::WEBSOCKET, self.stream)
            .reply_to(own_port)
            .with_last(true);
        // The process learns of nothing else if its port is full, but it is not lost.
        if let Err(error) = link.send(&header, &[], &[]) {
            crate::warning!(
                "app \"{}\": telling of a client that left: {error}",
                self.app.name
            );
        }
    }
}

/// Sends what of the body does not lie behind the head.
fn send_rest(
    state: &mut State,
    app: &App,
    link: &Arc<Link>,
    header: &Header,
) -> Result<(), RestError> {
    if let Some(mut file) = state.file.take() {
        file.rewind().map_err(RestError::File)?;
        return Ok(link.send(header, &[], &[file.as_fd()])?);
    }
    let chunks: Vec<ChunkRef> = std::mem::take(&mut state.rest)
        .into_iter()
        .map(|(run, size)| run.into_sent_for(size, header.stream))
        .collect();
    link.send_chunks(header, &chunks).inspect_err(|_| {
        chunks
            .iter()
            .for_each(|&chunk| app.outgoing.take_back(chunk, header.stream));
    })?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum RestError {
    #[error("{0}")]
    File(std::io::Error),
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What an application can get wrong in its answer.
#[derive(Debug, thiserror::Error)]
enum BadData {
    #[error(transparent)]
    Head(#[from] response::BadResponse),
    #[error(transparent)]
    Segment(#[from] crate::ipc::segment::SegmentError),
    #[error("shared memory over a port without a process")]
    NoProcess,
}
