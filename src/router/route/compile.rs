//! From the typed configuration to a table.

use std::collections::HashMap;

use super::action::{Action, Kind, Location};
use super::condition::Conditions;
use super::pattern::{Encoding, Folding, PatternList};
use super::{ActionId, ApplicationNames, CompileError, ExactRun, Next, Route, Step, Table};
use crate::conf::address::SocketName;
use crate::conf::config::{self, ActionKind, Config};
use crate::conf::pass::PassTarget;
use crate::http::encoding::encode_location;
use crate::http::mime::MimeTypes;
use crate::router::forwarding::Forwarding;
use crate::router::proxy::Peer;
use crate::router::static_file::Share;
use crate::router::template::Template;
use crate::router::upstream::Upstream;

/// Fewer exact steps in a row than this are quicker to try one by one.
const SHORTEST_RUN: usize = 4;

impl Table {
    /// Compiles the routes of a configuration.
    pub fn compile(config: &Config) -> Result<Table, CompileError> {
        let name = |(index, route): (usize, &config::Route)| (route.name.clone(), index);
        let application = |(index, application): (usize, &config::Application)| {
            let targets = application.targets.clone();
            (
                application.name.clone(),
                ApplicationNames { index, targets },
            )
        };
        let mut table = Table {
            entries: Vec::new(),
            routes: Vec::new(),
            route_names: config.routes.iter().enumerate().map(name).collect(),
            actions: Vec::new(),
            templates: Vec::new(),
            applications: config
                .applications
                .iter()
                .enumerate()
                .map(application)
                .collect(),
            mime_types: MimeTypes::new(&config.settings.http.mime_types),
            forwarding: Vec::new(),
            peers: Vec::new(),
            upstreams: Vec::new(),
            upstream_names: HashMap::new(),
        };
        for (index, upstream) in config.upstreams.iter().enumerate() {
            let servers: Vec<_> = upstream
                .servers
                .iter()
                .map(|server| (table.add_peer(&server.address), server.weight))
                .collect();
            table.upstreams.push(Upstream::new(&servers));
            table.upstream_names.insert(upstream.name.clone(), index);
        }
        for listener in &config.listeners {
            let entry = table.compile_pass(&listener.pass)?;
            table.entries.push(entry);
            let forwarding = listener.forwarding.iter().map(Forwarding::compile);
            table.forwarding.push(forwarding.collect::<Result<_, _>>()?);
        }
        for route in &config.routes {
            let mut steps = Vec::with_capacity(route.steps.len());
            for step in &route.steps {
                let conditions = Conditions::compile(&step.conditions)?;
                steps.push(Step {
                    conditions,
                    action: table.compile_action(&step.action)?,
                });
            }
            let runs = exact_runs(&steps);
            table.routes.push(Route {
                name: route.name.clone(),
                steps,
                runs,
            });
        }
        Ok(table)
    }

    fn compile_pass(&mut self, text: &str) -> Result<Next, CompileError> {
        let template = compile_template(text, "pass")?;
        match template.constant() {
            Some(target) => match self.find(target) {
                Next::Nowhere => Err(CompileError::Pass(text.to_owned())),
                next => Ok(next),
            },
            None => {
                self.templates.push(template);
                Ok(Next::Template(self.templates.len() - 1))
            }
        }
    }

    /// The place that a `pass` target names.
    pub(super) fn find(&self, target: &[u8]) -> Next {
        let parsed = std::str::from_utf8(target)
            .ok()
            .and_then(|text| PassTarget::parse(text).ok());
        let found = parsed.and_then(|target| match target {
            PassTarget::Application { name, target } => {
                let names = self.applications.get(&name)?;
                let target = match target {
                    None => 0,
                    Some(target) => names.targets.iter().position(|name| *name == target)?,
                };
                let target = u8::try_from(target).ok()?;
                Some(Next::Application {
                    index: names.index,
                    target,
                })
            }
            PassTarget::Route(name) => {
                let name = name.as_deref().unwrap_or_default();
                self.route_names.get(name).map(|index| Next::Route(*index))
            }
            PassTarget::Upstream(name) => {
                let upstream = self.upstream_names.get(&name);
                upstream.map(|index| Next::Upstream(*index))
            }
        });
        found.unwrap_or(Next::Nowhere)
    }

    fn add_peer(&mut self, address: &SocketName) -> usize {
        self.peers.push(Peer::new(address));
        self.peers.len() - 1
    }

    fn compile_action(&mut self, source: &config::Action) -> Result<ActionId, CompileError> {
        let kind = match &source.kind {
            ActionKind::Pass(text) => Kind::Pass(self.compile_pass(text)?),
            ActionKind::Return { status, location } => {
                let location = location.as_deref().map(compile_location).transpose()?;
                Kind::Return {
                    status: *status,
                    location,
                }
            }
            ActionKind::Proxy(address) => Kind::Proxy(self.add_peer(address)),
            ActionKind::Share(share) => {
                let fallback = match &share.fallback {
                    Some(action) => Some(self.compile_action(action)?),
                    None => None,
                };
                Kind::Share {
                    share: Box::new(compile_share(share)?),
                    fallback,
                }
            }
        };
        let rewrite = source
            .rewrite
            .as_deref()
            .map(|text| compile_template(text, "rewrite"));
        let mut response_headers = Vec::with_capacity(source.response_headers.len());
        for (name, value) in &source.response_headers {
            let value = value
                .as_deref()
                .map(|text| compile_template(text, "response_headers"));
            response_headers.push((name.clone().into_bytes(), value.transpose()?));
        }
        self.actions.push(Action {
            rewrite: rewrite.transpose()?,
            response_headers,
            kind,
        });
        Ok(ActionId(self.actions.len() - 1))
    }
}

fn compile_template(text: &str, option: &'static str) -> Result<Template, CompileError> {
    Template::compile(text).map_err(|error| CompileError::Template { option, error })
}

fn compile_location(text: &str) -> Result<Location, CompileError> {
    let template = compile_template(text, "location")?;
    Ok(match template.constant() {
        Some(location) => Location::Constant(encode_location(location).into_owned()),
        None => Location::Template(template),
    })
}

fn compile_share(source: &config::Share) -> Result<Share, CompileError> {
    let types = source.types.as_ref().map(|texts| {
        PatternList::compile(texts, Folding::Ignore, Encoding::None).map_err(|error| {
            CompileError::Pattern {
                option: "types",
                error,
            }
        })
    });
    let chroot = source
        .chroot
        .as_deref()
        .map(|text| compile_template(text, "chroot"));
    Ok(Share {
        paths: source
            .paths
            .iter()
            .map(|text| compile_template(text, "share"))
            .collect::<Result<_, _>>()?,
        index: source.index.clone().into_bytes(),
        types: types.transpose()?,
        chroot: chroot.transpose()?,
        follow_symlinks: source.follow_symlinks,
        traverse_mounts: source.traverse_mounts,
    })
}

fn exact_runs(steps: &[Step]) -> HashMap<usize, ExactRun> {
    let mut runs = HashMap::new();
    let mut start = 0;
    while start < steps.len() {
        let mut first = HashMap::new();
        let mut end = start;
        while let Some(paths) = steps
            .get(end)
            .and_then(|step| step.conditions.exact_paths())
        {
            for path in paths {
                first.entry(path.into()).or_insert(end);
            }
            end += 1;
        }
        if end - start >= SHORTEST_RUN {
            runs.insert(start, ExactRun { end, first });
        }
        start = end + 1;
    }
    runs
}
