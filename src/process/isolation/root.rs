//! The new root of an application: what is mounted in it, by whom, and how it is entered.
//!
//! With a mount namespace the prototype mounts for itself, and what it mounts ends with it. Without
//! one main mounts, see `host_mounts`.
#![forbid(unsafe_code)]

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;

use super::Automount;
use crate::abi::fs_mount::{
    NXT_FS_BIND, NXT_FS_FLAGS_NODEV, NXT_FS_FLAGS_NOEXEC, NXT_FS_FLAGS_NOSUID, NXT_FS_FLAGS_NOTIME,
    NXT_FS_FLAGS_RDONLY,
};
use crate::process::modules;
use crate::sys::Errno;
use crate::sys::mounts::{self, Mount, MountError, Root, Source};
use crate::warning;

/// See the module head.
#[derive(Clone, Debug)]
pub struct RootPlan {
    /// The new root.
    pub path: PathBuf,
    /// What is mounted there, outer ones first.
    pub mounts: Vec<Mount>,
}

impl RootPlan {
    /// The plan for `path`, which must be absolute and not the root that there is.
    pub fn new(
        path: &Path,
        automount: Automount,
        language: &[modules::Mount],
    ) -> Result<RootPlan, String> {
        if !path.is_absolute() || path.components().count() < 2 {
            return Err(format!(
                "rootfs requires an absolute path other than \"/\" but given \"{}\"",
                path.display()
            ));
        }
        let mut mounts = Vec::new();
        if automount.language_deps {
            mounts.extend(language.iter().map(language_mount));
        }
        let standard =
            MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RELATIME;
        let file_system = |name: &str, device: &str, options: &str, target: &str| Mount {
            source: Source::FileSystem {
                name: name.into(),
                device: device.into(),
                options: options.into(),
            },
            target: target.into(),
            flags: standard,
        };
        if automount.tmpfs {
            mounts.push(file_system("tmpfs", "tmpfs", "size=1m,mode=1777", "/tmp"));
        }
        if automount.procfs {
            mounts.push(file_system("proc", "none", "", "/proc"));
        }
        // What is mounted below another mount comes after it.
        mounts.sort_by_key(|mount| mount.target.components().count());
        Ok(RootPlan {
            path: path.to_owned(),
            mounts,
        })
    }

    /// Makes the mounts in the process's own mount namespace and moves there.
    pub fn pivot(&self) -> Result<(), MountError> {
        mounts::bind_to_itself(&self.path)?;
        let root = Root::open(&self.path)?;
        for mount in &self.mounts {
            mount_in(&root, mount)?;
        }
        root.pivot()
    }

    /// Moves to the root that main has furnished.
    pub fn chroot(&self) -> Result<(), MountError> {
        Root::open(&self.path)?.chroot()
    }
}

/// What the host lacks is not missed in the root either.
pub fn mount_in(root: &Root, mount: &Mount) -> Result<Option<OwnedFd>, MountError> {
    match root.mount(mount) {
        Err(MountError::Source(path, Errno(nix::errno::Errno::ENOENT))) => {
            warning!("host path not found: {}", path.display());
            Ok(None)
        }
        mounted => mounted.map(Some),
    }
}

fn language_mount(mount: &modules::Mount) -> Mount {
    let wished = [
        (NXT_FS_FLAGS_NOSUID, MsFlags::MS_NOSUID),
        (NXT_FS_FLAGS_NOEXEC, MsFlags::MS_NOEXEC),
        (NXT_FS_FLAGS_NODEV, MsFlags::MS_NODEV),
        (NXT_FS_FLAGS_RDONLY, MsFlags::MS_RDONLY),
    ];
    let mut flags: MsFlags = wished
        .into_iter()
        .filter(|(flag, _)| mount.flags & flag != 0)
        .map(|(_, flag)| flag)
        .collect();
    let source = if mount.kind == NXT_FS_BIND {
        Source::Bind(PathBuf::from(&mount.src))
    } else {
        if mount.flags & NXT_FS_FLAGS_NOTIME == 0 {
            flags |= MsFlags::MS_RELATIME;
        }
        Source::FileSystem {
            name: (&mount.name).into(),
            device: (&mount.src).into(),
            options: (&mount.data).into(),
        }
    };
    Mount {
        source,
        target: PathBuf::from(&mount.dst),
        flags,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(src: &str, flags: u32) -> modules::Mount {
        modules::Mount {
            src: src.into(),
            dst: src.into(),
            name: "bind".into(),
            kind: NXT_FS_BIND,
            flags,
            data: String::new(),
        }
    }

    #[test]
    fn outer_mounts_come_first() {
        let mounts = [
            language("/usr/lib/python3/lib-dynload", NXT_FS_FLAGS_RDONLY),
            language("/usr/lib/python3", 0),
        ];
        let plan = RootPlan::new(Path::new("/srv/"), Automount::default(), &mounts).unwrap();
        let targets: Vec<_> = plan.mounts.iter().map(|m| m.target.to_str()).collect();
        assert_eq!(
            targets,
            [
                "/tmp",
                "/proc",
                "/usr/lib/python3",
                "/usr/lib/python3/lib-dynload"
            ]
            .map(Some)
        );
        assert_eq!(plan.mounts[3].flags, MsFlags::MS_RDONLY);
        assert_eq!(plan.mounts[2].flags, MsFlags::empty());
    }

    #[test]
    fn each_kind_of_mount_can_be_left_out() {
        let none = Automount {
            language_deps: false,
            tmpfs: false,
            procfs: false,
        };
        let plan = RootPlan::new(Path::new("/srv"), none, &[language("/usr", 0)]).unwrap();
        assert_eq!(plan.mounts, []);
    }

    #[test]
    fn the_root_itself_is_no_new_root() {
        for path in ["", "/", "//", "srv"] {
            let error = RootPlan::new(Path::new(path), Automount::default(), &[]).unwrap_err();
            assert!(error.ends_with(&format!("but given \"{path}\"")), "{error}");
        }
    }
}
