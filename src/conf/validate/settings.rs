//! `settings`

use std::collections::HashMap;

use super::super::json::Value;
use super::Context;
use super::limits::{PROCESS_LIMITS, process_limits};
use super::rule::{
    ARRAY, BOOLEAN, Checked, INTEGER, OBJECT, STRING, at_least, object, option, refuse, truncated,
    types, unsupported,
};

pub(super) fn settings(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(
        context,
        value,
        &[&[
            option("listen_threads", INTEGER)
                .check(|_, name, value| at_least(name, truncated(value), 1)),
            option("shutdown_timeout", INTEGER)
                .check(|_, name, value| at_least(name, truncated(value), 0)),
            option("router", OBJECT).check(router),
            option("http", OBJECT).check(http),
            option("telemetry", OBJECT).check(unsupported),
            option("js_module", STRING | ARRAY).check(unsupported),
        ]],
    )
}

fn router(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(context, value, &[PROCESS_LIMITS])?;
    process_limits(value)
}

fn http(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(
        context,
        value,
        &[&[
            option("header_read_timeout", INTEGER),
            option("body_read_timeout", INTEGER),
            option("send_timeout", INTEGER),
            option("idle_timeout", INTEGER),
            option("large_header_buffer_size", INTEGER),
            option("large_header_buffers", INTEGER),
            option("body_buffer_size", INTEGER),
            option("max_body_size", INTEGER),
            option("body_temp_path", STRING),
            option("discard_unsafe_fields", BOOLEAN),
            option("websocket", OBJECT).check(websocket),
            option("static", OBJECT).check(files),
            option("log_route", BOOLEAN),
            option("server_version", BOOLEAN),
            option("chunked_transform", BOOLEAN),
            option("compression", OBJECT).check(unsupported),
        ]],
    )
}

fn websocket(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(
        context,
        value,
        &[&[
            option("read_timeout", INTEGER),
            option("keepalive_interval", INTEGER),
            option("max_frame_size", INTEGER),
        ]],
    )
}

fn files(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(
        context,
        value,
        &[&[option("mime_types", OBJECT).check(mime_types)]],
    )
}

/// No extension may be declared twice; letter case does not matter.
fn mime_types(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    let mut declared: HashMap<String, &str> = HashMap::new();
    for (mime, extensions) in value.members() {
        types(mime, extensions, STRING | ARRAY)?;
        for extension in extensions.elements_or_itself() {
            let Some(extension) = extension.as_str() else {
                return refuse(format!(
                    "The \"{mime}\" MIME type array must contain only strings."
                ));
            };
            if extension.is_empty() {
                return refuse(format!(
                    "An empty file extension for the \"{mime}\" MIME type."
                ));
            }
            let folded = extension.to_ascii_lowercase();
            if let Some(other) = declared.get(&folded) {
                return refuse(format!(
                    "The \"{extension}\" file extension has been declared for \"{other}\" and \"{mime}\" MIME types \
                     at the same time."
                ));
            }
            declared.insert(folded, mime);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    #[test]
    fn settings() {
        let http = |text: &str| format!(r#"{{"settings": {{"http": {text}}}}}"#);
        details(&[
            (r#"{"settings": {"listen_threads": 1e1}}"#, ""),
            (
                r#"{"settings": {"listen_threads": 0}}"#,
                r#"The "listen_threads" number must be equal to or greater than 1."#,
            ),
            (
                r#"{"settings": {"listen_threads": 2147483648}}"#,
                r#"The "listen_threads" number must not exceed 2147483647."#,
            ),
            (
                r#"{"settings": {"listen_threads": 1.5}}"#,
                r#"The "listen_threads" value must be an integer number, but not a fractional number."#,
            ),
            (
                r#"{"settings": {"js_module": "a"}}"#,
                r#"The "js_module" option is not supported yet."#,
            ),
            (
                r#"{"settings": {"telemetry": {}}}"#,
                r#"The "telemetry" option is not supported yet."#,
            ),
            (r#"{"settings": {"shutdown_timeout": 0}}"#, ""),
            (
                r#"{"settings": {"shutdown_timeout": -1}}"#,
                r#"The "shutdown_timeout" number must be equal to or greater than 0."#,
            ),
            (
                r#"{"settings": {"shutdown_timeout": "1"}}"#,
                r#"The "shutdown_timeout" value must be an integer number, but not a string."#,
            ),
            (
                r#"{"settings": {"router": {"rlimit_nofile": 1024, "cpu_affinity": "auto"}}}"#,
                "",
            ),
            (
                r#"{"settings": {"router": {"priority": -21}}}"#,
                r#"The "priority" number must be in the range from -20 to 19."#,
            ),
            (
                r#"{"settings": {"router": {"timeout": 1}}}"#,
                r#"Unknown parameter "timeout"."#,
            ),
            (r#"{"settings": {"x": 1}}"#, r#"Unknown parameter "x"."#),
            (
                &http(
                    r#"{"idle_timeout": -1, "body_temp_path": "", "websocket": {"read_timeout": 0}, "log_route": true}"#,
                ),
                "",
            ),
            (
                &http(r#"{"idle_timeout": null}"#),
                r#"The "idle_timeout" value must be an integer number, but not a null."#,
            ),
            (
                &http(r#"{"websocket": {"x": 0}}"#),
                r#"Unknown parameter "x"."#,
            ),
            (
                &http(r#"{"compression": {}}"#),
                r#"The "compression" option is not supported yet."#,
            ),
        ]);
    }

    #[test]
    fn mime_types() {
        let mime = |text: &str| {
            format!(r#"{{"settings": {{"http": {{"static": {{"mime_types": {text}}}}}}}}}"#)
        };
        details(&[
            (&mime(r#"{"text/x": ".x", "text/y": [".y", "README"]}"#), ""),
            (
                &mime(r#"{"text/x": 1}"#),
                r#"The "text/x" value must be either a string or an array, but not an integer number."#,
            ),
            (
                &mime(r#"{"text/x": [1]}"#),
                r#"The "text/x" MIME type array must contain only strings."#,
            ),
            (
                &mime(r#"{"text/x": ""}"#),
                r#"An empty file extension for the "text/x" MIME type."#,
            ),
            (
                &mime(r#"{"text/x": ".a", "text/y": [".b", ".A"]}"#),
                r#"The ".A" file extension has been declared for "text/x" and "text/y" MIME types at the same time."#,
            ),
        ]);
    }
}
