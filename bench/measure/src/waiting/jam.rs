//! How many waiters stop everybody else: the number doubles until somebody stands still, and then the border is found
//! by bisection.

use std::time::Duration;

use dyno_record::audit::Law;
use dyno_record::waiting::Beside;

use crate::rig::CellFault;

/// A server with waiters.
pub trait Jammed {
    /// The median time of others beside so many waiters; `None` when one of them stood still.
    ///
    /// # Errors
    /// When the waiters cannot be made.
    fn beside(&mut self, waiting: u32) -> Result<Option<Duration>, CellFault>;

    /// Lets all waiters leave, and waits until others are served again.
    ///
    /// # Errors
    /// When they are not.
    fn clear(&mut self) -> Result<(), CellFault>;
}

/// How others fared beside each number that was tried, by rising numbers, and the least number beside which one stood
/// still; `None` when nobody did up to `most`.
///
/// # Errors
/// When others stand still beside nobody, and as [`Jammed`].
pub fn search(most: u32, server: &mut impl Jammed) -> Result<(Vec<Beside>, Option<u32>), CellFault> {
    let mut tried = Vec::new();
    let (mut goes, mut stops) = (0, None);
    for waiting in doubled(most) {
        if look(server, waiting, &mut tried)? {
            goes = waiting;
        } else if waiting == 0 {
            let words = "others stand still although nobody waits".to_string();
            return Err(CellFault { law: Law::Contract, words });
        } else {
            stops = Some(waiting);
            break;
        }
    }
    if let Some(mut stop) = stops {
        while stop - goes > 1 {
            // Some have to leave before fewer can wait.
            server.clear()?;
            let middle = goes + (stop - goes) / 2;
            if look(server, middle, &mut tried)? { goes = middle } else { stop = middle }
        }
        stops = Some(stop);
    }
    server.clear()?;
    tried.sort_by_key(|one| one.waiting);
    Ok((tried, stops))
}

/// Looks at others beside so many; whether they are served.
fn look(server: &mut impl Jammed, waiting: u32, tried: &mut Vec<Beside>) -> Result<bool, CellFault> {
    let time = server.beside(waiting)?;
    tried.push(Beside { waiting, other_p50_ns: time.map(|time| time.as_nanos() as u64) });
    Ok(time.is_some())
}

/// 0, 1, 2, 4 and so on, and at last `most` itself.
pub fn doubled(most: u32) -> Vec<u32> {
    let powers = std::iter::successors(Some(1u32), |last| last.checked_mul(2));
    let mut all: Vec<u32> = std::iter::once(0).chain(powers.take_while(|power| *power < most)).collect();
    all.extend((most > 0).then_some(most));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stops beside so many; counts how often it was cleared.
    struct Planted {
        stops_beside: Option<u32>,
        held: u32,
        cleared: usize,
    }

    impl Jammed for Planted {
        fn beside(&mut self, waiting: u32) -> Result<Option<Duration>, CellFault> {
            assert!(waiting >= self.held, "nobody leaves without being cleared");
            self.held = waiting;
            let stands_still = self.stops_beside.is_some_and(|stop| waiting >= stop);
            Ok((!stands_still).then_some(Duration::from_micros(u64::from(50 + waiting))))
        }

        fn clear(&mut self) -> Result<(), CellFault> {
            (self.held, self.cleared) = (0, self.cleared + 1);
            Ok(())
        }
    }

    fn found(stops_beside: Option<u32>, most: u32) -> (Vec<Beside>, Option<u32>) {
        search(most, &mut Planted { stops_beside, held: 0, cleared: 0 }).unwrap()
    }

    #[test]
    fn every_planted_border_is_found() {
        for stop in 1..=128 {
            let (tried, stopped_by) = found(Some(stop), 128);
            assert_eq!(stopped_by, Some(stop));
            assert!(tried.is_sorted_by(|one, other| one.waiting < other.waiting), "{stop}: {tried:?}");
            for one in &tried {
                assert_eq!(one.other_p50_ns.is_none(), one.waiting >= stop, "{stop}: {one:?}");
            }
        }
    }

    #[test]
    fn who_never_stops_is_tried_up_to_the_most() {
        for most in [1, 2, 3, 100, 128] {
            let (tried, stopped_by) = found(None, most);
            assert_eq!((stopped_by, tried.last().unwrap().waiting), (None, most));
            assert_eq!(found(Some(most + 1), most).1, None);
        }
        assert_eq!(doubled(10), [0, 1, 2, 4, 8, 10]);
        assert_eq!(doubled(0), [0]);
    }

    #[test]
    fn a_server_that_serves_nobody_has_no_border() {
        let fault = search(8, &mut Planted { stops_beside: Some(0), held: 0, cleared: 0 }).unwrap_err();
        assert!(fault.words.contains("nobody waits"), "{fault:?}");
    }
}
