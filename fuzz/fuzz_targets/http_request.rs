//! The head of a request means the same however it was cut into pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxt::http::request::{Limits, RequestHead, Status};

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else {
        return;
    };
    let limits = Limits {
        discard_unsafe_fields: first & 1 != 0,
        chunked_transform: first & 2 != 0,
        ..Limits::default()
    };
    let mut whole = RequestHead::new();
    let result = whole.parse(data, &limits);
    let mut pieces = RequestHead::new();
    let mut last = Ok(Status::Partial);
    let step = usize::from(first >> 2) + 1;
    let mut end = 0;
    while last == Ok(Status::Partial) && end < data.len() {
        end = data.len().min(end + step);
        last = pieces.parse(&data[..end], &limits);
    }
    if !data.is_empty() {
        assert_eq!(result, last);
    }
    if let Ok(Status::Complete(used)) = result {
        assert!(used <= data.len());
        assert_eq!(whole.method(), pieces.method());
        assert_eq!(
            (whole.path(), whole.query()),
            (pieces.path(), pieces.query())
        );
        let _ = (whole.target(), whole.version(), whole.is_quoted());
        assert_eq!(whole.body_length(&limits), pieces.body_length(&limits));
    }
});
