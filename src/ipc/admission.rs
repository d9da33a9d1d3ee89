//! Which messages each process takes: from whom, of what length, with how many descriptors.
//!
//! Each receiver first finds out who the sender is: by the pid that the kernel attached to the
//! message, or, for what came through a queue in shared memory, by whose queue it is; never by what
//! the message says. Then it asks here. What has no rule is dropped, with a log record, and the
//! descriptors of a dropped message are closed. The receiver itself judges what is in the body.

use super::message::{ChunkRef, MAX_BODY, Message};
use super::peers::NewPort;
use super::{Pid, ProcessType};

/// Why a message is dropped. As text it completes "message N from process P …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This receiver takes no such message from such a sender.
    #[error("is not allowed")]
    Kind,
    /// The sender is not the one that the message names, or not one that may use this port.
    #[error("is of a foreign process{}", Shown(.0))]
    Sender(Option<Pid>),
    /// Too short or too long.
    #[error("has a body of {0} bytes")]
    Length(usize),
    /// Too few or too many.
    #[error("has {0} descriptors")]
    Descriptors(usize),
}

struct Shown<'a>(&'a Option<Pid>);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) => write!(f, " ({pid})"),
            None => Ok(()),
        }
    }
}

/// The shape of a message: least and greatest length of the body, and number of descriptors.
type Shape = ((usize, usize), (usize, usize));

/// A text of the length of a path or an address.
const TEXT: (usize, usize) = (1, 4096);
/// Whatever was put together from fragments; the receiver of fragments bounds it.
const LONG: (usize, usize) = (0, usize::MAX);
/// An answer, and what comes with it.
const ANSWER: Shape = (LONG, (0, 2));
/// A pid or another number of 32 bits.
const WORD: (usize, usize) = (4, 4);
/// A `size_t`.
const SIZE: (usize, usize) = (8, 8);
const NOTHING: (usize, usize) = (0, 0);
const NEW_PORT: (usize, usize) = (NewPort::SIZE, NewPort::SIZE);
/// A `QUIT` may say how.
const QUIT: Shape = ((0, 1), NOTHING);
/// The number of a log file; the file.
const CHANGE_FILE: Shape = (WORD, (1, 1));

/// What `receiver` takes from a process of the type `from` (`None`: one that it does not know yet).
fn shape(receiver: ProcessType, from: Option<ProcessType>, kind: u8) -> Option<Shape> {
    use crate::ipc::message::kind as k;
    use ProcessType::*;
    Some(match (receiver, from, kind) {
        // Name and configuration; the shared port, its queue, the way to the router.
        (Main, Some(Router), k::START_PROCESS) => (LONG, (3, 3)),
        (Main, Some(Router), k::SOCKET | k::SOCKET_UNLINK | k::ACCESS_LOG) => (TEXT, NOTHING),
        (Main, Some(Router), k::LIMITS) => (TEXT, NOTHING),
        // The length and the document, or one byte that says what to do with it.
        (Main, Some(Controller), k::CONF_STORE) => ((1, 8), (0, 1)),
        (Main, Some(Router), k::CERT_GET | k::SCRIPT_GET) => (TEXT, NOTHING),
        // With a descriptor it stores what is in it.
        (Main, Some(Controller), k::CERT_GET | k::SCRIPT_GET) => (TEXT, (0, 1)),
        (Main, Some(Controller), k::CERT_DELETE | k::SCRIPT_DELETE) => (TEXT, NOTHING),
        (Main, Some(Discovery), k::MODULES) => (LONG, NOTHING),
        (Main, None, k::WHOAMI) => (WORD, (1, 1)),
        // Of its own number, from inside of a pid namespace.
        (Main, Some(Prototype), k::WHOAMI) => (WORD, NOTHING),
        (Main, Some(Prototype), k::PROCESS_CREATED) => (NOTHING, NOTHING),
        // Why it cannot start.
        (Main, Some(Prototype), k::RPC_ERROR) => (TEXT, NOTHING),
        (Main, Some(Discovery | Router | Prototype), k::PROCESS_READY) => (NOTHING, NOTHING),
        // Also with the router that has its configuration, and whether that is the stored one.
        (Main, Some(Controller), k::PROCESS_READY) => ((0, 5), NOTHING),
        (Main, Some(Prototype), k::NEW_PORT) => (NEW_PORT, (1, 2)),
        (Main, Some(Prototype), k::REMOVE_PID) => (WORD, NOTHING),

        (Router, Some(Main), k::QUIT) => QUIT,
        (Router, Some(Main), k::RPC_READY | k::RPC_ERROR) => ANSWER,
        (Router, Some(Main), k::CHANGE_FILE) => CHANGE_FILE,
        (Router, Some(Main), k::ACCESS_LOG) => ((0, 4096), (0, 1)),
        (Router, Some(Main | Prototype), k::NEW_PORT) => (NEW_PORT, (1, 2)),
        (Router, Some(Main | Prototype), k::REMOVE_PID) => (WORD, NOTHING),
        (Router, Some(Controller), k::DATA) => (SIZE, (1, 1)),
        (Router, Some(Controller), k::STATUS) => (NOTHING, NOTHING),
        (Router, Some(Controller), k::APP_RESTART) => (TEXT, NOTHING),
        (Router, Some(Prototype), k::RPC_ERROR) => (NOTHING, NOTHING),
        (Router, Some(App), k::NEW_PORT) => (NEW_PORT, (1, 2)),
        (Router, Some(App), k::GET_PORT) => (SIZE, NOTHING),
        (Router, Some(App), k::GET_MMAP) => (WORD, NOTHING),
        (Router, Some(App), k::MMAP) => ((0, MAX_BODY), (1, 1)),
        (Router, Some(App), k::OOSM | k::REQ_HEADERS_ACK) => ((0, MAX_BODY), NOTHING),
        (Router, Some(App), k::DATA | k::RPC_ERROR) => ((0, MAX_BODY), NOTHING),

        (Prototype, Some(Main), k::QUIT) => QUIT,
        // Also about one of its processes: `Leaving`.
        (Prototype, Some(Router), k::QUIT) => ((0, 8), NOTHING),
        (Prototype, Some(Main), k::CHANGE_FILE) => CHANGE_FILE,
        (Prototype, Some(Main), k::REMOVE_PID) => (WORD, NOTHING),
        (Prototype, Some(Router), k::START_PROCESS) => (LONG, NOTHING),
        (Prototype, Some(App), k::PROCESS_CREATED) => (NOTHING, NOTHING),
        (Prototype, Some(App), k::PROCESS_READY) => (NOTHING, (0, 1)),

        (Controller, Some(Main), k::QUIT) => QUIT,
        (Controller, Some(Main), k::NEW_PORT) => (NEW_PORT, (1, 2)),
        (Controller, Some(Main), k::REMOVE_PID) => (WORD, NOTHING),
        (Controller, Some(Main), k::CHANGE_FILE) => CHANGE_FILE,
        (Controller, Some(Main), k::DATA) => (SIZE, (1, 1)),
        // A router greets a controller that may not have heard of it yet.
        (Controller, Some(Router) | None, k::PROCESS_READY) => (NOTHING, NOTHING),
        (Controller, Some(Main | Router), k::RPC_READY | k::RPC_ERROR) => ANSWER,
        _ => return None,
    })
}

/// Whether `receiver` takes this message from a process of the type `from`.
pub fn check(
    receiver: ProcessType,
    from: Option<ProcessType>,
    message: &Message,
) -> Result<(), Refusal> {
    let (body, fds) = shape(receiver, from, message.header.kind).ok_or(Refusal::Kind)?;
    let length = message.body.len();
    if !(body.0..=body.1).contains(&length) {
        return Err(Refusal::Length(length));
    }
    // A list of chunks is never torn.
    if message.header.mmap && !length.is_multiple_of(ChunkRef::SIZE) {
        return Err(Refusal::Length(length));
    }
    let count = message.fds.iter().flatten().count();
    if !(fds.0..=fds.1).contains(&count) {
        return Err(Refusal::Descriptors(count));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::{Body, Header, kind};
    use ProcessType::*;

    const TYPES: [Option<ProcessType>; 7] = [
        None,
        Some(Main),
        Some(Discovery),
        Some(Controller),
        Some(Router),
        Some(Prototype),
        Some(App),
    ];

    fn message(kind: u8, length: usize, fds: usize) -> Message {
        let mut message = Message {
            header: Header::new(1, kind, 0),
            body: Body::new(&vec![0; length]),
            ..Message::default()
        };
        for place in message.fds.iter_mut().take(fds) {
            *place = Some(std::fs::File::open("/dev/null").unwrap().into());
        }
        message
    }

    /// All that may be sent, by receiver: kind, senders, a good body, descriptors, a bad body.
    type Row = (u8, &'static [Option<ProcessType>], usize, usize, usize);

    const TO_MAIN: &[Row] = &[
        (kind::START_PROCESS, &[Some(Router)], 20_000, 3, usize::MAX),
        (kind::SOCKET, &[Some(Router)], 4, 0, 0),
        (kind::SOCKET_UNLINK, &[Some(Router)], 4, 0, 5000),
        (kind::ACCESS_LOG, &[Some(Router)], 9, 0, 0),
        (kind::LIMITS, &[Some(Router)], 2, 0, 5000),
        (kind::CONF_STORE, &[Some(Controller)], 8, 1, 9),
        (kind::CERT_GET, &[Some(Router), Some(Controller)], 5, 0, 0),
        (kind::CERT_DELETE, &[Some(Controller)], 5, 0, 0),
        (kind::SCRIPT_GET, &[Some(Router), Some(Controller)], 5, 0, 0),
        (kind::SCRIPT_DELETE, &[Some(Controller)], 5, 0, 0),
        (kind::MODULES, &[Some(Discovery)], 5, 0, usize::MAX),
        (kind::RPC_ERROR, &[Some(Prototype)], 5, 0, 0),
        (kind::PROCESS_CREATED, &[Some(Prototype)], 0, 0, 1),
        (
            kind::PROCESS_READY,
            &[
                Some(Discovery),
                Some(Controller),
                Some(Router),
                Some(Prototype),
            ],
            0,
            0,
            6,
        ),
        (kind::NEW_PORT, &[Some(Prototype)], 32, 2, 31),
        (kind::REMOVE_PID, &[Some(Prototype)], 4, 0, 3),
    ];

    const TO_ROUTER: &[Row] = &[
        (kind::QUIT, &[Some(Main)], 1, 0, 2),
        (kind::RPC_READY, &[Some(Main)], 9000, 1, usize::MAX),
        (kind::CHANGE_FILE, &[Some(Main)], 4, 1, 8),
        (kind::ACCESS_LOG, &[Some(Main)], 0, 0, 5000),
        (
            kind::NEW_PORT,
            &[Some(Main), Some(Prototype), Some(App)],
            32,
            1,
            33,
        ),
        (kind::REMOVE_PID, &[Some(Main), Some(Prototype)], 4, 0, 8),
        (kind::STATUS, &[Some(Controller)], 0, 0, 1),
        (kind::APP_RESTART, &[Some(Controller)], 3, 0, 0),
        (kind::GET_PORT, &[Some(App)], 8, 0, 7),
        (kind::GET_MMAP, &[Some(App)], 4, 0, 8),
        (kind::MMAP, &[Some(App)], 0, 1, MAX_BODY + 1),
        (kind::OOSM, &[Some(App)], 0, 0, MAX_BODY + 1),
        (kind::REQ_HEADERS_ACK, &[Some(App)], 0, 0, MAX_BODY + 1),
    ];

    const TO_PROTOTYPE: &[Row] = &[
        (kind::QUIT, &[Some(Main), Some(Router)], 0, 0, 9),
        (kind::CHANGE_FILE, &[Some(Main)], 4, 1, 0),
        (kind::REMOVE_PID, &[Some(Main)], 4, 0, 0),
        (kind::START_PROCESS, &[Some(Router)], 0, 0, usize::MAX),
        (kind::PROCESS_CREATED, &[Some(App)], 0, 0, 1),
        (kind::PROCESS_READY, &[Some(App)], 0, 1, 1),
    ];

    const TO_CONTROLLER: &[Row] = &[
        (kind::DATA, &[Some(Main)], 8, 1, 7),
        (kind::QUIT, &[Some(Main)], 0, 0, 2),
        (kind::NEW_PORT, &[Some(Main)], 32, 1, 0),
        (kind::REMOVE_PID, &[Some(Main)], 4, 0, 0),
        (kind::CHANGE_FILE, &[Some(Main)], 4, 1, 0),
        (kind::PROCESS_READY, &[None, Some(Router)], 0, 0, 1),
        (
            kind::RPC_READY,
            &[Some(Main), Some(Router)],
            4,
            1,
            usize::MAX,
        ),
        (
            kind::RPC_ERROR,
            &[Some(Main), Some(Router)],
            4,
            0,
            usize::MAX,
        ),
    ];

    /// Each message is taken from those who may send it and from nobody else, and not with another
    /// length or number of descriptors.
    fn holds(receiver: ProcessType, rows: &[Row], several_shapes: &[u8]) {
        for &(kind, senders, length, fds, bad) in rows {
            for from in TYPES {
                let good = check(receiver, from, &message(kind, length, fds));
                if !senders.contains(&from) {
                    assert_eq!(good, Err(Refusal::Kind), "{receiver:?} {kind} {from:?}");
                    continue;
                }
                assert_eq!(good, Ok(()), "{receiver:?} {kind} {from:?}");
                if bad != usize::MAX {
                    let answer = check(receiver, from, &message(kind, bad, fds));
                    assert_eq!(answer, Err(Refusal::Length(bad)), "{receiver:?} {kind}");
                }
                // The greatest number of descriptors is 2 or less but for START_PROCESS.
                let wrong = if fds == 3 { 2 } else { 3 };
                let answer = check(receiver, from, &message(kind, length, wrong));
                assert_eq!(
                    answer,
                    Err(Refusal::Descriptors(wrong)),
                    "{receiver:?} {kind}"
                );
            }
        }
        for kind in 0..=u8::MAX {
            let listed = rows.iter().any(|row| row.0 == kind) || several_shapes.contains(&kind);
            let taken = TYPES
                .iter()
                .any(|&from| shape(receiver, from, kind).is_some());
            assert_eq!(taken, listed, "{receiver:?} {kind}");
        }
    }

    #[test]
    fn main_takes_what_the_protocol_has() {
        holds(Main, TO_MAIN, &[kind::WHOAMI]);
        // A new process brings its port; a prototype asks for its own number only.
        let whoami = |from, length, fds| check(Main, from, &message(kind::WHOAMI, length, fds));
        assert_eq!(whoami(None, 4, 1), Ok(()));
        assert_eq!(whoami(None, 5, 1), Err(Refusal::Length(5)));
        assert_eq!(whoami(None, 4, 0), Err(Refusal::Descriptors(0)));
        assert_eq!(whoami(Some(Prototype), 4, 0), Ok(()));
        assert_eq!(whoami(Some(Prototype), 4, 1), Err(Refusal::Descriptors(1)));
        assert_eq!(whoami(Some(App), 4, 1), Err(Refusal::Kind));
    }

    #[test]
    fn the_router_takes_what_the_protocol_has() {
        holds(Router, TO_ROUTER, &[kind::DATA, kind::RPC_ERROR]);
        // These two mean something else from each sender.
        let data = |from, length, fds| check(Router, from, &message(kind::DATA, length, fds));
        assert_eq!(data(Some(Controller), 8, 1), Ok(()));
        assert_eq!(data(Some(Controller), 9, 1), Err(Refusal::Length(9)));
        assert_eq!(data(Some(App), MAX_BODY, 0), Ok(()));
        assert_eq!(data(Some(App), 8, 1), Err(Refusal::Descriptors(1)));
        assert_eq!(data(Some(Prototype), 8, 0), Err(Refusal::Kind));
        let error = |from, length| check(Router, from, &message(kind::RPC_ERROR, length, 0));
        assert_eq!(error(Some(Main), 100), Ok(()));
        assert_eq!(error(Some(Prototype), 1), Err(Refusal::Length(1)));
        assert_eq!(error(Some(App), 0), Ok(()));
        assert_eq!(error(Some(Controller), 0), Err(Refusal::Kind));
    }

    #[test]
    fn a_prototype_takes_what_the_protocol_has() {
        holds(Prototype, TO_PROTOTYPE, &[]);
    }

    #[test]
    fn the_controller_takes_what_the_protocol_has() {
        holds(Controller, TO_CONTROLLER, &[]);
    }

    #[test]
    fn a_torn_list_of_chunks_is_refused() {
        let mut data = message(kind::DATA, 25, 0);
        data.header.mmap = true;
        assert_eq!(check(Router, Some(App), &data), Err(Refusal::Length(25)));
        data.body = Body::new(&[0; 24]);
        assert_eq!(check(Router, Some(App), &data), Ok(()));
    }

    #[test]
    fn a_refusal_completes_a_sentence() {
        assert_eq!(Refusal::Kind.to_string(), "is not allowed");
        assert_eq!(
            Refusal::Sender(Some(7)).to_string(),
            "is of a foreign process (7)"
        );
        assert_eq!(Refusal::Length(3).to_string(), "has a body of 3 bytes");
    }
}
