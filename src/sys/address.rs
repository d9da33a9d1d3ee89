//! Socket addresses in the notation of the configuration and of `--control`.
//!
//! `127.0.0.1:80`, `*:80` (IPv4 only), `[::1]:80`, `unix:/path`, `unix:@abstract-name`. Host names
//! are not resolved.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{AddressFamily, SockaddrStorage, UnixAddr};

/// The longest unix socket name: `sun_path` less its final zero.
pub const UNIX_NAME_MAX: usize = 107;

/// A parsed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// IPv4 or IPv6 with a port that is not zero.
    Inet(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
    /// A name in Linux's abstract namespace, without its leading zero byte.
    Abstract(Vec<u8>),
}

/// Why a text is not an address. The texts are those of Unit 1.35.0's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing there.
    #[error("socket address cannot be empty")]
    Empty,
    /// The name does not fit `sockaddr_un`.
    #[error("unix domain socket \"{0}\" name is too long")]
    UnixTooLong(String),
    /// A socket name with a zero byte.
    #[error("unix domain socket \"{0}\" name is invalid")]
    UnixInvalid(String),
    /// Not an IPv4 address.
    #[error("invalid address \"{0}\"")]
    Inet(String),
    /// Not an IPv6 address.
    #[error("invalid IPv6 address in \"{0}\"")]
    Inet6(String),
    /// The port is not a number from 1 to 65535.
    #[error("invalid port in \"{0}\"")]
    Port(String),
    /// There is no port.
    #[error("The address \"{0}\" must specify a port.")]
    NoPort(String),
}

impl Address {
    /// Reads an address; a port is required except for unix sockets.
    pub fn parse(text: &str) -> Result<Address, ParseError> {
        if text.is_empty() {
            return Err(ParseError::Empty);
        }
        if let Some(name) = text.strip_prefix("unix:").filter(|name| !name.is_empty()) {
            return Self::parse_unix(text, name);
        }
        if text.starts_with('[') {
            return Self::parse_inet6(text);
        }
        if text.bytes().filter(|&b| b == b':').count() > 1 {
            // An IPv6 address without brackets cannot carry a port.
            return match text.parse::<Ipv6Addr>() {
                Ok(_) => Err(ParseError::NoPort(text.to_owned())),
                Err(_) => Err(ParseError::Inet6(text.to_owned())),
            };
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let ip = match host {
            "*" => Ipv4Addr::UNSPECIFIED,
            host => host
                .parse()
                .map_err(|_| ParseError::Inet(text.to_owned()))?,
        };
        let port = match port {
            Some(port) => parse_port(port).ok_or_else(|| ParseError::Port(text.to_owned()))?,
            None => return Err(ParseError::NoPort(text.to_owned())),
        };
        Ok(Address::Inet(SocketAddrV4::new(ip, port).into()))
    }

    fn parse_unix(text: &str, name: &str) -> Result<Address, ParseError> {
        if name.len() > UNIX_NAME_MAX {
            return Err(ParseError::UnixTooLong(text.to_owned()));
        }
        if let Some(name) = name.strip_prefix('@') {
            return Ok(Address::Abstract(name.as_bytes().to_vec()));
        }
        if name.contains('\0') {
            return Err(ParseError::UnixInvalid(text.to_owned()));
        }
        Ok(Address::Unix(PathBuf::from(name)))
    }

    fn parse_inet6(text: &str) -> Result<Address, ParseError> {
        let invalid = || ParseError::Inet6(text.to_owned());
        let (host, rest) = text[1..].split_once(']').ok_or_else(invalid)?;
        let port = rest
            .strip_prefix(':')
            .filter(|port| !port.is_empty())
            .ok_or_else(invalid)?;
        let port = parse_port(port).ok_or_else(|| ParseError::Port(text.to_owned()))?;
        let ip: Ipv6Addr = host.parse().map_err(|_| invalid())?;
        Ok(Address::Inet(SocketAddrV6::new(ip, port, 0, 0).into()))
    }

    /// The socket file, if it is one.
    pub fn unix_path(&self) -> Option<&Path> {
        match self {
            Address::Unix(path) => Some(path),
            _ => None,
        }
    }

    /// The protocol family for socket(2).
    pub fn family(&self) -> AddressFamily {
        match self {
            Address::Inet(SocketAddr::V4(_)) => AddressFamily::Inet,
            Address::Inet(SocketAddr::V6(_)) => AddressFamily::Inet6,
            Address::Unix(_) | Address::Abstract(_) => AddressFamily::Unix,
        }
    }

    /// The address for bind(2) and connect(2).
    pub fn to_sockaddr(&self) -> nix::Result<SockaddrOf> {
        match self {
            Address::Inet(addr) => Ok(SockaddrOf::Inet((*addr).into())),
            Address::Unix(path) => Ok(SockaddrOf::Unix(UnixAddr::new(path)?)),
            Address::Abstract(name) => Ok(SockaddrOf::Unix(UnixAddr::new_abstract(name)?)),
        }
    }
}

/// A kernel address of either kind.
pub enum SockaddrOf {
    /// IPv4 or IPv6.
    Inet(SockaddrStorage),
    /// Unix.
    Unix(UnixAddr),
}

impl fmt::Display for Address {
    /// The notation that [`Address::parse`] reads, `0.0.0.0` written as `*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Inet(SocketAddr::V4(a)) if a.ip().is_unspecified() => {
                write!(f, "*:{}", a.port())
            }
            Address::Inet(addr) => addr.fmt(f),
            Address::Unix(path) => {
                write!(
                    f,
                    "unix:{}",
                    String::from_utf8_lossy(path.as_os_str().as_bytes())
                )
            }
            Address::Abstract(name) => write!(f, "unix:@{}", String::from_utf8_lossy(name)),
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse::<u32>()
        .ok()
        .filter(|port| (1..=65535).contains(port))
        .map(|port| port as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for text in [
            "127.0.0.1:80",
            "*:8080",
            "[::1]:443",
            "[::]:1",
            "unix:/run/a b.sock",
            "unix:@abstract",
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Address::parse("0.0.0.0:80").unwrap().to_string(), "*:80");
    }

    #[test]
    fn each_mistake_has_its_reason() {
        let long = format!("unix:/{}", "x".repeat(107));
        let cases: [(&str, ParseError); 10] = [
            ("", ParseError::Empty),
            (&long, ParseError::UnixTooLong(long.clone())),
            ("unix:", ParseError::Inet("unix:".into())),
            ("localhost:80", ParseError::Inet("localhost:80".into())),
            ("127.0.0.1", ParseError::NoPort("127.0.0.1".into())),
            ("127.0.0.1:0", ParseError::Port("127.0.0.1:0".into())),
            (
                "127.0.0.1:65536",
                ParseError::Port("127.0.0.1:65536".into()),
            ),
            ("[::1]", ParseError::Inet6("[::1]".into())),
            ("[::g]:80", ParseError::Inet6("[::g]:80".into())),
            ("::1", ParseError::NoPort("::1".into())),
        ];
        for (text, error) in cases {
            assert_eq!(Address::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_longest_socket_name_fits() {
        let text = format!("unix:/{}", "x".repeat(106));
        assert!(Address::parse(&text).unwrap().to_sockaddr().is_ok());
    }
}
