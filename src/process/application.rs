//! An application process: from the fork to the application's own code.
//!
//! It tells main who it is (`WHOAMI` with its port), tells its prototype that it is created, and
//! then runs the module's `start`, or executes an external program. libunit takes over from there:
//! it reports `PROCESS_READY` to the prototype and reads the port. What libunit needs for that is
//! [`unit_init`] for a module, and the environment variable `NXT_UNIT_INIT` for a program.
#![forbid(unsafe_code)]

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use once_cell::sync::OnceCell;

use super::app_context::AppContext;
use super::fork;
use super::handshake::{Reply, await_reply};
use super::options::VERSION;
use super::prototype::{Program, Prototype, router_of};
use crate::conf::json::Value;
use crate::ipc::{Header, Pid, ProcessType, Receiver, kind, rpc};
use crate::sys::process::die_with;
use crate::sys::{Errno, stdio};
use crate::{alert, info};

/// The name of the environment variable that libunit reads (`NXT_UNIT_INIT_ENV`).
const UNIT_INIT: &str = "NXT_UNIT_INIT";

/// A port as libunit gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPort {
    /// The process that reads the port.
    pub pid: Pid,
    /// The port's id in that process.
    pub id: u32,
    /// Its read end, or -1.
    pub in_fd: i32,
    /// Its write end, or -1.
    pub out_fd: i32,
}

/// What libunit starts with (`nxt_unit_init_t`). The descriptors stay open until the process ends
/// or libunit closes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitInit {
    /// The prototype's port, for `PROCESS_READY`.
    pub ready_port: UnitPort,
    /// The stream of that message.
    pub ready_stream: u32,
    /// The router's port.
    pub router_port: UnitPort,
    /// The port of this process.
    pub read_port: UnitPort,
    /// The read end of the application's shared port.
    pub shared_port_fd: i32,
    /// The memory of its queue.
    pub shared_queue_fd: i32,
    /// Where libunit logs.
    pub log_fd: i32,
    /// `limits.shm`, bytes.
    pub shm_limit: u32,
    /// `limits.requests`; zero = off.
    pub request_limit: u32,
}

/// The mode of `stdout` and `stderr` files that are created, before the umask.
pub(super) const OUTPUT_MODE: u32 = 0o666;

static INIT: OnceCell<UnitInit> = OnceCell::new();

/// What `nxt_unit_default_init` gives to a module; `None` outside of an application process.
pub fn unit_init() -> Option<&'static UnitInit> {
    INIT.get()
}

impl UnitInit {
    /// The value of `NXT_UNIT_INIT`: the version, then sixteen numbers in groups.
    fn to_environment(self) -> String {
        let UnitInit {
            ready_port: ready,
            router_port: router,
            read_port: read,
            ..
        } = self;
        format!(
            "{VERSION};{};{},{},{};{},{},{};{},{},{},{};{},{};{},{},{},",
            self.ready_stream,
            ready.pid,
            ready.id,
            ready.out_fd,
            router.pid,
            router.id,
            router.out_fd,
            read.pid,
            read.id,
            read.in_fd,
            read.out_fd,
            self.shared_port_fd,
            self.shared_queue_fd,
            self.log_fd,
            self.shm_limit,
            self.request_limit,
        )
    }
}

/// Runs the application. Leaves the process by exit(3), so that the language's exit handlers run
/// and buffered output is written; returns the exit code only if it did not get that far.
pub(super) fn run(
    prototype: &mut Prototype,
    name: &str,
    read: OwnedFd,
    write: OwnedFd,
    stream: u32,
) -> i32 {
    let parent = prototype.table.own;
    let pid = std::process::id() as Pid;
    if prototype.daemon {
        // Without one of its files an application still runs.
        redirect_output(
            prototype.conf.stdout.as_deref(),
            prototype.conf.stderr.as_deref(),
        );
    }
    prototype.table.retain_for(pid, ProcessType::App, parent);
    if die_with(nix::unistd::Pid::from_raw(prototype.local_pid)).is_err() {
        return 0;
    }
    let mut receiver = Receiver::new(read, None);
    let whoami = rpc::next_stream();
    let header = Header::new(pid, kind::WHOAMI, whoami);
    prototype.table.send(
        prototype.main,
        header,
        &parent.to_ne_bytes(),
        &[write.as_fd()],
    );
    let pid = match await_reply(&mut receiver, whoami) {
        Reply::Ready(body) => body
            .first_chunk()
            .map_or(pid, |pid| Pid::from_ne_bytes(*pid)),
        Reply::Quit => return 0,
        Reply::Failed => {
            alert!("WHOAMI error");
            return 1;
        }
    };
    (prototype.host.entered)(pid, parent);
    let header = Header::new(pid, kind::PROCESS_CREATED, 0);
    prototype.table.send(parent, header, &[], &[]);
    info!("{name} started");

    let router = router_of(&mut prototype.table);
    let ready = prototype.table.remove(parent);
    let (Some(router), Some(ready)) = (router, ready) else {
        alert!("{name} failed to start: the router or the prototype is gone");
        return 1;
    };
    let init = UnitInit {
        ready_port: UnitPort {
            pid: parent,
            id: 0,
            in_fd: -1,
            out_fd: ready.sender.as_raw_fd(),
        },
        ready_stream: stream,
        router_port: UnitPort {
            pid: router.pid,
            id: 0,
            in_fd: -1,
            out_fd: router.sender.as_raw_fd(),
        },
        read_port: UnitPort {
            pid,
            id: 0,
            in_fd: receiver.as_raw_fd(),
            out_fd: write.as_raw_fd(),
        },
        shared_port_fd: prototype.shared_port.as_raw_fd(),
        shared_queue_fd: prototype.shared_queue.as_raw_fd(),
        log_fd: 2,
        shm_limit: u32::try_from(prototype.conf.shm_limit).unwrap_or(u32::MAX),
        request_limit: prototype.conf.request_limit,
    };
    let kept = [
        ready.sender.as_fd(),
        router.sender.as_fd(),
        receiver.as_fd(),
        write.as_fd(),
        prototype.shared_port.as_fd(),
        prototype.shared_queue.as_fd(),
    ];
    // Main, and the siblings that the table still knows, are no concern of the application.
    prototype.table = super::table::Table::new(pid);
    let init = INIT.get_or_init(|| init);
    let started = match &prototype.program {
        Program::External => {
            let conf = &prototype.conf.json;
            match conf.get_member("executable").and_then(Value::as_str) {
                Some(executable) => {
                    let arguments = conf.get_member("arguments");
                    execute_external(Path::new(executable), arguments, *init, &kept);
                }
                None => alert!("no executable"),
            }
            false
        }
        Program::Module(start) => {
            let context = AppContext::new(
                prototype.host,
                name,
                stream,
                &prototype.conf.isolation,
                prototype.context.conf,
            );
            start.call(&context)
        }
    };
    // What went wrong is in the log already; the prototype logs the exit code.
    std::process::exit(i32::from(!started))
}

/// Appends standard output and standard error to files, as far as they are named; false, with an
/// alert in the log, if one could not be opened.
pub fn redirect_output(stdout: Option<&Path>, stderr: Option<&Path>) -> bool {
    // Both, whatever becomes of the first.
    redirect(stdout, stdio::redirect_stdout) & redirect(stderr, stdio::redirect_stderr)
}

fn redirect(path: Option<&Path>, to: impl Fn(std::fs::File) -> std::io::Result<()>) -> bool {
    let Some(path) = path else { return true };
    let done = stdio::open_append(path, OUTPUT_MODE).and_then(to);
    if let Err(error) = &done {
        alert!("open(\"{}\") failed {}", path.display(), Errno::from(error));
    }
    done.is_ok()
}

/// Becomes an external program, which finds libunit's facts in its environment; returns, with an
/// alert in the log, only if that failed. `arguments` are an array of texts; `kept` is what the
/// program needs open.
pub fn execute_external(
    executable: &Path,
    arguments: Option<&Value>,
    init: UnitInit,
    kept: &[BorrowedFd<'_>],
) {
    fork::set_environment(UNIT_INIT, &init.to_environment());
    for &fd in kept {
        if let Err(errno) = fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())) {
            return alert!("fcntl({}, F_SETFD) failed {}", fd.as_raw_fd(), Errno(errno));
        }
    }
    let arguments = arguments.map_or(&[][..], Value::elements_or_itself);
    let arguments = arguments.iter().filter_map(Value::as_str);
    let arguments: Result<Vec<CString>, _> = std::iter::once(executable.as_os_str().as_bytes())
        .chain(arguments.map(str::as_bytes))
        .map(CString::new)
        .collect();
    let name = executable.display();
    match arguments {
        Ok(arguments) => {
            let Err(errno) = nix::unistd::execv(&arguments[0], &arguments);
            alert!("execve({name}) failed {}", Errno(errno));
        }
        Err(_) => alert!("an argument of {name} has a zero byte"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_the_groups_that_libunit_reads() {
        let port = |pid, in_fd, out_fd| UnitPort {
            pid,
            id: 0,
            in_fd,
            out_fd,
        };
        let init = UnitInit {
            ready_port: port(10, -1, 3),
            ready_stream: 77,
            router_port: port(11, -1, 4),
            read_port: port(12, 5, 6),
            shared_port_fd: 7,
            shared_queue_fd: 8,
            log_fd: 2,
            shm_limit: 1000,
            request_limit: 9,
        };
        assert_eq!(
            init.to_environment(),
            "1.35.0;77;10,0,3;11,0,4;12,0,5,6;7,8;2,1000,9,"
        );
    }
}
