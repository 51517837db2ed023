//! Uploads of a session: what comes of their bodies goes to the disk part by part, when the driver says so.

use std::sync::Arc;
use std::time::Instant;

use dyno_http::connection::Connection;
use dyno_http::response::Response;

use super::Session;
use crate::kit::clock::Clock;
use crate::kit::site::Site;
use crate::services::owner::Asker;
use crate::services::service::Services;
use crate::services::upload::Upload;
use crate::services::uploads::{begin, destination, keep};

/// Takes the bodies of uploads.
pub(super) struct Intake<'a> {
    services: &'a Services,
    /// The upload under way.
    upload: Option<Arc<Upload>>,
}

impl<'a> Intake<'a> {
    /// The intake of a new connection; `None`: nothing may be uploaded.
    pub(super) fn new(site: &'a Site, http: &mut Connection) -> Option<Self> {
        site.services.uploads.as_ref()?;
        http.offer_bodies();
        Some(Intake { services: &site.services, upload: None })
    }

    /// The upload whose body has come whole.
    pub(super) fn take(&mut self) -> Option<Arc<Upload>> {
        self.upload.take()
    }

    /// Drops an upload whose connection has no request any more, so that nothing is left of it while the connection
    /// lingers.
    pub(super) fn look(&mut self, http: &Connection) {
        if http.is_over() {
            self.upload = None;
        }
    }
}

impl Session<'_> {
    /// Decides about a body that begins, or stores a part that has come. What cannot be stored is answered at once.
    pub fn store(&mut self, now: Instant) {
        let stored = if self.http.offered().is_some() { self.decide(now) } else { self.keep_part(now) };
        if let Err(refusal) = stored {
            if let Some(intake) = &mut self.intake {
                intake.upload = None;
            }
            if self.http.decline() {
                self.respond(refusal.closing(), &Clock::new());
            }
        }
    }

    /// Looks whether the body that begins is that of an upload, and whether it is taken.
    fn decide(&mut self, now: Instant) -> Result<(), Response> {
        let (Some(intake), Some(request)) = (&mut self.intake, self.http.offered()) else { return Ok(()) };
        let (method, path) = (request.method(), request.target().path);
        let Some((uploads, name)) = destination(intake.services, method, path) else {
            self.http.take_whole(now);
            return Ok(());
        };
        let asker = match &mut self.judge {
            None => Asker::UNASKED,
            Some(judge) => {
                let names = self.secure.as_ref().map_or(&[][..], |secure| secure.pipe.peer_names());
                judge.judge(self.tally, names, method, path)?
            }
        };
        let announced = self.http.announced_octets();
        intake.upload = Some(Arc::new(begin(uploads, &request, &asker, name, announced)?));
        self.http.take_in_parts(uploads.most_bytes(), now);
        Ok(())
    }

    fn keep_part(&mut self, now: Instant) -> Result<(), Response> {
        if let (Some(upload), Some(part)) =
            (self.intake.as_ref().and_then(|intake| intake.upload.as_ref()), self.http.part())
        {
            keep(upload, part)?;
        }
        self.http.part_taken(now);
        Ok(())
    }
}
