//! What travels between a request and its process, and what of it is refused.

use std::fs::File;
use std::io::{Read, Write};

use super::*;
use crate::router::app::exchange::FrameError;

#[test]
fn a_response_comes_through_shared_memory_and_messages() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Memory(b"hello".to_vec()), false);
        assert_eq!(app.counts().active, 1);
        let (request, chunk) = fake.take().unwrap();
        assert!(fake.bytes(chunk).ends_with(b"\0hello"));
        fake.acknowledge(&request);
        fake.say_shared(&request, false, &response(200, b"first"));
        fake.say_shared(&request, false, &[7; 40_000]);
        fake.say(
            &request,
            kind::DATA,
            false,
            b"plain, and longer than a queue item",
        );
        fake.say(&request, kind::DATA, true, b"end");
        assert_eq!(head(&mut exchange).await, 200);
        assert_eq!(data(&mut exchange).await, b"first");
        assert_eq!(data(&mut exchange).await, [7; 40_000]);
        assert_eq!(
            data(&mut exchange).await,
            b"plain, and longer than a queue itemend"
        );
        assert!(matches!(exchange.next().await, Part::End));
        assert_eq!(
            (app.counts().active, app.counts().idle, port.in_flight()),
            (0, 1, 0)
        );
        assert!(nothing_held(&fake.responses));
        assert!(nothing_held(app.outgoing()));
    });
}

#[test]
fn a_long_body_follows_the_acknowledgement() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        // Some chunks are busy, so that the body does not fit in one run.
        let busy: Vec<_> = (0..20)
            .map(|_| app.outgoing().allocate(1, 1, None).unwrap().run)
            .collect();
        busy.into_iter()
            .enumerate()
            .filter(|(i, _)| i % 2 == 0)
            .for_each(|(_, run)| {
                // The even ones stay busy for ever.
                run.into_sent(1);
            });
        let body: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        let _exchange = begin(&app, &port, &Body::Memory(body.clone()), false);
        let (request, chunk) = fake.take().unwrap();
        let mut got = fake.bytes(chunk);
        let preread = 92 + u32::from_ne_bytes(got[92..96].try_into().unwrap()) as usize;
        got.drain(..preread);
        assert!(!fake.has_message());
        fake.acknowledge(&request);
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if got.len() < body.len() {
            let rest = fake.receive();
            assert_eq!(
                (rest.header.kind, rest.header.stream),
                (kind::REQ_BODY, request.stream)
            );
            for chunk in rest.chunks() {
                got.extend(fake.bytes(chunk));
            }
        }
        assert!(got == body);
    });
}

#[test]
fn a_body_in_a_file_is_passed_from_its_start() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let path = std::env::temp_dir().join(format!("nxt-app-body-{}", std::process::id()));
        let mut file = File::create_new(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        file.write_all(b"from the file").unwrap();
        let _exchange = begin(&app, &port, &Body::File(file, 13), false);
        let (request, _) = fake.take().unwrap();
        fake.acknowledge(&request);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut message = fake.receive();
        assert_eq!(message.header.kind, kind::REQ_BODY);
        let mut text = String::new();
        File::from(message.take_fd().unwrap())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "from the file");
    });
}

#[test]
fn a_request_that_nobody_took_is_taken_back() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let exchange = begin(&app, &port, &Body::Empty, false);
        assert!(matches!(events.try_recv(), Ok(Event::Start(_, 0))));
        drop(exchange);
        let fake = Fake::start(&hub, &app);
        assert!(fake.take().is_none());
        assert!(nothing_held(app.outgoing()));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn what_comes_too_late_is_thrown_away() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let exchange = begin(&app, &port, &Body::Empty, false);
        let (request, _) = fake.take().unwrap();
        fake.acknowledge(&request);
        drop(exchange);
        fake.say_shared(&request, false, &response(200, b"first"));
        fake.say_shared(&request, true, &[7; 40_000]);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(nothing_held(&fake.responses));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn what_a_process_gets_wrong_fails_its_request_only() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let mut good = begin(&app, &port, &Body::Empty, false);
        let good_request = fake.take().unwrap().0;
        fake.acknowledge(&good_request);
        let nonsense = |request: &Header, what: usize| {
            let header = Header::new(PID, kind::DATA, request.stream);
            let port = fake.port(request);
            let chunk = |chunk, size| {
                [ChunkRef {
                    segment: 0,
                    chunk,
                    size,
                }]
            };
            let sent = match what {
                0 => port.send(&header, b"short", &[]),
                1 => port.send(&header, &[0xFF; 100], &[]),
                2 => port.send_chunks(&header, &chunk(639, 16385)),
                3 => port.send_chunks(&header, &chunk(u32::MAX, u32::MAX)),
                4 => port.send_chunks(
                    &header,
                    &[ChunkRef {
                        segment: 9,
                        chunk: 0,
                        size: 1,
                    }],
                ),
                // An end without a head.
                5 => port.send(&header.with_last(true), &[], &[]),
                _ => port.send(
                    &Header {
                        kind: kind::RPC_ERROR,
                        last: true,
                        ..header
                    },
                    &[],
                    &[],
                ),
            };
            sent.unwrap();
        };
        // The segment exists, so that ranges in it are what is judged.
        fake.say_shared(&good_request, false, &response(200, b""));
        for what in 0..7 {
            let mut bad = begin(&app, &port, &Body::Empty, false);
            let request = fake.take().unwrap().0;
            fake.acknowledge(&request);
            nonsense(&request, what);
            assert_eq!(failure(&mut bad).await, 503, "case {what}");
        }
        // Forged: another process's name, an unknown stream, kinds that are not for this port.
        let other = Header::new(PID + 1, kind::DATA, good_request.stream).with_last(true);
        fake.port(&good_request)
            .send(&other, b"forged", &[])
            .unwrap();
        for kind in [
            kind::QUIT,
            kind::NEW_PORT,
            kind::START_PROCESS,
            kind::STATUS,
            200,
        ] {
            fake.say(&good_request, kind, true, b"whatever");
        }
        fake.say(
            &Header {
                stream: 1,
                ..good_request
            },
            kind::DATA,
            true,
            b"x",
        );
        fake.say(&good_request, kind::DATA, true, b"still here");
        assert_eq!(head(&mut good).await, 200);
        assert_eq!(data(&mut good).await, b"still here");
        assert!(matches!(good.next().await, Part::End));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn frames_go_to_the_process_that_accepted() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, true);
        assert_eq!(exchange.try_send_frame(b"early"), Err(FrameError::Closed));
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        fake.say(&request, kind::DATA, false, &response(101, b""));
        assert_eq!(head(&mut exchange).await, 101);
        assert_eq!(app.counts().active, 0);
        let long = vec![5; 50_000];
        assert!(exchange.try_send_frame(b"short").unwrap());
        assert!(exchange.try_send_frame(&long).unwrap());
        let message = fake.receive();
        assert_eq!(
            (message.header.kind, message.header.last),
            (kind::WEBSOCKET, false)
        );
        assert_eq!(&*message.body, b"short");
        let message = fake.receive();
        let bytes: Vec<u8> = message
            .chunks()
            .flat_map(|chunk| fake.bytes(chunk))
            .collect();
        assert!(bytes == long);
        fake.say(&request, kind::DATA, false, b"frame");
        assert_eq!(data(&mut exchange).await, b"frame");
        drop(exchange);
        let message = fake.receive();
        assert_eq!(
            (message.header.kind, message.header.last),
            (kind::WEBSOCKET, true)
        );
        assert_eq!((app.counts().idle, port.in_flight()), (1, 0));
    });
}

#[test]
fn what_waits_for_a_slow_client_is_bounded() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        fake.say(&request, kind::DATA, false, &response(200, b""));
        let piece = vec![1; 16_000];
        let mut sent = 0;
        while port.in_flight() > 0 {
            fake.say(&request, kind::DATA, false, &piece);
            sent += piece.len();
            assert!(sent < 64 << 20, "no end");
            if sent % 64_000 == 0 {
                // Lets the port read before its socket is full.
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
        }
        assert_eq!(head(&mut exchange).await, 200);
        let mut got = 0;
        let status = loop {
            match exchange.next().await {
                Part::Data(chunk) => got += chunk.as_ref().len(),
                Part::Failed(status) => break status,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(status, 503);
        assert!(got <= (33 << 20), "{got}");
    });
}

#[test]
fn memory_is_acknowledged_when_the_client_has_read() {
    run(async {
        let (hub, _events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        fake.say(&request, kind::DATA, false, &response(200, b""));
        for _ in 0..2 {
            fake.say_shared(&request, false, &vec![1; 640 * CHUNK_SIZE]);
        }
        assert!(fake.responses.allocate(1, 1, None).is_err());
        let oosm = Header::new(PID, kind::OOSM, 0);
        fake.port(&request).send(&oosm, &[], &[]).unwrap();
        assert_eq!(head(&mut exchange).await, 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!fake.has_message(), "nothing is free yet");
        data(&mut exchange).await;
        assert_eq!(fake.receive().header.kind, kind::SHM_ACK);
        assert!(fake.responses.allocate(1, 1, None).is_ok());
    });
}
