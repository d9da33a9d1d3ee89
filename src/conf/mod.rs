//! JSON with Unit's error positions, schema validation, and the typed configuration.
#![forbid(unsafe_code)]

pub mod address;
pub mod config;
pub mod json;
pub mod limits;
mod load;
pub mod pass;
pub mod percent;
pub mod template;
pub mod validate;

pub use load::{ConfigError, shutdown_timeout};
