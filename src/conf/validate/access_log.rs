//! `access_log`

use super::super::json::Value;
use super::super::template;
use super::Context;
use super::conditions::condition;
use super::rule::{Checked, OBJECT, STRING, object, option, refuse, template_text};

pub(super) fn access_log(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    if value.as_str().is_some() {
        return Ok(());
    }
    object(
        context,
        value,
        &[&[
            option("path", STRING),
            option("format", STRING | OBJECT).check(format),
            option("if", STRING).check(condition),
        ]],
    )?;
    let path = value.get_member("path").and_then(Value::as_str);
    match path.unwrap_or_default() {
        "" => refuse("The \"path\" string must not be empty."),
        _ => Ok(()),
    }
}

fn format(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    if let Some(text) = value.as_str() {
        return text_with_variables(name, text);
    }
    for (name, value) in value.members() {
        if name.is_empty() {
            return refuse("In the access log format, the name must not be empty.");
        }
        match value.as_str() {
            Some(text) => text_with_variables(name, text)?,
            None => return refuse("In the access log format, the value must be a string."),
        }
    }
    Ok(())
}

fn text_with_variables(name: &str, text: &str) -> Checked {
    match template::is_template(text) {
        true => template_text(name, text),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    #[test]
    fn access_logs() {
        let log = |text: &str| format!(r#"{{"access_log": {text}}}"#);
        let no_path = r#"The "path" string must not be empty."#;
        details(&[
            (&log(r#""/x""#), ""),
            (&log(r#"{"path": "/x"}"#), ""),
            (
                &log(r#"{"path": "/x", "format": "$uri", "if": "!$arg_a"}"#),
                "",
            ),
            (
                &log(r#"{"path": "/x", "format": {"a": "$status", "b": ""}}"#),
                "",
            ),
            (&log("{}"), no_path),
            (&log(r#"{"path": ""}"#), no_path),
            (
                &log(r#"{"path": "/x", "format": "$remote_add"}"#),
                r#"Unknown variable "remote_add" in the "format" value."#,
            ),
            (
                &log(r#"{"path": "/x", "format": {"a": "$x"}}"#),
                r#"Unknown variable "x" in the "a" value."#,
            ),
            (
                &log(r#"{"path": "/x", "format": {"": "a"}}"#),
                "In the access log format, the name must not be empty.",
            ),
            (
                &log(r#"{"path": "/x", "format": {"a": 1}}"#),
                "In the access log format, the value must be a string.",
            ),
            (
                &log(r#"{"path": "/x", "if": "$arg_"}"#),
                r#"Unknown variable "arg_" in the "if" value."#,
            ),
            (
                &log(r#"{"path": "/x", "format": "`a`"}"#),
                r#"Unit is built without support of njs: "--njs" ./configure option is missing. in the "format" value."#,
            ),
            (&log(r#"{"x": 1}"#), r#"Unknown parameter "x"."#),
        ]);
    }
}
