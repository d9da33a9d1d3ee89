//! The listening socket of the control API, which main makes before it becomes a daemon so that a
//! failure is seen by whoever started it.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno as Number;
use nix::sys::socket::{AddressFamily, setsockopt, sockopt};

use super::listeners::{Inherited, Origin, take_control};
use super::options::Options;
use crate::sys::Errno;
use crate::sys::address::{Address, ParseError, UNIX_NAME_MAX};
use crate::sys::credentials::{self, CredentialsError};
use crate::sys::listen;

const BACKLOG: i32 = 511;

/// Why there is no control socket; a log record.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlSocketError {
    /// `--control` is not an address.
    #[error(transparent)]
    Address(#[from] ParseError),
    /// Another process answers there.
    #[error("connect({0}) socket already in use")]
    InUse(Address),
    /// `--control-user` or `--control-group` does not exist.
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

fn io_failed(
    call: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> ControlSocketError + use<> {
    let build = failed(call, &path.display());
    move |error| build((&error).into())
}

fn failed(
    call: &'static str,
    on: &dyn std::fmt::Display,
) -> impl FnOnce(Errno) -> ControlSocketError + use<> {
    let on = on.to_string();
    move |errno| ControlSocketError::System { call, on, errno }
}

/// The socket, listening, and the file to remove at exit.
#[derive(Debug)]
pub(super) struct ControlSocket {
    /// Listening, non-blocking.
    pub(super) fd: OwnedFd,
    /// Where it listens.
    pub(super) address: Address,
    /// Who made it.
    pub(super) origin: Origin,
}

impl ControlSocket {
    /// Makes the socket that the options ask for.
    ///
    /// A socket file gets its mode and owner under the name `FILE.tmp`, and its own name only when
    /// nobody answers there: there is no moment at which others may connect, and a file that a
    /// killed daemon left behind is replaced.
    ///
    /// If main was started with the socket, it is taken out of `inherited` and used as it is.
    pub(super) fn create(
        options: &Options,
        inherited: &mut Vec<Inherited>,
    ) -> Result<ControlSocket, ControlSocketError> {
        let address = Address::parse(&options.control)?;
        let temporary = address.unix_path().map(temporary_name);
        if let Some(socket) = take_control(inherited, &address, temporary) {
            return Ok(ControlSocket {
                fd: socket.fd,
                address,
                origin: socket.origin,
            });
        }
        let family = address.family();
        let fd = listen::stream_socket(family)
            .map_err(|errno| failed("socket", &address)(errno.into()))?;
        if family != AddressFamily::Unix {
            setsockopt(&fd, sockopt::ReuseAddr, &true)
                .map_err(|errno| failed("setsockopt", &address)(errno.into()))?;
        }
        match address.unix_path() {
            Some(path) => Self::listen_at_file(&fd, path, options)?,
            None => {
                listen::bind_to(&fd, &address)
                    .map_err(|errno| failed("bind", &address)(errno.into()))?;
                listen::listen(&fd, BACKLOG)
                    .map_err(|error| failed("listen", &address)((&error).into()))?;
            }
        }
        let origin = Origin::Main;
        Ok(ControlSocket {
            fd,
            address,
            origin,
        })
    }

    fn listen_at_file(
        fd: &OwnedFd,
        path: &Path,
        options: &Options,
    ) -> Result<(), ControlSocketError> {
        if let Some(parent) = path.parent() {
            // If this fails, bind says why.
            let _ = fs::DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(parent);
        }
        let temporary = temporary_name(path);
        if temporary.as_os_str().len() > UNIX_NAME_MAX {
            return Err(ControlSocketError::NameTooLong(path.to_owned()));
        }
        let _ = fs::remove_file(&temporary);
        let address = Address::Unix(temporary.clone());
        listen::bind_to(fd, &address).map_err(|errno| failed("bind", &address)(errno.into()))?;
        let result = Self::publish(fd, &temporary, path, options);
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }

    fn publish(
        fd: &OwnedFd,
        temporary: &Path,
        path: &Path,
        options: &Options,
    ) -> Result<(), ControlSocketError> {
        fs::set_permissions(temporary, fs::Permissions::from_mode(options.control_mode))
            .map_err(io_failed("chmod", temporary))?;
        let uid = match &options.control_user {
            Some(user) => Some(credentials::find_user(user)?.uid),
            None => None,
        };
        let gid = match &options.control_group {
            Some(group) => Some(credentials::find_group(group)?.gid),
            None => None,
        };
        if uid.is_some() || gid.is_some() {
            nix::unistd::chown(temporary, uid, gid)
                .map_err(|errno| failed("chown", &temporary.display())(errno.into()))?;
        }
        listen::listen(fd, BACKLOG).map_err(io_failed("listen", temporary))?;
        let address = Address::Unix(path.to_owned());
        match listen::probe(&address) {
            Err(Number::ENOENT | Number::ECONNREFUSED) => {}
            // A backlog that is full (EAGAIN) belongs to somebody who lives.
            Ok(()) | Err(Number::EAGAIN) => return Err(ControlSocketError::InUse(address)),
            Err(errno) => return Err(failed("connect", &address)(errno.into())),
        }
        fs::rename(temporary, path).map_err(io_failed("rename", path))
    }

    /// Removes the socket's file, unless somebody else made it.
    pub(super) fn remove(&self) {
        if self.origin == Origin::Main
            && let Some(path) = self.address.unix_path()
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// The name that a socket file has until it is ready.
fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(options: &Options) -> Result<ControlSocket, ControlSocketError> {
        ControlSocket::create(options, &mut Vec::new())
    }

    fn options(name: &str) -> (PathBuf, Options) {
        let folder =
            std::env::temp_dir().join(format!("nxt-control-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let control = format!("unix:{}/run/control.sock", folder.display());
        (
            folder,
            Options {
                control,
                ..Options::default()
            },
        )
    }

    #[test]
    fn a_socket_file_has_its_mode_and_excludes_a_second_daemon() {
        let (folder, mut options) = options("file");
        options.control_mode = 0o640;
        let first = create(&options).unwrap();
        let path = folder.join("run/control.sock");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o640
        );
        let error = create(&options).unwrap_err();
        assert!(matches!(error, ControlSocketError::InUse(_)), "{error}");
        assert_eq!(fs::read_dir(folder.join("run")).unwrap().count(), 1);
        drop(first);
        let second = create(&options).unwrap();
        assert!(path.exists());
        second.remove();
        assert!(!path.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_socket_of_another_main_process_is_taken_over() {
        let (folder, options) = options("inherited");
        let first = create(&options).unwrap();
        let mut inherited = vec![Inherited::new(first.fd, Origin::Main).unwrap()];
        let second = ControlSocket::create(&options, &mut inherited).unwrap();
        assert!(inherited.is_empty());
        assert_eq!(listen::probe(&second.address), Ok(()));
        second.remove();
        assert_eq!(listen::probe(&second.address), Err(Number::ENOENT));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn unknown_owners_leave_nothing_behind() {
        let (folder, mut options) = options("owner");
        options.control_user = Some("no-such-user".into());
        let error = create(&options).unwrap_err();
        assert!(matches!(error, ControlSocketError::Owner(_)), "{error}");
        assert_eq!(fs::read_dir(folder.join("run")).unwrap().count(), 0);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn tcp_and_abstract_addresses_listen() {
        for control in [
            "127.0.0.1:24010".to_owned(),
            format!("unix:@nxt-control-{}", std::process::id()),
        ] {
            let options = Options {
                control,
                ..Options::default()
            };
            let socket = create(&options).unwrap();
            let answer = listen::probe(&socket.address);
            assert!(
                matches!(answer, Ok(()) | Err(Number::EINPROGRESS)),
                "{answer:?}"
            );
            assert!(create(&options).is_err());
        }
    }
}
