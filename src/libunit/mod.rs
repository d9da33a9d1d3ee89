//! The application side of the port protocol (libunit), synchronous.
