//! The two ends of the channel. Each makes a [`ChannelSession`] for each of its connections.

use super::config::Config;
use super::cookie::Cookies;
use super::resumption::kept::Purse;
use super::resumption::tickets::Tickets;
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
    cookies: Arc<Cookies>,
    tickets: Arc<Tickets>,
}

impl ChannelServer {
    /// A server with this configuration.
    ///
    /// # Panics
    /// When the operating system gives no random octets.
    pub fn new(config: Config) -> Self {
        let half_open = HalfOpen::new(config.bounds.half_open);
        let now = Instant::now();
        let (cookies, tickets) = (Arc::new(Cookies::new(now)), Arc::new(Tickets::new(now)));
        ChannelServer { config: Arc::new(config), half_open, cookies, tickets }
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
        let door = self.half_open.door(source);
        let tickets = Arc::clone(&self.tickets);
        ChannelSession::respond(Arc::clone(&self.config), door, Arc::clone(&self.cookies), tickets, now)
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
    purse: Arc<Purse>,
}

impl ChannelClient {
    /// A client with this configuration.
    pub fn new(config: Config) -> Self {
        ChannelClient { config: Arc::new(config), purse: Arc::default() }
    }

    /// The key that servers pin.
    pub fn public(&self) -> &PublicKey {
        self.config.identity.key.public()
    }

    /// A session for a connection that was opened at `now`.
    pub fn session(&self, now: Instant) -> ChannelSession {
        ChannelSession::initiate(Arc::clone(&self.config), Arc::clone(&self.purse), now)
    }
}

impl Connector for ChannelClient {
    fn connect(&self, now: Instant) -> Box<dyn Pipe> {
        Box::new(self.session(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::config::Identity;
    use crate::channel::message::{MessageKind, Suite};
    use crate::channel::trust::Trust;
    use crate::dh::counted;

    #[test]
    fn a_demand_for_a_cookie_costs_no_operation_with_keys() {
        for suites in [Suite::CLASSICAL, Suite::HYBRID] {
            let config = || {
                let mut config = Config::new(Identity::throw_away(), Trust::anyone());
                (config.suites, config.bounds.half_open) = (suites.to_vec(), 1);
                config
            };
            let (client, server) = (ChannelClient::new(config()), ChannelServer::new(config()));
            let now = Instant::now();
            let hellos: Vec<_> = (0..10).map(|_| client.session(now).pending().to_vec()).collect();
            let answer = |hello: &[u8]| {
                let (mut session, before) = (server.session(now), counted::so_far());
                session.receive(hello, &mut Vec::new(), now).expect("an answer");
                (counted::so_far() - before, session.pending()[0], session)
            };
            let (cost, kind, _held) = answer(&hellos[0]);
            assert!(cost >= 2 && kind == MessageKind::Reply as u8, "the control: {cost}");
            for hello in &hellos {
                let (cost, kind, _) = answer(hello);
                assert_eq!((cost, kind), (0, MessageKind::Cookie as u8));
            }
        }
    }
}
