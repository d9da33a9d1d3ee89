//! Users, groups, and the capabilities that changing them takes.

use std::ffi::CString;

use nix::errno::Errno as Number;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist, setgid, setgroups, setuid};

use super::Errno;

/// Whom a process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name, for messages.
    pub user: String,
    /// The user.
    pub uid: Uid,
    /// The primary group.
    pub gid: Gid,
    /// All groups of the user, the primary one included.
    pub groups: Vec<Gid>,
}

/// Why credentials cannot be found or taken. The texts are log records.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// No such user.
    #[error("getpwnam(\"{0}\") failed, user \"{0}\" not found")]
    UserNotFound(String),
    /// The user database cannot be read.
    #[error("getpwnam(\"{0}\") failed {1}")]
    User(String, Errno),
    /// No such group.
    #[error("getgrnam(\"{0}\") failed, group \"{0}\" not found")]
    GroupNotFound(String),
    /// The group database cannot be read.
    #[error("getgrnam(\"{0}\") failed {1}")]
    Group(String, Errno),
    /// The user's groups cannot be listed.
    #[error("getgrouplist(\"{0}\", {1}, ...) failed {2}")]
    GroupList(String, Gid, Errno),
    /// The group has no number in this user namespace.
    #[error("The gid {0} isn't valid in the application namespace.")]
    ForeignGroup(Gid),
    /// A supplementary group has no number in this user namespace.
    #[error(
        "The user \"{0}\" (uid: {1}) has supplementary group ids not valid in the application namespace."
    )]
    ForeignGroups(String, Uid),
    /// The user has no number in this user namespace.
    #[error("The uid {1} (user \"{0}\") isn't valid in the application namespace.")]
    ForeignUser(String, Uid),
    /// capset(2)
    #[error("capset() failed {0}")]
    Capabilities(Errno),
    /// setgid(2)
    #[error("setgid({0}) failed {1}")]
    SetGid(Gid, Errno),
    /// setgroups(2)
    #[error("setgroups({0}) failed {1}")]
    SetGroups(usize, Errno),
    /// setuid(2)
    #[error("setuid({0}) failed {1}")]
    SetUid(Uid, Errno),
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Looks a user up.
pub fn find_user(name: &str) -> Result<User, CredentialsError> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(CredentialsError::UserNotFound(name.to_owned())),
        Err(errno) => Err(CredentialsError::User(name.to_owned(), errno.into())),
    }
}

/// Looks a group up.
pub fn find_group(name: &str) -> Result<Group, CredentialsError> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group),
        Ok(None) => Err(CredentialsError::GroupNotFound(name.to_owned())),
        Err(errno) => Err(CredentialsError::Group(name.to_owned(), errno.into())),
    }
}

impl Credentials {
    /// Looks up a user with all its groups; `group` replaces the user's primary group.
    pub fn find(user: &str, group: Option<&str>) -> Result<Credentials, CredentialsError> {
        let entry = find_user(user)?;
        let gid = match group.filter(|name| !name.is_empty()) {
            Some(name) => find_group(name)?.gid,
            None => entry.gid,
        };
        let list_error =
            |errno: Number| CredentialsError::GroupList(user.to_owned(), gid, errno.into());
        let name = CString::new(user).map_err(|_| list_error(Number::EINVAL))?;
        let groups = getgrouplist(&name, gid).map_err(list_error)?;
        Ok(Credentials {
            user: user.to_owned(),
            uid: entry.uid,
            gid,
            groups,
        })
    }

    /// Takes the groups, then the user, then gives up what is left of privileges: the order in
    /// which they fall.
    pub fn apply(&self) -> Result<(), CredentialsError> {
        self.apply_with(&self.groups)
    }

    /// The same with the primary group only. In a user namespace that an ordinary user made, the
    /// kernel allows nobody to change the supplementary groups.
    pub fn apply_without_groups(&self) -> Result<(), CredentialsError> {
        self.apply_with(&[])
    }

    fn apply_with(&self, groups: &[Gid]) -> Result<(), CredentialsError> {
        self.take_groups(groups)?;
        self.take_user()?;
        if self.uid.is_root() {
            return Ok(());
        }
        drop_capabilities().map_err(|errno| CredentialsError::Capabilities(errno.into()))
    }

    /// Takes the primary group, and these supplementary ones if there are any.
    pub fn take_groups(&self, groups: &[Gid]) -> Result<(), CredentialsError> {
        setgid(self.gid).map_err(|errno| match errno {
            Number::EINVAL => CredentialsError::ForeignGroup(self.gid),
            errno => CredentialsError::SetGid(self.gid, errno.into()),
        })?;
        if groups.is_empty() {
            return Ok(());
        }
        setgroups(groups).map_err(|errno| match errno {
            Number::EINVAL => CredentialsError::ForeignGroups(self.user.clone(), self.uid),
            errno => CredentialsError::SetGroups(groups.len(), errno.into()),
        })
    }

    /// Takes the user.
    pub fn take_user(&self) -> Result<(), CredentialsError> {
        setuid(self.uid).map_err(|errno| match errno {
            Number::EINVAL => CredentialsError::ForeignUser(self.user.clone(), self.uid),
            errno => CredentialsError::SetUid(self.uid, errno.into()),
        })
    }
}

/// Gives up all capabilities. setuid(2) does so only for who leaves user 0: not for an ordinary
/// user who was given some, nor in a user namespace in which nobody is user 0.
fn drop_capabilities() -> nix::Result<()> {
    // _LINUX_CAPABILITY_VERSION_3: the header, then effective, permitted and inheritable bits, the
    // low words before the high ones.
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0u32; 6];
    // SAFETY: the kernel reads a header of eight bytes and the 24 bytes of its version.
    let done = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    Number::result(done).map(drop)
}

const CAP_SETGID: u32 = 6;
const CAP_SETUID: u32 = 7;
const CAP_SYS_CHROOT: u32 = 18;

/// What this process may do beyond an ordinary user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// It may take any user and group (`CAP_SETUID` and `CAP_SETGID`).
    pub setid: bool,
    /// It may change its root directory (`CAP_SYS_CHROOT`).
    pub chroot: bool,
}

impl Capabilities {
    /// Those of this process.
    pub fn current() -> Capabilities {
        if Uid::effective().is_root() {
            return Capabilities {
                setid: true,
                chroot: true,
            };
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::from_status(&status)
    }

    /// From the `CapEff` line of /proc/PID/status; without one, none.
    fn from_status(status: &str) -> Capabilities {
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:"))
            .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
            .unwrap_or(0);
        let has = |cap: u32| mask & (1 << cap) != 0;
        Capabilities {
            setid: has(CAP_SETUID) && has(CAP_SETGID),
            chroot: has(CAP_SYS_CHROOT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_with_its_groups() {
        let root = Credentials::find("root", None).unwrap();
        assert_eq!((root.uid, root.gid), (Uid::from_raw(0), Gid::from_raw(0)));
        assert!(root.groups.contains(&root.gid));
        let other = Credentials::find("root", Some("daemon")).unwrap();
        assert_ne!(other.gid, root.gid);
        assert!(other.groups.contains(&other.gid));
    }

    #[test]
    fn unknown_names_are_named() {
        let user = Credentials::find("no-such-user", None)
            .unwrap_err()
            .to_string();
        assert_eq!(
            user,
            "getpwnam(\"no-such-user\") failed, user \"no-such-user\" not found"
        );
        let group = Credentials::find("root", Some("no-such-group"))
            .unwrap_err()
            .to_string();
        assert_eq!(
            group,
            "getgrnam(\"no-such-group\") failed, group \"no-such-group\" not found"
        );
    }

    #[test]
    fn both_setid_capabilities_are_needed() {
        let of = |mask: &str| Capabilities::from_status(&format!("Name:\tx\nCapEff:\t{mask}\n"));
        assert_eq!(
            of("00000000000000c0"),
            Capabilities {
                setid: true,
                chroot: false
            }
        );
        assert_eq!(
            of("0000000000040080"),
            Capabilities {
                setid: false,
                chroot: true
            }
        );
        assert_eq!(Capabilities::from_status(""), Capabilities::default());
    }
}
