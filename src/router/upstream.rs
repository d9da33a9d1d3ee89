//! Groups of servers: which of them gets the next request.

use std::sync::Mutex;

use crate::router::hub::lock;

/// The weights of a group add up to about this.
const SCALE: f64 = (i32::MAX / 2) as f64;

/// Smooth weighted round robin: a server with twice the weight gets twice the requests, spread as
/// evenly as that is possible.
#[derive(Debug)]
pub(super) struct Upstream {
    servers: Vec<Server>,
    /// What each server has gained and not spent; all threads share it.
    current: Mutex<Vec<i64>>,
}

#[derive(Debug)]
struct Server {
    peer: usize,
    weight: i64,
}

impl Upstream {
    /// A group of peers with their weights.
    pub(super) fn new(servers: &[(usize, f64)]) -> Upstream {
        let total: f64 = servers.iter().map(|(_, weight)| weight).sum();
        let scale = match SCALE / total {
            scale if scale.is_finite() => scale,
            _ => 1.0,
        };
        let server = |&(peer, weight): &(usize, f64)| Server {
            peer,
            // However small a weight is, it is not none.
            weight: match weight * scale {
                scaled if scaled > 1.0 => scaled.round() as i64,
                scaled => i64::from(scaled > 0.0),
            },
        };
        Upstream {
            servers: servers.iter().map(server).collect(),
            current: Mutex::new(vec![0; servers.len()]),
        }
    }

    /// The peer whose turn it is; `None` if no server has a weight.
    pub(super) fn next(&self) -> Option<usize> {
        let mut current = lock(&self.current);
        let mut total = 0;
        let mut best = None;
        for (at, (gained, server)) in current.iter_mut().zip(&self.servers).enumerate() {
            *gained += server.weight;
            total += server.weight;
            if best.is_none_or(|(_, most)| *gained > most) {
                best = Some((at, *gained));
            }
        }
        let (at, _) = best.filter(|_| total > 0)?;
        current[at] -= total;
        Some(self.servers[at].peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each server is chosen in `rounds` turns.
    fn shares(weights: &[f64], rounds: usize) -> Vec<usize> {
        let servers: Vec<_> = weights.iter().copied().enumerate().collect();
        let upstream = Upstream::new(&servers);
        let mut shares = vec![0; weights.len()];
        for _ in 0..rounds {
            shares[upstream.next().unwrap()] += 1;
        }
        shares
    }

    #[test]
    fn shares_follow_weights() {
        for (weights, expected) in [
            (&[1.0, 1.0][..], &[5, 5][..]),
            (&[1.0, 9.0], &[1, 9]),
            (&[0.0, 1.0], &[0, 10]),
            (&[1.0, 0.25], &[8, 2]),
            (&[1e-20, 1e-20], &[5, 5]),
            (&[1e6, 1e6], &[5, 5]),
            (&[0.2, 1.0, 0.8], &[1, 5, 4]),
        ] {
            assert_eq!(shares(weights, 10), expected, "{weights:?}");
        }
    }

    #[test]
    fn turns_are_spread() {
        let upstream = Upstream::new(&[(7, 3.0), (8, 1.0)]);
        let turns: Vec<_> = (0..8).map(|_| upstream.next().unwrap()).collect();
        for four in turns.chunks(4) {
            assert_eq!(
                four.iter().filter(|&&peer| peer == 8).count(),
                1,
                "{turns:?}"
            );
        }
    }

    #[test]
    fn there_may_be_nobody() {
        assert_eq!(Upstream::new(&[]).next(), None);
        assert_eq!(Upstream::new(&[(0, 0.0)]).next(), None);
    }
}
