//! What is read as JSON is written as JSON that reads the same; an error has a place in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nxt::conf::json::{self, compact, pretty};

fuzz_target!(|data: &[u8]| {
    match json::parse(data) {
        Ok(value) => {
            let text = compact(&value);
            let again = json::parse(text.as_bytes()).expect("what was written is JSON");
            assert_eq!(compact(&again), text);
            let again = json::parse(pretty(&value).as_bytes()).expect("also when indented");
            assert_eq!(compact(&again), text);
        }
        Err(error) => drop((error.position(data), error.to_string())),
    }
});
