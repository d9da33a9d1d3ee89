//! `nxt_fs_mount.h`: mounts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, umount2};

use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::fs_mount::{
    NXT_FS_BIND, NXT_FS_FLAGS_NODEV, NXT_FS_FLAGS_NOEXEC, NXT_FS_FLAGS_NOSUID, NXT_FS_FLAGS_NOTIME,
    NXT_FS_FLAGS_RDONLY, NXT_FS_PROC, NXT_FS_TMP, nxt_fs_mount_t,
};
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::base::log::Level;
use crate::capi::log::{task_record, thread_record};
use crate::capi::{c_string, guard};
use crate::sys::Errno;
use crate::sys::mounts::{Mount, Root, Source};

/// A C string as the system's.
///
/// # Safety
/// As [`c_string`].
unsafe fn os_string(text: *const u8) -> OsString {
    // SAFETY: the caller's promise is the same.
    OsStr::from_bytes(unsafe { c_string(text) }).to_owned()
}

/// What a C mount asks for.
///
/// # Safety
/// The texts are NULL or end with a NUL.
pub(crate) unsafe fn mount_of(mount: &nxt_fs_mount_t) -> Mount {
    let mut flags = MsFlags::empty();
    for (flag, meaning) in [
        (NXT_FS_FLAGS_NODEV, MsFlags::MS_NODEV),
        (NXT_FS_FLAGS_NOEXEC, MsFlags::MS_NOEXEC),
        (NXT_FS_FLAGS_NOSUID, MsFlags::MS_NOSUID),
        (NXT_FS_FLAGS_RDONLY, MsFlags::MS_RDONLY),
    ] {
        flags.set(meaning, mount.flags & flag != 0);
    }
    flags.set(MsFlags::MS_RELATIME, mount.flags & NXT_FS_FLAGS_NOTIME == 0);
    // SAFETY: the caller's promise is the same.
    unsafe {
        let device = os_string(mount.src);
        let target = PathBuf::from(os_string(mount.dst));
        let name = match mount.r#type {
            NXT_FS_BIND => {
                return Mount {
                    source: Source::Bind(device.into()),
                    target,
                    flags: MsFlags::empty(),
                };
            }
            NXT_FS_TMP => "tmpfs".into(),
            NXT_FS_PROC => "proc".into(),
            _ => os_string(mount.name),
        };
        Mount {
            source: Source::FileSystem {
                name,
                device,
                options: os_string(mount.data),
            },
            target,
            flags,
        }
    }
}

/// Makes a mount; the place is made if it is not there.
///
/// # Safety
/// `task` is NULL or valid; `mnt` is NULL or valid, its texts ending with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_fs_mount(
    task: *mut nxt_task_t,
    mnt: *mut nxt_fs_mount_t,
) -> nxt_int_t {
    guard("nxt_fs_mount", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let Some(mnt) = mnt.as_ref().filter(|mnt| !mnt.dst.is_null()) else {
                return NXT_ERROR;
            };
            let made = Root::open(Path::new("/")).and_then(|root| root.mount(&mount_of(mnt)));
            match made {
                Ok(_) => NXT_OK,
                Err(error) => {
                    task_record(task, Level::Alert, &error.to_string());
                    NXT_ERROR
                }
            }
        }
    })
}

/// Takes a mount away, when nobody uses it any more.
///
/// # Safety
/// `path` is NULL or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_fs_unmount(path: *const u8) {
    guard("nxt_fs_unmount", (), || {
        // SAFETY: the caller's promise is the same.
        let path = unsafe { os_string(path) };
        if let Err(errno) = umount2(path.as_os_str(), MntFlags::MNT_DETACH) {
            let text = format!("umount2({}, MNT_DETACH) {}", path.display(), Errno(errno));
            thread_record(Level::Warn, &text);
        }
    });
}
