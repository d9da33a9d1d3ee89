//! Following a request through the table.

use super::action::{Kind, Location};
use super::{ActionId, Next, Outcome, Resolution, Route, Table, log};
use crate::error;
use crate::http::encoding::encode_location;
use crate::http::response::{Connection, Response, framing};
use crate::http::target;
use crate::router::proxy::Peer;
use crate::router::request::Request;
use crate::router::static_file::{self, Served};
use crate::router::variable::ResponseFacts;

/// How often a request may be handed on; then it fails.
const MAX_HANDOVERS: usize = 255;

/// What one action leads to.
enum Taken {
    Answer(Outcome),
    Pass(Next),
    /// The fallback of a share; the flag says that its `response_headers` count.
    Fallback(ActionId, bool),
}

impl Table {
    /// Finds what answers a request that came in through a listener, by the listener's place in
    /// the configuration. May open files and rewrite the path of the request.
    pub fn resolve(&self, listener: usize, request: &mut Request) -> Resolution {
        let mut action = None;
        let outcome = match self.entries.get(listener) {
            Some(entry) => self.follow(*entry, request, &mut action),
            None => Outcome::Error(404),
        };
        Resolution { outcome, action }
    }

    /// Takes over what a proxy in front of the listener says of its client.
    pub fn apply_forwarding(&self, listener: usize, request: &mut Request) {
        for forwarding in self.forwarding.get(listener).into_iter().flatten() {
            forwarding.apply(request);
        }
    }

    /// The server that [`Outcome::Proxy`] names.
    pub(in crate::router) fn peer(&self, index: usize) -> &Peer {
        &self.peers[index]
    }

    fn follow(
        &self,
        mut next: Next,
        request: &mut Request,
        headers_of: &mut Option<ActionId>,
    ) -> Outcome {
        for _ in 0..=MAX_HANDOVERS {
            if let Next::Template(template) = next {
                let template = &self.templates[template];
                next = self.find(&template.evaluate(request, &ResponseFacts::default()));
            }
            let mut taken = match next {
                Next::Application { index, target } => {
                    return Outcome::Application { index, target };
                }
                Next::Upstream(upstream) => {
                    return match self.upstreams[upstream].next() {
                        Some(peer) => Outcome::Proxy { peer },
                        None => Outcome::Error(502),
                    };
                }
                // A template leads to no other template.
                Next::Nowhere | Next::Template(_) => return Outcome::Error(404),
                Next::Route(route) => match self.routes[route].select(request) {
                    Ok(Some(action)) => {
                        *headers_of = Some(action);
                        self.take(action, request)
                    }
                    Ok(None) => return Outcome::Error(404),
                    Err(error) => {
                        error!(conn: request.connection, "matching a regular expression failed: {error}");
                        return Outcome::Error(500);
                    }
                },
            };
            // Fallbacks are nested in the configuration, so this comes to an end.
            while let Taken::Fallback(fallback, own_headers) = taken {
                if request.log_route {
                    log::fallback(request);
                }
                if own_headers {
                    *headers_of = Some(fallback);
                }
                taken = self.take(fallback, request);
            }
            match taken {
                Taken::Answer(outcome) => return outcome,
                Taken::Pass(target) => next = target,
                Taken::Fallback(..) => break,
            }
        }
        Outcome::Error(500)
    }

    fn take(&self, id: ActionId, request: &mut Request) -> Taken {
        let action = &self.actions[id.0];
        if let Some(rewrite) = &action.rewrite {
            let text = rewrite.evaluate(request, &ResponseFacts::default());
            let mut path = Vec::new();
            if target::normalise(&text, &mut path).is_err() {
                return Taken::Answer(Outcome::Error(500));
            }
            request.rewrite(path);
            if request.log_route {
                log::rewritten(request);
            }
        }
        match &action.kind {
            Kind::Pass(next) => Taken::Pass(*next),
            Kind::Return {
                status: status @ 400..=599,
                ..
            } => Taken::Answer(Outcome::Error(*status)),
            Kind::Return { status, location } => {
                let mut response = Response::new(*status);
                response.content_length = Some(0);
                match location {
                    None => {}
                    Some(Location::Constant(value)) => response.fields.push(b"Location", value),
                    Some(Location::Template(template)) => {
                        let value = template.evaluate(request, &ResponseFacts::default());
                        response.fields.push(b"Location", &encode_location(&value));
                    }
                }
                Taken::Answer(Outcome::Response(response))
            }
            Kind::Proxy(peer) => Taken::Answer(Outcome::Proxy { peer: *peer }),
            Kind::Share { share, fallback } => {
                match (
                    static_file::serve(share, &self.mime_types, request),
                    fallback,
                ) {
                    (Served::Answer(outcome), _) => Taken::Answer(outcome),
                    (Served::Refused(405), Some(fallback)) => Taken::Fallback(*fallback, false),
                    (Served::Refused(_), Some(fallback)) => Taken::Fallback(*fallback, true),
                    (Served::Refused(status), None) => Taken::Answer(Outcome::Error(status)),
                }
            }
        }
    }

    /// Applies the `response_headers` of the action that was taken; successes and redirections
    /// alone get them. To be called when the fields of the source are complete.
    pub fn apply_response_headers(
        &self,
        action: Option<ActionId>,
        request: &mut Request,
        response: &mut Response,
        connection: &Connection<'_>,
    ) {
        let Some(action) = action.and_then(|id| self.actions.get(id.0)) else {
            return;
        };
        if action.response_headers.is_empty() || !(200..=399).contains(&response.status) {
            return;
        }
        let facts = ResponseFacts {
            status: response.status,
            body_bytes_sent: 0,
            fields: Some(&response.fields),
            connection: framing(response, connection).connection,
            content_length: response.content_length,
            chunked: false,
            added: None,
        };
        // All values come from the response as it was before the first change.
        let mut values = Vec::with_capacity(action.response_headers.len());
        for (_, template) in &action.response_headers {
            values.push(
                template
                    .as_ref()
                    .map(|template| template.evaluate(request, &facts)),
            );
        }
        for ((name, _), value) in action.response_headers.iter().zip(values) {
            match value {
                Some(value) => response.fields.set(name, &value),
                None => response.fields.remove(name),
            }
        }
    }
}

impl Route {
    /// The action of the first step whose conditions hold.
    fn select(&self, request: &mut Request) -> Result<Option<ActionId>, pcre2::Error> {
        let mut at = 0;
        while let Some(step) = self.steps.get(at) {
            // The records of discarded steps need every step tried.
            if !request.log_route
                && let Some(run) = self.runs.get(&at)
            {
                match run.first.get(request.path()) {
                    Some(first) if *first > at => at = *first,
                    Some(_) => {}
                    None => {
                        at = run.end;
                        continue;
                    }
                }
                if let Some(action) = self.try_run(at, run.end, request)? {
                    return Ok(Some(action));
                }
                at = run.end;
                continue;
            }
            let holds = step.conditions.hold(request)?;
            if request.log_route {
                log::step(request, self, at, holds);
            }
            if holds {
                return Ok(Some(step.action));
            }
            at += 1;
        }
        Ok(None)
    }

    /// Tries the steps of a run, from the first one that asks for this path.
    fn try_run(
        &self,
        first: usize,
        end: usize,
        request: &mut Request,
    ) -> Result<Option<ActionId>, pcre2::Error> {
        for step in &self.steps[first..end] {
            if step.conditions.hold(request)? {
                return Ok(Some(step.action));
            }
        }
        Ok(None)
    }
}
