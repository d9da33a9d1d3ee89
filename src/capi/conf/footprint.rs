//! How much memory operations on documents take, at most.

use crate::conf::json::Value;

/// Bytes of memory that reading `length` bytes of JSON takes: two bytes of text can be an element and its
/// own allocation, and an array may be copied when it grows.
pub(super) fn of_parsing(length: usize) -> usize {
    length.saturating_mul(56)
}

/// Bytes of memory that a copy of a value takes.
pub(super) fn of_copy(value: &Value) -> usize {
    /// What an allocation takes beyond its size.
    const EACH: usize = 32;
    match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(text) | Value::String(text) => EACH + text.len(),
        Value::Array(elements) => {
            EACH + size_of_val(elements.as_slice()) + elements.iter().map(of_copy).sum::<usize>()
        }
        Value::Object(members) => {
            let inside = members
                .iter()
                .map(|(name, value)| EACH + name.len() + of_copy(value));
            EACH + size_of_val(members.as_slice()) + inside.sum::<usize>()
        }
    }
}

/// Bytes of memory that the text of a value takes, laid out in lines from `depth` on: a byte may need an
/// escape of six, each value a line with its indentation, and the text may be copied when it grows.
pub(super) fn of_text(value: &Value, depth: usize) -> usize {
    lines(value, depth).saturating_mul(3)
}

/// Bytes of the text alone.
fn lines(value: &Value, depth: usize) -> usize {
    let line = 16 + 8 * depth;
    match value {
        Value::Null | Value::Bool(_) => line,
        Value::Number(text) | Value::String(text) => line + 6 * text.len(),
        Value::Array(elements) => {
            let inside = elements.iter().map(|value| lines(value, depth + 1));
            2 * line + inside.sum::<usize>()
        }
        Value::Object(members) => {
            let inside = members
                .iter()
                .map(|(name, value)| 6 * name.len() + lines(value, depth + 1));
            2 * line + inside.sum::<usize>()
        }
    }
}
