//! `applications`: what all types have in common.

use super::super::json::Value;
use super::isolation::isolation;
use super::limits::{PROCESS_LIMITS, process_limits};
use super::modules::{Selected, select_module};
use super::rule::{
    Checked, INTEGER, OBJECT, Rule, STRING, at_least, not_negative, object, option, refuse,
    truncated, types,
};
use super::{Context, languages};

pub(super) fn applications(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    for (name, application) in value.members() {
        types(name, application, OBJECT)?;
        let Some(kind) = application.get_member("type") else {
            return refuse("Application must have the \"type\" property set.");
        };
        types("type", kind, STRING)?;
        let kind = kind.as_str().unwrap_or_default();
        match select_module(context.modules, kind) {
            None => {
                return refuse(format!(
                    "The module to run \"{kind}\" is not found among the available application modules."
                ));
            }
            Some(Selected::External) => {
                object(context, application, &[languages::EXTERNAL, COMMON])?;
            }
            Some(Selected::Module(module)) => {
                let Some([own, shared]) = languages::rules(&module.kind, application) else {
                    // Discovery takes no module of a type that it does not know.
                    return refuse(format!("The application type \"{kind}\" is unknown."));
                };
                object(context, application, &[own, shared, COMMON])?;
            }
        }
    }
    Ok(())
}

/// Members of every application.
const COMMON: &[Rule] = &[
    option("type", STRING),
    option("limits", OBJECT).check(|context, _, value| {
        object(context, value, &[LIMITS, PROCESS_LIMITS])?;
        process_limits(value)
    }),
    option("processes", INTEGER | OBJECT).check(processes),
    option("user", STRING),
    option("group", STRING),
    option("working_directory", STRING),
    option("environment", OBJECT).check(environment),
    option("isolation", OBJECT).check(isolation),
    option("stdout", STRING),
    option("stderr", STRING),
];

const LIMITS: &[Rule] = &[
    option("timeout", INTEGER),
    option("requests", INTEGER),
    option("shm", INTEGER),
    // Beyond Unit 1.35.0.
    option("start_timeout", INTEGER)
        .check(|_, name, value| not_negative(name, truncated(value), i64::from(i32::MAX / 1000))),
    option("kill_timeout", INTEGER).check(kill_timeout),
];

const PROCESSES: &[Rule] = &[
    option("spare", INTEGER),
    option("max", INTEGER),
    option("idle_timeout", INTEGER),
];

fn processes(context: &Context<'_>, name: &str, value: &Value) -> Checked {
    if value.is_integer() {
        return at_least(name, truncated(value), 1);
    }
    object(context, value, &[PROCESSES])?;
    let number = |name: &str, default| value.get_member(name).map_or(default, truncated);
    let (spare, max) = (number("spare", 0), number("max", 1));
    not_negative("spare", spare, i64::from(i32::MAX))?;
    at_least("max", max, 1)?;
    if spare > max {
        return refuse("The \"spare\" number must be less than or equal to \"max\".");
    }
    not_negative(
        "idle_timeout",
        number("idle_timeout", 15),
        i64::from(i32::MAX / 1000),
    )
}

fn kill_timeout(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    at_least(name, truncated(value), 1)?;
    not_negative(name, truncated(value), i64::from(i32::MAX / 1000))
}

fn environment(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    for (name, value) in value.members() {
        if name.is_empty() {
            return refuse("The environment name must not be empty.");
        }
        if name.contains('\0') {
            return refuse("The environment name must not contain null character.");
        }
        if name.contains('=') {
            return refuse("The environment name must not contain '=' character.");
        }
        match value.as_str() {
            None => {
                return refuse(format!(
                    "The \"{name}\" environment value must be a string."
                ));
            }
            Some(text) if text.contains('\0') => {
                return refuse(format!(
                    "The \"{name}\" environment value must not contain null character."
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{details, external};

    #[test]
    fn types_select_modules() {
        let missing = |kind: &str| {
            format!(
                r#"The module to run "{kind}" is not found among the available application modules."#
            )
        };
        details(&[
            (
                r#"{"applications": {"a": 1}}"#,
                r#"The "a" value must be an object, but not an integer number."#,
            ),
            (
                r#"{"applications": {"a": {}}}"#,
                r#"Application must have the "type" property set."#,
            ),
            (
                r#"{"applications": {"a": {"type": 1}}}"#,
                r#"The "type" value must be a string, but not an integer number."#,
            ),
            (
                r#"{"applications": {"a": {"type": "cobol"}}}"#,
                &missing("cobol"),
            ),
            (
                r#"{"applications": {"a": {"type": "python 4"}}}"#,
                &missing("python 4"),
            ),
            (
                r#"{"applications": {"": {"type": "python", "module": "m"}}}"#,
                "",
            ),
            (
                r#"{"applications": {"a": {"type": "go", "executable": "x"}}}"#,
                "",
            ),
            (
                r#"{"applications": {"a": {"type": "external"}}}"#,
                r#"Required parameter "executable" is missing."#,
            ),
            (
                r#"{"applications": {"a": {"x": 1, "type": "python"}}}"#,
                r#"Required parameter "module" is missing."#,
            ),
        ]);
    }

    #[test]
    fn common_options() {
        details(&[
            (
                &external(
                    r#""user": "u", "group": "g", "working_directory": "/", "stdout": "/a", "stderr": "/b""#,
                ),
                "",
            ),
            (
                &external(r#""limits": {"timeout": -1, "requests": 0, "shm": 1}"#),
                "",
            ),
            (
                &external(r#""limits": {"start_timeout": 0, "kill_timeout": 1}"#),
                "",
            ),
            (
                &external(r#""limits": {"start_timeout": -1}"#),
                r#"The "start_timeout" number must not be negative."#,
            ),
            (
                &external(r#""limits": {"kill_timeout": 0}"#),
                r#"The "kill_timeout" number must be equal to or greater than 1."#,
            ),
            (
                &external(r#""limits": {"kill_timeout": 2147484}"#),
                r#"The "kill_timeout" number must not exceed 2147483."#,
            ),
            (
                &external(r#""limits": {"reschedule_timeout": 1}"#),
                r#"Unknown parameter "reschedule_timeout"."#,
            ),
            (&external(r#""environment": {"A": "", "B": "="}"#), ""),
            (
                &external(r#""environment": {"": "x"}"#),
                "The environment name must not be empty.",
            ),
            (
                &external(r#""environment": {"A=": "x"}"#),
                "The environment name must not contain '=' character.",
            ),
            (
                &external(r#""environment": {"A\u0000": "x"}"#),
                "The environment name must not contain null character.",
            ),
            (
                &external(r#""environment": {"A": 1}"#),
                r#"The "A" environment value must be a string."#,
            ),
            (
                &external(r#""environment": {"A": "\u0000"}"#),
                r#"The "A" environment value must not contain null character."#,
            ),
            (&external(r#""arguments": ["a", ""]"#), ""),
            (
                &external(r#""arguments": [1]"#),
                r#"The "arguments" array must contain only string values."#,
            ),
            (
                &external(r#""arguments": ["\u0000"]"#),
                r#"The "arguments" array must not contain strings with null character."#,
            ),
        ]);
    }

    #[test]
    fn processes() {
        let spare = r#"The "spare" number must be less than or equal to "max"."#;
        details(&[
            (&external(r#""processes": 1"#), ""),
            (
                &external(r#""processes": {"max": 5, "spare": 5, "idle_timeout": 0}"#),
                "",
            ),
            (&external(r#""processes": {}"#), ""),
            (
                &external(r#""processes": 0"#),
                r#"The "processes" number must be equal to or greater than 1."#,
            ),
            (
                &external(r#""processes": 2147483648"#),
                r#"The "processes" number must not exceed 2147483647."#,
            ),
            (
                &external(r#""processes": 1.5"#),
                r#"The "processes" value must be either an integer number or an object, but not a fractional number."#,
            ),
            (
                &external(r#""processes": {"spare": -1}"#),
                r#"The "spare" number must not be negative."#,
            ),
            (&external(r#""processes": {"spare": 2}"#), spare),
            (
                &external(r#""processes": {"max": 0}"#),
                r#"The "max" number must be equal to or greater than 1."#,
            ),
            (
                &external(r#""processes": {"idle_timeout": -1}"#),
                r#"The "idle_timeout" number must not be negative."#,
            ),
            (
                &external(r#""processes": {"idle_timeout": 2147484}"#),
                r#"The "idle_timeout" number must not exceed 2147483."#,
            ),
            (
                &external(r#""processes": {"x": 1}"#),
                r#"Unknown parameter "x"."#,
            ),
        ]);
    }
}
