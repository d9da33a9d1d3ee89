//! The language modules that discovery has found, and which one runs an application.
//!
//! Discovery reports them to main in a `MODULES` message whose body is a JSON array of objects
//! with `type` (a `NXT_APP_*` number), `name`, `version`, `file` and `mounts` (each with `src`,
//! `dst`, `name`, `type`, `flags`, `data`), the form of Unit 1.35.0.
#![forbid(unsafe_code)]

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use crate::abi::application::{
    NXT_APP_EXTERNAL, NXT_APP_JAVA, NXT_APP_PERL, NXT_APP_PHP, NXT_APP_PYTHON, NXT_APP_RUBY,
    NXT_APP_WASM, NXT_APP_WASM_WC, nxt_app_type_t,
};
use crate::conf::json::{self, Value};
use crate::conf::validate::{self, Selected, select_module};

/// Names of application types as the configuration spells them.
const TYPES: [(&str, nxt_app_type_t); 9] = [
    ("external", NXT_APP_EXTERNAL),
    ("go", NXT_APP_EXTERNAL),
    ("python", NXT_APP_PYTHON),
    ("php", NXT_APP_PHP),
    ("perl", NXT_APP_PERL),
    ("ruby", NXT_APP_RUBY),
    ("java", NXT_APP_JAVA),
    ("wasm-wasi-component", NXT_APP_WASM_WC),
    ("wasm", NXT_APP_WASM),
];

/// The number of a type's name, without a version.
pub fn type_number(name: &str) -> Option<nxt_app_type_t> {
    TYPES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|&(_, number)| number)
}

/// Splits the `type` of an application into name and version: `python 3.11`, `python3`, `php`.
pub fn split_type(text: &str) -> (&str, &str) {
    match text.find(|c: char| c == ' ' || c.is_ascii_digit()) {
        Some(end) => (
            &text[..end],
            text[end..].strip_prefix(' ').unwrap_or(&text[end..]),
        ),
        None => (text, ""),
    }
}

/// A mount that a language needs inside of a new root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub src: String,
    /// Where, below the new root.
    pub dst: String,
    /// The kernel's name of the file system.
    pub name: String,
    /// A `NXT_FS_*` number.
    pub kind: u32,
    /// `NXT_FS_FLAGS_*` bits.
    pub flags: u32,
    /// Options; may be empty.
    pub data: String,
}

/// A language module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// A `NXT_APP_*` number.
    pub kind: nxt_app_type_t,
    /// The language's name.
    pub name: String,
    /// The language's version.
    pub version: String,
    /// The shared object.
    pub file: PathBuf,
    /// What it needs to see.
    pub mounts: Vec<Mount>,
}

/// What runs an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner<'a> {
    /// A program of its own.
    External,
    /// A module.
    Module(&'a Module),
}

/// All modules, the highest version of a language first.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    list: Vec<Module>,
    /// The same in the same order, as the validation of a configuration sees them.
    summary: Vec<validate::Module>,
}

impl Modules {
    /// Those of the list.
    pub fn new(mut list: Vec<Module>) -> Modules {
        list.sort_by(|a, b| {
            a.kind
                .cmp(&b.kind)
                .then_with(|| compare_versions(&b.version, &a.version))
        });
        let summary = list.iter().map(|module| validate::Module {
            kind: module.name.clone(),
            version: module.version.clone(),
            file: module.file.clone(),
        });
        Modules {
            summary: summary.collect(),
            list,
        }
    }

    /// What the controller knows of them.
    pub fn summary(&self) -> &[validate::Module] {
        &self.summary
    }

    /// What runs applications of a `type` text; `None` if no module does.
    pub fn find(&self, text: &str) -> Option<Runner<'_>> {
        match select_module(&self.summary, text)? {
            Selected::External => Some(Runner::External),
            Selected::Module(chosen) => self
                .list
                .iter()
                .find(|module| module.file == chosen.file)
                .map(Runner::Module),
        }
    }

    /// The body of the `MODULES` message.
    pub fn to_json(&self) -> String {
        let list = self.list.iter().map(module_to_json).collect();
        json::compact(&Value::Array(list))
    }

    /// Reads what [`to_json`](Self::to_json) wrote; `None` if it is anything else.
    pub fn from_json(text: &[u8]) -> Option<Modules> {
        let Value::Array(list) = json::parse(text).ok()? else {
            return None;
        };
        Some(Modules::new(
            list.iter().map(module_from_json).collect::<Option<_>>()?,
        ))
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
    )
}

fn module_to_json(module: &Module) -> Value {
    let mounts = module.mounts.iter().map(|mount| {
        object([
            ("src", Value::string(&*mount.src)),
            ("dst", Value::string(&*mount.dst)),
            ("name", Value::string(&*mount.name)),
            ("type", Value::integer(mount.kind)),
            ("flags", Value::integer(mount.flags)),
            ("data", Value::string(&*mount.data)),
        ])
    });
    object([
        ("type", Value::integer(module.kind)),
        ("name", Value::string(&*module.name)),
        ("version", Value::string(&*module.version)),
        ("file", Value::string(module.file.to_string_lossy())),
        ("mounts", Value::Array(mounts.collect())),
    ])
}

fn module_from_json(value: &Value) -> Option<Module> {
    let text = |value: &Value, name: &str| Some(value.get_member(name)?.as_str()?.to_owned());
    let number =
        |value: &Value, name: &str| u32::try_from(value.get_member(name)?.as_integer()?).ok();
    let Value::Array(mounts) = value.get_member("mounts")? else {
        return None;
    };
    let mount = |mount: &Value| {
        Some(Mount {
            src: text(mount, "src")?,
            dst: text(mount, "dst")?,
            name: text(mount, "name")?,
            kind: number(mount, "type")?,
            flags: number(mount, "flags")?,
            data: text(mount, "data")?,
        })
    };
    Some(Module {
        kind: number(value, "type")?,
        name: text(value, "name")?,
        version: text(value, "version")?,
        file: Path::new(&text(value, "file")?).to_owned(),
        mounts: mounts.iter().map(mount).collect::<Option<_>>()?,
    })
}

/// Orders versions: runs of digits count as numbers, everything else byte by byte.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let (Some(&x), Some(&y)) = (a.first(), b.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number_a, rest_a) = split_number(a);
            let (number_b, rest_b) = split_number(b);
            let order = number_a
                .len()
                .cmp(&number_b.len())
                .then_with(|| number_a.cmp(number_b));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest_a, rest_b);
        } else if x == y {
            (a, b) = (&a[1..], &b[1..]);
        } else {
            return x.cmp(&y);
        }
    }
    a.len().cmp(&b.len())
}

/// The leading digits without their leading zeros, and what follows.
fn split_number(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(bytes.len());
    let zeros = bytes[..end].iter().position(|&b| b != b'0').unwrap_or(end);
    (&bytes[zeros..end], &bytes[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(kind: nxt_app_type_t, version: &str) -> Module {
        let mount = Mount {
            src: "/usr/lib".into(),
            dst: "/usr/lib".into(),
            name: "bind".into(),
            kind: 1,
            flags: 3,
            data: String::new(),
        };
        Module {
            kind,
            name: "python".into(),
            version: version.into(),
            file: format!("/m/{version}.unit.so").into(),
            mounts: vec![mount],
        }
    }

    #[test]
    fn the_highest_version_that_matches_runs_an_application() {
        let modules = Modules::new(
            ["2.7.18", "3.9.2", "3.11.2"]
                .into_iter()
                .map(|v| module(NXT_APP_PYTHON, v))
                .collect(),
        );
        let version = |text: &str| match modules.find(text) {
            Some(Runner::Module(module)) => Some(module.version.clone()),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(version("python").unwrap(), "3.11.2");
        assert_eq!(version("python 3").unwrap(), "3.11.2");
        assert_eq!(version("python3.9").unwrap(), "3.9.2");
        assert_eq!(version("python 2").unwrap(), "2.7.18");
        assert_eq!(modules.find("python 3.1"), None);
        assert_eq!(modules.find("php"), None);
        assert_eq!(modules.find("external"), Some(Runner::External));
    }

    #[test]
    fn the_list_survives_its_message() {
        let modules = Modules::new(vec![
            module(NXT_APP_PYTHON, "3.11"),
            module(NXT_APP_PHP, "8"),
        ]);
        let read = Modules::from_json(modules.to_json().as_bytes()).unwrap();
        assert_eq!(read.list, modules.list);
        assert!(Modules::from_json(b"[{\"type\":1}]").is_none());
        assert!(Modules::from_json(b"{}").is_none());
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let ordered = ["", "2.7", "3", "3.2", "3.09", "3.10", "3.10.1", "3.10b"];
        for pair in ordered.windows(2) {
            assert_eq!(
                compare_versions(pair[0], pair[1]),
                Ordering::Less,
                "{pair:?}"
            );
        }
        assert_eq!(compare_versions("3.01", "3.1"), Ordering::Equal);
    }
}
