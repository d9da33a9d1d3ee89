//! The folders of certificates and of scripts: one file each, named by the client of the control
//! API.
//!
//! A name is one that can be a file's: it cannot lead out of the folder. Each file is made as a
//! whole or not at all. What is being written has the name [`TEMPORARY`], which no client can use,
//! so that it cannot be mistaken for an entry.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::replacement::Replacement;
use super::{StateError, clean};
use crate::sys::Errno;

/// The name of an entry that is being written.
const TEMPORARY: &str = ".nxt-store.tmp";

/// The longest file name that file systems take, bytes (`NAME_MAX`).
const MAX_NAME: usize = 255;

/// A folder of named files.
#[derive(Clone, Debug)]
pub(in crate::process) struct Store {
    folder: PathBuf,
    /// What it holds, for messages.
    what: &'static str,
}

/// Why an entry cannot be read, made or removed.
#[derive(Debug, thiserror::Error)]
pub(in crate::process) enum StoreError {
    /// The name cannot be a file's.
    #[error("invalid name \"{0}\"")]
    Name(String),
    /// The system refuses.
    #[error(transparent)]
    File(#[from] StateError),
}

impl Store {
    pub(super) fn new(statedir: &Path, folder: &str, what: &'static str) -> Store {
        let folder = statedir.join(folder);
        Store { folder, what }
    }

    /// Makes the folder; a failure is logged and not more, since the daemon can run without.
    pub(super) fn make_folder(&self) {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => crate::alert!(
                "Unable to create {} storage directory: mkdir({}) failed {}",
                self.what,
                self.folder.display(),
                Errno::from(&error)
            ),
            _ => {}
        }
    }

    /// Removes what a crash has left.
    pub(super) fn clean(&self) {
        clean(&self.replacement(OsStr::new(TEMPORARY)));
    }

    fn replacement(&self, name: &OsStr) -> Replacement {
        Replacement::new(self.folder.join(name), self.folder.join(TEMPORARY))
    }

    /// Opens an entry for reading.
    pub(in crate::process) fn open(&self, name: &[u8]) -> Result<File, StoreError> {
        let path = self.folder.join(entry(name)?);
        // An entry that is a link must not lead elsewhere, nor one that is a pipe hold main up.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(&path)
            .map_err(StateError::new("open", &path))?;
        Ok(file)
    }

    /// Makes or replaces an entry.
    pub(in crate::process) fn put(&self, name: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        let replacement = self.replacement(entry(name)?);
        replacement.prepare(bytes)?;
        if let Err(error) = replacement.commit() {
            clean(&replacement);
            return Err(error.into());
        }
        replacement.sync_folder();
        Ok(())
    }

    /// Removes an entry.
    pub(in crate::process) fn delete(&self, name: &[u8]) -> Result<(), StoreError> {
        let name = entry(name)?;
        let path = self.folder.join(name);
        fs::remove_file(&path).map_err(StateError::new("unlink", &path))?;
        self.replacement(name).sync_folder();
        Ok(())
    }
}

/// The name of an entry. A zero byte at its end, as C sends it, does not count.
fn entry(name: &[u8]) -> Result<&OsStr, StoreError> {
    let text = name.strip_suffix(b"\0").unwrap_or(name);
    let bad = text.is_empty()
        || text.len() > MAX_NAME
        || matches!(text, b"." | b"..")
        || text == TEMPORARY.as_bytes()
        || text.iter().any(|&byte| byte == b'/' || byte == 0);
    if bad {
        return Err(StoreError::Name(text.escape_ascii().to_string()));
    }
    Ok(OsStr::from_bytes(text))
}

#[cfg(test)]
mod tests {
    use super::super::tests::folder;
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    fn store(name: &str) -> Store {
        let store = Store::new(&folder(name), "certs", "certificates");
        store.make_folder();
        store
    }

    fn read(store: &Store, name: &[u8]) -> String {
        let mut text = String::new();
        store.open(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn entries_come_and_go() {
        let store = store("entries");
        store.put(b"site.example\0", b"first").unwrap();
        assert_eq!(read(&store, b"site.example"), "first");
        store.put(b"site.example", b"second").unwrap();
        assert_eq!(read(&store, b"site.example\0"), "second");
        let mode = fs::metadata(store.folder.join("site.example")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        store.delete(b"site.example").unwrap();
        let error = store.open(b"site.example").unwrap_err().to_string();
        assert!(
            error.ends_with("failed (2: No such file or directory)"),
            "{error}"
        );
        assert!(store.delete(b"site.example").is_err());
        assert_eq!(fs::read_dir(&store.folder).unwrap().count(), 0);
        fs::remove_dir_all(store.folder.parent().unwrap()).unwrap();
    }

    #[test]
    fn names_do_not_lead_out_of_the_folder() {
        let store = store("names");
        let long = [b'a'; 256];
        let bad: [&[u8]; 9] = [
            b"",
            b"\0",
            b".",
            b"..",
            b"../x",
            b"a/b",
            b"a\0b",
            TEMPORARY.as_bytes(),
            &long,
        ];
        for name in bad {
            assert!(
                matches!(store.open(name), Err(StoreError::Name(_))),
                "{name:?}"
            );
            assert!(matches!(store.put(name, b""), Err(StoreError::Name(_))));
            assert!(matches!(store.delete(name), Err(StoreError::Name(_))));
        }
        for name in [&b"..."[..], b"a b", b"\xff", &long[1..], b"x.tmp"] {
            store.put(name, b"x").unwrap();
            assert_eq!(read(&store, name), "x");
        }
        std::os::unix::fs::symlink("/etc/passwd", store.folder.join("link")).unwrap();
        assert!(store.open(b"link").is_err());
        // Over the link goes a file; where it led to stays what it was.
        store.put(b"link", b"mine").unwrap();
        assert_eq!(read(&store, b"link"), "mine");
        fs::remove_dir_all(store.folder.parent().unwrap()).unwrap();
    }

    #[test]
    fn leftovers_of_a_crash_go() {
        let store = store("store-leftover");
        fs::write(store.folder.join(TEMPORARY), "half").unwrap();
        store.clean();
        assert_eq!(fs::read_dir(&store.folder).unwrap().count(), 0);
        fs::write(store.folder.join(TEMPORARY), "half").unwrap();
        store.put(b"a", b"b").unwrap();
        assert_eq!(fs::read_dir(&store.folder).unwrap().count(), 1);
        fs::remove_dir_all(store.folder.parent().unwrap()).unwrap();
    }
}
