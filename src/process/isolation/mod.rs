//! The isolation of an application: what it is configured to be, checked against what the daemon
//! may do, and carried out in main and in the prototype.
//!
//! The steps, and in which process they are taken, stand in docs/ARCHITECTURE.md.
#![forbid(unsafe_code)]

mod host_mounts;
pub mod id_map;
mod leftovers;
mod pids;
mod root;

pub(super) use host_mounts::Places;
pub use id_map::{Daemon, IdMap, IdRange, MapError, check_gid_map, check_uid_map, write_maps};
pub(super) use leftovers::{Leftovers, Supervisor};
pub(super) use pids::PidView;
pub use root::{RootPlan, mount_in};

use std::path::PathBuf;

use crate::conf::json::Value;
use crate::sys::clone::Namespaces;
use crate::sys::credentials::Credentials;

/// The `isolation` object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Isolation {
    /// `namespaces`
    pub namespaces: Namespaces,
    /// `uidmap`; empty for the default.
    pub uid_map: IdMap,
    /// `gidmap`; empty for the default.
    pub gid_map: IdMap,
    /// `rootfs`
    pub rootfs: Option<PathBuf>,
    /// `automount`
    pub automount: Automount,
    /// `cgroup.path`
    pub cgroup: Option<PathBuf>,
    /// Not `new_privs`
    pub no_new_privs: bool,
}

/// What is mounted in a new root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Automount {
    /// What the language needs.
    pub language_deps: bool,
    /// /tmp
    pub tmpfs: bool,
    /// /proc
    pub procfs: bool,
}

impl Default for Automount {
    fn default() -> Automount {
        Automount {
            language_deps: true,
            tmpfs: true,
            procfs: true,
        }
    }
}

/// The options of `namespaces`.
const NAMESPACES: [(&str, Namespaces); 6] = [
    ("cgroup", Namespaces::CGROUP),
    ("credential", Namespaces::CREDENTIAL),
    ("mount", Namespaces::MOUNT),
    ("network", Namespaces::NETWORK),
    ("pid", Namespaces::PID),
    ("uname", Namespaces::UNAME),
];

impl Isolation {
    /// Reads the object, which was validated; `None` if it is not what validation lets through.
    pub fn from_json(object: Option<&Value>) -> Option<Isolation> {
        let Some(object) = object else {
            return Some(Isolation::default());
        };
        let mut namespaces = Namespaces::empty();
        for (name, wanted) in object
            .get_member("namespaces")
            .into_iter()
            .flat_map(Value::members)
        {
            let (_, flag) = NAMESPACES.iter().find(|(known, _)| *known == name)?;
            namespaces.set(*flag, wanted.as_bool()?);
        }
        let map = |name: &str| match object.get_member(name) {
            None => Some(IdMap::default()),
            Some(ranges) => IdMap::from_json(ranges),
        };
        let path = |value: &Value| {
            let path = value.as_str()?;
            (!path.contains('\0')).then(|| PathBuf::from(path))
        };
        let automount = object.get_member("automount");
        let wanted = |name: &str| match automount.and_then(|a| a.get_member(name)) {
            None => Some(true),
            Some(value) => value.as_bool(),
        };
        Some(Isolation {
            namespaces,
            uid_map: map("uidmap")?,
            gid_map: map("gidmap")?,
            rootfs: match object.get_member("rootfs") {
                None => None,
                Some(value) => Some(path(value)?),
            },
            automount: Automount {
                language_deps: wanted("language_deps")?,
                tmpfs: wanted("tmpfs")?,
                procfs: wanted("procfs")?,
            },
            cgroup: match object.get_member("cgroup") {
                None => None,
                Some(cgroup) => Some(path(cgroup.get_member("path")?)?),
            },
            no_new_privs: match object.get_member("new_privs") {
                None => false,
                Some(value) => !value.as_bool()?,
            },
        })
    }

    /// Checks the maps of users and groups, as far as they are given, for the user that the
    /// application runs as, if it takes one.
    pub fn check_maps(&self, user: Option<&Credentials>, daemon: &Daemon) -> Result<(), MapError> {
        let (uid_map, gid_map) = (&self.uid_map, &self.gid_map);
        if uid_map.is_empty() && gid_map.is_empty() {
            return Ok(());
        }
        match user {
            Some(user) if self.has(Namespaces::CREDENTIAL) => {
                check_uid_map(uid_map, user, daemon)?;
                check_gid_map(gid_map, user, daemon)
            }
            _ if uid_map.is_empty() => Err(MapError::NoNamespace("gidmap")),
            _ => Err(MapError::NoNamespace("uidmap")),
        }
    }

    /// Whether the process gets this namespace.
    pub fn has(&self, namespace: Namespaces) -> bool {
        self.namespaces.contains(namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::json::parse;

    fn read(text: &str) -> Option<Isolation> {
        Isolation::from_json(Some(&parse(text.as_bytes()).unwrap()))
    }

    #[test]
    fn an_object_is_read() {
        let isolation = read(
            r#"{"namespaces": {"credential": true, "pid": false, "mount": true, "uname": true},
            "uidmap": [{"container": 0, "host": 1000, "size": 2}], "rootfs": "/srv/",
            "automount": {"tmpfs": false}, "cgroup": {"path": "a/b"}, "new_privs": false}"#,
        )
        .unwrap();
        assert_eq!(
            isolation.namespaces,
            Namespaces::CREDENTIAL | Namespaces::MOUNT | Namespaces::UNAME
        );
        assert_eq!(isolation.uid_map.to_string(), "0 1000 2");
        assert!(isolation.gid_map.is_empty() && isolation.no_new_privs);
        assert_eq!(isolation.rootfs, Some("/srv/".into()));
        assert_eq!(isolation.cgroup, Some("a/b".into()));
        let Automount {
            language_deps,
            tmpfs,
            procfs,
        } = isolation.automount;
        assert_eq!((language_deps, tmpfs, procfs), (true, false, true));
        assert_eq!(read("{}"), Some(Isolation::default()));
        assert_eq!(Isolation::from_json(None), Some(Isolation::default()));
    }

    #[test]
    fn what_validation_refuses_is_not_read() {
        for text in [
            r#"{"namespaces": {"time": true}}"#,
            r#"{"namespaces": {"pid": 1}}"#,
            r#"{"uidmap": [{"container": 0}]}"#,
            r#"{"rootfs": "/a\u0000"}"#,
            r#"{"cgroup": {}}"#,
            r#"{"new_privs": 0}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
