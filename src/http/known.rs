//! Header fields of a request that the server itself understands.

use super::field::{Span, field_hash};

/// A field with a meaning for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `Host`
    Host,
    /// `Content-Length`
    ContentLength,
    /// `Transfer-Encoding`
    TransferEncoding,
    /// `Connection`
    Connection,
    /// `Upgrade`
    Upgrade,
    /// `Sec-WebSocket-Key`
    WebSocketKey,
    /// `Sec-WebSocket-Version`
    WebSocketVersion,
    /// `Content-Type`
    ContentType,
    /// `Cookie`
    Cookie,
    /// `Authorization`
    Authorization,
    /// `User-Agent`
    UserAgent,
    /// `Referer`
    Referer,
}

const HOST: u16 = field_hash(b"host");
const CONTENT_LENGTH: u16 = field_hash(b"content-length");
const TRANSFER_ENCODING: u16 = field_hash(b"transfer-encoding");
const CONNECTION: u16 = field_hash(b"connection");
const UPGRADE: u16 = field_hash(b"upgrade");
const WEBSOCKET_KEY: u16 = field_hash(b"sec-websocket-key");
const WEBSOCKET_VERSION: u16 = field_hash(b"sec-websocket-version");
const CONTENT_TYPE: u16 = field_hash(b"content-type");
const COOKIE: u16 = field_hash(b"cookie");
const AUTHORIZATION: u16 = field_hash(b"authorization");
const USER_AGENT: u16 = field_hash(b"user-agent");
const REFERER: u16 = field_hash(b"referer");

/// Which field this is, by the hash of its name and then the name itself.
pub fn lookup(hash: u16, name: &[u8]) -> Option<Known> {
    let (text, known): (&[u8], Known) = match hash {
        HOST => (b"host", Known::Host),
        CONTENT_LENGTH => (b"content-length", Known::ContentLength),
        TRANSFER_ENCODING => (b"transfer-encoding", Known::TransferEncoding),
        CONNECTION => (b"connection", Known::Connection),
        UPGRADE => (b"upgrade", Known::Upgrade),
        WEBSOCKET_KEY => (b"sec-websocket-key", Known::WebSocketKey),
        WEBSOCKET_VERSION => (b"sec-websocket-version", Known::WebSocketVersion),
        CONTENT_TYPE => (b"content-type", Known::ContentType),
        COOKIE => (b"cookie", Known::Cookie),
        AUTHORIZATION => (b"authorization", Known::Authorization),
        USER_AGENT => (b"user-agent", Known::UserAgent),
        REFERER => (b"referer", Known::Referer),
        _ => return None,
    };
    name.eq_ignore_ascii_case(text).then_some(known)
}

/// Values of fields whose last occurrence counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownValues {
    /// `Content-Type`
    pub content_type: Option<Span>,
    /// `Cookie`
    pub cookie: Option<Span>,
    /// `Authorization`
    pub authorization: Option<Span>,
    /// `User-Agent`
    pub user_agent: Option<Span>,
    /// `Referer`
    pub referer: Option<Span>,
    /// `Sec-WebSocket-Key`, if it has the right length.
    pub websocket_key: Option<Span>,
}

/// What `Connection` and the fields around it ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectionOptions {
    /// `close` or `keep-alive`; the version decides otherwise.
    pub keep_alive: Option<bool>,
    /// `Connection` has `upgrade`.
    pub upgrade: bool,
    /// `Upgrade` is `websocket`.
    pub websocket: bool,
    /// `Sec-WebSocket-Version` is 13.
    pub websocket_version: bool,
}

impl ConnectionOptions {
    /// Takes in one `Connection` value. Words are found anywhere in it, as Unit does.
    pub fn connection(&mut self, value: &[u8]) {
        if contains_word(value, b"close") {
            self.keep_alive = Some(false);
        }
        if contains_word(value, b"keep-alive") {
            self.keep_alive = Some(true);
        }
        if contains_word(value, b"upgrade") {
            self.upgrade = true;
        }
    }
}

/// Case-insensitive substring search; `word` is in lower case.
fn contains_word(value: &[u8], word: &[u8]) -> bool {
    value
        .windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}

/// A `Content-Length`: digits only, below 2^63.
pub fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    let length = value.iter().try_fold(0u64, |total, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        total.checked_mul(10)?.checked_add(digit)
    })?;
    i64::try_from(length).is_ok().then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        for name in [
            "Host",
            "HOST",
            "content-LENGTH",
            "Sec-WebSocket-Key",
            "Referer",
        ] {
            assert!(
                lookup(field_hash(name.as_bytes()), name.as_bytes()).is_some(),
                "{name}"
            );
        }
        assert_eq!(lookup(HOST, b"hosu"), None);
        assert_eq!(lookup(field_hash(b"x-host"), b"x-host"), None);
    }

    #[test]
    fn connection_words() {
        let mut options = ConnectionOptions::default();
        options.connection(b"keep-alive, Close");
        assert_eq!(options.keep_alive, Some(true));
        options.connection(b"CLOSE");
        assert_eq!(options.keep_alive, Some(false));
        options.connection(b"Upgrade");
        assert!(options.upgrade);
        assert_eq!(options.keep_alive, Some(false));
    }

    #[test]
    fn lengths() {
        assert_eq!(content_length(b"0"), Some(0));
        assert_eq!(content_length(b"007"), Some(7));
        assert_eq!(
            content_length(b"9223372036854775807"),
            Some(i64::MAX as u64)
        );
        for bad in [
            "",
            "+1",
            "-1",
            "1 ",
            "1,1",
            "0x1",
            "9223372036854775808",
            "99999999999999999999",
        ] {
            assert_eq!(content_length(bad.as_bytes()), None, "{bad}");
        }
    }
}
