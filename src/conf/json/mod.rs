//! The JSON value tree of a configuration.
//!
//! The tree keeps what the user wrote: members stay in their order, a number is its own text
//! (`1e3` is echoed as `1e3`). Language modules see the same values through opaque
//! `nxt_conf_value_t` pointers, therefore the shape is plain and has no interior indirection
//! beyond its boxes.

mod edit;
mod parse;
#[cfg(test)]
mod parse_tests;
mod print;

pub use edit::{Edit, EditError, edit, find};
pub use parse::{JsonError, MAX_DEPTH, Position, parse, skip_bom};
pub use print::{compact, escape, pretty, pretty_at};

/// One JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its verbatim text: at most 14 characters, magnitude within 64 bits.
    Number(Box<str>),
    /// A string, unescaped.
    String(Box<str>),
    /// An array.
    Array(Vec<Value>),
    /// An object, members in document order with unique names.
    Object(Vec<(Box<str>, Value)>),
}

impl Value {
    /// The empty object.
    pub const fn object() -> Value {
        Value::Object(Vec::new())
    }

    /// A string value.
    pub fn string(text: impl Into<Box<str>>) -> Value {
        Value::String(text.into())
    }

    /// An integer value.
    pub fn integer(number: impl Into<i64>) -> Value {
        let number: i64 = number.into();
        Value::Number(number.to_string().into_boxed_str())
    }

    /// The member `name` of an object; `None` for any other value.
    pub fn get_member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members
                .iter()
                .find(|(key, _)| &**key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The member at position `index` with its name; `None` past the end or for any other value.
    pub fn member_at(&self, index: usize) -> Option<(&str, &Value)> {
        match self {
            Value::Object(members) => members.get(index).map(|(name, value)| (&**name, value)),
            _ => None,
        }
    }

    /// The element at position `index` of an array; `None` past the end or for any other value.
    pub fn element(&self, index: usize) -> Option<&Value> {
        match self {
            Value::Array(elements) => elements.get(index),
            _ => None,
        }
    }

    /// As [`element`](Self::element), and a value that is no array is its own only element.
    pub fn element_or_itself(&self, index: usize) -> Option<&Value> {
        self.elements_or_itself().get(index)
    }

    /// The elements of an array, or the value itself as the only one.
    pub fn elements_or_itself(&self) -> &[Value] {
        match self {
            Value::Array(elements) => elements,
            other => std::slice::from_ref(other),
        }
    }

    /// Members of an object or elements of an array; 0 for any other value.
    pub fn len(&self) -> usize {
        match self {
            Value::Object(members) => members.len(),
            Value::Array(elements) => elements.len(),
            _ => 0,
        }
    }

    /// Whether [`len`](Self::len) is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members of an object; nothing for any other value.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        let members: &[(Box<str>, Value)] = match self {
            Value::Object(members) => members,
            _ => &[],
        };
        members.iter().map(|(name, value)| (&**name, value))
    }

    /// Replaces the member `name` or appends it; anything but an object stays as it is.
    pub fn set_member(&mut self, name: &str, value: Value) {
        if let Value::Object(members) = self {
            match members.iter_mut().find(|(key, _)| &**key == name) {
                Some((_, old)) => *old = value,
                None => members.push((name.into(), value)),
            }
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The value of a number without a fraction: `1.0` and `1e3` count.
    pub fn as_integer(&self) -> Option<i64> {
        // The parser bounds the magnitude; a float-to-integer cast saturates in any case.
        self.as_f64()
            .filter(|number| number.fract() == 0.0)
            .map(|number| number as i64)
    }

    /// Whether the value is a number equal to its truncation.
    pub fn is_integer(&self) -> bool {
        self.as_f64().is_some_and(|number| number.fract() == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_numbers_without_a_fraction() {
        for (text, integer) in [
            ("1", Some(1)),
            ("1.0", Some(1)),
            ("1e3", Some(1000)),
            ("-2", Some(-2)),
            ("1.5", None),
        ] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(value.as_integer(), integer, "{text}");
            assert_eq!(value.is_integer(), integer.is_some(), "{text}");
        }
        assert_eq!(Value::string("1").as_integer(), None);
    }

    #[test]
    fn accessors_answer_none_for_other_kinds() {
        let value = parse(br#"{"a": [1, "two"], "b": true}"#).unwrap();
        assert_eq!(value.len(), 2);
        assert_eq!(value.member_at(1), Some(("b", &Value::Bool(true))));
        assert_eq!(value.member_at(2), None);
        let list = value.get_member("a").unwrap();
        assert_eq!(list.element(1).and_then(Value::as_str), Some("two"));
        assert_eq!(list.element(2), None);
        assert_eq!(list.get_member("a"), None);
        assert_eq!(value.element(0), None);
        assert_eq!(
            Value::Bool(true).element_or_itself(0),
            Some(&Value::Bool(true))
        );
        assert_eq!(Value::Bool(true).element_or_itself(1), None);
        assert!(Value::Null.is_empty());
    }
}
