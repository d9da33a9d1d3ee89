//! The exchange of requests with an application that lives in the test.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::App;
use crate::conf::config::Application;
use crate::router::hub::{Event, Hub};

pub(crate) fn test_hub() -> (Arc<Hub>, UnboundedReceiver<Event>) {
    let (events, events_in) = unbounded_channel();
    (Hub::new(std::process::id() as i32, events), events_in)
}

pub(crate) fn test_conf(name: &str) -> Application {
    Application {
        name: name.to_owned(),
        kind: "external".to_owned(),
        json: "{}".to_owned(),
        targets: Vec::new(),
        max_processes: 1,
        spare_processes: 0,
        idle_timeout: Duration::from_secs(15),
        timeout: Duration::ZERO,
        requests: 0,
        shm: 100 << 20,
    }
}

pub(crate) fn test_app(hub: &Arc<Hub>, name: &str) -> Arc<App> {
    App::new(&test_conf(name), hub).unwrap()
}
