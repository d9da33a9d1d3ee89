//! Processes and prototypes that come, hang and go, and what becomes of requests then.

use super::*;
use crate::ipc::Leaving;

#[test]
fn the_death_of_a_process_fails_what_it_took() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let mut answered = begin(&app, &port, &Body::Empty, false);
        let mut taken = begin(&app, &port, &Body::Empty, false);
        let mut between = begin(&app, &port, &Body::Empty, false);
        let mut waiting = begin(&app, &port, &Body::Empty, false);
        let first = fake.take().unwrap().0;
        fake.acknowledge(&first);
        fake.acknowledge(&fake.take().unwrap().0);
        fake.take().unwrap();
        fake.say(&first, kind::DATA, true, &response(204, b""));
        dies(&hub, &app, PID);
        assert_eq!(head(&mut answered).await, 204);
        assert!(matches!(answered.next().await, Part::End));
        assert_eq!(failure(&mut taken).await, 503);
        assert_eq!(failure(&mut between).await, 503);
        assert_eq!((port.in_flight(), app.counts().active), (1, 1));
        assert_eq!(
            app.counts().starting,
            1,
            "the one that waits wants another process"
        );
        let buried = std::iter::from_fn(|| events.try_recv().ok())
            .any(|event| matches!(event, Event::Buried(process) if process.pid == PID));
        assert!(buried);
        app.start_failed(0);
        assert_eq!(failure(&mut waiting).await, 503);
        assert_eq!(app.counts(), Default::default());
    });
}

#[test]
fn a_request_begun_after_a_failed_start_is_not_failed_by_it() {
    run(async {
        let (_hub, _events, app, port) = setup();
        let mut early = begin(&app, &port, &Body::Empty, false);
        app.start_failed(0);
        let mut late = begin(&app, &port, &Body::Empty, false);
        assert_eq!(app.counts().starting, 1);
        assert_eq!(failure(&mut early).await, 503);
        let waited = tokio::time::timeout(Duration::from_millis(50), late.next()).await;
        assert!(waited.is_err());
    });
}

#[test]
fn an_application_that_says_nothing_times_out() {
    run(async {
        let (hub, _events) = test_hub();
        let mut conf = test_conf("slow");
        conf.timeout = Duration::from_millis(500);
        let app = App::new(&conf, &hub).unwrap();
        let port = WorkerPort::open(&hub);
        let fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.say(&request, kind::DATA, false, &response(200, b""));
        assert_eq!(head(&mut exchange).await, 200);
        let start = std::time::Instant::now();
        assert_eq!(failure(&mut exchange).await, 503);
        assert!(start.elapsed() > Duration::from_millis(300));
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
    });
}

#[test]
fn a_request_that_no_process_takes_times_out_too() {
    run(async {
        let (hub, _events) = test_hub();
        let mut conf = test_conf("busy");
        conf.timeout = Duration::from_millis(50);
        let app = App::new(&conf, &hub).unwrap();
        let port = WorkerPort::open(&hub);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        assert_eq!(failure(&mut exchange).await, 503);
        assert_eq!((app.counts().active, port.in_flight()), (0, 0));
        assert!(queue_of(&app.shared_port()).receive().unwrap().is_none());
        assert!(nothing_held(app.outgoing()));
    });
}

#[test]
fn a_process_that_hangs_must_leave_in_time_and_is_replaced() {
    run(async {
        let (hub, mut events) = test_hub();
        let mut conf = test_conf("hung");
        conf.timeout = Duration::from_millis(300);
        conf.kill_timeout = Some(Duration::from_secs(3));
        conf.spare_processes = 1;
        let app = App::new(&conf, &hub).unwrap();
        let port = WorkerPort::open(&hub);
        let mut prototype = prototype(&hub, &app, 0, 5);
        let mut fake = Fake::start(&hub, &app);
        let mut exchange = begin(&app, &port, &Body::Empty, false);
        fake.acknowledge(&fake.take().unwrap().0);
        assert_eq!(failure(&mut exchange).await, 503);
        let quit = fake.receive();
        assert_eq!((quit.header.kind, &*quit.body), (kind::QUIT, &[1u8][..]));
        let told = prototype.receive().unwrap().expect("a message");
        let leaving = Leaving::decode(&told.body).unwrap();
        assert_eq!(told.header.kind, kind::QUIT);
        assert_eq!((leaving.pid, leaving.time.as_secs()), (PID, 3));
        assert_eq!((app.counts().running, app.counts().starting), (0, 1));
        let mut asked = std::iter::from_fn(|| events.try_recv().ok());
        assert!(asked.any(|event| matches!(event, Event::Start(..))));
    });
}

#[test]
fn a_restart_moves_what_waits_to_the_new_queue() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let mut fake = Fake::start(&hub, &app);
        let _taken = begin(&app, &port, &Body::Empty, false);
        let _waiting = begin(&app, &port, &Body::Empty, false);
        fake.acknowledge(&fake.take().unwrap().0);
        tokio::time::sleep(Duration::from_millis(20)).await;
        while events.try_recv().is_ok() {}
        app.restart().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(fake.take().is_none());
        let quit = fake.receive();
        assert_eq!((quit.header.kind, &*quit.body), (kind::QUIT, &[1u8][..]));
        assert!(queue_of(&app.shared_port()).receive().unwrap().is_some());
        assert!(matches!(events.try_recv(), Ok(Event::Refill(_))));
        assert_eq!(app.counts().active, 2);
    });
}

#[test]
fn the_death_of_a_prototype_refuses_what_waits_and_only_that() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let _prototype = prototype(&hub, &app, 0, 5);
        let fake = Fake::start(&hub, &app);
        let mut taken = begin(&app, &port, &Body::Empty, false);
        let mut between = begin(&app, &port, &Body::Empty, false);
        let mut waiting = begin(&app, &port, &Body::Empty, false);
        let taken_request = fake.take().unwrap().0;
        fake.acknowledge(&taken_request);
        let between_request = fake.take().unwrap().0;
        tokio::time::sleep(Duration::from_millis(20)).await;
        while events.try_recv().is_ok() {}
        app.prototype_gone(5);
        assert_eq!(failure(&mut waiting).await, 503);
        assert!(fake.take().is_none(), "it was taken back");
        // A live process has the others.
        fake.say(&taken_request, kind::DATA, true, &response(200, b""));
        fake.acknowledge(&between_request);
        fake.say(&between_request, kind::DATA, true, &response(201, b""));
        assert_eq!(head(&mut taken).await, 200);
        assert_eq!(head(&mut between).await, 201);
        assert!(matches!(
            events.try_recv(),
            Ok(Event::PrototypeGone(_, 5, Some(0)))
        ));
        // What comes afterwards waits for the next one.
        let mut late = begin(&app, &port, &Body::Empty, false);
        let waited = tokio::time::timeout(Duration::from_millis(50), late.next()).await;
        assert!(waited.is_err());
    });
}

#[test]
fn a_prototype_that_leaves_or_left_concerns_no_request() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let mut old = prototype(&hub, &app, 0, 5);
        let mut waiting = begin(&app, &port, &Body::Empty, false);
        app.restart().unwrap();
        assert_eq!(old.receive().unwrap().unwrap().header.kind, kind::QUIT);
        app.prototype_gone(5);
        app.prototype_gone(6);
        let waited = tokio::time::timeout(Duration::from_millis(50), waiting.next()).await;
        assert!(waited.is_err());
        let gone = std::iter::from_fn(|| events.try_recv().ok())
            .filter_map(|event| match event {
                Event::PrototypeGone(_, pid, successor) => Some((pid, successor)),
                _ => None,
            })
            .collect::<Vec<_>>();
        assert_eq!(gone, [(5, None)]);
    });
}

#[test]
fn prototypes_that_die_again_and_again_are_started_after_growing_pauses() {
    let (hub, _events) = test_hub();
    let app = test_app(&hub, "fragile");
    for pid in 1..=3 {
        let _port = prototype(&hub, &app, 0, pid);
        app.prototype_gone(pid);
        assert_eq!(app.prototype_pause(), Ok(Duration::ZERO));
    }
    let mut pauses = Vec::new();
    for pid in 4..=8 {
        let _port = prototype(&hub, &app, 0, pid);
        app.prototype_gone(pid);
        pauses.push(app.prototype_pause().expect("short enough to wait for"));
    }
    assert!(pauses[..4].is_sorted(), "{pauses:?}");
    // Those that do not even become ready.
    for _ in 0..4 {
        app.prototype_failed();
    }
    assert!(
        app.prototype_pause()
            .is_err_and(|pause| pause > Duration::from_secs(1))
    );
    app.restart().unwrap();
    assert_eq!(app.prototype_pause(), Ok(Duration::ZERO));
}

#[test]
fn what_waits_for_a_process_that_ends_at_once_is_refused() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let _prototype = prototype(&hub, &app, 0, 5);
        for death in 0..6 {
            let mut waiting = begin(&app, &port, &Body::Empty, false);
            let _fake = Fake::start(&hub, &app);
            dies(&hub, &app, PID);
            assert_eq!(failure(&mut waiting).await, 503);
            let pause =
                std::iter::from_fn(|| events.try_recv().ok()).find_map(|event| match event {
                    Event::StartLater(_, 0, pause) => Some(pause),
                    _ => None,
                });
            assert_eq!(pause.expect("another start") > Duration::ZERO, death >= 3);
            app.bury(PID);
        }
    });
}

#[test]
fn processes_that_die_with_their_prototype_are_replaced_at_once() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let _prototype = prototype(&hub, &app, 0, 5);
        let _fake = Fake::start(&hub, &app);
        app.prototype_gone(5);
        let mut late = begin(&app, &port, &Body::Empty, false);
        dies(&hub, &app, PID);
        let mut asked = std::iter::from_fn(|| events.try_recv().ok());
        assert!(asked.any(|event| matches!(event, Event::Start(_, 0))));
        let waited = tokio::time::timeout(Duration::from_millis(50), late.next()).await;
        assert!(waited.is_err());
    });
}

#[test]
fn a_start_that_a_prototype_took_with_it_is_repeated_only_if_it_is_wanted() {
    run(async {
        let (hub, mut events, app, port) = setup();
        let _prototype = prototype(&hub, &app, 0, 5);
        let mut waiting = begin(&app, &port, &Body::Empty, false);
        app.prototype_gone(5);
        assert_eq!(failure(&mut waiting).await, 503);
        while events.try_recv().is_ok() {}
        app.start_lost(0, true);
        assert_eq!(app.counts(), Default::default());
        let _late = begin(&app, &port, &Body::Empty, false);
        app.start_lost(0, true);
        assert_eq!(app.counts().starting, 1);
        app.start_lost(7, true);
        assert_eq!(app.counts().starting, 1);
        let starts = std::iter::from_fn(|| events.try_recv().ok());
        assert_eq!(
            starts.filter(|e| matches!(e, Event::Start(_, 0))).count(),
            2
        );
    });
}

#[test]
fn a_process_that_dies_with_the_wake_up_leaves_it_to_another() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let wake_up = fake.shared_socket();
        let _one = begin(&app, &port, &Body::Empty, false);
        assert_eq!(wake_up(), Some(kind::READ_QUEUE));
        // It did not live to say that it is awake, so nobody else is woken.
        let _two = begin(&app, &port, &Body::Empty, false);
        assert_eq!(wake_up(), None);
        dies(&hub, &app, PID);
        assert_eq!(wake_up(), Some(kind::READ_QUEUE));
        fake.queue.woken();
        assert!(fake.take().is_some() && fake.take().is_some());
        let _three = begin(&app, &port, &Body::Empty, false);
        assert_eq!(wake_up(), Some(kind::READ_QUEUE));
    });
}

#[test]
fn counts_that_a_dead_process_owes_to_the_port_are_made_good() {
    run(async {
        let (hub, _events, app, port) = setup();
        let fake = Fake::start(&hub, &app);
        let mut first = begin(&app, &port, &Body::Empty, false);
        let request = fake.take().unwrap().0;
        let queue = fake.worker_queue(&request);
        for _ in 0..3 {
            let header = Header::new(PID, kind::DATA, 1);
            queue.send_without_count(&header.encode()).unwrap();
        }
        fake.acknowledge(&request);
        fake.say(&request, kind::DATA, true, &response(200, b""));
        assert_eq!(head(&mut first).await, 200);
        while queue.count() != 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // One short message is enough to be heard.
        let mut last = begin(&app, &port, &Body::Empty, false);
        let request = fake.take().unwrap().0;
        fake.acknowledge(&request);
        while app.counts().idle > 0 {
            tokio::task::yield_now().await;
        }
        fake.say(&request, kind::DATA, true, &response(206, b""));
        assert_eq!(head(&mut last).await, 206);
    });
}

#[test]
fn a_process_that_died_in_the_middle_of_a_message_costs_a_port() {
    run(async {
        let (hub, _events, app, port) = setup();
        let other = PID + 1;
        hub.add_process(Process::new(&hub, other, &app));
        let fake = Fake::start(&hub, &app);
        let mut first = begin(&app, &port, &Body::Empty, false);
        let request = fake.take().unwrap().0;
        fake.worker_queue(&request)
            .send(&[kind::READ_SOCKET])
            .unwrap();
        dies(&hub, &app, other);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut second = begin(&app, &port, &Body::Empty, false);
        let next_request = fake.take().unwrap().0;
        assert_ne!(next_request.reply_port, request.reply_port);
        fake.acknowledge(&next_request);
        fake.say(&next_request, kind::DATA, true, &response(200, b""));
        assert_eq!(head(&mut second).await, 200);
        assert_eq!(failure(&mut first).await, 503);
        drop(first);
        while hub.port(request.reply_port).is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}
