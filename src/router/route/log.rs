//! The records of `settings.http.log_route`.

use super::Route;
use super::text::Text;
use crate::router::request::Request;
use crate::{info, notice};

/// Records the request line, once the head of a request is complete.
pub fn log_request_line(request: &Request) {
    if request.log_route {
        let line = Text(request.head.request_line());
        notice!(conn: request.connection, "http request line \"{line}\"");
    }
}

pub(super) fn step(request: &Request, route: &Route, step: usize, selected: bool) {
    let name = Text(route.name.as_bytes());
    let slash = if route.name.is_empty() { "" } else { "/" };
    if selected {
        notice!(conn: request.connection, "\"routes/{name}{slash}{step}\" selected");
    } else {
        info!(conn: request.connection, "\"routes/{name}{slash}{step}\" discarded");
    }
}

pub(super) fn rewritten(request: &Request) {
    notice!(conn: request.connection, "URI rewritten to \"{}\"", Text(request.path()));
}

pub(super) fn fallback(request: &Request) {
    notice!(conn: request.connection, "\"fallback\" taken");
}
