//! A request on its way through the service: its head and body, where it came from, and what
//! routing changes or remembers about it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::http::request::{Limits, RequestHead};
use crate::router::arguments::{NameValues, parse_arguments, parse_cookies};
use crate::router::body::Body;
use crate::router::variable::Frozen;

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Ip(SocketAddr),
    /// A unix socket: its path, `@name` for an abstract one, empty for an unnamed peer.
    Unix(Vec<u8>),
}

impl Address {
    /// Writes the address without its port: `127.0.0.1`, `::1`, `unix:` or `unix:PATH`.
    pub fn write_host(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        match self {
            // Writing to a Vec cannot fail.
            Address::Ip(address) => drop(match address.ip() {
                // As C libraries write an IPv4-compatible address.
                IpAddr::V6(ip) if matches!(ip.segments(), [0, 0, 0, 0, 0, 0, high, _] if high != 0) =>
                {
                    let [.., a, b, c, d] = ip.octets();
                    write!(out, "::{a}.{b}.{c}.{d}")
                }
                ip => write!(out, "{ip}"),
            }),
            Address::Unix(path) => {
                out.extend_from_slice(b"unix:");
                out.extend_from_slice(path);
            }
        }
    }

    /// The port of an IP address.
    pub fn port(&self) -> Option<u16> {
        match self {
            Address::Ip(address) => Some(address.port()),
            Address::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Ip(address) => address.fmt(f),
            Address::Unix(path) => write!(f, "unix:{}", String::from_utf8_lossy(path)),
        }
    }
}

/// A request. The connection keeps one and reuses it ([`Request::reset`]).
#[derive(Debug)]
pub struct Request {
    /// Request line and fields.
    pub head: RequestHead,
    /// The client.
    pub remote: Address,
    /// The listening socket's side of the connection.
    pub local: Address,
    /// The client spoke TLS.
    pub tls: bool,
    /// Number of the connection, for the log.
    pub connection: u64,
    /// When the first byte of the request was handled.
    pub received: Instant,
    /// The body; empty until it was received.
    pub body: Body,
    /// Log routing decisions (`settings.http.log_route`).
    pub log_route: bool,
    /// Where the connection really comes from, and whether it is TLS, while `remote` and `tls` say
    /// what a proxy said.
    connected: Option<(Address, bool)>,
    /// The path that a rewrite put in place of the one in the head.
    rewritten: Option<Vec<u8>>,
    arguments: Option<NameValues>,
    cookies: Option<NameValues>,
    /// Values that must not change within the request.
    pub(super) frozen: Frozen,
}

impl Request {
    /// A request of a new connection, with nothing received yet.
    pub fn new(remote: Address, local: Address, tls: bool, connection: u64) -> Request {
        Request {
            head: RequestHead::new(),
            remote,
            local,
            tls,
            connection,
            received: Instant::now(),
            body: Body::Empty,
            log_route: false,
            connected: None,
            rewritten: None,
            arguments: None,
            cookies: None,
            frozen: Frozen::default(),
        }
    }

    /// Prepares for the next request of the connection; call it when its first byte is there.
    pub fn reset(&mut self) {
        self.head.reset();
        self.received = Instant::now();
        self.body = Body::Empty;
        if let Some((remote, tls)) = self.connected.take() {
            self.remote = remote;
            self.tls = tls;
        }
        self.rewritten = None;
        self.arguments = None;
        self.cookies = None;
        self.frozen.clear();
    }

    /// Takes over what a trusted proxy says of its client, for this request alone.
    pub fn forward(&mut self, remote: Option<Address>, tls: Option<bool>) {
        if self.connected.is_none() {
            self.connected = Some((self.remote.clone(), self.tls));
        }
        if let Some(remote) = remote {
            self.remote = remote;
        }
        if let Some(tls) = tls {
            self.tls = tls;
        }
    }

    /// Whether a proxy told of the client.
    pub fn is_forwarded(&self) -> bool {
        self.connected.is_some()
    }

    /// The current path: decoded and normalised, after rewrites.
    pub fn path(&self) -> &[u8] {
        self.rewritten
            .as_deref()
            .unwrap_or_else(|| self.head.path())
    }

    /// Puts another path in place.
    pub fn rewrite(&mut self, path: Vec<u8>) {
        self.rewritten = Some(path);
    }

    /// Whether a rewrite changed the path.
    pub fn is_rewritten(&self) -> bool {
        self.rewritten.is_some()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// What `SERVER_NAME` says: the normalised host, or `localhost`.
    pub fn server_name(&self) -> &[u8] {
        self.head
            .host()
            .filter(|host| !host.is_empty())
            .unwrap_or(b"localhost")
    }

    /// The decoded arguments of the query, in order.
    pub fn arguments(&mut self) -> &NameValues {
        let query = self.head.query();
        self.arguments.get_or_insert_with(|| parse_arguments(query))
    }

    /// The cookies of all `Cookie` fields, in order.
    pub fn cookies(&mut self) -> &NameValues {
        let head = &self.head;
        self.cookies.get_or_insert_with(|| parse_cookies(head))
    }
}

impl From<&crate::conf::config::Http> for Limits {
    fn from(http: &crate::conf::config::Http) -> Limits {
        Limits {
            large_buffer_size: http.large_header_buffer_size,
            large_buffers: http.large_header_buffers,
            max_body_size: http.max_body_size,
            discard_unsafe_fields: http.discard_unsafe_fields,
            chunked_transform: http.chunked_transform,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_port() {
        let host = |address: Address| {
            let mut out = Vec::new();
            address.write_host(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            host(Address::Ip("127.0.0.1:80".parse().unwrap())),
            "127.0.0.1"
        );
        for ip in [
            "::1",
            "::2:3:4",
            "::192.0.2.1",
            "::ffff:192.0.2.1",
            "2001:db8::1:2",
        ] {
            let address = format!("[{ip}]:80").parse().unwrap();
            assert_eq!(host(Address::Ip(address)), ip);
        }
        assert_eq!(host(Address::Unix(Vec::new())), "unix:");
    }

    #[test]
    fn a_reset_request_forgets_the_last_one() {
        let local = Address::Ip("127.0.0.1:80".parse().unwrap());
        let mut request = Request::new(local.clone(), local, false, 1);
        request
            .head
            .parse(
                b"GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n",
                &Limits::default(),
            )
            .unwrap();
        assert_eq!(request.arguments().len(), 1);
        request.rewrite(b"/z".to_vec());
        assert_eq!(request.path(), b"/z");
        request.reset();
        request
            .head
            .parse(b"GET /b HTTP/1.1\r\n\r\n", &Limits::default())
            .unwrap();
        assert_eq!(request.path(), b"/b");
        assert!(request.arguments().is_empty());
        assert_eq!(request.server_name(), b"localhost");
    }
}
