//! The program file that this process was started from, to start it again.
#![forbid(unsafe_code)]

use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::sys::title;

/// What the kernel appends to the name of a file that is gone.
const DELETED: &[u8] = b" (deleted)";

/// A path and arguments for execve(2).
#[derive(Debug)]
pub(super) struct Binary {
    path: PathBuf,
    arguments: Vec<OsString>,
}

impl Binary {
    /// The running program. To be called early: later its file may be another one, or the working
    /// directory.
    ///
    /// The path is the one that the program was called by, symbolic links included, so that the
    /// file that stands there when it is started again is the one that runs. A name that says
    /// something else than which file runs (`exec -a`) does not count.
    pub(super) fn running() -> Binary {
        let arguments = title::arguments().to_vec();
        let path = match fs::read_link("/proc/self/exe") {
            Ok(running) => {
                let called = arguments.first().and_then(|name| called_path(name));
                let is_running = |path: &PathBuf| {
                    fs::canonicalize(path).is_ok_and(|canonical| canonical == running)
                };
                called
                    .filter(is_running)
                    .unwrap_or_else(|| without_deleted(&running))
            }
            // Without /proc only the name is left.
            Err(_) => arguments
                .first()
                .and_then(|name| called_path(name))
                .unwrap_or_default(),
        };
        Binary { path, arguments }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Becomes the program that stands at the path now, with the present environment and one more
    /// variable. Returns only if that fails.
    pub(super) fn execute(&self, name: &str, value: &str) -> Errno {
        let c_string = |bytes: &[u8]| CString::new(bytes).map_err(|_| Errno::EINVAL);
        let environment = std::env::vars_os()
            .chain([(OsString::from(name), OsString::from(value))])
            .map(|(name, value)| c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
            .collect::<Result<Vec<_>, _>>();
        let arguments = self
            .arguments
            .iter()
            .map(|argument| c_string(argument.as_bytes()))
            .collect::<Result<Vec<_>, _>>();
        let path = c_string(self.path.as_os_str().as_bytes());
        let (path, arguments, environment) = match (path, arguments, environment) {
            (Ok(path), Ok(arguments), Ok(environment)) => (path, arguments, environment),
            _ => return Errno::EINVAL,
        };
        match nix::unistd::execve(&path, &arguments, &environment) {
            Err(errno) => errno,
        }
    }
}

/// The absolute path of a program that was called by this name, found like a shell does.
fn called_path(name: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        // Without resolving links; a path that is absolute already stays.
        return std::path::absolute(name).ok();
    }
    let search = std::env::var_os("PATH")?;
    std::env::split_paths(&search)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .and_then(|path| std::path::absolute(path).ok())
}

fn without_deleted(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    PathBuf::from(OsStr::from_bytes(
        bytes.strip_suffix(DELETED).unwrap_or(bytes),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths() {
        assert_eq!(
            called_path("/a/b/../unitd".as_ref()).unwrap(),
            Path::new("/a/b/../unitd")
        );
        let relative = called_path("./unitd".as_ref()).unwrap();
        assert_eq!(relative, std::env::current_dir().unwrap().join("unitd"));
        assert!(called_path("sh".as_ref()).unwrap().is_absolute());
        assert_eq!(called_path("no-such-program-at-all".as_ref()), None);
        assert_eq!(
            without_deleted("/usr/sbin/unitd (deleted)".as_ref()),
            Path::new("/usr/sbin/unitd")
        );
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let binary = Binary {
            path: "/no/such/file".into(),
            arguments: Vec::new(),
        };
        assert_eq!(binary.execute("A", "b"), Errno::ENOENT);
        assert_eq!(binary.execute("A\0", "b"), Errno::EINVAL);
    }
}
