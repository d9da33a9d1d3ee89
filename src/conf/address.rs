//! Socket addresses as options write them, and the patterns that `source` and `destination` match.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

/// Longest path of a Unix socket: `sun_path` without its final zero.
const MAX_UNIX_PATH: usize = 107;

/// An address to listen on or to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocketName {
    /// `*:PORT`, `A.B.C.D:PORT` or `[IPV6]:PORT`
    Inet(SocketAddr),
    /// `unix:PATH`
    Unix(String),
    /// `unix:@NAME`, without the `@`
    Abstract(String),
}

impl SocketName {
    /// Reads the text of a `proxy` option, `http://` and an address; the error is the part of the
    /// text that is no address.
    pub fn parse_proxy(text: &str) -> Result<SocketName, &str> {
        let address = text.strip_prefix("http://").ok_or(text)?;
        SocketName::parse(address).ok_or(address)
    }

    /// Reads an address without a port being required; unix sockets are not meant.
    pub fn parse_client(text: &str) -> Option<SocketAddr> {
        let with_port = || match SocketName::parse(text)? {
            SocketName::Inet(address) if !text.starts_with('*') => Some(address),
            _ => None,
        };
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        let ip = match bare.contains(':') {
            true => bare.parse().ok().map(IpAddr::V6),
            false => ipv4(bare).map(IpAddr::V4),
        };
        let address = ip.map(|ip| SocketAddr::new(ip, 0)).or_else(with_port)?;
        (!address.ip().is_unspecified()).then_some(address)
    }

    /// Reads an address; IP addresses need a port from 1 to 65535.
    pub fn parse(text: &str) -> Option<SocketName> {
        if let Some(path) = text.strip_prefix("unix:")
            && path.len() > 1
        {
            if path.len() > MAX_UNIX_PATH {
                return None;
            }
            return match path.strip_prefix('@') {
                Some(name) => Some(SocketName::Abstract(name.to_owned())),
                None => (!path.contains('\0')).then(|| SocketName::Unix(path.to_owned())),
            };
        }
        let (ip, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (ip, port) = rest.split_once("]:")?;
                (IpAddr::V6(ip.parse().ok()?), port)
            }
            None => {
                let (ip, port) = text.split_once(':')?;
                let ip = if ip == "*" {
                    Ipv4Addr::UNSPECIFIED
                } else {
                    ipv4(ip).filter(|ip| !ip.is_broadcast())?
                };
                (IpAddr::V4(ip), port)
            }
        };
        let port = decimal(port).filter(|port| *port > 0)?;
        Some(SocketName::Inet(SocketAddr::new(ip, port)))
    }
}

/// What an address is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPattern {
    /// Whether a leading `!` inverts it.
    pub negated: bool,
    /// The addresses.
    pub addresses: Addresses,
    /// The ports.
    pub ports: RangeInclusive<u16>,
}

/// The addresses of a pattern; CIDR prefixes are ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Any Unix socket.
    Unix,
    /// Any IP address.
    AnyInet,
    /// IPv4 addresses.
    V4(RangeInclusive<Ipv4Addr>),
    /// IPv6 addresses.
    V6(RangeInclusive<Ipv6Addr>),
}

/// Why a text is not an address pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Fewer than two characters.
    #[error("The \"address\" is too short.")]
    TooShort,
    /// Not an address at all.
    #[error("The \"address\" format is invalid.")]
    Format,
    /// The range ends before it starts.
    #[error("The \"address\" range is overlapping.")]
    Overlap,
    /// The prefix length is not a number or too large.
    #[error("The \"address\" has an invalid CIDR prefix.")]
    Prefix,
    /// The port is not a number or too large.
    #[error("The \"address\" port an invalid port.")]
    Port,
}

impl AddressPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<AddressPattern, PatternError> {
        let (negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let pattern = |addresses, ports| {
            Ok(AddressPattern {
                negated,
                addresses,
                ports,
            })
        };
        if text == "unix" {
            return pattern(Addresses::Unix, 0..=u16::MAX);
        }
        if text.len() < 2 {
            return Err(PatternError::TooShort);
        }
        if let Some(ports) = text.strip_prefix("*:") {
            return pattern(Addresses::AnyInet, port_range(Some(ports))?);
        }
        if text.starts_with('[') || text.bytes().filter(|byte| *byte == b':').count() > 1 {
            let (ips, ports) = match text.strip_prefix('[') {
                Some(rest) => rest
                    .rsplit_once("]:")
                    .map(|(ips, ports)| (ips, Some(ports)))
                    .ok_or(PatternError::Format)?,
                None => (text, None),
            };
            let parse = |text: &str| text.parse::<Ipv6Addr>().ok().map(u128::from);
            let (first, last) = range(ips, 128, parse)?;
            return pattern(
                Addresses::V6(first.into()..=last.into()),
                port_range(ports)?,
            );
        }
        let (ips, ports) = match text.split_once(':') {
            Some((ips, ports)) => (ips, Some(ports)),
            None => (text, None),
        };
        let parse = |text: &str| ipv4(text).map(|ip| u128::from(u32::from(ip)));
        let (first, last) = range(ips, 32, parse)?;
        let ip = |number: u128| {
            u32::try_from(number)
                .map(Ipv4Addr::from)
                .map_err(|_| PatternError::Format)
        };
        pattern(Addresses::V4(ip(first)?..=ip(last)?), port_range(ports)?)
    }

    /// Whether an IP address, or `None` for a Unix socket, is among the addresses; the negation is
    /// left to the caller, because it decides over a whole list of patterns.
    pub fn contains(&self, address: Option<SocketAddr>) -> bool {
        let Some(address) = address else {
            return self.addresses == Addresses::Unix;
        };
        let inside = match (&self.addresses, address.ip()) {
            (Addresses::AnyInet, _) => true,
            (Addresses::V4(range), IpAddr::V4(ip)) => range.contains(&ip),
            (Addresses::V6(range), IpAddr::V6(ip)) => range.contains(&ip),
            _ => false,
        };
        inside && self.ports.contains(&address.port())
    }
}

/// `IP`, `IP-IP` or `IP/PREFIX` as first and last number, for addresses of `bits` bits.
fn range(
    text: &str,
    bits: u32,
    parse: impl Fn(&str) -> Option<u128>,
) -> Result<(u128, u128), PatternError> {
    let ip = |text: &str| parse(text).ok_or(PatternError::Format);
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (ip(first)?, ip(last)?);
        return if first > last {
            Err(PatternError::Overlap)
        } else {
            Ok((first, last))
        };
    }
    let Some((base, prefix)) = text.split_once('/') else {
        let only = ip(text)?;
        return Ok((only, only));
    };
    let prefix = decimal(prefix)
        .map(u32::from)
        .filter(|prefix| *prefix <= bits)
        .ok_or(PatternError::Prefix)?;
    let host_bits = u128::MAX.checked_shr(128 - (bits - prefix)).unwrap_or(0);
    let first = ip(base)? & !host_bits;
    Ok((first, first | host_bits))
}

fn port_range(text: Option<&str>) -> Result<RangeInclusive<u16>, PatternError> {
    let port = |text: &str| decimal(text).ok_or(PatternError::Port);
    match text {
        None => Ok(0..=u16::MAX),
        Some("") => Err(PatternError::Format),
        Some(text) => match text.split_once('-') {
            None => port(text).map(|port| port..=port),
            Some((first, last)) => match (port(first)?, port(last)?) {
                (first, last) if first <= last => Ok(first..=last),
                _ => Err(PatternError::Port),
            },
        },
    }
}

/// Dotted decimal; unlike the standard parser it takes leading zeros, as decimal digits.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = u8::try_from(decimal(parts.next()?)?).ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// Decimal digits only, no sign.
fn decimal(text: &str) -> Option<u16> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_addresses() {
        let inet = |text: &str| Some(SocketName::Inet(text.parse().unwrap()));
        assert_eq!(SocketName::parse("*:80"), inet("0.0.0.0:80"));
        assert_eq!(
            SocketName::parse("127.0.0.1:65535"),
            inet("127.0.0.1:65535")
        );
        assert_eq!(SocketName::parse("[::1]:80"), inet("[::1]:80"));
        assert_eq!(
            SocketName::parse("unix:/tmp/s"),
            Some(SocketName::Unix("/tmp/s".into()))
        );
        assert_eq!(
            SocketName::parse("unix:@name"),
            Some(SocketName::Abstract("name".into()))
        );
        let long = format!("unix:/{}", "a".repeat(107));
        for text in [
            "",
            "*",
            "*:",
            "*:0",
            "*:65536",
            "*:+8",
            "127.0.0.1",
            "localhost:80",
            "::1",
            "[::1]",
            "[::1]:",
            "[::1:80",
            "1.2.3:80",
            "1.2.3.4.5:80",
            "1.2.3.256:80",
            "unix:",
            "unix:a",
            &long,
            ":80",
            "*:80x",
            "1..2.3:80",
            "255.255.255.255:80",
        ] {
            assert_eq!(SocketName::parse(text), None, "{text}");
        }
        assert!(SocketName::parse(&long[..long.len() - 1]).is_some());
    }

    #[test]
    fn proxy_addresses() {
        assert_eq!(
            SocketName::parse_proxy("http://unix:/tmp/s"),
            Ok(SocketName::Unix("/tmp/s".into()))
        );
        assert_eq!(SocketName::parse_proxy("http://a:1"), Err("a:1"));
        assert_eq!(
            SocketName::parse_proxy("https://[::1]:1"),
            Err("https://[::1]:1")
        );
    }

    #[test]
    fn client_addresses_may_have_a_port() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1:0")),
            ("192.0.2.1:80", Some("192.0.2.1:80")),
            ("2001:db8::1", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]:80", Some("[2001:db8::1]:80")),
            ("::11.22.33.44", Some("[::11.22.33.44]:0")),
            ("0.0.0.0", None),
            ("::", None),
            ("*:80", None),
            ("unix:/a", None),
            ("localhost", None),
            ("", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:x", None),
        ] {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(SocketName::parse_client(text), expected, "{text}");
        }
    }

    #[test]
    fn address_patterns_contain() {
        let contains = |pattern: &str, address: &str| {
            AddressPattern::parse(pattern)
                .unwrap()
                .contains(address.parse().ok())
        };
        for (pattern, address, expected) in [
            ("127.0.0.1", "127.0.0.1:80", true),
            ("127.0.0.1", "127.0.0.2:80", false),
            ("127.0.0.1", "[::1]:80", false),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("10.0.0.0/8:80-90", "10.255.0.1:90", true),
            ("10.0.0.0/8:80-90", "10.255.0.1:91", false),
            ("10.1.2.3/8", "10.9.9.9:1", true),
            ("10.0.0.0/8", "11.0.0.0:1", false),
            ("10.0.0.0/32", "10.0.0.0:1", true),
            ("10.0.0.0/0", "192.168.0.1:1", true),
            ("10.0.0.1-10.0.0.9", "10.0.0.9:1", true),
            ("10.0.0.1-10.0.0.9", "10.0.0.10:1", false),
            ("*:80", "1.2.3.4:80", true),
            ("*:80", "[::1]:80", true),
            ("*:80", "unix", false),
            ("unix", "unix", true),
            ("unix", "1.2.3.4:80", false),
            ("::1", "[::1]:80", true),
            ("[::1]:80", "[::1]:81", false),
            ("fe80::/10", "[fe80::5]:1", true),
            ("::/0", "[fe80::5]:1", true),
            ("::/128", "[::1]:1", false),
            ("[fe80::-fe80::ff]:1-2", "[fe80::10]:2", true),
        ] {
            assert_eq!(contains(pattern, address), expected, "{pattern} {address}");
        }
        assert!(AddressPattern::parse("!unix").unwrap().negated);
    }

    #[test]
    fn bad_address_patterns_say_why() {
        for (text, error) in [
            ("", PatternError::TooShort),
            ("*", PatternError::TooShort),
            ("!1", PatternError::TooShort),
            ("[::1]", PatternError::Format),
            ("*:", PatternError::Format),
            ("127.0.0.1:", PatternError::Format),
            ("1.2.3", PatternError::Format),
            ("ab", PatternError::Format),
            ("::1::", PatternError::Format),
            ("10.0.0.9-10.0.0.1", PatternError::Overlap),
            ("::9-::1", PatternError::Overlap),
            ("10.0.0.0/33", PatternError::Prefix),
            ("10.0.0.0/", PatternError::Prefix),
            ("::/129", PatternError::Prefix),
            ("::/x", PatternError::Prefix),
            ("*:65536", PatternError::Port),
            ("*:90-80", PatternError::Port),
            ("*:80-", PatternError::Port),
            ("*:a", PatternError::Port),
        ] {
            assert_eq!(
                AddressPattern::parse(text).map(|_| ()),
                Err(error),
                "{text}"
            );
        }
    }
}
