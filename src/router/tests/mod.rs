//! The connection side as clients see it: a worker thread on a real listener.

mod app_response;
mod bodies;
mod closing;
mod files;
mod proxy;
mod requests;
mod websocket;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::conf::config::{Config, Http};
use crate::conf::json::parse;
use crate::router::counters::{Totals, WorkerCounters};
use crate::router::generation::{Generation, ListenerEntry};
use crate::router::hub::Hub;
use crate::router::request::Address;
use crate::router::route::Table;
use crate::router::worker::{self, WorkerCommand, WorkerSeed};
use crate::sys::limits::Placement;

/// Workers that serve one listener until the test ends.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    socket: Arc<OwnedFd>,
    commands: Vec<UnboundedSender<WorkerCommand>>,
    counters: Vec<Arc<WorkerCounters>>,
    threads: Vec<JoinHandle<std::io::Result<()>>>,
}

/// What a test changes of the settings; timeouts below a second are not to be had by JSON.
pub(super) type Adjust = fn(&mut Http);

impl Server {
    /// Serves this value of `routes`.
    pub(super) fn start(routes: &str) -> Server {
        Server::with(routes, |_| {}, 1)
    }

    /// The same with other settings, and so many threads.
    pub(super) fn with(routes: &str, adjust: Adjust, threads: usize) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server {
            address,
            socket: Arc::new(listener.into()),
            commands: Vec::new(),
            counters: Vec::new(),
            threads: Vec::new(),
        };
        let (events, _) = unbounded_channel();
        let hub = Hub::new(std::process::id() as i32, events);
        for _ in 0..threads {
            let (sender, commands) = unbounded_channel();
            let counters = Arc::new(WorkerCounters::default());
            let (hub, own) = (hub.clone(), counters.clone());
            server.commands.push(sender);
            server.counters.push(counters);
            server.threads.push(std::thread::spawn(move || {
                let temp_path = std::env::temp_dir();
                worker::run(WorkerSeed {
                    commands,
                    hub,
                    counters: own,
                    index: 0,
                    temp_path,
                })
            }));
        }
        server.apply(routes, adjust);
        server
    }

    /// Reconfigures.
    pub(super) fn apply(&self, routes: &str, adjust: Adjust) {
        let text =
            format!(r#"{{"listeners": {{"*:1": {{"pass": "routes"}}}}, "routes": {routes}}}"#);
        let mut config = Config::from_json(&parse(text.as_bytes()).unwrap()).unwrap();
        adjust(&mut config.settings.http);
        self.tell(Generation {
            table: Table::compile(&config).unwrap(),
            http: config.settings.http,
            shutdown_timeout: None,
            listeners: vec![ListenerEntry {
                address: "*:1".to_owned(),
                socket: Arc::downgrade(&self.socket),
                local: Address::Ip(self.address),
            }],
            apps: Vec::new(),
            access_log: None,
            placement: Placement::default(),
        });
    }

    /// Removes the listener.
    pub(super) fn remove_listener(&self) {
        let table = Table::compile(&Config::default()).unwrap();
        let http = Http::default();
        self.tell(Generation {
            http,
            shutdown_timeout: None,
            listeners: Vec::new(),
            table,
            apps: Vec::new(),
            access_log: None,
            placement: Placement::default(),
        });
    }

    fn tell(&self, generation: Generation) {
        let generation = Arc::new(generation);
        for worker in &self.commands {
            assert!(
                worker
                    .send(WorkerCommand::Apply(
                        generation.clone(),
                        oneshot::channel().0
                    ))
                    .is_ok()
            );
        }
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    pub(super) fn totals(&self) -> Totals {
        Totals::of(self.counters.iter().map(|counters| &**counters))
    }

    /// Waits until the counters are as they should be.
    pub(super) fn wait_for(&self, what: impl Fn(&Totals) -> bool) {
        let start = Instant::now();
        while !what(&self.totals()) {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{:?}",
                self.totals()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends all of it on a new connection and reads until the server closes.
    pub(super) fn talk(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_ref()).unwrap();
        read_to_end(&mut stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.commands
            .iter()
            .for_each(|worker| drop(worker.send(WorkerCommand::Quit)));
        for thread in self.threads.drain(..) {
            let result = thread.join();
            if !std::thread::panicking() {
                result.unwrap().unwrap();
            }
        }
    }
}

/// All that comes until the end; a reset is an error.
pub(super) fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One response with a `Content-Length`.
pub(super) fn read_response(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).unwrap(),
            1,
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8_lossy(&body)
}

/// A response without the line that changes every second.
pub(super) fn dateless(text: &str) -> String {
    let lines = text
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Date: "));
    lines.collect()
}

/// A folder that goes away with the test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("nxt-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
