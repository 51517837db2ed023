//! `/wait/MICROS`: a modelled call of a back end. The service itself does not wait; the reply says how long the call
//! takes.

use std::time::Duration;

use super::service::{Needs, Reply, Service, number, text};
use crate::limits::MICROS_MAX;

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "wait",
    path: "/wait/MICROS",
    idea: "a modelled back-end call; the architecture decides who waits",
    answer: "waited MICROS us",
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    is_long: true,
    call: |_, _, rest| match number(rest, MICROS_MAX) {
        Ok(micros) => Reply::After(Duration::from_micros(micros), text(200, format!("waited {micros} us\n"))),
        Err(refusal) => Reply::Now(refusal),
    },
};
