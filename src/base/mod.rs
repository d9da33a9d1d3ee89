//! Log, time, hashes and other subjects that need no kernel wrapper.
#![forbid(unsafe_code)]

pub mod decimal;
pub mod log;
pub mod log_limit;
pub mod murmur;
pub mod sprintf;
