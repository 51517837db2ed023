//! The deadlines of a session, of HTTP and of the pipe, and its end.

use std::time::Instant;

use dyno_security::pipe::error::PipeError;

use super::Session;

impl Session<'_> {
    /// When to call [`Session::handle_deadline`].
    pub fn deadline(&self) -> Option<Instant> {
        let http = self.http.deadline();
        let Some(secure) = &self.secure else { return http };
        [http, secure.pipe.deadline(), secure.last_chance].into_iter().flatten().min()
    }

    /// Handles all deadlines that have passed.
    pub fn handle_deadline(&mut self, now: Instant) {
        if let Some(secure) = &mut self.secure
            && secure.pipe.deadline().is_some_and(|deadline| deadline <= now)
        {
            let result = secure.pipe.handle_deadline(now);
            secure.note(result, self.tally);
        }
        if self.http.deadline().is_some_and(|deadline| deadline <= now) {
            self.http.handle_deadline(now);
        }
    }

    /// Gives the client up before its time: what the time limit that runs would do at its end. A handshake that is not
    /// done ends with it.
    pub fn give_up(&mut self, now: Instant) {
        match &mut self.secure {
            Some(secure) if !secure.pipe.is_established() => secure.note(Err(PipeError::TooSlow), self.tally),
            _ => self.http.give_up(now),
        }
    }

    /// The server drains: an idle session ends after a grace, a busy one after its next response.
    pub fn finish(&mut self, now: Instant) {
        self.http.finish(now);
    }
}
