//! The daemon.

use nxt::capi::host::HOST;
use nxt::process;

fn main() {
    std::process::exit(process::run(HOST))
}
