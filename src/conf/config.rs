//! The typed configuration: what a validated document means, defaults filled in.
//!
//! Option names and defaults: the configuration schema of Unit 1.35.0.

use std::path::PathBuf;
use std::time::Duration;

use super::limits::ProcessLimits;

use super::address::SocketName;

/// A whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `settings`
    pub settings: Settings,
    /// `listeners`, in document order.
    pub listeners: Vec<Listener>,
    /// `routes`: named routes in document order; an anonymous array has the name "".
    pub routes: Vec<Route>,
    /// `applications`, in document order.
    pub applications: Vec<Application>,
    /// `upstreams`, in document order.
    pub upstreams: Vec<Upstream>,
    /// `access_log`
    pub access_log: Option<AccessLog>,
}

/// `access_log`
#[derive(Clone, Debug)]
pub struct AccessLog {
    /// `path`
    pub path: String,
    /// `format`
    pub format: LogFormat,
    /// `if`: a condition.
    pub condition: Option<String>,
}

/// `access_log.format`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A template.
    Text(String),
    /// Names and templates of the members of a JSON object, in document order.
    Json(Vec<(String, String)>),
}

impl Default for LogFormat {
    /// The "combined" format of many servers.
    fn default() -> Self {
        LogFormat::Text(
            "$remote_addr - - [$time_local] \"$request_line\" $status $body_bytes_sent \
             \"$header_referer\" \"$header_user_agent\""
                .to_owned(),
        )
    }
}

/// One member of `upstreams`: a group of servers.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The member's name.
    pub name: String,
    /// `servers`, in document order.
    pub servers: Vec<Server>,
}

/// A server of an [`Upstream`].
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketName,
    /// `weight`: its share of the requests; not negative.
    pub weight: f64,
}

/// `settings`
#[derive(Clone, Debug)]
pub struct Settings {
    /// `listen_threads`; `None` = one for each CPU.
    pub listen_threads: Option<u32>,
    /// `shutdown_timeout`: what requests in progress have at a graceful shutdown; `None` = as long
    /// as they take.
    pub shutdown_timeout: Option<Duration>,
    /// `router`: limits of the router process.
    pub router: ProcessLimits,
    /// `http`
    pub http: Http,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen_threads: None,
            shutdown_timeout: Some(Duration::from_secs(30)),
            router: ProcessLimits::default(),
            http: Http::default(),
        }
    }
}

/// `settings.http`
#[derive(Clone, Debug)]
pub struct Http {
    /// From the first byte of a request to its complete head.
    pub header_read_timeout: Duration,
    /// Between two reads of a body.
    pub body_read_timeout: Duration,
    /// Between two successful writes.
    pub send_timeout: Duration,
    /// How long a connection may wait for a request.
    pub idle_timeout: Duration,
    /// Size of each further header buffer, bytes.
    pub large_header_buffer_size: usize,
    /// How many further header buffers a request may use.
    pub large_header_buffers: usize,
    /// Bodies above this many bytes go to a temporary file.
    pub body_buffer_size: usize,
    /// Largest request body, bytes.
    pub max_body_size: u64,
    /// Folder for temporary files; `None` = the daemon's `--tmpdir`.
    pub body_temp_path: Option<PathBuf>,
    /// Drop fields whose name has unusual characters.
    pub discard_unsafe_fields: bool,
    /// Log routing decisions.
    pub log_route: bool,
    /// Show the version in the `Server` field.
    pub server_version: bool,
    /// Decode chunked request bodies.
    pub chunked_transform: bool,
    /// `websocket.max_frame_size`, header and payload, bytes.
    pub websocket_max_frame_size: u64,
    /// `websocket.read_timeout`; zero = off.
    pub websocket_read_timeout: Duration,
    /// `websocket.keepalive_interval`; zero = off.
    pub websocket_keepalive_interval: Duration,
    /// `static.mime_types`: extension (lower case, with its dot) to MIME type, document order.
    pub mime_types: Vec<(String, String)>,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            header_read_timeout: Duration::from_secs(30),
            body_read_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(180),
            large_header_buffer_size: 8192,
            large_header_buffers: 4,
            body_buffer_size: 16384,
            max_body_size: 8 * 1024 * 1024,
            body_temp_path: None,
            discard_unsafe_fields: true,
            log_route: false,
            server_version: true,
            chunked_transform: false,
            websocket_max_frame_size: 1024 * 1024,
            websocket_read_timeout: Duration::from_secs(60),
            websocket_keepalive_interval: Duration::from_secs(30),
            mime_types: Vec::new(),
        }
    }
}

/// One member of `listeners`.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The key, as written: `*:80`, `127.0.0.1:80`, `[::1]:80`, `unix:/path`, `unix:@name`.
    pub address: String,
    /// Where requests go; the text of `pass` (a template), or `applications/NAME` for the legacy
    /// `application` option.
    pub pass: String,
    /// listen(2) backlog; -1 = the system's maximum.
    pub backlog: i32,
    /// `forwarded` and `client_ip`, in the order in which they apply.
    pub forwarding: Vec<Forwarding>,
}

/// What a trusted proxy says of its client: `forwarded`, or the older `client_ip`.
#[derive(Clone, Debug)]
pub struct Forwarding {
    /// Name of the field with the client's address.
    pub client_ip: Option<String>,
    /// Name of the field with the client's scheme.
    pub protocol: Option<String>,
    /// `source`: address patterns of the proxies that are trusted.
    pub source: Vec<String>,
    /// `recursive`: go back through all trusted addresses of the field.
    pub recursive: bool,
}

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name; "" for the anonymous route.
    pub name: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step of a route.
#[derive(Clone, Debug)]
pub struct Step {
    /// All conditions must hold.
    pub conditions: Match,
    /// What to do then.
    pub action: Action,
}

/// `match`. `None` = the member is absent.
#[derive(Clone, Debug, Default)]
pub struct Match {
    /// `method`: pattern texts.
    pub method: Option<Vec<String>>,
    /// `scheme`, lower case.
    pub scheme: Option<String>,
    /// `host`
    pub host: Option<Vec<String>>,
    /// `uri`
    pub uri: Option<Vec<String>>,
    /// `query`
    pub query: Option<Vec<String>>,
    /// `arguments`: alternatives, each a set of name → patterns.
    pub arguments: Option<Vec<PatternSet>>,
    /// `headers`
    pub headers: Option<Vec<PatternSet>>,
    /// `cookies`
    pub cookies: Option<Vec<PatternSet>>,
    /// `source`: address patterns.
    pub source: Option<Vec<String>>,
    /// `destination`: address patterns.
    pub destination: Option<Vec<String>>,
    /// `if`: a template.
    pub condition: Option<String>,
}

/// Names and the patterns that their values must match; every name must hold.
pub type PatternSet = Vec<(String, Vec<String>)>;

/// `action`: what to do, and what to change on the way.
#[derive(Clone, Debug)]
pub struct Action {
    /// `rewrite`: a template.
    pub rewrite: Option<String>,
    /// `response_headers`: name → template, or `None` to remove the field.
    pub response_headers: Vec<(String, Option<String>)>,
    /// The action proper.
    pub kind: ActionKind,
}

/// The exclusive part of an action.
#[derive(Clone, Debug)]
pub enum ActionKind {
    /// `pass`: a template, see the syntax of pass targets.
    Pass(String),
    /// `return` with its optional `location` template.
    Return {
        /// 0..=999
        status: u16,
        /// `location`
        location: Option<String>,
    },
    /// `share`
    Share(Box<Share>),
    /// `proxy`
    Proxy(SocketName),
}

/// A `share` action.
#[derive(Clone, Debug)]
pub struct Share {
    /// Path templates, tried in order.
    pub paths: Vec<String>,
    /// `index`
    pub index: String,
    /// `types`: pattern texts.
    pub types: Option<Vec<String>>,
    /// `fallback`
    pub fallback: Option<Action>,
    /// `chroot`: a template.
    pub chroot: Option<String>,
    /// `follow_symlinks`
    pub follow_symlinks: bool,
    /// `traverse_mounts`
    pub traverse_mounts: bool,
}

/// One member of `applications`, as far as the router needs it; the module gets the JSON.
#[derive(Clone, Debug)]
pub struct Application {
    /// The member's name.
    pub name: String,
    /// The `type` text.
    pub kind: String,
    /// The application's object as compact JSON: an application whose text is unchanged keeps its
    /// processes.
    pub json: String,
    /// Names of `targets` in order; empty without targets. The index is `app_target` on the wire.
    pub targets: Vec<String>,
    /// `processes.max`
    pub max_processes: u32,
    /// `processes.spare`
    pub spare_processes: u32,
    /// `processes.idle_timeout`
    pub idle_timeout: Duration,
    /// `limits.timeout`; zero = off.
    pub timeout: Duration,
    /// `limits.kill_timeout`: what a process that must leave may take; absent, processes whose
    /// request timed out stay.
    pub kill_timeout: Option<Duration>,
    /// `limits.requests`; zero = off.
    pub requests: u32,
    /// `limits.shm`: bytes of outgoing shared memory per process.
    pub shm: u64,
    /// `threads` of each process; 1 where the type has no such option.
    pub threads: u32,
}
