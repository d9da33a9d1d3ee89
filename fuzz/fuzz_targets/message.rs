//! Whatever a peer sends through a socket is a message, or is refused; what a process takes of it
//! is decided without a panic.
#![no_main]

use std::io::IoSlice;
use std::os::fd::AsFd;

use libfuzzer_sys::fuzz_target;
use nxt::ipc::message::{ChunkRef, HEADER_SIZE, Header};
use nxt::ipc::peers::{decode_get_port, encode_get_port};
use nxt::ipc::{NewPort, ProcessType, ReceiveError, Receiver, admission, socket};

fuzz_target!(|data: &[u8]| {
    if let Some(header) = Header::decode(data) {
        assert_eq!(Header::decode(&header.encode()), Some(header));
        for chunk in ChunkRef::parse(&data[HEADER_SIZE..]) {
            assert_eq!(ChunkRef::parse(&chunk.encode()).next(), Some(chunk));
        }
    }
    if let Some(port) = NewPort::decode(data) {
        assert_eq!(NewPort::decode(&port.encode()), Some(port));
    }
    if let Some(port) = decode_get_port(data) {
        assert_eq!(decode_get_port(&encode_get_port(port)), Some(port));
    }
    // The datagrams are divided by a first byte that gives the length of each.
    let Ok((read, write)) = socket::pair() else {
        return;
    };
    let mut rest = data;
    let mut sent = 0;
    while let Some((&length, tail)) = rest.split_first() {
        let (datagram, tail) = tail.split_at(tail.len().min(usize::from(length)));
        rest = tail;
        if sent == 64 || socket::send_slices(write.as_fd(), &[IoSlice::new(datagram)], &[]).is_err()
        {
            break;
        }
        sent += 1;
    }
    let mut receiver = Receiver::new(read, None);
    for _ in 0..=sent {
        match receiver.receive() {
            Ok(None) => break,
            Ok(Some(message)) => {
                for receiver in 0..6 {
                    let receiver = ProcessType::from_number(receiver);
                    for from in 0..7 {
                        let from = ProcessType::from_number(from);
                        let _ = receiver.map(|to| admission::check(to, from, &message));
                    }
                }
            }
            Err(ReceiveError::Malformed(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
});
