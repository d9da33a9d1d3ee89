//! Listeners behind a proxy: what it says of its client is taken for the client's own address and
//! scheme, if the proxy is trusted.

use crate::conf::address::SocketName;
use crate::conf::config;
use crate::http::field::field_hash;
use crate::router::request::{Address, Request};
use crate::router::route::{AddressList, CompileError};

/// `forwarded` or `client_ip` of a listener, compiled.
#[derive(Debug)]
pub(super) struct Forwarding {
    client_ip: Option<FieldName>,
    protocol: Option<FieldName>,
    source: AddressList,
    recursive: bool,
}

#[derive(Debug)]
struct FieldName {
    text: Vec<u8>,
    hash: u16,
}

impl FieldName {
    fn new(text: &str) -> FieldName {
        let text = text.as_bytes().to_vec();
        let hash = field_hash(&text);
        FieldName { text, hash }
    }

    /// The values of the fields of this name that have one.
    fn values<'a>(&self, request: &'a Request) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let head = &request.head;
        let named = |field: &&crate::http::field::Field| {
            field.hash == self.hash && head.get(field.name).eq_ignore_ascii_case(&self.text)
        };
        let fields = head.fields().iter().filter(named);
        fields
            .map(|field| head.get(field.value))
            .filter(|value| !value.is_empty())
    }
}

impl Forwarding {
    pub(super) fn compile(source: &config::Forwarding) -> Result<Forwarding, CompileError> {
        Ok(Forwarding {
            client_ip: source.client_ip.as_deref().map(FieldName::new),
            protocol: source.protocol.as_deref().map(FieldName::new),
            source: AddressList::compile(&source.source, "source")?,
            recursive: source.recursive,
        })
    }

    /// Changes what the request says of its client.
    pub(super) fn apply(&self, request: &mut Request) {
        if !self.source.contains(&request.remote) {
            return;
        }
        let remote = self.client_ip.as_ref().and_then(|name| {
            // The last address is the one that the nearest proxy saw.
            let addresses = name
                .values(request)
                .rev()
                .flat_map(|value| value.rsplit(|byte| matches!(byte, b' ' | b'\t' | b',')))
                .filter(|text| !text.is_empty());
            self.client(addresses)
        });
        let protocol = self.protocol.as_ref();
        let tls = match protocol.and_then(|name| name.values(request).next()) {
            Some(value) if value.eq_ignore_ascii_case(b"http") => Some(false),
            Some(value) if value.eq_ignore_ascii_case(b"https") => Some(true),
            Some(value) if value.eq_ignore_ascii_case(b"on") => Some(true),
            _ => None,
        };
        if remote.is_some() || tls.is_some() {
            request.forward(remote, tls);
        }
    }

    /// The client among addresses that proxies added one after the other, the latest first: the
    /// latest, or, with `recursive`, the first that is not trusted. What stands before something
    /// that is no address is not believed.
    fn client<'a>(&self, addresses: impl Iterator<Item = &'a [u8]>) -> Option<Address> {
        let mut client = None;
        for text in addresses {
            let address = std::str::from_utf8(text)
                .ok()
                .and_then(SocketName::parse_client)
                .map(Address::Ip);
            let Some(address) = address else { break };
            let trusted = self.recursive && self.source.contains(&address);
            client = Some(address);
            if !trusted {
                break;
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Limits;

    fn forwarding(source: &[&str], recursive: bool) -> Forwarding {
        let source = source.iter().map(|text| text.to_string()).collect();
        Forwarding::compile(&config::Forwarding {
            client_ip: Some("X-Forwarded-For".to_owned()),
            protocol: Some("x-forwarded-proto".to_owned()),
            source,
            recursive,
        })
        .unwrap()
    }

    fn request(fields: &str) -> Request {
        let end = |text: &str| Address::Ip(text.parse().unwrap());
        let mut request = Request::new(end("127.0.0.1:9"), end("127.0.0.1:80"), false, 1);
        let text = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        request
            .head
            .parse(text.as_bytes(), &Limits::default())
            .unwrap();
        request
    }

    fn remote(request: &Request) -> String {
        let mut text = Vec::new();
        request.remote.write_host(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn client(forwarding: &Forwarding, values: &[&str]) -> String {
        let field = |value: &&str| format!("X-Forwarded-For: {value}\r\n");
        let mut request = request(&values.iter().map(field).collect::<String>());
        forwarding.apply(&mut request);
        remote(&request)
    }

    #[test]
    fn the_last_address_counts() {
        let trusting = forwarding(&["127.0.0.1"], false);
        for (values, expected) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["192.0.2.1, 192.0.2.2"], "192.0.2.2"),
            (&["192.0.2.1 ,\t192.0.2.2:80 , "], "192.0.2.2"),
            (&["192.0.2.1", "192.0.2.2"], "192.0.2.2"),
            (&["192.0.2.1", ""], "192.0.2.1"),
            (&["[2001:db8::1]:80"], "2001:db8::1"),
            (&["192.0.2.1, nonsense"], "127.0.0.1"),
            (&["0.0.0.0"], "127.0.0.1"),
            (&[], "127.0.0.1"),
        ] {
            assert_eq!(client(&trusting, values), expected, "{values:?}");
        }
        let other = forwarding(&["192.0.2.9", "!127.0.0.1"], false);
        assert_eq!(client(&other, &["192.0.2.1"]), "127.0.0.1");
    }

    #[test]
    fn recursion_ends_at_the_first_address_that_is_not_trusted() {
        let trusting = forwarding(&["127.0.0.1", "10.0.0.0/8"], true);
        for (values, expected) in [
            (&["192.0.2.1, 192.0.2.2, 10.0.0.1"][..], "192.0.2.2"),
            (&["192.0.2.1, 10.0.0.2", "10.0.0.1"], "192.0.2.1"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["192.0.2.1, nonsense, 10.0.0.2"], "10.0.0.2"),
        ] {
            assert_eq!(client(&trusting, values), expected, "{values:?}");
        }
    }

    #[test]
    fn schemes_are_taken_over_and_forgotten_with_the_request() {
        let trusting = forwarding(&["127.0.0.1"], false);
        for (value, tls) in [
            ("https", true),
            ("ON", true),
            ("http", false),
            ("ftp", false),
        ] {
            let mut request = request(&format!(
                "X-Forwarded-Proto: {value}\r\nX-Forwarded-Proto: https\r\n"
            ));
            trusting.apply(&mut request);
            assert_eq!(request.tls, tls, "{value}");
            request.reset();
            assert!(!request.tls && !request.is_forwarded());
            assert_eq!(remote(&request), "127.0.0.1");
        }
    }
}
