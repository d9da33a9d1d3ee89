//! `nxt_sockaddr.h`: socket addresses and their texts.

use std::ffi::OsStr;
use std::mem::offset_of;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

use libc::{
    AF_INET, AF_INET6, AF_UNIX, c_int, in_addr_t, in6_addr, sa_family_t, sockaddr, socklen_t,
};
use nix::sys::socket::SockaddrLike;

use crate::abi::array::nxt_mp_t;
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::sockaddr::{nxt_sockaddr_t, nxt_sockaddr_u};
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_bool_t, nxt_int_t};
use crate::base::log::Level;
use crate::capi::log::{task_record, thread_record};
use crate::capi::mp::nxt_mp_zalloc;
use crate::capi::{bytes, guard, str_bytes};
use crate::sys::Errno;
use crate::sys::accept::Peer;
use crate::sys::address::{Address, ParseError, SockaddrOf};

/// What stands before the address.
const HEAD: usize = offset_of!(nxt_sockaddr_t, u);
/// What stands before the name in the address of a unix socket.
pub(crate) const UNIX_HEAD: usize = offset_of!(libc::sockaddr_un, sun_path);
/// The longest texts: `255.255.255.255:65535` and its like of IPv6.
pub(crate) const INET_TEXT: usize = 21;
pub(crate) const INET6_TEXT: usize = 47;

/// An empty address of `socklen` bytes, with room for a text. NULL when there is no memory, or the
/// lengths do not fit.
///
/// # Safety
/// `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_alloc(
    mp: *mut nxt_mp_t,
    socklen: socklen_t,
    address_length: usize,
) -> *mut nxt_sockaddr_t {
    guard("nxt_sockaddr_alloc", ptr::null_mut(), || {
        let (Ok(socklen), Ok(length)) = (u8::try_from(socklen), u8::try_from(address_length))
        else {
            return ptr::null_mut();
        };
        let size = HEAD + usize::from(socklen.max(size_of::<sockaddr>() as u8)) + address_length;
        // SAFETY: the caller's promise is the same; the head lies within the memory.
        unsafe {
            let sa = nxt_mp_zalloc(mp, size).cast::<nxt_sockaddr_t>();
            if !sa.is_null() {
                (*sa).socklen = socklen;
                (*sa).length = length;
            }
            sa
        }
    })
}

/// A copy of an address of the kernel's, with room for a text. One of a unix socket without a name gets
/// an empty name. NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool; `sockaddr` is NULL or has `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_create(
    mp: *mut nxt_mp_t,
    sockaddr: *mut sockaddr,
    length: socklen_t,
    address_length: usize,
) -> *mut nxt_sockaddr_t {
    guard("nxt_sockaddr_create", ptr::null_mut(), || {
        let size = (length as usize).max(UNIX_HEAD + 1);
        // SAFETY: the caller's promise is the same; the new object has room for the address.
        unsafe {
            let from = bytes(sockaddr.cast(), length as usize);
            let sa = nxt_sockaddr_alloc(mp, size as socklen_t, address_length);
            if !sa.is_null() {
                let place = (&raw mut (*sa).u).cast::<u8>();
                place.copy_from_nonoverlapping(from.as_ptr(), from.len());
            }
            sa
        }
    })
}

/// A copy of an address, without its text.
///
/// # Safety
/// `mp` is NULL or a pool, `src` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_copy(
    mp: *mut nxt_mp_t,
    src: *mut nxt_sockaddr_t,
) -> *mut nxt_sockaddr_t {
    guard("nxt_sockaddr_copy", ptr::null_mut(), || {
        if src.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise.
        unsafe {
            let socklen = (*src).socklen;
            let copy = nxt_sockaddr_alloc(mp, socklen.into(), 0);
            if !copy.is_null() {
                let size = HEAD + usize::from(socklen);
                ptr::copy_nonoverlapping(src.cast::<u8>(), copy.cast(), size);
            }
            copy
        }
    })
}

/// The address of a socket, with room for its text; NULL, with a record in the task's log, if it has
/// none.
///
/// # Safety
/// `task` is NULL or valid, `mp` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_getsockname(
    task: *mut nxt_task_t,
    mp: *mut nxt_mp_t,
    s: c_int,
) -> *mut nxt_sockaddr_t {
    guard("nxt_getsockname", ptr::null_mut(), || {
        // SAFETY: all zero is a valid address, which the kernel fills in as far as it has room.
        unsafe {
            let mut found: nxt_sockaddr_u = std::mem::zeroed();
            let mut length = size_of::<nxt_sockaddr_u>() as socklen_t;
            if libc::getsockname(s, &raw mut found.sockaddr, &raw mut length) != 0 {
                let errno = Errno(nix::errno::Errno::last());
                task_record(
                    task,
                    Level::Error,
                    &format!("getsockname({s}) failed {errno}"),
                );
                return ptr::null_mut();
            }
            let text = match c_int::from(found.sockaddr.sa_family) {
                AF_INET => INET_TEXT,
                AF_INET6 => INET6_TEXT,
                AF_UNIX => "unix:".len() + length as usize,
                _ => 0,
            };
            nxt_sockaddr_create(mp, &raw mut found.sockaddr, length, text)
        }
    })
}

/// The address in an object, as far as it is of a family that listens.
///
/// # Safety
/// `sa` is NULL or valid.
pub(crate) unsafe fn address_of(sa: *const nxt_sockaddr_t) -> Option<Address> {
    if sa.is_null() {
        return None;
    }
    // SAFETY: not NULL, and by the caller's promise; what is read lies within `socklen` bytes.
    unsafe {
        let socklen = usize::from((*sa).socklen);
        let place = &raw const (*sa).u;
        let family = place.cast::<sa_family_t>().read_unaligned();
        match c_int::from(family) {
            AF_INET if socklen >= size_of::<libc::sockaddr_in>() => {
                let inet = place.cast::<libc::sockaddr_in>().read_unaligned();
                let ip = Ipv4Addr::from(u32::from_be(inet.sin_addr.s_addr));
                let port = u16::from_be(inet.sin_port);
                Some(Address::Inet(SocketAddrV4::new(ip, port).into()))
            }
            AF_INET6 if socklen >= size_of::<libc::sockaddr_in6>() => {
                let inet = place.cast::<libc::sockaddr_in6>().read_unaligned();
                let ip = Ipv6Addr::from(inet.sin6_addr.s6_addr);
                let port = u16::from_be(inet.sin6_port);
                let scope = inet.sin6_scope_id;
                Some(Address::Inet(SocketAddrV6::new(ip, port, 0, scope).into()))
            }
            AF_UNIX => {
                let length = socklen.saturating_sub(UNIX_HEAD);
                let name = bytes(place.cast::<u8>().add(UNIX_HEAD), length);
                Some(match name.split_first() {
                    Some((0, name)) => Address::Abstract(name.to_vec()),
                    _ => {
                        let end = name.iter().position(|byte| *byte == 0);
                        let path = &name[..end.unwrap_or(name.len())];
                        Address::Unix(PathBuf::from(OsStr::from_bytes(path)))
                    }
                })
            }
            _ => None,
        }
    }
}

/// Writes the text of an address, as far as there is room, and says where its parts are.
///
/// # Safety
/// `sa` is NULL or valid, with `length` bytes after its address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_text(sa: *mut nxt_sockaddr_t) {
    guard("nxt_sockaddr_text", (), || {
        // SAFETY: the caller's promise is the same.
        let Some(address) = (unsafe { address_of(sa) }) else {
            return;
        };
        // The text, where in it the address starts, and how long that is.
        let (text, before, length) = match &address {
            Address::Inet(SocketAddr::V4(inet)) => {
                let ip = inet.ip().to_string().len();
                (format!("{}:{}", inet.ip(), inet.port()).into_bytes(), 0, ip)
            }
            Address::Inet(SocketAddr::V6(inet)) => {
                let ip = inet.ip().to_string().len();
                (
                    format!("[{}]:{}", inet.ip(), inet.port()).into_bytes(),
                    1,
                    ip,
                )
            }
            Address::Unix(path) => {
                let text = [b"unix:", path.as_os_str().as_bytes()].concat();
                let length = text.len();
                (text, 0, length)
            }
            Address::Abstract(name) => {
                let text = [&b"unix:@"[..], name].concat();
                let length = text.len();
                (text, 0, length)
            }
        };
        // SAFETY: not NULL, or there was no address; there is room for `length` bytes.
        unsafe {
            let start = HEAD + usize::from((*sa).socklen);
            let room = usize::from((*sa).length);
            let length = length.min(room.saturating_sub(before));
            let text = &text[..text.len().min(room)];
            sa.cast::<u8>()
                .add(start)
                .copy_from_nonoverlapping(text.as_ptr(), text.len());
            let place = |offset: usize| u8::try_from(start + offset).unwrap_or(u8::MAX);
            let is_unix = !matches!(address, Address::Inet(_));
            // After the address come a bracket and a colon.
            let port = if is_unix { 0 } else { before + 1 };
            (*sa).start = place(0);
            (*sa).length = text.len() as u8;
            (*sa).address_start = place(before);
            (*sa).address_length = length as u8;
            (*sa).port_start = place(before + length + port);
        }
    });
}

/// The port of an address; 0 of a unix socket.
///
/// # Safety
/// `sa` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_port_number(sa: *mut nxt_sockaddr_t) -> u32 {
    guard("nxt_sockaddr_port_number", 0, || {
        // SAFETY: the caller's promise is the same.
        match unsafe { address_of(sa) } {
            Some(Address::Inet(inet)) => inet.port().into(),
            _ => 0,
        }
    })
}

/// Whether two sockets of these addresses and kinds are the same.
///
/// # Safety
/// `sa1` and `sa2` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_cmp(
    sa1: *mut nxt_sockaddr_t,
    sa2: *mut nxt_sockaddr_t,
) -> nxt_bool_t {
    guard("nxt_sockaddr_cmp", 0, || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            let (Some(one), Some(two)) = (address_of(sa1), address_of(sa2)) else {
                return 0;
            };
            let same = match (&one, &two) {
                (Address::Inet(one), Address::Inet(two)) => {
                    one.ip() == two.ip() && one.port() == two.port()
                }
                _ => one == two,
            };
            (same && (*sa1).r#type == (*sa2).r#type && (*sa1).socklen == (*sa2).socklen).into()
        }
    })
}

/// An address with its text; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool.
unsafe fn create(mp: *mut nxt_mp_t, address: &Address, text: usize) -> Option<*mut nxt_sockaddr_t> {
    let found = address.to_sockaddr().ok()?;
    let start = match &found {
        SockaddrOf::Inet(inet) => inet.as_ptr(),
        SockaddrOf::Unix(unix) => unix.as_ptr().cast(),
    };
    let length = match address {
        Address::Inet(SocketAddr::V4(_)) => size_of::<libc::sockaddr_in>(),
        Address::Inet(SocketAddr::V6(_)) => size_of::<libc::sockaddr_in6>(),
        // The name of a file ends with a NUL, which counts; an abstract one begins with it.
        Address::Unix(path) => UNIX_HEAD + path.as_os_str().len() + 1,
        Address::Abstract(name) => UNIX_HEAD + 1 + name.len(),
    };
    // SAFETY: the caller's promise is the same; the address has its length.
    unsafe {
        let sa = nxt_sockaddr_create(mp, start.cast_mut().cast(), length as socklen_t, text);
        if sa.is_null() {
            return None;
        }
        nxt_sockaddr_text(sa);
        Some(sa)
    }
}

/// The address of a client, with room for its text; NULL when there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool.
pub(crate) unsafe fn of_peer(mp: *mut nxt_mp_t, peer: &Peer) -> *mut nxt_sockaddr_t {
    let (address, room) = match peer {
        Peer::Inet(inet @ SocketAddr::V4(_)) => (Address::Inet(*inet), INET_TEXT),
        Peer::Inet(inet @ SocketAddr::V6(_)) => (Address::Inet(*inet), INET6_TEXT),
        // Clients of unix sockets have no names.
        Peer::Unix => (Address::Unix(PathBuf::new()), "unix:".len()),
    };
    // SAFETY: the caller's promise is the same.
    unsafe { create(mp, &address, room) }.unwrap_or(ptr::null_mut())
}

/// Reads an address of the configuration: `127.0.0.1:80`, `*:80`, `[::1]:80`, `unix:/path`,
/// `unix:@name`. NULL, with a record in the log, if it is none, or there is no memory.
///
/// # Safety
/// `mp` is NULL or a pool, `addr` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_parse(
    mp: *mut nxt_mp_t,
    addr: *mut nxt_str_t,
) -> *mut nxt_sockaddr_t {
    // SAFETY: the caller's promise is the same.
    unsafe { parse("nxt_sockaddr_parse", mp, addr, Address::parse) }
}

/// The same for an address that may lack its port, which is 0 then.
///
/// # Safety
/// As [`nxt_sockaddr_parse`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_sockaddr_parse_optport(
    mp: *mut nxt_mp_t,
    addr: *mut nxt_str_t,
) -> *mut nxt_sockaddr_t {
    let read = |text: &str| match Address::parse(text) {
        Err(error @ ParseError::NoPort(_)) => {
            let ip = match text {
                "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
                text => text.parse().ok(),
            };
            ip.map(|ip| Address::Inet(SocketAddr::new(ip, 0)))
                .ok_or(error)
        }
        read => read,
    };
    // SAFETY: the caller's promise is the same.
    unsafe { parse("nxt_sockaddr_parse_optport", mp, addr, read) }
}

/// # Safety
/// As [`nxt_sockaddr_parse`].
unsafe fn parse(
    name: &'static str,
    mp: *mut nxt_mp_t,
    addr: *mut nxt_str_t,
    read: impl FnOnce(&str) -> Result<Address, ParseError>,
) -> *mut nxt_sockaddr_t {
    guard(name, ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            let text = String::from_utf8_lossy(str_bytes(addr));
            let address = match read(&text) {
                Ok(address) => address,
                Err(error) => {
                    thread_record(Level::Error, &error.to_string());
                    return ptr::null_mut();
                }
            };
            let room = match &address {
                Address::Inet(SocketAddr::V4(_)) => INET_TEXT,
                Address::Inet(SocketAddr::V6(_)) => INET6_TEXT,
                Address::Unix(_) | Address::Abstract(_) => text.len(),
            };
            create(mp, &address, room).unwrap_or(ptr::null_mut())
        }
    })
}

/// The text of an IP address.
///
/// # Safety
/// As [`bytes`].
unsafe fn ip<T: std::str::FromStr>(buf: *const u8, len: usize) -> Option<T> {
    // SAFETY: the caller's promise is the same.
    std::str::from_utf8(unsafe { bytes(buf, len) })
        .ok()?
        .parse()
        .ok()
}

/// An IPv4 address in the order of the network; `INADDR_NONE` if it is none.
///
/// # Safety
/// `buf` is NULL or has `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_inet_addr(buf: *mut u8, len: usize) -> in_addr_t {
    guard("nxt_inet_addr", libc::INADDR_NONE, || {
        // SAFETY: the caller's promise is the same.
        unsafe { ip::<Ipv4Addr>(buf, len) }.map_or(libc::INADDR_NONE, |ip| u32::from(ip).to_be())
    })
}

/// Reads an IPv6 address, without brackets.
///
/// # Safety
/// `in6_addr` is NULL or writable; `buf` is NULL or has `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_inet6_addr(
    in6_addr: *mut in6_addr,
    buf: *mut u8,
    len: usize,
) -> nxt_int_t {
    guard("nxt_inet6_addr", NXT_ERROR, || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            match (ip::<Ipv6Addr>(buf, len), in6_addr.as_mut()) {
                (Some(ip), Some(place)) => {
                    place.s6_addr = ip.octets();
                    NXT_OK
                }
                _ => NXT_ERROR,
            }
        }
    })
}

/// Whether a text can only be an IPv6 address: it has more than one colon.
///
/// # Safety
/// `addr` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_inet6_probe(addr: *mut nxt_str_t) -> nxt_bool_t {
    guard("nxt_inet6_probe", 0, || {
        // SAFETY: the caller's promise is the same.
        let colons = unsafe { str_bytes(addr) }
            .iter()
            .filter(|byte| **byte == b':');
        (colons.count() > 1).into()
    })
}
