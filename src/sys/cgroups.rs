//! Control groups, version 2: where they are mounted, and making and removing them.
//!
//! The mount is looked for when it is needed, in /proc/self/mountinfo: `/sys/fs/cgroup` on most
//! machines, `/sys/fs/cgroup/unified` where version 1 is in use beside it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::Errno;

/// Why a process cannot get a control group; the texts are log records.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// Version 2 is not there.
    #[error("cgroup: no cgroup2 file system is mounted")]
    NotMounted,
    /// The files of /proc cannot be read.
    #[error("cgroup: {0} cannot be read {1}")]
    Proc(&'static str, Errno),
    /// The path leads out.
    #[error("cgroup: the path \"{0}\" is invalid")]
    Path(PathBuf),
    /// It cannot be made.
    #[error("cgroup: mkdir({0}) failed {1}")]
    Create(PathBuf, Errno),
    /// Its list of processes cannot be opened.
    #[error("cgroup: open({0}) failed {1}")]
    Open(PathBuf, Errno),
    /// The process is not taken.
    #[error("cgroup: failed to add the process {0}")]
    Join(Errno),
}

/// A control group that a new process may enter.
#[derive(Debug)]
pub struct Cgroup {
    /// Its directory.
    pub path: PathBuf,
    procs: File,
}

impl Cgroup {
    /// Moves this process. It was opened with the rights of the one who opened it, and moves the
    /// writer whatever its number is in which namespace.
    pub fn enter(&self) -> Result<(), CgroupError> {
        self.add(0)
    }

    /// Moves a process, by its number in this process's namespace.
    pub fn add(&self, pid: i32) -> Result<(), CgroupError> {
        use std::io::Write;
        // One write call is one move.
        (&self.procs)
            .write_all(pid.to_string().as_bytes())
            .map_err(|error| CgroupError::Join((&error).into()))
    }
}

/// The control groups that this process has made and not yet removed.
#[derive(Debug, Default)]
pub struct Cgroups {
    made: BTreeSet<PathBuf>,
}

impl Cgroups {
    /// None yet.
    pub const fn new() -> Cgroups {
        Cgroups {
            made: BTreeSet::new(),
        }
    }

    /// Opens a control group, made if it is missing. An absolute path starts at the root of all
    /// control groups, a relative one at the group of this process.
    pub fn open(&mut self, path: &Path) -> Result<Cgroup, CgroupError> {
        let (path, mount) = directory(path)?;
        let made = self.create(&path, &mount)?;
        let procs = path.join("cgroup.procs");
        match File::options().write(true).open(&procs) {
            Ok(file) => Ok(Cgroup { path, procs: file }),
            Err(error) => {
                if made {
                    self.remove(&path);
                }
                Err(CgroupError::Open(procs, (&error).into()))
            }
        }
    }

    /// Makes what is missing of the path; whether anything was.
    fn create(&mut self, path: &Path, mount: &Path) -> Result<bool, CgroupError> {
        let mut ancestors: Vec<&Path> = path
            .ancestors()
            .take_while(|ancestor| *ancestor != mount)
            .collect();
        ancestors.reverse();
        let mut made = None;
        for ancestor in ancestors {
            match std::fs::create_dir(ancestor) {
                Ok(()) => {
                    self.made.insert(ancestor.to_owned());
                    made = Some(ancestor);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    if let Some(made) = made {
                        self.remove(made);
                    }
                    return Err(CgroupError::Create(ancestor.to_owned(), (&error).into()));
                }
            }
        }
        Ok(made.is_some())
    }

    /// Removes the group and those above it that are of our making, as long as nobody is in them.
    /// False if processes are in it: if they are ending, try again.
    pub fn remove(&mut self, path: &Path) -> bool {
        for group in path.ancestors() {
            if !self.made.contains(group) {
                return true;
            }
            if let Err(error) = std::fs::remove_dir(group)
                && error.kind() != io::ErrorKind::NotFound
            {
                // One above that has other groups in it goes with the last of them.
                return group != path || error.kind() != io::ErrorKind::ResourceBusy;
            }
            self.made.remove(group);
        }
        true
    }

    /// The groups to be removed, the lowest first.
    pub fn made(&self) -> Vec<PathBuf> {
        self.made.iter().rev().cloned().collect()
    }
}

/// The directory of a configured path, and where control groups are mounted.
pub fn directory(path: &Path) -> Result<(PathBuf, PathBuf), CgroupError> {
    let read = |file: &'static str| {
        std::fs::read(file).map_err(|error| CgroupError::Proc(file, (&error).into()))
    };
    let mount = find_mount(&read("/proc/self/mountinfo")?).ok_or(CgroupError::NotMounted)?;
    let own = own_group(&read("/proc/self/cgroup")?).ok_or(CgroupError::NotMounted)?;
    let base = if path.is_absolute() {
        mount.clone()
    } else {
        below(&mount, &own)
    };
    Ok((locate(&base, path)?, mount))
}

/// A path below a group.
fn locate(base: &Path, path: &Path) -> Result<PathBuf, CgroupError> {
    let mut located = base.to_owned();
    let mut named = false;
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                located.push(name);
                named = true;
            }
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(CgroupError::Path(path.to_owned()));
            }
        }
    }
    if named {
        Ok(located)
    } else {
        Err(CgroupError::Path(path.to_owned()))
    }
}

fn below(mount: &Path, group: &Path) -> PathBuf {
    mount.join(group.strip_prefix("/").unwrap_or(group))
}

/// The first mount of a cgroup2 file system in the text of /proc/PID/mountinfo.
fn find_mount(mountinfo: &[u8]) -> Option<PathBuf> {
    mountinfo.split(|&b| b == b'\n').find_map(|line| {
        let fields: Vec<&[u8]> = line.split(|&b| b == b' ').collect();
        // Optional fields end with a dash; then comes the type.
        let dash = fields.iter().position(|field| *field == b"-")?;
        if *fields.get(dash + 1)? != b"cgroup2" {
            return None;
        }
        Some(unescape(fields.get(4)?))
    })
}

/// Spaces and the like stand there as a backslash and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = (first == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// The group of version 2 in the text of /proc/PID/cgroup.
fn own_group(text: &[u8]) -> Option<PathBuf> {
    text.split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(b"0::"))
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_on_every_kind_of_machine() {
        let unified = b"25 1 0:22 / /sys rw shared:7 - sysfs sysfs rw\n\
            30 25 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(find_mount(unified), Some("/sys/fs/cgroup".into()));
        let hybrid = b"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            41 31 0:38 / /sys/fs/cgroup/a\\040b rw - cgroup2 none rw\n";
        assert_eq!(find_mount(hybrid), Some("/sys/fs/cgroup/a b".into()));
        assert_eq!(
            find_mount(b"1 1 0:1 / /cgroup2 rw - tmpfs cgroup2 rw\n"),
            None
        );
        assert_eq!(find_mount(b"\n1 2\n"), None);
    }

    #[test]
    fn the_own_group_is_that_of_version_2() {
        let text = b"4:memory:/limited\n1:name=systemd:/x\n0::/system.slice/unit.service\n";
        assert_eq!(own_group(text), Some("/system.slice/unit.service".into()));
        assert_eq!(own_group(b"4:memory:/\n"), None);
    }

    #[test]
    fn paths_stay_below_their_base() {
        let base = Path::new("/cg/unit");
        let at = |path: &str| locate(base, Path::new(path)).ok();
        assert_eq!(at("scope/python"), Some("/cg/unit/scope/python".into()));
        assert_eq!(
            at("/scope//./python/"),
            Some("/cg/unit/scope/python".into())
        );
        for path in ["", "/", ".", "../scope", "scope/../python"] {
            assert_eq!(at(path), None, "{path}");
        }
    }

    #[test]
    fn only_groups_of_our_making_are_removed() {
        let base = std::env::temp_dir().join(format!("nxt-cgroups-{}", std::process::id()));
        std::fs::create_dir_all(base.join("theirs")).unwrap();
        let mut groups = Cgroups::default();
        assert!(
            groups
                .create(&base.join("theirs/ours/leaf"), &base)
                .unwrap()
        );
        assert!(
            groups
                .create(&base.join("theirs/ours/other"), &base)
                .unwrap()
        );
        assert!(!groups.create(&base.join("theirs/ours"), &base).unwrap());
        assert!(groups.remove(&base.join("theirs/ours/leaf")));
        assert!(base.join("theirs/ours/other").is_dir());
        assert!(groups.remove(&base.join("theirs/ours/other")));
        assert!(base.join("theirs").is_dir() && !base.join("theirs/ours").exists());
        assert!(groups.made().is_empty());
        std::fs::remove_dir_all(base).unwrap();
    }
}
