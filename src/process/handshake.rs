//! Waiting for one answer, before a process has an event loop to wait with.
#![forbid(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno as Number;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::ipc::{Body, Message, Receiver, kind};
use crate::sys::{Errno, stdio};
use crate::{alert, warning};

/// What a process learns while it waits.
#[derive(Debug)]
pub(super) enum Reply {
    /// `RPC_READY` with this body.
    Ready(Body),
    /// `RPC_ERROR`, or no way to receive.
    Failed,
    /// `QUIT`
    Quit,
}

/// Waits for the answer to `stream`. Nothing bounds the wait but the life of the one who answers:
/// a child dies with its parent, and main answers at once.
pub(super) fn await_reply(receiver: &mut Receiver, stream: u32) -> Reply {
    loop {
        match receiver.receive() {
            Ok(Some(message)) => {
                if let Some(reply) = handle(message, stream) {
                    return reply;
                }
            }
            Ok(None) => {
                let mut fds = [PollFd::new(receiver.as_fd(), PollFlags::POLLIN)];
                if let Err(errno) = poll(&mut fds, PollTimeout::NONE)
                    && errno != Number::EINTR
                {
                    alert!("poll() failed {}", Errno(errno));
                    return Reply::Failed;
                }
            }
            Err(crate::ipc::ReceiveError::Malformed(what)) => {
                warning!("malformed message dropped: {what}");
            }
            Err(error) => {
                alert!("{error}");
                return Reply::Failed;
            }
        }
    }
}

fn handle(message: Message, stream: u32) -> Option<Reply> {
    match message.header.kind {
        kind::RPC_READY if message.header.stream == stream => Some(Reply::Ready(message.body)),
        kind::RPC_ERROR if message.header.stream == stream => Some(Reply::Failed),
        kind::QUIT => Some(Reply::Quit),
        kind::CHANGE_FILE => {
            change_log_file(message);
            None
        }
        // Notices about others: whatever they change is told again or does not matter yet.
        _ => None,
    }
}

/// Handles `CHANGE_FILE`: descriptor 2 becomes the new log file.
pub(super) fn change_log_file(mut message: Message) {
    let fd: Option<OwnedFd> = message.take_fd();
    if let Some(fd) = fd
        && let Err(error) = stdio::redirect_stderr(&fd)
    {
        alert!("dup2() of the new log file failed {}", Errno::from(&error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::{Header, Sender, port};

    #[test]
    fn other_messages_do_not_answer() {
        let (mut receiver, socket) = port::create().unwrap();
        let sender = Sender::new(socket, None);
        for header in [
            Header::new(1, kind::REMOVE_PID, 0),
            Header::new(1, kind::RPC_READY, 4),
            Header::new(1, kind::RPC_ERROR, 6),
            Header::new(1, kind::RPC_READY, 5),
        ] {
            sender.send(&header, b"body", &[]).unwrap();
        }
        assert!(matches!(await_reply(&mut receiver, 5), Reply::Ready(body) if *body == *b"body"));
        sender
            .send(&Header::new(1, kind::QUIT, 0), &[], &[])
            .unwrap();
        assert!(matches!(await_reply(&mut receiver, 7), Reply::Quit));
        drop(sender);
        assert!(matches!(await_reply(&mut receiver, 7), Reply::Failed));
    }
}
