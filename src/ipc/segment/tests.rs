//! Tests of shared-memory segments: two sides in one process.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::ipc::{ChunkRef, Pid, create_memory};

const SRC: Pid = 100;
const DST: Pid = 200;

fn sides(limit: usize) -> (Arc<OutgoingSegments>, IncomingSegments, Arc<AtomicUsize>) {
    let acks = Arc::new(AtomicUsize::new(0));
    let count = acks.clone();
    let on_release: OnRelease = Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let outgoing = Arc::new(OutgoingSegments::new(SRC, DST, limit));
    (
        outgoing,
        IncomingSegments::new(DST, SRC, 64, on_release),
        acks,
    )
}

#[test]
fn bytes_travel_and_chunks_come_back() {
    let (out, incoming, acks) = sides(1);
    let Allocation { mut run, created } = out.allocate(20_000, 20_000, None).unwrap();
    assert!(created);
    assert_eq!(run.capacity(), 32768);
    incoming.add(run.segment_fd().1).unwrap();
    assert!(run.write(19_998, b"ab"));
    assert!(!run.write(32767, b"ab"));
    assert_eq!(out.held_chunks(), 2);
    let sent = run.into_sent(20_000);
    assert_eq!(out.held_chunks(), 0);
    let mut chunk = incoming.chunk(sent).unwrap();
    assert_eq!(&chunk[19_998..], b"ab");
    chunk.advance(19_999);
    assert_eq!(&*chunk, b"b");
    drop(chunk);
    // All 640 chunks are free again, and nobody waited.
    let all = out.allocate(DATA_SIZE, DATA_SIZE, None).unwrap();
    assert!(!all.created);
    assert_eq!(acks.load(Ordering::Relaxed), 0);
}

#[test]
fn a_waiting_creator_is_told_once() {
    let (out, incoming, acks) = sides(1);
    let all = out.allocate(DATA_SIZE, DATA_SIZE, None).unwrap().run;
    incoming.add(all.segment_fd().1).unwrap();
    let a = incoming.chunk(all.into_sent(DATA_SIZE)).unwrap();
    assert!(matches!(
        out.allocate(1, 1, None),
        Err(AllocateError::Exhausted)
    ));
    assert!(!incoming.peer_is_exhausted());
    drop(a);
    assert_eq!(acks.load(Ordering::Relaxed), 1);
    let b = out.allocate(1, 1, None).unwrap().run.into_sent(1);
    drop(incoming.chunk(b).unwrap());
    assert_eq!(acks.load(Ordering::Relaxed), 1);
}

/// Pages of the mapping that this process has in its page tables.
fn resident_pages(segment: &Segment) -> usize {
    use std::os::unix::fs::FileExt;
    const PAGE: usize = 4096;
    let mut entries = vec![0; segment.map.size() / PAGE * 8];
    let at = segment.map.start().as_ptr() as usize / PAGE * 8;
    let file = std::fs::File::open("/proc/self/pagemap").unwrap();
    file.read_exact_at(&mut entries, at as u64).unwrap();
    let present = |entry: &&[u8]| entry[7] & 0x80 != 0;
    entries.chunks_exact(8).filter(present).count()
}

#[test]
fn pages_are_let_go_beyond_the_first_segments() {
    let last = KEPT_SEGMENTS;
    let (out, incoming, _) = sides(last as usize + 1);
    let runs: Vec<_> = (0..=last)
        .map(|_| out.allocate(DATA_SIZE, DATA_SIZE, None).unwrap().run)
        .collect();
    for run in runs {
        let id = incoming.add(run.segment_fd().1).unwrap();
        let bytes = incoming.chunk(run.into_sent(DATA_SIZE)).unwrap();
        assert_eq!(bytes.iter().map(|&b| u64::from(b)).sum::<u64>(), 0);
        let pages = || resident_pages(&incoming.segment(id).unwrap());
        assert!(pages() >= DATA_SIZE / 4096);
        drop(bytes);
        if id < last {
            assert!(pages() >= DATA_SIZE / 4096);
        } else {
            // The segment's header is in use, and a fault brings its neighbours along.
            assert!(pages() <= DATA_SIZE / 4096 / 10, "{} pages", pages());
        }
    }
}

#[test]
fn a_late_complaint_is_answered_at_once() {
    let (out, incoming, _) = sides(1);
    let all = out.allocate(DATA_SIZE, 0, None).unwrap().run;
    incoming.add(all.segment_fd().1).unwrap();
    assert!(out.allocate(1, 1, None).is_err());
    drop(all);
    assert!(incoming.peer_is_exhausted());
}

#[test]
fn a_complaint_that_overtakes_its_segment_is_answered_when_that_comes() {
    let (out, incoming, acks) = sides(1);
    let via = |port| Some(Via { port, thread: 1 });
    let first = out.allocate(1, 1, via(5)).unwrap().run;
    // Nothing is to be had over another port until the segment is mapped.
    assert!(matches!(
        out.allocate(1, 1, via(6)),
        Err(AllocateError::Exhausted)
    ));
    assert!(!incoming.peer_is_exhausted());
    assert_eq!(acks.load(Ordering::Relaxed), 0);
    incoming.add(first.segment_fd().1).unwrap();
    assert_eq!(acks.load(Ordering::Relaxed), 1);
    assert!(out.allocate(1, 1, via(6)).is_ok());
    incoming.add(first.segment_fd().1).unwrap();
    assert_eq!(acks.load(Ordering::Relaxed), 1);
}

#[test]
fn runs_may_be_shorter_but_not_below_the_minimum() {
    let (out, _incoming, _) = sides(1);
    let _head = out.allocate(1, 1, None).unwrap().run;
    let most = out.allocate(DATA_SIZE, CHUNK_SIZE, None).unwrap().run;
    assert_eq!(most.capacity(), DATA_SIZE - CHUNK_SIZE);
    assert!(out.allocate(DATA_SIZE + 1, 0, None).is_err());
    drop(most);
    assert!(out.allocate(DATA_SIZE, DATA_SIZE, None).is_err());
}

#[test]
fn a_run_grows_in_place_if_there_is_room() {
    let (out, _incoming, _) = sides(1);
    let mut a = out.allocate(1, 1, None).unwrap().run;
    assert!(a.extend(3 * CHUNK_SIZE));
    assert_eq!(a.capacity(), 3 * CHUNK_SIZE);
    let b = out.allocate(1, 1, None).unwrap().run;
    assert!(!a.extend(5 * CHUNK_SIZE));
    assert_eq!(a.capacity(), 3 * CHUNK_SIZE);
    assert_eq!(out.held_chunks(), 4);
    drop((a, b));
    assert_eq!(out.held_chunks(), 0);
}

#[test]
fn a_new_segment_is_for_its_way_only_until_mapped() {
    let (out, incoming, _) = sides(2);
    let way = Via { port: 3, thread: 7 };
    let first = out.allocate(1, 1, Some(way)).unwrap();
    assert!(first.created);
    assert!(!out.allocate(1, 1, Some(way)).unwrap().created);
    let other = out.allocate(1, 1, Some(Via { thread: 8, ..way })).unwrap();
    assert!(other.created);
    incoming.add(first.run.segment_fd().1).unwrap();
    assert!(
        !out.allocate(1, 1, Some(Via { thread: 9, ..way }))
            .unwrap()
            .created
    );
}

#[test]
fn a_hostile_peer_is_refused() {
    let (out, incoming, _) = sides(1);
    let run = out.allocate(1, 1, None).unwrap().run;
    let stranger = IncomingSegments::new(DST, SRC + 1, 64, Arc::new(|| {}));
    assert!(matches!(
        stranger.add(run.segment_fd().1),
        Err(SegmentError::WrongPid { .. })
    ));
    let small = create_memory(SEGMENT_SIZE - 1).unwrap();
    assert!(matches!(
        incoming.add(small.as_fd()),
        Err(SegmentError::Memory(_))
    ));
    incoming.add(run.segment_fd().1).unwrap();
    let reference = |segment, chunk, size| ChunkRef {
        segment,
        chunk,
        size,
    };
    assert!(matches!(
        incoming.chunk(reference(1, 0, 1)),
        Err(SegmentError::Unknown(1))
    ));
    for bad in [
        reference(0, 640, 0),
        reference(0, 639, 16385),
        reference(0, u32::MAX, 1),
        reference(0, 0, u32::MAX),
    ] {
        assert!(
            matches!(incoming.chunk(bad), Err(SegmentError::OutOfRange { .. })),
            "{bad:?}"
        );
    }
    assert!(incoming.chunk(reference(0, 639, 16384)).is_ok());
}

#[test]
fn chunks_freed_by_the_wrong_side_are_not_handed_out_twice() {
    let (out, incoming, _) = sides(1);
    let mine = out.allocate(1, 1, None).unwrap().run;
    incoming.add(mine.segment_fd().1).unwrap();
    // The peer "releases" a chunk that it was never sent.
    drop(incoming.chunk(mine.reference(1)));
    let other = out.allocate(1, 1, None);
    assert!(other.is_err() || other.unwrap().run.start() != mine.start());
}

#[test]
fn chunks_are_taken_back_unless_they_serve_another_stream() {
    let (set, peer, _) = sides(1);
    let size = CHUNK_SIZE + 1;
    let run = set.allocate(size, size, None).unwrap().run;
    peer.add(run.segment_fd().1).unwrap();
    let sent = run.into_sent_for(size, 5);
    let whole = || set.allocate(DATA_SIZE, DATA_SIZE, None);
    assert!(whole().is_err());
    set.take_back(sent, 6);
    assert!(whole().is_err(), "another stream has no say");
    set.take_back(sent, 5);
    drop(whole().unwrap());

    let sent = set
        .allocate(size, size, None)
        .unwrap()
        .run
        .into_sent_for(size, 7);
    drop(peer.chunk(sent).unwrap());
    let again = set.allocate(size, size, None).unwrap().run;
    assert_eq!(again.reference(size), sent);
    set.take_back(sent, 7);
    assert!(whole().is_err(), "in use again");
}

#[test]
fn bytes_survive_that_pages_are_let_go() {
    let (out, incoming, _) = sides(4);
    let mut runs: Vec<_> = (0..4)
        .map(|_| {
            let run = out.allocate(DATA_SIZE, DATA_SIZE, None).unwrap().run;
            incoming.add(run.segment_fd().1).unwrap();
            run
        })
        .collect();
    let last = runs.last_mut().unwrap();
    assert!(last.write(DATA_SIZE - 3, b"end"));
    let sent = runs.pop().unwrap().into_sent(DATA_SIZE);
    let tail = ChunkRef {
        chunk: 639,
        size: CHUNK_SIZE as u32,
        ..sent
    };
    let tail = incoming.chunk(tail).unwrap();
    for chunk in 0..600 {
        drop(
            incoming
                .chunk(ChunkRef {
                    chunk,
                    size: 1,
                    ..sent
                })
                .unwrap(),
        );
    }
    assert!(tail.ends_with(b"end"));
}
