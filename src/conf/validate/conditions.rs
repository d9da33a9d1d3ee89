//! `match`: string patterns, sets of them, address patterns and the `if` condition.

use pcre2::bytes::Regex;

use super::super::address::AddressPattern;
use super::super::json::Value;
use super::super::{percent, template};
use super::Context;
use super::rule::{ARRAY, Checked, OBJECT, STRING, object, option, refuse, template_text};

pub(super) fn conditions(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(
        context,
        value,
        &[&[
            option("method", STRING | ARRAY).check(|_, name, value| patterns(name, value)),
            option("scheme", STRING).check(scheme),
            option("host", STRING | ARRAY).check(|_, name, value| patterns(name, value)),
            option("source", STRING | ARRAY).check(addresses),
            option("destination", STRING | ARRAY).check(addresses),
            option("uri", STRING | ARRAY).check(|_, name, value| encoded_patterns(name, value)),
            option("query", STRING | ARRAY).check(|_, name, value| encoded_patterns(name, value)),
            option("arguments", OBJECT | ARRAY).check(arguments),
            option("headers", OBJECT | ARRAY).check(pattern_sets),
            option("cookies", OBJECT | ARRAY).check(pattern_sets),
            option("if", STRING).check(condition),
        ]],
    )
}

/// One pattern or an array of them.
pub(super) fn patterns(name: &str, value: &Value) -> Checked {
    for pattern in value.elements_or_itself() {
        match pattern.as_str() {
            Some(text) => pattern_text(text)?,
            None => {
                return refuse(format!(
                    "The \"match\" pattern for \"{name}\" must be strings."
                ));
            }
        }
    }
    Ok(())
}

/// As [`patterns`], where patterns are percent-encoded.
fn encoded_patterns(name: &str, value: &Value) -> Checked {
    for pattern in value.elements_or_itself() {
        let Some(text) = pattern.as_str() else {
            return refuse(format!(
                "The \"match\" pattern for \"{name}\" must be a string."
            ));
        };
        pattern_text(text)?;
        decodable(name, text)?;
    }
    Ok(())
}

fn decodable(name: &str, text: &str) -> Checked {
    match percent::decode(text.as_bytes()) {
        Some(_) => Ok(()),
        None => refuse(format!(
            "The \"match\" pattern for \"{name}\" is encoded but is invalid."
        )),
    }
}

fn pattern_text(text: &str) -> Checked {
    let positive = text.strip_prefix('!').unwrap_or(text);
    if let Some(expression) = positive.strip_prefix('~') {
        return regular_expression(expression);
    }
    match positive.contains("**") {
        true => refuse("The \"match\" pattern must not contain double \"*\" markers."),
        false => Ok(()),
    }
}

fn regular_expression(expression: &str) -> Checked {
    let Err(error) = Regex::new(expression) else {
        return Ok(());
    };
    // The library shows its message after `PCRE2: WHAT FAILED: ` and has no other way to it.
    let shown = error.to_string();
    let message = shown.splitn(3, ": ").nth(2).unwrap_or(&shown);
    match error.offset() {
        Some(offset) if offset < expression.len() => refuse(format!(
            "Invalid regular expression: {message} at offset {offset}"
        )),
        _ => refuse(format!("Invalid regular expression: {message}")),
    }
}

fn arguments(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    for set in value.elements_or_itself() {
        if !matches!(set, Value::Object(_)) {
            return refuse(format!(
                "The \"match\" pattern for \"{name}\" must be an object."
            ));
        }
        for (argument, value) in set.members() {
            member_name(argument)?;
            decodable(name, argument)?;
            encoded_patterns(name, value)?;
        }
    }
    Ok(())
}

fn pattern_sets(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    for set in value.elements_or_itself() {
        if !matches!(set, Value::Object(_)) {
            return refuse(format!(
                "The \"match\" patterns for \"{name}\" must be objects."
            ));
        }
        for (member, value) in set.members() {
            member_name(member)?;
            patterns(name, value)?;
        }
    }
    Ok(())
}

fn member_name(name: &str) -> Checked {
    match name.is_empty() {
        true => refuse("The \"match\" pattern objects must not contain empty member names."),
        false => Ok(()),
    }
}

fn scheme(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    let scheme = value.as_str().unwrap_or_default();
    match scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
        true => Ok(()),
        false => refuse("The \"scheme\" can either be \"http\" or \"https\"."),
    }
}

pub(super) fn addresses(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    for pattern in value.elements_or_itself() {
        let Some(text) = pattern.as_str() else {
            return refuse("The \"match\" pattern for \"address\" must be a string.");
        };
        if let Err(error) = AddressPattern::parse(text) {
            return refuse(error.to_string());
        }
    }
    Ok(())
}

/// A condition: a template after an optional `!`.
pub(super) fn condition(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    let text = value.as_str().unwrap_or_default();
    let text = text.strip_prefix('!').unwrap_or(text);
    match template::is_template(text) {
        true => template_text(name, text),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    fn conditions(text: &str) -> String {
        format!(r#"{{"routes": [{{"match": {text}}}]}}"#)
    }

    #[test]
    fn string_patterns() {
        let double = r#"The "match" pattern must not contain double "*" markers."#;
        details(&[
            (
                &conditions(r#"{"method": "GET", "host": ["a*b*", "!c", "!", "", "~^x", "!~y$"]}"#),
                "",
            ),
            (
                &conditions(r#"{"method": 1}"#),
                r#"The "method" value must be either a string or an array, but not an integer number."#,
            ),
            (
                &conditions(r#"{"method": [1]}"#),
                r#"The "match" pattern for "method" must be strings."#,
            ),
            (&conditions(r#"{"host": "a**b"}"#), double),
            (&conditions(r#"{"host": "!**"}"#), double),
            (&conditions(r#"{"uri": "/%20%2A*"}"#), ""),
            (
                &conditions(r#"{"uri": [true]}"#),
                r#"The "match" pattern for "uri" must be a string."#,
            ),
            (
                &conditions(r#"{"uri": "/%2"}"#),
                r#"The "match" pattern for "uri" is encoded but is invalid."#,
            ),
            (
                &conditions(r#"{"query": "~%"}"#),
                r#"The "match" pattern for "query" is encoded but is invalid."#,
            ),
            (&conditions(r#"{"x": 1}"#), r#"Unknown parameter "x"."#),
        ]);
    }

    #[test]
    fn regular_expressions_are_compiled() {
        details(&[
            (&conditions(r#"{"uri": "~a(b|c)+[d-f]$"}"#), ""),
            (
                &conditions(r#"{"uri": "~[b-a]"}"#),
                "Invalid regular expression: range out of order in character class at offset 3",
            ),
            (
                &conditions(r#"{"uri": "!~("}"#),
                "Invalid regular expression: missing closing parenthesis",
            ),
        ]);
    }

    #[test]
    fn sets_of_patterns() {
        let empty = r#"The "match" pattern objects must not contain empty member names."#;
        details(&[
            (
                &conditions(
                    r#"{"headers": {}, "cookies": [], "arguments": [{"a": "b"}, {"c": ["d"]}]}"#,
                ),
                "",
            ),
            (
                &conditions(r#"{"headers": "x"}"#),
                r#"The "headers" value must be either an array or an object, but not a string."#,
            ),
            (
                &conditions(r#"{"headers": ["x"]}"#),
                r#"The "match" patterns for "headers" must be objects."#,
            ),
            (&conditions(r#"{"cookies": {"": "x"}}"#), empty),
            (
                &conditions(r#"{"cookies": {"a": 1}}"#),
                r#"The "match" pattern for "cookies" must be strings."#,
            ),
            (
                &conditions(r#"{"arguments": [1]}"#),
                r#"The "match" pattern for "arguments" must be an object."#,
            ),
            (&conditions(r#"{"arguments": {"": "x"}}"#), empty),
            (
                &conditions(r#"{"arguments": {"%": "x"}}"#),
                r#"The "match" pattern for "arguments" is encoded but is invalid."#,
            ),
            (
                &conditions(r#"{"arguments": {"a": {}}}"#),
                r#"The "match" pattern for "arguments" must be a string."#,
            ),
        ]);
    }

    #[test]
    fn other_conditions() {
        details(&[
            (
                &conditions(
                    r#"{"scheme": "HTTPS", "source": ["!10.0.0.0/8", "unix"], "destination": "*:80", "if": "!$uri"}"#,
                ),
                "",
            ),
            (
                &conditions(r#"{"scheme": "ftp"}"#),
                r#"The "scheme" can either be "http" or "https"."#,
            ),
            (
                &conditions(r#"{"source": [1]}"#),
                r#"The "match" pattern for "address" must be a string."#,
            ),
            (
                &conditions(r#"{"source": "*"}"#),
                r#"The "address" is too short."#,
            ),
            (
                &conditions(r#"{"destination": "1.2.3.4/40"}"#),
                r#"The "address" has an invalid CIDR prefix."#,
            ),
            (
                &conditions(r#"{"if": "!$x"}"#),
                r#"Unknown variable "x" in the "if" value."#,
            ),
            (
                &conditions(r#"{"if": 1}"#),
                r#"The "if" value must be a string, but not an integer number."#,
            ),
        ]);
    }
}
