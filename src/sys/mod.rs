//! Safe wrappers of the kernel and of the C library: events, processes, credentials, limits, memory,
//! loading of shared objects, socket addresses.

pub mod accept;
pub mod address;
pub mod cgroups;
pub mod clone;
pub mod credentials;
pub mod dl;
pub mod events;
pub mod inherited;
pub mod limits;
pub mod listen;
pub mod memory;
pub mod mounts;
pub mod notify;
pub mod process;
pub mod published;
pub mod stdio;
pub mod title;
pub mod watch;

/// A system error as the log shows it: `(98: Address already in use)`.
pub struct Errno(pub nix::errno::Errno);

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({}: {})", self.0 as i32, strerror(self.0))
    }
}

/// The system's text for an error number.
///
/// `nix` has texts of its own; clients of the control API and readers of the log compare them with
/// what other programs of the machine print, so the C library's words are used.
fn strerror(errno: nix::errno::Errno) -> String {
    let text = std::io::Error::from_raw_os_error(errno as i32).to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

impl From<nix::errno::Errno> for Errno {
    fn from(errno: nix::errno::Errno) -> Self {
        Errno(errno)
    }
}

impl From<&std::io::Error> for Errno {
    fn from(error: &std::io::Error) -> Self {
        Errno(nix::errno::Errno::from_raw(
            error.raw_os_error().unwrap_or(0),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_is_shown_with_its_number_and_the_text_of_the_c_library() {
        let shown = Errno(nix::errno::Errno::EADDRINUSE).to_string();
        assert_eq!(shown, "(98: Address already in use)");
    }
}
