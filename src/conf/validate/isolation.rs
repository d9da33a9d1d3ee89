//! `isolation` of an application.

use super::super::json::Value;
use super::Context;
use super::rule::{ARRAY, BOOLEAN, Checked, INTEGER, OBJECT, Rule, STRING, object, option, refuse};

/// How long a path may be for the kernel (`PATH_MAX`), bytes, its end included.
const MAX_PATH: usize = 4096;

pub(super) fn isolation(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(context, value, &[ISOLATION])
}

const ISOLATION: &[Rule] = &[
    option("namespaces", OBJECT).check(|context, _, value| object(context, value, &[NAMESPACES])),
    option("uidmap", ARRAY).check(id_map),
    option("gidmap", ARRAY).check(id_map),
    option("rootfs", STRING).check(rootfs),
    option("automount", OBJECT).check(|context, _, value| object(context, value, &[AUTOMOUNT])),
    option("new_privs", BOOLEAN),
    option("cgroup", OBJECT).check(|context, _, value| object(context, value, &[CGROUP])),
];

const NAMESPACES: &[Rule] = &[
    option("credential", BOOLEAN),
    option("pid", BOOLEAN),
    option("network", BOOLEAN),
    option("mount", BOOLEAN),
    option("uname", BOOLEAN),
    option("cgroup", BOOLEAN),
];

const ID_RANGE: &[Rule] = &[
    option("container", INTEGER).required(),
    option("host", INTEGER).required(),
    option("size", INTEGER).required(),
];

const AUTOMOUNT: &[Rule] = &[
    option("language_deps", BOOLEAN),
    option("tmpfs", BOOLEAN),
    option("procfs", BOOLEAN),
];

const CGROUP: &[Rule] = &[option("path", STRING).required().check(cgroup_path)];

fn id_map(context: &Context<'_>, name: &str, value: &Value) -> Checked {
    for range in value.elements_or_itself() {
        if !matches!(range, Value::Object(_)) {
            return refuse(format!(
                "The \"{name}\" array must contain only object values."
            ));
        }
        object(context, range, &[ID_RANGE])?;
    }
    Ok(())
}

/// Whether the path can be a root is found out when it becomes one.
fn rootfs(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    match value.as_str() {
        Some(path) if path.contains('\0') => {
            refuse("The \"rootfs\" value must not contain null character.")
        }
        _ => Ok(()),
    }
}

fn cgroup_path(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    let path = value.as_str().unwrap_or_default();
    if path.len() >= MAX_PATH {
        return refuse(format!("The cgroup path \"{path}\" is too long."));
    }
    let mut parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let leads_out = path.split('/').any(|part| part == "..");
    if leads_out || path.contains('\0') || parts.next().is_none() {
        return refuse(format!("The cgroup path \"{path}\" is invalid."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    #[test]
    fn isolation() {
        let of = |text: &str| {
            format!(
                r#"{{"applications": {{"a": {{"type": "external", "executable": "/x",
                    "isolation": {text}}}}}}}"#
            )
        };
        let long = format!(r#"{{"cgroup": {{"path": "{}"}}}}"#, "x".repeat(4096));
        let too_long = format!(r#"The cgroup path "{}" is too long."#, "x".repeat(4096));
        let range = r#"{"container": 1, "host": 2, "size": 3}"#;
        details(&[
            (&of("{}"), ""),
            (
                &of(
                    r#"{"namespaces": {"credential": true, "pid": true, "network": true,
                    "mount": true, "uname": true, "cgroup": false}}"#,
                ),
                "",
            ),
            (
                &of(r#"{"namespaces": {"time": true}}"#),
                r#"Unknown parameter "time"."#,
            ),
            (
                &of(r#"{"namespaces": {"pid": 1}}"#),
                r#"The "pid" value must be a boolean, but not an integer number."#,
            ),
            (
                &of(&format!(r#"{{"uidmap": [{range}], "gidmap": []}}"#)),
                "",
            ),
            (
                &of(r#"{"gidmap": [1]}"#),
                r#"The "gidmap" array must contain only object values."#,
            ),
            (
                &of(r#"{"uidmap": [{"container": 1, "host": 2}]}"#),
                r#"Required parameter "size" is missing."#,
            ),
            (
                &of(
                    r#"{"rootfs": "/r", "automount": {"language_deps": true, "tmpfs": false,
                    "procfs": false}, "new_privs": false, "cgroup": {"path": "/a/b"}}"#,
                ),
                "",
            ),
            (
                &of(r#"{"automount": {"sysfs": true}}"#),
                r#"Unknown parameter "sysfs"."#,
            ),
            (
                &of(r#"{"rootfs": "/a\u0000b"}"#),
                r#"The "rootfs" value must not contain null character."#,
            ),
            (
                &of(r#"{"cgroup": {}}"#),
                r#"Required parameter "path" is missing."#,
            ),
            (
                &of(r#"{"cgroup": {"path": ""}}"#),
                r#"The cgroup path "" is invalid."#,
            ),
            (
                &of(r#"{"cgroup": {"path": "/"}}"#),
                r#"The cgroup path "/" is invalid."#,
            ),
            (
                &of(r#"{"cgroup": {"path": "a/../b"}}"#),
                r#"The cgroup path "a/../b" is invalid."#,
            ),
            (&of(&long), &too_long),
        ]);
    }
}
