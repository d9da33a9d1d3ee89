//! A chunked body means the same however it was cut into pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxt::http::chunked::{ChunkedDecoder, Decoded};

/// The body, and whether it ended; `None` if it is refused.
fn decode(mut decoder: ChunkedDecoder, data: &[u8], step: usize) -> Option<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    for mut piece in data.chunks(step) {
        loop {
            match decoder.decode(&mut piece).ok()? {
                Decoded::Data(bytes) => body.extend_from_slice(bytes),
                Decoded::Partial => break,
                Decoded::End => return Some((body, true)),
            }
        }
    }
    Some((body, false))
}

fuzz_target!(|data: &[u8]| {
    let Some((&step, data)) = data.split_first() else {
        return;
    };
    for decoder in [ChunkedDecoder::new(), ChunkedDecoder::of_response()] {
        let whole = decode(decoder.clone(), data, data.len().max(1));
        let pieces = decode(decoder, data, usize::from(step) + 1);
        assert_eq!(whole, pieces);
        assert!(whole.is_none_or(|(body, _)| body.len() <= data.len()));
    }
});
