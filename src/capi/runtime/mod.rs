//! `nxt_runtime.h` and `nxt_main_process.h`: what a program of the library works with.
//!
//! The command line is that of `unitd`, read by the same code. A program that starts processes of its
//! own replaces `rt->start` between [`nxt_runtime_create`] and the start of the engine.

use std::ffi::{CString, OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::ptr;

use libc::{c_char, c_void};

use crate::abi::application::{NXT_APP_EXTERNAL, nxt_app_lang_module_t};
use crate::abi::array::nxt_mp_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::fs_mount::nxt_fs_mount_t;
use crate::abi::listen_socket::nxt_listen_socket_t;
use crate::abi::process::NXT_PROCESS_MAIN;
use crate::abi::runtime::{nxt_runtime_cont_t, nxt_runtime_t};
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::thread::nxt_thread_t;
use crate::abi::thread_pool::nxt_thread_pool_t;
use crate::abi::types::{nxt_int_t, nxt_nsec_t, nxt_uint_t};
use crate::base::log::Level;
use crate::capi::array::{nxt_array_add, nxt_array_create, nxt_array_remove, nxt_array_zero_add};
use crate::capi::capability::nxt_capability_set;
use crate::capi::credential::nxt_credential_get;
use crate::capi::engine::work_queue::nxt_work_queue_add;
use crate::capi::engine::{init_queue, interface, nxt_event_engine_create, nxt_event_engine_free};
use crate::capi::globals::nxt_process_argv;
use crate::capi::host::HOST;
use crate::capi::log::task_record;
use crate::capi::mp::{nxt_mp_create, nxt_mp_destroy, nxt_mp_nget, nxt_mp_zget};
use crate::capi::port::own_engine;
use crate::capi::process::runtime_of;
use crate::capi::process::signals::nxt_main_process_signals;
use crate::capi::queue::{append_link, remove_link};
use crate::capi::thread::{nxt_thread_mutex_create, nxt_thread_wait};
use crate::capi::thread_pool::{nxt_thread_pool_create, nxt_thread_pool_destroy};
use crate::capi::{c_string, guard};
use crate::ipc::rpc;
use crate::process::options::{self, Command, Options};

pub mod listen;
pub mod log_files;
pub mod processes;
pub mod quit;

use quit::nxt_runtime_quit;

/// The size of a service (`nxt_service.h`).
const SERVICE_SIZE: usize = 24;
/// Connections of an engine.
const CONNECTIONS: u32 = 256;
/// Threads for work that waits.
const THREADS: u32 = 2;
/// After which time such a thread ends.
const THREAD_TIMEOUT: nxt_nsec_t = 60_000_000_000;

/// Makes the runtime of the calling thread from the command line, with an engine; its start is queued
/// there. `NXT_ERROR` when there is no memory, or the command line is wrong.
///
/// # Safety
/// `task` is NULL or valid, after [`nxt_lib_start`]; the process has one thread.
///
/// [`nxt_lib_start`]: crate::capi::lib_start::nxt_lib_start
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_create(task: *mut nxt_task_t) -> nxt_int_t {
    guard("nxt_runtime_create", NXT_ERROR, || {
        // SAFETY: not NULL, and by the caller's promise; the runtime is ours until it is whole.
        unsafe {
            if task.is_null() || (*task).thread.is_null() {
                return NXT_ERROR;
            }
            let pool = nxt_mp_create(1024, 128, 256, 32);
            if pool.is_null() {
                return NXT_ERROR;
            }
            let rt = nxt_mp_zget(pool, size_of::<nxt_runtime_t>()).cast::<nxt_runtime_t>();
            if !rt.is_null() {
                (*rt).mem_pool = pool;
                (*(*task).thread).runtime = rt;
                if create(task, rt).is_some() {
                    return NXT_OK;
                }
                (*(*task).thread).runtime = ptr::null_mut();
                let engine = std::mem::replace(&mut (*(*task).thread).engine, ptr::null_mut());
                nxt_event_engine_free(engine);
            }
            nxt_mp_destroy(pool);
            NXT_ERROR
        }
    })
}

/// # Safety
/// `task` is valid, `rt` is an empty runtime with a pool.
unsafe fn create(task: *mut nxt_task_t, rt: *mut nxt_runtime_t) -> Option<()> {
    // SAFETY: the caller promises an empty runtime, which nobody else knows; what is put into it
    // lies in its pool.
    unsafe {
        let pool = (*rt).mem_pool;
        let array = |size| {
            let array = nxt_array_create(pool, 1, size);
            (!array.is_null()).then_some(array)
        };
        if nxt_thread_mutex_create(&raw mut (*rt).processes_mutex) != NXT_OK {
            return None;
        }
        init_queue(&raw mut (*rt).engines);
        (*rt).services = array(SERVICE_SIZE)?;
        (*rt).listen_sockets = array(size_of::<nxt_listen_socket_t>())?;
        (*rt).thread_pools = array(size_of::<*mut nxt_thread_pool_t>())?;
        (*rt).languages = array(size_of::<nxt_app_lang_module_t>())?;
        let external = nxt_array_zero_add((*rt).languages).cast::<nxt_app_lang_module_t>();
        (*external).r#type = NXT_APP_EXTERNAL;
        (*external).version = c"".as_ptr().cast_mut().cast();
        (*external).mounts = array(size_of::<nxt_fs_mount_t>())?;
        (*rt).hostname = hostname(pool)?;
        if log_files::init(rt) != NXT_OK {
            return None;
        }

        let signals = nxt_main_process_signals.get().cast();
        let engine = nxt_event_engine_create(task, interface::by_name(b""), signals, 0, 0);
        if engine.is_null() {
            return None;
        }
        (*(*task).thread).engine = engine;
        (*engine).id = (*rt).last_engine_id;
        (*rt).last_engine_id += 1;
        (*engine).mem_pool = nxt_mp_create(1024, 128, 256, 32);
        if (*engine).mem_pool.is_null() {
            return None;
        }
        append_link(&raw mut (*rt).engines, &raw mut (*engine).link);
        if nxt_runtime_thread_pool_create((*task).thread, rt, THREADS, THREAD_TIMEOUT) != NXT_OK {
            return None;
        }

        (*rt).start = Some(start_unit);
        configure(task, rt)?;
        rpc::init_streams();
        let queue = &raw mut (*engine).fast_work_queue;
        nxt_work_queue_add(queue, Some(start), task, rt.cast(), ptr::null_mut());
        Some(())
    }
}

/// Copies a text into a pool, with a NUL after it.
///
/// # Safety
/// `pool` is a pool.
pub(crate) unsafe fn text(pool: *mut nxt_mp_t, bytes: &[u8]) -> Option<*mut u8> {
    // SAFETY: by the caller's promise; there is room for the text and the NUL.
    unsafe {
        let copy = nxt_mp_nget(pool, bytes.len() + 1).cast::<u8>();
        if copy.is_null() {
            return None;
        }
        copy.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        copy.add(bytes.len()).write(0);
        Some(copy)
    }
}

/// The name of the machine in lower case.
///
/// # Safety
/// `pool` is a pool.
unsafe fn hostname(pool: *mut nxt_mp_t) -> Option<nxt_str_t> {
    let name = nix::unistd::gethostname().ok()?;
    let name = name.as_bytes().to_ascii_lowercase();
    // SAFETY: by the caller's promise.
    let start = unsafe { text(pool, &name)? };
    Some(nxt_str_t {
        length: name.len(),
        start,
    })
}

/// The command line of `nxt_lib_start`.
fn arguments() -> Vec<OsString> {
    let mut arguments = Vec::new();
    // SAFETY: the arguments of `main` end with NULL and stay.
    unsafe {
        let mut argument = nxt_process_argv.get().read();
        while !argument.is_null() && !argument.read().is_null() {
            let bytes = c_string(argument.read().cast());
            arguments.push(OsStr::from_bytes(bytes).to_owned());
            argument = argument.add(1);
        }
    }
    arguments
}

/// Fills the settings in from the command line.
///
/// # Safety
/// `task` and `rt` are valid.
unsafe fn configure(task: *mut nxt_task_t, rt: *mut nxt_runtime_t) -> Option<()> {
    let warn = |line: String| drop(writeln!(std::io::stderr(), "{line}"));
    let options = match options::parse(&arguments(), warn) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Version) => {
            let _ = std::io::stderr().write_all(options::version_text().as_bytes());
            std::process::exit(0);
        }
        Ok(Command::Help) => {
            let _ = std::io::stdout().write_all(options::help_text().as_bytes());
            std::process::exit(0);
        }
        Err(error) => {
            warn(error.to_string());
            return None;
        }
    };
    // SAFETY: the caller promises a runtime that nobody else knows; the copies lie in its pool.
    unsafe {
        let pool = (*rt).mem_pool;
        let copy = |bytes: &[u8]| text(pool, bytes).map(|copy| copy.cast_const().cast::<c_char>());
        let optional = |name: &Option<String>| match name {
            Some(name) => copy(name.as_bytes()),
            None => Some(ptr::null()),
        };
        let path = |path: &std::path::Path| copy(path.as_os_str().as_bytes());
        (*rt).daemon = options.daemon.into();
        (*rt).engine = c"epoll".as_ptr();
        (*rt).engine_connections = CONNECTIONS;
        (*rt).auxiliary_threads = THREADS;
        (*rt).user_cred.user = copy(options.user.as_bytes())?;
        (*rt).group = optional(&options.group)?;
        (*rt).pid = path(&options.pid)?;
        (*rt).pid_file = (*rt).pid.cast_mut().cast();
        (*rt).log = path(&options.log)?;
        (*rt).modules = path(&options.modulesdir)?;
        (*rt).tmp = path(&options.tmpdir)?;
        (*rt).control = copy(options.control.as_bytes())?;
        (*rt).control_mode = options.control_mode;
        (*rt).control_user = optional(&options.control_user)?;
        (*rt).control_group = optional(&options.control_group)?;

        // The folders of the state end with a slash.
        let mut state = options.statedir.clone().into_os_string().into_vec();
        if state.last() != Some(&b'/') {
            state.push(b'/');
        }
        let below = |name: &str| copy(&[&state[..], name.as_bytes()].concat());
        let folder = |name: &str| {
            Some(nxt_str_t {
                length: state.len() + name.len(),
                start: below(name)?.cast_mut().cast(),
            })
        };
        (*rt).state = below("")?;
        (*rt).ver = below("version")?;
        (*rt).ver_tmp = below("version.tmp")?;
        (*rt).conf = below("conf.json")?;
        (*rt).conf_tmp = below("conf.json.tmp")?;
        (*rt).certs = folder("certs/")?;
        (*rt).scripts = folder("scripts/")?;

        if nxt_capability_set(task, &raw mut (*rt).capabilities) != NXT_OK {
            return None;
        }
        if (*rt).capabilities.setid != 0 {
            let credential = &raw mut (*rt).user_cred;
            if nxt_credential_get(task, pool, credential, (*rt).group) != NXT_OK {
                return None;
            }
        }
        if let Some(log) = log_files::files(rt).first() {
            (**log).name = (*rt).log.cast_mut().cast();
        }
        Some(())
    }
}

/// The first work of an engine: the log is opened, and without threads `rt->start` is called.
unsafe extern "C" fn start(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    let _ = data;
    // Not under `guard`: a process that is forked in `rt->start` returns through here as well.
    let rt = obj.cast::<nxt_runtime_t>();
    // SAFETY: `create` queues this with its runtime.
    unsafe {
        if log_files::open_all(task, rt) != NXT_OK {
            return nxt_runtime_quit(task, 1);
        }
        let engine = own_engine(task);
        let interface = interface::by_name(c_string((*rt).engine.cast()));
        if interface.is_null() {
            task_record(task, Level::Alert, "unknown event engine");
            return nxt_runtime_quit(task, 1);
        }
        (*engine).max_connections = (*rt).engine_connections;
        stop_thread_pools(task, rt, (*rt).start);
    }
}

/// What `rt->start` is unless the program says otherwise: Unit itself.
unsafe extern "C" fn start_unit(task: *mut nxt_task_t, status: nxt_uint_t) {
    let _ = status;
    // SAFETY: the runtime calls this with its task.
    unsafe {
        if nxt_main_process_start((*task).thread, task, runtime_of(task)) != NXT_OK {
            nxt_runtime_quit(task, 1);
        }
    }
}

/// Runs Unit with the settings of a runtime. It has its own event loop, so that this only returns,
/// with `NXT_ERROR`, if it cannot start; the process exits when Unit ends.
///
/// # Safety
/// The addresses are NULL or valid; the process has one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_main_process_start(
    thr: *mut nxt_thread_t,
    task: *mut nxt_task_t,
    runtime: *mut nxt_runtime_t,
) -> nxt_int_t {
    let _ = thr;
    guard("nxt_main_process_start", NXT_ERROR, || {
        if task.is_null() || runtime.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: not NULL, and by the caller's promise; the settings end with a NUL or are NULL.
        unsafe {
            (*runtime).r#type = NXT_PROCESS_MAIN;
            let string =
                |text: *const c_char| String::from_utf8_lossy(c_string(text.cast())).into_owned();
            let optional = |text: *const c_char| (!text.is_null()).then(|| string(text));
            let path = |text: *const c_char| {
                std::path::PathBuf::from(OsStr::from_bytes(c_string(text.cast())))
            };
            let options = Options {
                daemon: (*runtime).daemon != 0,
                control: string((*runtime).control),
                control_mode: (*runtime).control_mode,
                control_user: optional((*runtime).control_user),
                control_group: optional((*runtime).control_group),
                pid: path((*runtime).pid),
                log: path((*runtime).log),
                modulesdir: path((*runtime).modules),
                statedir: path((*runtime).state),
                tmpdir: path((*runtime).tmp),
                user: string((*runtime).user_cred.user),
                group: optional((*runtime).group).filter(|group| !group.is_empty()),
            };
            // Signals come to Unit's own loop.
            let engine = own_engine(task);
            if let Some(free) = engine.as_ref().and_then(|engine| engine.event.free) {
                free(engine);
            }
            std::process::exit(crate::process::serve(options, HOST));
        }
    })
}

/// Makes the variables of requests known. They are from the start, so that this cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_http_register_variables() -> nxt_int_t {
    NXT_OK
}

/// Adds a pool of threads to a runtime.
///
/// # Safety
/// `thr` and `rt` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_thread_pool_create(
    thr: *mut nxt_thread_t,
    rt: *mut nxt_runtime_t,
    max_threads: nxt_uint_t,
    timeout: nxt_nsec_t,
) -> nxt_int_t {
    guard("nxt_runtime_thread_pool_create", NXT_ERROR, || {
        if thr.is_null() || rt.is_null() {
            return NXT_ERROR;
        }
        // SAFETY: both are checked above; the array has places for addresses of pools, and the new
        // one is written before anybody reads it.
        unsafe {
            let engine = (*thr).engine;
            let pool = nxt_thread_pool_create(max_threads, timeout, None, engine, Some(pool_ended));
            if pool.is_null() {
                return NXT_ERROR;
            }
            let place = nxt_array_add((*rt).thread_pools).cast::<*mut nxt_thread_pool_t>();
            if place.is_null() {
                libc::free(pool.cast());
                return NXT_ERROR;
            }
            place.write(pool);
            NXT_OK
        }
    })
}

/// Ends all pools of threads; `then` is called when there is none any more.
///
/// # Safety
/// `task` and `rt` are valid.
unsafe fn stop_thread_pools(
    task: *mut nxt_task_t,
    rt: *mut nxt_runtime_t,
    then: nxt_runtime_cont_t,
) {
    // SAFETY: the caller promises a runtime; the array's elements are the pools that were added,
    // and each is destroyed once, as none gets work any more.
    unsafe {
        (*rt).continuation = then;
        let pools = (*rt).thread_pools;
        if pools.is_null() || (*pools).nelts == 0 {
            if let Some(then) = then {
                then(task, 0);
            }
            return;
        }
        for index in 0..(*pools).nelts as usize {
            nxt_thread_pool_destroy(
                (*pools)
                    .elts
                    .cast::<*mut nxt_thread_pool_t>()
                    .add(index)
                    .read(),
            );
        }
    }
}

/// The engine learns that a pool has no thread any more; `data` is the last one, if there was any.
unsafe extern "C" fn pool_ended(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    // Not under `guard`: as `start`.
    // SAFETY: the pool calls this once, on the engine of a runtime.
    unsafe {
        if !data.is_null() {
            nxt_thread_wait(data.addr() as libc::pthread_t);
        }
        let rt = runtime_of(task);
        let pools = (*rt).thread_pools;
        for index in 0..(*pools).nelts as usize {
            let place = (*pools).elts.cast::<*mut nxt_thread_pool_t>().add(index);
            if place.read().cast() == obj {
                nxt_array_remove(pools, place.cast());
                break;
            }
        }
        libc::free(obj);
        if (*pools).nelts == 0
            && let Some(then) = (*rt).continuation
        {
            then(task, 0);
        }
    }
}

/// Frees the first engine of a runtime.
///
/// # Safety
/// `rt` is NULL or a runtime whose first engine does not run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_runtime_event_engine_free(rt: *mut nxt_runtime_t) {
    guard("nxt_runtime_event_engine_free", (), || {
        if rt.is_null() {
            return;
        }
        // SAFETY: not NULL, and by the caller's promise; the links are those of engines.
        unsafe {
            let head = &raw mut (*rt).engines.head;
            let link = (*head).next;
            if link.is_null() || link == head {
                return;
            }
            remove_link(link);
            let offset = std::mem::offset_of!(crate::abi::engine::nxt_event_engine_t, link);
            nxt_event_engine_free(link.cast::<u8>().sub(offset).cast());
        }
    });
}

/// The working folder, with a slash at the end; NULL if it cannot be found out.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_current_directory(mp: *mut nxt_mp_t) -> *mut nxt_str_t {
    guard("nxt_current_directory", ptr::null_mut(), || {
        let Ok(folder) = std::env::current_dir() else {
            return ptr::null_mut();
        };
        let mut name = folder.into_os_string().into_vec();
        name.push(b'/');
        if mp.is_null() || CString::new(&name[..]).is_err() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise; the memory has room for the string.
        unsafe {
            let string =
                crate::capi::mp::nxt_mp_get(mp, size_of::<nxt_str_t>()).cast::<nxt_str_t>();
            let Some(start) = text(mp, &name) else {
                return ptr::null_mut();
            };
            if !string.is_null() {
                string.write(nxt_str_t {
                    length: name.len(),
                    start,
                });
            }
            string
        }
    })
}
