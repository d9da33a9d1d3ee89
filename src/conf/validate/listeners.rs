//! `listeners`, and the `pass` target that listeners and actions share.

use super::super::address::SocketName;
use super::super::json::Value;
use super::super::pass::{PassError, PassTarget};
use super::Context;
use super::conditions::addresses;
use super::rule::{
    ARRAY, BOOLEAN, Checked, FRACTION, INTEGER, OBJECT, STRING, at_least, object, option, refuse,
    truncated, types, unsupported,
};

pub(super) fn listeners(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    for (address, listener) in value.members() {
        if SocketName::parse(address).is_none() {
            return refuse(format!("The listener address \"{address}\" is invalid."));
        }
        types(address, listener, OBJECT)?;
        object(
            context,
            listener,
            &[&[
                option("pass", STRING).template().check(pass),
                option("application", STRING).check(application),
                option("forwarded", OBJECT).check(forwarded),
                option("client_ip", OBJECT).check(client_ip),
                option("backlog", INTEGER | FRACTION)
                    .check(|_, name, value| at_least(name, truncated(value), -1)),
                option("tls", OBJECT).check(unsupported),
            ]],
        )?;
    }
    Ok(())
}

fn forwarded(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    let has = |name| value.get_member(name).is_some();
    if !has("client_ip") && !has("protocol") {
        return refuse(
            "The \"forwarded\" object must have either \"client_ip\" or \"protocol\" option set.",
        );
    }
    object(
        context,
        value,
        &[&[
            option("client_ip", STRING),
            option("protocol", STRING),
            option("source", STRING | ARRAY).required().check(addresses),
            option("recursive", BOOLEAN),
        ]],
    )
}

/// The older form of [`forwarded`].
fn client_ip(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    object(
        context,
        value,
        &[&[
            option("source", STRING | ARRAY).required().check(addresses),
            option("header", STRING).required(),
            option("recursive", BOOLEAN),
        ]],
    )
}

/// The legacy `application`: a plain name.
fn application(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    let name = value.as_str().unwrap_or_default();
    match member(context.root, &["applications", name]) {
        Some(_) => Ok(()),
        None => refuse(format!(
            "Listening socket is assigned for a non existing application \"{name}\"."
        )),
    }
}

/// `pass`: what it names must be there.
pub(super) fn pass(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    let text = value.as_str().unwrap_or_default();
    let root = context.root;
    let exists = match PassTarget::parse(text) {
        Ok(PassTarget::Application { name, target: None }) => {
            member(root, &["applications", &name]).is_some()
        }
        Ok(PassTarget::Application {
            name,
            target: Some(target),
        }) => member(root, &["applications", &name, "targets", &target]).is_some(),
        Ok(PassTarget::Upstream(name)) => member(root, &["upstreams", &name]).is_some(),
        Ok(PassTarget::Route(None)) => matches!(root.get_member("routes"), Some(Value::Array(_))),
        Ok(PassTarget::Route(Some(name))) => member(root, &["routes", &name]).is_some(),
        Err(PassError::Invalid) => {
            return refuse(format!("Request \"pass\" value \"{text}\" is invalid."));
        }
        Err(PassError::NoSuchPlace) => false,
    };
    match exists {
        true => Ok(()),
        false => refuse(format!(
            "Request \"pass\" points to invalid location \"{text}\"."
        )),
    }
}

fn member<'v>(root: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter()
        .try_fold(root, |value, name| value.get_member(name))
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    #[test]
    fn listeners() {
        let listener = |text: &str| format!(r#"{{"routes": [], "listeners": {{"*:80": {text}}}}}"#);
        details(&[
            (&listener(r#"{"pass": "routes"}"#), ""),
            (&listener("{}"), ""),
            (&listener(r#"{"pass": "routes", "backlog": -1}"#), ""),
            (
                &listener("[]"),
                r#"The "*:80" value must be an object, but not an array."#,
            ),
            (
                &listener(r#"{"pass": "routes", "backlog": -2}"#),
                r#"The "backlog" number must be equal to or greater than -1."#,
            ),
            (
                &listener(r#"{"pass": "routes", "backlog": 1e10}"#),
                r#"The "backlog" number must not exceed 2147483647."#,
            ),
            (
                &listener(r#"{"backlog": "1"}"#),
                r#"The "backlog" value must be either an integer number or a fractional number, but not a string."#,
            ),
            (
                &listener(r#"{"tls": {}}"#),
                r#"The "tls" option is not supported yet."#,
            ),
            (
                &listener(r#"{"forwarded": {}}"#),
                r#"The "forwarded" object must have either "client_ip" or "protocol" option set."#,
            ),
            (
                &listener(r#"{"forwarded": {"protocol": "X"}}"#),
                r#"Required parameter "source" is missing."#,
            ),
            (
                &listener(r#"{"forwarded": {"protocol": "X", "source": "10.0.0.0/33"}}"#),
                r#"The "address" has an invalid CIDR prefix."#,
            ),
            (
                &listener(r#"{"forwarded": {"client_ip": "X", "source": [], "recursive": true}}"#),
                "",
            ),
            (
                &listener(r#"{"client_ip": {"source": "unix"}}"#),
                r#"Required parameter "header" is missing."#,
            ),
            (
                &listener(r#"{"client_ip": {"header": "X", "source": "unix", "protocol": "Y"}}"#),
                r#"Unknown parameter "protocol"."#,
            ),
            (
                &listener(r#"{"application": "a"}"#),
                r#"Listening socket is assigned for a non existing application "a"."#,
            ),
            (
                r#"{"listeners": {"localhost:80": {}}}"#,
                r#"The listener address "localhost:80" is invalid."#,
            ),
            (
                r#"{"listeners": {"*:x": 1}}"#,
                r#"The listener address "*:x" is invalid."#,
            ),
        ]);
    }

    #[test]
    fn pass_targets_must_exist() {
        let array = |pass: &str| {
            format!(r#"{{"routes": [], "listeners": {{"*:80": {{"pass": "{pass}"}}}}}}"#)
        };
        let named = |pass: &str| {
            format!(
                r#"{{"routes": {{"a/b": []}}, "applications": {{"x": {{"type": "python", "targets": {{"t": {{"module": "m"}}}}}}}},
                    "listeners": {{"*:80": {{"pass": "{pass}"}}}}}}"#
            )
        };
        for pass in [
            "routes/a%2Fb",
            "applications/x",
            "applications/x/t",
            "routes/$uri",
            "$host",
        ] {
            details(&[(&named(pass), "")]);
        }
        for pass in [
            "routes",
            "routes/a",
            "applications/y",
            "applications/x/u",
            "upstreams/u",
            "x",
            "applications",
        ] {
            details(&[(
                &named(pass),
                &format!(r#"Request "pass" points to invalid location "{pass}"."#),
            )]);
        }
        details(&[
            (
                &array("routes/a"),
                r#"Request "pass" points to invalid location "routes/a"."#,
            ),
            (
                &array("routes/"),
                r#"Request "pass" value "routes/" is invalid."#,
            ),
            (
                &array("$nope"),
                r#"Unknown variable "nope" in the "pass" value."#,
            ),
            (
                &array("a$"),
                r#"Invalid variable at position 1 in the "pass" value."#,
            ),
            (
                &array("`x`"),
                r#"Unit is built without support of njs: "--njs" ./configure option is missing. in the "pass" value."#,
            ),
        ]);
    }
}
