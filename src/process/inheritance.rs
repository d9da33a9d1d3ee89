//! The descriptors that main was started with: from a service manager by socket activation, or
//! from the main process of an older binary that this one replaces.
//!
//! Socket activation (`sd_listen_fds(3)`): `LISTEN_PID` is the id of the process meant,
//! `LISTEN_FDS` says how many descriptors there are from 3 on, and `LISTEN_FDNAMES` has their names
//! between colons.
//!
//! Upgrade: `NXT_UPGRADE` is a list of descriptor numbers between semicolons. The first is the
//! channel to the old main process (see `upgrade`), the others are its listening sockets and its
//! control socket; an `a` behind a number says that the socket came by socket activation.
//!
//! What a socket is for is told by the address that it is bound to.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::os::fd::{OwnedFd, RawFd};

use super::fork::remove_environment;
use super::listeners::{Inherited, Origin};
use crate::sys::{Errno, inherited};
use crate::{notice, warning};

/// The variable with the descriptors that an old main process leaves to a new one.
pub(super) const UPGRADE: &str = "NXT_UPGRADE";

const LISTEN_PID: &str = "LISTEN_PID";
const LISTEN_FDS: &str = "LISTEN_FDS";
const LISTEN_FDNAMES: &str = "LISTEN_FDNAMES";

/// The first descriptor of socket activation (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;

/// More sockets than anybody activates.
const MAX: RawFd = 4096;

/// See the module head.
#[derive(Debug, Default)]
pub(super) struct Inheritance {
    /// Sockets, whatever they are for.
    pub(super) sockets: Vec<Inherited>,
    /// The channel to the main process that this one is to replace.
    pub(super) predecessor: Option<OwnedFd>,
}

/// What the environment says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    channel: Option<RawFd>,
    sockets: Vec<(RawFd, Origin, String)>,
}

impl Inheritance {
    /// Takes the descriptors, and the variables out of the environment, so that no child sees them.
    /// To be called once, early in `main`, while there is one thread.
    pub(super) fn take() -> Inheritance {
        let told = Told::read(std::process::id(), |name| std::env::var_os(name));
        for name in [UPGRADE, LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES] {
            remove_environment(name);
        }
        let predecessor = told
            .channel
            .and_then(|number| match inherited::take(number) {
                Ok(fd) => Some(fd),
                Err(error) => {
                    warning!(
                        "{UPGRADE}: descriptor {number} cannot be used {}",
                        Errno::from(&error)
                    );
                    None
                }
            });
        let sockets = told
            .sockets
            .into_iter()
            .filter_map(|(number, origin, name)| take_socket(number, origin, &name))
            .collect();
        Inheritance {
            sockets,
            predecessor,
        }
    }
}

fn take_socket(number: RawFd, origin: Origin, name: &str) -> Option<Inherited> {
    let taken = inherited::take(number)
        .map_err(|error| Errno::from(&error))
        .and_then(|fd| Inherited::new(fd, origin).map_err(Errno::from));
    match taken {
        Ok(socket) => {
            notice!("inherited listening socket \"{}\" ({name})", socket.address);
            Some(socket)
        }
        Err(errno) => {
            notice!(
                "inherited descriptor {number} ({name}) is no listening socket, closed {errno}"
            );
            None
        }
    }
}

impl Told {
    fn read(own: u32, variable: impl Fn(&str) -> Option<OsString>) -> Told {
        let text = |name| variable(name).and_then(|value| value.into_string().ok());
        let mut told = Told::default();
        if let Some(list) = text(UPGRADE) {
            told.read_upgrade(&list);
        }
        let number = |name| text(name).and_then(|value| value.parse::<RawFd>().ok());
        let is_meant = text(LISTEN_PID).is_some_and(|pid| pid == own.to_string());
        if is_meant && let Some(count @ 1..=MAX) = number(LISTEN_FDS) {
            let names = text(LISTEN_FDNAMES).unwrap_or_default();
            let mut names = names.split(':');
            told.sockets.extend((FIRST..FIRST + count).map(|fd| {
                let name = names.next().filter(|name| !name.is_empty());
                let name = name.unwrap_or("socket activation");
                (fd, Origin::Activation, name.to_owned())
            }));
        }
        told
    }

    fn read_upgrade(&mut self, list: &str) {
        let mut items = list.split(';');
        self.channel = items.next().and_then(|number| number.parse().ok());
        if self.channel.is_none() {
            warning!("{UPGRADE} is not a list of descriptors, ignored");
            return;
        }
        for item in items {
            let (number, origin) = match item.strip_suffix('a') {
                Some(number) => (number, Origin::Activation),
                None => (item, Origin::Main),
            };
            match number.parse() {
                Ok(number) => self.sockets.push((number, origin, "upgrade".to_owned())),
                Err(_) => warning!("{UPGRADE}: \"{item}\" is no descriptor, ignored"),
            }
        }
    }
}

/// The value of [`UPGRADE`].
pub(super) fn upgrade_value(
    channel: RawFd,
    sockets: impl IntoIterator<Item = (RawFd, Origin)>,
) -> String {
    let mut value = channel.to_string();
    for (number, origin) in sockets {
        value += &format!(";{number}");
        if origin == Origin::Activation {
            value.push('a');
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Told {
        Told::read(17, |name| {
            let value = variables.iter().find(|known| known.0 == name)?.1;
            Some(value.into())
        })
    }

    #[test]
    fn an_upgrade_says_what_it_leaves() {
        let value = upgrade_value(5, [(7, Origin::Main), (9, Origin::Activation)]);
        let told = read(&[(UPGRADE, &value)]);
        assert_eq!(told.channel, Some(5));
        let sockets: Vec<_> = told.sockets.iter().map(|s| (s.0, s.1)).collect();
        assert_eq!(sockets, [(7, Origin::Main), (9, Origin::Activation)]);
        assert_eq!(read(&[(UPGRADE, "x;3")]), Told::default());
        let odd = read(&[(UPGRADE, "4;;b;6")]);
        assert_eq!((odd.channel, odd.sockets.len()), (Some(4), 1));
    }

    #[test]
    fn activation_is_for_the_process_it_names() {
        let told = read(&[
            (LISTEN_PID, "17"),
            (LISTEN_FDS, "2"),
            (LISTEN_FDNAMES, "web:"),
        ]);
        let activated = |fd, name: &str| (fd, Origin::Activation, name.to_owned());
        assert_eq!(
            told.sockets,
            [activated(3, "web"), activated(4, "socket activation")]
        );
        for (pid, count) in [("18", "2"), ("17", "0"), ("17", "-1"), ("17", "9999999")] {
            let told = read(&[(LISTEN_PID, pid), (LISTEN_FDS, count)]);
            assert_eq!(told, Told::default(), "{pid} {count}");
        }
    }
}
