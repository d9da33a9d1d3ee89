//! Actions, compiled.

use super::{ActionId, Next};
use crate::router::static_file::Share;
use crate::router::template::Template;

/// An action of a step, or a `fallback`.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) rewrite: Option<Template>,
    /// Names and values; `None` removes the field.
    pub(super) response_headers: Vec<(Vec<u8>, Option<Template>)>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Pass(Next),
    Return {
        status: u16,
        location: Option<Location>,
    },
    Share {
        share: Box<Share>,
        fallback: Option<ActionId>,
    },
    /// An index of the table's peers.
    Proxy(usize),
}

#[derive(Debug)]
pub(super) enum Location {
    /// The value of the field, already encoded.
    Constant(Vec<u8>),
    Template(Template),
}
