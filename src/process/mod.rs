//! The heart: options, main process, supervision, prototypes, application start.
