//! Bodies of uploads: each piece that hyper has read goes to the disk before hyper reads the next.

use std::sync::Arc;
use std::time::Duration;

use dyno_http::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use tokio::time::{Instant, timeout_at};

use super::{Gate, HostAndFields, Received};
use crate::services::service::text;
use crate::services::uploads::{begin, destination, keep};

impl Gate {
    /// Takes the body: in parts if it is that of an upload, or whole.
    ///
    /// hyper tells a client that waits for permission (100) to send when the body is asked for its first piece,
    /// so one that is refused before sends nothing.
    pub(super) async fn take_in(&self, parts: &Parts, body: Incoming) -> Result<Received, Response> {
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let Some((uploads, name)) = destination(&self.site.services, method, path) else {
            return self.collect(body).await;
        };
        let asker = self.judge(method, path).map_err(Response::closing)?;
        let announced = body.size_hint().exact();
        let upload =
            begin(uploads, &HostAndFields(parts), &asker, name, announced).map_err(Response::closing)?;
        let upload = Arc::new(upload);
        self.store(body, uploads.most_bytes(), |octets| keep(&upload, octets)).await?;
        Ok(Received { body: Vec::new(), upload: Some(upload), _lease: self.site.memory.nothing() })
    }

    async fn store(
        &self,
        mut body: Incoming,
        most_bytes: u64,
        keep: impl Fn(&[u8]) -> Result<(), Response>,
    ) -> Result<(), Response> {
        let limits = &self.site.limits;
        let (start, mut octets) = (Instant::now(), 0);
        loop {
            let earned = Duration::from_secs(octets / limits.body_octets_per_s);
            match timeout_at(start + limits.body_grace + earned, body.frame()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(frame))) => {
                    let data: &[u8] = frame.data_ref().map_or(&[], |data| data);
                    octets += data.len() as u64;
                    if octets > most_bytes {
                        return Err(text(413, "the body is too large\n").closing());
                    }
                    keep(data).map_err(Response::closing)?;
                }
                Ok(Some(Err(_))) => return Err(text(400, "the body breaks its framing\n").closing()),
                Err(_) => return Err(text(408, "the body is too slow\n").closing()),
            }
        }
    }
}
