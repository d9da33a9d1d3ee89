//! When a process that died is started again.
//!
//! The first deaths in a row are taken for accidents, and the process is back at once. Then the
//! pause between two starts grows: up to half a second for a process that served before it died,
//! up to many seconds for one that never came that far. One that does not come that far
//! [`HOPELESS`] times in a row is not worth another attempt.

use std::time::{Duration, Instant};

use crate::{notice, warning};

/// A process that has served for so long is taken to be well.
const SETTLED: Duration = Duration::from_secs(5);
/// How many deaths in a row are taken for accidents.
const FREE: u32 = 3;
/// The pause after these, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause of a process that had served.
pub const MAX_PAUSE_SERVED: Duration = Duration::from_millis(500);
/// The longest pause of one that had not.
const MAX_PAUSE: Duration = Duration::from_secs(16);
/// How often in a row a process may die, or fail to start, without having served.
pub const HOPELESS: u32 = 10;

/// The starts and deaths of one process of the daemon: the controller, the router, a prototype.
#[derive(Debug)]
pub struct Respawn {
    name: String,
    /// Since when it serves, while it does.
    serving: Option<Instant>,
    /// Deaths in a row before it was settled.
    deaths: u32,
    /// Deaths in a row before it served.
    barren: u32,
    due: Option<Instant>,
}

impl Respawn {
    /// Of the process that the log calls `name`.
    pub fn new(name: impl Into<String>) -> Respawn {
        Respawn {
            name: name.into(),
            serving: None,
            deaths: 0,
            barren: 0,
            due: None,
        }
    }

    /// The process does what it is for.
    pub fn serves(&mut self) {
        self.barren = 0;
        self.serving.get_or_insert_with(Instant::now);
    }

    /// Whether it does.
    pub fn is_serving(&self) -> bool {
        self.serving.is_some()
    }

    /// The process died, or could not be started: sets when it is due again. `false` if it is
    /// hopeless.
    pub fn died(&mut self) -> bool {
        let now = Instant::now();
        self.look(now);
        let pause = self.pause();
        self.due = Some(now + pause);
        if self.deaths == FREE + 1 {
            let name = &self.name;
            warning!(
                "{name} dies again and again, from now on there is a growing pause before it is started"
            );
        }
        self.barren < HOPELESS
    }

    fn pause(&mut self) -> Duration {
        let max = match self.serving.take() {
            Some(_) => MAX_PAUSE_SERVED,
            None => {
                self.barren += 1;
                MAX_PAUSE
            }
        };
        self.deaths = self.deaths.saturating_add(1);
        match self.deaths.checked_sub(FREE + 1) {
            None => Duration::ZERO,
            Some(doublings) => (FIRST_PAUSE * 2u32.pow(doublings.min(8))).min(max),
        }
    }

    /// Forgets the deaths of a process that has settled.
    fn look(&mut self, now: Instant) {
        if self.settles().is_some_and(|at| at <= now) {
            if self.deaths > FREE {
                notice!("{} is well again", self.name);
            }
            self.deaths = 0;
        }
    }

    fn settles(&self) -> Option<Instant> {
        self.serving
            .filter(|_| self.deaths > 0)
            .map(|since| since + SETTLED)
    }

    /// When [`Respawn::take_due`] has something to say or to do.
    pub fn due(&self) -> Option<Instant> {
        self.due.into_iter().chain(self.settles()).min()
    }

    /// How long it must still not be started.
    pub fn pause_left(&self, now: Instant) -> Duration {
        let left = self.due.map(|due| due.saturating_duration_since(now));
        left.unwrap_or_default()
    }

    /// Whether it is to be started now; says so once.
    pub fn take_due(&mut self, now: Instant) -> bool {
        self.look(now);
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// It is not to be started any more.
    pub fn cancel(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow() {
        let mut respawn = Respawn::new("test");
        let mut next = || respawn.pause().as_millis();
        assert_eq!(
            [next(), next(), next(), next(), next(), next(), next()],
            [0, 0, 0, 100, 200, 400, 800]
        );
        for _ in 0..100 {
            next();
        }
        assert_eq!(next(), 16000);
    }

    #[test]
    fn a_process_that_served_is_back_soon() {
        let mut respawn = Respawn::new("test");
        for _ in 0..100 {
            respawn.serves();
            assert!(respawn.died());
        }
        respawn.serves();
        assert_eq!(respawn.pause(), MAX_PAUSE_SERVED);
        respawn.serves();
        respawn.look(Instant::now() + SETTLED);
        assert_eq!(respawn.due(), respawn.due);
        assert_eq!(respawn.pause(), Duration::ZERO);
    }

    #[test]
    fn a_process_that_never_serves_is_given_up() {
        let mut respawn = Respawn::new("test");
        for _ in 1..HOPELESS {
            assert!(respawn.died());
        }
        respawn.serves();
        for _ in 0..HOPELESS {
            assert!(respawn.died(), "it served in between");
        }
        assert!(!respawn.died());
    }

    #[test]
    fn a_start_is_due_once() {
        let mut respawn = Respawn::new("test");
        assert!(respawn.died());
        assert!(respawn.due().is_some());
        assert_eq!(respawn.pause_left(Instant::now()), Duration::ZERO);
        assert!(respawn.take_due(Instant::now()));
        assert!(!respawn.take_due(Instant::now()));
        assert!(respawn.died());
        respawn.cancel();
        assert!(respawn.due().is_none());
    }
}
