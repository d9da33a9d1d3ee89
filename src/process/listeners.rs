//! Main's table of listening sockets.
//!
//! Main makes the sockets and keeps a descriptor of each, so that a socket outlives the router that
//! accepts on it: clients that connect while there is no router wait in the socket's queue for the
//! next one. A socket is closed when the router says that no listener uses it any more.
//!
//! Sockets that main was started with stand here too, before they are used. Those that somebody
//! else holds as well (socket activation) are kept for any later configuration: binding their
//! address again would fail.
#![forbid(unsafe_code)]

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::address::Address;
use crate::sys::listen::{self, ListenError};
use crate::sys::{Errno, listen::local_address};
use crate::{notice, warning};

/// Who made a socket, and thereby who removes its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Main, or the main process that it took the service over from.
    Main,
    /// Whoever started main with it.
    Activation,
}

/// A socket that main was started with.
#[derive(Debug)]
pub(super) struct Inherited {
    pub(super) fd: OwnedFd,
    pub(super) address: Address,
    pub(super) origin: Origin,
}

impl Inherited {
    /// Checks that a descriptor is a stream socket with an address.
    pub(super) fn new(fd: OwnedFd, origin: Origin) -> nix::Result<Inherited> {
        let address = local_address(&fd)?;
        listen::prepare(&fd)?;
        Ok(Inherited {
            fd,
            address,
            origin,
        })
    }
}

/// A socket's file, as main has made it. Another may have taken the name meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> Option<FileId> {
        let meta = fs::symlink_metadata(path).ok()?;
        Some(FileId {
            device: meta.dev(),
            inode: meta.ino(),
        })
    }
}

#[derive(Debug)]
struct Socket {
    address: Address,
    fd: OwnedFd,
    origin: Origin,
    /// The present router accepts on it, or will.
    used: bool,
    file: Option<FileId>,
}

impl Socket {
    fn new(fd: OwnedFd, address: Address, origin: Origin) -> Socket {
        let file = address.unix_path().and_then(FileId::of);
        Socket {
            address,
            fd,
            origin,
            used: false,
            file,
        }
    }

    /// Removes the socket's file, if it is main's and still this socket's.
    fn remove_file(&self) {
        let Some(path) = self.address.unix_path() else {
            return;
        };
        if self.origin == Origin::Main
            && self.file.is_some()
            && FileId::of(path) == self.file
            && let Err(error) = fs::remove_file(path)
        {
            warning!("unlink({}) failed {}", path.display(), Errno::from(&error));
        }
    }
}

/// See the module head.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    sockets: Vec<Socket>,
}

impl Listeners {
    /// Takes the sockets that main was started with.
    pub(super) fn inherit(&mut self, sockets: Vec<Inherited>) {
        self.sockets.extend(
            sockets
                .into_iter()
                .map(|socket| Socket::new(socket.fd, socket.address, socket.origin)),
        );
    }

    /// The socket for a listener: one that is there, or a new one, not listening yet.
    pub(super) fn open(&mut self, address: &Address) -> Result<BorrowedFd<'_>, ListenError> {
        let at = match self.position(address) {
            Some(at) => at,
            None => {
                let fd = listen::bind_listener(address)?;
                self.sockets
                    .push(Socket::new(fd, address.clone(), Origin::Main));
                self.sockets.len() - 1
            }
        };
        let socket = &mut self.sockets[at];
        socket.used = true;
        Ok(socket.fd.as_fd())
    }

    fn position(&self, address: &Address) -> Option<usize> {
        self.sockets
            .iter()
            .position(|socket| socket.address == *address)
    }

    /// The router has closed a socket. `keep_file`: another main process serves the same socket.
    pub(super) fn close(&mut self, address: &Address, keep_file: bool) {
        let Some(at) = self.position(address).filter(|&at| self.sockets[at].used) else {
            return;
        };
        self.sockets[at].used = false;
        if self.sockets[at].origin == Origin::Main {
            let socket = self.sockets.swap_remove(at);
            if !keep_file {
                socket.remove_file();
            }
        }
    }

    /// The router is gone. The next one says anew which sockets it uses.
    pub(super) fn router_died(&mut self) {
        for socket in &mut self.sockets {
            socket.used = false;
        }
    }

    /// The configuration is in force: what it does not use goes.
    pub(super) fn close_unused(&mut self, keep_files: bool) {
        for socket in self
            .sockets
            .extract_if(.., |socket| !socket.used && socket.origin == Origin::Main)
        {
            notice!(
                "the listening socket \"{}\" is not in the configuration, closed",
                socket.address
            );
            if !keep_files {
                socket.remove_file();
            }
        }
    }

    /// Those that socket activation has brought and no listener uses.
    pub(super) fn spare(&self) -> impl Iterator<Item = &Address> {
        self.sockets
            .iter()
            .filter(|socket| !socket.used)
            .map(|socket| &socket.address)
    }

    /// What a new binary of the daemon is to take over.
    pub(super) fn iter(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Origin)> {
        self.sockets
            .iter()
            .map(|socket| (socket.fd.as_fd(), socket.origin))
    }

    /// Closes all, removing their files unless another main process needs them.
    pub(super) fn close_all(&mut self, keep_files: bool) {
        for socket in self.sockets.drain(..) {
            if !keep_files {
                socket.remove_file();
            }
        }
    }
}

/// Takes the control socket out of those that main was started with: the one at its address, or at
/// the temporary name that a control socket was bound under before it got its own.
pub(super) fn take_control(
    sockets: &mut Vec<Inherited>,
    address: &Address,
    temporary: Option<PathBuf>,
) -> Option<Inherited> {
    let temporary = temporary.map(Address::Unix);
    let at = sockets.iter().position(|socket| {
        socket.address == *address
            || socket.origin == Origin::Main && Some(&socket.address) == temporary.as_ref()
    })?;
    Some(sockets.swap_remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::listen::{Reason, probe};
    use nix::errno::Errno as Number;

    fn folder(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("nxt-listeners-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn listening(address: &Address) -> OwnedFd {
        let fd = listen::bind_listener(address).unwrap();
        listen::listen(&fd, 1).unwrap();
        fd
    }

    #[test]
    fn a_socket_outlives_the_router_and_goes_with_its_listener() {
        let folder = folder("life");
        let address = Address::Unix(folder.join("sock"));
        let mut listeners = Listeners::default();
        listen::listen(listeners.open(&address).unwrap(), 1).unwrap();
        listeners.router_died();
        listen::listen(listeners.open(&address).unwrap(), 1).unwrap();
        assert_eq!(probe(&address), Ok(()));
        listeners.close_unused(false);
        assert_eq!(probe(&address), Ok(()));
        listeners.close(&address, false);
        assert_eq!(probe(&address), Err(Number::ENOENT));
        listeners.close(&address, false);

        listeners.open(&address).unwrap();
        listeners.router_died();
        listeners.close_unused(false);
        assert!(!folder.join("sock").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_not_the_sockets_own_stays() {
        let folder = folder("file");
        let address = Address::Unix(folder.join("sock"));
        let mut listeners = Listeners::default();
        listeners.open(&address).unwrap();
        fs::remove_file(folder.join("sock")).unwrap();
        let _other = listening(&address);
        listeners.close_all(false);
        assert_eq!(probe(&address), Ok(()));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn activated_sockets_are_used_by_address_and_kept() {
        let folder = folder("activation");
        let address = Address::Unix(folder.join("sock"));
        let socket = Inherited::new(listening(&address), Origin::Activation).unwrap();
        assert_eq!(socket.address, address);
        let mut listeners = Listeners::default();
        listeners.inherit(vec![socket]);
        assert_eq!(listeners.spare().count(), 1);
        listeners.close_unused(false);
        listeners.open(&address).unwrap();
        assert_eq!(listeners.spare().count(), 0);
        listeners.close(&address, false);
        assert_eq!(probe(&address), Ok(()));
        listeners.close_all(false);
        assert_eq!(probe(&address), Err(Number::ECONNREFUSED));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_control_socket_is_known_by_either_name() {
        let folder = folder("control");
        let own = Address::Unix(folder.join("control"));
        let temporary = folder.join("control.tmp");
        let fd = listening(&Address::Unix(temporary.clone()));
        let mut sockets = vec![Inherited::new(fd, Origin::Main).unwrap()];
        assert!(take_control(&mut sockets, &own, None).is_none());
        assert!(take_control(&mut sockets, &own, Some(temporary)).is_some());
        assert!(sockets.is_empty());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_stream_socket_is_refused() {
        let file = fs::File::open("/dev/null").unwrap();
        assert!(Inherited::new(file.into(), Origin::Activation).is_err());
        let datagram = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(Inherited::new(datagram.into(), Origin::Activation).is_err());
    }

    #[test]
    fn a_socket_that_cannot_be_made_is_not_in_the_table() {
        let mut listeners = Listeners::default();
        let address = Address::Unix("/no/such/folder/sock".into());
        assert_eq!(listeners.open(&address).unwrap_err().reason, Reason::Path);
        assert_eq!(listeners.iter().count(), 0);
    }
}
