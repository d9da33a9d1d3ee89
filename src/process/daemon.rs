//! From the command line to the main process.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use nix::sys::stat::{Mode, umask};

use super::binary::Binary;
use super::control_socket::ControlSocket;
use super::inheritance::Inheritance;
use super::log_file;
use super::main_process::{Main, Start};
use super::options::{self, Command, Options, VERSION};
use super::pid_file::PidFile;
use super::state::State;
use super::upgrade::Upgrade;
use super::{Host, fork};
use crate::sys::credentials::{Capabilities, Credentials};
use crate::sys::{Errno, process, stdio, title};
use crate::{alert, info, warning};

/// Runs `unitd`; the exit code. To be called first in `main`, while there is one thread.
pub fn run(host: Host) -> i32 {
    title::init();
    if let Err(errno) = process::fault_by_default() {
        warning!("signal(SIGSEGV) failed {}", Errno(errno));
    }
    // Nobody can be told that standard error does not work.
    let warn = |text: String| drop(writeln!(io::stderr(), "{text}"));
    let options = match options::parse(title::arguments(), warn) {
        Ok(Command::Run(options)) => *options,
        Ok(Command::Version) => {
            let _ = io::stderr().write_all(options::version_text().as_bytes());
            return 0;
        }
        Ok(Command::Help) => {
            let _ = io::stdout().write_all(options::help_text().as_bytes());
            return 0;
        }
        Err(error) => {
            warn(error.to_string());
            return 1;
        }
    };
    serve(options, host)
}

/// Runs Unit, for a program that has read its command line itself; the exit code. The process has one
/// thread.
pub fn serve(options: Options, host: Host) -> i32 {
    let Some(start) = prepare(options, host, Inheritance::take()) else {
        return 1;
    };
    info!("unit {VERSION} started");
    let log = &start.options.log;
    if let Err(error) = log_file::open(log) {
        alert!("open(\"{}\") failed {}", log.display(), Errno::from(&error));
        start.remove_control();
        return 1;
    }
    // A process that replaces another has no terminal to leave, and stays the other one's child.
    if !start.options.daemon || start.upgrade.shares_sockets() {
        return run_main(start);
    }
    match fork::spawn(|| if detach() { run_main(start) } else { 1 }) {
        Ok(_) => process::exit_now(0),
        Err(errno) => {
            alert!("fork() failed {}", Errno(errno));
            1
        }
    }
}

/// Everything whose failure the caller of `unitd` must see.
fn prepare(options: Options, host: Host, mut inheritance: Inheritance) -> Option<Start> {
    let upgrade = match Upgrade::of(inheritance.predecessor) {
        Ok(upgrade) => upgrade,
        Err(error) => {
            alert!(
                "the channel to the old main process is broken {}",
                Errno::from(&error)
            );
            return None;
        }
    };
    let capabilities = Capabilities::current();
    let credentials = if capabilities.setid {
        match Credentials::find(&options.user, options.group.as_deref()) {
            Ok(credentials) => Some(credentials),
            Err(error) => {
                alert!("{error}");
                return None;
            }
        }
    } else {
        warning!("Unit is running unprivileged, then it cannot use arbitrary user and group.");
        None
    };
    State::new(&options.statedir).make_folders();
    match ControlSocket::create(&options, &mut inheritance.sockets) {
        Ok(control) => Some(Start {
            options,
            credentials,
            control: Some(control),
            host,
            binary: Binary::running(),
            inherited: inheritance.sockets,
            upgrade,
        }),
        Err(error) => {
            alert!("{error}");
            None
        }
    }
}

/// Leaves the terminal and the session of whoever started the daemon.
pub(crate) fn detach() -> bool {
    if let Err(errno) = nix::unistd::setsid() {
        alert!("setsid() failed {}", Errno(errno));
        return false;
    }
    // Files that the daemon creates give others at most the right to read.
    umask(Mode::from_bits_truncate(0o022));
    if let Err(error) = stdio::detach() {
        alert!("/dev/null cannot be used {}", Errno::from(&error));
        return false;
    }
    true
}

fn run_main(start: Start) -> i32 {
    let path = start.options.pid.clone();
    let pid_file = match PidFile::create(&path) {
        Ok(pid_file) => pid_file,
        Err(error) => {
            alert!(
                "open(\"{}\") failed {}",
                path.display(),
                Errno::from(&error)
            );
            start.remove_control();
            return 1;
        }
    };
    title::set(&title::main_title(VERSION));
    match Main::new(start, pid_file) {
        Ok(main) => main.run(),
        Err(error) => {
            alert!("main process failed to start {}", Errno::from(&error));
            let _ = std::fs::remove_file(path);
            1
        }
    }
}
