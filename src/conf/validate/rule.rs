//! Rules: which members an object may have, of which types, and what else must hold for them.

use super::super::json::Value;
use super::super::template;
use super::{Context, Invalid};

/// A set of JSON types.
pub(super) type Types = u8;

pub(super) const NULL: Types = 1;
pub(super) const BOOLEAN: Types = 1 << 1;
pub(super) const INTEGER: Types = 1 << 2;
pub(super) const FRACTION: Types = 1 << 3;
pub(super) const STRING: Types = 1 << 4;
pub(super) const ARRAY: Types = 1 << 5;
pub(super) const OBJECT: Types = 1 << 6;
pub(super) const ANY: Types = (1 << 7) - 1;

/// The types by name, in the order in which messages list them.
const NAMES: [(Types, &str); 7] = [
    (NULL, "a null"),
    (BOOLEAN, "a boolean"),
    (INTEGER, "an integer number"),
    (FRACTION, "a fractional number"),
    (STRING, "a string"),
    (ARRAY, "an array"),
    (OBJECT, "an object"),
];

/// The outcome of a check.
pub(super) type Checked = Result<(), Invalid>;

/// What must hold for a value beyond its type; gets the member's name.
pub(super) type Check = fn(&Context<'_>, &str, &Value) -> Checked;

/// The rule for one member of an object.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    name: &'static str,
    types: Types,
    required: bool,
    template: bool,
    check: Option<Check>,
}

/// An option of these types.
pub(super) const fn option(name: &'static str, types: Types) -> Rule {
    Rule {
        name,
        types,
        required: false,
        template: false,
        check: None,
    }
}

impl Rule {
    /// The object must have this member.
    pub(super) const fn required(mut self) -> Rule {
        self.required = true;
        self
    }

    /// The text may have variables; then nothing else is checked.
    pub(super) const fn template(mut self) -> Rule {
        self.template = true;
        self
    }

    /// Something else must hold.
    pub(super) const fn check(mut self, check: Check) -> Rule {
        self.check = Some(check);
        self
    }
}

/// An error with this text.
pub(super) fn refuse<T>(text: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(text.into()))
}

/// The check of options that are not implemented yet.
pub(super) fn unsupported(_: &Context<'_>, name: &str, _: &Value) -> Checked {
    refuse(format!("The \"{name}\" option is not supported yet."))
}

/// Checks the members of an object against groups of rules.
pub(super) fn object(context: &Context<'_>, value: &Value, groups: &[&[Rule]]) -> Checked {
    let rules = || groups.iter().copied().flatten();
    if let Some(missing) =
        rules().find(|rule| rule.required && value.get_member(rule.name).is_none())
    {
        return refuse(format!(
            "Required parameter \"{}\" is missing.",
            missing.name
        ));
    }
    for (name, member) in value.members() {
        let Some(rule) = rules().find(|rule| rule.name == name) else {
            return refuse(format!("Unknown parameter \"{name}\"."));
        };
        if rule.template
            && let Some(text) = member.as_str()
            && template::is_template(text)
        {
            template_text(name, text)?;
            continue;
        }
        types(name, member, rule.types)?;
        if let Some(check) = rule.check {
            check(context, name, member)?;
        }
    }
    Ok(())
}

/// Checks the variables of a text.
pub(super) fn template_text(name: &str, text: &str) -> Checked {
    match template::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => refuse(format!("{error} in the \"{name}\" value.")),
    }
}

/// Checks the type of a member.
pub(super) fn types(name: &str, value: &Value, allowed: Types) -> Checked {
    match mismatch(value, allowed) {
        None => Ok(()),
        Some(mismatch) => refuse(format!("The \"{name}\" value must be {mismatch}.")),
    }
}

/// A document is an object.
pub(super) fn root_type(value: &Value) -> Checked {
    match mismatch(value, OBJECT) {
        None => Ok(()),
        Some(mismatch) => refuse(format!("The configuration must be {mismatch}.")),
    }
}

/// `EXPECTED, but not ACTUAL` for a value of none of the allowed types.
fn mismatch(value: &Value, allowed: Types) -> Option<String> {
    let (actual, actual_name) = NAMES[kind(value)];
    if actual & allowed != 0 {
        return None;
    }
    let names: Vec<&str> = NAMES
        .iter()
        .filter(|(kind, _)| kind & allowed != 0)
        .map(|(_, name)| *name)
        .collect();
    let expected = match &names[..] {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, second] => format!("either {first} or {second}"),
        [first @ .., last] => format!("either {}, or {last}", first.join(", ")),
    };
    Some(format!("{expected}, but not {actual_name}"))
}

/// The position of a value's type in [`NAMES`].
fn kind(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) if value.is_integer() => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

/// The value of a number whose type has been checked; its fraction is cut off.
pub(super) fn truncated(value: &Value) -> i64 {
    // The parser bounds the magnitude, and the cast saturates.
    value.as_f64().unwrap_or(0.0) as i64
}

/// Checks `least <= number <= i32::MAX`.
pub(super) fn at_least(name: &str, number: i64, least: i64) -> Checked {
    if number < least {
        return refuse(format!(
            "The \"{name}\" number must be equal to or greater than {least}."
        ));
    }
    at_most(name, number, i64::from(i32::MAX))
}

/// Checks `0 <= number <= most`.
pub(super) fn not_negative(name: &str, number: i64, most: i64) -> Checked {
    if number < 0 {
        return refuse(format!("The \"{name}\" number must not be negative."));
    }
    at_most(name, number, most)
}

fn at_most(name: &str, number: i64, most: i64) -> Checked {
    if number > most {
        return refuse(format!("The \"{name}\" number must not exceed {most}."));
    }
    Ok(())
}

/// Checks that an array holds strings only.
pub(super) fn strings(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    match value
        .elements_or_itself()
        .iter()
        .all(|element| element.as_str().is_some())
    {
        true => Ok(()),
        false => refuse(format!(
            "The \"{name}\" array must contain only string values."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_types_are_listed() {
        assert_eq!(mismatch(&Value::Null, NULL | ARRAY), None);
        assert_eq!(
            mismatch(&Value::Null, ARRAY).unwrap(),
            "an array, but not a null"
        );
        assert_eq!(
            mismatch(&Value::Null, INTEGER | FRACTION).unwrap(),
            "either an integer number or a fractional number, but not a null"
        );
        assert_eq!(
            mismatch(&Value::object(), STRING | ARRAY | BOOLEAN).unwrap(),
            "either a boolean, a string, or an array, but not an object"
        );
    }
}
