//! Applications: their processes, and the exchange of one request with them.

pub mod chunk;
pub mod exchange;
