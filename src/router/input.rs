//! The bytes received from a client that no request has taken yet.

use crate::http::request::FIRST_BUFFER;

/// A buffer that is filled at its end and taken from its beginning, and is kept from request to
/// request.
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// An empty buffer of the size of the first header buffer.
    pub(super) fn new() -> Input {
        Input {
            bytes: vec![0; FIRST_BUFFER],
            start: 0,
            end: 0,
        }
    }

    /// What was received and not taken.
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether there is nothing of it.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Where the next bytes are to be read to; never empty. The caller bounds how far the buffer
    /// grows by what it leaves untaken.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.end == self.bytes.len() {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            } else {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// `count` bytes were read into the room.
    pub(super) fn received(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Takes `count` bytes away.
    pub(super) fn take(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Takes everything away.
    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Gives back what a large request made the buffer grow to.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.bytes.len() > FIRST_BUFFER {
            self.bytes = vec![0; FIRST_BUFFER];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut input = Input::new();
        let text: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        let (mut fed, mut seen) = (0, Vec::new());
        while seen.len() < text.len() {
            let room = input.room();
            let count = room.len().min(700).min(text.len() - fed);
            room[..count].copy_from_slice(&text[fed..fed + count]);
            input.received(count);
            fed += count;
            let part = input.data().len().min(500);
            seen.extend_from_slice(&input.data()[..part]);
            input.take(part);
        }
        assert_eq!(seen, text);
        assert!(input.is_empty());
    }

    #[test]
    fn it_grows_only_when_nothing_can_be_taken() {
        let mut input = Input::new();
        let room = input.room().len();
        assert_eq!(room, FIRST_BUFFER);
        input.received(room);
        input.take(1);
        assert_eq!(input.room().len(), 1);
        input.received(1);
        assert_eq!(input.room().len(), FIRST_BUFFER);
        input.take(FIRST_BUFFER);
        input.shrink();
        assert_eq!(input.room().len(), FIRST_BUFFER);
    }
}
