//! Frames of a client: each is accepted or refused, and none is longer than allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxt::http::websocket::{ClientFrames, FrameHeader, apply_mask, check_close};

const MAX_FRAME: u64 = 4096;

fuzz_target!(|data: &[u8]| {
    let mut frames = ClientFrames::new(MAX_FRAME);
    let mut rest = data;
    while let Some(header) = FrameHeader::parse(rest) {
        assert!((2..=14).contains(&header.header_len));
        if let Err(fault) = frames.check(&header) {
            let mut close = Vec::new();
            fault.write_close(&mut close);
            assert!(close.len() <= 127);
            break;
        }
        assert!(header.payload_len <= MAX_FRAME);
        let end = header.header_len + header.payload_len as usize;
        let Some(frame) = rest.get(..end) else { break };
        let mut payload = frame[header.header_len..].to_vec();
        if let Some(mask) = header.mask {
            let half = payload.len() / 2;
            apply_mask(&mut payload[..half], mask, 0);
            apply_mask(&mut payload[half..], mask, half as u64);
            let _ = check_close(&payload);
            apply_mask(&mut payload, mask, 0);
            assert_eq!(payload, frame[header.header_len..]);
        }
        rest = &rest[end..];
    }
});
