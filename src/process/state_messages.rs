//! The messages by which the controller and the router reach the state directory, which only main
//! may enter.
//!
//! | message | from | body | answer |
//! |---|---|---|---|
//! | `CONF_STORE` | controller | length as `size_t`; descriptor: memory with the JSON | `RPC_READY` when it is on disk beside the stored one, or `RPC_ERROR` with the reason |
//! | `CONF_STORE` | controller | `CONF_COMMIT` or `CONF_COMMIT_REJECTED` | `RPC_READY` when it is the stored one, or `RPC_ERROR` with the reason |
//! | `CONF_STORE` | controller | `CONF_DISCARD` | none |
//! | `CERT_GET`, `SCRIPT_GET` | controller, router | name | `RPC_READY` with the file, open for reading, or `RPC_ERROR` with the reason |
//! | `CERT_GET`, `SCRIPT_GET` | controller | name; descriptor: memory with the content | `RPC_READY` when it is on disk under the name, or `RPC_ERROR` with the reason |
//! | `CERT_DELETE`, `SCRIPT_DELETE` | controller | name | `RPC_READY` when it is gone, or `RPC_ERROR` with the reason; none to stream 0 |
#![forbid(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use super::main_process::Main;
use super::state::Store;
use crate::ipc::message::{CONF_COMMIT, CONF_COMMIT_REJECTED, CONF_DISCARD};
use crate::ipc::{Message, Pid, kind};
use crate::sys::memory;
use crate::{alert, notice};

/// The largest configuration that is stored, bytes.
const MAX_CONF: usize = 256 * 1024 * 1024;

/// The largest certificate chain or script, bytes.
const MAX_ENTRY: usize = 16 * 1024 * 1024;

/// Handles `CONF_STORE`.
pub(super) fn conf_store(main: &mut Main, controller: Pid, message: Message) {
    let stream = message.header.stream;
    let [fd, ..] = message.fds;
    let done = match (fd, &message.body[..]) {
        (Some(fd), length) => prepare(main, fd, length),
        (None, &[CONF_DISCARD]) => return main.state.discard(),
        (None, &[flag @ (CONF_COMMIT | CONF_COMMIT_REJECTED)]) => main
            .state
            .commit(flag == CONF_COMMIT_REJECTED)
            .map_err(|error| error.to_string()),
        (None, _) => Err("malformed request".to_owned()),
    };
    match done {
        Ok(()) => main.table.answer(controller, stream, &[], &[]),
        Err(error) => {
            main.table.refuse(controller, stream, error.as_bytes());
            alert!("failed to store current configuration");
            notice!(
                "{error} in the state directory \"{}\"",
                main.statedir().display()
            );
        }
    }
}

fn prepare(main: &Main, fd: OwnedFd, length: &[u8]) -> Result<(), String> {
    let length = length
        .try_into()
        .map(usize::from_ne_bytes)
        .map_err(|_| "malformed request".to_owned())?;
    let conf = memory::read_memfd(fd, length, MAX_CONF).map_err(|error| error.to_string())?;
    main.state.prepare(&conf).map_err(|error| error.to_string())
}

/// Handles `CERT_GET`, `CERT_DELETE`, `SCRIPT_GET` and `SCRIPT_DELETE`. Only who `may_write` may
/// change something.
pub(super) fn store_entry(main: &mut Main, sender: Pid, message: Message, may_write: bool) {
    let header = message.header;
    let store = match header.kind {
        kind::CERT_GET | kind::CERT_DELETE => &main.state.certificates,
        _ => &main.state.scripts,
    };
    let name = &message.body;
    let [content, ..] = message.fds;
    let done = match (header.kind, content) {
        (kind::CERT_GET | kind::SCRIPT_GET, None) => store
            .open(name)
            .map(Some)
            .map_err(|error| error.to_string()),
        _ if !may_write => Err("not allowed".to_owned()),
        (kind::CERT_GET | kind::SCRIPT_GET, Some(content)) => {
            put(store, name, content).map(|()| None)
        }
        _ => store
            .delete(name)
            .map(|()| None)
            .map_err(|error| error.to_string()),
    };
    match done {
        Ok(file) => {
            let fds: Vec<_> = file.iter().map(AsFd::as_fd).collect();
            if header.stream != 0 {
                main.table.answer(sender, header.stream, &[], &fds);
            }
        }
        Err(error) => {
            alert!("message {} from process {sender}: {error}", header.kind);
            if header.stream != 0 {
                main.table.refuse(sender, header.stream, error.as_bytes());
            }
        }
    }
}

fn put(store: &Store, name: &[u8], content: OwnedFd) -> Result<(), String> {
    let read = || {
        let length = File::from(content.try_clone()?).metadata()?.len();
        memory::read_memfd(
            content,
            usize::try_from(length).unwrap_or(usize::MAX),
            MAX_ENTRY,
        )
    };
    let bytes = read().map_err(|error| error.to_string())?;
    store.put(name, &bytes).map_err(|error| error.to_string())
}
