//! Control messages for applications that move datagrams themselves (callbacks `port_send` and
//! `port_recv`), as raw `cmsghdr` bytes.

use std::mem::size_of;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use crate::ipc::message::Descriptors;

/// What such an application has to reserve (`NXT_OOB_RECV_SIZE`): two descriptors, credentials.
pub(super) const RECEIVE_SIZE: usize = 56;

const ALIGN: usize = align_of::<libc::cmsghdr>();
const HEAD: usize = size_of::<libc::cmsghdr>();

const _: () = {
    // SAFETY: these only compute sizes.
    let space = unsafe {
        libc::CMSG_SPACE(2 * size_of::<RawFd>() as u32)
            + libc::CMSG_SPACE(size_of::<libc::ucred>() as u32)
    };
    assert!(RECEIVE_SIZE == space as usize);
};

/// An encoded `SCM_RIGHTS` message with up to two descriptors.
#[repr(C, align(8))]
pub(super) struct OutgoingControl {
    bytes: [u8; HEAD + 2 * size_of::<RawFd>()],
    len: usize,
}

impl OutgoingControl {
    pub(super) fn new(fds: &[RawFd]) -> Self {
        let mut this = OutgoingControl {
            bytes: [0; _],
            len: 0,
        };
        let data = size_of_val(fds).min(2 * size_of::<RawFd>());
        if data > 0 {
            this.bytes[..8].copy_from_slice(&(HEAD + data).to_ne_bytes());
            this.bytes[8..12].copy_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
            this.bytes[12..16].copy_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
            for (to, fd) in this.bytes[HEAD..].chunks_exact_mut(4).zip(fds) {
                to.copy_from_slice(&fd.to_ne_bytes());
            }
            this.len = (HEAD + data).next_multiple_of(ALIGN);
        }
        this
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Takes the descriptors out of control messages; those beyond two are closed.
///
/// # Safety
/// The bytes came from `recvmsg`, and nobody else took the descriptors.
pub(super) unsafe fn take_fds(mut control: &[u8]) -> Descriptors {
    let mut fds = Descriptors::default();
    let mut count = 0;
    let word = |bytes: &[u8], at: usize| {
        bytes
            .get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map(i32::from_ne_bytes)
    };
    while let Some(len) = control.first_chunk::<8>() {
        let len = usize::from_ne_bytes(*len);
        if len < HEAD || len > control.len() {
            break;
        }
        if (word(control, 8), word(control, 12)) == (Some(libc::SOL_SOCKET), Some(libc::SCM_RIGHTS))
        {
            for fd in control[HEAD..len].chunks_exact(size_of::<RawFd>()) {
                let Some(fd) = word(fd, 0) else { break };
                // SAFETY: the caller's: the kernel installed it for us alone.
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                if let Some(place) = fds.get_mut(count) {
                    *place = Some(fd);
                }
                count += 1;
            }
        }
        control = control
            .get(len.next_multiple_of(ALIGN)..)
            .unwrap_or_default();
    }
    fds
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::IntoRawFd;

    #[test]
    fn descriptors_survive_encoding() {
        assert!(OutgoingControl::new(&[]).bytes().is_empty());
        let (a, b) = nix::unistd::pipe().unwrap();
        let raw = [a.into_raw_fd(), b.into_raw_fd()];
        for count in [1, 2] {
            let raw: Vec<RawFd> = raw[..count]
                .iter()
                // SAFETY: dup of a descriptor that this test owns.
                .map(|&fd| unsafe { libc::dup(fd) })
                .collect();
            let control = OutgoingControl::new(&raw);
            // SAFETY: the duplicates belong to this test alone.
            let fds = unsafe { take_fds(control.bytes()) };
            assert_eq!(fds.iter().flatten().count(), count);
        }
        // SAFETY: they were leaked on purpose above and are closed once here.
        raw.iter()
            .for_each(|&fd| drop(unsafe { OwnedFd::from_raw_fd(fd) }));
    }

    #[test]
    fn torn_control_data_is_ignored() {
        for bytes in [
            &[0u8; 56][..],
            &[255; 56],
            &[17, 0, 0, 0, 0, 0, 0, 0, 1],
            &[],
        ] {
            // SAFETY: there are no descriptors in these bytes.
            let fds = unsafe { take_fds(bytes) };
            assert!(fds.iter().all(Option::is_none));
        }
    }
}
