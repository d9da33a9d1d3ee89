//! The queues of shared memory under stress from two processes: `queues.c` with the functions of
//! the headers on one side, [`nxt::ipc`] on the other, with several threads each.
//!
//! What is asked for: every item arrives once and whole, in the order of its writer where the queue
//! promises one; and a process that is killed in the middle of a step costs the item that each of
//! its threads had in hand, but neither stops nor misleads the others.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libc::SIGKILL;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use nxt::ipc::queue::{MAX_MESSAGE, QueueError, QueueMessage};
use nxt::ipc::ring::{Corrupt, Ring};
use nxt::ipc::{AppQueue, Mapping, PortQueue, create_memory};

const RING: usize = 16384;
const APP_RING: usize = 131072;
/// Threads of each side; `queues.c` has the same numbers.
const MOVERS: u32 = 3;
const WRITERS: u32 = 2;
const READERS: u32 = 2;
const CHURNERS: u32 = 2;
/// The message that ends a reader.
const STOP: u32 = u32::MAX;

/// The C program, built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("queues");
        // Another run of these tests may be executing the one that is there.
        let new = path.with_extension(std::process::id().to_string());
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let status = Command::new(compiler)
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-o"])
            .arg(&new)
            .arg(root.join("c-tests/queues.c"))
            .arg("-I")
            .arg(root.join("include"))
            .arg("-lpthread")
            .status()
            .expect("there is a C compiler");
        assert!(status.success());
        std::fs::rename(new, &path).unwrap();
        path
    })
}

/// The C side of the memory behind `fd`.
struct Peer {
    child: Child,
    output: ChildStdout,
}

impl Peer {
    fn start(fd: &OwnedFd, arguments: &[&str]) -> Peer {
        let mut child = Command::new(program())
            .args(arguments)
            .stdin(fd.try_clone().unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let mut peer = Peer { child, output };
        assert!(peer.report().is_empty(), "it has begun");
        peer
    }

    fn number(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.output.read_exact(&mut bytes).expect("a report");
        u32::from_ne_bytes(bytes)
    }

    /// What one of its threads saw.
    fn report(&mut self) -> Vec<u32> {
        (0..self.number()).map(|_| self.number()).collect()
    }

    fn finish(mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    /// Kills it, and makes sure that it lived until then.
    fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(SIGKILL));
    }
}

/// Initialises the memory by the functions of the headers.
fn initialise(fd: &OwnedFd, kind: &str) {
    Peer::start(fd, &["init", kind]).finish();
}

/// The words of a mapping.
fn words(map: &Mapping, from: usize, count: usize) -> &[AtomicU32] {
    // SAFETY: the callers map as many bytes as they name here; a mapping is aligned to pages and
    // lives as long as the result; only atomics touch it.
    unsafe { std::slice::from_raw_parts(map.start().cast::<AtomicU32>().as_ptr().add(from), count) }
}

/// Puts a ring just before the end of its positions, which are 32 bits wide: full with 0, 1, …, or
/// empty. `cells` are the head, the slots and the tail.
fn place_before_the_end(cells: &[AtomicU32], full: bool) {
    let size = (cells.len() - 2) as u32;
    let start = 0u32.wrapping_sub(size);
    let mask = (u32::MAX / size) & 0xFFFF;
    let stamp = |position: u32| ((position / size) & mask).wrapping_mul(size);
    cells[0].store(start, Ordering::SeqCst);
    for (slot, cell) in (0..size).zip(&cells[1..]) {
        let entry = if full {
            stamp(start) | slot
        } else {
            stamp(start.wrapping_sub(size))
        };
        cell.store(entry, Ordering::SeqCst);
    }
    let tail = if full {
        start.wrapping_add(size)
    } else {
        start
    };
    cells[cells.len() - 1].store(tail, Ordering::SeqCst);
}

/// Numbers that move back and forth between two queues.
trait Numbers: Sync {
    fn take(&self) -> Option<u32>;
    fn put(&self, number: u32);
}

impl Numbers for Ring<AtomicU32, RING> {
    fn take(&self) -> Option<u32> {
        self.pop().unwrap()
    }

    fn put(&self, number: u32) {
        self.push(number).unwrap();
    }
}

/// `nxt_nvbcq_t`, which nothing in the daemon uses: a slot holds a number or `RING` for none, head
/// and tail are where to begin to look.
struct Slots<'a>(&'a [AtomicU32]);

impl Slots<'_> {
    /// Changes the first slot after `from` whose value is wanted; answers the value it had.
    fn exchange(&self, hint: &AtomicU32, fits: impl Fn(u32) -> bool, new: u32) -> Option<u32> {
        let from = hint.load(Ordering::SeqCst);
        (0..RING as u32).find_map(|step| {
            let position = from.wrapping_add(step);
            let slot = &self.0[1 + position as usize % RING];
            let old = slot.load(Ordering::SeqCst);
            let changed = fits(old)
                && slot
                    .compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst)
                    .is_ok();
            changed.then(|| {
                let next = position.wrapping_add(1);
                let _ = hint.compare_exchange(position, next, Ordering::SeqCst, Ordering::SeqCst);
                old
            })
        })
    }
}

impl Numbers for Slots<'_> {
    fn take(&self) -> Option<u32> {
        self.exchange(&self.0[0], |value| value < RING as u32, RING as u32)
    }

    fn put(&self, number: u32) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self
            .exchange(&self.0[RING + 1], |value| value == RING as u32, number)
            .is_none()
        {
            assert!(Instant::now() < deadline, "no free slot for {number}");
        }
    }
}

/// All numbers move between two queues, and none is ever in two hands.
fn move_numbers(kind: &str, fd: &OwnedFd, queues: [&dyn Numbers; 2], owners: &[AtomicU32]) {
    const ATTEMPTS: u32 = 80_000;
    let first = (MOVERS + 1).to_string();
    let mut peer = Peer::start(fd, &["move", kind, &ATTEMPTS.to_string(), &first]);
    let moved: Vec<u32> = thread::scope(|scope| {
        let movers: Vec<_> = (1..=MOVERS)
            .map(|id| {
                scope.spawn(move || {
                    let (from, to) = (id as usize & 1, !id as usize & 1);
                    let change = |number: u32, old, new| {
                        owners[number as usize]
                            .compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst)
                            .unwrap_or_else(|other| panic!("{number} is with {other}"));
                    };
                    let mut moved = 0;
                    for _ in 0..ATTEMPTS {
                        let Some(number) = queues[from].take() else {
                            thread::yield_now();
                            continue;
                        };
                        change(number, 0, id);
                        change(number, id, 0);
                        queues[to].put(number);
                        moved += 1;
                    }
                    moved
                })
            })
            .collect();
        movers.into_iter().map(|m| m.join().unwrap()).collect()
    });
    let theirs: Vec<u32> = (0..MOVERS).flat_map(|_| peer.report()).collect();
    peer.finish();
    for side in [&moved, &theirs] {
        assert!(side.iter().sum::<u32>() > RING as u32, "{side:?} moved");
    }

    let mut left: Vec<u32> = queues
        .iter()
        .flat_map(|queue| std::iter::from_fn(|| queue.take()))
        .collect();
    left.sort_unstable();
    assert!(left.into_iter().eq(0..RING as u32), "a number got lost");
}

/// Two queues of numbers and the word of the owner of each number.
const PAIR: usize = 2 * (RING + 2) + RING;

#[test]
fn nncq() {
    for wrap in [false, true] {
        let fd = create_memory(4 * PAIR).unwrap();
        let map = Mapping::new(fd.as_fd(), 4 * PAIR).unwrap();
        initialise(&fd, "nncq");
        if wrap {
            place_before_the_end(words(&map, 0, RING + 2), true);
            place_before_the_end(words(&map, RING + 2, RING + 2), false);
        }
        // SAFETY: a ring is RING + 2 words that are atomics, and two of them are in the mapping.
        let rings = unsafe { map.start().cast::<[Ring<AtomicU32, RING>; 2]>().as_ref() };
        let owners = words(&map, 2 * (RING + 2), RING);
        move_numbers("nncq", &fd, [&rings[0], &rings[1]], owners);
    }
}

#[test]
fn nvbcq() {
    let fd = create_memory(4 * PAIR).unwrap();
    let map = Mapping::new(fd.as_fd(), 4 * PAIR).unwrap();
    initialise(&fd, "nvbcq");
    let queues = [0, RING + 2].map(|from| Slots(words(&map, from, RING + 2)));
    let owners = words(&map, 2 * (RING + 2), RING);
    move_numbers("nvbcq", &fd, [&queues[0], &queues[1]], owners);
}

/// A stream, followed by as many bytes as follow from it.
fn compose(stream: u32) -> Vec<u8> {
    let size = 4 + stream as usize % (MAX_MESSAGE - 3);
    let mut message = stream.to_ne_bytes().to_vec();
    message.extend((4..size).map(|i| (stream.wrapping_mul(31) as u8).wrapping_add(i as u8)));
    message
}

/// Queues of messages, as both sides use them.
trait Messages: Clone + Send + Sync + Debug {
    const KIND: &str;
    const ITEMS: usize;
    const SIZE: usize;

    fn create() -> (Self, OwnedFd);
    /// Appends a message; answers what takes it back.
    fn put(&self, message: &[u8], stream: u32) -> Result<u32, QueueError>;
    fn take_back(&self, cookie: u32, stream: u32) -> bool;
    fn take(&self) -> Result<Option<QueueMessage>, Corrupt>;

    /// Appends the message of a stream; waits for room.
    fn write(&self, stream: u32) -> u32 {
        loop {
            match self.put(&compose(stream), stream) {
                Ok(cookie) => return cookie,
                Err(QueueError::Full) => thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn read(&self) -> Option<u32> {
        let message = self.take().unwrap()?;
        let message = message.bytes();
        let stream = u32::from_ne_bytes(message[..4].try_into().unwrap());
        assert_eq!(message, compose(stream), "torn message");
        Some(stream)
    }
}

impl Messages for PortQueue {
    const KIND: &str = "port";
    const ITEMS: usize = RING;
    const SIZE: usize = PortQueue::SIZE;

    fn create() -> (Self, OwnedFd) {
        PortQueue::create().unwrap()
    }

    fn put(&self, message: &[u8], _stream: u32) -> Result<u32, QueueError> {
        self.send(message).map(|_| 0)
    }

    fn take_back(&self, _cookie: u32, _stream: u32) -> bool {
        false
    }

    fn take(&self) -> Result<Option<QueueMessage>, Corrupt> {
        self.receive()
    }
}

impl Messages for AppQueue {
    const KIND: &str = "app";
    const ITEMS: usize = APP_RING;
    const SIZE: usize = AppQueue::SIZE;

    fn create() -> (Self, OwnedFd) {
        AppQueue::create().unwrap()
    }

    fn put(&self, message: &[u8], stream: u32) -> Result<u32, QueueError> {
        self.send(message, stream).map(|queued| queued.cookie)
    }

    fn take_back(&self, cookie: u32, stream: u32) -> bool {
        self.cancel(cookie, stream)
    }

    fn take(&self) -> Result<Option<QueueMessage>, Corrupt> {
        self.receive()
    }
}

fn stream(writer: u32, number: u32) -> u32 {
    writer << 20 | number
}

/// Writes `count` messages; answers those that were taken back.
fn write_messages<Q: Messages>(queue: &Q, writer: u32, count: u32) -> Vec<u32> {
    let mut back = Vec::new();
    for number in 1..=count {
        let stream = stream(writer, number);
        let cookie = queue.write(stream);
        if number % 8 == 0 && queue.take_back(cookie, stream) {
            back.push(stream);
        }
    }
    back
}

fn read_messages<Q: Messages>(queue: &Q) -> Vec<u32> {
    let mut read = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match queue.read() {
            Some(STOP) => return read,
            Some(stream) => read.push(stream),
            None => {
                assert!(Instant::now() < deadline, "a message got lost");
                thread::yield_now();
            }
        }
    }
}

/// Writers and readers on both sides: every message is read once or was taken back, and each
/// reader sees those of one writer in their order.
fn pass_messages<Q: Messages>(queue: &Q, fd: &OwnedFd, count: u32) {
    let first = (WRITERS + 1).to_string();
    let mut peer = Peer::start(fd, &["pass", Q::KIND, &count.to_string(), &first]);
    let (mut back, reads) = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| scope.spawn(|| read_messages(queue)))
            .collect();
        let writers: Vec<_> = (1..=WRITERS)
            .map(|writer| scope.spawn(move || write_messages(queue, writer, count)))
            .collect();
        let mut back: Vec<u32> = writers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect();
        back.extend((0..WRITERS).flat_map(|_| peer.report()));
        (0..2 * READERS).for_each(|_| {
            queue.write(STOP);
        });
        let mut reads: Vec<_> = readers.into_iter().map(|r| r.join().unwrap()).collect();
        reads.extend((0..READERS).map(|_| peer.report()));
        (back, reads)
    });
    peer.finish();
    assert_eq!(queue.read(), None);

    for read in &reads {
        let mut last = HashMap::new();
        for stream in read {
            let before = last.insert(stream >> 20, stream);
            assert!(before < Some(stream), "{stream:x} came after {before:x?}");
        }
    }
    let mut all: Vec<u32> = reads.concat();
    all.append(&mut back);
    all.sort_unstable();
    let sent = (1..=2 * WRITERS).flat_map(|w| (1..=count).map(move |n| stream(w, n)));
    assert!(all.into_iter().eq(sent), "not each message exactly once");
}

/// How many messages go in until the queue is full; it is empty before and after.
fn room<Q: Messages>(queue: &Q) -> usize {
    let room = (0..=Q::ITEMS as u32)
        .take_while(|number| queue.put(&compose(number + 1), number + 1).is_ok())
        .count();
    assert_eq!(std::iter::from_fn(|| queue.read()).count(), room);
    room
}

fn stress<Q: Messages>(rounds: u32, count: u32) {
    for by_c in [true, false] {
        let (queue, fd) = Q::create();
        let map = Mapping::new(fd.as_fd(), Q::SIZE).unwrap();
        if by_c {
            // What the headers initialise is what we initialise.
            let memory = words(&map, 0, Q::SIZE / 4);
            let before: Vec<u32> = memory.iter().map(|w| w.load(Ordering::SeqCst)).collect();
            memory.iter().for_each(|w| w.store(7, Ordering::SeqCst));
            initialise(&fd, Q::KIND);
            let rings = 1 + 2 * (Q::ITEMS + 2);
            let after = memory[..rings].iter().map(|w| w.load(Ordering::SeqCst));
            assert!(before[..rings].iter().copied().eq(after));
        } else {
            place_before_the_end(words(&map, 1, Q::ITEMS + 2), true);
            place_before_the_end(words(&map, Q::ITEMS + 3, Q::ITEMS + 2), false);
        }
        (0..rounds).for_each(|_| pass_messages(&queue, &fd, count));
        assert_eq!(room(&queue), Q::ITEMS, "an item got lost");
        if Q::KIND == "port" {
            let counter = &words(&map, 0, 1)[0];
            assert_eq!(counter.load(Ordering::SeqCst), 0, "messages are miscounted");
        }
    }
}

#[test]
fn port_queue() {
    stress::<PortQueue>(1, 60_000);
}

/// A reader in C owns a request only after it has freed the item, so that a round must not come to
/// an item twice.
#[test]
fn app_queue() {
    const COUNT: u32 = 30_000;
    const { assert!(2 * WRITERS * COUNT < APP_RING as u32) };
    stress::<AppQueue>(3, COUNT);
}

/// Ends the churning when it is dropped, also by a panic.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends and receives until it is told to stop.
fn churn<Q: Messages>(queue: &Q, writer: u32, stop: &AtomicBool) -> u32 {
    let mut steps = 0;
    while !stop.load(Ordering::Relaxed) {
        let stream = stream(writer, steps % 0xF_FFFF + 1);
        match queue.put(&compose(stream), stream) {
            Ok(_) | Err(QueueError::Full) => {}
            Err(error) => panic!("{error}"),
        }
        queue.read();
        steps += 1;
    }
    steps
}

/// A process of ours that does the same until it is killed.
fn fork_churner<Q: Messages>(queue: &Q, writer: u32) -> Pid {
    let message = compose(stream(writer, 1));
    // SAFETY: the child only touches the queue, which needs neither locks nor memory.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => child,
        ForkResult::Child => loop {
            let sent = queue.put(&message, stream(writer, 1));
            if matches!(sent, Err(QueueError::Corrupt(_))) || queue.take().is_err() {
                // SAFETY: always sound; nothing of the parent's is cleaned up.
                unsafe { libc::_exit(1) };
            }
        },
    }
}

fn kill_in_the_middle<Q: Messages>() {
    const KILLS: u32 = 24;
    let (queue, fd) = Q::create();
    let stop = AtomicBool::new(false);
    let mut survivor = Peer::start(&fd, &["churn", Q::KIND, "0", "1"]);
    thread::scope(|scope| {
        let ours = scope.spawn(|| churn(&queue, 10, &stop));
        let stopping = Stop(&stop);
        for round in 0..KILLS {
            let pause = Duration::from_micros(2000 + u64::from(round * 7919 % 3000));
            if round % 2 == 0 {
                let victim = Peer::start(&fd, &["churn", Q::KIND, "0", "20"]);
                thread::sleep(pause * 2);
                victim.kill();
            } else {
                let victim = fork_churner(&queue, 30);
                thread::sleep(pause);
                kill(victim, Signal::SIGKILL).unwrap();
                let ended = waitpid(victim, None).unwrap();
                assert_eq!(ended, WaitStatus::Signaled(victim, Signal::SIGKILL, false));
            }
        }
        drop(stopping);
        assert!(ours.join().unwrap() > KILLS);
    });
    let id = Pid::from_raw(survivor.child.id() as i32);
    kill(id, Signal::SIGTERM).unwrap();
    for _ in 0..CHURNERS {
        assert!(survivor.report()[0] > KILLS);
    }
    survivor.finish();

    while queue.read().is_some() {}
    let lost = Q::ITEMS - room(&queue);
    assert!(lost <= (KILLS * CHURNERS) as usize, "{lost} items lost");
    // And it goes on as if nothing had been.
    pass_messages(&queue, &fd, 5_000);
}

#[test]
fn a_process_killed_in_the_middle_of_the_port_queue() {
    kill_in_the_middle::<PortQueue>();
}

#[test]
fn a_process_killed_in_the_middle_of_the_app_queue() {
    kill_in_the_middle::<AppQueue>();
}
