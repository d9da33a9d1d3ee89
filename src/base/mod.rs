//! Log, time, hashes and other subjects that need no kernel wrapper.
#![forbid(unsafe_code)]

pub mod arc4random;
pub mod base64;
pub mod calendar;
pub mod case_folding;
pub mod date;
pub mod decimal;
pub mod djb;
pub mod log;
pub mod log_limit;
pub mod murmur;
pub mod respawn;
pub mod sprintf;
pub mod term;
pub mod uri;
pub mod utf8;
pub mod version_order;
