//! Addresses in the configuration: listeners, patterns of routes, upstreams.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxt::conf::address::{AddressPattern, SocketName};
use nxt::sys::address::Address;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = SocketName::parse(text);
    let _ = SocketName::parse_proxy(text);
    if let Some(client) = SocketName::parse_client(text) {
        if let Ok(pattern) = AddressPattern::parse(&client.ip().to_string()) {
            assert!(pattern.contains(Some(client)));
        }
    }
    if let Ok(pattern) = AddressPattern::parse(text) {
        let _ = pattern.contains(None);
    }
    if let Ok(address) = Address::parse(text) {
        assert_eq!(Address::parse(&address.to_string()).ok(), Some(address));
    }
});
