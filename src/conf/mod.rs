//! JSON with Unit's error positions, schema validation, and the typed configuration.
#![forbid(unsafe_code)]

pub mod config;
pub mod json;
