//! The state directory: what survives a restart.
//!
//! `conf.json` holds the last configuration that was applied, compact, without a final newline;
//! `version` the release that wrote it as a decimal number (13500), also without a newline; `certs/`
//! and `scripts/` one file each. All are 0600, the folders 0700. The format is Unit's, so that a
//! state directory can change hands in both directions.
//!
//! A configuration is stored in two steps, with its application by the router in between: it is
//! written and synced beside the stored one ([`State::prepare`]), which is where a full disk shows,
//! and takes its place when the router has it ([`State::commit`]). A crash at any point leaves the
//! old or the new file. A stored configuration that could not be used is not overwritten: it
//! is kept under another name, `conf.json.rejected-` and the time.
#![forbid(unsafe_code)]

mod replacement;
mod store;

#[cfg(test)]
mod crash_tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(super) use store::Store;

use crate::sys::Errno;
use replacement::Replacement;

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
    /// The stored configuration cannot be used; see the module head.
    unusable: bool,
    /// Certificate chains with their keys.
    pub(super) certificates: Store,
    /// Modules of the template language.
    pub(super) scripts: Store,
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
            unusable: false,
            certificates: Store::new(folder, "certs/", "certificates"),
            scripts: Store::new(folder, "scripts/", "scripts"),
        }
    }

    /// Makes the folders for certificates and scripts.
    pub(super) fn make_folders(&self) {
        self.certificates.make_folder();
        self.scripts.make_folder();
    }

    /// The stored configuration, if there is one that may be used. What is wrong is logged. What a
    /// crash has left is removed.
    pub(super) fn load(&mut self) -> Option<Vec<u8>> {
        self.discard();
        self.certificates.clean();
        self.scripts.clean();
        self.version = OLDEST_VERSION;
        self.unusable = false;
        let loaded = self.read("conf.json").and_then(|conf| match conf {
            Some(conf) => Ok(Some((conf, self.read("version")?))),
            None => Ok(None),
        });
        let (conf, version) = match loaded {
            Ok(None) => return None,
            Ok(Some(loaded)) => loaded,
            Err(error) => {
                crate::alert!("failed to restore previous configuration: {error}");
                self.unusable = true;
                return None;
            }
        };
        let Some(version) = version else {
            return Some(conf);
        };
        let number = std::str::from_utf8(&version)
            .ok()
            .and_then(|text| text.parse().ok());
        let Some(number) = number else {
            crate::alert!(
                "failed to restore previous configuration: invalid version string \"{}\"",
                version.escape_ascii()
            );
            self.unusable = true;
            return None;
        };
        self.version = number;
        Some(conf)
    }

    /// The stored configuration as it is, for who must not write in the folder.
    pub(super) fn stored(&self) -> Option<Vec<u8>> {
        self.read("conf.json").ok().flatten()
    }

    /// Whether the stored configuration could be loaded.
    pub(super) fn is_usable(&self) -> bool {
        !self.unusable
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::new("open", &path)(error)),
        }
    }

    fn replacement(&self, name: &str) -> Replacement {
        Replacement::of(&self.folder.join(name))
    }

    /// Of which version the stored configuration is, as far as known.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Writes a configuration beside the stored one.
    pub(super) fn prepare(&self, conf: &[u8]) -> Result<(), StateError> {
        let mut prepared = Ok(());
        if self.version != VERSION_NUMBER {
            let version = VERSION_NUMBER.to_string();
            prepared = self.replacement("version").prepare(version.as_bytes());
        }
        let prepared = prepared.and_then(|()| self.replacement("conf.json").prepare(conf));
        if prepared.is_err() {
            self.discard();
        }
        prepared
    }

    /// Gives up what was prepared.
    pub(super) fn discard(&self) {
        for name in ["conf.json", "version"] {
            clean(&self.replacement(name));
        }
    }

    /// Puts what was prepared in the place of the stored configuration; with `rejected` that one
    /// could not be used, and is kept.
    pub(super) fn commit(&mut self, rejected: bool) -> Result<(), StateError> {
        let committed = self.take_place(rejected);
        match &committed {
            Ok(()) => self.unusable = false,
            Err(_) => self.discard(),
        }
        committed
    }

    fn take_place(&mut self, rejected: bool) -> Result<(), StateError> {
        if self.unusable || rejected {
            self.keep_aside()?;
        }
        // A configuration of this release under the number of an older one could be judged by
        // rules that do not hold for it; the other way round it only was valid before.
        if self.version != VERSION_NUMBER {
            self.replacement("version").commit()?;
            self.version = VERSION_NUMBER;
        }
        let conf = self.replacement("conf.json");
        conf.commit()?;
        conf.sync_folder();
        Ok(())
    }

    /// Gives the stored configuration a second name, so that it outlives its successor.
    fn keep_aside(&self) -> Result<(), StateError> {
        let path = self.folder.join("conf.json");
        let time = chrono::Utc::now().format("%Y%m%dT%H%M%S%6fZ");
        let aside = self.folder.join(format!("conf.json.rejected-{time}"));
        let kept = fs::hard_link(&path, &aside).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Err(error),
            // Not a file, or the file system knows no links.
            _ => fs::rename(&path, &aside),
        });
        match kept {
            Ok(()) => {
                crate::notice!(
                    "the configuration that could not be used is kept in \"{}\"",
                    aside.display()
                );
                Ok(())
            }
            // Somebody has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StateError::new("rename", &path)(error)),
        }
    }
}

/// Removes a temporary file; it is in nobody's way if that fails.
fn clean(replacement: &Replacement) {
    if let Err(error) = replacement.discard() {
        crate::warning!("{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    pub(super) fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("nxt-state-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn store(state: &mut State, conf: &[u8]) {
        state.prepare(conf).unwrap();
        state.commit(false).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| name(entry).unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let folder = folder("roundtrip");
        let mut state = State::new(&folder);
        assert_eq!(state.load(), None);
        state.make_folders();
        store(&mut state, b"{\"a\":1}");
        store(&mut state, b"{}");
        assert_eq!(State::new(&folder).load().unwrap(), b"{}");
        assert_eq!(fs::read(folder.join("version")).unwrap(), b"13500");
        assert_eq!(names(&folder), ["certs", "conf.json", "scripts", "version"]);
        let mode = |name: &str| {
            let metadata = fs::metadata(folder.join(name)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        let modes = ["conf.json", "version", "certs", "scripts"].map(mode);
        assert_eq!(modes, [0o600, 0o600, 0o700, 0o700]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_only_prepared_is_not_loaded() {
        let folder = folder("prepared");
        let mut state = State::new(&folder);
        store(&mut state, b"old");
        state.prepare(b"new").unwrap();
        assert_eq!(names(&folder), ["conf.json", "conf.json.tmp", "version"]);
        assert_eq!(State::new(&folder).load().unwrap(), b"old");
        assert_eq!(names(&folder), ["conf.json", "version"]);
        // There is nothing to commit any more.
        assert!(state.commit(false).is_err());
        state.prepare(b"new").unwrap();
        state.discard();
        assert_eq!(State::new(&folder).load().unwrap(), b"old");
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
    fn a_configuration_that_could_not_be_used_is_kept() {
        for case in ["version", "rejected", "folder"] {
            let folder = folder(&format!("aside-{case}"));
            match case {
                "folder" => fs::create_dir(folder.join("conf.json")).unwrap(),
                _ => fs::write(folder.join("conf.json"), "precious").unwrap(),
            }
            if case == "version" {
                fs::write(folder.join("version"), "x").unwrap();
            }
            let mut state = State::new(&folder);
            assert_eq!(state.load().is_some(), case == "rejected");
            state.prepare(b"{}").unwrap();
            state.commit(case == "rejected").unwrap();
            store(&mut state, b"[]");
            assert_eq!(State::new(&folder).load().unwrap(), b"[]");
            let names = names(&folder);
            assert_eq!(names.len(), 3, "{names:?}");
            assert!(names[1].starts_with("conf.json.rejected-2"), "{names:?}");
            if case != "folder" {
                let kept = fs::read(folder.join(&names[1])).unwrap();
                assert_eq!(kept, b"precious");
            }
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn a_leftover_of_a_crash_is_no_obstacle() {
        let folder = folder("leftover");
        std::os::unix::fs::symlink("/dev/null", folder.join("conf.json.tmp")).unwrap();
        store(&mut State::new(&folder), b"{}");
        assert_eq!(fs::read(folder.join("conf.json")).unwrap(), b"{}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_link_stays_one() {
        let (folder, elsewhere) = (folder("link"), folder("linked"));
        let target = elsewhere.join("unit.json");
        fs::write(&target, "{}").unwrap();
        std::os::unix::fs::symlink(&target, folder.join("conf.json")).unwrap();
        let mut state = State::new(&folder);
        assert_eq!(state.load().unwrap(), b"{}");
        store(&mut state, b"[]");
        assert_eq!(fs::read(&target).unwrap(), b"[]");
        let link = fs::symlink_metadata(folder.join("conf.json")).unwrap();
        assert!(link.is_symlink());
        fs::remove_dir_all(folder).unwrap();
        fs::remove_dir_all(elsewhere).unwrap();
    }

    #[test]
    fn a_missing_folder_is_an_error_and_not_a_crash() {
        let error = State::new(Path::new("/no/such/folder"))
            .prepare(b"{}")
            .unwrap_err();
        let text = "open(\"/no/such/folder/version.tmp\") failed (2: No such file or directory)";
        assert_eq!(error.to_string(), text);
    }
}
