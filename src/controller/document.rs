//! Documents that the controller does not get from its clients: the first one, the stored one that
//! main gives it when it starts, and the one that main has loaded again.

use crate::alert;
use crate::conf::json::{self, Value};
use crate::conf::validate::{Module, validate};
use crate::ipc::{Message, read_memory};

use super::answer::object;

/// Longest document that is read from main.
const MAX_DOCUMENT: u64 = 256 << 20;

/// The document without a stored one.
pub(super) fn initial() -> Value {
    object([
        ("listeners", Value::object()),
        ("routes", Value::Array(Vec::new())),
        ("applications", Value::object()),
    ])
}

/// The stored document, if it can be used.
pub(super) fn restored(stored: Option<&[u8]>, modules: &[Module]) -> Option<Value> {
    let document = match json::parse(stored?) {
        Ok(document) => document,
        Err(problem) => {
            alert!("failed to restore previous configuration: file is corrupted: {problem}");
            return None;
        }
    };
    match validate(&document, modules) {
        Ok(()) => Some(document),
        Err(problem) => {
            alert!("the previous configuration is invalid: {problem}");
            None
        }
    }
}

/// The document that main has loaded again.
pub(super) fn stored_again(mut message: Message) -> Option<Vec<u8>> {
    let length = message.body.first_chunk().copied().map(u64::from_ne_bytes);
    read_memory(message.take_fd()?, length?.min(MAX_DOCUMENT)).ok()
}
