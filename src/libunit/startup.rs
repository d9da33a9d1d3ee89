//! How the library starts: from the caller's structure or from the environment.

use std::ffi::c_int;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::Ordering;

use super::library::{Library, Settings};
use super::log::report;
use super::port::{Port, Queue, own_fd, send_waiting};
use super::{Context, Failed};
use crate::abi::unit::*;
use crate::abi::version::NXT_VERSION;
use crate::ipc::message::{Header, kind};
use crate::ipc::{AppQueue, Pid, PortId, PortQueue};

/// The environment variable by which the daemon starts an external application.
const ENVIRONMENT: &str = "NXT_UNIT_INIT";

/// What the daemon tells a new process of an application.
#[derive(Debug, PartialEq, Eq)]
struct Start {
    stream: u32,
    ready_fd: c_int,
    router: PortId,
    router_fd: c_int,
    read: PortId,
    read_in_fd: c_int,
    read_out_fd: c_int,
    shared_fd: c_int,
    shared_queue_fd: c_int,
    log_fd: c_int,
    shm_limit: u32,
    request_limit: u32,
}

impl Start {
    fn from_init(init: &nxt_unit_init_t) -> Option<Self> {
        let port = |port: &nxt_unit_port_t| PortId {
            pid: port.id.pid,
            id: port.id.id,
        };
        let given =
            init.ready_port.id.pid != 0 && init.ready_stream != 0 && init.read_port.id.pid != 0;
        given.then(|| Start {
            stream: init.ready_stream,
            ready_fd: init.ready_port.out_fd.get(),
            router: port(&init.router_port),
            router_fd: init.router_port.out_fd.get(),
            read: port(&init.read_port),
            read_in_fd: init.read_port.in_fd.get(),
            read_out_fd: init.read_port.out_fd.get(),
            shared_fd: init.shared_port_fd,
            shared_queue_fd: init.shared_queue_fd,
            log_fd: init.log_fd,
            shm_limit: init.shm_limit,
            request_limit: init.request_limit,
        })
    }

    /// Reads the variable: the version, then 16 numbers in groups.
    fn from_text(text: &str) -> Result<Self, String> {
        let Some((version, numbers)) = text.split_once(';') else {
            return Err(format!(
                "Unit version not found in {ENVIRONMENT}=\"{text}\""
            ));
        };
        let own = NXT_VERSION;
        if version.as_bytes() != own.as_bytes() {
            return Err(format!(
                "versions mismatch: the Unit daemon has version {version}, while the app was \
                 compiled with libunit {own}"
            ));
        }
        let groups: Vec<Vec<i64>> = numbers
            .split(';')
            .map(|group| {
                group
                    .split(',')
                    .map_while(|n| n.trim().parse().ok())
                    .collect()
            })
            .collect();
        let found: usize = groups.iter().map(Vec::len).sum();
        let invalid = || {
            format!(
                "invalid number of variables in {ENVIRONMENT} env: found {found} of 16 in {numbers}"
            )
        };
        let [
            [stream],
            [_ready_pid, _ready_id, ready_fd],
            [router_pid, router_id, router_fd],
            [read_pid, read_id, read_in_fd, read_out_fd],
            [shared_fd, shared_queue_fd],
            [log_fd, shm_limit, request_limit],
            ..,
        ] = &groups.iter().map(Vec::as_slice).collect::<Vec<_>>()[..]
        else {
            return Err(invalid());
        };
        let read = || {
            let port = |pid: i64, id: i64| {
                Some(PortId {
                    pid: Pid::try_from(pid).ok()?,
                    id: u16::try_from(id).ok()?,
                })
            };
            let fd = |n: i64| c_int::try_from(n).ok();
            let number = |n: i64| u32::try_from(n).ok();
            Some(Start {
                stream: number(*stream)?,
                ready_fd: fd(*ready_fd)?,
                router: port(*router_pid, *router_id)?,
                router_fd: fd(*router_fd)?,
                read: port(*read_pid, *read_id)?,
                read_in_fd: fd(*read_in_fd)?,
                read_out_fd: fd(*read_out_fd)?,
                shared_fd: fd(*shared_fd)?,
                shared_queue_fd: fd(*shared_queue_fd)?,
                log_fd: fd(*log_fd)?,
                shm_limit: number(*shm_limit)?,
                request_limit: number(*request_limit)?,
            })
        };
        read().ok_or_else(invalid)
    }
}

/// Starts the library and says to the daemon that the process is ready (`nxt_unit_init`).
///
/// # Safety
/// The descriptors that the structure or the environment names belong to this library from now on.
pub unsafe fn init(init: &nxt_unit_init_t) -> Result<&'static Context, Failed> {
    let failed = |what: &dyn std::fmt::Display| {
        report!(None, ALERT, "{what}");
        Failed
    };
    if init.callbacks.request_handler.is_none() {
        return Err(failed(&"request_handler is NULL"));
    }
    let start = match Start::from_init(init) {
        Some(start) => start,
        None => {
            let text = std::env::var(ENVIRONMENT).map_err(|_| {
                failed(&format_args!(
                    "{ENVIRONMENT} is not in the current environment"
                ))
            })?;
            Start::from_text(&text).map_err(|error| failed(&error))?
        }
    };

    // SAFETY: the caller's.
    let (ready, shared_queue) = unsafe { (own_fd(start.ready_fd), own_fd(start.shared_queue_fd)) };
    let lib = Library::new(&Settings {
        data: init.data,
        callbacks: init.callbacks,
        pid: start.read.pid,
        router_pid: start.router.pid,
        log_fd: start.log_fd,
        request_data_size: init.request_data_size,
        request_limit: start.request_limit,
        shm_limit: start.shm_limit,
    });
    let ctx = Context::create(&lib, init.ctx_data);
    lib.set_main_context(ctx);
    let result = connect(&lib, ctx, &start, ready, shared_queue);
    if result.is_err() {
        // SAFETY: the only use is that of its creation.
        unsafe { Context::release(ctx) };
    }
    result.map(|()| ctx)
}

fn connect(
    lib: &Library,
    ctx: &Context,
    start: &Start,
    ready: Option<OwnedFd>,
    shared_queue: Option<OwnedFd>,
) -> Result<(), Failed> {
    let failed = |what: &dyn std::fmt::Display| {
        report!(Some(lib), ALERT, "{what}");
        Failed
    };
    lib.set_router_port(lib.add_port(ctx, Port::new(start.router, -1, start.router_fd, None)));

    let (queue, memory) = PortQueue::create().map_err(|error| failed(&error))?;
    set_blocking(start.read_in_fd).map_err(|error| failed(&error))?;
    let read = Port::new(
        start.read,
        start.read_in_fd,
        start.read_out_fd,
        Some(Queue::Port(queue)),
    );
    ctx.set_read_port(lib.add_port(ctx, read));

    let shared_queue = shared_queue.ok_or_else(|| failed(&"no shared queue"))?;
    let shared_queue = AppQueue::map(shared_queue.as_fd()).map_err(|error| failed(&error))?;
    let shared = Port::shared(start.read.pid, start.shared_fd, shared_queue);
    lib.set_shared_port(lib.add_port(ctx, shared));

    let ready = ready.ok_or_else(|| failed(&"no ready port"))?;
    let header = Header::new(lib.pid(), kind::PROCESS_READY, start.stream).encode();
    send_waiting(ready.as_fd(), &[IoSlice::new(&header)], &[memory.as_fd()])
        .map_err(|error| failed(&format_args!("failed to send READY message: {error}")))?;
    debug_assert!(!ctx.ready.load(Ordering::Relaxed));
    Ok(())
}

/// Only this process reads from its port, so the mode of the open socket is its own to set.
fn set_blocking(fd: c_int) -> Result<(), nix::errno::Errno> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    // SAFETY: the descriptor is open for the call; a wrong number only makes fcntl fail.
    let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd.max(0)) };
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK)).map(|_| ())?;
    debug_assert!(fd.as_raw_fd() >= 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read() {
        let start = Start::from_text("1.35.0;7;10,0,3;11,2,4;12,1,5,6;8,9;2,104857600,50").unwrap();
        assert_eq!(
            start,
            Start {
                stream: 7,
                ready_fd: 3,
                router: PortId { pid: 11, id: 2 },
                router_fd: 4,
                read: PortId { pid: 12, id: 1 },
                read_in_fd: 5,
                read_out_fd: 6,
                shared_fd: 8,
                shared_queue_fd: 9,
                log_fd: 2,
                shm_limit: 104_857_600,
                request_limit: 50,
            }
        );
    }

    #[test]
    fn a_wrong_environment_is_refused() {
        for (text, why) in [
            ("", "version not found"),
            (
                "1.34.0;7;10,0,3;11,2,4;12,1,5,6;8,9;2,0,0",
                "versions mismatch",
            ),
            ("1.35.0;7;10,0,3;11,2,4;12,1,5,6;8,9;2,0", "found 15 of 16"),
            (
                "1.35.0;x;10,0,3;11,2,4;12,1,5,6;8,9;2,0,0",
                "found 15 of 16",
            ),
            (
                "1.35.0;7;10,0,3;11,2,4;12,70000,5,6;8,9;2,0,0",
                "found 16 of 16",
            ),
        ] {
            let error = Start::from_text(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
