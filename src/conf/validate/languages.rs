//! `applications`: the options of each language.

use nix::unistd::{SysconfVar, sysconf};

use super::super::json::Value;
use super::Context;
use super::rule::{
    ANY, ARRAY, BOOLEAN, Checked, INTEGER, OBJECT, Rule, STRING, at_least, object, option, refuse,
    strings, truncated,
};

/// `app_target` on the wire is one byte.
const MAX_TARGETS: usize = 254;

/// What an application run by a module of this language may have beside the common members;
/// `None` if the language is unknown.
pub(super) fn rules(language: &str, application: &Value) -> Option<[&'static [Rule]; 2]> {
    let with_targets = application.get_member("targets").is_some();
    Some(match language {
        "python" if with_targets => [PYTHON_TARGETS, PYTHON],
        "python" => [PYTHON_TARGET, PYTHON],
        "php" if with_targets => [PHP_TARGETS, PHP],
        "php" => [PHP_TARGET, PHP],
        "perl" => [PERL, THREADS],
        "ruby" => [RUBY, &[]],
        "java" => [JAVA, THREADS],
        "wasm" => [WASM, WASM_ACCESS],
        "wasm-wasi-component" => [WASM_COMPONENT, WASM_ACCESS],
        _ => return None,
    })
}

/// Programs of their own.
pub(super) const EXTERNAL: &[Rule] = &[
    option("executable", STRING).required(),
    option("arguments", ARRAY).check(c_strings),
];

const PYTHON: &[Rule] = &[
    option("home", STRING),
    option("path", STRING | ARRAY).check(strings),
    option("protocol", STRING).check(protocol),
    THREADS[0],
    THREADS[1],
];

const THREADS: &[Rule] = &[
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

const PHP: &[Rule] =
    &[option("options", OBJECT).check(|context, _, value| object(context, value, &[PHP_OPTIONS]))];

const PHP_OPTIONS: &[Rule] = &[
    option("file", STRING),
    option("admin", OBJECT).check(php_options),
    option("user", OBJECT).check(php_options),
];

/// One PHP application: an application without targets, or a target.
const PHP_TARGET: &[Rule] = &[
    option("root", STRING).required(),
    option("script", STRING),
    option("index", STRING),
];

const PHP_TARGETS: &[Rule] = &[
    option("root", ANY).check(exclusive),
    option("script", ANY).check(exclusive),
    option("index", ANY).check(exclusive),
    option("targets", OBJECT).check(|context, _, value| targets(context, value, PHP_TARGET)),
];

const PERL: &[Rule] = &[option("script", STRING).required()];

/// Ruby's threads have no stack size of ours.
const RUBY: &[Rule] = &[
    option("script", STRING).required(),
    option("hooks", STRING),
    THREADS[0],
];

const JAVA: &[Rule] = &[
    option("webapp", STRING).required(),
    option("classpath", ARRAY).check(c_strings),
    option("options", ARRAY).check(c_strings),
    option("unit_jars", STRING),
];

const WASM: &[Rule] = &[
    option("module", STRING).required(),
    option("request_handler", STRING).required(),
    option("malloc_handler", STRING).required(),
    option("free_handler", STRING).required(),
    option("module_init_handler", STRING),
    option("module_end_handler", STRING),
    option("request_init_handler", STRING),
    option("request_end_handler", STRING),
    option("response_end_handler", STRING),
];

const WASM_COMPONENT: &[Rule] = &[option("component", STRING).required()];

const WASM_ACCESS: &[Rule] =
    &[option("access", OBJECT).check(|context, _, value| object(context, value, &[FILESYSTEM]))];

/// Unit takes any elements and crashes its module on those that are no strings.
const FILESYSTEM: &[Rule] = &[option("filesystem", ARRAY).check(c_strings)];

fn php_options(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    for (name, value) in value.members() {
        if name.is_empty() {
            return refuse("The PHP option name must not be empty.");
        }
        if value.as_str().is_none() {
            return refuse(format!("The \"{name}\" PHP option must be a string."));
        }
    }
    Ok(())
}

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

/// Strings that C programs and libraries take.
fn c_strings(_: &Context<'_>, name: &str, value: &Value) -> Checked {
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

    #[test]
    fn options_of_the_other_languages() {
        let app = |text: &str| format!(r#"{{"applications": {{"a": {{{text}}}}}}}"#);
        let php = |text: &str| app(&format!(r#""type": "php 8.2", {text}"#));
        details(&[
            (
                &php(r#""root": "/www", "script": "a.php", "index": "b""#),
                "",
            ),
            (
                &php(r#""index": "b""#),
                r#"Required parameter "root" is missing."#,
            ),
            (
                &php(r#""root": 1, "targets": {}"#),
                r#"The "root" option is mutually exclusive with the "targets" object."#,
            ),
            (
                &php(r#""targets": {"a": {"script": "x"}}"#),
                r#"Required parameter "root" is missing."#,
            ),
            (
                &php(r#""root": "/", "options": {"file": "/i", "admin": {"a": "1"}, "user": {}}"#),
                "",
            ),
            (
                &php(r#""root": "/", "options": {"user": {"": "1"}}"#),
                "The PHP option name must not be empty.",
            ),
            (
                &php(r#""root": "/", "options": {"admin": {"x": 1}}"#),
                r#"The "x" PHP option must be a string."#,
            ),
            (
                &php(r#""root": "/", "threads": 1"#),
                r#"Unknown parameter "threads"."#,
            ),
            (
                &app(r#""type": "perl", "script": "a", "threads": 2, "thread_stack_size": 65536"#),
                "",
            ),
            (
                &app(r#""type": "perl""#),
                r#"Required parameter "script" is missing."#,
            ),
            (
                &app(r#""type": "ruby", "script": "a", "hooks": "h", "threads": 2"#),
                "",
            ),
            (
                &app(r#""type": "ruby", "script": "a", "thread_stack_size": 65536"#),
                r#"Unknown parameter "thread_stack_size"."#,
            ),
            (
                &app(
                    r#""type": "java", "webapp": "w", "classpath": ["a"], "options": ["-D"], "unit_jars": "/j", "threads": 2"#,
                ),
                "",
            ),
            (
                &app(r#""type": "java", "webapp": "w", "classpath": [1]"#),
                r#"The "classpath" array must contain only string values."#,
            ),
            (
                &app(r#""type": "java", "webapp": "w", "options": ["\u0000"]"#),
                r#"The "options" array must not contain strings with null character."#,
            ),
            (
                &app(
                    r#""type": "wasm", "module": "m", "request_handler": "r", "malloc_handler": "m",
                    "free_handler": "f", "access": {"filesystem": ["/a"]}"#,
                ),
                "",
            ),
            (
                &app(r#""type": "wasm", "module": "m""#),
                r#"Required parameter "request_handler" is missing."#,
            ),
            (
                &app(r#""type": "wasm-wasi-component", "component": "c", "access": {"x": 1}"#),
                r#"Unknown parameter "x"."#,
            ),
            (
                &app(
                    r#""type": "wasm-wasi-component", "component": "c", "access": {"filesystem": [{}]}"#,
                ),
                r#"The "filesystem" array must contain only string values."#,
            ),
        ]);
    }
}
