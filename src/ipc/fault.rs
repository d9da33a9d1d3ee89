//! Mapped memory of a peer that vanishes: the file behind a mapping was cut short, and touching
//! the pages beyond its new end raises SIGBUS.
//!
//! A file that allows seals gets one against that and needs nothing else. Those of the original
//! libunit do not: they are made without `MFD_ALLOW_SEALING`. Their mappings are listed here, and
//! the handler of SIGBUS puts zeroes in the place of one that faults: the thread goes on, reads
//! zeroes, and whoever uses the mapping next finds it marked as lost. A fault anywhere else is left
//! to the handler that was there before.
//!
//! The daemon installs the handler once, before it forks; its processes inherit it. A program that
//! merely uses libunit never gets one.

use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use nix::errno::Errno;

/// Mappings that may be listed at a time. The kernel's own limit of mappings is 65530.
const PLACES: usize = 16 * 1024;

/// One listed range. `start` is 0 if the place is free, 1 while it is being taken.
struct Place {
    start: AtomicUsize,
    size: AtomicUsize,
    lost: AtomicBool,
}

static LIST: [Place; PLACES] = [const {
    Place {
        start: AtomicUsize::new(0),
        size: AtomicUsize::new(0),
        lost: AtomicBool::new(false),
    }
}; PLACES];

/// What handled SIGBUS before; set once, before the handler is installed, and never freed.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

/// Installs the handler; a second call does nothing.
pub fn install() -> Result<(), Errno> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    if is_installed() {
        return Ok(());
    }
    #[cfg(test)]
    tests::forget_model_checker();
    // SAFETY: all-zero is a valid sigaction, and the call only writes to it.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: as above; without a new action nothing changes.
    Errno::result(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), &mut before) })?;
    let before = Box::into_raw(Box::new(before));
    BEFORE.store(before, Ordering::Release);
    // SAFETY: all-zero is a valid sigaction: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
    action.sa_sigaction = handler as usize;
    // An overflow of the stack may be told by this signal too: its handler needs another stack.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `on_fault` has the signature that SA_SIGINFO asks for, and does only what is safe in
    // a handler.
    let installed = unsafe { libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut()) };
    Errno::result(installed).map(drop).inspect_err(|_| {
        BEFORE.store(std::ptr::null_mut(), Ordering::Release);
    })
}

/// Whether this process, or the one that it was forked from, has the handler.
pub(super) fn is_installed() -> bool {
    !BEFORE.load(Ordering::Acquire).is_null()
}

/// A listed mapping; taken from the list on drop, which must come before it is unmapped.
#[derive(Debug)]
pub(super) struct Guard(&'static Place);

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#x}", self.start.load(Ordering::Relaxed))
    }
}

impl Guard {
    /// Lists a mapping; `None` if the list is full.
    ///
    /// # Safety
    /// `start` and `size` are those of a whole mapping that is readable and writable, that the
    /// caller keeps until the guard is dropped, and in whose place zeroes do no harm to memory
    /// safety.
    pub(super) unsafe fn new(start: NonNull<u8>, size: usize) -> Option<Guard> {
        let place = LIST.iter().find(|place| {
            place.start.load(Ordering::Relaxed) == 0
                && place
                    .start
                    .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
        })?;
        place.size.store(size, Ordering::Relaxed);
        place.lost.store(false, Ordering::Relaxed);
        place
            .start
            .store(start.as_ptr() as usize, Ordering::Release);
        Some(Guard(place))
    }

    /// Whether the peer took its memory away.
    pub(super) fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Release);
    }
}

extern "C" fn on_fault(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    let errno = Errno::last_raw();
    // SAFETY: the kernel passes a valid siginfo_t; for a fault (a code above zero) it has an
    // address.
    let address = unsafe { ((*info).si_code > 0).then(|| (*info).si_addr() as usize) };
    if !address.is_some_and(replace) {
        let before = BEFORE.load(Ordering::Acquire);
        // SAFETY: `before` is null or points at a sigaction that is never freed or changed. On
        // return the instruction faults again, this time for the earlier handler; a signal that
        // a process sent is sent once more.
        unsafe {
            libc::sigaction(signal, before, std::ptr::null_mut());
            if address.is_none() {
                libc::raise(signal);
            }
        }
    }
    Errno::set_raw(errno);
}

/// Puts zeroes in the place of the listed mapping that the address lies in; false if there is none.
fn replace(address: usize) -> bool {
    for place in &LIST {
        let start = place.start.load(Ordering::Acquire);
        let size = place.size.load(Ordering::Relaxed);
        if start <= 1 || !(start..start + size).contains(&address) {
            continue;
        }
        // SAFETY: the range is a whole mapping that the thread which faulted keeps (`Guard::new`),
        // so that nothing else can have taken its place; mmap(2) is a plain system call.
        let mapped = unsafe {
            libc::mmap(
                start as *mut libc::c_void,
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        place.lost.store(true, Ordering::Relaxed);
        return mapped != libc::MAP_FAILED;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::Mapping;
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork, ftruncate};
    use std::os::fd::{AsFd, OwnedFd};

    /// The model checker has a handler too: it must not come after this one, nor before it.
    pub(super) fn forget_model_checker() {
        loom::model(|| {});
        // SAFETY: the default action is no function that could do anything wrong.
        unsafe { nix::sys::signal::signal(Signal::SIGBUS, nix::sys::signal::SigHandler::SigDfl) }
            .unwrap();
    }

    fn unsealable(size: i64) -> OwnedFd {
        let fd = memfd_create(c"test", MFdFlags::MFD_CLOEXEC).unwrap();
        ftruncate(&fd, size).unwrap();
        fd
    }

    #[test]
    fn memory_that_vanishes_reads_as_zeroes_and_is_marked() {
        install().unwrap();
        let fd = unsealable(3 * 4096);
        let map = Mapping::new(fd.as_fd(), 3 * 4096).unwrap();
        let other = Mapping::new(fd.as_fd(), 4096).unwrap();
        let byte = |map: &Mapping, at: usize| {
            assert!(at < map.size());
            // SAFETY: inside of the mapping, as just checked; nobody writes now.
            unsafe { map.start().add(at).read_volatile() }
        };
        // SAFETY: inside of the mapping, which no one else uses.
        unsafe { map.start().add(9000).write_volatile(7) };
        assert_eq!((byte(&map, 9000), map.is_lost()), (7, false));
        ftruncate(&fd, 4096).unwrap();
        assert_eq!((byte(&map, 9000), map.is_lost()), (0, true));
        // SAFETY: as above.
        unsafe { map.start().add(9000).write_volatile(8) };
        assert_eq!(byte(&map, 9000), 8);
        assert_eq!((byte(&other, 0), other.is_lost()), (0, false));
    }

    #[test]
    fn many_threads_may_meet_the_same_fault() {
        install().unwrap();
        let fd = unsealable(64 * 4096);
        let map = Mapping::new(fd.as_fd(), 64 * 4096).unwrap();
        ftruncate(&fd, 0).unwrap();
        std::thread::scope(|s| {
            for i in 0..4 {
                let map = &map;
                s.spawn(move || {
                    for page in (i..64).step_by(4) {
                        // SAFETY: inside of the mapping; reading races with nothing.
                        let byte = unsafe { map.start().add(page * 4096).read_volatile() };
                        assert_eq!(byte, 0);
                    }
                });
            }
        });
        assert!(map.is_lost());
    }

    #[test]
    fn other_faults_still_kill() {
        install().unwrap();
        let fd = unsealable(4096);
        // SAFETY: a new mapping that touches nothing existing.
        let p = unsafe {
            use std::os::fd::AsRawFd;
            libc::mmap(
                std::ptr::null_mut(),
                4096,
                libc::PROT_READ,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        assert_ne!(p, libc::MAP_FAILED);
        ftruncate(&fd, 0).unwrap();
        // SAFETY: the child does nothing but fault or exit.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                // SAFETY: the mapping is there; its page is not, which is the point.
                let byte = unsafe { p.cast::<u8>().read_volatile() };
                // SAFETY: ends the child.
                unsafe { libc::_exit(i32::from(byte)) }
            }
            ForkResult::Parent { child } => {
                let status = waitpid(child, None).unwrap();
                assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGBUS, _)));
            }
        }
    }
}
