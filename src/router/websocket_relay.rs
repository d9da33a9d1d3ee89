//! A connection after the upgrade to WebSocket: frames of the client are checked and handed to the
//! application as they came, mask included; frames of the application go to the client as they are.
//! Pings are answered here.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::conf::config::Http;
use crate::http::websocket::{
    ClientFrames, Fault, FrameHeader, apply_mask, check_close, opcode, write_frame_header,
};
use crate::router::app::chunk::Chunk;
use crate::router::app::exchange::Part;
use crate::router::app_response::AppExchange;
use crate::router::client::{Client, Received};
use crate::router::connection::Next;

/// While so many bytes of pongs wait for the client to read them, nothing more is read from it.
const OWN_FRAMES_MAX: usize = 16 * 1024;

/// How often it is tried again to hand a frame to an application that has no room.
const RETRY: Duration = Duration::from_millis(10);

/// How long an application may have no room before the connection is given up.
const STALL: Duration = Duration::from_secs(60);

/// What the client's side does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Frames are taken.
    Frames,
    /// A close frame was handed over: what comes now is thrown away.
    Discard,
    /// The client will send nothing more.
    Ended,
}

/// See the module head.
pub(super) struct Relay<'a, E> {
    client: &'a mut Client,
    exchange: &'a mut E,
    rules: ClientFrames,
    /// Whether the frame at the start of the input was checked.
    checked: bool,
    reading: Reading,
    /// The response head at first, then frames of the router itself.
    own: Vec<u8>,
    own_sent: usize,
    chunk: Option<Chunk>,
    chunk_sent: usize,
    /// What to do once everything is sent.
    last: Option<Next>,
    read_timeout: Duration,
    keepalive: Duration,
    last_read: Instant,
    pinged: bool,
    /// Since when the client has not taken what is to be sent.
    blocked: Option<Instant>,
    /// Since when the application has had no room for a frame.
    stalled: Option<Instant>,
    number: u64,
}

impl<'a, E: AppExchange> Relay<'a, E> {
    /// A relay that begins by sending `first`, the head of the 101 response.
    pub(super) fn new(
        client: &'a mut Client,
        exchange: &'a mut E,
        http: &Http,
        number: u64,
        first: Vec<u8>,
    ) -> Relay<'a, E> {
        Relay {
            client,
            exchange,
            rules: ClientFrames::new(http.websocket_max_frame_size),
            checked: false,
            reading: Reading::Frames,
            own: first,
            own_sent: 0,
            chunk: None,
            chunk_sent: 0,
            last: None,
            read_timeout: http.websocket_read_timeout,
            keepalive: http.websocket_keepalive_interval,
            last_read: Instant::now(),
            pinged: false,
            blocked: None,
            stalled: None,
            number,
        }
    }

    /// Relays until one side ends, or this one has to: once `expired` is ready, the client is told
    /// that the server goes away.
    pub(super) async fn run(mut self, expired: impl Future<Output = ()>) -> Next {
        let mut expired = pin!(expired);
        let mut is_over = false;
        poll_fn(|cx| {
            if !is_over && expired.as_mut().poll(cx).is_ready() {
                is_over = true;
                if self.last.is_none() {
                    self.fail(Fault::GoingAway);
                }
            }
            self.poll(cx)
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            let mut progress = false;
            match self.poll_send(cx) {
                Poll::Ready(Ok(moved)) => progress |= moved,
                Poll::Ready(Err(next)) => return Poll::Ready(next),
                Poll::Pending => {}
            }
            if self.last.is_none()
                && self.chunk.is_none()
                && let Poll::Ready(part) = self.exchange.poll_next(cx)
            {
                self.take_part(part);
                progress = true;
            }
            if self.last.is_none() {
                match self.take_frames() {
                    Ok(moved) => progress |= moved,
                    Err(next) => return Poll::Ready(next),
                }
            }
            if let Some(next) = self.last.filter(|_| !self.has_output()) {
                return Poll::Ready(next);
            }
            if self.may_read() {
                // The relay's deadline is polled below, once everything else had its turn.
                self.client.deadline.clear();
                match self.client.poll_receive(cx) {
                    Poll::Ready(Received::Bytes(_)) => {
                        self.last_read = Instant::now();
                        self.pinged = false;
                        progress = true;
                    }
                    Poll::Ready(Received::Closed | Received::TimedOut) => {
                        // Without a close frame the client is simply gone; the application learns
                        // it when the exchange is dropped.
                        if self.reading == Reading::Frames {
                            return Poll::Ready(Next::Close);
                        }
                        self.reading = Reading::Ended;
                        progress = true;
                    }
                    Poll::Pending => {}
                }
            }
            if progress {
                continue;
            }
            match self.poll_timers(cx) {
                Poll::Ready(Some(next)) => return Poll::Ready(next),
                Poll::Ready(None) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn has_output(&self) -> bool {
        self.own_sent < self.own.len() || self.chunk.is_some()
    }

    /// Sends what waits. A frame of the router never comes between the bytes of a chunk of the
    /// application, and a chunk ends with a whole frame.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Next>> {
        let mut moved = false;
        while self.has_output() {
            let chunk = self
                .chunk
                .as_ref()
                .map_or(&[][..], |chunk| &chunk.as_ref()[self.chunk_sent..]);
            let own = &self.own[self.own_sent..];
            // A chunk that was begun goes first.
            let own_first = self.chunk_sent == 0;
            let bufs = match own_first {
                true => [IoSlice::new(own), IoSlice::new(chunk)],
                false => [IoSlice::new(chunk), IoSlice::new(own)],
            };
            let (first, second) = (bufs[0].len(), bufs[1].len());
            let bufs = match (first, second) {
                (0, _) => &bufs[1..],
                (_, 0) => &bufs[..1],
                _ => &bufs[..],
            };
            let sent = match self.client.stream.poll_write(cx, bufs) {
                Poll::Ready(Ok(sent)) => sent,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Next::Close)),
                Poll::Pending => {
                    self.blocked.get_or_insert_with(Instant::now);
                    return if moved {
                        Poll::Ready(Ok(true))
                    } else {
                        Poll::Pending
                    };
                }
            };
            self.blocked = None;
            moved = true;
            let (of_first, of_second) = (sent.min(first), sent.saturating_sub(first));
            let (of_own, of_chunk) = if own_first {
                (of_first, of_second)
            } else {
                (of_second, of_first)
            };
            self.own_sent += of_own;
            if self.own_sent == self.own.len() {
                self.own.clear();
                self.own_sent = 0;
            }
            self.chunk_sent += of_chunk;
            if self
                .chunk
                .as_ref()
                .is_some_and(|chunk| self.chunk_sent >= chunk.as_ref().len())
            {
                self.chunk = None;
                self.chunk_sent = 0;
            }
        }
        Poll::Ready(Ok(moved))
    }

    fn take_part(&mut self, part: Part) {
        match part {
            Part::Data(chunk) if chunk.as_ref().is_empty() => {}
            Part::Data(chunk) => self.chunk = Some(chunk),
            // The client is given time to read the last frame and to close its side.
            Part::End => self.last = Some(Next::Linger),
            Part::Head(_) | Part::Failed(_) => self.last = Some(Next::Close),
        }
    }

    fn may_read(&self) -> bool {
        let room = self.own.len() < OWN_FRAMES_MAX && self.stalled.is_none();
        self.last.is_none() && self.reading != Reading::Ended && room
    }

    /// Deals with all whole frames of the input; whether there were any.
    fn take_frames(&mut self) -> Result<bool, Next> {
        let mut moved = false;
        loop {
            if self.reading != Reading::Frames {
                self.client.input.clear();
                return Ok(moved);
            }
            if self.own.len() >= OWN_FRAMES_MAX {
                return Ok(moved);
            }
            let data = self.client.input.data();
            let Some(header) = FrameHeader::parse(data) else {
                return Ok(moved);
            };
            if !std::mem::replace(&mut self.checked, true)
                && let Err(fault) = self.rules.check(&header)
            {
                self.fail(fault);
                return Ok(true);
            }
            // Checked against `max_frame_size` above.
            let size = header
                .header_len
                .saturating_add(header.payload_len as usize);
            if data.len() < size {
                return Ok(moved);
            }
            match self.take_frame(&header, size) {
                Ok(true) => {}
                Ok(false) => return Ok(moved),
                Err(next) => return Err(next),
            }
            self.checked = false;
            self.client.input.take(size);
            moved = true;
        }
    }

    /// Deals with one frame; `false` if the application has no room for it now.
    fn take_frame(&mut self, header: &FrameHeader, size: usize) -> Result<bool, Next> {
        let frame = &self.client.input.data()[..size];
        let payload = || {
            let mut payload = frame[header.header_len..].to_vec();
            apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
            payload
        };
        match header.opcode {
            opcode::PING => {
                let payload = payload();
                write_frame_header(&mut self.own, true, opcode::PONG, payload.len() as u64);
                self.own.extend_from_slice(&payload);
                return Ok(true);
            }
            opcode::CLOSE => {
                if let Err(fault) = check_close(&payload()) {
                    self.fail(fault);
                    return Ok(true);
                }
            }
            _ => {}
        }
        match self.exchange.try_send_frame(frame) {
            Ok(true) => {}
            Ok(false) => {
                self.stalled.get_or_insert_with(Instant::now);
                return Ok(false);
            }
            Err(error) => {
                crate::info!(conn: self.number, "{error}");
                return Err(Next::Close);
            }
        }
        self.stalled = None;
        if header.opcode == opcode::CLOSE {
            self.reading = Reading::Discard;
        }
        Ok(true)
    }

    /// Closes the connection with a code and a reason that say what the client did wrong.
    fn fail(&mut self, fault: Fault) {
        crate::info!(conn: self.number, "websocket error {}: {fault}", fault.code());
        fault.write_close(&mut self.own);
        self.reading = Reading::Discard;
        self.last = Some(Next::Linger);
    }

    /// Does what is due by now, or waits for the earliest of the timers.
    fn poll_timers(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        let reading = self.last.is_none() && self.stalled.is_none();
        let timer = |on: bool, timeout: Duration| {
            (reading && on && !timeout.is_zero()).then(|| self.last_read + timeout)
        };
        let read_due = timer(true, self.read_timeout);
        let ping_due = timer(
            self.reading == Reading::Frames && !self.pinged,
            self.keepalive,
        );
        let send_due = self.blocked.map(|since| since + self.client.send_timeout);
        let stall_due = self.stalled.map(|since| since + STALL);
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(send_due) {
            return Poll::Ready(Some(Next::Abort));
        }
        if is_due(stall_due) {
            crate::warning!(conn: self.number, "the application does not take WebSocket frames");
            return Poll::Ready(Some(Next::Close));
        }
        if is_due(read_due) {
            if self.reading != Reading::Frames {
                // The application did not finish after the client's close frame.
                return Poll::Ready(Some(Next::Close));
            }
            self.fail(Fault::GoingAway);
            return Poll::Ready(None);
        }
        if is_due(ping_due) {
            write_frame_header(&mut self.own, true, opcode::PING, 0);
            self.pinged = true;
            return Poll::Ready(None);
        }
        let retry_due = self.stalled.map(|_| now + RETRY);
        match [read_due, ping_due, send_due, retry_due]
            .into_iter()
            .flatten()
            .min()
        {
            Some(earliest) => {
                self.client.deadline.set_at(earliest);
                self.client.deadline.poll(cx).map(|()| None)
            }
            None => {
                self.client.deadline.clear();
                Poll::Pending
            }
        }
    }
}
