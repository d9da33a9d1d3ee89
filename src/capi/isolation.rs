//! `nxt_isolation.h`: how a prototype is kept apart, prepared in the main process and carried out in
//! the prototype.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use nix::mount::MsFlags;

use crate::abi::application::nxt_common_app_conf_t;
use crate::abi::array::{nxt_array_t, nxt_mp_t};
use crate::abi::clone::{nxt_clone_credential_map_t, nxt_clone_map_entry_t, nxt_clone_t};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::fs_mount::{
    NXT_FS_FLAGS_NODEV, NXT_FS_FLAGS_NOEXEC, NXT_FS_FLAGS_NOSUID, NXT_FS_PROC, NXT_FS_TMP,
    nxt_fs_mount_t,
};
use crate::abi::process::{nxt_process_automount_t, nxt_process_isolation_t, nxt_process_t};
use crate::abi::runtime::nxt_runtime_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::nxt_int_t;
use crate::base::log::Level;
use crate::capi::application::nxt_app_lang_module;
use crate::capi::array::{nxt_array_copy, nxt_array_zero_add};
use crate::capi::cgroup::nxt_cgroup_cleanup;
use crate::capi::clone::daemon_of;
use crate::capi::conf::value_of;
use crate::capi::credential::credentials_of;
use crate::capi::fs_mount::{mount_of, nxt_fs_unmount};
use crate::capi::log::task_record;
use crate::capi::mp::nxt_mp_zalloc;
use crate::capi::process::{nxt_process_creds_set, runtime_of};
use crate::capi::runtime::text;
use crate::capi::{c_string, guard, str_bytes};
use crate::process::isolation::{Automount, IdMap, Isolation, RootPlan, mount_in};
use crate::sys::clone::Namespaces;
use crate::sys::mounts::{self, MountError, Root, Source};

/// Why a process cannot be isolated as it is configured; a log record.
struct Refused(Level, String);

impl Refused {
    fn alert(text: impl Into<String>) -> Refused {
        Refused(Level::Alert, text.into())
    }
}

impl From<MountError> for Refused {
    fn from(error: MountError) -> Refused {
        Refused::alert(error.to_string())
    }
}

fn no_memory<T>(found: Option<T>) -> Result<T, Refused> {
    found.ok_or_else(|| Refused::alert("no memory for the isolation of a process"))
}

/// Maps the outcome to the answer, with a record of what was refused.
///
/// # Safety
/// `task` is NULL or valid.
unsafe fn answer(task: *mut nxt_task_t, outcome: Result<(), Refused>) -> nxt_int_t {
    match outcome {
        Ok(()) => NXT_OK,
        Err(Refused(level, text)) => {
            // SAFETY: the caller's promise is the same.
            unsafe { task_record(task, level, &text) };
            NXT_ERROR
        }
    }
}

/// Prepares the isolation of a prototype, in the main process and before the fork: reads the
/// application's `isolation` into `process->isolation`, finds out as whom the process will run, and
/// checks what can be known to fail. The memory is of `process->mem_pool`.
///
/// # Safety
/// `task` is NULL or valid, of a thread with a runtime; `process` is NULL or valid, with a pool and
/// the configuration of an application.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_isolation_main_prefork(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
    mp: *mut nxt_mp_t,
) -> nxt_int_t {
    let _ = mp;
    guard("nxt_isolation_main_prefork", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let rt = runtime_of(task);
            if rt.is_null() || process.is_null() || (*process).mem_pool.is_null() {
                return NXT_ERROR;
            }
            let app = (*process).data.app;
            if app.is_null() {
                return NXT_ERROR;
            }
            answer(task, prepare(task, rt, process, app))
        }
    })
}

/// # Safety
/// As [`nxt_isolation_main_prefork`]; nothing is NULL.
unsafe fn prepare(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
    process: *mut nxt_process_t,
    app: *mut nxt_common_app_conf_t,
) -> Result<(), Refused> {
    // SAFETY: by the caller's promise.
    unsafe {
        let configured = value_of((*app).isolation);
        let isolation = Isolation::from_json(configured)
            .ok_or_else(|| Refused::alert("the isolation of an application is not valid"))?;
        let pool = (*process).mem_pool;
        let place = &raw mut (*process).isolation;
        (*place).new_privs = u8::from(!isolation.no_new_privs);
        if configured.is_some() {
            fill(place, &isolation, pool)?;
        }
        let own_users = isolation.has(Namespaces::CREDENTIAL);
        take_user(task, rt, process, app, own_users)?;
        if let Some(path) = &isolation.rootfs {
            if (*rt).capabilities.chroot == 0 && !own_users {
                let text = "The \"rootfs\" field requires privileges";
                return Err(Refused(Level::Error, text.into()));
            }
            plan_root(rt, process, app, path, isolation.automount)?;
            let is_root = (*process)
                .user_cred
                .as_ref()
                .is_some_and(|user| user.uid == 0);
            if is_root && !isolation.has(Namespaces::MOUNT) {
                let text = "setting user \"root\" with \"rootfs\" is unsafe without \"mount\" \
                            namespace isolation";
                task_record(task, Level::Warn, text);
            }
        }
        let user = (*process)
            .user_cred
            .as_ref()
            .map(|user| credentials_of(user));
        isolation
            .check_maps(user.as_ref(), &daemon_of(task))
            .map_err(|error| Refused(error.level(), error.to_string()))
    }
}

/// Copies what is configured to where C code reads it.
///
/// # Safety
/// `place` is writable, `pool` is a pool that outlives it.
unsafe fn fill(
    place: *mut nxt_process_isolation_t,
    isolation: &Isolation,
    pool: *mut nxt_mp_t,
) -> Result<(), Refused> {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(path) = &isolation.cgroup {
            let path = no_memory(text(pool, path.as_os_str().as_bytes()))?;
            (*place).cgroup.path = path.cast();
            (*place).cgroup_cleanup = Some(nxt_cgroup_cleanup);
        }
        (*place).clone = nxt_clone_t {
            flags: isolation.namespaces.bits() as nxt_int_t,
            uidmap: map_in(pool, &isolation.uid_map)?,
            gidmap: map_in(pool, &isolation.gid_map)?,
        };
        if let Some(path) = &isolation.rootfs {
            let path = path.as_os_str().as_bytes();
            // "/" itself is refused later.
            let path = path.strip_suffix(b"/").unwrap_or(path);
            (*place).rootfs = no_memory(text(pool, path))?;
        }
        (*place).automount = nxt_process_automount_t {
            language_deps: isolation.automount.language_deps.into(),
            tmpfs: isolation.automount.tmpfs.into(),
            procfs: isolation.automount.procfs.into(),
        };
    }
    Ok(())
}

/// A C map in a pool.
///
/// # Safety
/// `pool` is a pool that outlives the map.
unsafe fn map_in(pool: *mut nxt_mp_t, map: &IdMap) -> Result<nxt_clone_credential_map_t, Refused> {
    let ranges = &map.0;
    let mut found = nxt_clone_credential_map_t {
        size: ranges.len() as u32,
        map: ptr::null_mut(),
    };
    if ranges.is_empty() {
        return Ok(found);
    }
    // SAFETY: a pool, by the caller's promise; the memory has room for all ranges.
    unsafe {
        let size = ranges.len() * size_of::<nxt_clone_map_entry_t>();
        found.map = nxt_mp_zalloc(pool, size).cast();
        no_memory((!found.map.is_null()).then_some(()))?;
        for (index, range) in ranges.iter().enumerate() {
            found.map.add(index).write(nxt_clone_map_entry_t {
                container: range.container,
                host: range.host,
                size: range.size,
            });
        }
    }
    Ok(found)
}

/// Finds the application's user, or makes sure that it is that of the program, if the program cannot
/// take another one.
///
/// # Safety
/// As [`prepare`].
unsafe fn take_user(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
    process: *mut nxt_process_t,
    app: *mut nxt_common_app_conf_t,
    own_users: bool,
) -> Result<(), Refused> {
    // SAFETY: by the caller's promise; the texts end with a NUL or are NULL.
    unsafe {
        let (user, group) = (&raw mut (*app).user, &raw mut (*app).group);
        if (*rt).capabilities.setid != 0 || own_users {
            return match nxt_process_creds_set(task, process, user, group) {
                NXT_OK => Ok(()),
                _ => Err(Refused::alert("the user of an application was not found")),
            };
        }
        let wishes = [
            ("user", str_bytes(user), (*rt).user_cred.user),
            ("group", str_bytes(group), (*rt).group),
        ];
        for (what, wish, is) in wishes {
            let optional = what == "group" && wish.is_empty();
            if !optional && wish != c_string(is.cast()) {
                return Err(Refused::alert(format!(
                    "cannot set {what} \"{}\" for app \"{}\": missing capabilities",
                    String::from_utf8_lossy(wish),
                    String::from_utf8_lossy(str_bytes(&raw const (*app).name)),
                )));
            }
        }
        Ok(())
    }
}

/// Lists the mounts of a new root in `process->isolation.mounts`, outer ones first.
///
/// # Safety
/// As [`prepare`].
unsafe fn plan_root(
    rt: *mut nxt_runtime_t,
    process: *mut nxt_process_t,
    app: *mut nxt_common_app_conf_t,
    path: &Path,
    automount: Automount,
) -> Result<(), Refused> {
    // What the language needs comes from its own list.
    let automount = Automount {
        language_deps: false,
        ..automount
    };
    let plan = RootPlan::new(path, automount, &[]).map_err(|text| Refused(Level::Error, text))?;
    // SAFETY: by the caller's promise; the array has the elements that it says.
    unsafe {
        let language = nxt_app_lang_module(rt, &raw mut (*app).r#type);
        let Some(language) = language.as_ref().filter(|of| !of.mounts.is_null()) else {
            let kind = String::from_utf8_lossy(str_bytes(&raw const (*app).r#type));
            return Err(Refused::alert(format!(
                "unknown application type: \"{kind}\""
            )));
        };
        let pool = (*process).mem_pool;
        let mounts = nxt_array_copy(pool, ptr::null_mut(), language.mounts);
        no_memory((!mounts.is_null()).then_some(()))?;
        let root = c_string((*process).isolation.rootfs);
        for mount in elements(mounts) {
            let target = [root, c_string(mount.dst)].concat();
            mount.dst = no_memory(text(pool, &target))?;
        }
        for mount in &plan.mounts {
            let Source::FileSystem {
                name,
                device,
                options,
            } = &mount.source
            else {
                continue;
            };
            let added = nxt_array_zero_add(mounts).cast::<nxt_fs_mount_t>();
            no_memory((!added.is_null()).then_some(()))?;
            let copy = |bytes: &[u8]| no_memory(text(pool, bytes));
            let target = [root, mount.target.as_os_str().as_bytes()].concat();
            added.write(nxt_fs_mount_t {
                src: copy(device.as_bytes())?,
                dst: copy(&target)?,
                r#type: if name == "proc" {
                    NXT_FS_PROC
                } else {
                    NXT_FS_TMP
                },
                name: copy(name.as_bytes())?,
                flags: flags_of(mount.flags),
                data: copy(options.as_bytes())?,
                builtin: 1,
                deps: 0,
            });
        }
        // What is mounted below another mount comes after it.
        elements(mounts).sort_by_key(|mount| path_of(mount.dst).components().count());
        (*process).isolation.mounts = mounts;
        (*process).isolation.cleanup = Some(unmount_all);
    }
    Ok(())
}

fn flags_of(flags: MsFlags) -> u32 {
    [
        (MsFlags::MS_NOSUID, NXT_FS_FLAGS_NOSUID),
        (MsFlags::MS_NOEXEC, NXT_FS_FLAGS_NOEXEC),
        (MsFlags::MS_NODEV, NXT_FS_FLAGS_NODEV),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .fold(0, |all, (_, flag)| all | flag)
}

/// The mounts of an array.
///
/// # Safety
/// `array` is NULL or an array of mounts, which nobody else uses as long as the result.
unsafe fn elements<'a>(array: *mut nxt_array_t) -> &'a mut [nxt_fs_mount_t] {
    // SAFETY: NULL or valid, by the caller's promise.
    unsafe {
        match array.as_ref() {
            Some(array) if !array.elts.is_null() => {
                std::slice::from_raw_parts_mut(array.elts.cast(), array.nelts as usize)
            }
            _ => &mut [],
        }
    }
}

/// # Safety
/// As [`c_string`].
unsafe fn path_of<'a>(text: *const u8) -> &'a Path {
    // SAFETY: the caller's promise is the same.
    Path::new(OsStr::from_bytes(unsafe { c_string(text) }))
}

/// The mounts of a process that its configuration wants.
///
/// # Safety
/// `process` is NULL or valid.
unsafe fn wanted<'a>(
    process: *const nxt_process_t,
) -> impl DoubleEndedIterator<Item = &'a nxt_fs_mount_t> {
    // SAFETY: NULL or valid, by the caller's promise.
    let (mounts, language_deps) = unsafe {
        match process.as_ref().map(|process| &process.isolation) {
            Some(isolation) => (
                elements(isolation.mounts),
                isolation.automount.language_deps,
            ),
            None => (&mut [][..], 0),
        }
    };
    mounts
        .iter()
        .filter(move |mount| mount.deps == 0 || language_deps != 0)
}

/// Makes the mounts of `process->isolation.mounts` in its new root; all or nothing. What the host
/// lacks is left out, with a warning in the log.
///
/// # Safety
/// `task` is NULL or valid; `process` is NULL or valid, prepared by [`nxt_isolation_main_prefork`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_isolation_prepare_rootfs(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) -> nxt_int_t {
    guard("nxt_isolation_prepare_rootfs", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise; the texts end with a NUL.
        unsafe {
            if process.is_null() || (*process).isolation.rootfs.is_null() {
                return NXT_ERROR;
            }
            let path = path_of((*process).isolation.rootfs);
            let mut made = Vec::new();
            let outcome = Root::open(path).and_then(|root| {
                for mount in wanted(process) {
                    let mut mount = mount_of(mount);
                    if let Ok(inside) = mount.target.strip_prefix(path) {
                        mount.target = PathBuf::from("/").join(inside);
                    }
                    made.extend(mount_in(&root, &mount)?);
                }
                Ok(())
            });
            if outcome.is_err() {
                for mount in made.iter().rev() {
                    let _ = mounts::unmount(mount);
                }
            }
            answer(task, outcome.map_err(Refused::from))
        }
    })
}

/// Takes the mounts of a process away again.
unsafe extern "C" fn unmount_all(task: *mut nxt_task_t, process: *mut nxt_process_t) {
    guard("nxt_isolation_unmount_all", (), || {
        // SAFETY: `plan_root` sets this as the cleanup of its process.
        unsafe {
            let may = runtime_of(task)
                .as_ref()
                .is_some_and(|rt| rt.capabilities.setid != 0);
            if may {
                wanted(process)
                    .rev()
                    .for_each(|mount| nxt_fs_unmount(mount.dst));
            }
        }
    });
}

/// Moves the calling process to `process->isolation.rootfs`: in a mount namespace of its own the old
/// root is let go of, else it is as chroot(2). The working directory is the new root then.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_isolation_change_root(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) -> nxt_int_t {
    guard("nxt_isolation_change_root", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            if process.is_null() || (*process).isolation.rootfs.is_null() {
                return NXT_ERROR;
            }
            let plan = RootPlan {
                path: path_of((*process).isolation.rootfs).to_owned(),
                // Those are made already.
                mounts: Vec::new(),
            };
            let flags = (*process).isolation.clone.flags as u32;
            let moved = if Namespaces::from_bits_retain(flags).contains(Namespaces::MOUNT) {
                mounts::stop_propagation().and_then(|()| plan.pivot())
            } else {
                plan.chroot()
            };
            answer(task, moved.map_err(Refused::from))
        }
    })
}
