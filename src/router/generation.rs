//! One configuration as the router runs it. A new configuration is built as a generation beside the
//! old one; requests that began under the old one keep it alive until they end.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::conf::config::Http;
use crate::router::access_log::AccessLog;
use crate::router::app::App;
use crate::router::request::Address;
use crate::router::route::Table;
use crate::sys::limits::Placement;

/// See the module head.
pub struct Generation {
    /// `settings.http`
    pub http: Http,
    /// `settings.shutdown_timeout`
    pub shutdown_timeout: Option<Duration>,
    /// The listeners, in document order: the table knows them by their index.
    pub listeners: Vec<ListenerEntry>,
    /// From listeners to actions.
    pub table: Table,
    /// The applications, in document order: the table names them by their index.
    pub apps: Vec<Arc<App>>,
    /// `access_log`
    pub access_log: Option<AccessLog>,
    /// The CPUs of the threads.
    pub placement: Placement,
}

/// One listener of a generation.
pub struct ListenerEntry {
    /// Its address, as the configuration writes it.
    pub address: String,
    /// Bound and listening. The same socket in two generations is the same listener. Those who
    /// accept keep it open, not a generation: requests may need one for long after its listeners
    /// were removed.
    pub socket: Weak<OwnedFd>,
    /// What the socket is bound to.
    pub local: Address,
}
