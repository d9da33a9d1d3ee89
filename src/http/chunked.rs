//! Decoder of chunked bodies.
//!
//! It works in place on whatever piece of the body was received and keeps its state between
//! pieces. Chunk extensions and trailers are refused in requests and left out of responses.

/// A chunked body that breaks the syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed chunked body")]
pub struct BadChunk;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// At least one digit of a size is due.
    #[default]
    SizeStart,
    Size,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    /// After a size.
    Extension,
    LastReturn,
    LastLineFeed,
    Trailer,
    TrailerLineFeed,
    Done,
}

/// All of them, by their numbers.
const STATES: [State; 12] = {
    use State::*;
    [
        SizeStart,
        Size,
        SizeLineFeed,
        Data,
        DataReturn,
        DataLineFeed,
        Extension,
        LastReturn,
        LastLineFeed,
        Trailer,
        TrailerLineFeed,
        Done,
    ]
};

/// So many bytes of extensions and trailers a response may have in all.
const MAX_SKIPPED: u32 = 64 * 1024;

/// Progress through a chunked body.
#[derive(Clone, Debug, Default)]
pub struct ChunkedDecoder {
    state: State,
    /// The size being read, or what is left of the chunk.
    left: u64,
    /// So many more bytes of extensions and trailers are skipped.
    skip: u32,
}

/// What one step found in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// Bytes of the body.
    Data(&'a [u8]),
    /// The input is used up.
    Partial,
    /// The body is complete; the rest of the input belongs to the next request.
    End,
}

impl ChunkedDecoder {
    /// A decoder at the start of the body of a request.
    pub fn new() -> ChunkedDecoder {
        ChunkedDecoder::default()
    }

    /// A decoder at the start of the body of a response.
    pub fn of_response() -> ChunkedDecoder {
        ChunkedDecoder {
            skip: MAX_SKIPPED,
            ..ChunkedDecoder::default()
        }
    }

    /// The progress as a number of a byte, and what is left of the chunk: for [`Self::resume`].
    pub fn progress(&self) -> (u8, u64) {
        (self.state as u8, self.left)
    }

    /// A decoder of a request's body that goes on where another one was; `None` if there is no such
    /// progress.
    pub fn resume((state, left): (u8, u64)) -> Option<ChunkedDecoder> {
        let state = *STATES.get(usize::from(state))?;
        Some(ChunkedDecoder {
            state,
            left,
            skip: 0,
        })
    }

    /// All data is there, but the end of the body is not.
    pub fn is_in_trailer(&self) -> bool {
        use State::{LastLineFeed, LastReturn, Trailer, TrailerLineFeed};
        matches!(
            self.state,
            LastReturn | LastLineFeed | Trailer | TrailerLineFeed
        )
    }

    /// Leaves a byte out, if there may be extensions and trailers.
    fn skip(&mut self, state: State) -> Result<State, BadChunk> {
        self.skip = self.skip.checked_sub(1).ok_or(BadChunk)?;
        Ok(state)
    }

    /// Takes the next step through `input`, which is shortened by what was used. To be called
    /// until it answers [`Decoded::Partial`] or [`Decoded::End`].
    pub fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Decoded<'a>, BadChunk> {
        loop {
            if self.state == State::Done {
                return Ok(Decoded::End);
            }
            if input.is_empty() {
                return Ok(Decoded::Partial);
            }
            if self.state == State::Data {
                let take = usize::try_from(self.left).map_or(input.len(), |n| n.min(input.len()));
                let (data, rest) = input.split_at(take);
                *input = rest;
                self.left -= take as u64;
                if self.left == 0 {
                    self.state = State::DataReturn;
                }
                return Ok(Decoded::Data(data));
            }
            let byte = input[0];
            *input = &input[1..];
            self.state = self.step(byte)?;
        }
    }

    fn step(&mut self, byte: u8) -> Result<State, BadChunk> {
        let digit = (byte as char).to_digit(16).map(u64::from);
        Ok(match (self.state, byte, digit) {
            (State::SizeStart, _, Some(digit)) => {
                self.left = digit;
                State::Size
            }
            (State::Size, _, Some(digit)) if self.left >> 59 == 0 => {
                self.left = self.left << 4 | digit;
                State::Size
            }
            (State::Size, b'\r', _) => State::SizeLineFeed,
            (State::SizeLineFeed, b'\n', _) if self.left == 0 => State::LastReturn,
            (State::SizeLineFeed, b'\n', _) => State::Data,
            (State::DataReturn, b'\r', _) => State::DataLineFeed,
            (State::DataLineFeed, b'\n', _) => State::SizeStart,
            (State::Size, b';' | b' ' | b'\t', _) => self.skip(State::Extension)?,
            (State::Extension, b'\r', _) => State::SizeLineFeed,
            (State::Extension, b'\t' | b' '.., _) => self.skip(State::Extension)?,
            (State::LastReturn, b'\r', _) => State::LastLineFeed,
            (State::LastReturn, b'!'..=b'~', _) => self.skip(State::Trailer)?,
            (State::Trailer, b'\r', _) => State::TrailerLineFeed,
            (State::Trailer, b'\t' | b' '.., _) => self.skip(State::Trailer)?,
            (State::TrailerLineFeed, b'\n', _) => State::LastReturn,
            (State::LastLineFeed, b'\n', _) => State::Done,
            _ => return Err(BadChunk),
        })
    }
}

/// Writes the line that opens a chunk of `len` bytes, in lower-case hexadecimal.
pub fn write_chunk_size(out: &mut Vec<u8>, len: usize) {
    use std::io::Write;
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{len:x}\r\n");
}

/// What ends a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The decoded body, whether it ended, and what was left of the input.
    fn decode_pieces(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, Vec<u8>), BadChunk> {
        decode_with(ChunkedDecoder::new(), pieces)
    }

    fn decode_with(
        mut decoder: ChunkedDecoder,
        pieces: &[&[u8]],
    ) -> Result<(Vec<u8>, bool, Vec<u8>), BadChunk> {
        let mut body = Vec::new();
        for (n, piece) in pieces.iter().enumerate() {
            let mut input = *piece;
            loop {
                match decoder.decode(&mut input)? {
                    Decoded::Data(data) => body.extend_from_slice(data),
                    Decoded::Partial => break,
                    Decoded::End => {
                        let left = [input, &pieces[n + 1..].concat()].concat();
                        return Ok((body, true, left));
                    }
                }
            }
        }
        Ok((body, false, Vec::new()))
    }

    #[test]
    fn bodies() {
        let decoded = decode_pieces(&[b"5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\nGET"]).unwrap();
        assert_eq!(
            decoded,
            (b"hello0123456789".to_vec(), true, b"GET".to_vec())
        );
        assert_eq!(
            decode_pieces(&[b"0\r\n\r\n"]).unwrap(),
            (Vec::new(), true, Vec::new())
        );
        assert_eq!(
            decode_pieces(&[b"3\r\nab"]).unwrap(),
            (b"ab".to_vec(), false, Vec::new())
        );
    }

    #[test]
    fn refused() {
        for bad in [
            "\r\n",
            "g\r\n",
            "5;x=y\r\nhello",
            "5 \r\n",
            "2\nab",
            "2\r\nabc",
            "2\r\nab\n",
            "0\r\nX: y\r\n\r\n",
            "10000000000000000\r\n",
            "-1\r\n",
            "0x1\r\n",
            "1\r\r\n",
        ] {
            assert_eq!(decode_pieces(&[bad.as_bytes()]), Err(BadChunk), "{bad:?}");
        }
        assert!(decode_pieces(&[b"7fffffffffffffff\r\nab"]).is_ok());
    }

    #[test]
    fn responses_may_have_extensions_and_trailers() {
        let text = b"2;a=\"b\" \r\nab\r\n1 \r\nc\r\n0;x\r\nA: b\r\nC: d\r\n\r\nrest";
        assert_eq!(decode_pieces(&[text]), Err(BadChunk));
        let whole = decode_with(ChunkedDecoder::of_response(), &[text]).unwrap();
        assert_eq!(whole, (b"abc".to_vec(), true, b"rest".to_vec()));
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            let cut = decode_with(ChunkedDecoder::of_response(), &[first, second]);
            assert_eq!(cut.unwrap(), whole);
        }
        for bad in [
            &b"1;\na\r\n0\r\n\r\n"[..],
            b"0\r\nA: b\n\r\n",
            b"0\r\n A: b\r\n\r\n",
            b"0\r\nA\0\r\n\r\n",
        ] {
            let result = decode_with(ChunkedDecoder::of_response(), &[bad]);
            assert_eq!(result, Err(BadChunk), "{bad:?}");
        }
        let endless = [b"0\r\n", &b"a: b\r\n".repeat(1 << 15)[..]].concat();
        let result = decode_with(ChunkedDecoder::of_response(), &[&endless]);
        assert_eq!(result, Err(BadChunk));
    }

    #[test]
    fn progress_is_kept_outside() {
        for (number, state) in STATES.into_iter().enumerate() {
            let decoder = ChunkedDecoder::resume((number as u8, 7)).unwrap();
            assert_eq!(decoder.state, state);
            assert_eq!(decoder.progress(), (number as u8, 7));
        }
        assert!(ChunkedDecoder::resume((STATES.len() as u8, 0)).is_none());

        let mut progress = ChunkedDecoder::new().progress();
        let mut body = Vec::new();
        for byte in b"5\r\nhello\r\n0\r\n\r\n" {
            let mut decoder = ChunkedDecoder::resume(progress).unwrap();
            let mut input = std::slice::from_ref(byte);
            while let Decoded::Data(data) = decoder.decode(&mut input).unwrap() {
                body.extend_from_slice(data);
            }
            progress = decoder.progress();
        }
        assert_eq!((&body[..], progress.0), (&b"hello"[..], State::Done as u8));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_body(
            input in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                "(([0-9a-f]{1,2}\r\n)?[a-c]{0,16}\r\n){0,4}0\r\n\r\n.{0,3}".prop_map(String::into_bytes),
                Just(b"5\r\nhello\r\nb\r\nhello world\r\n0\r\n\r\nrest".to_vec()),
            ],
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
        ) {
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
            ends.extend([0, input.len()]);
            ends.sort_unstable();
            let pieces: Vec<&[u8]> = ends.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode_pieces(&pieces), decode_pieces(&[&input]));
        }
    }
}
