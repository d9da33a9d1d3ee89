//! `routes`: steps and their actions.

use super::super::address::SocketName;
use super::super::json::Value;
use super::super::template;
use super::Context;
use super::conditions::{conditions, patterns};
use super::listeners::pass;
use super::rule::{
    ARRAY, BOOLEAN, Checked, INTEGER, OBJECT, Rule, STRING, object, option, refuse, template_text,
    truncated, types,
};

pub(super) fn routes(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    if matches!(value, Value::Array(_)) {
        return route(context, value);
    }
    for (name, steps) in value.members() {
        types(name, steps, ARRAY)?;
        route(context, steps)?;
    }
    Ok(())
}

fn route(context: &Context<'_>, steps: &Value) -> Checked {
    for step in steps.elements_or_itself() {
        if !matches!(step, Value::Object(_)) {
            return refuse("The \"routes\" array must contain only object values.");
        }
        object(
            context,
            step,
            &[&[
                option("match", OBJECT).check(conditions),
                option("action", OBJECT).check(action),
            ]],
        )?;
    }
    Ok(())
}

/// Members of every action.
const COMMON: &[Rule] = &[
    option("rewrite", STRING).template(),
    option("response_headers", OBJECT).check(response_headers),
];

const PASS: &[Rule] = &[option("pass", STRING).template().check(pass)];

const RETURN: &[Rule] = &[
    option("return", INTEGER).check(status),
    option("location", STRING).template(),
];

const SHARE: &[Rule] = &[
    option("share", STRING | ARRAY).check(share),
    option("index", STRING),
    option("types", STRING | ARRAY).check(|_, _, value| patterns("[null]", value)),
    option("fallback", OBJECT).check(action),
    option("chroot", STRING).template(),
    option("follow_symlinks", BOOLEAN),
    option("traverse_mounts", BOOLEAN),
];

const PROXY: &[Rule] = &[option("proxy", STRING).check(proxy)];

fn action(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    let kinds = [
        ("pass", PASS),
        ("return", RETURN),
        ("share", SHARE),
        ("proxy", PROXY),
    ];
    let mut kinds = kinds
        .iter()
        .filter(|(name, _)| value.get_member(name).is_some());
    match (kinds.next(), kinds.next()) {
        (Some((_, rules)), None) => object(context, value, &[rules, COMMON]),
        (None, _) => refuse(
            "The \"action\" object must have either \"pass\", \"return\", \"share\", or \"proxy\" option set.",
        ),
        (Some(_), Some(_)) => refuse(
            "The \"action\" object must have just one of \"pass\", \"return\", \"share\", or \"proxy\" options set.",
        ),
    }
}

fn proxy(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    match SocketName::parse_proxy(value.as_str().unwrap_or_default()) {
        Ok(_) => Ok(()),
        Err(text) => refuse(format!("The \"proxy\" address is invalid \"{text}\"")),
    }
}

fn status(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    match truncated(value) {
        0..=999 => Ok(()),
        _ => refuse("The \"return\" value is out of allowed HTTP status code range 0-999."),
    }
}

fn share(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    if value.elements_or_itself().is_empty() {
        return refuse("The \"share\" array must contain at least one element.");
    }
    for path in value.elements_or_itself() {
        match path.as_str() {
            None => return refuse("The \"share\" array must contain only string values."),
            Some(path) if template::is_template(path) => template_text(name, path)?,
            Some(_) => {}
        }
    }
    Ok(())
}

fn response_headers(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    for (name, header) in value.members() {
        match (name, header) {
            ("", _) => return refuse("The response header name must not be empty."),
            ("Content-Length", _) => {
                return refuse("The \"Content-Length\" response header value is not supported");
            }
            (_, Value::Null) => {}
            (_, Value::String(text)) if template::is_template(text) => template_text(name, text)?,
            (_, Value::String(_)) => {}
            _ => {
                return refuse(format!(
                    "The \"{name}\" response header value must either be a string or a null"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    fn action(text: &str) -> String {
        format!(r#"{{"routes": [{{"action": {text}}}]}}"#)
    }

    #[test]
    fn steps() {
        details(&[
            (r#"{"routes": [{}]}"#, ""),
            (r#"{"routes": [{"match": {}}]}"#, ""),
            (
                r#"{"routes": [1]}"#,
                r#"The "routes" array must contain only object values."#,
            ),
            (
                r#"{"routes": {"a": {}}}"#,
                r#"The "a" value must be an array, but not an object."#,
            ),
            (
                r#"{"routes": {"a": [[]]}}"#,
                r#"The "routes" array must contain only object values."#,
            ),
            (r#"{"routes": [{"x": 1}]}"#, r#"Unknown parameter "x"."#),
        ]);
    }

    #[test]
    fn one_action_each() {
        let either = r#"The "action" object must have either "pass", "return", "share", or "proxy" option set."#;
        let one = r#"The "action" object must have just one of "pass", "return", "share", or "proxy" options set."#;
        details(&[
            (&action("{}"), either),
            (&action(r#"{"rewrite": "/x"}"#), either),
            (&action(r#"{"pass": "routes", "return": 200}"#), one),
            (&action(r#"{"proxy": "http://127.0.0.1:80"}"#), ""),
            (&action(r#"{"proxy": "http://unix:/tmp/s"}"#), ""),
            (
                &action(r#"{"proxy": "http://localhost:80"}"#),
                r#"The "proxy" address is invalid "localhost:80""#,
            ),
            (
                &action(r#"{"proxy": "127.0.0.1:80"}"#),
                r#"The "proxy" address is invalid "127.0.0.1:80""#,
            ),
            (
                &action(r#"{"pass": "routes", "location": "/"}"#),
                r#"Unknown parameter "location"."#,
            ),
            (
                &action(
                    r#"{"pass": "routes", "rewrite": "$uri", "response_headers": {"A": null, "B": "$host"}}"#,
                ),
                "",
            ),
            (
                &action(r#"{"pass": "routes", "rewrite": "$x"}"#),
                r#"Unknown variable "x" in the "rewrite" value."#,
            ),
        ]);
    }

    #[test]
    fn returns() {
        let range = r#"The "return" value is out of allowed HTTP status code range 0-999."#;
        details(&[
            (&action(r#"{"return": 0}"#), ""),
            (&action(r#"{"return": 999, "location": "$uri"}"#), ""),
            (&action(r#"{"return": 1000}"#), range),
            (&action(r#"{"return": -1}"#), range),
            (
                &action(r#"{"return": "200"}"#),
                r#"The "return" value must be an integer number, but not a string."#,
            ),
            (
                &action(r#"{"return": 200, "location": 1}"#),
                r#"The "location" value must be a string, but not an integer number."#,
            ),
        ]);
    }

    #[test]
    fn shares() {
        details(&[
            (
                &action(
                    r#"{"share": "/w$uri", "index": "", "types": ["a/*", "!~b"], "chroot": "/$host"}"#,
                ),
                "",
            ),
            (
                &action(r#"{"share": []}"#),
                r#"The "share" array must contain at least one element."#,
            ),
            (
                &action(r#"{"share": ["/a", 1]}"#),
                r#"The "share" array must contain only string values."#,
            ),
            (
                &action(r#"{"share": "/$nope"}"#),
                r#"Unknown variable "nope" in the "share" value."#,
            ),
            (
                &action(r#"{"share": "/", "types": 1}"#),
                r#"The "types" value must be either a string or an array, but not an integer number."#,
            ),
            (
                &action(r#"{"share": "/", "types": [1]}"#),
                r#"The "match" pattern for "[null]" must be strings."#,
            ),
            (
                &action(r#"{"share": "/", "follow_symlinks": 1}"#),
                r#"The "follow_symlinks" value must be a boolean, but not an integer number."#,
            ),
            (
                &action(r#"{"share": "/", "fallback": {"return": 2000}}"#),
                r#"The "return" value is out of allowed HTTP status code range 0-999."#,
            ),
            (
                &action(
                    r#"{"share": "/", "fallback": {"share": "/", "fallback": {"return": 404}}}"#,
                ),
                "",
            ),
        ]);
    }

    #[test]
    fn response_headers() {
        let headers =
            |text: &str| action(&format!(r#"{{"return": 200, "response_headers": {text}}}"#));
        details(&[
            (&headers(r#"{"content-length": "1"}"#), ""),
            (
                &headers(r#"{"": "x"}"#),
                "The response header name must not be empty.",
            ),
            (
                &headers(r#"{"Content-Length": null}"#),
                r#"The "Content-Length" response header value is not supported"#,
            ),
            (
                &headers(r#"{"X": 1}"#),
                r#"The "X" response header value must either be a string or a null"#,
            ),
            (
                &headers(r#"{"X": "$"}"#),
                r#"Invalid variable at position 0 in the "X" value."#,
            ),
        ]);
    }
}
