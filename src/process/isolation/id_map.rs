//! The maps of users and groups between a user namespace and the host: `uidmap`, `gidmap`.
//!
//! A map is written to /proc/PID/uid_map or gid_map by main, once. A daemon without the right to
//! change users may map only its own user and group, one number each, and must first deny
//! setgroups(2) inside. The messages of the checks are those of Unit 1.35.0.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};

use nix::unistd::{Gid, Uid};

use crate::base::log::Level;
use crate::conf::json::Value;
use crate::sys::Errno;
use crate::sys::credentials::Credentials;

/// One range of a map (`nxt_clone_map_entry_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// The first number inside.
    pub container: i64,
    /// The first number outside.
    pub host: i64,
    /// How many numbers.
    pub size: i64,
}

impl IdRange {
    fn contains(&self, id: u32) -> bool {
        let id = i64::from(id);
        id >= self.container && id < self.container.saturating_add(self.size)
    }
}

/// A map; an empty one stands for the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdMap(pub Vec<IdRange>);

impl IdMap {
    /// From an array of objects with `container`, `host` and `size`.
    pub(super) fn from_json(ranges: &Value) -> Option<IdMap> {
        let Value::Array(ranges) = ranges else {
            return None;
        };
        let range = |range: &Value| {
            let number = |name: &str| range.get_member(name)?.as_integer();
            Some(IdRange {
                container: number("container")?,
                host: number("host")?,
                size: number("size")?,
            })
        };
        ranges.iter().map(range).collect::<Option<_>>().map(IdMap)
    }

    /// Whether it has no ranges.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn contains(&self, id: u32) -> bool {
        self.0.iter().any(|range| range.contains(id))
    }

    /// This map, or that of one number.
    fn or_single(&self, container: u32, host: u32) -> IdMap {
        if self.is_empty() {
            IdMap(vec![IdRange {
                container: container.into(),
                host: host.into(),
                size: 1,
            }])
        } else {
            self.clone()
        }
    }
}

impl fmt::Display for IdMap {
    /// The form of /proc/PID/uid_map: a line for each range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{} {} {}", range.container, range.host, range.size)?;
        }
        Ok(())
    }
}

/// What the daemon is and may do.
#[derive(Clone, Copy, Debug)]
pub struct Daemon {
    /// It may take any user and group.
    pub setid: bool,
    /// Its effective user.
    pub uid: Uid,
    /// Its effective group.
    pub gid: Gid,
}

/// Why maps are refused or not written. The texts are log records.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// There is no user namespace to have a map.
    #[error("\"{0}\" is set but \"isolation.namespaces.credential\" is false or unset")]
    NoNamespace(&'static str),
    /// More than an ordinary user may map.
    #[error("\"{0}\" field has {1} entries but unprivileged unit has a maximum of 1 map.")]
    TooMany(&'static str, usize),
    /// Another user than an ordinary user may map.
    #[error(
        "\"uidmap\" field has an entry for host uid {host} but unprivileged unit can only map itself (uid {own}) into child namespaces."
    )]
    ForeignUser {
        /// The wish.
        host: i64,
        /// The possible.
        own: Uid,
    },
    /// The application's user has no number inside.
    #[error("\"uidmap\" field has no \"container\" entry for user \"{user}\" (uid {uid})")]
    UserMissing {
        /// Its name.
        user: String,
        /// Its number.
        uid: Uid,
    },
    /// An ordinary user cannot map the groups.
    #[error(
        "unprivileged unit disallow supplementary groups for new namespace (user \"{user}\" has {count} group{}).",
        plural(*count)
    )]
    SupplementaryGroups {
        /// The user.
        user: String,
        /// How many groups it has.
        count: usize,
    },
    /// Another group than an ordinary user may map.
    #[error(
        "\"gidmap\" field has an entry for host gid {host} but unprivileged unit can only map itself (gid {own}) into child namespaces."
    )]
    ForeignGroup {
        /// The wish.
        host: i64,
        /// The possible.
        own: Gid,
    },
    /// More numbers than an ordinary user may map.
    #[error(
        "\"gidmap\" field has an entry with \"size\": {0}, but for unprivileged unit it must be 1."
    )]
    Size(i64),
    /// The application's group has no number inside.
    #[error("\"gidmap\" field has no \"container\" entry for gid {0}.")]
    GroupMissing(Gid),
    /// The default map has one group only.
    #[error(
        "\"gidmap\" field has no entries but user \"{user}\" has {count} suplementary group{}.",
        plural(*count)
    )]
    GroupsMissing {
        /// The user.
        user: String,
        /// How many groups it has.
        count: usize,
    },
    /// Not all of the user's groups have a number inside.
    #[error(
        "\"gidmap\" field has missing suplementary gid mappings (found {found} out of {count})."
    )]
    SomeGroupsMissing {
        /// How many have.
        found: usize,
        /// How many should.
        count: usize,
    },
    /// open(2) of a file of /proc
    #[error("failed to open {0} {1}")]
    Open(String, Errno),
    /// write(2) to it
    #[error("failed to write {0}{hint} {1}", hint = hint(.1))]
    Write(String, Errno),
}

fn plural(count: usize) -> &'static str {
    if count > 1 { "s" } else { "" }
}

fn hint(errno: &Errno) -> &'static str {
    match errno.0 {
        nix::errno::Errno::EINVAL => ": ranges overlap, or are more than the kernel takes",
        _ => "",
    }
}

impl MapError {
    /// How important the log record is.
    pub fn level(&self) -> Level {
        match self {
            MapError::TooMany(..)
            | MapError::ForeignUser { .. }
            | MapError::UserMissing { .. }
            | MapError::SupplementaryGroups { .. } => Level::Notice,
            MapError::Open(..) | MapError::Write(..) => Level::Alert,
            _ => Level::Error,
        }
    }
}

/// Checks the map of users (`nxt_clone_vldt_credential_uidmap`).
pub fn check_uid_map(map: &IdMap, user: &Credentials, daemon: &Daemon) -> Result<(), MapError> {
    let Some(first) = map.0.first() else {
        return Ok(());
    };
    if !daemon.setid {
        if map.0.len() > 1 {
            return Err(MapError::TooMany("uidmap", map.0.len()));
        }
        if first.host != i64::from(daemon.uid.as_raw()) {
            return Err(MapError::ForeignUser {
                host: first.host,
                own: daemon.uid,
            });
        }
        return Ok(());
    }
    if map.contains(user.uid.as_raw()) {
        return Ok(());
    }
    Err(MapError::UserMissing {
        user: user.user.clone(),
        uid: user.uid,
    })
}

/// Checks the map of groups (`nxt_clone_vldt_credential_gidmap`).
pub fn check_gid_map(map: &IdMap, user: &Credentials, daemon: &Daemon) -> Result<(), MapError> {
    let count = user.groups.len();
    let only_primary = user.groups.iter().all(|group| *group == user.gid) && count <= 1;
    if !daemon.setid && !only_primary {
        return Err(MapError::SupplementaryGroups {
            user: user.user.clone(),
            count,
        });
    }
    let Some(first) = map.0.first() else {
        if only_primary {
            return Ok(());
        }
        return Err(MapError::GroupsMissing {
            user: user.user.clone(),
            count,
        });
    };
    if !daemon.setid {
        if map.0.len() > 1 {
            return Err(MapError::TooMany("gidmap", map.0.len()));
        }
        if first.host != i64::from(daemon.gid.as_raw()) {
            return Err(MapError::ForeignGroup {
                host: first.host,
                own: daemon.gid,
            });
        }
        if first.size > 1 {
            return Err(MapError::Size(first.size));
        }
        if first.container != i64::from(user.gid.as_raw()) {
            return Err(MapError::GroupMissing(user.gid));
        }
        return Ok(());
    }
    if !map.contains(user.gid.as_raw()) {
        return Err(MapError::GroupMissing(user.gid));
    }
    let mapped = |group: &&Gid| map.contains(group.as_raw());
    let found = user.groups.iter().filter(mapped).count();
    if found < count {
        return Err(MapError::SomeGroupsMissing { found, count });
    }
    Ok(())
}

/// Writes both maps of a process that is in a user namespace of its own, which nobody has written
/// yet (`nxt_clone_credential_map`). Without ranges the application's user and group stay what
/// they are on the host, or, for a daemon that is an ordinary user, become its own.
pub fn write_maps(
    pid: i32,
    uid_map: &IdMap,
    gid_map: &IdMap,
    user: &Credentials,
    daemon: &Daemon,
) -> Result<(), MapError> {
    let (rule, host_uid, host_gid) = if daemon.setid {
        ("allow", user.uid, user.gid)
    } else {
        ("deny", daemon.uid, daemon.gid)
    };
    let uid_map = uid_map.or_single(user.uid.as_raw(), host_uid.as_raw());
    let gid_map = gid_map.or_single(user.gid.as_raw(), host_gid.as_raw());
    write(pid, "uid_map", &uid_map.to_string())?;
    match write(pid, "setgroups", rule) {
        // Kernels before 3.19 have no such file and need none.
        Err(MapError::Open(_, Errno(nix::errno::Errno::ENOENT))) => {}
        done => done?,
    }
    write(pid, "gid_map", &gid_map.to_string())
}

fn write(pid: i32, file: &str, text: &str) -> Result<(), MapError> {
    let path = format!("/proc/{pid}/{file}");
    let mut opened = OpenOptions::new()
        .write(true)
        .open(&path)
        .map_err(|error| MapError::Open(path.clone(), (&error).into()))?;
    // The kernel takes a map in one call or not at all.
    let written = opened.write(text.as_bytes()).and_then(|written| {
        if written == text.len() {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(
                nix::errno::Errno::EINVAL as i32,
            ))
        }
    });
    written.map_err(|error| MapError::Write(path, (&error).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32, gid: u32, groups: &[u32]) -> Credentials {
        Credentials {
            user: "tester".into(),
            uid: Uid::from_raw(uid),
            gid: Gid::from_raw(gid),
            groups: groups.iter().copied().map(Gid::from_raw).collect(),
        }
    }

    fn daemon(setid: bool) -> Daemon {
        Daemon {
            setid,
            uid: Uid::from_raw(1000),
            gid: Gid::from_raw(1000),
        }
    }

    fn map(ranges: &[(i64, i64, i64)]) -> IdMap {
        let range = |&(container, host, size): &_| IdRange {
            container,
            host,
            size,
        };
        IdMap(ranges.iter().map(range).collect())
    }

    fn uid(map_of: &[(i64, i64, i64)], user: &Credentials, setid: bool) -> String {
        check_uid_map(&map(map_of), user, &daemon(setid))
            .err()
            .map_or_else(String::new, |error| error.to_string())
    }

    fn gid(map_of: &[(i64, i64, i64)], user: &Credentials, setid: bool) -> String {
        check_gid_map(&map(map_of), user, &daemon(setid))
            .err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn users_of_a_privileged_daemon() {
        let nobody = user(65534, 65534, &[65534]);
        assert_eq!(uid(&[], &nobody, true), "");
        assert_eq!(uid(&[(65534, 1, 1)], &nobody, true), "");
        assert_eq!(uid(&[(0, 1, 10), (60000, 2, 6000)], &nobody, true), "");
        assert_eq!(
            uid(&[(0, 0, i64::MAX), (1, 1, i64::MAX)], &nobody, true),
            ""
        );
        assert_eq!(
            uid(&[(0, 1, 65534)], &nobody, true),
            "\"uidmap\" field has no \"container\" entry for user \"tester\" (uid 65534)"
        );
    }

    #[test]
    fn users_of_an_ordinary_daemon() {
        let own = user(1000, 1000, &[1000]);
        assert_eq!(uid(&[(0, 1000, 1)], &own, false), "");
        assert_eq!(
            uid(&[(0, 1000, 1), (1, 1001, 1)], &own, false),
            "\"uidmap\" field has 2 entries but unprivileged unit has a maximum of 1 map."
        );
        assert_eq!(
            uid(&[(0, 0, 1)], &own, false),
            "\"uidmap\" field has an entry for host uid 0 but unprivileged unit can only map itself (uid 1000) into child namespaces."
        );
    }

    #[test]
    fn groups_of_a_privileged_daemon() {
        let one = user(1, 10, &[10]);
        let three = user(1, 10, &[10, 20, 30]);
        assert_eq!(gid(&[], &one, true), "");
        assert_eq!(
            gid(&[], &three, true),
            "\"gidmap\" field has no entries but user \"tester\" has 3 suplementary groups."
        );
        assert_eq!(gid(&[(0, 1000, 31)], &three, true), "");
        assert_eq!(
            gid(&[(10, 1000, 15)], &three, true),
            "\"gidmap\" field has missing suplementary gid mappings (found 2 out of 3)."
        );
        assert_eq!(
            gid(&[(20, 1000, 15)], &three, true),
            "\"gidmap\" field has no \"container\" entry for gid 10."
        );
    }

    #[test]
    fn groups_of_an_ordinary_daemon() {
        let one = user(1000, 1000, &[1000]);
        assert_eq!(gid(&[], &one, false), "");
        assert_eq!(gid(&[(1000, 1000, 1)], &one, false), "");
        assert_eq!(
            gid(&[], &user(1000, 1000, &[5]), false),
            "unprivileged unit disallow supplementary groups for new namespace (user \"tester\" has 1 group)."
        );
        assert_eq!(
            gid(&[(1000, 1000, 2)], &one, false),
            "\"gidmap\" field has an entry with \"size\": 2, but for unprivileged unit it must be 1."
        );
        assert_eq!(
            gid(&[(1000, 5, 1)], &one, false),
            "\"gidmap\" field has an entry for host gid 5 but unprivileged unit can only map itself (gid 1000) into child namespaces."
        );
        assert_eq!(
            gid(&[(0, 1000, 1)], &one, false),
            "\"gidmap\" field has no \"container\" entry for gid 1000."
        );
    }

    #[test]
    fn a_map_is_written_line_by_line() {
        assert_eq!(map(&[(0, 5, 1), (1, 100, 9)]).to_string(), "0 5 1\n1 100 9");
        assert_eq!(IdMap::default().or_single(3, 4).to_string(), "3 4 1");
    }
}
