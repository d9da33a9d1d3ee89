//! The state directory: what survives a restart.
//!
//! `conf.json` holds the last configuration that was applied, compact, without a final newline;
//! `version` the release that wrote it as a decimal number (13500), also without a newline; `certs/`
//! and `scripts/` one file each. All are 0600, the folders 0700. The format is Unit's, so that a
//! state directory can change hands in both directions. Each file is replaced as a whole: written
//! beside its place, synced, renamed, and the folder synced, so that a crash at any point leaves
//! the old or the new file.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::sys::Errno;

/// The number that `version` holds (`NXT_VERNUM`).
pub(super) const VERSION_NUMBER: u32 = 13500;

/// What a configuration without a `version` file counts as: the file exists since 1.26.
const OLDEST_VERSION: u32 = 12500;

/// The state directory.
#[derive(Clone, Debug)]
pub(super) struct State {
    folder: PathBuf,
    /// The number in the `version` file as far as known.
    version: u32,
}

/// A file of the state that cannot be read, made or written.
#[derive(Debug, thiserror::Error)]
#[error("{call}(\"{path}\") failed {errno}")]
pub(super) struct StateError {
    call: &'static str,
    path: PathBuf,
    errno: Errno,
}

impl StateError {
    fn new(call: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
        let path = path.to_owned();
        move |error| StateError {
            call,
            path,
            errno: (&error).into(),
        }
    }
}

impl State {
    /// The state in `folder`; looks at nothing yet.
    pub(super) fn new(folder: &Path) -> State {
        State {
            folder: folder.to_owned(),
            version: OLDEST_VERSION,
        }
    }

    /// Makes the folders for certificates and scripts; a failure is logged and not more, since the
    /// daemon can run without them.
    pub(super) fn make_folders(&self) {
        for (name, what) in [("certs/", "certificates"), ("scripts/", "scripts")] {
            let path = self.folder.join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => crate::alert!(
                    "Unable to create {what} storage directory: mkdir({}) failed {}",
                    path.display(),
                    Errno::from(&error)
                ),
                _ => {}
            }
        }
    }

    /// The stored configuration, if there is one that may be used. What is wrong is logged.
    pub(super) fn load(&mut self) -> Option<Vec<u8>> {
        self.version = OLDEST_VERSION;
        let conf = self.read("conf.json")?;
        let Some(version) = self.read("version") else {
            return Some(conf);
        };
        match std::str::from_utf8(&version)
            .ok()
            .and_then(|text| text.parse().ok())
        {
            Some(number) => {
                self.version = number;
                Some(conf)
            }
            None => {
                crate::alert!(
                    "failed to restore previous configuration: invalid version string \"{}\"",
                    String::from_utf8_lossy(&version)
                );
                None
            }
        }
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                crate::alert!(
                    "open(\"{}\") failed {}",
                    path.display(),
                    Errno::from(&error)
                );
                None
            }
        }
    }

    /// Replaces the stored configuration.
    pub(super) fn store(&mut self, conf: &[u8]) -> Result<(), StateError> {
        if self.version != VERSION_NUMBER {
            self.replace("version", VERSION_NUMBER.to_string().as_bytes())?;
            self.version = VERSION_NUMBER;
        }
        self.replace("conf.json", conf)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.folder.join(name);
        let temporary = self.folder.join(format!("{name}.tmp"));
        let written = write_synced(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, &path).map_err(StateError::new("rename", &path)));
        if written.is_err() {
            // The disk may be full; a half-written file must not keep the space.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        let sync = File::open(&self.folder).and_then(|folder| folder.sync_all());
        sync.map_err(StateError::new("fsync", &self.folder))
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    // A file left by a crash may have another mode or be a link: start from nothing.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StateError::new("unlink", path)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(StateError::new("open", path))?;
    file.write_all(bytes)
        .map_err(StateError::new("write", path))?;
    file.sync_all().map_err(StateError::new("fsync", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("nxt-state-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let folder = folder("roundtrip");
        let mut state = State::new(&folder);
        assert_eq!(state.load(), None);
        state.make_folders();
        state.store(b"{\"a\":1}").unwrap();
        state.store(b"{}").unwrap();
        assert_eq!(State::new(&folder).load().unwrap(), b"{}");
        assert_eq!(fs::read(folder.join("version")).unwrap(), b"13500");
        let mode = |name: &str| {
            fs::metadata(folder.join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(
            (
                mode("conf.json"),
                mode("version"),
                mode("certs"),
                mode("scripts")
            ),
            (0o600, 0o600, 0o700, 0o700)
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_version_that_is_no_number_voids_the_configuration() {
        let folder = folder("version");
        fs::write(folder.join("conf.json"), "{}").unwrap();
        let mut state = State::new(&folder);
        assert!(state.load().is_some());
        fs::write(folder.join("version"), "13500\n").unwrap();
        assert!(state.load().is_none());
        fs::write(folder.join("version"), "99999").unwrap();
        assert!(state.load().is_some());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_leftover_of_a_crash_is_no_obstacle() {
        let folder = folder("leftover");
        std::os::unix::fs::symlink("/dev/null", folder.join("conf.json.tmp")).unwrap();
        let mut state = State::new(&folder);
        state.store(b"{}").unwrap();
        assert_eq!(fs::read(folder.join("conf.json")).unwrap(), b"{}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_missing_folder_is_an_error_and_not_a_crash() {
        let error = State::new(Path::new("/no/such/folder"))
            .store(b"{}")
            .unwrap_err();
        let text = "open(\"/no/such/folder/version.tmp\") failed (2: No such file or directory)";
        assert_eq!(error.to_string(), text);
    }
}
