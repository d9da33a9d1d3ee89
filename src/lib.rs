//! NGINX Unit 1.35.0 in Rust: the daemon, the core library with the original `nxt_*` C ABI, and
//! the application library libunit.
//!
//! The modules are floors; a floor imports only the floors below it (docs/ARCHITECTURE.md).

pub mod abi;
pub mod base;

pub mod conf;
pub mod http;
pub mod sys;

pub mod ipc;

pub mod controller;
pub mod libunit;
pub mod router;

pub mod capi;
pub mod process;
