//! From a JSON document to the typed configuration.
//!
//! The document has been validated; what remains to be refused here is what Unit 1.35.0 lets pass
//! and then cannot apply (a listener without `pass`, a step without `action`). Nothing here
//! trusts the validation: any tree gives a configuration or an error.

use std::time::Duration;

use super::address::SocketName;
use super::config::{
    AccessLog, Action, ActionKind, Application, Config, Forwarding, Http, Listener, LogFormat,
    Match, PatternSet, Route, Server, Settings, Share, Step, Upstream,
};
use super::json::{Value, compact};
use super::limits::ProcessLimits;
use super::percent;

/// Longest timer, seconds: what fits a signed 32-bit number.
const MAX_SECONDS: i64 = i32::MAX as i64;
/// `limits.shm` when absent.
const DEFAULT_SHM: u64 = 100 * 1024 * 1024;

/// Why a document cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A member has another type than it must have.
    #[error("the \"{0}\" value has a wrong type")]
    Type(String),
    /// A listener with neither `pass` nor `application`.
    #[error("the listener \"{0}\" has no \"pass\"")]
    NoPass(String),
    /// A step of a route without an action.
    #[error("a step of the route \"{0}\" has no \"action\"")]
    NoAction(String),
    /// An action that does nothing.
    #[error("an \"action\" has none of \"pass\", \"return\", \"share\" and \"proxy\"")]
    EmptyAction,
    /// A server's address that is none.
    #[error("\"{0}\" is not a socket address")]
    Address(String),
}

type Loaded<T> = Result<T, ConfigError>;

impl Config {
    /// Reads a validated document; absent options get their defaults.
    pub fn from_json(document: &Value) -> Loaded<Config> {
        Ok(Config {
            settings: object(document, "settings")?
                .map(settings)
                .transpose()?
                .unwrap_or_default(),
            listeners: members(document, "listeners")?
                .map(|(address, value)| listener(address, value))
                .collect::<Loaded<_>>()?,
            routes: routes(document.get_member("routes"))?,
            applications: members(document, "applications")?
                .map(|(name, value)| application(name, value))
                .collect::<Loaded<_>>()?,
            upstreams: members(document, "upstreams")?
                .map(|(name, value)| upstream(name, value))
                .collect::<Loaded<_>>()?,
            access_log: document
                .get_member("access_log")
                .map(access_log)
                .transpose()?,
        })
    }
}

/// `settings.shutdown_timeout` of a validated document, for who needs nothing else of it; see
/// [`Settings::shutdown_timeout`].
pub fn shutdown_timeout(document: &Value) -> Option<Duration> {
    let settings = document.get_member("settings").unwrap_or(&Value::Null);
    time_to_shut_down(settings).unwrap_or_else(|_| Settings::default().shutdown_timeout)
}

fn time_to_shut_down(settings: &Value) -> Loaded<Option<Duration>> {
    let default = Settings::default().shutdown_timeout.unwrap_or_default();
    let limit = seconds(settings, "shutdown_timeout", default)?;
    Ok((!limit.is_zero()).then_some(limit))
}

fn settings(value: &Value) -> Loaded<Settings> {
    Ok(Settings {
        listen_threads: integer(value, "listen_threads")?.map(|threads| clamp_u32(threads).max(1)),
        shutdown_timeout: time_to_shut_down(value)?,
        router: object(value, "router")?
            .map(ProcessLimits::from_json)
            .transpose()
            .map_err(|_| ConfigError::Type("router".to_owned()))?
            .unwrap_or_default(),
        http: object(value, "http")?
            .map(http)
            .transpose()?
            .unwrap_or_default(),
    })
}

fn http(value: &Value) -> Loaded<Http> {
    let default = Http::default();
    let websocket = object(value, "websocket")?.unwrap_or(&Value::Null);
    let files = object(value, "static")?.unwrap_or(&Value::Null);
    let size = |name, default: usize| {
        let number = integer(value, name)?;
        Loaded::Ok(number.map_or(default, |number| {
            usize::try_from(number.max(0)).unwrap_or(usize::MAX)
        }))
    };
    Ok(Http {
        header_read_timeout: seconds(value, "header_read_timeout", default.header_read_timeout)?,
        body_read_timeout: seconds(value, "body_read_timeout", default.body_read_timeout)?,
        send_timeout: seconds(value, "send_timeout", default.send_timeout)?,
        idle_timeout: seconds(value, "idle_timeout", default.idle_timeout)?,
        large_header_buffer_size: size(
            "large_header_buffer_size",
            default.large_header_buffer_size,
        )?,
        large_header_buffers: size("large_header_buffers", default.large_header_buffers)?,
        body_buffer_size: size("body_buffer_size", default.body_buffer_size)?,
        max_body_size: integer(value, "max_body_size")?.map_or(default.max_body_size, clamp_u64),
        body_temp_path: string(value, "body_temp_path")?.map(Into::into),
        discard_unsafe_fields: boolean(
            value,
            "discard_unsafe_fields",
            default.discard_unsafe_fields,
        )?,
        log_route: boolean(value, "log_route", default.log_route)?,
        server_version: boolean(value, "server_version", default.server_version)?,
        chunked_transform: boolean(value, "chunked_transform", default.chunked_transform)?,
        websocket_max_frame_size: integer(websocket, "max_frame_size")?
            .map_or(default.websocket_max_frame_size, clamp_u64),
        websocket_read_timeout: seconds(websocket, "read_timeout", default.websocket_read_timeout)?,
        websocket_keepalive_interval: seconds(
            websocket,
            "keepalive_interval",
            default.websocket_keepalive_interval,
        )?,
        mime_types: mime_types(files)?,
    })
}

/// Pairs of extension and type, in document order.
fn mime_types(files: &Value) -> Loaded<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for (mime, extensions) in members(files, "mime_types")? {
        for extension in texts(extensions, mime)? {
            pairs.push((extension.to_ascii_lowercase(), mime.to_owned()));
        }
    }
    Ok(pairs)
}

fn listener(address: &str, value: &Value) -> Loaded<Listener> {
    let pass = match (string(value, "pass")?, string(value, "application")?) {
        (Some(pass), _) => pass,
        // The legacy name is taken literally: encoded, nothing in it is a slash or a variable.
        (None, Some(name)) => format!("applications/{}", percent::encode(&name)),
        (None, None) => return Err(ConfigError::NoPass(address.to_owned())),
    };
    let backlog = number(value, "backlog")?.map_or(-1, |backlog| backlog as i32);
    let forwarded = object(value, "forwarded")?
        .map(|value| forwarding(value, "client_ip"))
        .transpose()?;
    let client_ip = object(value, "client_ip")?
        .map(|value| forwarding(value, "header"))
        .transpose()?;
    Ok(Listener {
        address: address.to_owned(),
        pass,
        backlog,
        forwarding: forwarded.into_iter().chain(client_ip).collect(),
    })
}

/// `forwarded` and `client_ip` differ in what they call the field with the address.
fn forwarding(value: &Value, address_field: &str) -> Loaded<Forwarding> {
    let source = value
        .get_member("source")
        .ok_or_else(|| ConfigError::Type("source".to_owned()))?;
    Ok(Forwarding {
        client_ip: string(value, address_field)?,
        protocol: string(value, "protocol")?,
        source: texts(source, "source")?,
        recursive: boolean(value, "recursive", false)?,
    })
}

fn upstream(name: &str, value: &Value) -> Loaded<Upstream> {
    let server = |(address, value): (&str, &Value)| {
        Ok(Server {
            address: SocketName::parse(address)
                .ok_or_else(|| ConfigError::Address(address.to_owned()))?,
            weight: number(value, "weight")?.unwrap_or(1.0),
        })
    };
    Ok(Upstream {
        name: name.to_owned(),
        servers: members(value, "servers")?
            .map(server)
            .collect::<Loaded<_>>()?,
    })
}

fn access_log(value: &Value) -> Loaded<AccessLog> {
    if let Some(path) = value.as_str() {
        return Ok(AccessLog {
            path: path.to_owned(),
            format: LogFormat::default(),
            condition: None,
        });
    }
    let member = |(name, value): (&str, &Value)| match value.as_str() {
        Some(text) => Ok((name.to_owned(), text.to_owned())),
        None => Err(ConfigError::Type(name.to_owned())),
    };
    let format = match value.get_member("format") {
        None => LogFormat::default(),
        Some(Value::String(text)) => LogFormat::Text(text.to_string()),
        Some(_) => LogFormat::Json(
            members(value, "format")?
                .map(member)
                .collect::<Loaded<_>>()?,
        ),
    };
    Ok(AccessLog {
        path: string(value, "path")?.ok_or_else(|| ConfigError::Type("path".to_owned()))?,
        format,
        condition: string(value, "if")?,
    })
}

fn routes(value: Option<&Value>) -> Loaded<Vec<Route>> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(steps)) => Ok(vec![route("", steps)?]),
        Some(routes @ Value::Object(_)) => routes
            .members()
            .map(|(name, steps)| match steps {
                Value::Array(steps) => route(name, steps),
                _ => Err(ConfigError::Type(name.to_owned())),
            })
            .collect(),
        Some(_) => Err(ConfigError::Type("routes".to_owned())),
    }
}

fn route(name: &str, steps: &[Value]) -> Loaded<Route> {
    let step = |value: &Value| {
        let action =
            object(value, "action")?.ok_or_else(|| ConfigError::NoAction(name.to_owned()))?;
        let conditions = object(value, "match")?
            .map(conditions)
            .transpose()?
            .unwrap_or_default();
        Ok(Step {
            conditions,
            action: self::action(action)?,
        })
    };
    Ok(Route {
        name: name.to_owned(),
        steps: steps.iter().map(step).collect::<Loaded<_>>()?,
    })
}

fn conditions(value: &Value) -> Loaded<Match> {
    let patterns = |name| {
        value
            .get_member(name)
            .map(|patterns| texts(patterns, name))
            .transpose()
    };
    let sets = |name| {
        value
            .get_member(name)
            .map(|sets| pattern_sets(sets, name))
            .transpose()
    };
    Ok(Match {
        method: patterns("method")?,
        scheme: string(value, "scheme")?.map(|scheme| scheme.to_ascii_lowercase()),
        host: patterns("host")?,
        uri: patterns("uri")?,
        query: patterns("query")?,
        arguments: sets("arguments")?,
        headers: sets("headers")?,
        cookies: sets("cookies")?,
        source: patterns("source")?,
        destination: patterns("destination")?,
        condition: string(value, "if")?,
    })
}

fn pattern_sets(value: &Value, name: &str) -> Loaded<Vec<PatternSet>> {
    let set = |set: &Value| match set {
        Value::Object(_) => set
            .members()
            .map(|(name, value)| Ok((name.to_owned(), texts(value, name)?)))
            .collect(),
        _ => Err(ConfigError::Type(name.to_owned())),
    };
    value.elements_or_itself().iter().map(set).collect()
}

fn action(value: &Value) -> Loaded<Action> {
    let kind = if let Some(pass) = string(value, "pass")? {
        ActionKind::Pass(pass)
    } else if let Some(status) = integer(value, "return")? {
        let status = u16::try_from(status).map_err(|_| ConfigError::Type("return".to_owned()))?;
        ActionKind::Return {
            status,
            location: string(value, "location")?,
        }
    } else if let Some(paths) = value.get_member("share") {
        ActionKind::Share(Box::new(Share {
            paths: texts(paths, "share")?,
            index: string(value, "index")?.unwrap_or_else(|| "index.html".to_owned()),
            types: value
                .get_member("types")
                .map(|types| texts(types, "types"))
                .transpose()?,
            fallback: object(value, "fallback")?.map(action).transpose()?,
            chroot: string(value, "chroot")?,
            follow_symlinks: boolean(value, "follow_symlinks", true)?,
            traverse_mounts: boolean(value, "traverse_mounts", true)?,
        }))
    } else if let Some(text) = string(value, "proxy")? {
        let address = SocketName::parse_proxy(&text);
        ActionKind::Proxy(address.map_err(|address| ConfigError::Address(address.to_owned()))?)
    } else {
        return Err(ConfigError::EmptyAction);
    };
    let header = |(name, value): (&str, &Value)| match value {
        Value::Null => Ok((name.to_owned(), None)),
        Value::String(text) => Ok((name.to_owned(), Some(text.to_string()))),
        _ => Err(ConfigError::Type(name.to_owned())),
    };
    Ok(Action {
        rewrite: string(value, "rewrite")?,
        response_headers: members(value, "response_headers")?
            .map(header)
            .collect::<Loaded<_>>()?,
        kind,
    })
}

fn application(name: &str, value: &Value) -> Loaded<Application> {
    let limits = object(value, "limits")?.unwrap_or(&Value::Null);
    // Without `processes` there is always one, as if the number 1 stood there.
    let one = Value::integer(1);
    let processes = value.get_member("processes").unwrap_or(&one);
    let (max, spare) = match processes.as_integer() {
        Some(number) => (Some(number), Some(number)),
        None => (integer(processes, "max")?, integer(processes, "spare")?),
    };
    Ok(Application {
        name: name.to_owned(),
        kind: string(value, "type")?.ok_or_else(|| ConfigError::Type("type".to_owned()))?,
        json: compact(value),
        targets: members(value, "targets")?
            .map(|(name, _)| name.to_owned())
            .collect(),
        max_processes: max.map_or(1, clamp_u32).max(1),
        spare_processes: spare.map_or(0, clamp_u32),
        idle_timeout: seconds(processes, "idle_timeout", Duration::from_secs(15))?,
        timeout: seconds(limits, "timeout", Duration::ZERO)?,
        kill_timeout: limits
            .get_member("kill_timeout")
            .map(|_| seconds(limits, "kill_timeout", Duration::ZERO))
            .transpose()?,
        requests: integer(limits, "requests")?.map_or(0, clamp_u32),
        shm: integer(limits, "shm")?.map_or(DEFAULT_SHM, clamp_u64),
        threads: integer(value, "threads")?.map_or(1, clamp_u32).max(1),
    })
}

fn clamp_u32(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn clamp_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The member `name` as what `convert` makes of it; an error when it is there and is no such thing.
fn member<'v, T>(
    value: &'v Value,
    name: &str,
    convert: impl Fn(&'v Value) -> Option<T>,
) -> Loaded<Option<T>> {
    match value.get_member(name) {
        None => Ok(None),
        Some(value) => convert(value)
            .map(Some)
            .ok_or_else(|| ConfigError::Type(name.to_owned())),
    }
}

fn object<'v>(value: &'v Value, name: &str) -> Loaded<Option<&'v Value>> {
    member(value, name, |value| {
        matches!(value, Value::Object(_)).then_some(value)
    })
}

fn members<'v>(
    value: &'v Value,
    name: &str,
) -> Loaded<impl Iterator<Item = (&'v str, &'v Value)> + use<'v>> {
    Ok(object(value, name)?.unwrap_or(&Value::Null).members())
}

fn string(value: &Value, name: &str) -> Loaded<Option<String>> {
    member(value, name, |value| value.as_str().map(str::to_owned))
}

fn integer(value: &Value, name: &str) -> Loaded<Option<i64>> {
    member(value, name, Value::as_integer)
}

fn number(value: &Value, name: &str) -> Loaded<Option<f64>> {
    member(value, name, Value::as_f64)
}

fn boolean(value: &Value, name: &str, default: bool) -> Loaded<bool> {
    Ok(member(value, name, Value::as_bool)?.unwrap_or(default))
}

/// Seconds; a negative number is zero.
fn seconds(value: &Value, name: &str, default: Duration) -> Loaded<Duration> {
    let seconds = integer(value, name)?.map(|seconds| seconds.clamp(0, MAX_SECONDS).unsigned_abs());
    Ok(seconds.map_or(default, Duration::from_secs))
}

/// A string or an array of strings.
fn texts(value: &Value, name: &str) -> Loaded<Vec<String>> {
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| ConfigError::Type(name.to_owned()))
    };
    value.elements_or_itself().iter().map(text).collect()
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
