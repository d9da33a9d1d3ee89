//! `applications`: what all types have in common, and the options of each.

use nix::unistd::{SysconfVar, sysconf};

use super::super::json::Value;
use super::Context;
use super::modules::{Selected, select_module};
use super::rule::{
    ARRAY, BOOLEAN, Checked, INTEGER, OBJECT, Rule, STRING, at_least, not_negative, object, option,
    refuse, strings, truncated, types, unsupported,
};

/// `app_target` on the wire is one byte.
const MAX_TARGETS: usize = 254;

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
            Some(Selected::External) => object(context, application, &[EXTERNAL, COMMON])?,
            Some(Selected::Module(module)) if module.kind == "python" => {
                let own = if application.get_member("targets").is_some() {
                    PYTHON_TARGETS
                } else {
                    PYTHON_TARGET
                };
                object(context, application, &[own, PYTHON, COMMON])?;
            }
            Some(Selected::Module(_)) => {
                return refuse(format!(
                    "The \"{kind}\" application type is not supported yet."
                ));
            }
        }
    }
    Ok(())
}

/// Members of every application.
const COMMON: &[Rule] = &[
    option("type", STRING),
    option("limits", OBJECT).check(|context, _, value| object(context, value, &[LIMITS])),
    option("processes", INTEGER | OBJECT).check(processes),
    option("user", STRING),
    option("group", STRING),
    option("working_directory", STRING),
    option("environment", OBJECT).check(environment),
    option("isolation", OBJECT).check(unsupported),
    option("stdout", STRING),
    option("stderr", STRING),
];

const LIMITS: &[Rule] = &[
    option("timeout", INTEGER),
    option("requests", INTEGER),
    option("shm", INTEGER),
];

const PROCESSES: &[Rule] = &[
    option("spare", INTEGER),
    option("max", INTEGER),
    option("idle_timeout", INTEGER),
];

const EXTERNAL: &[Rule] = &[
    option("executable", STRING).required(),
    option("arguments", ARRAY).check(arguments),
];

const PYTHON: &[Rule] = &[
    option("home", STRING),
    option("path", STRING | ARRAY).check(strings),
    option("protocol", STRING).check(protocol),
    option("threads", INTEGER).check(|_, name, value| at_least(name, truncated(value), 1)),
    option("thread_stack_size", INTEGER).check(stack_size),
];

/// One Python application: an application without targets, or a target.
const PYTHON_TARGET: &[Rule] = &[
    option("module", STRING).required(),
    option("callable", STRING),
    option("factory", BOOLEAN),
    option("prefix", STRING).check(prefix),
];

const PYTHON_TARGETS: &[Rule] = &[
    option("module", STRING).check(exclusive),
    option("callable", STRING).check(exclusive),
    option("factory", BOOLEAN).check(exclusive),
    option("prefix", STRING).check(exclusive),
    option("targets", OBJECT).check(|context, _, value| targets(context, value, PYTHON_TARGET)),
];

fn exclusive(_: &Context<'_>, name: &str, _: &Value) -> Checked {
    refuse(format!(
        "The \"{name}\" option is mutually exclusive with the \"targets\" object."
    ))
}

fn targets(context: &Context<'_>, value: &Value, rules: &[Rule]) -> Checked {
    if value.len() > MAX_TARGETS {
        return refuse(format!(
            "The \"targets\" object must not contain more than {MAX_TARGETS} members."
        ));
    }
    for (name, target) in value.members() {
        if name.is_empty() {
            return refuse("The target name must not be empty.");
        }
        if !matches!(target, Value::Object(_)) {
            return refuse(format!("The \"{name}\" target must be an object."));
        }
        object(context, target, &[rules])?;
    }
    Ok(())
}

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

fn arguments(_: &Context<'_>, name: &str, value: &Value) -> Checked {
    for argument in value.elements_or_itself() {
        match argument.as_str() {
            None => {
                return refuse(format!(
                    "The \"{name}\" array must contain only string values."
                ));
            }
            Some(text) if text.contains('\0') => {
                return refuse(format!(
                    "The \"{name}\" array must not contain strings with null character."
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn protocol(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    match value.as_str() {
        Some("wsgi" | "asgi") => Ok(()),
        _ => refuse("The \"protocol\" can either be \"wsgi\" or \"asgi\"."),
    }
}

fn prefix(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    match value.as_str() {
        Some(prefix) if prefix.starts_with('/') => Ok(()),
        _ => refuse("The \"prefix\" must be a string beginning with \"/\"."),
    }
}

fn stack_size(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    let size = truncated(value);
    // The fallbacks are the values of x86-64 Linux.
    let system = |variable, fallback| {
        sysconf(variable)
            .ok()
            .flatten()
            .filter(|value| *value > 0)
            .unwrap_or(fallback)
    };
    let least = system(SysconfVar::PTHREAD_STACK_MIN, 16384);
    let page = system(SysconfVar::PAGE_SIZE, 4096);
    if size < least {
        return refuse(format!(
            "The \"thread_stack_size\" number must be equal to or greater than {least}."
        ));
    }
    match size % page {
        0 => Ok(()),
        _ => refuse(format!(
            "The \"thread_stack_size\" number must be a multiple of the system page size ({page})."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    fn python(text: &str) -> String {
        format!(r#"{{"applications": {{"a": {{"type": "python 3", {text}}}}}}}"#)
    }

    fn external(text: &str) -> String {
        format!(
            r#"{{"applications": {{"a": {{"type": "external", "executable": "/x", {text}}}}}}}"#
        )
    }

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
                r#"{"applications": {"a": {"type": "ruby"}}}"#,
                &missing("ruby"),
            ),
            (
                r#"{"applications": {"a": {"type": "python 4"}}}"#,
                &missing("python 4"),
            ),
            (
                r#"{"applications": {"a": {"type": "php"}}}"#,
                r#"The "php" application type is not supported yet."#,
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
                &external(r#""limits": {"reschedule_timeout": 1}"#),
                r#"Unknown parameter "reschedule_timeout"."#,
            ),
            (
                &external(r#""isolation": {}"#),
                r#"The "isolation" option is not supported yet."#,
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

    #[test]
    fn python_options() {
        let prefix = r#"The "prefix" must be a string beginning with "/"."#;
        details(&[
            (
                &python(
                    r#""module": "m", "callable": "c", "factory": true, "prefix": "/p", "home": "/h", "path": ["/a"],
                "protocol": "asgi", "threads": 2, "thread_stack_size": 1048576"#,
                ),
                "",
            ),
            (
                &python(r#""module": "m", "path": [1]"#),
                r#"The "path" array must contain only string values."#,
            ),
            (
                &python(r#""module": "m", "protocol": "WSGI""#),
                r#"The "protocol" can either be "wsgi" or "asgi"."#,
            ),
            (&python(r#""module": "m", "prefix": """#), prefix),
            (
                &python(r#""module": "m", "threads": 0"#),
                r#"The "threads" number must be equal to or greater than 1."#,
            ),
            (
                &python(r#""module": "m", "thread_stack_size": 1048577"#),
                r#"The "thread_stack_size" number must be a multiple of the system page size (4096)."#,
            ),
            (
                &python(r#""module": "m", "thread_stack_size": 4096"#),
                r#"The "thread_stack_size" number must be equal to or greater than 16384."#,
            ),
            (
                &python(r#""module": "m", "executable": "x""#),
                r#"Unknown parameter "executable"."#,
            ),
        ]);
    }

    #[test]
    fn python_targets() {
        let many: Vec<String> = (0..255)
            .map(|n| format!(r#""t{n}": {{"module": "m"}}"#))
            .collect();
        details(&[
            (
                &python(
                    r#""targets": {"b": {"module": "m", "prefix": "/x"}, "a": {"module": "n", "factory": false}}"#,
                ),
                "",
            ),
            (&python(r#""targets": {}"#), ""),
            (
                &python(r#""module": "m", "targets": {}"#),
                r#"The "module" option is mutually exclusive with the "targets" object."#,
            ),
            (
                &python(r#""targets": {}, "factory": true"#),
                r#"The "factory" option is mutually exclusive with the "targets" object."#,
            ),
            (
                &python(r#""targets": {"": {}}"#),
                "The target name must not be empty.",
            ),
            (
                &python(r#""targets": {"a": 1}"#),
                r#"The "a" target must be an object."#,
            ),
            (
                &python(r#""targets": {"a": {}}"#),
                r#"Required parameter "module" is missing."#,
            ),
            (
                &python(r#""targets": {"a": {"module": "m", "path": "/"}}"#),
                r#"Unknown parameter "path"."#,
            ),
            (
                &python(&format!(r#""targets": {{{}}}"#, many.join(","))),
                r#"The "targets" object must not contain more than 254 members."#,
            ),
            (
                &python(&format!(r#""targets": {{{}}}"#, many[1..].join(","))),
                "",
            ),
        ]);
    }
}
