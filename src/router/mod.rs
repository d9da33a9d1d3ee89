//! The HTTP service: listeners, connections, routes, applications.
#![forbid(unsafe_code)]

pub mod app;
pub mod body;
