//! All interleavings of two handshakes that run in parallel on a network that drops, repeats, reflects and permutes:
//! whoever accepts has exactly one partner who agrees with it on everything; nobody accepts alone and stays so.

mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::signature::{PublicKey, SigningKey};
use std::time::Instant;
use support::{drain, settle};

/// Initiators 0 and 1, responders 2 and 3. Each takes two turns; in a turn the network hands it any one message that
/// has been sent so far, or none.
const PARTIES: usize = 4;
/// The order of turns: both responders take message 1 before the initiators take message 2, and so on; which message it
/// is, is the network's choice, so this order loses nothing: what a party has not been given in its turn it is never
/// given.
const TURNS: [usize; 8] = [2, 3, 0, 1, 2, 3, 0, 1];

type View = (Option<[u8; 32]>, Option<PublicKey>);

struct Run {
    parties: [ChannelSession; PARTIES],
    sent: Vec<Vec<u8>>,
    /// What each party held to be true when it last had something: a session that fails later forgets.
    views: [View; PARTIES],
}

impl Run {
    fn new(
        clients: &[ChannelClient; 2],
        servers: &[ChannelServer; 2],
        come_back: bool,
        now: Instant,
    ) -> Self {
        // Who is to come back gets a ticket first.
        for (client, server) in clients.iter().zip(servers).filter(|_| come_back) {
            settle(&mut client.session(now), &mut server.session(now), now).expect("honest");
        }
        let mut run = Run {
            parties: [
                clients[0].session(now),
                clients[1].session(now),
                servers[0].session(now),
                servers[1].session(now),
            ],
            sent: Vec::new(),
            views: [(None, None); PARTIES],
        };
        (0..PARTIES).for_each(|party| run.collect(party));
        run
    }

    fn collect(&mut self, party: usize) {
        let octets = drain(&mut self.parties[party]);
        if !octets.is_empty() {
            self.sent.push(octets);
        }
    }

    /// Gives `party` message `choice`; false when it refused.
    fn deliver(&mut self, party: usize, choice: usize, now: Instant) -> bool {
        let fine = self.parties[party].receive(&self.sent[choice].clone(), &mut Vec::new(), now).is_ok();
        self.collect(party);
        let session = &self.parties[party];
        if let Some(transcript) = session.transcript() {
            self.views[party] = (Some(*transcript), session.peer().map(|credential| credential.key));
        }
        fine
    }
}

struct Search<'a> {
    clients: &'a [ChannelClient; 2],
    servers: &'a [ChannelServer; 2],
    /// Both clients resume sessions, each with the server of its number.
    come_back: bool,
    now: Instant,
    schedules: u32,
    agreements: u32,
}

impl Search<'_> {
    /// Runs the schedule `prefix` (a choice for each turn, `None`: nothing) and every continuation of it. With
    /// `skip_refused`, a schedule whose last message was refused goes no further: the party is dead, whatever killed
    /// it, and the continuations of one such death stand for those of all.
    ///
    /// Returns whether the last message was refused.
    fn explore(&mut self, prefix: &mut Vec<Option<usize>>, skip_refused: bool) -> bool {
        // The parties cannot be copied (their keys are for one use), so every schedule starts afresh.
        let mut run = Run::new(self.clients, self.servers, self.come_back, self.now);
        let (mut dead, mut refused) = ([false; PARTIES], false);
        for (&party, choice) in TURNS.iter().zip(prefix.iter()) {
            refused = choice.is_some_and(|choice| !run.deliver(party, choice, self.now));
            dead[party] |= refused;
        }
        if refused && skip_refused {
            self.schedules += 1;
            return true;
        }
        let Some(&party) = TURNS.get(prefix.len()) else {
            self.judge(run);
            return refused;
        };
        let choices = if dead[party] { 0 } else { run.sent.len() };
        drop(run);
        let mut one_was_refused = false;
        for choice in std::iter::once(None).chain((0..choices).map(Some)) {
            prefix.push(choice);
            one_was_refused |= self.explore(prefix, one_was_refused);
            prefix.pop();
        }
        refused
    }

    fn judge(&mut self, mut run: Run) {
        self.schedules += 1;
        let keys = [
            self.clients[0].public(),
            self.clients[1].public(),
            self.servers[0].public(),
            self.servers[1].public(),
        ];
        let accepted: [bool; PARTIES] = std::array::from_fn(|party| run.parties[party].is_established());
        for party in (0..PARTIES).filter(|&party| accepted[party]) {
            let view = run.views[party];
            let partners: Vec<_> = (0..PARTIES)
                .filter(|&other| (other < 2) != (party < 2) && run.views[other].0 == view.0)
                .filter(|&other| view.1 == Some(*keys[other]) && run.views[other].1 == Some(*keys[party]))
                .collect();
            assert_eq!(partners.len(), 1, "party {party} accepted without exactly one partner");
            let partner = partners[0];
            if accepted[partner] {
                self.agreements += 1;
            } else {
                // Only the responder may be ahead, by the one record that is on its way; when that is lost or the
                // initiator was given something else instead, both end in an error.
                assert!(party >= 2, "an initiator accepts only after its responder has");
                assert!(run.parties[partner].receive_eof().is_err());
                assert!(run.parties[party].receive_eof().is_err());
            }
        }
    }
}

fn explore(clients: &[ChannelClient; 2], servers: &[ChannelServer; 2], come_back: bool) -> (u32, u32) {
    let now = Instant::now();
    let mut search = Search { clients, servers, come_back, now, schedules: 0, agreements: 0 };
    search.explore(&mut Vec::new(), false);
    (search.schedules, search.agreements)
}

fn config(key: SigningKey, friends: &[&SigningKey]) -> Config {
    let trust = Trust { keys: friends.iter().map(|key| *key.public()).collect(), ..Trust::default() };
    Config::new(Identity::bare(key), trust)
}

fn everybody_knows_everybody(come_back: bool) {
    let [a, b, s, t] = std::array::from_fn(|_| SigningKey::generate());
    let copy = |document: &[u8]| SigningKey::from_pkcs8(document).unwrap();
    let clients = [&a, &b].map(|own| {
        let mut config = config(copy(&own.1), &[&s.0, &t.0]);
        config.resumes = come_back;
        ChannelClient::new(config)
    });
    let servers =
        [config(copy(&s.1), &[&a.0, &b.0]), config(copy(&t.1), &[&a.0, &b.0])].map(ChannelServer::new);
    let (schedules, agreements) = explore(&clients, &servers, come_back);
    println!("{schedules} schedules, {agreements} acceptances in agreement");
    assert!(schedules > 1000 && agreements > 0);
}

#[test]
fn two_clients_and_two_servers_who_all_know_each_other() {
    everybody_knows_everybody(false);
}

/// A ticket of the one server may be brought to the other, and the answer to one client to the other.
#[test]
fn two_clients_who_come_back_by_tickets_and_two_servers() {
    everybody_knows_everybody(true);
}
