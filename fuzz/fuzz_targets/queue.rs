//! The queue of a port whose writer puts anything into its memory: every call ends, with a message,
//! nothing, or an error.
#![no_main]

use std::os::fd::AsFd;

use libfuzzer_sys::fuzz_target;
use nxt::ipc::queue::MAX_MESSAGE;
use nxt::ipc::{Mapping, PortQueue};

fuzz_target!(|data: &[u8]| {
    let Ok((queue, fd)) = PortQueue::create() else {
        return;
    };
    let Ok(map) = Mapping::new(fd.as_fd(), PortQueue::SIZE) else {
        return;
    };
    let words = PortQueue::SIZE / 4;
    // Head and tail of both rings, and their first slots, are where it hurts.
    let places = [0, 1, 2, 3, 16386, 16387, 16388, 16389, 32772, 32773, 32774];
    let mut errors = 0;
    for step in data.chunks_exact(6) {
        let value = u32::from_le_bytes([step[2], step[3], step[4], step[5]]);
        match step[0] % 4 {
            0 => {
                if let Ok(Some(message)) = queue.receive() {
                    assert!(message.bytes().len() <= MAX_MESSAGE);
                }
            }
            1 => {
                errors += usize::from(
                    queue
                        .send(&data[..usize::from(step[1]) % 33 % data.len()])
                        .is_err(),
                )
            }
            n => {
                let at = match n {
                    2 => places[usize::from(step[1]) % places.len()],
                    _ => value as usize % words,
                };
                // SAFETY: inside of the mapping and aligned; this is the only thread.
                unsafe { map.start().add(at * 4).cast::<u32>().write_volatile(value) };
            }
        }
        if errors > 8 {
            break;
        }
    }
});
