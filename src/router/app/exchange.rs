//! One request in the hands of an application.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};

use super::App;
use super::app_port::AppPort;
use super::chunk::Chunk;
use super::serialize::Serialized;
use super::slot::{Rest, Slot};
use super::worker_port::WorkerPort;
use crate::base::log::Level;
use crate::ipc::queue::QueueError;
use crate::ipc::segment::{AllocateError, DATA_SIZE, OutgoingRun};
use crate::ipc::{AppQueue, ChunkRef, Header, OutgoingSegments, SendError, kind, rpc};
use crate::router::body::Body;

/// What an application learns of a request (`nxt_unit_request_t`).
pub struct AppRequest<'a> {
    /// Method as sent.
    pub method: &'a [u8],
    /// Protocol version as sent, e.g. `HTTP/1.1`.
    pub version: &'a [u8],
    /// Client address without port, or `unix:`.
    pub remote: &'a [u8],
    /// Local address without port.
    pub local_addr: &'a [u8],
    /// Local port.
    pub local_port: &'a [u8],
    /// Normalised host, or `localhost`.
    pub server_name: &'a [u8],
    /// Target as sent.
    pub target: &'a [u8],
    /// Decoded, normalised path.
    pub path: &'a [u8],
    /// Raw query, if the target has a question mark.
    pub query: Option<&'a [u8]>,
    /// Name, value, hash of the lower-cased name; skipped fields left out.
    pub fields: &'a mut dyn Iterator<Item = (&'a [u8], &'a [u8], u16)>,
    /// The whole body. A file is sent to the application from its beginning.
    pub body: &'a Body,
    /// The client spoke TLS.
    pub tls: bool,
    /// A valid WebSocket handshake.
    pub websocket: bool,
    /// Index of the target.
    pub target_index: u8,
}

/// The head of an application's response.
#[derive(Debug, Default)]
pub struct ResponseHead {
    /// Status.
    pub status: u16,
    /// The value of the first `Content-Length` field that is a number. That field stands in
    /// `fields`, others of its name do not.
    pub content_length: Option<u64>,
    /// Names and values. `Server`, `Connection`, `Upgrade`, `Sec-WebSocket-Accept` and `Status`
    /// are left out, also what the application marked as skipped.
    pub fields: FieldList,
}

/// Header fields in one buffer: copied out of shared memory once, so that nothing changes after
/// it was checked.
#[derive(Debug, Default)]
pub struct FieldList {
    text: Vec<u8>,
    /// Lengths of name and value; their bytes follow each other in `text`.
    lengths: Vec<(u32, u32)>,
}

impl FieldList {
    /// An empty list with room for so many fields and bytes.
    pub(super) fn with_capacity(fields: usize, bytes: usize) -> FieldList {
        FieldList {
            text: Vec::with_capacity(bytes),
            lengths: Vec::with_capacity(fields),
        }
    }

    /// Appends a field.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.lengths.push((name.len() as u32, value.len() as u32));
    }

    /// The last field.
    pub(super) fn last(&self) -> Option<(&[u8], &[u8])> {
        let &(name, value) = self.lengths.last()?;
        let at = self.text.len() - (name + value) as usize;
        Some(self.text[at..].split_at(name as usize))
    }

    /// Drops the last field.
    pub(super) fn pop(&mut self) {
        if let Some((name, value)) = self.lengths.pop() {
            self.text
                .truncate(self.text.len() - (name + value) as usize);
        }
    }

    /// Names and values, in the application's order.
    pub fn iter(&self) -> FieldIter<'_> {
        FieldIter {
            text: &self.text,
            lengths: self.lengths.iter(),
        }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }
}

impl<'a> IntoIterator for &'a FieldList {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = FieldIter<'a>;

    fn into_iter(self) -> FieldIter<'a> {
        self.iter()
    }
}

/// Iterator over a [`FieldList`].
pub struct FieldIter<'a> {
    text: &'a [u8],
    lengths: std::slice::Iter<'a, (u32, u32)>,
}

impl<'a> Iterator for FieldIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &(name, value) = self.lengths.next()?;
        let (name, rest) = self.text.split_at(name as usize);
        let (value, rest) = rest.split_at(value as usize);
        self.text = rest;
        Some((name, value))
    }
}

/// The next part of an exchange.
#[derive(Debug)]
pub enum Part {
    /// The response head; always the first part of a successful response. With status 101 after
    /// [`AppRequest::websocket`] the connection is upgraded.
    Head(ResponseHead),
    /// Bytes of the body, or after an upgrade bytes of WebSocket frames to send as they are.
    Data(Chunk),
    /// The response is complete.
    End,
    /// The application failed, exited or timed out (status for the client if no head was sent yet).
    Failed(u16),
}

/// The longest frame that travels in the queue itself.
const SHORT_FRAME: usize = 15;

impl App {
    /// Hands a request over. The error is the status for the client.
    pub fn begin(
        self: &Arc<Self>,
        port: &Rc<WorkerPort>,
        mut request: AppRequest<'_>,
    ) -> Result<Exchange, u16> {
        let (body, websocket) = (request.body, request.websocket);
        let serialized = Serialized::new(&mut request, self.style).map_err(|error| {
            crate::error!("app \"{}\": {error}", self.name);
            431u16
        })?;
        let head_size = serialized.size();
        if head_size > DATA_SIZE {
            crate::alert!("headers to big to fit in shared memory ({head_size})");
            return Err(500);
        }
        let bytes: &[u8] = match body {
            Body::Memory(bytes) => bytes,
            _ => &[],
        };
        let allocate = |size: usize, min: usize| {
            let result = self.outgoing.allocate(size.min(DATA_SIZE), min, None);
            result
                .map(|allocation| allocation.run)
                .map_err(|error| self.no_memory(&error))
        };
        let mut run = allocate(head_size + bytes.len(), head_size)?;
        serialized.write(run.bytes_mut());
        let first = bytes.len().min(run.capacity() - head_size);
        run.write(head_size, &bytes[..first]);

        let mut rest = Rest::default();
        let mut left = &bytes[first..];
        while !left.is_empty() {
            let mut run = allocate(left.len(), 1)?;
            let (now, later) = left.split_at(left.len().min(run.capacity()));
            run.write(0, now);
            rest.runs.push((run, now.len()));
            left = later;
        }
        if let Body::File(file, _) = body {
            rest.file = Some(file.try_clone().map_err(|error| {
                crate::alert!(
                    "app \"{}\": a request body cannot be passed: {error}",
                    self.name
                );
                500u16
            })?);
        }
        let port = port.port_of(self).map_err(|error| {
            crate::alert!("app \"{}\": no port for its answers: {error}", self.name);
            503u16
        })?;
        self.send(port, run, head_size + first, rest, websocket)
    }

    fn send(
        self: &Arc<Self>,
        port: Rc<AppPort>,
        run: OutgoingRun,
        size: usize,
        rest: Rest,
        websocket: bool,
    ) -> Result<Exchange, u16> {
        let stream = rpc::next_stream();
        let head = run.into_sent_for(size, stream);
        let slot = Rc::new(Slot::new(stream, self.clone(), websocket, head, rest));
        let (shared, failures) = self.request_queued();
        match shared.send(&port.request_header(stream), head) {
            Ok(cookie) => {
                slot.queued(shared, cookie, failures);
                port.insert(slot.clone());
                Ok(Exchange {
                    slot,
                    port,
                    timer: None,
                })
            }
            Err(error) => {
                let text =
                    format_args!("app \"{}\": failed to send app message: {error}", self.name);
                self.complaints.write(Level::Alert, text);
                // A queue is full when as many requests wait as it has items; if they do not, it
                // only looks so.
                let waiting = self.counts().active as usize;
                if error != QueueError::Full || waiting < AppQueue::ITEMS / 2 {
                    self.repair();
                }
                self.outgoing.take_back(head, stream);
                self.request_dropped(false);
                Err(503)
            }
        }
    }

    fn no_memory(&self, error: &AllocateError) -> u16 {
        crate::alert!(
            "app \"{}\": no shared memory for a request: {error}",
            self.name
        );
        503
    }
}

/// A request that an application has. Dropping it ends the application's part in it: it is taken
/// out of the queue, or what comes of it is thrown away.
pub struct Exchange {
    slot: Rc<Slot>,
    port: Rc<AppPort>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Why a WebSocket frame could not be handed over.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The exchange is over, or the connection was not upgraded.
    #[error("the application does not speak WebSocket with this client any more")]
    Closed,
}

impl Exchange {
    /// Waits for the next part. After [`Part::End`] and [`Part::Failed`] there is none: it must not
    /// be called again.
    pub async fn next(&mut self) -> Part {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](Self::next) without waiting.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        if let Some(part) = self.slot.pop(cx.waker()) {
            return Poll::Ready(part);
        }
        // The time runs only while the client waits for the application, not the other way round.
        while let Some(deadline) = self.slot.deadline() {
            let deadline = deadline.into();
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() < deadline {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                break;
            }
            if timer.deadline() >= deadline {
                self.slot.timed_out();
                self.port.remove(self.slot.stream);
                if let Some(part) = self.slot.pop(cx.waker()) {
                    return Poll::Ready(part);
                }
            }
        }
        Poll::Pending
    }

    /// The client will send nothing more and may be gone: an application that can make use of it
    /// is told, once. Its answer is still taken.
    pub fn client_left(&mut self) {
        self.slot.client_left(self.port.hub().pid, self.port.id());
    }

    /// Hands a whole WebSocket frame of the client, header included, to the application; `false` if
    /// there is no room for it now. Nobody tells when there is: try again a little later.
    pub fn try_send_frame(&mut self, frame: &[u8]) -> Result<bool, FrameError> {
        let outgoing = self.slot.app.outgoing();
        let link = self.slot.upgraded_link().ok_or(FrameError::Closed)?;
        let header = Header::new(self.port.hub().pid, kind::WEBSOCKET, self.slot.stream)
            .reply_to(self.port.id());
        let sent = if frame.len() <= SHORT_FRAME {
            link.send(&header, frame, &[])
        } else {
            let Some(chunks) = copy_frame(outgoing, frame, header.stream) else {
                return Ok(false);
            };
            link.send_chunks(&header, &chunks).inspect_err(|_| {
                chunks
                    .iter()
                    .for_each(|&chunk| outgoing.take_back(chunk, header.stream));
            })
        };
        match sent {
            Ok(()) => Ok(true),
            Err(SendError::Full) => Ok(false),
            Err(_) => Err(FrameError::Closed),
        }
    }
}

/// `None`: there is no room now.
fn copy_frame(
    outgoing: &Arc<OutgoingSegments>,
    mut frame: &[u8],
    stream: u32,
) -> Option<Vec<ChunkRef>> {
    let mut runs = Vec::with_capacity(1);
    while !frame.is_empty() {
        let mut run = outgoing
            .allocate(frame.len().min(DATA_SIZE), 1, None)
            .ok()?
            .run;
        let (now, later) = frame.split_at(frame.len().min(run.capacity()));
        run.write(0, now);
        runs.push((run, now.len()));
        frame = later;
    }
    Some(
        runs.into_iter()
            .map(|(run, size)| run.into_sent_for(size, stream))
            .collect(),
    )
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.slot.is_over() {
            self.slot.cancel(self.port.hub().pid, self.port.id());
            self.port.remove(self.slot.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order() {
        let mut list = FieldList::default();
        list.push(b"A", b"one");
        list.push(b"Empty", b"");
        list.push(b"B", b"two");
        let all: Vec<_> = list.iter().collect();
        assert_eq!(
            all,
            [
                (&b"A"[..], &b"one"[..]),
                (&b"Empty"[..], &b""[..]),
                (&b"B"[..], &b"two"[..])
            ]
        );
        assert_eq!((list.len(), list.is_empty()), (3, false));
    }
}
