//! The file with the process id of main.
//!
//! While a new binary takes over, the old main process has its file under the name `FILE.oldbin`
//! and the new one writes `FILE`, as nginx does it.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What the name of an old main process's file ends with.
const OLD: &str = ".oldbin";

/// See the module head.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    old: bool,
}

impl PidFile {
    /// Writes the file for this process.
    pub(super) fn create(path: &Path) -> io::Result<PidFile> {
        if let Some(parent) = path.parent() {
            // If this fails, writing says why.
            let _ = DirBuilder::new().recursive(true).mode(0o755).create(parent);
        }
        fs::write(path, format!("{}\n", std::process::id()))?;
        Ok(PidFile {
            path: path.to_owned(),
            old: false,
        })
    }

    fn old_path(&self) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push(OLD);
        path.into()
    }

    /// The present name.
    pub(super) fn path(&self) -> PathBuf {
        match self.old {
            true => self.old_path(),
            false => self.path.clone(),
        }
    }

    /// Makes room for the file of a new binary.
    pub(super) fn make_old(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.old_path())?;
        self.old = true;
        Ok(())
    }

    /// Takes the name back.
    pub(super) fn make_current(&mut self) -> io::Result<()> {
        if self.old {
            fs::rename(self.old_path(), &self.path)?;
            self.old = false;
        }
        Ok(())
    }

    /// Removes the file.
    pub(super) fn remove(&self) {
        // At exit nobody can be helped any more.
        let _ = fs::remove_file(self.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_file_makes_room_and_comes_back() {
        let folder = std::env::temp_dir().join(format!("nxt-pid-{}", std::process::id()));
        let path = folder.join("run/unit.pid");
        let own = format!("{}\n", std::process::id());
        let mut file = PidFile::create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), own);
        file.make_old().unwrap();
        assert!(!path.exists());
        assert_eq!(file.path(), folder.join("run/unit.pid.oldbin"));
        fs::write(&path, "1\n").unwrap();
        file.make_current().unwrap();
        file.make_current().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), own);
        file.remove();
        assert_eq!(fs::read_dir(folder.join("run")).unwrap().count(), 0);
        fs::remove_dir_all(folder).unwrap();
    }
}
