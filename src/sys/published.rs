//! Listening sockets whose files others find only when they are ready.
//!
//! A socket file gets its mode and owner under the name `FILE.tmp`, and its own name only when nobody
//! answers there: there is no moment at which others may connect, and a file that a killed program
//! left behind is replaced.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno as Number;

use super::Errno;
use super::address::{Address, UNIX_NAME_MAX};
use super::credentials::{self, CredentialsError};
use super::listen;

/// Why nothing listens; a log record.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Another process answers there.
    #[error("connect({0}) socket already in use")]
    InUse(Address),
    /// The owner does not exist.
    #[error(transparent)]
    Owner(#[from] CredentialsError),
    /// The temporary name of the socket does not fit.
    #[error("unix domain socket \"{0}\" name is too long")]
    NameTooLong(PathBuf),
    /// A system call failed.
    #[error("{call}({on}) failed {errno}")]
    System {
        /// The call.
        call: &'static str,
        /// Its object.
        on: String,
        /// The error.
        errno: Errno,
    },
}

/// A system call failed.
pub(crate) fn failed(
    call: &'static str,
    on: &dyn std::fmt::Display,
) -> impl FnOnce(Errno) -> PublishError + use<> {
    let on = on.to_string();
    move |errno| PublishError::System { call, on, errno }
}

fn io_failed(call: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PublishError + use<> {
    let build = failed(call, &path.display());
    move |error| build((&error).into())
}

/// Who may connect to a socket file.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Its mode.
    pub mode: u32,
    /// Its owner; `None` is the program's user.
    pub user: Option<&'a str>,
    /// Its group; `None` is the program's.
    pub group: Option<&'a str>,
}

/// Binds a socket to an address and listens.
pub fn listen_at(
    fd: &OwnedFd,
    address: &Address,
    backlog: i32,
    access: &Access<'_>,
) -> Result<(), PublishError> {
    let Some(path) = address.unix_path() else {
        listen::bind_to(fd, address).map_err(|errno| failed("bind", address)(errno.into()))?;
        return listen::listen(fd, backlog)
            .map_err(|error| failed("listen", address)((&error).into()));
    };
    let temporary = temporary_name(path);
    if temporary.as_os_str().len() > UNIX_NAME_MAX {
        return Err(PublishError::NameTooLong(path.to_owned()));
    }
    let _ = fs::remove_file(&temporary);
    let address = Address::Unix(temporary.clone());
    listen::bind_to(fd, &address).map_err(|errno| failed("bind", &address)(errno.into()))?;
    let result = publish(fd, &temporary, path, backlog, access);
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn publish(
    fd: &OwnedFd,
    temporary: &Path,
    path: &Path,
    backlog: i32,
    access: &Access<'_>,
) -> Result<(), PublishError> {
    fs::set_permissions(temporary, fs::Permissions::from_mode(access.mode))
        .map_err(io_failed("chmod", temporary))?;
    let uid = match access.user {
        Some(user) => Some(credentials::find_user(user)?.uid),
        None => None,
    };
    let gid = match access.group {
        Some(group) => Some(credentials::find_group(group)?.gid),
        None => None,
    };
    if uid.is_some() || gid.is_some() {
        nix::unistd::chown(temporary, uid, gid)
            .map_err(|errno| failed("chown", &temporary.display())(errno.into()))?;
    }
    listen::listen(fd, backlog).map_err(io_failed("listen", temporary))?;
    let address = Address::Unix(path.to_owned());
    match listen::probe(&address) {
        Err(Number::ENOENT | Number::ECONNREFUSED) => {}
        // A backlog that is full (EAGAIN) belongs to somebody who lives.
        Ok(()) | Err(Number::EAGAIN) => return Err(PublishError::InUse(address)),
        Err(errno) => return Err(failed("connect", &address)(errno.into())),
    }
    fs::rename(temporary, path).map_err(io_failed("rename", path))
}

/// Makes the folder of the socket's file. If this fails, bind says why.
pub fn make_folder(path: &Path) {
    if let Some(parent) = path.parent() {
        let _ = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent);
    }
}

/// The name that a socket file has until it is ready.
pub fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}
