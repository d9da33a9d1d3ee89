//! The event loop of the controller process: clients, messages, signals.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::LocalSet;

use crate::conf::json::compact;
use crate::ipc::{ReceiveError, Receiver};
use crate::sys::watch::watch;
use crate::{alert, error, notice};

use super::Start;
use super::answer::Answer;
use super::api::{Change, Task, classify};
use super::engine::{Engine, Flow, Job};
use super::transport::{ReadError, linger, read_request, write_answer};

/// Clients at a time; further ones wait in the socket's backlog.
const MAX_CLIENTS: usize = 256;
/// Pause after a failed accept, and between attempts to write to a full port.
const PAUSE: Duration = Duration::from_millis(50);
/// Messages handled before clients get their turn.
const MESSAGES_PER_TURN: usize = 64;

/// What clients have to send their requests and to take their answers when the controller leaves
/// gracefully.
const LEAVING: Duration = Duration::from_secs(5);

/// The signals that mean something here.
const SIGNALS: [Signal; 5] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGUSR1,
];

type Shared = Rc<RefCell<Engine>>;

/// Runs until told to leave.
pub(super) fn run(start: Start) -> io::Result<()> {
    let set: SigSet = SIGNALS.into_iter().collect();
    set.thread_block()?;
    let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    LocalSet::new().block_on(&runtime, serve(start, signals))
}

async fn serve(start: Start, signals: SignalFd) -> io::Result<()> {
    // What is watched are copies: the originals belong to what reads and writes them.
    let readable = |fd: BorrowedFd<'_>| watch(fd.try_clone_to_owned()?, Interest::READABLE);
    let signalled = readable(signals.as_fd())?;
    let main = readable(start.main.1.as_fd())?;
    let arrived = readable(start.port.as_fd())?;
    let port = Receiver::new(start.port, None);
    let own = nix::unistd::getpid().as_raw();
    let stored = start.config.as_deref();
    let mut engine = Engine::new(own, stored, start.modules, start.main, start.router);
    if let Some(in_force) = &start.in_force {
        if stored == Some(in_force) {
            engine.trust_document();
        } else {
            engine.fall_back_on(in_force, stored.is_some());
        }
    }
    let engine = Rc::new(RefCell::new(engine));
    let opened = Rc::new(Notify::new());
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    // The first of these that ends is the end of the process.
    let (ended, mut end) = mpsc::unbounded_channel();
    let until_end = |task: Pin<Box<dyn Future<Output = io::Result<()>>>>| {
        let ended = ended.clone();
        tokio::task::spawn_local(async move {
            // The receiver lives as long as the runtime.
            let _ = ended.send(task.await);
        });
    };
    let accepting = start.control.map(|control| {
        let accept = accept(control, engine.clone(), opened.clone(), places.clone());
        tokio::task::spawn_local(accept)
    });
    let leaving = Rc::new(Notify::new());
    let told_to_leave = leaving.clone();
    until_end(Box::pin(messages(
        port,
        arrived,
        engine.clone(),
        opened,
        leaving,
    )));
    until_end(Box::pin(async move {
        told_to_leave.notified().await;
        if let Some(accepting) = accepting {
            accepting.abort();
        }
        let all = places.acquire_many(MAX_CLIENTS as u32);
        if tokio::time::timeout(LEAVING, all).await.is_err() {
            notice!("clients of the control socket do not come to an end");
        }
        Ok(())
    }));
    until_end(Box::pin(watch_signals(signals, signalled)));
    // Nobody writes to this end: readable means that main is gone.
    until_end(Box::pin(async move { main.readable().await.map(drop) }));
    tokio::task::spawn_local(flush(engine));
    end.recv().await.unwrap_or(Ok(()))
}

/// Handles messages until one says to leave at once; `leaving` is told of one that says to leave
/// when the clients that are there have been answered.
async fn messages(
    mut port: Receiver,
    arrived: AsyncFd<OwnedFd>,
    engine: Shared,
    opened: Rc<Notify>,
    leaving: Rc<Notify>,
) -> io::Result<()> {
    loop {
        // Cleared before reading: what arrives meanwhile makes it ready again.
        arrived.readable().await?.clear_ready();
        let mut handled = 0;
        loop {
            match port.receive() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    let mut engine = engine.borrow_mut();
                    match engine.handle(message) {
                        Flow::Continue => {}
                        Flow::Reload(text) => reload(&mut engine, text),
                        Flow::Finish => leaving.notify_one(),
                        Flow::Quit => return Ok(()),
                    }
                    if engine.is_open() {
                        opened.notify_one();
                    }
                }
                Err(ReceiveError::Closed) => return Ok(()),
                Err(problem @ (ReceiveError::Malformed(_) | ReceiveError::Corrupt)) => {
                    error!("controller port: {problem}")
                }
                Err(ReceiveError::Os(errno)) => return Err(errno.into()),
            }
            handled += 1;
            if handled % MESSAGES_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Puts the stored document in force, as if a client had sent it; the log has the answer.
fn reload(engine: &mut Engine, text: Vec<u8>) {
    let (answer, answered) = oneshot::channel();
    engine.submit(Job {
        task: Task::Change(Vec::new(), Change::Put),
        body: text,
        answer,
    });
    tokio::task::spawn_local(async move {
        match answered.await {
            Ok(answer) if answer.status == 200 => notice!("the stored configuration is in force"),
            Ok(answer) => alert!(
                "the stored configuration is not put in force: {}",
                compact(&answer.body)
            ),
            Err(_) => {}
        }
    });
}

/// Logs what is ignored until a signal says to leave.
async fn watch_signals(signals: SignalFd, signalled: AsyncFd<OwnedFd>) -> io::Result<()> {
    loop {
        let mut ready = signalled.readable().await?;
        match signals.read_signal()? {
            None => ready.clear_ready(),
            Some(info) => match i32::try_from(info.ssi_signo)
                .ok()
                .and_then(|number| Signal::try_from(number).ok())
            {
                Some(signal @ (Signal::SIGHUP | Signal::SIGUSR1)) => {
                    notice!(
                        "signal signo:{} ({}) received, ignored",
                        signal as i32,
                        signal.as_str()
                    );
                }
                _ => return Ok(()),
            },
        }
    }
}

/// Writes what a full port kept back, and tries again what failed.
async fn flush(engine: Shared) {
    loop {
        // A full port is rare: its peer has been stopped. So there is no notice to wait for.
        let pause = if engine.borrow().flush() {
            4 * PAUSE
        } else {
            PAUSE
        };
        tokio::time::sleep(pause).await;
        engine.borrow_mut().on_time(Instant::now());
    }
}

/// The control socket; which kind it is shows only in its address.
enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    fn new(socket: OwnedFd) -> io::Result<Listener> {
        let address: SockaddrStorage = getsockname(socket.as_raw_fd())?;
        if address.family() == Some(AddressFamily::Unix) {
            let listener = std::os::unix::net::UnixListener::from(socket);
            listener.set_nonblocking(true)?;
            Ok(Listener::Unix(UnixListener::from_std(listener)?))
        } else {
            let listener = std::net::TcpListener::from(socket);
            listener.set_nonblocking(true)?;
            Ok(Listener::Tcp(TcpListener::from_std(listener)?))
        }
    }
}

/// Accepts clients as soon as the first document has been applied.
async fn accept(socket: OwnedFd, engine: Shared, opened: Rc<Notify>, places: Arc<Semaphore>) {
    opened.notified().await;
    let listener = match Listener::new(socket) {
        Ok(listener) => listener,
        Err(problem) => {
            alert!("the control socket cannot be used: {problem}");
            return;
        }
    };
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let engine = engine.clone();
        let accepted = match &listener {
            Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::task::spawn_local(async move {
                    client(stream, engine).await;
                    drop(place);
                });
            }),
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::task::spawn_local(async move {
                    client(stream, engine).await;
                    drop(place);
                });
            }),
        };
        if let Err(problem) = accepted {
            error!("accept() on the control socket failed: {problem}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Serves one client.
async fn client(mut stream: impl AsyncRead + AsyncWrite + Unpin, engine: Shared) {
    let request = match read_request(&mut stream).await {
        Ok(request) => request,
        Err(ReadError::Gone) => return,
        Err(problem) => {
            error!("{problem}");
            if matches!(problem, ReadError::BodyTooLong)
                && write_answer(
                    &mut stream,
                    &Answer::error(413, "The request body is too large."),
                )
                .await
                .is_ok()
            {
                linger(&mut stream).await;
            }
            return;
        }
    };
    let answer = match classify(&request) {
        Err(answer) => answer,
        Ok(task) => {
            let (answer, answered) = oneshot::channel();
            engine.borrow_mut().submit(Job {
                task,
                body: request.body,
                answer,
            });
            match answered.await {
                Ok(answer) => answer,
                Err(_) => return,
            }
        }
    };
    // A client that is gone has no use for it.
    let _ = write_answer(&mut stream, &answer).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::{Header, kind, socket};
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener as StdListener, UnixStream};
    use std::thread;

    /// A controller in a thread, and what its neighbours hold of it.
    struct Running {
        thread: thread::JoinHandle<io::Result<()>>,
        /// The port of the controller.
        to_controller: OwnedFd,
        /// What it sends to main.
        to_main: OwnedFd,
        control: std::path::PathBuf,
    }

    impl Running {
        /// This process plays the router, if there is one, and else main.
        fn start(name: &str, router: Option<OwnedFd>) -> Running {
            let this = std::process::id().cast_signed();
            let path = std::env::temp_dir().join(format!("nxt-{}-{name}.sock", std::process::id()));
            let _ = std::fs::remove_file(&path);
            let control = StdListener::bind(&path).unwrap();
            let (port, to_controller) = socket::pair().unwrap();
            let (to_main, main) = socket::pair().unwrap();
            let start = Start {
                control: Some(control.into()),
                config: None,
                in_force: None,
                modules: Vec::new(),
                port,
                main: (if router.is_some() { 1 } else { this }, main),
                router: router.map(|socket| (this, socket)),
            };
            Running {
                thread: thread::spawn(move || run(start)),
                to_controller,
                to_main,
                control: path,
            }
        }

        /// It ends, after what was done to it.
        fn ends(thread: thread::JoinHandle<io::Result<()>>, control: &std::path::Path) {
            thread.join().unwrap().unwrap();
            std::fs::remove_file(control).unwrap();
        }
    }

    #[test]
    fn it_leaves_when_told_to_and_when_main_is_gone() {
        let controller = Running::start("quit", None);
        let quit = Header::new(1, kind::QUIT, 0);
        socket::send(controller.to_controller.as_fd(), &quit, b"\0", &[]).unwrap();
        Running::ends(controller.thread, &controller.control);

        let controller = Running::start("gone", None);
        drop(controller.to_main);
        Running::ends(controller.thread, &controller.control);

        let controller = Running::start("closed", None);
        drop(controller.to_controller);
        Running::ends(controller.thread, &controller.control);
    }

    #[test]
    fn clients_are_served_once_a_router_has_the_document() {
        let (from_controller, router) = socket::pair().unwrap();
        let controller = Running::start("client", Some(router));
        let mut client = UnixStream::connect(&controller.control).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        client
            .write_all(b"GET /config/routes HTTP/1.1\r\n\r\n")
            .unwrap();
        let send = |header: Header| {
            socket::send(controller.to_controller.as_fd(), &header, b"", &[]).unwrap();
        };
        send(Header::new(1, kind::PROCESS_READY, 0));
        let mut port = Receiver::new(from_controller, None);
        let document = (0..5000).find_map(|_| {
            thread::sleep(Duration::from_millis(1));
            port.receive().unwrap()
        });
        let document = document.expect("no document came").header;
        assert_eq!(document.kind, kind::DATA);
        send(Header::new(1, kind::RPC_READY, document.stream).with_last(true));
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n[]\r\n"),
            "{answer}"
        );
        drop(controller.to_main);
        Running::ends(controller.thread, &controller.control);
    }
}
