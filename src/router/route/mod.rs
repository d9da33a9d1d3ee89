//! Routing: from a listener and a request to what answers it.
//!
//! [`Table::compile`] turns a configuration into an immutable table that every router thread
//! shares; [`Table::resolve`] follows `pass` from the listener through routes to an answer.

mod action;
mod compile;
mod condition;
mod log;
pub(in crate::router) mod pattern;
mod resolve;
pub(in crate::router) mod text;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;

use action::Action;
pub(in crate::router) use condition::AddressList;
use condition::Conditions;

use crate::conf::address::PatternError as AddressError;
use crate::conf::template::TemplateError;
use crate::http::mime::MimeTypes;
use crate::http::response::Response;
use crate::router::forwarding::Forwarding;
use crate::router::proxy::Peer;
use crate::router::template::Template;
use crate::router::upstream::Upstream;

pub use log::log_request_line;
pub use pattern::PatternError;

/// All routes of a configuration.
#[derive(Debug)]
pub struct Table {
    /// Where the listeners pass to, in the order of the configuration.
    entries: Vec<Next>,
    routes: Vec<Route>,
    /// Route names; the anonymous route is "".
    route_names: HashMap<String, usize>,
    actions: Vec<Action>,
    /// `pass` texts that depend on the request.
    templates: Vec<Template>,
    applications: HashMap<String, ApplicationNames>,
    mime_types: MimeTypes,
    /// What listeners take over from proxies, in the order of the configuration.
    forwarding: Vec<Vec<Forwarding>>,
    /// The servers of `proxy` actions and upstreams.
    peers: Vec<Peer>,
    upstreams: Vec<Upstream>,
    upstream_names: HashMap<String, usize>,
}

/// An application's place in the configuration, and the names of its targets.
#[derive(Debug)]
struct ApplicationNames {
    index: usize,
    targets: Vec<String>,
}

#[derive(Debug)]
struct Route {
    name: String,
    steps: Vec<Step>,
    /// Steps that ask for exact paths, where many of them follow one another: by first step.
    runs: HashMap<usize, ExactRun>,
}

#[derive(Debug)]
struct Step {
    conditions: Conditions,
    action: ActionId,
}

/// Consecutive steps that can be told apart by the path alone.
#[derive(Debug)]
struct ExactRun {
    /// The step after the last one.
    end: usize,
    /// The first step for each path.
    first: HashMap<Box<[u8]>, usize>,
}

/// Where a request goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Route(usize),
    Application {
        index: usize,
        target: u8,
    },
    /// An index of [`Table::upstreams`].
    Upstream(usize),
    /// An index of [`Table::templates`].
    Template(usize),
    /// There is no such target.
    Nowhere,
}

/// An action of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionId(usize);

/// What answers a request.
#[derive(Debug)]
pub enum Outcome {
    /// This response, without a body.
    Response(Response),
    /// An error page.
    Error(u16),
    /// This response; its body is the whole of the file.
    File {
        /// The head, `content_length` included.
        response: Response,
        /// Open for reading, at its start; a regular file.
        file: File,
        /// Its size when it was opened, bytes; never zero.
        len: u64,
    },
    /// An application.
    Application {
        /// Its index in the configuration's `applications`.
        index: usize,
        /// Index of the target; 0 without targets.
        target: u8,
    },
    /// Another server.
    Proxy {
        /// See [`Table::peer`].
        peer: usize,
    },
}

/// The answer, and the action whose `response_headers` go with it.
#[derive(Debug)]
pub struct Resolution {
    /// What answers.
    pub outcome: Outcome,
    /// The action finally taken; `None` where a listener passes to an application.
    pub action: Option<ActionId>,
}

/// Why a configuration cannot become a table.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A bad pattern.
    #[error("option \"{option}\": {error}")]
    Pattern {
        /// The option.
        option: &'static str,
        /// What is wrong.
        error: PatternError,
    },
    /// A bad address.
    #[error("option \"{option}\": \"{text}\": {error}")]
    Address {
        /// The option.
        option: &'static str,
        /// Its text.
        text: String,
        /// What is wrong.
        error: AddressError,
    },
    /// A bad template.
    #[error("option \"{option}\": {error}")]
    Template {
        /// The option.
        option: &'static str,
        /// What is wrong.
        error: TemplateError,
    },
    /// A `pass` without variables that leads nowhere.
    #[error("option \"pass\": \"{0}\" does not exist")]
    Pass(String),
}
