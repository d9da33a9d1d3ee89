//! The router's part of `/status`.

use std::sync::Arc;

use super::app::App;
use super::counters::Totals;
use crate::conf::json::{Value, compact};

fn object(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    let mut object = Value::object();
    for (name, value) in members {
        object.set_member(&name, value);
    }
    object
}

fn numbers(members: &[(&str, u64)]) -> Value {
    let number = |n: u64| Value::integer(i64::try_from(n).unwrap_or(i64::MAX));
    object(
        members
            .iter()
            .map(|&(name, n)| (name.to_owned(), number(n))),
    )
}

/// The members `connections`, `requests` and `applications` as compact JSON.
pub(super) fn report(totals: &Totals, apps: &[Arc<App>]) -> String {
    let app = |app: &Arc<App>| {
        let counts = app.counts();
        let processes = numbers(&[
            ("running", counts.running.into()),
            ("starting", counts.starting.into()),
            ("idle", counts.idle.into()),
        ]);
        let requests = numbers(&[("active", counts.active.into())]);
        let members = [
            ("processes".to_owned(), processes),
            ("requests".to_owned(), requests),
        ];
        (app.name.clone(), object(members))
    };
    let connections = numbers(&[
        ("accepted", totals.accepted),
        ("active", totals.active),
        ("idle", totals.idle),
        ("closed", totals.closed),
    ]);
    compact(&object([
        ("connections".to_owned(), connections),
        (
            "requests".to_owned(),
            numbers(&[("total", totals.requests)]),
        ),
        ("applications".to_owned(), object(apps.iter().map(app))),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::app::tests::test_app;

    #[test]
    fn the_members_are_those_of_unit_in_its_order() {
        let (hub, _events) = crate::router::app::tests::test_hub();
        let apps = [test_app(&hub, "b"), test_app(&hub, "a\"")];
        let totals = Totals {
            accepted: 5,
            active: 2,
            idle: 1,
            closed: 2,
            requests: 9,
        };
        let zero = "{\"processes\":{\"running\":0,\"starting\":0,\"idle\":0},\
                    \"requests\":{\"active\":0}}";
        assert_eq!(
            report(&totals, &apps),
            format!(
                "{{\"connections\":{{\"accepted\":5,\"active\":2,\"idle\":1,\"closed\":2}},\
                 \"requests\":{{\"total\":9}},\"applications\":{{\"b\":{zero},\"a\\\"\":{zero}}}}}"
            )
        );
    }
}
