//! The exchange of requests with an application that lives in the test.

mod messages;
mod processes;

use std::future::Future;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::exchange::{AppRequest, Exchange, Part};
use super::worker_port::WorkerPort;
use super::{App, SharedPort};
use crate::conf::config::Application;
use crate::ipc::segment::CHUNK_SIZE;
use crate::ipc::{
    AppQueue, ChunkRef, Header, IncomingSegments, Message, OutgoingSegments, PortId, PortQueue,
    Receiver, Sender, kind, socket,
};
use crate::router::body::Body;
use crate::router::hub::{Departure, Event, Hub, Link, Notice, Process};

const PID: i32 = 77;

pub(crate) fn test_hub() -> (Arc<Hub>, UnboundedReceiver<Event>) {
    let (events, events_in) = unbounded_channel();
    (Hub::new(std::process::id() as i32, events), events_in)
}

pub(crate) fn test_conf(name: &str) -> Application {
    Application {
        name: name.to_owned(),
        kind: "external".to_owned(),
        json: "{}".to_owned(),
        targets: Vec::new(),
        max_processes: 1,
        spare_processes: 0,
        idle_timeout: Duration::from_secs(15),
        timeout: Duration::ZERO,
        kill_timeout: None,
        requests: 0,
        shm: 100 << 20,
        threads: 1,
    }
}

pub(crate) fn test_app(hub: &Arc<Hub>, name: &str) -> Arc<App> {
    App::new(&test_conf(name), hub).unwrap()
}

/// One process of an application, as libunit would behave.
struct Fake {
    hub: Arc<Hub>,
    app: Arc<App>,
    queue: AppQueue,
    receiver: Receiver,
    requests: Option<IncomingSegments>,
    responses: Arc<OutgoingSegments>,
}

fn queue_of(shared: &SharedPort) -> AppQueue {
    AppQueue::map(shared.descriptors()[1]).unwrap()
}

impl Fake {
    fn start(hub: &Arc<Hub>, app: &Arc<App>) -> Fake {
        let (read, write) = socket::pair().unwrap();
        let (queue, memory) = PortQueue::create().unwrap();
        let mine = PortQueue::map(memory.as_fd()).unwrap();
        let process = Process::new(hub, PID, app);
        hub.add_process(process.clone());
        let port = PortId { pid: PID, id: 0 };
        let link = Link::new(hub, port, Sender::new(write, Some(queue)), Some(process));
        app.process_ready(0, link);
        let mut fake = Fake {
            hub: hub.clone(),
            app: app.clone(),
            queue: queue_of(&app.shared_port()),
            receiver: Receiver::new(read, Some(mine)),
            requests: None,
            responses: Arc::new(OutgoingSegments::new(PID, hub.pid, 2)),
        };
        assert_eq!(fake.receive().header.kind, kind::PORT_ACK);
        fake
    }

    fn receive(&mut self) -> Message {
        self.receiver.receive().unwrap().expect("a message")
    }

    fn has_message(&mut self) -> bool {
        self.receiver.receive().unwrap().is_some()
    }

    /// Takes a request out of the queue without saying so.
    fn take(&self) -> Option<(Header, ChunkRef)> {
        let message = self.queue.receive().unwrap()?;
        let header = Header::decode(message.bytes()).unwrap();
        let chunk = ChunkRef::parse(&message.bytes()[16..]).next().unwrap();
        assert!(header.mmap && header.kind == kind::REQ_HEADERS && !header.last);
        Some((header, chunk))
    }

    fn bytes(&mut self, chunk: ChunkRef) -> Vec<u8> {
        let requests = self.requests.get_or_insert_with(|| {
            let segments = IncomingSegments::new(PID, self.hub.pid, 64, Arc::new(|| {}));
            segments
                .add(self.app.outgoing().duplicate_fd(0).unwrap().as_fd())
                .unwrap();
            segments
        });
        requests.chunk(chunk).unwrap().to_vec()
    }

    /// Reads the socket of the shared port: the kind of a message.
    fn shared_socket(&self) -> impl Fn() -> Option<u8> + use<> {
        let shared = self.app.shared_port();
        move || {
            let message = socket::receive(shared.descriptors()[0]).unwrap()?;
            Some(message.header.kind)
        }
    }

    fn worker_queue(&self, header: &Header) -> PortQueue {
        let worker = self.hub.port(header.reply_port).unwrap();
        PortQueue::map(worker.queue.as_fd()).unwrap()
    }

    fn port(&self, header: &Header) -> Sender {
        let worker = self.hub.port(header.reply_port).unwrap();
        let queue = self.worker_queue(header);
        Sender::new(worker.socket.try_clone().unwrap(), Some(queue))
    }

    fn say(&self, request: &Header, kind: u8, last: bool, body: &[u8]) {
        let header = Header::new(PID, kind, request.stream).with_last(last);
        self.port(request).send(&header, body, &[]).unwrap();
    }

    fn acknowledge(&self, request: &Header) {
        self.say(request, kind::REQ_HEADERS_ACK, false, &[]);
    }

    fn say_shared(&self, request: &Header, last: bool, body: &[u8]) -> ChunkRef {
        let allocation = self
            .responses
            .allocate(body.len(), body.len(), None)
            .unwrap();
        let mut run = allocation.run;
        if allocation.created {
            let header = Header::new(PID, kind::MMAP, 0).with_last(false);
            self.port(request)
                .send(&header, &[], &[run.segment_fd().1])
                .unwrap();
        }
        run.write(0, body);
        let chunk = run.into_sent(body.len());
        let header = Header::new(PID, kind::DATA, request.stream).with_last(last);
        self.port(request).send_chunks(&header, &[chunk]).unwrap();
        chunk
    }
}

/// `nxt_unit_response_t` with one field and perhaps the first bytes of the body.
fn response(status: u16, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 40];
    out[8..12].copy_from_slice(&1u32.to_ne_bytes());
    out[12..16].copy_from_slice(&(body.len() as u32).to_ne_bytes());
    out[16..18].copy_from_slice(&status.to_ne_bytes());
    out[20..24].copy_from_slice(&(42u32 - 20).to_ne_bytes());
    (out[27], out[28]) = (1, 1);
    out[32..36].copy_from_slice(&8u32.to_ne_bytes());
    out[36..40].copy_from_slice(&5u32.to_ne_bytes());
    out.extend_from_slice(b"Nv");
    out.extend_from_slice(body);
    out
}

fn begin(app: &Arc<App>, port: &Rc<WorkerPort>, body: &Body, websocket: bool) -> Exchange {
    let request = AppRequest {
        method: b"GET",
        version: b"HTTP/1.1",
        remote: b"127.0.0.1",
        local_addr: b"127.0.0.1",
        local_port: b"80",
        server_name: b"localhost",
        target: b"/",
        path: b"/",
        query: None,
        fields: &mut std::iter::empty(),
        body,
        tls: false,
        websocket,
        target_index: 0,
    };
    app.begin(port, request).unwrap()
}

fn run<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        tokio::time::timeout(Duration::from_secs(20), test)
            .await
            .expect("the test hangs");
    });
}

fn setup() -> (Arc<Hub>, UnboundedReceiver<Event>, Arc<App>, Rc<WorkerPort>) {
    let (hub, events) = test_hub();
    let app = test_app(&hub, "test");
    let port = WorkerPort::open(&hub);
    (hub, events, app, port)
}

async fn head(exchange: &mut Exchange) -> u16 {
    match exchange.next().await {
        Part::Head(head) => {
            assert_eq!(
                head.fields.iter().collect::<Vec<_>>(),
                [(&b"N"[..], &b"v"[..])]
            );
            head.status
        }
        other => panic!("{other:?} instead of a head"),
    }
}

async fn data(exchange: &mut Exchange) -> Vec<u8> {
    match exchange.next().await {
        Part::Data(chunk) => chunk.as_ref().to_vec(),
        other => panic!("{other:?} instead of data"),
    }
}

async fn failure(exchange: &mut Exchange) -> u16 {
    match exchange.next().await {
        Part::Failed(status) => status,
        other => panic!("{other:?} instead of a failure"),
    }
}

/// All chunks of the first segment are free.
fn nothing_held(set: &Arc<OutgoingSegments>) -> bool {
    let whole = 640 * CHUNK_SIZE;
    set.allocate(whole, whole, None)
        .is_ok_and(|all| !all.created)
}

/// A prototype of the application: what it is told comes out of the port.
fn prototype(hub: &Arc<Hub>, app: &Arc<App>, generation: u32, pid: i32) -> Receiver {
    let (read, write) = socket::pair().unwrap();
    let sender = Sender::new(write, None);
    let link = Link::new(hub, PortId { pid, id: 0 }, sender, None);
    app.prototype_ready(generation, link);
    Receiver::new(read, None)
}

/// What the router's main thread does when it hears that a process is gone.
fn dies(hub: &Arc<Hub>, app: &Arc<App>, pid: i32) {
    app.process_gone(pid);
    let process = hub.process(app.id, pid).unwrap();
    hub.tell_workers(&Notice::ProcessGone(Departure::new(hub, process)));
}
