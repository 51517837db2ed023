//! The two ends of the channel. Each makes a [`ChannelSession`] for each of its connections.

use super::config::Config;
use super::session::ChannelSession;
use crate::half_open::HalfOpen;
use crate::pipe::{Acceptor, Connector, Pipe};
use crate::signature::PublicKey;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// The responder's side, which makes a session for each connection that it accepts.
#[derive(Debug, Clone)]
pub struct ChannelServer {
    config: Arc<Config>,
    half_open: HalfOpen,
}

impl ChannelServer {
    /// A server with this configuration.
    pub fn new(config: Config) -> Self {
        let half_open = HalfOpen::new(config.bounds.half_open);
        ChannelServer { config: Arc::new(config), half_open }
    }

    /// The key that clients pin.
    pub fn public(&self) -> &PublicKey {
        self.config.identity.key.public()
    }

    /// A session for a connection that was accepted at `now`, from nobody knows where.
    pub fn session(&self, now: Instant) -> ChannelSession {
        self.session_from(None, now)
    }

    /// A session for a connection that was accepted at `now` from `source`, which has a share of the handshakes under
    /// way.
    pub fn session_from(&self, source: Option<IpAddr>, now: Instant) -> ChannelSession {
        ChannelSession::respond(Arc::clone(&self.config), self.half_open.door(source), now)
    }
}

impl Acceptor for ChannelServer {
    fn accept_from(&self, source: Option<IpAddr>, now: Instant) -> Box<dyn Pipe> {
        Box::new(self.session_from(source, now))
    }
}

/// The initiator's side, which makes a session for each connection that it opens.
#[derive(Debug, Clone)]
pub struct ChannelClient {
    config: Arc<Config>,
}

impl ChannelClient {
    /// A client with this configuration.
    pub fn new(config: Config) -> Self {
        ChannelClient { config: Arc::new(config) }
    }

    /// The key that servers pin.
    pub fn public(&self) -> &PublicKey {
        self.config.identity.key.public()
    }

    /// A session for a connection that was opened at `now`.
    pub fn session(&self, now: Instant) -> ChannelSession {
        ChannelSession::initiate(Arc::clone(&self.config), now)
    }
}

impl Connector for ChannelClient {
    fn connect(&self, now: Instant) -> Box<dyn Pipe> {
        Box::new(self.session(now))
    }
}
