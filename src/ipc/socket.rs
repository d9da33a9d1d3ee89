//! The socket of a port: a `SOCK_SEQPACKET` pair that carries messages and descriptors.
//!
//! Both ends are nonblocking, close-on-exec, and have `SO_PASSCRED`, so that each message names the
//! sending process as the kernel knows it. A message carries at most [`MAX_DESCRIPTORS`];
//! whatever arrives beyond that is closed.

use std::io::IoSlice;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};

use super::Pid;
use super::message::{Body, Descriptors, HEADER_SIZE, Header, MAX_BODY, MAX_DESCRIPTORS, Message};

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The receiver does not keep up: its queue or socket is full.
    #[error("the port is full")]
    Full,
    /// The receiver is gone.
    #[error("the port is closed")]
    Closed,
    /// The receiver broke its queue. This is told once; the port counts as closed then.
    #[error("the queue of the port is corrupt")]
    Corrupt,
    /// A system call failed.
    #[error("sendmsg() failed: {0}")]
    Os(Errno),
}

/// Why no message could be received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// All writers are gone.
    #[error("the port is closed")]
    Closed,
    /// The shared queue holds what no honest writer leaves there; it cannot be used any more.
    #[error("the shared queue is corrupt")]
    Corrupt,
    /// A message that breaks the protocol; it was dropped and its descriptors were closed. Later
    /// messages can still be received.
    #[error("malformed message: {0}")]
    Malformed(&'static str),
    /// A system call failed.
    #[error("recvmsg() failed: {0}")]
    Os(Errno),
}

/// A new socket pair: the read end and the write end.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let (read, write) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
    setsockopt(&read, sockopt::PassCred, &true)?;
    setsockopt(&write, sockopt::PassCred, &true)?;
    Ok((read, write))
}

/// Room for the control data of one message, aligned for `cmsghdr`.
#[repr(C)]
union Control {
    _align: libc::cmsghdr,
    bytes: [u8; CONTROL_SIZE],
}

/// Fewer would do, but room for more lets us see and close what should not be there.
const MAX_FDS: usize = 8;
const CONTROL_SIZE: usize = 128;

const _: () = {
    // SAFETY: these only compute sizes.
    let needed = unsafe {
        libc::CMSG_SPACE((MAX_FDS * size_of::<RawFd>()) as u32)
            + libc::CMSG_SPACE(size_of::<libc::ucred>() as u32)
    };
    assert!(CONTROL_SIZE >= needed as usize);
};

/// Sends one datagram; at most [`MAX_DESCRIPTORS`] descriptors.
pub fn send(
    socket: BorrowedFd<'_>,
    header: &Header,
    body: &[u8],
    fds: &[BorrowedFd<'_>],
) -> Result<(), SendError> {
    send_slices(
        socket,
        &[IoSlice::new(&header.encode()), IoSlice::new(body)],
        fds,
    )
}

/// Sends the concatenation of the slices as one datagram.
pub fn send_slices(
    socket: BorrowedFd<'_>,
    slices: &[IoSlice<'_>],
    fds: &[BorrowedFd<'_>],
) -> Result<(), SendError> {
    let mut raw: [RawFd; MAX_DESCRIPTORS] = [-1; MAX_DESCRIPTORS];
    let count = fds.len().min(MAX_DESCRIPTORS);
    for (to, fd) in raw.iter_mut().zip(fds) {
        *to = fd.as_raw_fd();
    }
    let mut control = Control {
        bytes: [0; CONTROL_SIZE],
    };
    // SAFETY: all-zero is a valid msghdr.
    let mut msg: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    msg.msg_iov = slices.as_ptr() as *mut libc::iovec;
    msg.msg_iovlen = slices.len() as _;
    if count > 0 {
        let data = (count * size_of::<RawFd>()) as u32;
        msg.msg_control = (&raw mut control).cast();
        // SAFETY: CMSG_* only compute addresses inside `control`, which has room for eight
        // descriptors; the header lies at its aligned start.
        unsafe {
            msg.msg_controllen = libc::CMSG_SPACE(data) as _;
            let cmsg = libc::CMSG_FIRSTHDR(&msg);
            (*cmsg).cmsg_level = libc::SOL_SOCKET;
            (*cmsg).cmsg_type = libc::SCM_RIGHTS;
            (*cmsg).cmsg_len = libc::CMSG_LEN(data) as _;
            libc::CMSG_DATA(cmsg).copy_from_nonoverlapping(raw.as_ptr().cast(), data as usize);
        }
    }
    loop {
        // SAFETY: `msg` points at slices and control data that live through the call.
        let n = unsafe { libc::sendmsg(socket.as_raw_fd(), &msg, libc::MSG_NOSIGNAL) };
        if n >= 0 {
            return Ok(());
        }
        return Err(match Errno::last() {
            Errno::EINTR => continue,
            Errno::EAGAIN | Errno::ENOBUFS | Errno::ETOOMANYREFS => SendError::Full,
            Errno::EPIPE | Errno::ECONNRESET | Errno::ENOTCONN => SendError::Closed,
            errno => SendError::Os(errno),
        });
    }
}

/// A datagram in the caller's buffer.
#[derive(Debug)]
pub struct Datagram {
    /// Its length; longer ones than the buffer are refused.
    pub len: usize,
    /// Its descriptors.
    pub fds: Descriptors,
    /// The sending process as the kernel says.
    pub sender: Option<Pid>,
}

/// Receives one datagram into the start of `buffer`; `None` if a nonblocking socket has nothing.
pub fn receive_into(
    socket: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
) -> Result<Option<Datagram>, ReceiveError> {
    let mut control = Control {
        bytes: [0; CONTROL_SIZE],
    };
    let mut iov = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all-zero is a valid msghdr.
    let mut msg: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    msg.msg_iov = &mut iov;
    msg.msg_iovlen = 1;
    let len = loop {
        msg.msg_control = (&raw mut control).cast();
        msg.msg_controllen = CONTROL_SIZE as _;
        // SAFETY: `msg` points at buffers that are writable, as long as it says, and live.
        let n = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut msg, libc::MSG_CMSG_CLOEXEC) };
        match n {
            // An empty datagram has credentials, the end of the stream has nothing.
            0 if msg.msg_controllen == 0 => return Err(ReceiveError::Closed),
            0 => break 0,
            n if n > 0 => break n as usize,
            _ => match Errno::last() {
                Errno::EINTR => continue,
                Errno::EAGAIN => return Ok(None),
                Errno::ECONNRESET | Errno::ENOTCONN => return Err(ReceiveError::Closed),
                errno => return Err(ReceiveError::Os(errno)),
            },
        }
    };

    // Everything is owned before anything is judged, so that no path loses a descriptor.
    let mut datagram = Datagram {
        len,
        fds: Descriptors::default(),
        sender: None,
    };
    let mut count = 0;
    // SAFETY: the kernel filled `control` up to msg_controllen, and CMSG_* stay inside of that;
    // SCM_RIGHTS data are descriptors that the kernel just installed for us and that nobody else
    // knows. Data are read unaligned, and only as much as cmsg_len covers.
    unsafe {
        let mut cmsg = libc::CMSG_FIRSTHDR(&msg);
        while let Some(head) = cmsg.as_ref() {
            let data = libc::CMSG_DATA(cmsg);
            let size = head.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
            match (head.cmsg_level, head.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    for i in 0..size / size_of::<RawFd>() {
                        let fd = data.cast::<RawFd>().add(i).read_unaligned();
                        let fd = OwnedFd::from_raw_fd(fd);
                        if let Some(place) = datagram.fds.get_mut(count) {
                            *place = Some(fd);
                        }
                        count += 1;
                    }
                }
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if size >= size_of::<libc::ucred>() => {
                    datagram.sender = Some(data.cast::<libc::ucred>().read_unaligned().pid);
                }
                _ => {}
            }
            cmsg = libc::CMSG_NXTHDR(&msg, cmsg);
        }
    }
    if count > MAX_DESCRIPTORS {
        return Err(ReceiveError::Malformed("too many descriptors"));
    }
    if msg.msg_flags & libc::MSG_CTRUNC != 0 {
        // Also what a process at its descriptor limit gets.
        return Err(ReceiveError::Malformed("truncated control data"));
    }
    if msg.msg_flags & libc::MSG_TRUNC != 0 {
        return Err(ReceiveError::Malformed("datagram too long"));
    }
    Ok(Some(datagram))
}

/// Receives one message; `None` if there is nothing to receive now.
pub fn receive(socket: BorrowedFd<'_>) -> Result<Option<Message>, ReceiveError> {
    // Zeroing it all would cost more than most messages.
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; HEADER_SIZE + MAX_BODY];
    let Some(datagram) = receive_into(socket, &mut buffer)? else {
        return Ok(None);
    };
    // SAFETY: the kernel wrote the first `len` bytes, and receive_into checked that it wrote no
    // more than fit.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), datagram.len) };
    let header = Header::decode(bytes).ok_or(ReceiveError::Malformed("shorter than a header"))?;
    Ok(Some(Message {
        header,
        body: Body::new(&bytes[HEADER_SIZE..]),
        fds: datagram.fds,
        sender: datagram.sender,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::kind;
    use std::os::fd::AsFd;

    fn open_fds() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    #[test]
    fn messages_carry_descriptors_and_the_senders_pid() {
        let (read, write) = pair().unwrap();
        assert!(receive(read.as_fd()).unwrap().is_none());
        let header = Header::new(1, kind::NEW_PORT, 9);
        let (a, b) = pair().unwrap();
        send(write.as_fd(), &header, b"hello", &[a.as_fd(), b.as_fd()]).unwrap();
        send(write.as_fd(), &header, b"", &[]).unwrap();
        let first = receive(read.as_fd()).unwrap().unwrap();
        assert_eq!((first.header, &*first.body), (header, &b"hello"[..]));
        assert_eq!(first.sender, Some(std::process::id() as i32));
        let [Some(c), Some(d), None] = first.fds else {
            panic!("two descriptors were sent")
        };
        send(d.as_fd(), &header, b"through", &[]).unwrap();
        assert_eq!(&*receive(a.as_fd()).unwrap().unwrap().body, b"through");
        for fd in [&c, &d] {
            let flags = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_GETFD).unwrap();
            assert_eq!(flags, libc::FD_CLOEXEC);
        }
        assert!(receive(read.as_fd()).unwrap().unwrap().fds[0].is_none());
    }

    #[test]
    fn a_closed_port_says_so() {
        let (read, write) = pair().unwrap();
        drop(write);
        assert!(matches!(receive(read.as_fd()), Err(ReceiveError::Closed)));
        let (read, write) = pair().unwrap();
        drop(read);
        let header = Header::new(1, kind::QUIT, 0);
        assert!(matches!(
            send(write.as_fd(), &header, b"", &[]),
            Err(SendError::Closed)
        ));
    }

    #[test]
    fn a_full_socket_says_so() {
        let (_read, write) = pair().unwrap();
        let header = Header::new(1, kind::DATA, 0);
        let sent = (0..10_000)
            .take_while(|_| send(write.as_fd(), &header, &[0; 8192], &[]).is_ok())
            .count();
        assert!(sent > 0);
        assert!(matches!(
            send(write.as_fd(), &header, &[0; 8192], &[]),
            Err(SendError::Full)
        ));
    }

    #[test]
    fn malformed_messages_leak_nothing_and_later_ones_arrive() {
        let (read, write) = pair().unwrap();
        let header = Header::new(1, kind::DATA, 3);
        // Short.
        send_slices(write.as_fd(), &[IoSlice::new(b"short")], &[read.as_fd()]).unwrap();
        // Empty: not to be taken for the end.
        send_slices(write.as_fd(), &[], &[]).unwrap();
        // Too long.
        send(
            write.as_fd(),
            &header,
            &vec![1; MAX_BODY + 1],
            &[read.as_fd()],
        )
        .unwrap();
        // Five descriptors, twenty descriptors.
        for count in [5, 20] {
            let fds = vec![read.as_raw_fd(); count];
            let iov = [std::io::IoSlice::new(&[0; 16])];
            let control = [nix::sys::socket::ControlMessage::ScmRights(&fds)];
            nix::sys::socket::sendmsg::<()>(
                write.as_raw_fd(),
                &iov,
                &control,
                nix::sys::socket::MsgFlags::empty(),
                None,
            )
            .unwrap();
        }
        send(write.as_fd(), &header, b"good", &[]).unwrap();
        let mut errors = 0;
        let before = open_fds();
        let good = loop {
            match receive(read.as_fd()) {
                Ok(Some(message)) => break message,
                Ok(None) => panic!("the good message is missing"),
                Err(ReceiveError::Malformed(_)) => errors += 1,
                Err(e) => panic!("{e}"),
            }
        };
        assert_eq!((errors, &*good.body), (5, &b"good"[..]));
        // Other tests open descriptors at the same time, but not 28 of them at once.
        assert!(open_fds() < before + 20);
    }
}
