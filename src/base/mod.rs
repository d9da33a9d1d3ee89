//! Log, time, hashes and other subjects that need no kernel wrapper.
#![forbid(unsafe_code)]

pub mod log;
