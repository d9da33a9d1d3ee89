//! Messages that came in fragments (`mf`: more follow, `nf`: not the first).

use std::collections::HashMap;

use super::Pid;
use super::message::{Body, Message};
use super::socket::ReceiveError;

/// Unfinished messages at a time.
const MAX_STREAMS: usize = 64;
/// Bytes of all of them; the longest legitimate message is a configuration.
const MAX_BYTES: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct Reassembly {
    parts: HashMap<(Pid, u32), (Message, Vec<u8>)>,
    bytes: usize,
}

impl Reassembly {
    /// Takes a message; returns it, or the whole that it completes.
    pub(super) fn accept(&mut self, message: Message) -> Result<Option<Message>, ReceiveError> {
        let header = message.header;
        if !header.nf && !header.mf {
            return Ok(Some(message));
        }
        let key = (message.sender.unwrap_or(header.pid), header.stream);
        if !header.nf {
            self.forget(|&k| k == key);
            if self.parts.len() >= MAX_STREAMS || self.bytes + message.body.len() > MAX_BYTES {
                return Err(ReceiveError::Malformed("too many unfinished messages"));
            }
            self.bytes += message.body.len();
            let body = message.body.to_vec();
            self.parts.insert(key, (message, body));
            return Ok(None);
        }
        let Some((first, body)) = self.parts.get_mut(&key) else {
            return Err(ReceiveError::Malformed("fragment without a beginning"));
        };
        if self.bytes + message.body.len() > MAX_BYTES {
            self.forget(|&k| k == key);
            return Err(ReceiveError::Malformed("fragmented message too long"));
        }
        self.bytes += message.body.len();
        body.extend_from_slice(&message.body);
        first.header.last |= header.last;
        if header.mf {
            return Ok(None);
        }
        Ok(self.parts.remove(&key).map(|(mut whole, body)| {
            self.bytes -= body.len();
            whole.header.mf = false;
            whole.body = Body::Long(body);
            whole
        }))
    }

    /// Drops what a dead process began.
    pub(super) fn forget_peer(&mut self, pid: Pid) {
        self.forget(|&(p, _)| p == pid);
    }

    fn forget(&mut self, which: impl Fn(&(Pid, u32)) -> bool) {
        let bytes = &mut self.bytes;
        self.parts.retain(|key, (_, body)| {
            let keep = !which(key);
            *bytes -= if keep { 0 } else { body.len() };
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::{Header, kind};

    fn part(stream: u32, nf: bool, mf: bool, body: &[u8]) -> Message {
        let header = Header {
            nf,
            mf,
            ..Header::new(1, kind::DATA, stream)
        };
        Message {
            header,
            body: Body::new(body),
            ..Message::default()
        }
    }

    #[test]
    fn interleaved_fragments_find_each_other() {
        let mut r = Reassembly::default();
        assert!(r.accept(part(1, false, true, b"a")).unwrap().is_none());
        assert!(r.accept(part(2, false, true, b"x")).unwrap().is_none());
        assert!(r.accept(part(1, true, true, b"b")).unwrap().is_none());
        let mut last = part(1, true, false, b"c");
        last.header.last = true;
        let whole = r.accept(last).unwrap().unwrap();
        assert_eq!((&*whole.body, whole.header.last), (&b"abc"[..], true));
        assert_eq!(
            &*r.accept(part(2, true, false, b"y")).unwrap().unwrap().body,
            b"xy"
        );
        assert_eq!((r.bytes, r.parts.len()), (0, 0));
    }

    #[test]
    fn orphans_and_floods_are_refused_and_forgotten() {
        let mut r = Reassembly::default();
        assert!(r.accept(part(1, true, true, b"a")).is_err());
        for stream in 0..MAX_STREAMS as u32 {
            r.accept(part(stream, false, true, b"a")).unwrap();
        }
        assert!(r.accept(part(1000, false, true, b"a")).is_err());
        let half = vec![0; MAX_BYTES / 2];
        r.accept(part(3, true, true, &half)).unwrap();
        assert!(r.accept(part(4, true, true, &half)).is_err());
        r.forget_peer(1);
        assert_eq!((r.bytes, r.parts.len()), (0, 0));
    }
}
