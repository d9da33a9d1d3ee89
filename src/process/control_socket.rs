//! The listening socket of the control API, which main makes before it becomes a daemon so that a
//! failure is seen by whoever started it.
#![forbid(unsafe_code)]

use std::fs;
use std::os::fd::OwnedFd;

use nix::sys::socket::{AddressFamily, setsockopt, sockopt};

use super::listeners::{Inherited, Origin, take_control};
use super::options::Options;
use crate::sys::address::{Address, ParseError};
use crate::sys::listen;
use crate::sys::published::{Access, PublishError, failed, listen_at, make_folder, temporary_name};

const BACKLOG: i32 = 511;

/// Why there is no control socket; a log record.
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlSocketError {
    /// `--control` is not an address.
    #[error(transparent)]
    Address(#[from] ParseError),
    /// Nobody can listen there, or `--control-user` or `--control-group` does not exist.
    #[error(transparent)]
    Listen(#[from] PublishError),
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
    /// Makes the socket that the options ask for, see [`listen_at`].
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
        if let Some(path) = address.unix_path() {
            make_folder(path);
        }
        let access = Access {
            mode: options.control_mode,
            user: options.control_user.as_deref(),
            group: options.control_group.as_deref(),
        };
        listen_at(&fd, &address, BACKLOG, &access)?;
        Ok(ControlSocket {
            fd,
            address,
            origin: Origin::Main,
        })
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use nix::errno::Errno as Number;

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
        assert!(
            matches!(error, ControlSocketError::Listen(PublishError::InUse(_))),
            "{error}"
        );
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
        assert!(
            matches!(error, ControlSocketError::Listen(PublishError::Owner(_))),
            "{error}"
        );
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
