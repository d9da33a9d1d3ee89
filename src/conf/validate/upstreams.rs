//! `upstreams`: groups of servers that requests are spread over.

use super::super::address::SocketName;
use super::super::json::Value;
use super::Context;
use super::rule::{Checked, FRACTION, INTEGER, OBJECT, object, option, refuse, types};

/// The largest weight.
const MAX_WEIGHT: f64 = 1_000_000.0;

pub(super) fn upstreams(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    for (name, upstream) in value.members() {
        types(name, upstream, OBJECT)?;
        object(
            context,
            upstream,
            &[&[option("servers", OBJECT).check(servers)]],
        )?;
        if upstream.get_member("servers").is_none() {
            return refuse(format!(
                "The \"{name}\" upstream must contain \"servers\" object value."
            ));
        }
    }
    Ok(())
}

fn servers(context: &Context<'_>, _: &str, value: &Value) -> Checked {
    for (address, server) in value.members() {
        types(address, server, OBJECT)?;
        if SocketName::parse(address).is_none() {
            return refuse(format!("The \"{address}\" is not valid server address."));
        }
        object(
            context,
            server,
            &[&[option("weight", INTEGER | FRACTION).check(weight)]],
        )?;
    }
    Ok(())
}

fn weight(_: &Context<'_>, _: &str, value: &Value) -> Checked {
    match value.as_f64().unwrap_or_default() {
        ..0.0 => refuse("The \"weight\" number must be positive."),
        0.0..=MAX_WEIGHT => Ok(()),
        _ => refuse("The \"weight\" number must not exceed 1,000,000"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::details;

    #[test]
    fn upstreams() {
        let servers = |text: &str| format!(r#"{{"upstreams": {{"u": {{"servers": {text}}}}}}}"#);
        details(&[
            (r#"{"upstreams": {}}"#, ""),
            (&servers("{}"), ""),
            (
                &servers(r#"{"127.0.0.1:80": {}, "unix:/s": {"weight": 0.5}}"#),
                "",
            ),
            (
                r#"{"upstreams": {"u": {}}}"#,
                r#"The "u" upstream must contain "servers" object value."#,
            ),
            (
                r#"{"upstreams": {"u": []}}"#,
                r#"The "u" value must be an object, but not an array."#,
            ),
            (
                r#"{"upstreams": {"u": {"servers": []}}}"#,
                r#"The "servers" value must be an object, but not an array."#,
            ),
            (
                &servers(r#"{"127.0.0.1": {}}"#),
                r#"The "127.0.0.1" is not valid server address."#,
            ),
            (
                &servers(r#"{"127.0.0.1:80": {"weight": -0.1}}"#),
                r#"The "weight" number must be positive."#,
            ),
            (
                &servers(r#"{"127.0.0.1:80": {"weight": 1000000.1}}"#),
                r#"The "weight" number must not exceed 1,000,000"#,
            ),
            (
                &servers(r#"{"127.0.0.1:80": {"weight": "1"}}"#),
                r#"The "weight" value must be either an integer number or a fractional number, but not a string."#,
            ),
        ]);
    }
}
