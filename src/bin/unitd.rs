//! The daemon.

use nxt::capi;
use nxt::process::{self, Host};

fn main() {
    let host = Host {
        log_handler: capi::log::HANDLER,
    };
    std::process::exit(process::run(host))
}
