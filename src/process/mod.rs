//! The heart: options, main process, supervision, prototypes, application start.

pub mod control_socket;
pub mod options;
pub mod state;
