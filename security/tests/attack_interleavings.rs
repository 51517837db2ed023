//! All interleavings of two handshakes that run in parallel on a network that drops, repeats, reflects and permutes,
//! and many of three: whoever accepts has exactly one partner who agrees with it on everything; nobody accepts alone
//! and stays so.

mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::MessageKind;
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::digest::sha256;
use dyno_security::pipe::Pipe;
use dyno_security::signature::{PublicKey, SigningKey};
use std::time::Instant;
use support::{drain, settle};

/// Initiators 0 and 1, responders 2 and 3. Each takes two turns; in a turn the network hands it any one message that
/// has been sent so far, or none. The order of turns: both responders take message 1 before the initiators take message
/// 2, and so on; which message it is, is the network's choice, so this order loses nothing: what a party has not been
/// given in its turn it is never given.
const TURNS: [usize; 8] = [2, 3, 0, 1, 2, 3, 0, 1];

type View = (Option<[u8; 32]>, Option<PublicKey>);

struct Run<'a> {
    clients: &'a [ChannelClient],
    servers: &'a [ChannelServer],
    /// The clients' sessions, then the servers'.
    parties: Vec<ChannelSession>,
    sent: Vec<Vec<u8>>,
    /// What each party held to be true when it last had something: a session that fails later forgets.
    views: Vec<View>,
}

impl<'a> Run<'a> {
    fn new(
        clients: &'a [ChannelClient],
        servers: &'a [ChannelServer],
        come_back: bool,
        now: Instant,
    ) -> Self {
        // Who is to come back gets a ticket first.
        for (client, server) in clients.iter().zip(servers).filter(|_| come_back) {
            settle(&mut client.session(now), &mut server.session(now), now).expect("honest");
        }
        let starting = clients.iter().map(|client| client.session(now));
        let parties: Vec<_> = starting.chain(servers.iter().map(|server| server.session(now))).collect();
        let views = vec![(None, None); parties.len()];
        let mut run = Run { clients, servers, parties, sent: Vec::new(), views };
        (0..run.parties.len()).for_each(|party| run.collect(party));
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

    /// Judges the end of a schedule; how many parties have accepted with a partner that has too.
    fn judge(&mut self) -> u32 {
        let clients = self.clients.len();
        let shown = self.clients.iter().map(ChannelClient::public);
        let keys: Vec<_> = shown.chain(self.servers.iter().map(ChannelServer::public)).collect();
        let accepted: Vec<bool> = self.parties.iter().map(Pipe::is_established).collect();
        let mut agreements = 0;
        for party in (0..self.parties.len()).filter(|&party| accepted[party]) {
            let view = self.views[party];
            let partners: Vec<_> = (0..self.parties.len())
                .filter(|&other| (other < clients) != (party < clients) && self.views[other].0 == view.0)
                .filter(|&other| view.1 == Some(*keys[other]) && self.views[other].1 == Some(*keys[party]))
                .collect();
            assert_eq!(partners.len(), 1, "party {party} accepted without exactly one partner");
            let partner = partners[0];
            if accepted[partner] {
                agreements += 1;
            } else {
                // A responder may be ahead by the one record that is on its way; an initiator never is, for its
                // responder's view was that of a session that it had accepted. When the record is lost, or the partner
                // was given something else since, both end in an error.
                assert!(self.parties[partner].receive_eof().is_err());
                assert!(self.parties[party].receive_eof().is_err());
            }
        }
        agreements
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
        let (mut dead, mut refused) = (vec![false; run.parties.len()], false);
        for (&party, choice) in TURNS.iter().zip(prefix.iter()) {
            refused = choice.is_some_and(|choice| !run.deliver(party, choice, self.now));
            dead[party] |= refused;
        }
        if refused && skip_refused {
            self.schedules += 1;
            return true;
        }
        let Some(&party) = TURNS.get(prefix.len()) else {
            self.schedules += 1;
            self.agreements += run.judge();
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

/// `N` clients and as many servers, who all know each other.
fn friends<const N: usize>(come_back: bool) -> ([ChannelClient; N], [ChannelServer; N]) {
    let [clients, servers]: [[_; N]; 2] =
        std::array::from_fn(|_| std::array::from_fn(|_| SigningKey::generate()));
    let copy = |document: &[u8]| SigningKey::from_pkcs8(document).unwrap();
    let (to, from) = (servers.each_ref().map(|key| &key.0), clients.each_ref().map(|key| &key.0));
    let starting = clients.each_ref().map(|own| {
        let mut config = config(copy(&own.1), &to);
        config.resumes = come_back;
        ChannelClient::new(config)
    });
    (starting, servers.each_ref().map(|own| ChannelServer::new(config(copy(&own.1), &from))))
}

fn everybody_knows_everybody(come_back: bool) {
    let (clients, servers) = friends(come_back);
    let (schedules, agreements) = explore(&clients, &servers, come_back);
    println!("{schedules} schedules, {agreements} acceptances in agreement");
    assert!(schedules > 1000 && agreements > 0);
}

/// Schedules of three handshakes that are tried; all of them are more than can be.
const DRAWN: u64 = 600;

/// In each turn of a schedule any party gets any message, drawn at random: as a message that is not for it ends a
/// party, more often than not one that it can go on with.
fn three_at_once(come_back: bool) {
    let (now, (clients, servers)) = (Instant::now(), friends::<3>(come_back));
    let (mut agreements, mut crossed) = (0, 0);
    for schedule in 0..DRAWN {
        let mut run = Run::new(&clients, &servers, come_back, now);
        let parties = run.parties.len();
        // How many messages each has taken.
        let mut taken = vec![0; parties];
        for turn in 0..4 * parties as u64 {
            let drawn = sha256(&[b"a schedule", &schedule.to_be_bytes(), &turn.to_be_bytes()]);
            let [party, choice, taste] = [0, 1, 2].map(|at| usize::from(drawn[at]));
            let party = party % parties;
            // As above: each takes two messages.
            if taken[party] == 2 {
                continue;
            }
            let kinds: &[MessageKind] = match (party < clients.len(), taken[party]) {
                (true, 0) => &[MessageKind::Reply, MessageKind::Resumed],
                (true, _) => &[MessageKind::Ready],
                (false, 0) => &[MessageKind::Hello],
                (false, _) => &[MessageKind::Finish],
            };
            let fits = |at: &usize| kinds.iter().any(|&kind| kind as u8 == run.sent[*at][0]);
            let fitting: Vec<_> = (0..run.sent.len()).filter(fits).collect();
            let choice = match fitting.get(choice % fitting.len().max(1)) {
                Some(&fits) if taste < 224 => fits,
                _ => choice % run.sent.len(),
            };
            taken[party] += u32::from(run.deliver(party, choice, now));
        }
        agreements += run.judge();
        // A client that has ended up with another server than that of its number.
        let other = |at: &usize| run.views[*at].1.is_some_and(|key| key != *servers[*at].public());
        crossed += (0..clients.len()).filter(other).count();
    }
    println!("{agreements} acceptances in agreement, {crossed} with a server of another number");
    assert!(agreements > 100 && crossed > 100, "{agreements} {crossed}");
}

#[test]
fn three_handshakes_at_once_in_schedules_drawn_at_random() {
    three_at_once(false);
}

#[test]
fn three_handshakes_at_once_by_tickets_in_schedules_drawn_at_random() {
    three_at_once(true);
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
