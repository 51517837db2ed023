//! A request that has come in part.

use super::{Connection, Phase};
use crate::request::Request;

impl Connection {
    /// The request whose head has come, and not the whole of its body; it is seen without the body.
    pub fn arriving_request(&self) -> Option<Request<'_>> {
        if self.phase == Phase::Receiving { self.inbox.arriving() } else { None }
    }
}
