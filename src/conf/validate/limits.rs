//! `settings.router`, and the same members of an application's `limits`.

use super::super::json::Value;
use super::super::limits::ProcessLimits;
use super::rule::{ARRAY, Checked, INTEGER, Rule, STRING, option, refuse};

/// Members that limit the processes of a role.
pub(super) const PROCESS_LIMITS: &[Rule] = &[
    option("rlimit_nofile", INTEGER),
    option("rlimit_core", INTEGER),
    option("priority", INTEGER),
    option("cpu_affinity", INTEGER | STRING | ARRAY),
];

/// Checks the values of these members, whose types have been checked.
pub(super) fn process_limits(value: &Value) -> Checked {
    match ProcessLimits::from_json(value) {
        Ok(_) => Ok(()),
        Err(error) => refuse(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{details, external};

    #[test]
    fn limits_of_an_application() {
        let limits = |text: &str| external(&format!(r#""limits": {text}"#));
        let affinity = "The \"cpu_affinity\" value must be \"auto\", or CPU numbers less than 1024 and ranges of them.";
        details(&[
            (
                &limits(
                    r#"{"timeout": 1, "rlimit_nofile": 64, "rlimit_core": 0, "priority": 19, "cpu_affinity": [0, "2-3"]}"#,
                ),
                "",
            ),
            (&limits(r#"{"cpu_affinity": "auto"}"#), ""),
            (
                &limits(r#"{"rlimit_nofile": 1}"#),
                r#"The "rlimit_nofile" number must be in the range from 64 to 2147483647."#,
            ),
            (
                &limits(r#"{"rlimit_core": -1}"#),
                r#"The "rlimit_core" number must be in the range from 0 to 9007199254740992."#,
            ),
            (
                &limits(r#"{"priority": 1.5}"#),
                r#"The "priority" value must be an integer number, but not a fractional number."#,
            ),
            (&limits(r#"{"cpu_affinity": "all"}"#), affinity),
            (&limits(r#"{"cpu_affinity": []}"#), affinity),
        ]);
    }
}
