//! Asks for memory before Rust's collections do.
//!
//! A collection that gets no memory ends the process. A function of the C interface whose caller decides
//! how much it takes asks here first, and answers its error value if there is not as much. Another thread
//! may take the memory in between: this is as good as it gets without fallible collections.

use std::fmt::Write;
use std::hint::black_box;

use crate::alert;

/// What is always asked for beyond: for what an operation takes of constant size, records in the log
/// included.
const SPARE: usize = 64 * 1024;

/// Whether the heap has room for `bytes`; if not, an alert tells it.
pub(crate) fn has_room(bytes: usize) -> bool {
    let size = bytes.saturating_add(SPARE);
    let has = is_there(size);
    if !has {
        alert_no_memory("malloc", size);
    }
    has
}

fn is_there(size: usize) -> bool {
    // SAFETY: malloc takes any size; black_box keeps the pair of calls in the program.
    unsafe {
        let memory = black_box(libc::malloc(size));
        libc::free(memory);
        !memory.is_null()
    }
}

/// Tells that an allocation failed, without needing memory if there is none at all.
#[cold]
pub(crate) fn alert_no_memory(call: &str, size: usize) {
    if is_there(SPARE) {
        let error = std::io::Error::from_raw_os_error(libc::ENOMEM);
        alert!("{call}({size}) failed: {error}");
        return;
    }
    let mut line = Line {
        text: [0; 128],
        length: 0,
    };
    // What does not fit is left out.
    let _ = writeln!(line, "[alert] {call}({size}) failed, no memory for more");
    line.write_out();
}

/// Whether a record can be made. If there is no memory at all, its format is written as it is.
pub(crate) fn for_record(format: &[u8]) -> bool {
    if is_there(SPARE) {
        return true;
    }
    let mut line = Line {
        text: [0; 128],
        length: 0,
    };
    let format = str::from_utf8(format).unwrap_or("a record");
    let _ = write!(line, "[alert] no memory for a record: {format:.90}");
    let _ = writeln!(line);
    line.write_out();
    false
}

/// Text on the stack.
struct Line {
    text: [u8; 128],
    length: usize,
}

impl Line {
    fn write_out(&self) {
        // SAFETY: the bytes are those of the line; nothing can be done if they cannot be written.
        unsafe { libc::write(libc::STDERR_FILENO, self.text.as_ptr().cast(), self.length) };
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = &mut self.text[self.length..];
        let fits = text.len().min(room.len());
        room[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.length += fits;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_little_and_not_for_all() {
        assert!(has_room(0));
        assert!(has_room(1 << 20));
        assert!(!has_room(usize::MAX));
        assert!(!has_room(isize::MAX as usize));
    }

    #[test]
    fn a_line_is_cut() {
        let mut line = Line {
            text: [0; 128],
            length: 0,
        };
        writeln!(line, "{}", "x".repeat(200)).unwrap();
        assert_eq!(line.length, 128);
        assert_eq!(line.text, [b'x'; 128]);
    }
}
