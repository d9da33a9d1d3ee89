//! Applying a configuration: a new generation is built beside the present one, gets the sockets
//! and processes that it needs, and takes over. If anything fails, what was made for it goes away,
//! and the present generation stays.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::access_log::{AccessLog, LogFile};
use super::app::App;
use super::control::{Change, Control};
use super::generation::{Generation, ListenerEntry};
use super::limits;
use super::request::Address;
use super::route::Table;
use super::starter::{StartFailed, start_spare};
use crate::conf::config::{self, Config, Listener};
use crate::conf::json;
use crate::ipc::kind;
use crate::sys::Errno;
use crate::sys::address;
use crate::sys::listen::{Reason, listen};

/// Why a configuration could not be applied.
#[derive(Debug, thiserror::Error)]
enum ApplyError {
    #[error("the document is not JSON: {0}")]
    Json(String),
    #[error("{0}")]
    Config(String),
    #[error("the listener \"{address}\" cannot be opened: {why}")]
    Socket { address: String, why: String },
    #[error("the listener \"{address}\" cannot listen: listen(\"{address}\") failed {errno}")]
    Listen { address: String, errno: Errno },
    #[error("the application \"{name}\" cannot be set up: {error}")]
    App { name: String, error: std::io::Error },
    #[error(
        "the application \"{name}\" cannot be started{}{reason}",
        colon(reason)
    )]
    Start { name: String, reason: String },
    #[error("the limits of the router cannot be set: {0}")]
    Limits(String),
    #[error("the router is about to leave")]
    Leaving,
    #[error("the access log \"{path}\" cannot be used: {reason}")]
    AccessLog { path: String, reason: String },
}

/// What comes before a reason, if there is one.
fn colon(reason: &str) -> &'static str {
    if reason.is_empty() { "" } else { ": " }
}

/// Applies one configuration after the other, as they come.
pub(super) async fn apply_changes(control: Rc<Control>, mut changes: UnboundedReceiver<Change>) {
    while let Some(change) = changes.recv().await {
        let (answer, why) = match apply(&control, &change.text).await {
            Ok(()) => (kind::RPC_READY, String::new()),
            Err(error) => {
                crate::alert!("failed to apply new conf");
                crate::notice!("{error}");
                (kind::RPC_ERROR, error.to_string())
            }
        };
        let header =
            crate::ipc::Header::new(control.hub.pid, answer, change.stream).with_last(true);
        match change.controller.send(&header, why.as_bytes(), &[]) {
            // The next controller brings what main has stored.
            Ok(()) | Err(crate::ipc::SendError::Closed) => {}
            Err(error) => crate::alert!("answer to the controller: {error}"),
        }
    }
}

/// What is new in a generation and must be undone if it does not come to be.
#[derive(Default)]
struct Fresh {
    sockets: HashMap<String, Arc<OwnedFd>>,
    apps: Vec<Arc<App>>,
}

async fn apply(control: &Rc<Control>, text: &[u8]) -> Result<(), ApplyError> {
    if control.finishing.get() {
        return Err(ApplyError::Leaving);
    }
    let document = json::parse(text).map_err(|error| ApplyError::Json(error.to_string()))?;
    let config =
        Config::from_json(&document).map_err(|error| ApplyError::Config(error.to_string()))?;
    let mut fresh = Fresh::default();
    let built = match build(control, &config, &mut fresh).await {
        // The last thing that can fail.
        Ok(generation) => limits::enforce(control, &config.settings.router)
            .await
            .map(|()| generation)
            .map_err(ApplyError::Limits),
        Err(error) => Err(error),
    };
    match built {
        Ok(generation) => {
            take_over(control, &config, fresh, generation).await;
            Ok(())
        }
        Err(error) => {
            undo(control, fresh).await;
            Err(error)
        }
    }
}

async fn build(
    control: &Rc<Control>,
    config: &Config,
    fresh: &mut Fresh,
) -> Result<Generation, ApplyError> {
    let placement = control
        .limits
        .placement(&config.settings.router)
        .map_err(ApplyError::Limits)?;
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
    start_processes(control, &fresh.apps).await?;
    let access_log = match &config.access_log {
        Some(conf) => Some(open_access_log(control, conf).await?),
        None => None,
    };
    let table = Table::compile(config).map_err(|error| ApplyError::Config(error.to_string()))?;
    Ok(Generation {
        http: config.settings.http.clone(),
        shutdown_timeout: config.settings.shutdown_timeout,
        listeners,
        table,
        apps,
        access_log,
        placement,
    })
}

/// Starts the processes of new applications, all at the same time.
async fn start_processes(control: &Rc<Control>, apps: &[Arc<App>]) -> Result<(), ApplyError> {
    let mut starts = JoinSet::new();
    for app in apps {
        let (control, app) = (control.clone(), app.clone());
        starts.spawn_local(async move {
            let started = start_spare(&control, &app).await;
            started.map_err(|StartFailed(reason)| ApplyError::Start {
                name: app.name.clone(),
                reason,
            })
        });
    }
    while let Some(started) = starts.join_next().await {
        // A task ends with an error of its own only if it panics.
        started.map_err(|error| ApplyError::Config(error.to_string()))??;
    }
    Ok(())
}

async fn open_listener(
    control: &Rc<Control>,
    listener: &Listener,
    fresh: &mut Fresh,
) -> Result<ListenerEntry, ApplyError> {
    let address = &listener.address;
    let known = control.sockets.borrow().get(address).cloned();
    let socket = match known {
        Some(socket) => socket,
        None => {
            let answer = control.ask_main(kind::SOCKET, address.as_bytes()).await;
            let refused = |why| ApplyError::Socket {
                address: address.clone(),
                why,
            };
            let mut answer = answer.map_err(|why| refused(refusal(&why)))?;
            let socket = answer
                .take_fd()
                .ok_or_else(|| refused("main sent no socket".to_owned()))?;
            let socket = Arc::new(socket);
            fresh.sockets.insert(address.clone(), socket.clone());
            socket
        }
    };
    // A listening socket takes a new backlog at any time.
    listen(&socket, listener.backlog).map_err(|error| ApplyError::Listen {
        address: address.clone(),
        errno: (&error).into(),
    })?;
    Ok(ListenerEntry {
        address: address.clone(),
        socket: Arc::downgrade(&socket),
        local: local_address(address)?,
    })
}

/// What main says about a socket that it did not make: a [`Reason`], and the system's message.
fn refusal(body: &[u8]) -> String {
    match body.split_first() {
        Some((&reason, text)) => format!(
            "{}: {}",
            Reason::from_byte(reason),
            String::from_utf8_lossy(text)
        ),
        None => "the main process does not answer".to_owned(),
    }
}

async fn open_access_log(
    control: &Control,
    conf: &config::AccessLog,
) -> Result<AccessLog, ApplyError> {
    let failed = |reason| ApplyError::AccessLog {
        path: conf.path.clone(),
        reason,
    };
    let file = match control.access_log().filter(|log| log.path == conf.path) {
        Some(file) => file,
        None => {
            let answer = control.ask_main(kind::ACCESS_LOG, conf.path.as_bytes());
            let file = match answer.await {
                Ok(mut message) => message.take_fd(),
                Err(reason) if reason.is_empty() => {
                    return Err(failed("the main process does not answer".to_owned()));
                }
                Err(reason) => return Err(failed(String::from_utf8_lossy(&reason).into_owned())),
            };
            let file = file.ok_or_else(|| failed("there is no descriptor".to_owned()))?;
            LogFile::new(&conf.path, file.into()).map_err(|error| failed(error.to_string()))?
        }
    };
    AccessLog::compile(conf, file).map_err(|error| ApplyError::Config(error.to_string()))
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

async fn take_over(control: &Rc<Control>, config: &Config, fresh: Fresh, generation: Generation) {
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

    control.sockets.borrow_mut().extend(fresh.sockets);
    let gone = control
        .sockets
        .borrow_mut()
        .extract_if(|address, _| !generation.listeners.iter().any(|l| l.address == *address))
        .collect();
    give_back(control, gone).await;

    for app in old.iter().flat_map(|old| &old.apps) {
        if !generation.apps.iter().any(|kept| Arc::ptr_eq(kept, app)) {
            app.close();
        }
    }
    control.forget_finished();
}

async fn undo(control: &Control, fresh: Fresh) {
    give_back(control, fresh.sockets).await;
    for app in fresh.apps {
        app.close();
    }
    control.forget_finished();
}

/// Closes sockets that no thread accepts on any more, and has main do the same.
async fn give_back(control: &Control, sockets: HashMap<String, Arc<OwnedFd>>) {
    for (address, socket) in sockets {
        drop(socket);
        // A main process that is gone has closed it too.
        let _ = control
            .ask_main(kind::SOCKET_UNLINK, address.as_bytes())
            .await;
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
