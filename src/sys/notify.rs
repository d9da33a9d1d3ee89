//! Telling the service manager how the daemon does: the protocol of sd_notify(3), by hand.
//!
//! A service manager gives the address of a unix datagram socket in `NOTIFY_SOCKET`: a path, or `@`
//! and an abstract name. A datagram holds lines of the form `NAME=value`. What cannot be sent is
//! lost: no service may fail because its manager does not listen.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The environment variable with the address.
pub const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// The way to the service manager.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Notifier {
    /// The one that the value of [`NOTIFY_SOCKET`] names. Any other address than that of a unix
    /// socket is `Unsupported`.
    pub fn new(address: &[u8]) -> io::Result<Notifier> {
        use std::os::unix::ffi::OsStrExt;
        let address = match address {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(address))?,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Notifier { socket, address })
    }

    /// Sends the lines of one state.
    pub fn tell(&self, state: &str) -> io::Result<()> {
        self.socket.send_to_addr(state.as_bytes(), &self.address)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 100];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_state_reaches_a_path_and_an_abstract_name() {
        let path = std::env::temp_dir().join(format!("nxt-notify-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::new(path.as_os_str().as_encoded_bytes()).unwrap();
        notifier.tell("READY=1\nMAINPID=7").unwrap();
        assert_eq!(received(&socket), "READY=1\nMAINPID=7");
        drop(socket);
        std::fs::remove_file(&path).unwrap();
        assert!(notifier.tell("STOPPING=1").is_err());

        let name = format!("@nxt-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name[1..]).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Notifier::new(name.as_bytes())
            .unwrap()
            .tell("STOPPING=1")
            .unwrap();
        assert_eq!(received(&socket), "STOPPING=1");
    }

    #[test]
    fn other_addresses_are_refused() {
        for address in [&b""[..], b"relative", b"vsock:2:1", b"/with\0zero"] {
            assert!(Notifier::new(address).is_err());
        }
        assert!(Notifier::new(&[b'/'; 200]).is_err());
    }
}
