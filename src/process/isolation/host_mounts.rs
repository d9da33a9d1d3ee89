//! The mounts of new roots of applications without a mount namespace.
//!
//! They are the host's: other programs see them, as they do with Unit. Main makes them before it
//! forks the prototype, and takes away exactly those, by descriptor, when the prototype has ended
//! in whatever way.
//!
//! Applications that share a root share its mounts. Were a second mount put on top of the first,
//! it would go away with it, and so does what is mounted inside of another mount. So each place has
//! one mount, and it stays until nobody uses it or what lies inside.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::root::{RootPlan, mount_in};
use crate::sys::Errno;
use crate::sys::mounts::{self, Mount, MountError, Root};
use crate::warning;

/// A place: the root, and the path inside.
type Place = (PathBuf, PathBuf);

/// The places that one application uses, outer ones first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::process) struct Places(Vec<Place>);

impl Places {
    pub(in crate::process) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Debug)]
struct Mounted {
    what: Mount,
    /// Its root directory.
    root: OwnedFd,
    users: usize,
}

/// See the module head. Dropping them leaves the mounts: a forked child closes its copies.
#[derive(Debug, Default)]
pub(in crate::process) struct HostMounts(BTreeMap<Place, Mounted>);

impl HostMounts {
    /// Makes what is missing of a root's mounts; all or nothing.
    pub(in crate::process) fn make(&mut self, plan: &RootPlan) -> Result<Places, MountError> {
        let root = Root::open(&plan.path)?;
        let name = root.real_path();
        let mut used = Places::default();
        for what in &plan.mounts {
            if let Err(error) = self.add(&root, &name, what, &mut used) {
                self.release(&used);
                return Err(error);
            }
        }
        Ok(used)
    }

    fn add(
        &mut self,
        root: &Root,
        name: &Path,
        what: &Mount,
        used: &mut Places,
    ) -> Result<(), MountError> {
        let place = (name.to_owned(), what.target.clone());
        if let Some(there) = self.0.get(&place) {
            if there.what != *what {
                return Err(MountError::Taken(
                    name.join(what.target.strip_prefix("/").unwrap_or(&what.target)),
                ));
            }
        } else {
            let Some(mounted) = mount_in(root, what)? else {
                return Ok(());
            };
            let mounted = Mounted {
                what: what.clone(),
                root: mounted,
                users: 0,
            };
            self.0.insert(place.clone(), mounted);
        }
        for ((of, target), mounted) in &mut self.0 {
            let place = (of.clone(), target.clone());
            if of == name && what.target.starts_with(target) && !used.0.contains(&place) {
                mounted.users += 1;
                used.0.push(place);
            }
        }
        Ok(())
    }

    /// An application does not use them any more.
    pub(in crate::process) fn release(&mut self, used: &Places) {
        for place in used.0.iter().rev() {
            let Some(mounted) = self.0.get_mut(place) else {
                continue;
            };
            mounted.users = mounted.users.saturating_sub(1);
            if mounted.users > 0 {
                continue;
            }
            if let Err(errno) = mounts::unmount(&mounted.root) {
                let target = &mounted.what.target;
                warning!(
                    "umount2({} in {}) failed {}",
                    target.display(),
                    place.0.display(),
                    Errno(errno)
                );
            }
            self.0.remove(place);
        }
    }

    /// Keeps the descriptors of these places only.
    pub(in crate::process) fn retain(&mut self, used: &Places) {
        self.0.retain(|place, _| used.0.contains(place));
    }

    /// Takes all away, whoever uses them: the daemon is gone. Some may be so already.
    pub(in crate::process) fn unmount_all(&mut self) {
        while let Some((_, mounted)) = self.0.pop_last() {
            let _ = mounts::unmount(&mounted.root);
        }
    }
}
