//! The messages that main answers.
//!
//! Who may ask for what is decided by the sender that the kernel names, never by what the message
//! says. A message from the wrong process, or one that is not well-formed, is dropped with a log
//! record, and its descriptors are closed. Bodies between the daemon's own processes:
//!
//! | message | from | body | answer |
//! |---|---|---|---|
//! | `START_PROCESS` | router | name, zero byte, JSON object; descriptors: shared port, shared queue, the router's port of this application | `NEW_PORT` under its stream, or `RPC_ERROR` with the reason, or `REMOVE_PID` under its stream |
//! | `SOCKET` | router | address as configured | `RPC_READY` with the bound socket; `RPC_ERROR`: one byte [`listen::Reason`], text |
//! | `SOCKET_UNLINK` | router | address as configured; the router has closed the socket | `RPC_READY` when main has too |
//! | `ACCESS_LOG` | router | path | `RPC_READY` with the file, or `RPC_ERROR` with the reason |
//! | `CONF_STORE`, `CERT_*`, `SCRIPT_*` | controller, router | see `state_messages` | |
//! | `LIMITS` | router | what to set of `rlimit_nofile`, `rlimit_core` and `priority`, JSON | `RPC_READY` when it is in force, or `RPC_ERROR` with the reason |
//! | `MODULES` | discovery | see `modules` | `RPC_READY` |
//! | `PROCESS_READY` | each child | none | none |
//! | the same again | controller | pid of the router that has its configuration; one byte: not 0 if that is another one than the stored | none |
//! | `WHOAMI` | application | its parent's pid; descriptor: write end of its port | `RPC_READY` with its pid |
//! | `WHOAMI` | prototype in a pid namespace | main's pid | `RPC_READY` with its pid |
//! | `RPC_ERROR` | prototype | why it cannot start | none; it ends |
#![forbid(unsafe_code)]

use std::os::fd::AsFd;
use std::path::Path;

use super::app_conf::AppConf;
use super::main_process::Main;
use super::modules::Modules;
use super::prototype_setup::SharedPorts;
use super::state_messages;
use super::table::Process;
use crate::base::log::Level;
use crate::conf::json;
use crate::conf::limits::ProcessLimits;
use crate::ipc::admission::{self, Refusal};
use crate::ipc::{Message, NewPort, Pid, ProcessType, kind};
use crate::sys::address::Address;
use crate::sys::limits::Limits;
use crate::sys::{Errno, listen, stdio};
use crate::{alert, warning};

/// Processes of one prototype: more than any configuration asks for, and an end to what a hostile
/// one can make main keep.
const MAX_FAMILY: usize = 16384;

/// Handles one message. `family` is the prototype by whose socket it came; the processes of an
/// application write to no other one.
pub(super) fn handle(main: &mut Main, family: Option<Pid>, message: Message) {
    let Some(sender) = message.sender else {
        // Only a queue has messages without a sender, and main's port has none.
        return;
    };
    let kind = message.header.kind;
    let process = main.table.get(sender);
    let from = process.map(|process| process.kind);
    let at_home = match (from, family) {
        (Some(ProcessType::Prototype), family) => family == Some(sender),
        (Some(ProcessType::App), family) => family == process.map(|process| process.parent),
        (Some(_), family) => family.is_none(),
        // What a process sent before it died may come after the notice of its death.
        (None, family) if kind == kind::WHOAMI => family.is_some(),
        (None, _) => return,
    };
    let admitted = if at_home {
        admission::check(ProcessType::Main, from, &message)
    } else {
        Err(Refusal::Sender(None))
    };
    if let Err(refusal) = admitted {
        let text = format_args!("message {kind} from process {sender} {refusal}, dropped");
        return main.complaints.write(Level::Alert, text);
    }
    let allowed = |kind: ProcessType| from == Some(kind);
    match message.header.kind {
        kind::START_PROCESS if allowed(ProcessType::Router) => start_process(main, sender, message),
        kind::SOCKET if allowed(ProcessType::Router) => socket(main, sender, &message),
        kind::SOCKET_UNLINK if allowed(ProcessType::Router) => {
            socket_unlink(main, sender, &message)
        }
        kind::ACCESS_LOG if allowed(ProcessType::Router) => access_log(main, sender, &message),
        kind::CONF_STORE if allowed(ProcessType::Controller) => {
            state_messages::conf_store(main, sender, message);
        }
        kind::CERT_GET | kind::CERT_DELETE | kind::SCRIPT_GET | kind::SCRIPT_DELETE
            if allowed(ProcessType::Controller) || allowed(ProcessType::Router) =>
        {
            let may_write = allowed(ProcessType::Controller);
            state_messages::store_entry(main, sender, message, may_write);
        }
        kind::LIMITS if allowed(ProcessType::Router) => limits(main, sender, &message),
        kind::MODULES if allowed(ProcessType::Discovery) => modules(main, sender, &message),
        kind::WHOAMI => whoami(main, family, sender, message),
        kind::PROCESS_CREATED if from.is_some() => created(main, sender, &message),
        kind::PROCESS_READY if from.is_some() => ready(main, sender, &message),
        kind::NEW_PORT if allowed(ProcessType::Prototype) => new_port(main, sender, message),
        kind::RPC_ERROR if allowed(ProcessType::Prototype) => failed(main, sender, &message),
        kind::REMOVE_PID if allowed(ProcessType::Prototype) => remove_pid(main, sender, &message),
        other => alert!("message {other} from process {sender} is not allowed, dropped"),
    }
}

fn start_process(main: &mut Main, router: Pid, message: Message) {
    let stream = message.header.stream;
    let [Some(shared_port), Some(shared_queue), Some(router_port)] = message.fds else {
        alert!("process start without the application's ports");
        main.table.refuse(router, stream, &[]);
        return;
    };
    if main.is_stopping() {
        return;
    }
    let started = match AppConf::from_message(&message.body) {
        Ok(conf) => {
            let ports = SharedPorts {
                port: shared_port,
                queue: shared_queue,
                router: router_port,
            };
            main.start_prototype(conf, ports, stream)
        }
        Err(error) => {
            alert!("{error}");
            Err(error.to_string())
        }
    };
    if let Err(reason) = started {
        main.table.refuse(router, stream, reason.as_bytes());
    }
}

fn socket(main: &mut Main, router: Pid, message: &Message) {
    let stream = message.header.stream;
    let refuse = |main: &mut Main, reason: listen::Reason, text: String| {
        // As in Unit's log, the quotes have backslashes.
        alert!("{}", text.replace('"', "\\\""));
        let body = [&[reason as u8], text.as_bytes()].concat();
        main.table.refuse(router, stream, &body);
    };
    let text = String::from_utf8_lossy(&message.body);
    let address = match Address::parse(&text) {
        Ok(address) => address,
        Err(error) => return refuse(main, listen::Reason::System, error.to_string()),
    };
    match main.listeners.open(&address) {
        Ok(fd) => main.table.answer(router, stream, &[], &[fd]),
        Err(error) => refuse(main, error.reason, error.to_string()),
    }
}

fn socket_unlink(main: &mut Main, router: Pid, message: &Message) {
    let text = String::from_utf8_lossy(&message.body);
    match Address::parse(&text) {
        Ok(address) => {
            let shared = main.upgrade.shares_sockets();
            main.listeners.close(&address, shared);
        }
        Err(error) => warning!("socket to close: {error}"),
    }
    main.table.answer(router, message.header.stream, &[], &[]);
}

fn access_log(main: &mut Main, router: Pid, message: &Message) {
    use std::os::unix::ffi::OsStrExt;
    let path = message.body.strip_suffix(b"\0").unwrap_or(&message.body);
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    match stdio::open_append_at_once(path, 0o600) {
        Ok(file) => main
            .table
            .answer(router, message.header.stream, &[], &[file.as_fd()]),
        Err(error) => {
            let errno = Errno::from(&error);
            let text = format!("open(\"{}\") failed {errno}", path.display());
            crate::error!("{text}");
            main.table
                .refuse(router, message.header.stream, text.as_bytes());
        }
    }
}

/// Gives the router limits for which it lacks the privilege: those that it names.
fn limits(main: &mut Main, router: Pid, message: &Message) {
    let wanted = json::parse(&message.body)
        .ok()
        .and_then(|object| ProcessLimits::from_json(&object).ok());
    let set = |wanted: ProcessLimits| -> Result<(), String> {
        let own = Limits::current()
            .map_err(|error| format!("getrlimit() failed {}", Errno::from(&error)))?;
        let limits = own.with(wanted.nofile, wanted.core, wanted.priority);
        let resources = match (wanted.nofile, wanted.core) {
            (None, None) => Ok(()),
            _ => limits.apply_resources(Some(router)),
        };
        let set = match wanted.priority {
            None => resources,
            Some(_) => resources.and_then(|()| limits.apply_priority(Some(router))),
        };
        set.map_err(|error| error.to_string())
    };
    let done = wanted.map_or_else(|| Err("malformed request".to_owned()), set);
    let stream = message.header.stream;
    match done {
        Ok(()) => main.table.answer(router, stream, &[], &[]),
        Err(text) => {
            alert!("limits of the router: {text}");
            main.table.refuse(router, stream, text.as_bytes());
        }
    }
}

fn modules(main: &mut Main, discovery: Pid, message: &Message) {
    main.table
        .answer(discovery, message.header.stream, &[], &[]);
    if main.is_stopping() || main.discovered {
        return;
    }
    let modules = Modules::from_json(&message.body).unwrap_or_else(|| {
        alert!("discovery sent an invalid list of modules");
        Modules::default()
    });
    main.on_discovered(modules);
}

/// A new application process: main takes its port, so that it can tell it to quit, and answers
/// with its pid as it is outside of all namespaces.
fn whoami(main: &mut Main, family: Option<Pid>, sender: Pid, mut message: Message) {
    let known = main.table.get(sender).map(|process| process.kind);
    if known == Some(ProcessType::Prototype) && message.pid_body() == Some(main.table.own) {
        main.table
            .answer(sender, message.header.stream, &sender.to_ne_bytes(), &[]);
        return;
    }
    let Some((parent, socket)) = message.pid_body().zip(message.take_fd()) else {
        alert!("whoami: process {sender} gives no parent and port");
        return;
    };
    let is_prototype = main
        .table
        .get(parent)
        .is_some_and(|p| p.kind == ProcessType::Prototype);
    let family_has_place = main.table.children_of(parent).len() < MAX_FAMILY;
    if !is_prototype || family != Some(parent) || !family_has_place {
        alert!("whoami: process {sender} is not expected from parent process {parent}");
        return;
    }
    main.table
        .add(Process::new(sender, ProcessType::App, parent, 0, socket));
    main.table
        .answer(sender, message.header.stream, &sender.to_ne_bytes(), &[]);
}

/// A prototype is set up; it waits for this answer before it gives its privileges up. Meanwhile
/// the maps of its user namespace are written.
fn created(main: &mut Main, sender: Pid, message: &Message) {
    let creating = |process: &Process| process.state == super::table::State::Creating;
    if !main.table.get(sender).is_some_and(creating) {
        return;
    }
    let written = main.isolated.write_maps(sender, &main.capabilities());
    let Some(process) = main.table.get_mut(sender) else {
        return;
    };
    match written {
        Ok(()) => {
            process.state = super::table::State::Created;
            main.table.answer(sender, message.header.stream, &[], &[]);
        }
        Err(error) => {
            alert!("{error}");
            process.failure = Some(error.to_string());
            main.table.refuse(sender, message.header.stream, &[]);
        }
    }
}

/// A prototype says why it cannot start; the answer to the router waits until it has ended.
fn failed(main: &mut Main, sender: Pid, message: &Message) {
    if let Some(process) = main.table.get_mut(sender)
        && process.state != super::table::State::Ready
    {
        process.failure = Some(String::from_utf8_lossy(&message.body).into_owned());
    }
}

fn ready(main: &mut Main, sender: Pid, message: &Message) {
    let Some(process) = main.table.get(sender) else {
        return;
    };
    if process.kind == ProcessType::Controller
        && process.state == super::table::State::Ready
        && let Some((router, &[rejected])) = message.body.split_first_chunk()
    {
        return main.on_applied(Pid::from_ne_bytes(*router), rejected == 0);
    }
    if process.state == super::table::State::Ready || process.parent != main.table.own {
        alert!("process {sender} is ready out of turn");
        return;
    }
    // The process repeats the stream that it was started with; main's own note of it counts.
    let stream = process.stream;
    main.table.set_ready(sender, stream);
    if main.is_stopping() {
        main.table.quit(sender);
    }
}

/// An application process is ready: its prototype passes the queue of its port.
fn new_port(main: &mut Main, sender: Pid, message: Message) {
    let Some(new) = NewPort::decode(&message.body) else {
        warning!("invalid new port from process {sender}");
        return;
    };
    let [_, queue, ..] = message.fds;
    match main.table.get_mut(new.port.pid) {
        Some(process) if process.parent == sender && process.kind == ProcessType::App => {
            process.state = super::table::State::Ready;
            if let Some(queue) = queue {
                process.set_queue(queue);
                process.close_queue_memory();
            }
            if main.is_stopping() {
                main.table.quit(new.port.pid);
            }
        }
        // It may have died meanwhile.
        None => {}
        Some(_) => alert!("process {sender} sent a port of process {}", new.port.pid),
    }
}

/// An application process is gone, says its prototype.
fn remove_pid(main: &mut Main, sender: Pid, message: &Message) {
    let Some(pid) = message.pid_body() else {
        warning!("invalid pid to remove from process {sender}");
        return;
    };
    if main
        .table
        .get(pid)
        .is_some_and(|process| process.parent == sender)
    {
        main.table.remove(pid);
    }
    if let Some(own) = &mut main.own {
        own.receiver.forget_peer(pid);
    }
}
