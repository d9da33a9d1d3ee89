//! The log file: opened at start, anew on SIGUSR1.
//!
//! Descriptor 2 of every process is the log. Main opens the file and hands it to all in
//! `CHANGE_FILE` messages; their body is the number of the log file as `nxt_uint_t`, and there is
//! only one. The router is told to do the same with the access log (`ACCESS_LOG`), and prototypes
//! do with the `stderr` of their application.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::sys::stat::{fstat, stat};

use super::main_process::Main;
use crate::ipc::{Header, ProcessType, kind};
use crate::sys::{Errno, stdio};
use crate::{alert, notice};

/// The mode of a log file that is created.
const MODE: u32 = 0o600;

/// How many symbolic links a path may lead through.
const MAX_LINKS: usize = 40;

/// Opens the log and makes it descriptor 2.
pub(super) fn open(path: &Path) -> io::Result<()> {
    stdio::redirect_stderr(open_or_share(path)?)
}

/// Opens a log file, creating it. What this process has open already but may not open again (a
/// socket, another user's pipe) is shared.
fn open_or_share(path: &Path) -> io::Result<File> {
    stdio::open_append(path, MODE).or_else(|error| match error.raw_os_error() {
        Some(libc::ENXIO | libc::EACCES) => standard_stream(path).ok_or(error),
        _ => Err(error),
    })
}

/// The standard stream that the path leads to.
fn standard_stream(path: &Path) -> Option<File> {
    let wanted = stat(path).ok()?;
    let (err, out) = (io::stderr(), io::stdout());
    [err.as_fd(), out.as_fd()].into_iter().find_map(|fd| {
        let same = fstat(fd)
            .ok()
            .filter(|is| (is.st_dev, is.st_ino) == (wanted.st_dev, wanted.st_ino));
        same.and(fd.try_clone_to_owned().ok()).map(File::from)
    })
}

/// Whether the path is a name of a descriptor of the process that opens it, such as `/dev/stdout`:
/// what that was at start may be something else now.
fn is_own_descriptor(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if path.starts_with("/proc/self/fd") || path.starts_with("/dev/fd") {
            return true;
        }
        let Ok(target) = fs::read_link(&path) else {
            return false;
        };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    false
}

/// The log file after a rotation. It gets its name only when every process has been told of it:
/// whoever waits for the file to appear may then rely on it.
struct NewLog {
    file: File,
    /// The name that it has until then.
    temporary: Option<PathBuf>,
}

impl NewLog {
    fn open(path: &Path) -> io::Result<NewLog> {
        // A file that is there but cannot be opened must not be replaced by a new one.
        if fs::symlink_metadata(path).is_ok() {
            let file = open_or_share(path)?;
            return Ok(NewLog {
                file,
                temporary: None,
            });
        }
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let file = stdio::open_append(&temporary, MODE)?;
        Ok(NewLog {
            file,
            temporary: Some(temporary),
        })
    }

    fn publish(self, path: &Path) -> io::Result<()> {
        match self.temporary {
            Some(temporary) => fs::rename(temporary, path),
            None => Ok(()),
        }
    }
}

impl Main {
    /// Opens the log file anew and hands it to every process; the router does the same with the
    /// access log. If that fails the old file stays in use.
    pub(super) fn reopen_log(&mut self) {
        let number = Signal::SIGUSR1 as i32;
        notice!("signal {number} (SIGUSR1) received, log files rotation");
        if let Some(router) = self.table.of_kind(ProcessType::Router) {
            let header = Header::new(self.table.own, kind::ACCESS_LOG, 0);
            self.table.send(router.pid, header, &[], &[]);
        }
        let path = &self.options.log;
        if is_own_descriptor(path) {
            return;
        }
        let failed = |call, error: &io::Error| {
            let (path, errno) = (path.display(), Errno::from(error));
            alert!("{call}(\"{path}\") failed {errno}");
            notice!("the log file \"{path}\" is not reopened, the old one stays in use");
        };
        let log = match NewLog::open(path) {
            Ok(log) => log,
            Err(error) => return failed("open", &error),
        };
        if let Err(error) = stdio::redirect_stderr(&log.file) {
            return failed("dup2", &error);
        }
        // Prototypes come last: what they tell their processes counts.
        let (prototypes, others): (Vec<_>, Vec<_>) = self
            .table
            .iter()
            .filter(|process| process.pid != self.table.own)
            .partition(|process| process.kind == ProcessType::Prototype);
        for process in others.into_iter().chain(prototypes) {
            let header = Header::new(self.table.own, kind::CHANGE_FILE, 0);
            let fds = [log.file.as_fd()];
            self.table
                .send(process.pid, header, &0u32.to_ne_bytes(), &fds);
        }
        if let Err(error) = log.publish(path) {
            failed("rename", &error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno as Number;
    use std::io::Write;

    #[test]
    fn a_rotated_log_appears_when_it_is_published() {
        let folder = std::env::temp_dir().join(format!("nxt-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("unit.log");
        let mut log = NewLog::open(&path).unwrap();
        log.file.write_all(b"first\n").unwrap();
        assert!(!path.exists());
        log.publish(&path).unwrap();
        let mut again = NewLog::open(&path).unwrap();
        again.file.write_all(b"second\n").unwrap();
        again.publish(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"first\nsecond\n");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_not_replaced() {
        let folder = std::env::temp_dir().join(format!("nxt-log-fifo-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // Nobody reads it, and nobody waits for somebody.
        let error = NewLog::open(&path).map(drop).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Number::ENXIO as i32));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn names_of_descriptors_are_known() {
        assert!(is_own_descriptor(Path::new("/dev/stdout")));
        assert!(is_own_descriptor(Path::new("/dev/stderr")));
        assert!(!is_own_descriptor(Path::new("/dev/null")));
        assert!(!is_own_descriptor(Path::new("/no/such/file")));
    }
}
