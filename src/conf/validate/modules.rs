//! Which language module an application's `type` selects.

use std::path::PathBuf;

/// A language module, as discovery reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The language: the module's own type name, such as `python`.
    pub kind: String,
    /// The version of the language.
    pub version: String,
    /// The file of the module.
    pub file: PathBuf,
}

/// What runs an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected<'m> {
    /// A program linked with libunit; needs no module.
    External,
    /// A language module.
    Module(&'m Module),
}

/// Finds what runs an application of this `type`: `NAME`, `NAME VERSION` or `NAMEVERSION`. The
/// modules are sorted, highest version of a language first, so the first that fits is taken.
pub fn select_module<'m>(modules: &'m [Module], kind: &str) -> Option<Selected<'m>> {
    let end = kind
        .find(|character: char| character == ' ' || character.is_ascii_digit())
        .unwrap_or(kind.len());
    let (name, version) = kind.split_at(end);
    let version = version.strip_prefix(' ').unwrap_or(version);
    if matches!(name, "external" | "go") {
        return version.is_empty().then_some(Selected::External);
    }
    modules
        .iter()
        .find(|module| module.kind == name && fits(&module.version, version))
        .map(Selected::Module)
}

/// Whether `wanted` is a prefix of `version` that ends where a part of the version ends: where
/// digits begin or stop.
fn fits(version: &str, wanted: &str) -> bool {
    let Some(rest) = version.strip_prefix(wanted) else {
        return false;
    };
    match (wanted.bytes().last(), rest.bytes().next()) {
        (Some(last), Some(next)) => last.is_ascii_digit() != next.is_ascii_digit(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_prefixes_of_whole_parts() {
        let module = |version: &str| Module {
            kind: "python".to_owned(),
            version: version.to_owned(),
            file: PathBuf::new(),
        };
        let modules = [module("3.11.2"), module("3.9.1"), module("2.7.18")];
        let version = |kind: &str| match select_module(&modules, kind) {
            Some(Selected::Module(module)) => &module.version,
            Some(Selected::External) => "external",
            None => "none",
        };
        for (kind, expected) in [
            ("python", "3.11.2"),
            ("python ", "3.11.2"),
            ("python3", "3.11.2"),
            ("python 3.9", "3.9.1"),
            ("python3.11.2", "3.11.2"),
            ("python 2", "2.7.18"),
            ("python 3.", "3.11.2"),
            ("python 3.1", "none"),
            ("python 3.11.2.1", "none"),
            ("python  3", "none"),
            ("Python", "none"),
            ("php", "none"),
            ("", "none"),
            ("external", "external"),
            ("go", "external"),
            ("external 1", "none"),
        ] {
            assert_eq!(version(kind), expected, "{kind}");
        }
    }
}
