//! A server that requests are passed to.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpStream, UnixStream};

use crate::conf::address::SocketName;
use crate::router::stream::Stream;

/// See the module head.
#[derive(Debug)]
pub(in crate::router) struct Peer {
    address: Address,
    /// As the configuration writes it.
    name: String,
}

#[derive(Debug)]
enum Address {
    Inet(SocketAddr),
    /// A path; with a leading zero byte the name of an abstract socket.
    Unix(PathBuf),
}

impl Peer {
    /// A server by its address.
    pub(in crate::router) fn new(name: &SocketName) -> Peer {
        let (address, name) = match name {
            SocketName::Inet(address) => (Address::Inet(*address), address.to_string()),
            SocketName::Unix(path) => (Address::Unix(path.into()), format!("unix:{path}")),
            SocketName::Abstract(name) => (
                Address::Unix(format!("\0{name}").into()),
                format!("unix:@{name}"),
            ),
        };
        Peer { address, name }
    }

    /// What `Host` says to it if the client sent none.
    pub(super) fn host(&self) -> &[u8] {
        match &self.address {
            Address::Inet(_) => self.name.as_bytes(),
            Address::Unix(_) => b"localhost",
        }
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> io::Result<Stream> {
        match &self.address {
            Address::Inet(address) => {
                let stream = TcpStream::connect(address).await?;
                // Head and body of a request may be two writes.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Address::Unix(path) => UnixStream::connect(path).await.map(Stream::Unix),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
