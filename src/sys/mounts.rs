//! Mounting below a new root directory, and making it the root.
//!
//! What lies below the root belongs to whoever made it, so no symbolic link in it may lead a mount
//! outside: paths are resolved with `RESOLVE_IN_ROOT`, and mounted and unmounted by descriptor.
//! Kernels without openat2(2) get no links at all followed.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno as Number;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, SFlag, fstat, mkdirat, mode_t};

use super::Errno;

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file or directory of the host, with all that is mounted below it.
    Bind(PathBuf),
    /// A new file system of the kernel's.
    FileSystem {
        /// What the kernel calls it.
        name: OsString,
        /// What the list of mounts shows as its device.
        device: OsString,
        /// Its options.
        options: OsString,
    },
}

/// A mount below a new root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What.
    pub source: Source,
    /// Where, as seen from inside.
    pub target: PathBuf,
    /// How.
    pub flags: MsFlags,
}

/// Why a root cannot be set up; the texts are log records.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The new root cannot be opened.
    #[error("rootfs \"{0}\" cannot be opened {1}")]
    Root(PathBuf, Errno),
    /// What shall be mounted is not there or not to be seen.
    #[error("host path \"{0}\" cannot be opened {1}")]
    Source(PathBuf, Errno),
    /// The place cannot be made or opened.
    #[error("mkdir({0}) {1}")]
    Target(PathBuf, Errno),
    /// mount(2)
    #[error("mount(\"{device}\", \"{target}\", \"{name}\") {errno}")]
    Mount {
        /// What.
        device: String,
        /// Where.
        target: PathBuf,
        /// The kind of file system.
        name: String,
        /// Why.
        errno: Errno,
    },
    /// Another application's root has another mount there.
    #[error("{0} is mounted differently for another application")]
    Taken(PathBuf),
    /// A step on the way to the new root.
    #[error("failed to {0} {1}")]
    Step(&'static str, Errno),
}

/// An open directory that is, or becomes, the root of others.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    fd: OwnedFd,
}

/// An argument of mount(2) that is not there.
const NONE: Option<&Path> = None;
/// The type of a mount that is of no new file system. The kernel does not read it, but checkers of
/// memory do.
const NO_TYPE: Option<&str> = Some("none");

const PATH_ONLY: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

impl Root {
    /// Opens a directory of the host.
    pub fn open(path: &Path) -> Result<Root, MountError> {
        let fd = open(path, PATH_ONLY | OFlag::O_DIRECTORY, Mode::empty())
            .map_err(|errno| MountError::Root(path.to_owned(), errno.into()))?;
        Ok(Root {
            path: path.to_owned(),
            fd,
        })
    }

    /// Where it is, without symbolic links.
    pub fn real_path(&self) -> PathBuf {
        std::fs::read_link(in_proc(self.fd.as_fd())).unwrap_or_else(|_| self.path.clone())
    }

    /// Makes the mount; its own root directory.
    pub fn mount(&self, what: &Mount) -> Result<OwnedFd, MountError> {
        let shown = || self.shown(&what.target);
        let source = match &what.source {
            Source::Bind(path) => {
                let source = open(path, PATH_ONLY, Mode::empty())
                    .map_err(|errno| MountError::Source(path.clone(), errno.into()))?;
                Some(source)
            }
            Source::FileSystem { .. } => None,
        };
        let target_error = |errno: Number| MountError::Target(shown(), errno.into());
        let target = self
            .make_target(&what.target, source.as_ref())
            .map_err(target_error)?;
        let done = match (&what.source, &source) {
            (Source::Bind(_), Some(source)) => bind(source, &target, what.flags),
            (
                Source::FileSystem {
                    name,
                    device,
                    options,
                },
                _,
            ) => mount(
                Some(device.as_os_str()),
                &in_proc(target.as_fd()),
                Some(name.as_os_str()),
                what.flags,
                Some(options.as_os_str()),
            ),
            (Source::Bind(_), None) => Err(Number::ENOENT),
        };
        done.map_err(|errno| {
            let (device, name) = match &what.source {
                Source::Bind(path) => (path.display().to_string(), "bind".to_owned()),
                Source::FileSystem { name, device, .. } => (
                    device.to_string_lossy().into_owned(),
                    name.to_string_lossy().into_owned(),
                ),
            };
            MountError::Mount {
                device,
                target: shown(),
                name,
                errno: errno.into(),
            }
        })?;
        // The descriptor at hand is of what lies below the mount.
        self.resolve(&what.target).map_err(target_error)
    }

    fn shown(&self, target: &Path) -> PathBuf {
        self.path.join(target.strip_prefix("/").unwrap_or(target))
    }

    /// Opens a path below the root.
    fn resolve(&self, path: &Path) -> nix::Result<OwnedFd> {
        let inside = path.strip_prefix("/").unwrap_or(path);
        if inside.as_os_str().is_empty() {
            return openat(&self.fd, ".", PATH_ONLY, Mode::empty());
        }
        let how = OpenHow::new()
            .flags(PATH_ONLY)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        match openat2(&self.fd, inside, how) {
            Err(Number::ENOSYS) => self.walk(inside),
            opened => opened,
        }
    }

    /// The same without openat2(2).
    fn walk(&self, inside: &Path) -> nix::Result<OwnedFd> {
        let mut at = openat(&self.fd, ".", PATH_ONLY, Mode::empty())?;
        for part in inside.components() {
            let Component::Normal(name) = part else {
                return Err(Number::EINVAL);
            };
            at = openat(&at, name, PATH_ONLY | OFlag::O_NOFOLLOW, Mode::empty())?;
            if file_type(&at)? == SFlag::S_IFLNK {
                return Err(Number::ELOOP);
            }
        }
        Ok(at)
    }

    /// Opens the place of a mount, made with its parents if it is missing: a directory, or a file
    /// for a source that is none.
    fn make_target(&self, path: &Path, source: Option<&OwnedFd>) -> nix::Result<OwnedFd> {
        let is_file = match source {
            Some(source) => file_type(source)? != SFlag::S_IFDIR,
            None => false,
        };
        let inside = path.strip_prefix("/").unwrap_or(path);
        let parts: Vec<&OsStr> = inside
            .components()
            .map(|part| match part {
                Component::Normal(name) => Ok(name),
                _ => Err(Number::EINVAL),
            })
            .collect::<nix::Result<_>>()?;
        let mut so_far = PathBuf::new();
        let mut at = self.resolve(&so_far)?;
        for (i, name) in parts.iter().enumerate() {
            so_far.push(name);
            at = match self.resolve(&so_far) {
                Err(Number::ENOENT) => {
                    if is_file && i + 1 == parts.len() {
                        let create = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
                        openat(&at, *name, create, Mode::from_bits_truncate(0o644))?;
                    } else {
                        match mkdirat(&at, *name, Mode::from_bits_truncate(0o777)) {
                            Ok(()) | Err(Number::EEXIST) => {}
                            Err(errno) => return Err(errno),
                        }
                    }
                    self.resolve(&so_far)?
                }
                opened => opened?,
            };
        }
        Ok(at)
    }

    /// Makes the directory the root of this mount namespace, and lets go of the old one with all
    /// that is mounted there. The directory must be a mount ([`bind_to_itself`]).
    pub fn pivot(&self) -> Result<(), MountError> {
        let step = |what| move |errno: Number| MountError::Step(what, errno.into());
        nix::unistd::fchdir(&self.fd).map_err(step("enter rootfs"))?;
        // With both names the same, the old root lies above the new one.
        nix::unistd::pivot_root(".", ".").map_err(step("pivot_root"))?;
        umount2(".", MntFlags::MNT_DETACH).map_err(step("umount old root directory"))?;
        nix::unistd::chdir("/").map_err(step("chdir(\"/\")"))
    }

    /// Makes the directory the root of this process, as chroot(2) does.
    pub fn chroot(&self) -> Result<(), MountError> {
        let step = |what| move |errno: Number| MountError::Step(what, errno.into());
        nix::unistd::fchdir(&self.fd).map_err(step("enter rootfs"))?;
        nix::unistd::chroot(".").map_err(step("chroot"))?;
        nix::unistd::chdir("/").map_err(step("chdir(\"/\")"))
    }
}

fn file_type(fd: &OwnedFd) -> nix::Result<SFlag> {
    Ok(SFlag::from_bits_truncate(
        fstat(fd)?.st_mode as mode_t & SFlag::S_IFMT.bits(),
    ))
}

/// A path that names exactly what is open.
fn in_proc(fd: BorrowedFd<'_>) -> PathBuf {
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into()
}

/// Binds with all that is mounted below; `flags` need a second call, and hold for the top only.
fn bind(source: &OwnedFd, target: &OwnedFd, flags: MsFlags) -> nix::Result<()> {
    let how = MsFlags::MS_BIND | MsFlags::MS_REC;
    let source = in_proc(source.as_fd());
    mount(Some(&source), &in_proc(target.as_fd()), NO_TYPE, how, NONE)?;
    if flags.is_empty() {
        return Ok(());
    }
    // The mount lies above the descriptor; its own name is that of the place.
    let place = std::fs::read_link(in_proc(target.as_fd()))
        .map_err(|error| Number::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
    let how = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | flags;
    mount(NONE, &place, NO_TYPE, how, NONE)
}

/// Takes away a mount by its root directory; who uses it still keeps it.
pub fn unmount(root: &OwnedFd) -> nix::Result<()> {
    umount2(&in_proc(root.as_fd()), MntFlags::MNT_DETACH)
}

/// Lets no mount made in this mount namespace reach another; what the host mounts and unmounts
/// still arrives.
pub fn stop_propagation() -> Result<(), MountError> {
    let flags = MsFlags::MS_SLAVE | MsFlags::MS_REC;
    mount(NONE, "/", NO_TYPE, flags, NONE)
        .map_err(|errno| MountError::Step("stop the propagation of mounts", errno.into()))
}

/// Makes a directory a mount of its own, with all that is mounted below it.
pub fn bind_to_itself(path: &Path) -> Result<(), MountError> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(path), path, NO_TYPE, flags, NONE).map_err(|errno| match errno {
        Number::ENOENT | Number::ENOTDIR | Number::EACCES => {
            MountError::Root(path.to_owned(), errno.into())
        }
        errno => MountError::Step("bind rootfs", errno.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("nxt-mounts-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn places_are_made_inside_whatever_the_links_say() {
        let folder = folder("inside");
        let outside = folder.join("outside");
        let inside = folder.join("root");
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::create_dir_all(inside.join("real")).unwrap();
        symlink("/real", inside.join("absolute")).unwrap();
        symlink("../../outside", inside.join("relative")).unwrap();
        let root = Root::open(&inside).unwrap();
        root.make_target(Path::new("/absolute/a/b"), None).unwrap();
        assert!(inside.join("real/a/b").is_dir());
        // The link leads to where nothing is, inside.
        assert!(root.make_target(Path::new("/relative/x"), None).is_err());
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        assert_eq!(
            root.make_target(Path::new("/real/../.."), None)
                .unwrap_err(),
            Number::EINVAL
        );
        // What openat2(2) would follow, the walk without it refuses.
        assert_eq!(
            root.walk(Path::new("absolute/a")).unwrap_err(),
            Number::ELOOP
        );
        assert!(root.walk(Path::new("real/a/b")).is_ok());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_is_mounted_on_a_file() {
        let folder = folder("file");
        let source = folder.join("source");
        std::fs::write(&source, b"x").unwrap();
        let root = Root::open(&folder).unwrap();
        let source = open(&source, PATH_ONLY, Mode::empty()).unwrap();
        root.make_target(Path::new("/a/file"), Some(&source))
            .unwrap();
        assert!(folder.join("a/file").is_file());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_missing_root_is_named() {
        let error = Root::open(Path::new("/nonexistent/root")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rootfs \"/nonexistent/root\" cannot be opened (2: No such file or directory)"
        );
    }
}
