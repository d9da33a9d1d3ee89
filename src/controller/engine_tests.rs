//! Tests of the controller's state: the test plays main, the routers and the clients.

use std::os::fd::OwnedFd;

use tokio::sync::oneshot;

use crate::conf::json::{compact, parse};
use crate::ipc::message::{Body, CONF_COMMIT, CONF_COMMIT_REJECTED, CONF_DISCARD, QUIT_GRACEFUL};
use crate::ipc::{
    Header, Message, NewPort, Pid, PortId, ProcessType, Receiver, kind, read_memory, socket,
};
use crate::sys::memory::write_memfd;

use super::answer::Answer;
use super::api::{Request, classify};
use super::engine::{Engine, FIRST_RETRY, Flow, Job, LAST_RETRY};

const OWN: Pid = 10;
const MAIN: Pid = 1;
const DEFAULT: &str = r#"{"listeners":{},"routes":[],"applications":{}}"#;
const DONE: &str = r#"{"success":"Reconfiguration done."}"#;
const STORED: &str = r#"{"routes":[],"applications":{"app":{"type":"external","executable":"x"}}}"#;

struct Daemon {
    engine: Engine,
    main: Receiver,
    /// The router of which main was told last that it has its document.
    reported: Option<Pid>,
}

struct FakeRouter {
    pid: Pid,
    port: Receiver,
}

type Client = oneshot::Receiver<Answer>;

fn port() -> (Receiver, OwnedFd) {
    let (read, write) = socket::pair().unwrap();
    (Receiver::new(read, None), write)
}

impl Daemon {
    fn new(stored: Option<&str>) -> Daemon {
        let (main, socket) = port();
        let engine = Engine::new(
            OWN,
            stored.map(str::as_bytes),
            Vec::new(),
            (MAIN, socket),
            None,
        );
        Daemon {
            engine,
            main,
            reported: None,
        }
    }

    /// A daemon whose first router has the document.
    fn running(stored: Option<&str>) -> (Daemon, FakeRouter) {
        let mut daemon = Daemon::new(stored);
        let mut router = daemon.start_router(2);
        let (stream, _) = router.document();
        daemon.answer(stream, kind::RPC_READY);
        (daemon, router)
    }

    fn deliver(
        &mut self,
        sender: Pid,
        kind: u8,
        stream: u32,
        body: &[u8],
        fds: crate::ipc::message::Descriptors,
    ) -> Flow {
        let header = Header::new(sender, kind, stream);
        self.engine.handle(Message {
            header,
            body: Body::new(body),
            fds,
            sender: Some(sender),
        })
    }

    fn introduce_router(&mut self, pid: Pid) -> FakeRouter {
        let (port, socket) = port();
        let new = NewPort::new(PortId { pid, id: 0 }, ProcessType::Router);
        self.deliver(
            MAIN,
            kind::NEW_PORT,
            0,
            &new.encode(),
            [Some(socket), None, None],
        );
        FakeRouter { pid, port }
    }

    fn greet(&mut self, pid: Pid) {
        self.deliver(pid, kind::PROCESS_READY, 0, b"", [None, None, None]);
    }

    fn start_router(&mut self, pid: Pid) -> FakeRouter {
        let router = self.introduce_router(pid);
        self.greet(pid);
        router
    }

    fn answer(&mut self, stream: u32, kind: u8) {
        self.deliver(2, kind, stream, b"", [None, None, None]);
    }

    fn kill(&mut self, router: FakeRouter) {
        self.deliver(
            MAIN,
            kind::REMOVE_PID,
            0,
            &router.pid.to_ne_bytes(),
            [None, None, None],
        );
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Client {
        let request = Request {
            method: method.into(),
            path: path.into(),
            body: body.into(),
        };
        let (answer, client) = oneshot::channel();
        let task = classify(&request).unwrap();
        self.engine.submit(Job {
            task,
            body: request.body,
            answer,
        });
        client
    }

    /// What main is asked to write; main says that it did.
    fn prepared(&mut self) -> Option<String> {
        let mut message = self.next_to_main()?;
        assert_eq!(message.header.kind, kind::CONF_STORE);
        let text = text(&mut message);
        let stream = message.header.stream;
        self.deliver(MAIN, kind::RPC_READY, stream, b"", [None, None, None]);
        Some(text)
    }

    /// What main is to do with what it wrote; main does it.
    fn committed(&mut self) -> Option<u8> {
        let message = self.next_to_main()?;
        assert_eq!(message.header.kind, kind::CONF_STORE);
        assert!(message.fds[0].is_none());
        let stream = message.header.stream;
        assert_eq!(stream == 0, *message.body == [CONF_DISCARD]);
        if stream != 0 {
            self.deliver(MAIN, kind::RPC_READY, stream, b"", [None, None, None]);
        }
        Some(message.body[0])
    }

    /// Main cannot do what it is asked.
    fn full_disk(&mut self) {
        let message = self.next_to_main().unwrap();
        assert_eq!(message.header.kind, kind::CONF_STORE);
        let stream = message.header.stream;
        self.deliver(
            MAIN,
            kind::RPC_ERROR,
            stream,
            b"no space",
            [None, None, None],
        );
    }

    /// A document that is written, applied and stored.
    fn applied(&mut self, router: &mut FakeRouter) -> String {
        let document = self.prepared().unwrap();
        let (stream, applied) = router.document();
        assert_eq!(document, applied);
        self.answer(stream, kind::RPC_READY);
        assert_eq!(self.committed(), Some(CONF_COMMIT));
        document
    }

    /// A message to main. Reports about a router that has its document are noted, not returned.
    fn next_to_main(&mut self) -> Option<Message> {
        loop {
            let message = self.main.receive().unwrap()?;
            if message.header.kind != kind::PROCESS_READY {
                return Some(message);
            }
            let pid = message.body.first_chunk();
            self.reported = pid.map(|pid| Pid::from_ne_bytes(*pid));
        }
    }

    fn document(&mut self) -> String {
        body(&mut self.send("GET", "/config", "")).unwrap()
    }
}

impl FakeRouter {
    fn message(&mut self) -> Option<Message> {
        self.port.receive().unwrap()
    }

    /// The document that came, and the stream to answer.
    fn document(&mut self) -> (u32, String) {
        let mut message = self.message().expect("no document came");
        assert_eq!(
            (message.header.kind, message.header.last, message.header.pid),
            (kind::DATA, true, OWN)
        );
        (message.header.stream, text(&mut message))
    }
}

/// The text in a message's memory file, checked against the length in its body.
fn text(message: &mut Message) -> String {
    let text = read_memory(message.take_fd().unwrap(), 1 << 20).unwrap();
    assert_eq!(*message.body, text.len().to_ne_bytes());
    String::from_utf8(text).unwrap()
}

/// The body of the answer, if there is one by now.
fn body(client: &mut Client) -> Option<String> {
    client.try_recv().ok().map(|answer| compact(&answer.body))
}

#[test]
fn the_stored_document_goes_to_the_first_router() {
    let mut daemon = Daemon::new(Some(STORED));
    assert!(!daemon.engine.is_open());
    let mut router = daemon.start_router(2);
    let (stream, document) = router.document();
    assert_eq!(document, STORED);
    assert!(!daemon.engine.is_open());
    daemon.answer(stream, kind::RPC_READY);
    assert!(daemon.engine.is_open());
    assert_eq!(daemon.document(), STORED);
    assert_eq!(daemon.prepared(), None);
    // The greeting of a router that is known already changes nothing.
    daemon.greet(2);
    assert!(router.message().is_none());
}

#[test]
fn what_cannot_be_restored_gives_the_default() {
    for stored in [None, Some("{"), Some(r#"{"x":1}"#)] {
        let mut daemon = Daemon::new(stored);
        assert_eq!(daemon.start_router(2).document().1, DEFAULT, "{stored:?}");
    }
    let mut daemon = Daemon::new(Some(STORED));
    let mut router = daemon.start_router(2);
    let (stream, _) = router.document();
    daemon.answer(stream, kind::RPC_ERROR);
    assert!(daemon.engine.is_open());
    assert_eq!(daemon.document(), DEFAULT);
}

#[test]
fn a_router_that_was_there_before_has_to_greet() {
    let (_main, socket) = port();
    let (reader, router) = port();
    let engine = Engine::new(OWN, None, Vec::new(), (MAIN, socket), Some((2, router)));
    let (main, _socket) = port();
    let mut daemon = Daemon {
        engine,
        main,
        reported: None,
    };
    let mut router = FakeRouter {
        pid: 2,
        port: reader,
    };
    assert!(router.message().is_none());
    // A process that is no router cannot greet.
    daemon.greet(77);
    daemon.greet(2);
    let (stream, _) = router.document();
    daemon.answer(stream, kind::RPC_READY);
    assert!(daemon.engine.is_open());
}

#[test]
fn changes_are_written_applied_stored_and_answered() {
    let (mut daemon, mut router) = Daemon::running(None);
    let mut client = daemon.send("PUT", "/config/routes", "[ ]");
    // The disk comes first: if it is full, nothing has happened.
    assert!(router.message().is_none());
    assert_eq!(daemon.prepared().as_deref(), Some(DEFAULT));
    let (stream, document) = router.document();
    assert_eq!(document, DEFAULT);
    assert_eq!(daemon.committed(), None);
    daemon.answer(stream, kind::RPC_READY);
    // Success is what is stored.
    assert_eq!(body(&mut client), None);
    assert_eq!(daemon.committed(), Some(CONF_COMMIT));
    assert_eq!(body(&mut client).as_deref(), Some(DONE));

    let mut client = daemon.send("DELETE", "/config", "");
    daemon.prepared().unwrap();
    let (stream, document) = router.document();
    assert_eq!(document, "{}");
    daemon.deliver(
        2,
        kind::RPC_ERROR,
        stream,
        b"the reason",
        [None, None, None],
    );
    assert_eq!(
        body(&mut client).as_deref(),
        Some(r#"{"error":"Failed to apply new configuration.","detail":"the reason"}"#)
    );
    assert_eq!(daemon.committed(), Some(CONF_DISCARD));
    assert_eq!(daemon.document(), DEFAULT);
    // A second answer to the same request finds nobody.
    daemon.answer(stream, kind::RPC_READY);
    assert_eq!(daemon.document(), DEFAULT);
}

#[test]
fn what_cannot_be_stored_is_not_in_force() {
    let (mut daemon, mut router) = Daemon::running(None);
    let refused = r#"{"error":"Failed to store new configuration.","detail":"no space"}"#;
    let mut client = daemon.send("PUT", "/config", "{}");
    daemon.full_disk();
    assert_eq!(body(&mut client).as_deref(), Some(refused));
    assert!(router.message().is_none());
    assert_eq!(daemon.document(), DEFAULT);

    // A disk that fails only later: the router has to go back.
    let mut client = daemon.send("PUT", "/config", "{}");
    daemon.prepared().unwrap();
    let (stream, _) = router.document();
    daemon.answer(stream, kind::RPC_READY);
    daemon.full_disk();
    let (stream, document) = router.document();
    assert_eq!(document, DEFAULT);
    assert_eq!(body(&mut client), None);
    daemon.answer(stream, kind::RPC_READY);
    assert_eq!(body(&mut client).as_deref(), Some(refused));
    assert_eq!(daemon.document(), DEFAULT);
    let mut client = daemon.send("PUT", "/config", "{}");
    daemon.applied(&mut router);
    assert_eq!(body(&mut client).as_deref(), Some(DONE));
}

#[test]
fn the_first_document_after_one_that_was_rejected_says_so() {
    for stored in ["{", r#"{"x":1}"#, STORED] {
        let mut daemon = Daemon::new(Some(stored));
        let mut router = daemon.start_router(2);
        let (stream, _) = router.document();
        let answer = if stored == STORED {
            kind::RPC_ERROR
        } else {
            kind::RPC_READY
        };
        daemon.answer(stream, answer);
        let mut client = daemon.send("PUT", "/config", "{}");
        daemon.prepared().unwrap();
        let (stream, _) = router.document();
        daemon.answer(stream, kind::RPC_READY);
        assert_eq!(daemon.committed(), Some(CONF_COMMIT_REJECTED));
        assert_eq!(body(&mut client).as_deref(), Some(DONE));
        daemon.send("PUT", "/config", "{}");
        daemon.applied(&mut router);
    }
}

#[test]
fn what_is_in_force_stays_if_the_stored_document_cannot_be_used() {
    const IN_FORCE: &str = r#"{"routes":[]}"#;
    for stored in [None, Some("{"), Some(STORED)] {
        let mut daemon = Daemon::new(stored);
        daemon
            .engine
            .fall_back_on(IN_FORCE.as_bytes(), stored.is_some());
        let mut router = daemon.start_router(2);
        let (mut stream, mut document) = router.document();
        if stored == Some(STORED) {
            assert_eq!(document, STORED);
            daemon.answer(stream, kind::RPC_ERROR);
            (stream, document) = router.document();
        }
        assert_eq!(document, IN_FORCE);
        daemon.answer(stream, kind::RPC_READY);
        assert_eq!(daemon.document(), IN_FORCE);
    }
}

#[test]
fn main_can_have_the_stored_document_loaded_again() {
    let (mut daemon, _router) = Daemon::running(None);
    let memory = write_memfd(c"test", b"{}").unwrap();
    let message = |fd, body: &[u8]| Message {
        header: Header::new(MAIN, kind::DATA, 0).with_last(true),
        body: Body::new(body),
        fds: [fd, None, None],
        sender: Some(MAIN),
    };
    let length = 2u64.to_ne_bytes();
    let flow = daemon.engine.handle(message(Some(memory), &length));
    assert_eq!(flow, Flow::Reload(b"{}".to_vec()));
    let flow = daemon.engine.handle(message(None, &length));
    assert_eq!(flow, Flow::Continue);
    let quit = Message {
        header: Header::new(MAIN, kind::QUIT, 0),
        ..message(None, &[QUIT_GRACEFUL])
    };
    assert_eq!(daemon.engine.handle(quit), Flow::Finish);
}

#[test]
fn one_task_at_a_time_and_reading_never_waits() {
    let (mut daemon, mut router) = Daemon::running(None);
    let mut first = daemon.send("PUT", "/config", "{}");
    let mut second = daemon.send("PUT", "/config/routes/0", "{}");
    let mut third = daemon.send("PUT", "/config/settings", "{}");
    assert_eq!(daemon.prepared().as_deref(), Some("{}"));
    assert_eq!(daemon.prepared(), None);
    let (stream, _) = router.document();
    assert!(router.message().is_none());
    assert_eq!(daemon.document(), DEFAULT);
    daemon.answer(stream, kind::RPC_READY);
    daemon.committed().unwrap();
    assert!(body(&mut first).is_some());
    // The second was judged by the document that the first made, and the third had its turn.
    assert_eq!(
        body(&mut second).as_deref(),
        Some(r#"{"error":"Value doesn't exist."}"#)
    );
    assert_eq!(body(&mut third), None);
    assert_eq!(daemon.applied(&mut router), r#"{"settings":{}}"#);
    assert!(body(&mut third).is_some());
}

#[test]
fn status_and_restart() {
    let (mut daemon, mut router) = Daemon::running(Some(STORED));
    let mut client = daemon.send("GET", "/status", "");
    let asked = router.message().unwrap().header;
    assert_eq!(asked.kind, kind::STATUS);
    let report = r#"{"connections":{"accepted":1},"requests":{"total":2},"applications":{}}"#;
    let memory = write_memfd(c"status", report.as_bytes()).unwrap();
    daemon.deliver(
        2,
        kind::RPC_READY,
        asked.stream,
        b"",
        [Some(memory), None, None],
    );
    let expected = report.replacen('{', r#"{"modules":{},"#, 1);
    assert_eq!(body(&mut client).as_deref(), Some(&*expected));

    for memory in [None, Some(write_memfd(c"status", b"{").unwrap())] {
        let mut client = daemon.send("GET", "/", "");
        let stream = router.message().unwrap().header.stream;
        daemon.deliver(2, kind::RPC_READY, stream, b"", [memory, None, None]);
        assert_eq!(
            body(&mut client).as_deref(),
            Some(r#"{"error":"Failed to get status."}"#)
        );
    }

    for (kind, expected) in [
        (kind::RPC_READY, r#"{"success":"Ok"}"#),
        (kind::RPC_ERROR, r#"{"error":"Failed to restart app."}"#),
    ] {
        let mut client = daemon.send("GET", "/control/applications/app/restart", "");
        let asked = router.message().unwrap();
        assert_eq!(
            (asked.header.kind, &*asked.body),
            (kind::APP_RESTART, &b"app"[..])
        );
        daemon.answer(asked.header.stream, kind);
        assert_eq!(body(&mut client).as_deref(), Some(expected));
    }
}

#[test]
fn a_new_router_gets_the_current_document_before_waiting_tasks() {
    let (mut daemon, mut router) = Daemon::running(None);
    let mut changed = daemon.send("PUT", "/config", "{}");
    daemon.applied(&mut router);
    assert!(body(&mut changed).is_some());

    let mut lost = daemon.send("PUT", "/config", STORED);
    let mut waiting = daemon.send("GET", "/status", "");
    daemon.prepared().unwrap();
    daemon.kill(router);
    assert_eq!(daemon.committed(), Some(CONF_DISCARD));
    assert_eq!(
        body(&mut lost).as_deref(),
        Some(r#"{"error":"Failed to apply new configuration."}"#)
    );
    assert_eq!(body(&mut waiting), None);
    let mut router = daemon.start_router(3);
    let (stream, document) = router.document();
    assert_eq!(document, "{}");
    assert!(router.message().is_none());
    daemon.answer(stream, kind::RPC_READY);
    assert!(daemon.next_to_main().is_none());
    assert_eq!(daemon.reported, Some(3));
    assert_eq!(router.message().unwrap().header.kind, kind::STATUS);
    daemon.kill(router);
    assert_eq!(
        body(&mut waiting).as_deref(),
        Some(r#"{"error":"Failed to get status."}"#)
    );
}

#[test]
fn a_document_that_kills_routers_is_given_up() {
    let mut daemon = Daemon::new(Some(STORED));
    for pid in 2..5 {
        let mut router = daemon.start_router(pid);
        assert_eq!(router.document().1, STORED, "{pid}");
        daemon.kill(router);
    }
    assert_eq!(daemon.start_router(5).document().1, DEFAULT);
}

#[test]
fn a_document_that_was_in_force_is_never_given_up() {
    let mut daemon = Daemon::new(Some(STORED));
    daemon.engine.trust_document();
    for pid in 2..8 {
        let mut router = daemon.start_router(pid);
        assert_eq!(router.document().1, STORED, "{pid}");
        daemon.kill(router);
    }
    let mut router = daemon.start_router(8);
    let (stream, _) = router.document();
    daemon.deliver(8, kind::RPC_ERROR, stream, b"", [None, None, None]);
    // Clients are served meanwhile.
    assert_eq!(daemon.document(), STORED);
    let now = std::time::Instant::now();
    daemon.engine.on_time(now);
    assert!(router.message().is_none());
    daemon.engine.on_time(now + FIRST_RETRY);
    let (stream, document) = router.document();
    assert_eq!(document, STORED);
    daemon.deliver(8, kind::RPC_READY, stream, b"", [None, None, None]);
    daemon.engine.on_time(now + 100 * LAST_RETRY);
    assert!(router.message().is_none());
}

#[test]
fn a_router_that_died_unnoticed_says_nothing_of_the_document() {
    let mut daemon = Daemon::new(Some(STORED));
    let FakeRouter { pid, port } = daemon.introduce_router(2);
    drop(port);
    daemon.greet(pid);
    assert_eq!(daemon.document(), STORED);
    let mut next = daemon.introduce_router(3);
    daemon.deliver(
        MAIN,
        kind::REMOVE_PID,
        0,
        &pid.to_ne_bytes(),
        [None, None, None],
    );
    daemon.greet(3);
    assert_eq!(next.document().1, STORED);
}

#[test]
fn a_closed_port_fails_the_task_when_main_tells_of_the_death() {
    let (mut daemon, router) = Daemon::running(None);
    let pid = router.pid;
    drop(router);
    let mut client = daemon.send("PUT", "/config", "{}");
    daemon.prepared().unwrap();
    assert_eq!(body(&mut client), None);
    daemon.deliver(
        MAIN,
        kind::REMOVE_PID,
        0,
        &pid.to_ne_bytes(),
        [None, None, None],
    );
    let refused = r#"{"error":"Failed to apply new configuration."}"#;
    assert_eq!(body(&mut client).as_deref(), Some(refused));
}

#[test]
fn a_router_that_dies_while_main_writes_gets_nothing_new() {
    let (mut daemon, router) = Daemon::running(None);
    let mut client = daemon.send("PUT", "/config", "{}");
    daemon.kill(router);
    daemon.prepared().unwrap();
    let refused = r#"{"error":"Failed to apply new configuration."}"#;
    assert_eq!(body(&mut client).as_deref(), Some(refused));
    assert_eq!(daemon.start_router(3).document().1, DEFAULT);
}

#[test]
fn a_router_that_starts_while_main_stores_follows_main() {
    let (mut daemon, mut router) = Daemon::running(None);
    let mut client = daemon.send("PUT", "/config", "{}");
    daemon.prepared().unwrap();
    let (stream, _) = router.document();
    daemon.answer(stream, kind::RPC_READY);
    daemon.kill(router);
    let mut router = daemon.start_router(3);
    assert_eq!(router.document().1, "{}");
    daemon.full_disk();
    assert_eq!(router.document().1, DEFAULT);
    daemon.kill(router);
    assert!(body(&mut client).is_some());
    assert_eq!(daemon.start_router(4).document().1, DEFAULT);
}

#[test]
fn only_main_introduces_and_removes() {
    let (mut daemon, mut router) = Daemon::running(None);
    let (_reader, socket) = port();
    let new = NewPort::new(PortId { pid: 9, id: 0 }, ProcessType::Router);
    daemon.deliver(
        2,
        kind::NEW_PORT,
        0,
        &new.encode(),
        [Some(socket), None, None],
    );
    daemon.deliver(
        2,
        kind::REMOVE_PID,
        0,
        &router.pid.to_ne_bytes(),
        [None, None, None],
    );
    daemon.deliver(MAIN, kind::NEW_PORT, 0, b"short", [None, None, None]);
    daemon.deliver(MAIN, kind::REMOVE_PID, 0, b"x", [None, None, None]);
    let _client = daemon.send("PUT", "/config", "{}");
    daemon.prepared().unwrap();
    assert_eq!(router.document().1, "{}");
    assert_eq!(
        daemon.deliver(MAIN, kind::QUIT, 0, b"", [None, None, None]),
        Flow::Quit
    );
    assert!(parse(daemon.document().as_bytes()).is_ok());
}

#[test]
fn a_router_gets_the_document_once_it_is_introduced_and_has_greeted() {
    let mut daemon = Daemon::new(None);
    // Main's introduction and the greeting come through different processes, in any order.
    daemon.greet(2);
    let mut router = daemon.introduce_router(2);
    let (stream, _) = router.document();
    daemon.answer(stream, kind::RPC_READY);
    daemon.kill(router);

    let mut router = daemon.introduce_router(3);
    assert!(router.message().is_none());
    daemon.greet(77);
    assert!(router.message().is_none());
    daemon.greet(3);
    router.document();
}
