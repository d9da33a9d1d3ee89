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
use super::state::{State, Store};
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
        (None, &[CONF_DISCARD]) => {
            main.candidate = None;
            return main.state.discard();
        }
        (None, &[flag @ (CONF_COMMIT | CONF_COMMIT_REJECTED)]) => main
            .state
            .commit(flag == CONF_COMMIT_REJECTED)
            .map(|()| main.in_force = main.candidate.take().or(main.in_force.take()))
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

fn prepare(main: &mut Main, fd: OwnedFd, length: &[u8]) -> Result<(), String> {
    let length = length
        .try_into()
        .map(usize::from_ne_bytes)
        .map_err(|_| "malformed request".to_owned())?;
    let conf = memory::read_memfd(fd, length, MAX_CONF).map_err(|error| error.to_string())?;
    main.state
        .prepare(&conf)
        .map_err(|error| error.to_string())?;
    main.candidate = Some(conf);
    Ok(())
}

/// Handles `CERT_GET`, `CERT_DELETE`, `SCRIPT_GET` and `SCRIPT_DELETE`. Only who `may_write` may
/// change something.
pub(super) fn store_entry(main: &mut Main, sender: Pid, message: Message, may_write: bool) {
    let header = message.header;
    match entry(&main.state, message, may_write) {
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

/// Does what the message asks for; the file that it opened, if it did.
fn entry(state: &State, message: Message, may_write: bool) -> Result<Option<File>, String> {
    let kind = message.header.kind;
    let store = match kind {
        kind::CERT_GET | kind::CERT_DELETE => &state.certificates,
        _ => &state.scripts,
    };
    let name = &message.body;
    let [content, ..] = message.fds;
    match (kind, content) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::{Body, Header};
    use crate::sys::memory::write_memfd;
    use std::io::Read;

    fn message(kind: u8, name: &[u8], content: Option<&[u8]>) -> Message {
        let mut message = Message {
            header: Header::new(1, kind, 5),
            body: Body::new(name),
            ..Message::default()
        };
        message.fds[0] = content.map(|bytes| write_memfd(c"test", bytes).unwrap());
        message
    }

    #[test]
    fn certificates_and_scripts_are_stored_opened_and_removed() {
        let folder = std::env::temp_dir().join(format!("nxt-entries-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let state = State::new(&folder);
        state.make_folders();
        for (get, delete, sub) in [
            (kind::CERT_GET, kind::CERT_DELETE, "certs"),
            (kind::SCRIPT_GET, kind::SCRIPT_DELETE, "scripts"),
        ] {
            let ask = |kind, name: &[u8], content, may_write| {
                entry(&state, message(kind, name, content), may_write)
            };
            assert!(ask(get, b"one", None, true).is_err());
            // The router reads and does not write.
            let refused = ask(get, b"one", Some(b"content"), false).unwrap_err();
            assert_eq!(refused, "not allowed");
            assert!(ask(get, b"one", Some(b"content"), true).unwrap().is_none());
            assert_eq!(
                std::fs::read(folder.join(sub).join("one")).unwrap(),
                b"content"
            );
            let mut text = String::new();
            let mut file = ask(get, b"one", None, false).unwrap().unwrap();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, "content");
            assert!(std::io::Write::write(&mut file, b"x").is_err());
            for name in [&b"../version"[..], b"..", b"a/b", b""] {
                let error = ask(get, name, Some(b"x"), true).unwrap_err();
                assert!(error.starts_with("invalid name"), "{error}");
                assert!(ask(delete, name, None, true).is_err());
            }
            assert!(ask(delete, b"one", None, false).is_err());
            assert!(ask(delete, b"one", None, true).unwrap().is_none());
            assert!(ask(get, b"one", None, true).is_err());
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
