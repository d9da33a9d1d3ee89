//! Scenes from the life of an application's processes.

use super::*;

fn pool(max: u32, spare: u32) -> Pool<&'static str> {
    Pool::new(Limits {
        max,
        spare,
        idle_timeout: Duration::from_secs(10),
        requests: 0,
    })
}

fn leaver(pid: Pid, port: &'static str, awaited: bool) -> Leaver<&'static str> {
    Leaver {
        pid,
        generation: 0,
        port,
        awaited,
    }
}

#[test]
fn processes_start_on_demand_up_to_the_limit() {
    let now = Instant::now();
    let mut p = pool(2, 0);
    assert!(p.request_queued());
    assert!(p.request_queued(), "both at the same time");
    assert_eq!(p.process_ready(10, 0, "a", now), Some(true));
    assert!(!p.request_taken(10, 0, false).unwrap().start);
    p.process_ready(11, 0, "b", now);
    p.request_taken(11, 0, false).unwrap();
    assert!(!p.request_queued(), "two processes are the limit");
    assert_eq!(
        p.counts(),
        Counts {
            running: 2,
            starting: 0,
            idle: 0,
            active: 3
        }
    );
}

#[test]
fn idle_processes_leave_and_spare_ones_stay() {
    let now = Instant::now();
    let mut p = pool(3, 1);
    for pid in 1..=3 {
        p.pending += 1;
        p.process_ready(pid, 0, "x", now + Duration::from_secs(pid as u64));
    }
    assert_eq!(p.counts().idle, 3);
    let (leavers, next) = p.expire(now + Duration::from_secs(12));
    assert_eq!(leavers, [leaver(2, "x", false)]);
    assert_eq!(next, Some(now + Duration::from_secs(13)));
    let (leavers, next) = p.expire(now + Duration::from_secs(20));
    assert_eq!((leavers.len(), next), (1, None));
    assert_eq!(
        p.counts(),
        Counts {
            running: 1,
            starting: 0,
            idle: 1,
            active: 0
        }
    );
    // A request that one of the leavers took at the last moment is still its own.
    p.request_queued();
    assert!(p.request_taken(2, 0, false).is_some());
    p.request_done(2, false, false, now);
    assert_eq!(p.counts().active, 0);
    assert_eq!(p.process_gone(2), Restart::No);
    assert!(
        p.request_taken(2, 0, false).is_some(),
        "it said so before its end"
    );
    p.bury(2);
    assert!(p.request_taken(2, 0, false).is_none());
}

#[test]
fn the_last_idle_process_takes_a_free_spare_place() {
    let now = Instant::now();
    let mut p = pool(2, 1);
    p.pending = 2;
    assert_eq!(p.process_ready(1, 0, "a", now), Some(false));
    assert_eq!(p.process_ready(2, 0, "b", now), Some(true));
    p.request_queued();
    assert!(!p.request_taken(1, 0, false).unwrap().start);
    assert_eq!(p.expire(now + Duration::from_secs(60)), (vec![], None));
    assert!(
        p.request_done(1, false, false, now + Duration::from_secs(60))
            .idle,
        "beyond the spare ones"
    );
    let leavers = p.expire(now + Duration::from_secs(70)).0;
    assert_eq!(leavers, [leaver(1, "a", false)]);
}

#[test]
fn a_dead_process_is_replaced_if_it_is_wanted() {
    let now = Instant::now();
    let mut p = pool(1, 0);
    p.request_queued();
    p.process_ready(1, 0, "a", now);
    p.request_taken(1, 0, false);
    p.request_queued();
    assert_eq!(p.process_gone(1), Restart::Now);
    p.request_done(1, false, false, now);
    assert_eq!(
        p.counts(),
        Counts {
            running: 0,
            starting: 1,
            idle: 0,
            active: 1
        }
    );
    assert!(p.start_failed(0));
}

#[test]
fn a_process_that_ends_at_once_is_replaced_after_a_pause() {
    let mut p = pool(1, 1);
    assert!(p.refill());
    p.process_ready(1, 0, "a", Instant::now());
    assert_eq!(p.process_gone(1), Restart::Later { alone: true });
    assert_eq!(p.counts().starting, 1);
}

#[test]
fn a_new_generation_replaces_the_old_one() {
    let now = Instant::now();
    let mut p = pool(2, 1);
    assert!(p.refill());
    p.process_ready(1, 0, "a", now);
    p.port_added(1, 7, "thread");
    p.request_queued();
    assert!(p.request_taken(1, 7, false).unwrap().start);
    assert_eq!(p.renew(), [leaver(1, "a", true)]);
    assert_eq!(
        p.counts(),
        Counts {
            running: 0,
            starting: 0,
            idle: 0,
            active: 1
        }
    );
    assert_eq!(
        p.process_ready(2, 0, "late", now),
        None,
        "it was started for the old one"
    );
    assert!(p.refill());
    assert!(!p.generation_gone(0));
    for pid in [1, 2] {
        p.process_gone(pid);
        p.bury(pid);
    }
    assert!(p.generation_gone(0));
}

#[test]
fn websockets_keep_a_process_busy_without_counting_as_requests() {
    let now = Instant::now();
    let mut p = pool(1, 0);
    p.request_queued();
    p.process_ready(1, 0, "a", now);
    p.request_taken(1, 0, false);
    p.request_upgraded(1);
    assert_eq!(
        p.counts(),
        Counts {
            running: 1,
            starting: 0,
            idle: 0,
            active: 0
        }
    );
    assert!(p.is_busy());
    assert!(p.request_done(1, true, false, now).idle);
    assert!(!p.is_busy());
    assert_eq!(p.counts().idle, 1);
}

#[test]
fn all_that_is_missing_is_started_at_once_up_to_a_bound() {
    let mut p = pool(1000, 32);
    assert_eq!(std::iter::from_fn(|| p.refill().then_some(())).count(), 32);
    let mut p = pool(1000, 1000);
    let starts = std::iter::from_fn(|| p.refill().then_some(())).count();
    assert_eq!(starts as u32, MAX_PENDING);
    p.process_ready(1, 0, "a", Instant::now());
    assert!(p.refill() && !p.refill());
}

fn serve(p: &mut Pool<&'static str>, pid: Pid, now: Instant) -> (bool, Done) {
    p.request_queued();
    let start = p.request_taken(pid, 0, false).unwrap().start;
    (start, p.request_done(pid, false, false, now))
}

#[test]
fn a_process_that_took_its_last_request_is_replaced_while_it_works() {
    let now = Instant::now();
    let mut p = pool(1, 1);
    p.limits.requests = 2;
    assert!(p.refill());
    p.process_ready(1, 0, "a", now);
    assert!(!serve(&mut p, 1, now).0);
    let (start, done) = serve(&mut p, 1, now);
    assert!(start, "the successor");
    assert_eq!(done.freed, Some(0), "it has nothing left to do");
    assert_eq!(p.counts().starting, 1);
    assert_eq!(p.process_gone(1), Restart::No);
}

#[test]
fn the_successor_is_started_before_the_last_request() {
    let now = Instant::now();
    let mut p = pool(1, 1);
    p.limits.requests = 32;
    assert!(p.refill());
    p.process_ready(1, 0, "a", now);
    let starts: Vec<u32> = (1..=32).filter(|_| serve(&mut p, 1, now).0).collect();
    assert_eq!(starts, [30]);
    p.process_ready(2, 0, "b", now);
    assert_eq!(p.counts().running, 1, "the first one leaves");
    assert_eq!(p.process_gone(1), Restart::No);
    p.bury(1);
    assert_eq!(p.counts().running, 1);
}

#[test]
fn a_hung_process_leaves_and_is_replaced() {
    let now = Instant::now();
    let mut p = pool(1, 1);
    assert!(p.refill());
    p.process_ready(1, 0, "a", now);
    p.request_queued();
    p.request_taken(1, 0, false);
    assert_eq!(p.hangs(1), Some((leaver(1, "a", true), true)));
    assert_eq!(p.request_done(1, false, false, now).freed, Some(0));
    assert_eq!(p.hangs(1), Some((leaver(1, "a", false), false)));
    assert_eq!(p.process_gone(1), Restart::No);
    assert_eq!(p.hangs(1), None);
    assert_eq!(p.counts().starting, 1);
}

#[test]
fn nobody_is_sent_away_while_a_request_waits_to_be_taken() {
    let now = Instant::now();
    let mut p = pool(1, 0);
    p.request_queued();
    p.process_ready(1, 0, "a", now);
    let late = now + Duration::from_secs(60);
    assert_eq!(p.expire(late), (vec![], Some(late + EXPIRE_AGAIN)));
    p.request_taken(1, 0, false);
    p.request_done(1, false, false, now);
    assert_eq!(p.expire(late).0.len(), 1);
}

#[test]
fn a_leaving_process_is_free_when_nobody_waits_for_it() {
    let now = Instant::now();
    let mut p = pool(1, 0);
    p.process_ready(1, 0, "a", now);
    for _ in 0..2 {
        p.request_queued();
        p.request_taken(1, 0, false);
    }
    assert_eq!(p.request_abandoned(1), None, "it stays");
    assert!(p.renew()[0].awaited);
    assert_eq!(p.request_abandoned(1), Some(0));
    assert_eq!(p.request_done(1, false, true, now).freed, Some(0));
    p.process_gone(1);
    assert_eq!(p.request_done(1, false, true, now).freed, None);
}

#[test]
fn requests_without_a_client_do_not_keep_an_application() {
    let now = Instant::now();
    let mut p = pool(1, 0);
    p.request_queued();
    p.process_ready(1, 0, "a", now);
    p.request_taken(1, 0, false);
    p.request_queued();
    assert!(p.is_busy());
    p.request_abandoned(1);
    assert!(p.is_busy(), "another one waits");
    p.waiting_request_abandoned();
    assert!(!p.is_busy());
    p.request_taken(1, 0, true);
    assert!(!p.is_busy());
    p.request_queued();
    assert!(p.is_busy());
    p.request_dropped(false);
    for _ in 0..2 {
        p.request_done(1, false, true, now);
    }
    assert!(!p.is_busy());
    assert_eq!((p.abandoned, p.members[0].abandoned), (0, 0));
}
