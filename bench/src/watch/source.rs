//! Where the dots come from: requests that are real, as their server tells of them.

use serde::Serialize;
use serde::ser::{SerializeTuple, Serializer};

use super::machine::WatchPlace;

/// Tells what requests of a server do.
pub(crate) trait StepSource: Send {
    /// Appends what has happened since the last look, in the order in which it happened to each request.
    ///
    /// # Errors
    /// Why nothing can be seen, in words. The next look may see again.
    fn look(&mut self, into: &mut Vec<PlaceStep>) -> Result<Look, String>;

    /// How the requests are seen, for people.
    fn words(&self) -> &'static str;
}

/// What a look has brought beside steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Requests that were seen for the first time.
    pub(crate) fresh: u64,
    /// Steps or requests that were missed, as far as that is known.
    pub(crate) missed: u64,
}

/// A request has come to a place, or has left the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaceStep {
    /// When, on CLOCK_MONOTONIC, ns.
    pub(crate) at_ns: u64,
    /// Which request: a number that no other of this server has.
    pub(crate) request: u64,
    /// Where it is now; `None`: it is gone.
    pub(crate) place: Option<WatchPlace>,
    /// Which worker has it, from 0, where that is known.
    pub(crate) lane: Option<u16>,
}

/// The number of a place on the page; the one after the last is "gone".
fn number(place: Option<WatchPlace>) -> u8 {
    place.map_or(WatchPlace::Write as u8 + 1, |place| place as u8)
}

/// Short, because there are thousands: `[microseconds, request, place]`, and the lane where it is known.
impl Serialize for PlaceStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_tuple(3 + usize::from(self.lane.is_some()))?;
        parts.serialize_element(&(self.at_ns / 1_000))?;
        parts.serialize_element(&self.request)?;
        parts.serialize_element(&number(self.place))?;
        if let Some(lane) = self.lane {
            parts.serialize_element(&lane)?;
        }
        parts.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_short_list() {
        let step = |place, lane| PlaceStep { at_ns: 5_000_999, request: 7, place, lane };
        let text = |step: PlaceStep| serde_json::to_string(&step).unwrap();
        assert_eq!(text(step(Some(WatchPlace::Work), Some(2))), "[5000,7,4,2]");
        assert_eq!(text(step(Some(WatchPlace::Backlog), None)), "[5000,7,0]");
        assert_eq!(text(step(None, None)), "[5000,7,7]");
    }
}
