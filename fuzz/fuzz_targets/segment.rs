//! A segment between an honest process and one that writes what it likes into the header: no chunk
//! is ever in two hands of the honest one, and no reference leads out of the segment.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use nxt::ipc::segment::{CHUNK_SIZE, HEADER_SIZE, OutgoingRun, SEGMENT_SIZE};
use nxt::ipc::{ChunkRef, IncomingSegments, Mapping, OutgoingSegments};
use std::os::fd::AsFd;

fuzz_target!(|data: &[u8]| {
    let outgoing = Arc::new(OutgoingSegments::new(1, 2, 2));
    let incoming = IncomingSegments::new(2, 1, 2, Arc::new(|| {}));
    let mut runs: Vec<OutgoingRun> = Vec::new();
    let mut chunks = Vec::new();
    for step in data.chunks_exact(4) {
        let [what, a, b, c] = [step[0], step[1], step[2], step[3]];
        let number = u32::from_le_bytes([a, b, c, if what > 127 { a } else { 0 }]);
        match what % 8 {
            0 | 1 => {
                let size = number as usize % (80 * CHUNK_SIZE);
                if let Ok(allocation) = outgoing.allocate(size, usize::from(a), None) {
                    let mut run = allocation.run;
                    if allocation.created {
                        let (_, fd) = run.segment_fd();
                        let _ = incoming.add(fd);
                    }
                    run.bytes_mut()[0] = what;
                    runs.push(run);
                }
            }
            2 => drop((!runs.is_empty()).then(|| runs.swap_remove(number as usize % runs.len()))),
            3 if !runs.is_empty() => {
                let run = runs.swap_remove(number as usize % runs.len());
                let size = usize::from(b) * 1000;
                let chunk = run.into_sent_for(size, 1 + number % 4);
                match incoming.chunk(chunk) {
                    Ok(chunk) => chunks.push(chunk),
                    Err(_) => outgoing.take_back(chunk, 1 + number % 4),
                }
            }
            4 => {
                // A reference that nobody sent.
                let chunk = ChunkRef {
                    segment: u32::from(a) % 3,
                    chunk: number,
                    size: number.wrapping_mul(77),
                };
                if let Ok(chunk) = incoming.chunk(chunk) {
                    assert!(chunk.len() < SEGMENT_SIZE);
                    std::hint::black_box(chunk.last().copied());
                    chunks.push(chunk);
                }
            }
            5 => drop((!chunks.is_empty()).then(|| chunks.swap_remove(0))),
            6 => {
                // The peer writes into the header.
                let Some(fd) = outgoing.duplicate_fd(u32::from(a) % 2) else {
                    continue;
                };
                let Ok(map) = Mapping::new(fd.as_fd(), SEGMENT_SIZE) else {
                    continue;
                };
                let at = usize::from(b) * 8 % HEADER_SIZE;
                // SAFETY: inside of the mapping; nothing else touches it in this one thread now.
                unsafe {
                    map.start()
                        .add(at)
                        .cast::<u64>()
                        .write_volatile(u64::MAX << (c % 64))
                };
            }
            _ => {
                let extended = runs
                    .last_mut()
                    .map(|run| run.extend(number as usize % (1 << 20)));
                std::hint::black_box(extended);
            }
        }
        // No byte belongs to two runs.
        let mut ranges: Vec<(usize, usize)> = runs
            .iter()
            .map(|run| (run.start() as usize, run.capacity()))
            .collect();
        ranges.sort_unstable();
        assert!(ranges.windows(2).all(|w| w[0].0 + w[0].1 <= w[1].0));
    }
});
