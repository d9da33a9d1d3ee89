//! The exchange of requests with an application that lives in the test.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::App;
use crate::conf::config::Application;
use crate::router::hub::{Event, Hub};

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

use std::fs::File;
use std::future::Future;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::rc::Rc;

use super::SharedPort;
use super::exchange::{AppRequest, Exchange, FrameError, Part};
use super::worker_port::WorkerPort;
use crate::ipc::segment::CHUNK_SIZE;
use crate::ipc::{
    AppQueue, ChunkRef, Header, IncomingSegments, Leaving, Message, OutgoingSegments, PortId,
    PortQueue, Receiver, Sender, kind, socket,
};
use crate::router::body::Body;
use crate::router::hub::{Departure, Link, Notice, Process};

const PID: i32 = 77;

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

    fn port(&self, header: &Header) -> Sender {
        let worker = self.hub.port(header.reply_port).unwrap();
        let queue = PortQueue::map(worker.queue.as_fd()).unwrap();
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

#[test]
fn a_response_comes_through_shared_memory_and_messages() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Memory(b"hello".to_vec()), false);
        assert_eq!(app.counts().active, 1);
        let (request, chunk) = fake.take().unwrap();
        assert!(fake.bytes(chunk).ends_with(b"\0hello"));
        fake.acknowledge(&request);
        fake.say_shared(&request, false, &response(200, b"first"));
        fake.say_shared(&request, false, &[7; 40_000]);
        fake.say(
            &request,
            kind::DATA,
            false,
            b"plain, and longer than a queue item",
        );
        fake.say(&request, kind::DATA, true, b"end");
        assert_eq!(head(&mut exchange).await, 200);
        assert_eq!(data(&mut exchange).await, b"first");
        assert_eq!(data(&mut exchange).await, [7; 40_000]);
        assert_eq!(
            data(&mut exchange).await,
            b"plain, and longer than a queue itemend"
        );
        assert!(matches!(exchange.next().await, Part::End));
        assert_eq!(
            (app.counts().active, app.counts().idle, port.in_flight()),
            (0, 1, 0)
        );
        assert!(nothing_held(&fake.responses));
        assert!(nothing_held(app.outgoing()));
    });
}

#[test]
fn a_long_body_follows_the_acknowledgement() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        // Some chunks are busy, so that the body does not fit in one run.
        let busy: Vec<_> = (0..20)
            .map(|_| app.outgoing().allocate(1, 1, None).unwrap().run)
            .collect();
        busy.into_iter()
            .enumerate()
            .filter(|(i, _)| i % 2 == 0)
            .for_each(|(_, run)| {
                // The even ones stay busy for ever.
                run.into_sent(1);
            });
        let body: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        let _exchange = begin(&app, &port, &Body::Memory(body.clone()), false);
        let (request, chunk) = fake.take().unwrap();
        let mut got = fake.bytes(chunk);
        let preread = 92 + u32::from_ne_bytes(got[92..96].try_into().unwrap()) as usize;
        got.drain(..preread);
        assert!(!fake.has_message());
        fake.acknowledge(&request);
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if got.len() < body.len() {
            let rest = fake.receive();
            assert_eq!(
                (rest.header.kind, rest.header.stream),
                (kind::REQ_BODY, request.stream)
            );
            for chunk in rest.chunks() {
                got.extend(fake.bytes(chunk));
            }
        }
        assert!(got == body);
    });
}

#[test]
fn a_body_in_a_file_is_passed_from_its_start() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let path = std::env::temp_dir().join(format!("nxt-app-body-{}", std::process::id()));
        let mut file = File::create_new(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file.write_all(b"from the file").unwrap();
        let _exchange = begin(&app, &port, &Body::File(file, 13), false);
        let (request, _) = fake.take().unwrap();
        fake.acknowledge(&request);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut message = fake.receive();
        assert_eq!(message.header.kind, kind::REQ_BODY);
        let mut text = String::new();
        File::from(message.take_fd().unwrap())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "from the file");
    });
}

#[test]
fn a_request_that_nobody_took_is_taken_back() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let exchange = begin(&app, &port, &Body::Empty, false);
        assert!(matches!(events.try_recv(), Ok(Event::Start(_, 0))));
        drop(exchange);
        let fake = Fake::start(&hub, &app);
        assert!(fake.take().is_none());
        assert!(nothing_held(app.outgoing()));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn what_comes_too_late_is_thrown_away() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let exchange = begin(&app, &port, &Body::Empty, false);
        let (request, _) = fake.take().unwrap();
        fake.acknowledge(&request);
        drop(exchange);
        fake.say_shared(&request, false, &response(200, b"first"));
        fake.say_shared(&request, true, &[7; 40_000]);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(nothing_held(&fake.responses));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn the_death_of_a_process_fails_what_it_took() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let mut answered = begin(&app, &port, &Body::Empty, false);
        let mut taken = begin(&app, &port, &Body::Empty, false);
        let mut between = begin(&app, &port, &Body::Empty, false);
        let mut waiting = begin(&app, &port, &Body::Empty, false);
        let first = fake.take().unwrap().0;
        fake.acknowledge(&first);
        fake.acknowledge(&fake.take().unwrap().0);
        fake.take().unwrap();
        fake.say(&first, kind::DATA, true, &response(204, b""));
        app.process_gone(PID);
        let process = hub.process(app.id, PID).unwrap();
        hub.tell_workers(&Notice::ProcessGone(Departure::new(&hub, process)));
        assert_eq!(head(&mut answered).await, 204);
        assert!(matches!(answered.next().await, Part::End));
        assert_eq!(failure(&mut taken).await, 503);
        assert_eq!(failure(&mut between).await, 503);
        assert_eq!((port.in_flight(), app.counts().active), (1, 1));
        assert_eq!(
            app.counts().starting,
            1,
            "the one that waits wants another process"
        );
        let buried = std::iter::from_fn(|| events.try_recv().ok())
            .any(|event| matches!(event, Event::Buried(process) if process.pid == PID));
        assert!(buried);
        app.start_failed(0);
        assert_eq!(failure(&mut waiting).await, 503);
        assert_eq!(app.counts(), Default::default());
    });
}

#[test]
fn a_request_begun_after_a_failed_start_is_not_failed_by_it() {
    run(async {
        let (_hub, _events, app, port) = setup();
        let mut early = begin(&app, &port, &Body::Empty, false);
        app.start_failed(0);
        let mut late = begin(&app, &port, &Body::Empty, false);
        assert_eq!(app.counts().starting, 1);
        assert_eq!(failure(&mut early).await, 503);
        let waited = tokio::time::timeout(Duration::from_millis(50), late.next()).await;
        assert!(waited.is_err());
    });
}

#[test]
fn what_a_process_gets_wrong_fails_its_request_only() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let mut good = begin(&app, &port, &Body::Empty, false);
        let good_request = fake.take().unwrap().0;
        fake.acknowledge(&good_request);
        let nonsense = |request: &Header, what: usize| {
            let header = Header::new(PID, kind::DATA, request.stream);
            let port = fake.port(request);
            let chunk = |chunk, size| {
                [ChunkRef {
                    segment: 0,
                    chunk,
                    size,
                }]
            };
            let sent = match what {
                0 => port.send(&header, b"short", &[]),
                1 => port.send(&header, &[0xFF; 100], &[]),
                2 => port.send_chunks(&header, &chunk(639, 16385)),
                3 => port.send_chunks(&header, &chunk(u32::MAX, u32::MAX)),
                4 => port.send_chunks(
                    &header,
                    &[ChunkRef {
                        segment: 9,
                        chunk: 0,
                        size: 1,
                    }],
                ),
                // An end without a head.
                5 => port.send(&header.with_last(true), &[], &[]),
                _ => port.send(
                    &Header {
                        kind: kind::RPC_ERROR,
                        last: true,
                        ..header
                    },
                    &[],
                    &[],
                ),
            };
            sent.unwrap();
        };
        // The segment exists, so that ranges in it are what is judged.
        fake.say_shared(&good_request, false, &response(200, b""));
        for what in 0..7 {
            let mut bad = begin(&app, &port, &Body::Empty, false);
            let request = fake.take().unwrap().0;
            fake.acknowledge(&request);
            nonsense(&request, what);
            assert_eq!(failure(&mut bad).await, 503, "case {what}");
        }
        // Forged: another process's name, an unknown stream, kinds that are not for this port.
        let other = Header::new(PID + 1, kind::DATA, good_request.stream).with_last(true);
        fake.port(&good_request)
            .send(&other, b"forged", &[])
            .unwrap();
        for kind in [
            kind::QUIT,
            kind::NEW_PORT,
            kind::START_PROCESS,
            kind::STATUS,
            200,
        ] {
            fake.say(&good_request, kind, true, b"whatever");
        }
        fake.say(
            &Header {
                stream: 1,
                ..good_request
            },
            kind::DATA,
            true,
            b"x",
        );
        fake.say(&good_request, kind::DATA, true, b"still here");
        assert_eq!(head(&mut good).await, 200);
        assert_eq!(data(&mut good).await, b"still here");
        assert!(matches!(good.next().await, Part::End));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn an_application_that_says_nothing_times_out() {
    run(async {
        let (hub, _events) = test_hub();
        let mut conf = test_conf("slow");
        conf.timeout = Duration::from_millis(500);
        let app = App::new(&conf, &hub).unwrap();
        let port = WorkerPort::open(&hub);
        let fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.say(&request, kind::DATA, false, &response(200, b""));
        assert_eq!(head(&mut exchange).await, 200);
        let start = std::time::Instant::now();
        assert_eq!(failure(&mut exchange).await, 503);
        assert!(start.elapsed() > Duration::from_millis(300));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn a_request_that_no_process_takes_times_out_too() {
    run(async {
        let (hub, _events) = test_hub();
        let mut conf = test_conf("busy");
        conf.timeout = Duration::from_millis(50);
        let app = App::new(&conf, &hub).unwrap();
        let port = WorkerPort::open(&hub);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        assert_eq!(failure(&mut exchange).await, 503);
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
        assert!(queue_of(&app.shared_port()).receive().unwrap().is_none());
        assert!(nothing_held(app.outgoing()));
    });
}

#[test]
fn a_process_that_hangs_must_leave_in_time_and_is_replaced() {
    run(async {
        let (hub, mut events) = test_hub();
        let mut conf = test_conf("hung");
        conf.timeout = Duration::from_millis(300);
        conf.kill_timeout = Some(Duration::from_secs(3));
        conf.spare_processes = 1;
        let app = App::new(&conf, &hub).unwrap();
        let port = WorkerPort::open(&hub);
        let (read, write) = socket::pair().unwrap();
        let mut prototype = Receiver::new(read, None);
        let sender = Sender::new(write, None);
        app.prototype_ready(0, Link::new(&hub, PortId { pid: 5, id: 0 }, sender, None));
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        fake.acknowledge(&fake.take().unwrap().0);
        assert_eq!(failure(&mut exchange).await, 503);
        let quit = fake.receive();
        assert_eq!((quit.header.kind, &*quit.body), (kind::QUIT, &[1u8][..]));
        let told = prototype.receive().unwrap().expect("a message");
        let leaving = Leaving::decode(&told.body).unwrap();
        assert_eq!(told.header.kind, kind::QUIT);
        assert_eq!((leaving.pid, leaving.time.as_secs()), (PID, 3));
        assert_eq!((app.counts().running, app.counts().starting), (0, 1));
        let mut asked = std::iter::from_fn(|| events.try_recv().ok());
        assert!(asked.any(|event| matches!(event, Event::Start(..))));
    });
}

#[test]
fn a_restart_moves_what_waits_to_the_new_queue() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let _taken = begin(&app, &port, &Body::Empty, false);
        let _waiting = begin(&app, &port, &Body::Empty, false);
        fake.acknowledge(&fake.take().unwrap().0);
        tokio::time::sleep(Duration::from_millis(20)).await;
        while events.try_recv().is_ok() {}
        app.restart().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(fake.take().is_none());
        let quit = fake.receive();
        assert_eq!((quit.header.kind, &*quit.body), (kind::QUIT, &[1u8][..]));
        assert!(queue_of(&app.shared_port()).receive().unwrap().is_some());
        assert!(matches!(events.try_recv(), Ok(Event::Refill(_))));
        assert_eq!(app.counts().active, 2);
    });
}

#[test]
fn frames_go_to_the_process_that_accepted() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, true);
        assert_eq!(exchange.try_send_frame(b"early"), Err(FrameError::Closed));
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        fake.say(&request, kind::DATA, false, &response(101, b""));
        assert_eq!(head(&mut exchange).await, 101);
        assert_eq!(app.counts().active, 0);
        let long = vec![5; 50_000];
        assert!(exchange.try_send_frame(b"short").unwrap());
        assert!(exchange.try_send_frame(&long).unwrap());
        let message = fake.receive();
        assert_eq!(
            (message.header.kind, message.header.last),
            (kind::WEBSOCKET, false)
        );
        assert_eq!(&*message.body, b"short");
        let message = fake.receive();
        let bytes: Vec<u8> = message
            .chunks()
            .flat_map(|chunk| fake.bytes(chunk))
            .collect();
        assert!(bytes == long);
        fake.say(&request, kind::DATA, false, b"frame");
        assert_eq!(data(&mut exchange).await, b"frame");
        drop(exchange);
        let message = fake.receive();
        assert_eq!(
            (message.header.kind, message.header.last),
            (kind::WEBSOCKET, true)
        );
        assert_eq!((app.counts().idle, port.in_flight()), (1, 0));
    });
}

#[test]
fn what_waits_for_a_slow_client_is_bounded() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        fake.say(&request, kind::DATA, false, &response(200, b""));
        let piece = vec![1; 16_000];
        let mut sent = 0;
        while port.in_flight() > 0 {
            fake.say(&request, kind::DATA, false, &piece);
            sent += piece.len();
            assert!(sent < 64 << 20, "no end");
            if sent % 64_000 == 0 {
                // Lets the port read before its socket is full.
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
        }
        assert_eq!(head(&mut exchange).await, 200);
        let mut got = 0;
        let status = loop {
            match exchange.next().await {
                Part::Data(chunk) => got += chunk.as_ref().len(),
                Part::Failed(status) => break status,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(status, 503);
        assert!(got <= (33 << 20), "{got}");
    });
}

#[test]
fn memory_is_acknowledged_when_the_client_has_read() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        fake.say(&request, kind::DATA, false, &response(200, b""));
        for _ in 0..2 {
            fake.say_shared(&request, false, &vec![1; 640 * CHUNK_SIZE]);
        }
        assert!(fake.responses.allocate(1, 1, None).is_err());
        let oosm = Header::new(PID, kind::OOSM, 0);
        fake.port(&request).send(&oosm, &[], &[]).unwrap();
        assert_eq!(head(&mut exchange).await, 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!fake.has_message(), "nothing is free yet");
        data(&mut exchange).await;
        assert_eq!(fake.receive().header.kind, kind::SHM_ACK);
        assert!(fake.responses.allocate(1, 1, None).is_ok());
    });
}
