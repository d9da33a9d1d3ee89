//! The event loop of the processes that fork: one epoll instance, one signalfd, no threads.
//!
//! Signals arrive as events, never as asynchronous handlers; they stay blocked, and processes
//! forked from here inherit the mask. A child must make a loop of its own: an epoll instance that
//! is used on both sides of a fork is one and the same.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A signal arrived.
    Signal(Signal),
    /// The descriptor added with this token can be read, has room to write, or is closed.
    Ready {
        /// The token given to [`EventLoop::add`].
        token: u64,
        /// Reading will not block (also at end of file or error).
        readable: bool,
        /// Writing will not block (also at error).
        writable: bool,
    },
}

/// What is waited for at a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Something to read, or its end.
    pub read: bool,
    /// Room to write.
    pub write: bool,
    /// Tell each change once, not the state again and again.
    pub edge: bool,
    /// Tell once, then wait for nothing.
    pub once: bool,
}

const SIGNAL_TOKEN: u64 = u64::MAX;

/// See the module head.
pub struct EventLoop {
    epoll: Epoll,
    signals: SignalFd,
}

impl EventLoop {
    /// Blocks `signals` and makes a loop that reports them.
    pub fn new(signals: &[Signal]) -> io::Result<EventLoop> {
        let set: SigSet = signals.iter().copied().collect();
        set.thread_block()?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNAL_TOKEN))?;
        Ok(EventLoop { epoll, signals })
    }

    /// Watches a descriptor for reading, level-triggered. `token` must not be `u64::MAX`.
    pub fn add(&self, fd: impl AsFd, token: u64) -> io::Result<()> {
        debug_assert_ne!(token, SIGNAL_TOKEN);
        Ok(self
            .epoll
            .add(fd, EpollEvent::new(EpollFlags::EPOLLIN, token))?)
    }

    /// Watches a descriptor for room to write only.
    pub fn add_writer(&self, fd: impl AsFd, token: u64) -> io::Result<()> {
        debug_assert_ne!(token, SIGNAL_TOKEN);
        Ok(self
            .epoll
            .add(fd, EpollEvent::new(EpollFlags::EPOLLOUT, token))?)
    }

    /// Watches a descriptor as `interest` says, whether it was watched before or not.
    pub fn watch(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        debug_assert_ne!(token, SIGNAL_TOKEN);
        let mut flags = EpollFlags::empty();
        flags.set(EpollFlags::EPOLLIN, interest.read);
        flags.set(EpollFlags::EPOLLOUT, interest.write);
        flags.set(EpollFlags::EPOLLET, interest.edge);
        flags.set(EpollFlags::EPOLLONESHOT, interest.once);
        let mut event = EpollEvent::new(flags, token);
        match self.epoll.modify(&fd, &mut event) {
            Err(Errno::ENOENT) => Ok(self.epoll.add(fd, event)?),
            result => Ok(result?),
        }
    }

    /// Stops watching a descriptor; one that is not watched is no error.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        match self.epoll.delete(fd) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until `deadline` (for ever without one) and adds what happened to `events`.
    pub fn wait(&mut self, deadline: Option<Instant>, events: &mut Vec<Event>) -> io::Result<()> {
        let mut ready = [EpollEvent::empty(); 64];
        let count = match self.epoll.wait(&mut ready, timeout(deadline)) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(errno.into()),
        };
        for event in &ready[..count] {
            if event.data() == SIGNAL_TOKEN {
                self.read_signals(events)?;
                continue;
            }
            let flags = event.events();
            let broken = flags.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
            events.push(Event::Ready {
                token: event.data(),
                readable: broken || flags.contains(EpollFlags::EPOLLIN),
                writable: broken || flags.contains(EpollFlags::EPOLLOUT),
            });
        }
        Ok(())
    }

    fn read_signals(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        while let Some(info) = self.signals.read_signal()? {
            if let Ok(signal) = Signal::try_from(info.ssi_signo as i32) {
                events.push(Event::Signal(signal));
            }
        }
        Ok(())
    }
}

/// Milliseconds for epoll_wait(2), rounded up so that a deadline is never reached a little early
/// and waited for in a busy loop.
fn timeout(deadline: Option<Instant>) -> EpollTimeout {
    let Some(deadline) = deadline else {
        return EpollTimeout::NONE;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let millis = left
        .as_micros()
        .div_ceil(1000)
        .min(Duration::from_secs(3600).as_millis());
    // At most 3,600,000: fits every integer that epoll takes.
    EpollTimeout::try_from(millis as u32).unwrap_or(EpollTimeout::ZERO)
}

/// The name of a signal for the log, e.g. `SIGHUP`.
pub fn signal_name(signal: Signal) -> &'static str {
    signal.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn reports_readable_descriptors_and_deadlines() {
        // No signals: the mask of the test runner's thread stays as it is.
        let mut events_loop = EventLoop::new(&[]).unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        events_loop.add(&far, 7).unwrap();
        let mut events = Vec::new();
        let start = Instant::now();
        events_loop
            .wait(Some(start + Duration::from_millis(20)), &mut events)
            .unwrap();
        assert!(events.is_empty() && start.elapsed() >= Duration::from_millis(20));
        near.write_all(b"x").unwrap();
        events_loop.wait(None, &mut events).unwrap();
        assert_eq!(
            events,
            [Event::Ready {
                token: 7,
                readable: true,
                writable: false
            }]
        );
        events_loop.remove(&far).unwrap();
        events_loop.remove(&far).unwrap();
    }

    #[test]
    fn what_is_waited_for_can_change() {
        let mut events_loop = EventLoop::new(&[]).unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        let interest = Interest {
            read: true,
            write: false,
            edge: true,
            once: false,
        };
        let wait = |events_loop: &mut EventLoop| {
            let mut events = Vec::new();
            let deadline = Instant::now() + Duration::from_millis(20);
            events_loop.wait(Some(deadline), &mut events).unwrap();
            events
        };
        let ready = |readable, writable| {
            vec![Event::Ready {
                token: 7,
                readable,
                writable,
            }]
        };
        events_loop.watch(&far, 7, interest).unwrap();
        near.write_all(b"x").unwrap();
        assert_eq!(wait(&mut events_loop), ready(true, false));
        // Nothing has changed since.
        assert_eq!(wait(&mut events_loop), []);
        let both = Interest {
            write: true,
            ..interest
        };
        events_loop.watch(&far, 7, both).unwrap();
        assert_eq!(wait(&mut events_loop), ready(true, true));
        let once = Interest {
            once: true,
            edge: false,
            ..interest
        };
        events_loop.watch(&far, 7, once).unwrap();
        assert_eq!(wait(&mut events_loop), ready(true, false));
        assert_eq!(wait(&mut events_loop), []);
    }

    #[test]
    fn signals_become_events() {
        std::thread::spawn(|| {
            let mut events_loop = EventLoop::new(&[Signal::SIGUSR2]).unwrap();
            // SAFETY: raises a signal that this thread has blocked.
            unsafe { libc::raise(libc::SIGUSR2) };
            let mut events = Vec::new();
            events_loop.wait(None, &mut events).unwrap();
            assert_eq!(events, [Event::Signal(Signal::SIGUSR2)]);
        })
        .join()
        .unwrap();
    }
}
