//! One configuration as the router runs it. A new configuration is built as a generation beside the
//! old one; requests that began under the old one keep it alive until they end.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::conf::config::Http;
use crate::router::app::App;
use crate::router::request::Address;

/// See the module head.
pub struct Generation {
    /// `settings.http`
    pub http: Http,
    /// The listeners, in document order.
    pub listeners: Vec<ListenerEntry>,
    /// The applications by name.
    pub apps: HashMap<String, Arc<App>>,
}

/// One listener of a generation.
pub struct ListenerEntry {
    /// Its address, as the configuration writes it.
    pub address: String,
    /// Bound and listening. The same socket in two generations is the same listener.
    pub socket: Arc<OwnedFd>,
    /// What the socket is bound to.
    pub local: Address,
}

impl Generation {
    /// An application and the index of one of its targets (0 without a target).
    pub fn app(&self, name: &str, target: Option<&str>) -> Option<(&Arc<App>, u8)> {
        let app = self.apps.get(name)?;
        let index = match target {
            None => 0,
            Some(target) => app.targets.iter().position(|known| known == target)?,
        };
        Some((app, u8::try_from(index).ok()?))
    }
}
