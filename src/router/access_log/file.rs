//! The file of the access log, and the thread that writes it.
//!
//! A disk may be slow, and a pipe may have a reader that stalls: neither must hold up requests. So
//! lines are collected in memory and written together, a moment later, by a thread that does
//! nothing else. Where it cannot keep up, lines are dropped and counted in the log.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::router::hub::lock;

/// How long the writer waits for more lines after the first.
const GATHER: Duration = Duration::from_millis(10);

/// So many bytes are written without waiting for more.
const FULL: usize = 64 * 1024;

/// Lines that would make more bytes wait than this are dropped.
const LIMIT: usize = 4 * 1024 * 1024;

/// See the module head.
pub(crate) struct LogFile {
    /// Its path, as the configuration writes it.
    pub(crate) path: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is work for the writer.
    work: Condvar,
    /// The writer has left.
    left: Condvar,
}

#[derive(Debug)]
struct State {
    pending: Vec<u8>,
    dropped: u64,
    file: Arc<File>,
    closing: bool,
    writer_left: bool,
}

impl LogFile {
    /// Takes over a file that is open for appending.
    pub(crate) fn new(path: &str, file: File) -> io::Result<Arc<LogFile>> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                pending: Vec::new(),
                dropped: 0,
                file: Arc::new(file),
                closing: false,
                writer_left: false,
            }),
            work: Condvar::new(),
            left: Condvar::new(),
        });
        let writer = shared.clone();
        std::thread::Builder::new()
            .name("access log".to_owned())
            .spawn(move || writer.write_all())?;
        Ok(Arc::new(LogFile {
            path: path.to_owned(),
            shared,
        }))
    }

    /// Has a line written.
    pub(super) fn append(&self, line: &[u8]) {
        let mut state = lock(&self.shared.state);
        let before = state.pending.len();
        if before + line.len() > LIMIT {
            state.dropped += 1;
            return;
        }
        state.pending.extend_from_slice(line);
        let after = state.pending.len();
        drop(state);
        // Otherwise it knows already.
        if before == 0 || (before < FULL && after >= FULL) {
            self.shared.work.notify_one();
        }
    }

    /// Writes to another file from now on.
    pub(crate) fn replace(&self, file: File) {
        lock(&self.shared.state).file = Arc::new(file);
    }

    /// Writes what waits, for at most so long. Nothing can be appended afterwards.
    pub(crate) fn finish(&self, timeout: Duration) {
        self.close();
        let end = Instant::now() + timeout;
        let mut state = lock(&self.shared.state);
        while !state.writer_left {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.shared.left.wait_timeout(state, left);
            state = waited.unwrap_or_else(|error| error.into_inner()).0;
        }
    }

    fn close(&self) {
        lock(&self.shared.state).closing = true;
        self.shared.work.notify_one();
    }
}

impl Drop for LogFile {
    /// The writer finishes on its own.
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// The body of the writer thread.
    fn write_all(&self) {
        let mut batch = Vec::new();
        let mut failing = false;
        while let Some((file, dropped)) = self.next(&mut batch) {
            let result = (&*file).write_all(&batch);
            match &result {
                // Told once, not for each batch.
                Err(error) if !failing => crate::alert!("writing the access log failed: {error}"),
                _ => {}
            }
            failing = result.is_err();
            if dropped > 0 {
                crate::warning!(
                    "{dropped} lines of the access log were dropped: it cannot keep up"
                );
            }
            batch.clear();
            batch.shrink_to(FULL);
        }
        lock(&self.state).writer_left = true;
        self.left.notify_all();
    }

    /// Waits for lines and takes them into the empty `batch`; `None` when there will be no more.
    fn next(&self, batch: &mut Vec<u8>) -> Option<(Arc<File>, u64)> {
        let state = lock(&self.state);
        let idle = |state: &mut State| state.pending.is_empty() && !state.closing;
        let state = self.work.wait_while(state, idle);
        let state = state.unwrap_or_else(|error| error.into_inner());
        if state.pending.is_empty() {
            return None;
        }
        let waited = self.work.wait_timeout_while(state, GATHER, |state| {
            state.pending.len() < FULL && !state.closing
        });
        let mut state = waited.unwrap_or_else(|error| error.into_inner()).0;
        std::mem::swap(&mut state.pending, batch);
        Some((state.file.clone(), std::mem::take(&mut state.dropped)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn pipe() -> (File, File) {
        let (read, write) = nix::unistd::pipe().unwrap();
        (File::from(read), File::from(write))
    }

    fn rest(mut file: File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn lines_are_written_in_order() {
        let (read, write) = pipe();
        let log = LogFile::new("x", write).unwrap();
        for number in 0..1000 {
            log.append(format!("{number}\n").as_bytes());
        }
        log.finish(LONG);
        drop(log);
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(rest(read), expected.as_bytes());
    }

    #[test]
    fn a_replaced_file_gets_no_more_lines() {
        let ((old, old_end), (new, new_end)) = (pipe(), pipe());
        let log = LogFile::new("x", old_end).unwrap();
        log.append(b"one\n");
        let mut first = [0; 4];
        (&old).read_exact(&mut first).unwrap();
        log.replace(new_end);
        log.append(b"two\n");
        drop(log);
        assert_eq!(rest(old), b"");
        assert_eq!(rest(new), b"two\n");
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_and_bounded_memory() {
        let (read, write) = pipe();
        let log = LogFile::new("x", write).unwrap();
        let line = [b'x'; 1024];
        for _ in 0..(4 * LIMIT / line.len()) {
            log.append(&line);
        }
        let state = lock(&log.shared.state);
        assert!(state.pending.len() <= LIMIT && state.dropped > 0);
        drop(state);
        // Nobody waits for a writer that cannot write.
        let start = Instant::now();
        log.finish(Duration::from_millis(50));
        assert!(start.elapsed() < LONG);
        drop(log);
        let written = rest(read).len();
        assert!(written >= LIMIT - line.len() && written <= 3 * LIMIT);
    }

    #[test]
    fn a_file_that_cannot_be_written_does_not_end_the_writer() {
        let (read, write) = pipe();
        drop(OwnedFd::from(read));
        let log = LogFile::new("x", write).unwrap();
        log.append(b"lost\n");
        std::thread::sleep(5 * GATHER);
        let (read, write) = pipe();
        log.replace(write);
        log.append(b"kept\n");
        drop(log);
        assert_eq!(rest(read), b"kept\n");
    }
}
