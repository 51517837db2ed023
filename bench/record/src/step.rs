//! The purpose of a cell within its experiment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The purpose of a cell within its experiment.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A short closed loop from the very first request on: when is a fresh server steady, and about how fast is it?
    Pilot,
    /// A connection for each request, under the kernel's counters.
    Counts,
    /// Closed loop over lasting connections: as many requests as the contestant answers.
    Capacity,
    /// Open loop at the common rate: how long a request takes.
    Latency,
    /// Closed loop with a connection for each request.
    Connect,
    /// A rate that the search for the critical point tries.
    CurveSearch,
    /// A point of the curve of latency over offered rate.
    Curve,
    /// Rates up and down again, on one server.
    CurveSweep,
    /// A burst past the critical point between stretches of half of it, on one server.
    CurveSpike,
    /// Capacity at some number of server cores.
    Scale,
    /// Some number of connections, all of which carry requests.
    Connections,
    /// Some number of connections, most of which carry no requests.
    ConnectionsIdle,
    /// A multiple of what the contestant can do, by clients that give up.
    Overload,
    /// A closed loop of answers without work: what an answer takes at least, be it a refusal.
    OverloadRefusal,
    /// A burst past what it can do between stretches of half of it, on one server, by clients that give up.
    OverloadSpike,
    /// The same, by clients that come back.
    OverloadStorm,
    /// Two closed loops over lasting connections that differ in their number of requests alone, in an emulated
    /// machine that counts instructions.
    Instructions,
    /// The same with a connection for each request.
    InstructionsConnect,
    /// One handler fails, or one worker is killed, while other connections are watched.
    Isolation,
    /// Bursts of a closed loop that take turns with those on another contestant, which stands on the same cores.
    Duel,
    /// More and more requests that wait, until nobody else is served.
    WaitingJam,
    /// A number of requests that wait, and what they take.
    WaitingHeld,
    /// Clients that leave while their requests wait.
    WaitingLeft,
}

impl Step {
    /// Its word in records and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Step::Pilot => "pilot",
            Step::Counts => "counts",
            Step::Capacity => "capacity",
            Step::Latency => "latency",
            Step::Connect => "connect",
            Step::CurveSearch => "curve-search",
            Step::Curve => "curve",
            Step::CurveSweep => "curve-sweep",
            Step::CurveSpike => "curve-spike",
            Step::Scale => "scale",
            Step::Connections => "connections",
            Step::ConnectionsIdle => "connections-idle",
            Step::Overload => "overload",
            Step::OverloadRefusal => "overload-refusal",
            Step::OverloadSpike => "overload-spike",
            Step::OverloadStorm => "overload-storm",
            Step::Instructions => "instructions",
            Step::InstructionsConnect => "instructions-connect",
            Step::Isolation => "isolation",
            Step::Duel => "duel",
            Step::WaitingJam => "waiting-jam",
            Step::WaitingHeld => "waiting-held",
            Step::WaitingLeft => "waiting-left",
        }
    }

    /// Whether the kernel counts switches, faults and system calls meanwhile. Counting slows each of these down, so
    /// such cells are not timed: their rates serve only as orders of magnitude.
    pub fn is_counted(self) -> bool {
        matches!(self, Step::Pilot | Step::Counts)
    }

    /// Whether more may be offered than the contestant can answer: past the critical point failures are a result, not
    /// an accident.
    pub fn may_overload(self) -> bool {
        matches!(
            self,
            Step::CurveSearch
                | Step::Curve
                | Step::CurveSweep
                | Step::CurveSpike
                | Step::Overload
                | Step::OverloadSpike
                | Step::OverloadStorm
        )
    }

    /// Whether requests wait in it, and no generator loads the server.
    pub fn waits(self) -> bool {
        matches!(self, Step::WaitingJam | Step::WaitingHeld | Step::WaitingLeft)
    }

    /// Whether holding connections is the purpose of the step, and so the memory that they take.
    pub fn holds_connections(self) -> bool {
        matches!(self, Step::Connections | Step::ConnectionsIdle)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_the_terminal_are_those_of_the_records() {
        for step in [
            Step::Pilot,
            Step::Counts,
            Step::Capacity,
            Step::Latency,
            Step::Connect,
            Step::CurveSearch,
            Step::Curve,
            Step::CurveSweep,
            Step::CurveSpike,
            Step::Scale,
            Step::Connections,
            Step::ConnectionsIdle,
            Step::Overload,
            Step::OverloadRefusal,
            Step::OverloadSpike,
            Step::OverloadStorm,
            Step::Instructions,
            Step::InstructionsConnect,
            Step::Isolation,
            Step::Duel,
            Step::WaitingJam,
            Step::WaitingHeld,
            Step::WaitingLeft,
        ] {
            assert_eq!(serde_json::to_value(step).unwrap(), step.word());
        }
    }
}
