//! Limits of the processes of a role: `settings.router`, and `limits` of an application.

use super::json::{Value, compact};

/// The fewest descriptors that a process of the daemon can start with.
pub const LEAST_NOFILE: u64 = 64;

/// CPU numbers are smaller than this (the kernel's `CONFIG_NR_CPUS` of common builds, and the size of
/// `cpu_set_t`).
const MAX_CPUS: usize = 1024;

/// `cpu_affinity`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// `"auto"`: each thread or process has one of the allowed CPUs to itself, in turn.
    Auto,
    /// All share these, in ascending order.
    Cpus(Vec<usize>),
}

/// The limits of a role. `None` = as inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessLimits {
    /// `rlimit_nofile`: open descriptors.
    pub nofile: Option<u64>,
    /// `rlimit_core`: bytes of a core file.
    pub core: Option<u64>,
    /// `priority`: the nice value, -20 to 19.
    pub priority: Option<i32>,
    /// `cpu_affinity`
    pub affinity: Option<Affinity>,
}

/// A member that has no meaning; its text is for the client of the control API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LimitsError(String);

impl ProcessLimits {
    /// Reads the members of an object that holds others too.
    pub fn from_json(value: &Value) -> Result<ProcessLimits, LimitsError> {
        let number = |name: &str, least: i64, most: i64| {
            let Some(value) = value.get_member(name) else {
                return Ok(None);
            };
            match value.as_integer() {
                Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
                _ => Err(LimitsError(format!(
                    "The \"{name}\" number must be in the range from {least} to {most}."
                ))),
            }
        };
        let positive = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        Ok(ProcessLimits {
            nofile: positive(number(
                "rlimit_nofile",
                LEAST_NOFILE.cast_signed(),
                i64::from(i32::MAX),
            )?),
            core: positive(number("rlimit_core", 0, 1 << 53)?),
            priority: number("priority", -20, 19)?.and_then(|nice| i32::try_from(nice).ok()),
            affinity: value.get_member("cpu_affinity").map(affinity).transpose()?,
        })
    }

    /// The members that are there, as JSON text.
    pub fn to_json(&self) -> String {
        let mut object = Value::object();
        let mut number = |name: &str, number: Option<i64>| {
            if let Some(number) = number {
                object.set_member(name, Value::integer(number));
            }
        };
        number("rlimit_nofile", self.nofile.map(u64::cast_signed));
        number("rlimit_core", self.core.map(u64::cast_signed));
        number("priority", self.priority.map(i64::from));
        compact(&object)
    }

    /// The CPUs that `cpu_affinity` lists.
    pub fn cpus(&self) -> Option<&[usize]> {
        match &self.affinity {
            Some(Affinity::Cpus(cpus)) => Some(cpus),
            _ => None,
        }
    }

    /// Whether `cpu_affinity` is `"auto"`.
    pub fn spread(&self) -> bool {
        self.affinity == Some(Affinity::Auto)
    }
}

fn affinity(value: &Value) -> Result<Affinity, LimitsError> {
    if value.as_str() == Some("auto") {
        return Ok(Affinity::Auto);
    }
    let mut cpus = Vec::new();
    for element in value.elements_or_itself() {
        let read = match element.as_str() {
            Some(text) => ranges(text),
            None => element
                .as_integer()
                .and_then(|cpu| usize::try_from(cpu).ok())
                .map(|cpu| vec![cpu]),
        };
        cpus.extend(read.unwrap_or_else(|| vec![MAX_CPUS]));
    }
    cpus.sort_unstable();
    cpus.dedup();
    match cpus.last() {
        Some(&last) if last < MAX_CPUS => Ok(Affinity::Cpus(cpus)),
        _ => Err(LimitsError(format!(
            "The \"cpu_affinity\" value must be \"auto\", or CPU numbers less than {MAX_CPUS} and ranges of them."
        ))),
    }
}

/// `0-3,8`
fn ranges(text: &str) -> Option<Vec<usize>> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: usize = digits.then(|| text.parse().ok())??;
        (number < MAX_CPUS).then_some(number)
    };
    let mut cpus = Vec::new();
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use super::*;

    fn read(text: &str) -> Result<ProcessLimits, LimitsError> {
        ProcessLimits::from_json(&parse(text.as_bytes()).unwrap())
    }

    fn cpus(text: &str) -> Option<Vec<usize>> {
        let limits = read(&format!(r#"{{"cpu_affinity": {text}}}"#)).ok()?;
        limits.cpus().map(<[usize]>::to_vec)
    }

    #[test]
    fn limits_are_read_and_travel() {
        assert_eq!(read("{}").unwrap(), ProcessLimits::default());
        let text = r#"{"rlimit_nofile":1024,"rlimit_core":0,"priority":-5}"#;
        let limits = read(text).unwrap();
        assert_eq!(
            (limits.nofile, limits.core, limits.priority),
            (Some(1024), Some(0), Some(-5))
        );
        assert_eq!(limits.to_json(), text);
        assert!(
            read(r#"{"cpu_affinity": "auto", "x": 1}"#)
                .unwrap()
                .spread()
        );
        for wrong in [
            r#"{"rlimit_nofile": 63}"#,
            r#"{"rlimit_nofile": 1e12}"#,
            r#"{"rlimit_core": -1}"#,
            r#"{"priority": 20}"#,
            r#"{"priority": "1"}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cpus_are_numbers_and_ranges() {
        assert_eq!(cpus("0"), Some(vec![0]));
        assert_eq!(cpus("[2, 0, 2]"), Some(vec![0, 2]));
        assert_eq!(cpus(r#""0-2,8""#), Some(vec![0, 1, 2, 8]));
        assert_eq!(cpus(r#"["4-5", 1]"#), Some(vec![1, 4, 5]));
        for wrong in [
            "[]",
            "1024",
            "-1",
            "1.5",
            "null",
            r#""""#,
            r#""3-1""#,
            r#""1-""#,
            r#""+1""#,
            r#""0-99999999999""#,
            r#""Auto""#,
            r#"["auto"]"#,
        ] {
            assert_eq!(cpus(wrong), None, "{wrong}");
        }
    }
}
