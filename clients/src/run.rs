//! From a plan to its outcome: runs the engine, and has its books closed and judged.

use std::sync::Arc;

use crate::books::glance::Glance;
use crate::engine::live::Live;
use crate::engine::{self, EngineError};
use crate::exchange::{Exchange, ExchangeError, exchange};
use crate::failure::Cause;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::plan::request::ExpectedBody;
use crate::verdict::judge::judge;

/// Carries out `plan` and judges the run. `watch` gets news some ten times a second; `live` can end the run early.
/// A program that knows what its user can do about failures calls [`engine::run`] and [`judge`] instead.
///
/// # Errors
/// [`EngineError`] when no run could be made. A bad run is no error: its audit says so.
pub fn run(
    plan: &Arc<Plan>,
    live: &Arc<Live>,
    watch: &mut dyn FnMut(&Glance),
) -> Result<Outcome, EngineError> {
    let measured = engine::run(plan, live, watch)?;
    Ok(judge(plan, &measured, |_| None))
}

/// Why the first answer to a request is not known.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// No answer came.
    #[error("{request}: {error}")]
    Exchange {
        /// The request, as method and target.
        request: String,
        /// What went wrong.
        error: ExchangeError,
    },
    /// An answer came that is not the expected one.
    #[error("{request}: the first answer has status {status}")]
    Status {
        /// The request, as method and target.
        request: String,
        /// The status of the answer.
        status: u16,
    },
}

impl LearnError {
    /// What it suggests.
    pub fn cause(&self) -> Cause {
        match self {
            LearnError::Exchange { error, .. } => error.cause(),
            LearnError::Status { .. } => Cause::Other,
        }
    }
}

/// Fetches the answer of each request that shall always get the same, once, and expects it from then on.
///
/// # Errors
/// Says which request got no answer, or not the expected status.
pub fn learn(plan: &mut Plan) -> Result<(), LearnError> {
    for request in &mut plan.mix {
        if !matches!(request.expect.body, ExpectedBody::Same) {
            continue;
        }
        let of = || format!("{} {}", request.method, request.target);
        let Exchange { status, body, .. } =
            exchange(&plan.address, &plan.transport, &request.wire, request.is_head(), plan.timeout_ns)
                .map_err(|error| LearnError::Exchange { request: of(), error })?;
        if !request.expect.accepts_status(status) {
            return Err(LearnError::Status { request: of(), status });
        }
        request.expect.body = ExpectedBody::Exactly(body.into());
    }
    Ok(())
}
