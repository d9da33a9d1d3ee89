//! Models of what two processes do at the same time in shared memory, run by loom in every order of
//! their accesses that the memory model allows (with a bounded number of forced switches).

use std::array;

use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use loom::thread;

use super::message::HEADER_SIZE;
use super::ring::{Cell, Ring, impl_cell};
use super::segment::{ModelledMap, Word, impl_word};
use super::shared_queue::Shared;

impl_cell!(AtomicU32, Ordering);
impl_word!(AtomicU64, Ordering);

/// Items of a modelled queue.
const N: usize = 2;

fn ring() -> Ring<AtomicU32, N> {
    Ring {
        head: AtomicU32::new(0),
        slots: array::from_fn(|_| AtomicU32::new(0)),
        tail: AtomicU32::new(0),
    }
}

fn queue() -> Arc<Shared<AtomicU32, N, 9>> {
    let queue = Shared {
        counter: AtomicU32::new(0),
        free: ring(),
        used: ring(),
        items: array::from_fn(|_| array::from_fn(|_| AtomicU32::new(0))),
    };
    queue.reset();
    Arc::new(queue)
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(4);
    builder.max_branches = 50_000;
    builder.check(model);
}

/// A message with the header's first word, which is its stream.
fn message(stream: u32) -> [u8; HEADER_SIZE] {
    let mut bytes = [stream as u8; HEADER_SIZE];
    bytes[..4].copy_from_slice(&stream.to_ne_bytes());
    bytes
}

#[test]
fn numbers_move_between_rings_exactly_once() {
    check(|| {
        let rings = Arc::new((ring(), ring()));
        rings.0.fill();
        rings.1.reset();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let rings = rings.clone();
                thread::spawn(move || {
                    let number = rings.0.pop().unwrap().unwrap();
                    rings.1.push(number).unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        let mut moved = [rings.1.pop().unwrap(), rings.1.pop().unwrap()];
        moved.sort_unstable();
        assert_eq!(moved, [Some(0), Some(1)]);
        assert_eq!((rings.0.pop(), rings.1.pop()), (Ok(None), Ok(None)));
    });
}

#[test]
fn a_message_arrives_whole_or_not_yet() {
    check(|| {
        let queue = queue();
        let writer = {
            let queue = queue.clone();
            thread::spawn(move || queue.send_to_port(&message(5)).unwrap())
        };
        if let Some(got) = queue.receive_at_port().unwrap() {
            assert_eq!(got.bytes(), message(5));
        }
        writer.join().unwrap();
    });
}

/// A reader that goes to sleep, and a writer: either the reader finds the message in its last look,
/// or the writer is told to wake it.
#[test]
fn a_port_is_never_asleep_with_a_message() {
    check(|| {
        let queue = queue();
        queue.reader_awake();
        let writer = {
            let queue = queue.clone();
            thread::spawn(move || queue.send_to_port(&message(5)).unwrap())
        };
        let mut got = queue.receive_at_port().unwrap();
        if got.is_none() {
            queue.reader_idle();
            got = queue.receive_at_port().unwrap();
        }
        let wake = writer.join().unwrap();
        assert!(got.is_some() || wake);
    });
}

/// The same where the counter is short, because of a dead writer: the reader makes it good while
/// another one writes.
#[test]
fn a_port_that_makes_its_counter_good_is_not_asleep_with_a_message() {
    check(|| {
        let queue = queue();
        queue.reader_awake();
        queue.send_without_count(&message(4)).unwrap();
        let writer = {
            let queue = queue.clone();
            thread::spawn(move || queue.send_to_port(&message(5)).unwrap())
        };
        let mut got = 0;
        let mut read = || {
            while queue.receive_at_port().unwrap().is_some() {
                got += 1;
            }
        };
        read();
        let count = queue.reader_idle();
        read();
        queue.correct(count.min(0));
        read();
        let wake = writer.join().unwrap();
        assert!(got == 2 || (got == 1 && wake));
    });
}

/// The same of an application, whose readers clear the mark when they were woken.
#[test]
fn a_request_is_never_left_to_sleeping_readers() {
    check(|| {
        let queue = queue();
        // The first request has set the mark; its reader is on the way.
        assert!(queue.send_request(&message(1), 1).unwrap().wake);
        let writer = {
            let queue = queue.clone();
            thread::spawn(move || queue.send_request(&message(2), 2).unwrap().wake)
        };
        queue.woken();
        let mut got = 0;
        while queue.receive_request().unwrap().is_some() {
            got += 1;
        }
        let wake = writer.join().unwrap();
        assert!(got == 2 || (got == 1 && wake));
    });
}

#[test]
fn a_request_is_taken_or_taken_back_but_not_both() {
    check(|| {
        let queue = queue();
        let queued = queue.send_request(&message(7), 7).unwrap();
        let reader = {
            let queue = queue.clone();
            thread::spawn(move || queue.receive_request().unwrap().is_some())
        };
        let cancelled = queue.cancel(queued.cookie, 7);
        let taken = reader.join().unwrap();
        assert!(cancelled != taken);
        assert!(queue.receive_request().unwrap().is_none());
    });
}

#[test]
fn a_chunk_has_one_owner() {
    check(|| {
        // Four free chunks, and the word that ends the map.
        let words = Arc::new([AtomicU64::new(0b1111), AtomicU64::new(0)]);
        let threads: Vec<_> = [3, 2]
            .into_iter()
            .map(|want| {
                let words = words.clone();
                thread::spawn(move || {
                    let (first, count) = ModelledMap::new(&words[..]).allocate(want, 1)?;
                    Some(((1u64 << count) - 1) << first)
                })
            })
            .collect();
        let got: Vec<u64> = threads
            .into_iter()
            .filter_map(|t| t.join().unwrap())
            .collect();
        let all = got.iter().fold(0, |all, mine| {
            assert_eq!(all & mine, 0, "a chunk was given away twice");
            all | mine
        });
        assert_eq!(words[0].get() | all, 0b1111, "a chunk was lost");
    });
}

#[test]
fn a_released_chunk_can_be_had_again_with_what_was_written() {
    check(|| {
        let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let bytes = Arc::new(AtomicU32::new(1));
        let receiver = {
            let (words, bytes) = (words.clone(), bytes.clone());
            thread::spawn(move || {
                bytes.poke(2);
                ModelledMap::new(&words[..]).release(0, 1);
            })
        };
        if ModelledMap::new(&words[..]).allocate(1, 1).is_some() {
            assert_eq!(bytes.peek(), 2);
        }
        receiver.join().unwrap();
    });
}
