//! `/compute/MICROS`: CPU work, the same on every architecture.
//!
//! The work is a chain of multiplications in which each round needs the result of the one before, so neither the
//! compiler nor a wide processor can shorten it, and it touches no memory. How many rounds make a microsecond is
//! measured at the first use, once for all workers of a server, so that a server that never computes starts without
//! that delay. A comparison gives all servers the same figure, and they do the same work.

use super::service::{Needs, Reply, Service, number, text};
use super::work::work;
use crate::limits::MICROS_MAX;

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "compute",
    path: "/compute/MICROS",
    idea: "CPU work that takes MICROS microseconds on an idle core",
    answer: "computed MICROS us",
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    is_long: true,
    call: |services, _, rest| {
        let micros = match number(rest, MICROS_MAX) {
            Ok(micros) => micros,
            Err(refusal) => return Reply::Now(refusal),
        };
        work(micros * services.rounds.per_us());
        Reply::Now(text(200, format!("computed {micros} us\n")))
    },
};
