//! Replacing a file as a whole.
//!
//! The new content is written beside the file and synced ([`Replacement::prepare`]), later given the
//! file's name ([`Replacement::commit`]) and the folder synced. A crash at any point leaves the old
//! or the new content under the name, and at most a temporary file beside it, whose name is fixed
//! so that the next start finds it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::StateError;
use crate::sys::Errno;

/// A file and the place where its next content is made.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    target: PathBuf,
    temporary: PathBuf,
}

impl Replacement {
    /// For a file whose temporary neighbour has the suffix `.tmp`. A symbolic link is followed, so
    /// that it is the file that gets replaced and not the link.
    pub(super) fn of(path: &Path) -> Replacement {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut temporary = target.clone().into_os_string();
        temporary.push(".tmp");
        let temporary = temporary.into();
        Replacement { target, temporary }
    }

    /// For the file `target` and a temporary file of any name in the same folder.
    pub(super) fn new(target: PathBuf, temporary: PathBuf) -> Replacement {
        Replacement { target, temporary }
    }

    /// Writes the new content. On failure nothing of it is left: the disk may be full.
    pub(super) fn prepare(&self, bytes: &[u8]) -> Result<(), StateError> {
        let written = self.write_synced(bytes);
        if written.is_err() {
            let _ = fs::remove_file(&self.temporary);
        }
        written
    }

    fn write_synced(&self, bytes: &[u8]) -> Result<(), StateError> {
        let path = &self.temporary;
        // A file left by a crash may have another mode or be a link: start from nothing.
        self.discard()?;
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

    /// Gives the prepared content the file's name.
    pub(super) fn commit(&self) -> Result<(), StateError> {
        fs::rename(&self.temporary, &self.target).map_err(StateError::new("rename", &self.target))
    }

    /// Makes the new names last. Failing that is no failure of the replacement: who reads the file
    /// from now on finds the new content, unless the machine itself goes down.
    pub(super) fn sync_folder(&self) {
        let Some(folder) = self.target.parent() else {
            return;
        };
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            crate::alert!(
                "fsync(\"{}\") failed {}",
                folder.display(),
                Errno::from(&error)
            );
        }
    }

    /// Removes what was prepared, or left by a crash.
    pub(super) fn discard(&self) -> Result<(), StateError> {
        match fs::remove_file(&self.temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StateError::new("unlink", &self.temporary)(error))
            }
            _ => Ok(()),
        }
    }
}
