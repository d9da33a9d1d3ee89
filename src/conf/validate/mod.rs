//! Validation of a configuration document, in the order and with the error texts of Unit 1.35.0.
//!
//! Required members of an object are looked for first; then its members are walked in document
//! order, and the first mistake ends the walk. What this version does not do yet is refused here
//! with `The "OPTION" option is not supported yet.`, so that no option is accepted and ignored.

mod access_log;
mod applications;
mod conditions;
mod isolation;
mod languages;
mod limits;
mod listeners;
mod modules;
mod routes;
mod rule;
mod settings;
mod upstreams;

pub use modules::{Module, Selected, select_module};

use super::json::Value;
use rule::{ARRAY, OBJECT, STRING, option};

/// Why a document is refused: the `detail` of the control API's answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// What checks look at besides the value at hand.
struct Context<'a> {
    /// The whole document.
    root: &'a Value,
    /// The language modules there are, highest version of each language first.
    modules: &'a [Module],
}

/// Checks a whole document.
pub fn validate(document: &Value, modules: &[Module]) -> Result<(), Invalid> {
    let context = Context {
        root: document,
        modules,
    };
    rule::root_type(document)?;
    rule::object(
        &context,
        document,
        &[&[
            option("settings", OBJECT).check(settings::settings),
            option("listeners", OBJECT).check(listeners::listeners),
            option("routes", ARRAY | OBJECT).check(routes::routes),
            option("applications", OBJECT).check(applications::applications),
            option("upstreams", OBJECT).check(upstreams::upstreams),
            option("access_log", STRING | OBJECT).check(access_log::access_log),
        ]],
    )
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use super::*;

    /// Validates with Python 3.11 and 3.9 and one of each other language at hand; the detail of the error.
    pub(super) fn refused(text: &str) -> Option<String> {
        let module = |kind: &str, version: &str| Module {
            kind: kind.to_owned(),
            version: version.to_owned(),
            file: format!("/modules/{kind}.unit.so").into(),
        };
        let modules = [
            module("python", "3.11.2"),
            module("python", "3.9.1"),
            module("php", "8.2.1"),
            module("perl", "5.36.0"),
            module("ruby", "3.1.2"),
            module("java", "17.0.15"),
            module("wasm", "0.1"),
            module("wasm-wasi-component", "0.1"),
        ];
        let document = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        validate(&document, &modules).err().map(|error| error.0)
    }

    /// A configuration with an external application that has these options.
    pub(super) fn external(text: &str) -> String {
        format!(
            r#"{{"applications": {{"a": {{"type": "external", "executable": "/x", {text}}}}}}}"#
        )
    }

    /// Asserts for pairs of document and detail; no detail = accepted.
    pub(super) fn details(cases: &[(&str, &str)]) {
        for (text, detail) in cases {
            assert_eq!(refused(text).unwrap_or_default(), *detail, "{text}");
        }
    }

    #[test]
    fn the_top_level() {
        details(&[
            ("{}", ""),
            (r#"{"listeners": {}, "routes": [], "applications": {}}"#, ""),
            (r#"{"listeners": {}, "routes": {}, "settings": {}}"#, ""),
            (
                "[]",
                "The configuration must be an object, but not an array.",
            ),
            (
                "null",
                "The configuration must be an object, but not a null.",
            ),
            (
                "1",
                "The configuration must be an object, but not an integer number.",
            ),
            (
                "1.5",
                "The configuration must be an object, but not a fractional number.",
            ),
            (r#"{"a": 1}"#, r#"Unknown parameter "a"."#),
            (
                r#"{"listeners": true}"#,
                r#"The "listeners" value must be an object, but not a boolean."#,
            ),
            (
                r#"{"routes": "x"}"#,
                r#"The "routes" value must be either an array or an object, but not a string."#,
            ),
            (
                r#"{"access_log": 1}"#,
                r#"The "access_log" value must be either a string or an object, but not an integer number."#,
            ),
        ]);
    }
}
