//! Applying a configuration: a new generation is built beside the present one, gets the sockets
//! and processes that it needs, and takes over. If anything fails, what was made for it goes away,
//! and the present generation stays.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;

use nix::sys::socket::{Shutdown, shutdown};
use tokio::sync::mpsc::UnboundedReceiver;

use super::app::App;
use super::control::{Change, Control};
use super::generation::{Generation, ListenerEntry};
use super::request::Address;
use super::route::Table;
use super::starter::start_spare;
use crate::conf::config::{Config, Listener};
use crate::conf::json;
use crate::ipc::kind;
use crate::sys::address;
use crate::sys::listen::listen;

/// Why a configuration could not be applied.
#[derive(Debug, thiserror::Error)]
enum ApplyError {
    #[error("the document is not JSON: {0}")]
    Json(String),
    #[error("{0}")]
    Config(String),
    #[error("the listener \"{0}\" has no socket")]
    Socket(String),
    #[error("the listener \"{address}\" cannot listen: {error}")]
    Listen {
        address: String,
        error: std::io::Error,
    },
    #[error("the application \"{name}\" cannot be set up: {error}")]
    App { name: String, error: std::io::Error },
    #[error("the application \"{0}\" cannot be started")]
    Start(String),
    #[error("the router is about to leave")]
    Leaving,
}

/// Applies one configuration after the other, as they come.
pub(super) async fn apply_changes(control: Rc<Control>, mut changes: UnboundedReceiver<Change>) {
    while let Some(change) = changes.recv().await {
        let answer = match apply(&control, &change.text).await {
            Ok(()) => kind::RPC_READY,
            Err(error) => {
                crate::alert!("failed to apply new conf");
                crate::notice!("{error}");
                kind::RPC_ERROR
            }
        };
        let header =
            crate::ipc::Header::new(control.hub.pid, answer, change.stream).with_last(true);
        if let Err(error) = change.controller.send(&header, &[], &[]) {
            crate::alert!("answer to the controller: {error}");
        }
    }
}

/// What is new in a generation and must be undone if it does not come to be.
#[derive(Default)]
struct Fresh {
    sockets: HashMap<String, Arc<OwnedFd>>,
    apps: Vec<Arc<App>>,
}

async fn apply(control: &Control, text: &[u8]) -> Result<(), ApplyError> {
    if control.finishing.get() {
        return Err(ApplyError::Leaving);
    }
    let document = json::parse(text).map_err(|error| ApplyError::Json(error.to_string()))?;
    let config =
        Config::from_json(&document).map_err(|error| ApplyError::Config(error.to_string()))?;
    let mut fresh = Fresh::default();
    match build(control, &config, &mut fresh).await {
        Ok(generation) => {
            take_over(control, &config, fresh, generation).await;
            Ok(())
        }
        Err(error) => {
            undo(control, fresh);
            Err(error)
        }
    }
}

async fn build(
    control: &Control,
    config: &Config,
    fresh: &mut Fresh,
) -> Result<Generation, ApplyError> {
    let mut listeners = Vec::with_capacity(config.listeners.len());
    for listener in &config.listeners {
        listeners.push(open_listener(control, listener, fresh).await?);
    }
    let mut apps = Vec::with_capacity(config.applications.len());
    let current = control.generation.borrow().clone();
    for conf in &config.applications {
        let same = |app: &&Arc<App>| app.name == conf.name && app.json == conf.json;
        let app = match current
            .as_ref()
            .and_then(|current| current.apps.iter().find(same))
        {
            Some(app) => app.clone(),
            None => {
                let app = App::new(conf, &control.hub).map_err(|error| ApplyError::App {
                    name: conf.name.clone(),
                    error,
                })?;
                fresh.apps.push(app.clone());
                app
            }
        };
        apps.push(app);
    }
    // From now on processes exist that name their application.
    control.apps.borrow_mut().extend(fresh.apps.iter().cloned());
    for app in &fresh.apps {
        start_spare(control, app)
            .await
            .map_err(|_| ApplyError::Start(app.name.clone()))?;
    }
    let table = Table::compile(config).map_err(|error| ApplyError::Config(error.to_string()))?;
    Ok(Generation {
        http: config.settings.http.clone(),
        shutdown_timeout: config.settings.shutdown_timeout,
        listeners,
        table,
        apps,
    })
}

async fn open_listener(
    control: &Control,
    listener: &Listener,
    fresh: &mut Fresh,
) -> Result<ListenerEntry, ApplyError> {
    let address = &listener.address;
    let known = control.sockets.borrow().get(address).cloned();
    let socket = match known {
        Some(socket) => socket,
        None => {
            let answer = control.ask_main(kind::SOCKET, address.as_bytes()).await;
            let socket = answer.and_then(|mut answer| answer.take_fd());
            let socket = socket.ok_or_else(|| ApplyError::Socket(address.clone()))?;
            let socket = Arc::new(socket);
            fresh.sockets.insert(address.clone(), socket.clone());
            socket
        }
    };
    // A listening socket takes a new backlog at any time.
    listen(&socket, listener.backlog).map_err(|error| ApplyError::Listen {
        address: address.clone(),
        error,
    })?;
    Ok(ListenerEntry {
        address: address.clone(),
        socket,
        local: local_address(address)?,
    })
}

fn local_address(text: &str) -> Result<Address, ApplyError> {
    use std::os::unix::ffi::OsStrExt;
    match address::Address::parse(text) {
        Ok(address::Address::Inet(address)) => Ok(Address::Ip(address)),
        Ok(address::Address::Unix(path)) => Ok(Address::Unix(path.as_os_str().as_bytes().to_vec())),
        Ok(address::Address::Abstract(name)) => Ok(Address::Unix([b"@", &name[..]].concat())),
        Err(error) => Err(ApplyError::Config(error.to_string())),
    }
}

async fn take_over(control: &Control, config: &Config, fresh: Fresh, generation: Generation) {
    let generation = Arc::new(generation);
    let threads = config.settings.listen_threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, |n| n.get()),
        |n| n.max(1) as usize,
    );
    let done =
        control
            .threads
            .borrow_mut()
            .apply(threads, &generation, &control.hub, &control.tmpdir);
    // The client of the control API learns of success only when removed listeners are closed.
    for thread in done {
        let _ = thread.await;
    }
    let old = control.generation.replace(Some(generation.clone()));

    let mut sockets = control.sockets.borrow_mut();
    sockets.extend(fresh.sockets);
    let gone = sockets
        .extract_if(|address, _| !generation.listeners.iter().any(|l| l.address == *address));
    for (address, socket) in gone {
        // Requests of the old generation may hold it open for long; nobody may connect meanwhile.
        let _ = shutdown(socket.as_raw_fd(), Shutdown::Both);
        unlink(control, &address);
    }
    drop(sockets);

    for app in old.iter().flat_map(|old| &old.apps) {
        if !generation.apps.iter().any(|kept| Arc::ptr_eq(kept, app)) {
            app.close();
        }
    }
    control.forget_finished();
}

fn undo(control: &Control, fresh: Fresh) {
    for (address, _socket) in fresh.sockets {
        unlink(control, &address);
    }
    for app in fresh.apps {
        app.close();
    }
    control.forget_finished();
}

/// Main made the socket's file and removes it.
fn unlink(control: &Control, address: &str) {
    if address.starts_with("unix:/") {
        control
            .main
            .tell(kind::SOCKET_UNLINK, 0, address.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_those_of_the_sockets() {
        assert_eq!(
            local_address("*:80").unwrap(),
            Address::Ip("0.0.0.0:80".parse().unwrap())
        );
        assert_eq!(
            local_address("[::1]:80").unwrap(),
            Address::Ip("[::1]:80".parse().unwrap())
        );
        assert_eq!(
            local_address("unix:/a/b").unwrap(),
            Address::Unix(b"/a/b".to_vec())
        );
        assert_eq!(
            local_address("unix:@a").unwrap(),
            Address::Unix(b"@a".to_vec())
        );
        assert!(local_address("nonsense").is_err());
    }
}
