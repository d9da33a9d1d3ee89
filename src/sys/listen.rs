//! Listening sockets, as main makes them for the router.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno as Number;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrLike, SockaddrStorage, UnixAddr, bind, connect,
    getsockname, getsockopt, setsockopt, socket, sockopt,
};

use super::Errno;
use super::address::{Address, SockaddrOf};

/// Why a listening socket was not made. The numbers are those of the first byte of main's error
/// answer to the router (`nxt_socket_error_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Reason {
    /// Any other system error.
    #[error("system error")]
    System = 0,
    /// The machine has no IPv6.
    #[error("there is no IPv6 here")]
    NoInet6 = 1,
    /// The port needs privileges.
    #[error("the port needs privileges")]
    Port = 2,
    /// Another socket has the address.
    #[error("the address is in use")]
    InUse = 3,
    /// The machine does not have the address.
    #[error("there is no such address here")]
    NoAddress = 4,
    /// A unix socket's folder cannot be written.
    #[error("there is no access to the path")]
    Access = 5,
    /// A unix socket's folder does not exist.
    #[error("the path is invalid")]
    Path = 6,
}

impl Reason {
    /// The reason with this number; a number that there is none for counts as [`Reason::System`].
    pub fn from_byte(byte: u8) -> Reason {
        use Reason::{Access, InUse, NoAddress, NoInet6, Path, Port, System};
        [NoInet6, Port, InUse, NoAddress, Access, Path]
            .into_iter()
            .find(|reason| *reason as u8 == byte)
            .unwrap_or(System)
    }
}

/// See [`Reason`]. The text is the system's message: `bind("*:80") failed (98: …)`.
#[derive(Debug, thiserror::Error)]
#[error("{call} failed {errno}")]
pub struct ListenError {
    /// What kind of failure it is.
    pub reason: Reason,
    /// The call with its address.
    pub call: String,
    /// The system's error.
    pub errno: Errno,
}

impl ListenError {
    fn new(reason: Reason, call: String, errno: Number) -> ListenError {
        ListenError {
            reason,
            call,
            errno: errno.into(),
        }
    }
}

/// A socket bound to `address`, non-blocking and close-on-exec, listen(2) not called yet.
///
/// A socket file that no process listens on any more is replaced; the new one may be used by
/// everybody (0666), as Unit's listeners are.
pub fn bind_listener(address: &Address) -> Result<OwnedFd, ListenError> {
    let family = address.family();
    let fd = stream_socket(family).map_err(|errno| {
        let inet6 = family == AddressFamily::Inet6 && errno == Number::EAFNOSUPPORT;
        let reason = if inet6 {
            Reason::NoInet6
        } else {
            Reason::System
        };
        ListenError::new(reason, format!("socket(\"{address}\")"), errno)
    })?;
    let option = |name: &str, result: nix::Result<()>| {
        result.map_err(|errno| {
            ListenError::new(
                Reason::System,
                format!("setsockopt(\"{address}\", {name})"),
                errno,
            )
        })
    };
    option("SO_REUSEADDR", setsockopt(&fd, sockopt::ReuseAddr, &true))?;
    if family == AddressFamily::Inet6 {
        option("IPV6_V6ONLY", setsockopt(&fd, sockopt::Ipv6V6Only, &true))?;
    }
    bind_address(&fd, address)?;
    if let Some(path) = address.unix_path()
        && let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
    {
        let _ = std::fs::remove_file(path);
        return Err(ListenError {
            reason: Reason::System,
            call: format!("chmod(\"{}\")", path.display()),
            errno: (&error).into(),
        });
    }
    Ok(fd)
}

fn bind_address(fd: &OwnedFd, address: &Address) -> Result<(), ListenError> {
    let unix = address.family() == AddressFamily::Unix;
    let mut result = bind_to(fd, address);
    if result == Err(Number::EADDRINUSE)
        && let Some(path) = address.unix_path()
        && remove_stale(path)
    {
        result = bind_to(fd, address);
    }
    result.map_err(|errno| {
        let reason = match (unix, errno) {
            (true, Number::EACCES) => Reason::Access,
            (true, Number::ENOENT | Number::ENOTDIR) => Reason::Path,
            (false, Number::EACCES) => Reason::Port,
            (_, Number::EADDRINUSE) => Reason::InUse,
            (false, Number::EADDRNOTAVAIL) => Reason::NoAddress,
            _ => Reason::System,
        };
        ListenError::new(reason, format!("bind(\"{address}\")"), errno)
    })
}

/// Removes a socket file that nobody listens on; tells whether it is gone.
fn remove_stale(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    is_socket
        && probe(&Address::Unix(path.to_owned())) == Err(Number::ECONNREFUSED)
        && std::fs::remove_file(path).is_ok()
}

/// Whether something accepts connections on `address`; never waits.
pub fn probe(address: &Address) -> nix::Result<()> {
    let fd = stream_socket(address.family())?;
    let connected = |addr: &dyn SockaddrLikeDyn| addr.connect(&fd);
    match address.to_sockaddr()? {
        SockaddrOf::Inet(addr) => connected(&addr),
        SockaddrOf::Unix(addr) => connected(&addr),
    }
}

/// connect(2) for either kind of kernel address.
trait SockaddrLikeDyn {
    fn connect(&self, fd: &OwnedFd) -> nix::Result<()>;
}

impl<T: SockaddrLike> SockaddrLikeDyn for T {
    fn connect(&self, fd: &OwnedFd) -> nix::Result<()> {
        connect(fd.as_raw_fd(), self)
    }
}

/// A stream socket, non-blocking and close-on-exec.
pub fn stream_socket(family: AddressFamily) -> nix::Result<OwnedFd> {
    socket(
        family,
        SockType::Stream,
        SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
        None,
    )
}

/// bind(2)
pub fn bind_to(fd: &OwnedFd, address: &Address) -> nix::Result<()> {
    match address.to_sockaddr()? {
        SockaddrOf::Inet(addr) => bind(fd.as_raw_fd(), &addr),
        SockaddrOf::Unix(addr) => bind(fd.as_raw_fd(), &addr),
    }
}

/// The address that a socket is bound to. `EADDRNOTAVAIL` if it is to none.
pub fn local_address(fd: impl AsFd) -> nix::Result<Address> {
    let fd = fd.as_fd().as_raw_fd();
    if let Ok(address) = getsockname::<UnixAddr>(fd) {
        return match (address.path(), address.as_abstract()) {
            (Some(path), _) if !path.as_os_str().as_bytes().is_empty() => {
                Ok(Address::Unix(path.to_owned()))
            }
            (_, Some(name)) => Ok(Address::Abstract(name.to_vec())),
            _ => Err(Number::EADDRNOTAVAIL),
        };
    }
    let address: SockaddrStorage = getsockname(fd)?;
    let inet = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(address), _) => SocketAddrV4::from(*address).into(),
        (_, Some(address)) => SocketAddr::from(SocketAddrV6::from(*address)),
        _ => return Err(Number::EAFNOSUPPORT),
    };
    match inet.port() {
        0 => Err(Number::EADDRNOTAVAIL),
        _ => Ok(Address::Inet(inet)),
    }
}

/// Makes a socket that came from elsewhere as [`bind_listener`] makes them: it must be a stream
/// socket, and becomes non-blocking.
pub fn prepare(fd: impl AsFd) -> nix::Result<()> {
    if getsockopt(&fd, sockopt::SockType)? != SockType::Stream {
        return Err(Number::ESOCKTNOSUPPORT);
    }
    let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
    fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}

/// Has connections arrive with their first bytes (`TCP_DEFER_ACCEPT`).
pub fn defer_accept(fd: impl AsFd) -> nix::Result<()> {
    let wait: libc::c_int = 1;
    // SAFETY: `fd` keeps the descriptor open; the option is an int, of which the size is told.
    let rc = unsafe {
        libc::setsockopt(
            fd.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const wait).cast(),
            size_of_val(&wait) as libc::socklen_t,
        )
    };
    Number::result(rc).map(drop)
}

/// listen(2); a negative backlog asks for the most that the system allows.
pub fn listen(fd: impl AsFd, backlog: i32) -> io::Result<()> {
    // SAFETY: plain system call on a descriptor that `fd` keeps open.
    let rc = unsafe { libc::listen(fd.as_fd().as_raw_fd(), backlog) };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("nxt-listen-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
        let folder = folder("stale");
        let address = Address::Unix(folder.join("sock"));
        let first = bind_listener(&address).unwrap();
        drop(first);
        let second = bind_listener(&address).unwrap();
        let mode = std::fs::metadata(folder.join("sock"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o666);
        listen(&second, 1).unwrap();
        let error = bind_listener(&address).unwrap_err();
        assert_eq!(error.reason, Reason::InUse);
        let text = format!("bind(\"{address}\") failed (98: Address already in use)");
        assert_eq!(error.to_string(), text);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_ordinary_file_is_never_removed() {
        let folder = folder("file");
        std::fs::write(folder.join("sock"), b"keep").unwrap();
        assert!(bind_listener(&Address::Unix(folder.join("sock"))).is_err());
        assert_eq!(std::fs::read(folder.join("sock")).unwrap(), b"keep");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn reasons_are_told_apart() {
        let reason = |text: &str| {
            bind_listener(&Address::parse(text).unwrap())
                .unwrap_err()
                .reason
        };
        assert_eq!(reason("unix:/no/such/folder/sock"), Reason::Path);
        assert_eq!(reason("192.0.2.1:24000"), Reason::NoAddress);
        let taken = bind_listener(&Address::parse("127.0.0.1:24001").unwrap()).unwrap();
        listen(&taken, 1).unwrap();
        assert_eq!(reason("127.0.0.1:24001"), Reason::InUse);
    }

    #[test]
    fn an_abstract_name_is_bound() {
        let name = format!("unix:@nxt-test-{}", std::process::id());
        let address = Address::parse(&name).unwrap();
        let fd = bind_listener(&address).unwrap();
        assert_eq!(probe(&address), Err(Number::ECONNREFUSED));
        listen(&fd, 1).unwrap();
        assert_eq!(probe(&address), Ok(()));
    }
}
