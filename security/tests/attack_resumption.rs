//! Resumption: a session goes on from one before by a ticket, with fresh keys and the rights of the full handshake. Who
//! has the ticket alone, an old one, an altered one or somebody else's gets nothing by it.

#[path = "support/initiator.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of this")]
mod initiator;
mod support;

use dyno_security::channel::config::{Calendar, Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::{HEADER_OCTETS, MessageKind, Suite};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::limits::{RESUMPTION_TIME, TICKET_KEY_TIME};
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::SigningKey;
use initiator::{Initiator, Ticket, take};
use std::time::{Duration, Instant};
use support::{drain, mutual_with, settle};

const REPLY: u8 = MessageKind::Reply as u8;
const RESUMED: u8 = MessageKind::Resumed as u8;
const TICKET: u8 = MessageKind::Ticket as u8;
const SEED: [u8; 32] = [0x51; 32];

fn friends(suites: &[Suite]) -> (ChannelClient, ChannelServer) {
    let set = |config: &mut Config| config.suites = suites.to_vec();
    mutual_with(
        |client| {
            set(client);
            client.resumes = true;
        },
        set,
    )
}

/// A session to its end of handshake; both ends.
fn meet(client: &ChannelClient, server: &ChannelServer, now: Instant) -> (ChannelSession, ChannelSession) {
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    assert!(left.is_established() && right.is_established());
    assert_eq!(left.is_resumed(), right.is_resumed());
    (left, right)
}

/// Whether a session between the two is a resumed one.
fn resumes(client: &ChannelClient, server: &ChannelServer, now: Instant) -> bool {
    meet(client, server, now).0.is_resumed()
}

#[test]
fn a_session_resumes_with_fresh_keys_and_the_same_peers_under_every_suite() {
    let now = Instant::now();
    for suite in Suite::ALL {
        let (client, server) = friends(&[suite]);
        let (first, first_right) = meet(&client, &server, now);
        assert!(!first.is_resumed());
        let mut transcripts = vec![*first.transcript().unwrap()];
        for round in 0..3 {
            let (mut left, mut right) = meet(&client, &server, now);
            assert!(left.is_resumed(), "{suite:?}, round {round}");
            assert_eq!((left.peer(), right.peer()), (first.peer(), first_right.peer()));
            assert_eq!(left.peer_names(), first.peer_names());
            assert_eq!(right.peer_names(), first_right.peer_names());
            assert_eq!(left.transcript(), right.transcript());
            transcripts.push(*left.transcript().unwrap());
            let mut keys = [[0; 32]; 3];
            for (session, out) in [&left, &right, &first].into_iter().zip(&mut keys) {
                session.export("a label", b"", out).unwrap();
            }
            assert!(keys[0] == keys[1] && keys[0] != keys[2]);
            left.send(b"there").unwrap();
            right.send(b"back").unwrap();
            let (at_left, at_right) = settle(&mut left, &mut right, now).unwrap();
            assert_eq!((&at_left[..], &at_right[..]), (&b"back"[..], &b"there"[..]));
            // The signatures that a resumption does without are made in its first renewal.
            assert!(left.renew(now));
            settle(&mut left, &mut right, now).unwrap();
            left.send(b"under new keys").unwrap();
            assert_eq!(settle(&mut left, &mut right, now).unwrap().1, b"under new keys");
        }
        transcripts.sort_unstable();
        transcripts.dedup();
        assert_eq!(transcripts.len(), 4, "each session is another one");
    }
}

/// The octets that `README.md` tells.
#[test]
fn a_resumption_has_the_length_that_is_told() {
    let now = Instant::now();
    for (suite, lengths) in
        [(Suite::Aes256Gcm, [163, 85, 51]), (Suite::HybridChaCha20Poly1305, [1350, 1173, 51])]
    {
        let (client, server) = friends(&[suite]);
        let (_, _) = meet(&client, &server, now);
        let (mut left, mut right) = (client.session(now), server.session(now));
        let hello = drain(&mut left);
        right.receive(&hello, &mut Vec::new(), now).unwrap();
        let reply = drain(&mut right);
        left.receive(&reply, &mut Vec::new(), now).unwrap();
        let finish = drain(&mut left);
        right.receive(&finish, &mut Vec::new(), now).unwrap();
        assert_eq!([&hello, &reply, &finish].map(Vec::len), lengths);
        assert_eq!(drain(&mut right).len(), 19 + 133, "ready, and another ticket");
    }
}

#[test]
fn a_ticket_is_given_to_who_asks_and_used_once() {
    let now = Instant::now();
    let (client, server) = mutual_with(|_| {}, |_| {});
    let (_, _) = meet(&client, &server, now);
    assert!(!resumes(&client, &server, now), "this client asks for none");
    let (client, server) = friends(&Suite::CLASSICAL);
    let (_, _) = meet(&client, &server, now);
    let (mut one, mut two) = (client.session(now), client.session(now));
    let [mut to_one, mut to_two] = [server.session(now), server.session(now)];
    settle(&mut one, &mut to_one, now).unwrap();
    settle(&mut two, &mut to_two, now).unwrap();
    assert_eq!((one.is_resumed(), two.is_resumed()), (true, false));
    // Both have been given another one.
    assert!(resumes(&client, &server, now) && resumes(&client, &server, now));
}

#[test]
fn a_server_told_to_give_no_ticket_gives_and_takes_none() {
    let now = Instant::now();
    let (client, server) = mutual_with(|client| client.resumes = true, |server| server.gives_tickets = false);
    for _ in 0..3 {
        let (mut left, mut right) = (client.session(now), server.session(now));
        right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
        left.receive(&drain(&mut right), &mut Vec::new(), now).unwrap();
        right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
        let ready = drain(&mut right);
        assert_eq!(ready.len(), 19, "ready, and no ticket");
        left.receive(&ready, &mut Vec::new(), now).unwrap();
        assert!(left.is_established() && !left.is_resumed() && !right.is_resumed());
    }
    // Tickets that it is shown lead to full handshakes: here those of another server with its identity.
    let (key, client_key) = (SigningKey::generate(), SigningKey::generate().0);
    let servers = [true, false].map(|gives_tickets| {
        let identity = Identity::bare(SigningKey::from_pkcs8(&key.1).unwrap());
        let mut config = Config::new(identity, Trust::pinned(*client_key.public()));
        config.gives_tickets = gives_tickets;
        ChannelServer::new(config)
    });
    let mut config = Config::new(Identity::bare(client_key), Trust::pinned(*key.0.public()));
    config.resumes = true;
    let client = ChannelClient::new(config);
    assert!(!resumes(&client, &servers[0], now));
    assert!(!resumes(&client, &servers[1], now), "the ticket of the other one");
    assert!(!resumes(&client, &servers[1], now));
}

#[test]
fn another_servers_ticket_leads_to_a_full_handshake() {
    let now = Instant::now();
    let (key, client_key) = (SigningKey::generate(), SigningKey::generate());
    let copy = |document: &[u8]| Identity::bare(SigningKey::from_pkcs8(document).unwrap());
    // Two servers with one identity, such as a server before and after a restart.
    let servers =
        [0, 1].map(|_| ChannelServer::new(Config::new(copy(&key.1), Trust::pinned(*client_key.0.public()))));
    let mut config = Config::new(copy(&client_key.1), Trust::pinned(*key.0.public()));
    config.resumes = true;
    let client = ChannelClient::new(config);
    assert!(!resumes(&client, &servers[0], now));
    assert!(!resumes(&client, &servers[1], now), "of the other one");
    assert!(resumes(&client, &servers[1], now), "of this one");
}

/// A chain of resumptions ends an hour after the signatures, and so does each ticket, whichever keys are in use.
#[test]
fn nothing_is_resumed_more_than_an_hour_after_the_last_signatures() {
    let start = Instant::now();
    for steps in [1, 2, 4, 7] {
        let (client, server) = friends(&Suite::CLASSICAL);
        let step = RESUMPTION_TIME / steps;
        let (_, _) = meet(&client, &server, start);
        for number in 1..=steps {
            let now = start + step * number;
            assert!(resumes(&client, &server, now), "step {number} of {steps}");
        }
        assert!(!resumes(&client, &server, start + RESUMPTION_TIME + Duration::from_secs(2)));
        assert!(!resumes(&client, &server, start + 100 * TICKET_KEY_TIME), "much later");
    }
}

/// The initiator of this crate does not use a ticket after its time. This one does.
struct Thief {
    ticket: Ticket,
    responder: [u8; 32],
    suite: u8,
}

impl Thief {
    /// An honest session of the initiator from the specification, for a server that takes `SEED`'s key.
    fn meet(server: &ChannelServer, credential: Option<Vec<u8>>, suite: u8, now: Instant) -> Self {
        let mut session = server.session(now);
        let (start, hello) = Initiator::start_with_ticket(&SEED, credential, &[suite], b"");
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        let (kind, body) = take(&mut drain(&mut session));
        assert_eq!(kind, REPLY);
        let responder = *server.public().octets();
        let (_, mut from, finish, _, xm) = start.try_finish(&body, &responder).unwrap();
        session.receive(&finish, &mut Vec::new(), now).unwrap();
        let mut wire = drain(&mut session);
        let (kind, ready) = take(&mut wire);
        from.open(kind, &ready);
        let (kind, body) = take(&mut wire);
        assert_eq!(kind, TICKET);
        let ticket = Ticket::new(&from.open(kind, &body), &xm);
        Thief { ticket, responder, suite }
    }

    /// Tries to resume; the kind of answer, and what becomes of the session.
    fn try_at(
        &self,
        server: &ChannelServer,
        offered: &[u8],
        ticket: &[u8],
        secret: &[u8],
        now: Instant,
    ) -> (u8, Result<ChannelSession, PipeError>) {
        let mut session = server.session(now);
        let (start, hello) = Initiator::start_with_ticket(&SEED, None, offered, ticket);
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        let (kind, body) = take(&mut drain(&mut session));
        let finish = match kind {
            RESUMED => start.resume(&body, secret).2,
            _ => start.finish(&body, &self.responder).2,
        };
        let result = session.receive(&finish, &mut Vec::new(), now);
        (kind, result.map(|()| session))
    }
}

fn server_for_the_seed(suites: &[Suite]) -> ChannelServer {
    let public = *SigningKey::from_seed(&SEED).unwrap().public();
    let mut config = Config::new(Identity::throw_away(), Trust::pinned(public));
    config.suites = suites.to_vec();
    ChannelServer::new(config)
}

#[test]
fn a_stranger_can_write_the_resumption_from_the_specification() {
    let now = Instant::now();
    for suite in 1..=4 {
        let server = server_for_the_seed(&Suite::ALL);
        let thief = Thief::meet(&server, None, suite, now);
        let (kind, result) = thief.try_at(&server, &[suite], &thief.ticket.octets, &thief.ticket.secret, now);
        let session = result.unwrap();
        assert!(kind == RESUMED && session.is_resumed() && session.is_established());
        assert_eq!(session.peer_names(), [SigningKey::from_seed(&SEED).unwrap().public().to_string()]);
    }
}

#[test]
fn a_stolen_ticket_without_its_secret_is_refused() {
    let now = Instant::now();
    let server = server_for_the_seed(&Suite::ALL);
    let thief = Thief::meet(&server, None, 1, now);
    for secret in [[0; 32], [7; 32]] {
        let mut session = server.session(now);
        let (start, hello) = Initiator::start_with_ticket(&[0x66; 32], None, &[1], &thief.ticket.octets);
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        let (kind, body) = take(&mut drain(&mut session));
        assert_eq!(kind, RESUMED);
        // He cannot open the answer, so he says what he would if he could.
        let finish = start.resume_blindly(&body, &secret);
        assert_eq!(session.receive(&finish, &mut Vec::new(), now), Err(PipeError::BadMessage));
        assert!(!session.is_established() && session.pending().is_empty());
        assert!(session.peer_names().is_empty());
    }
}

#[test]
fn an_old_ticket_or_one_that_was_altered_leads_to_no_resumption() {
    let now = Instant::now();
    let server = server_for_the_seed(&Suite::ALL);
    let thief = Thief::meet(&server, None, 1, now);
    let Ticket { octets, secret, .. } = &thief.ticket;
    for bit in 0..8 * octets.len() {
        let mut altered = octets.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        // By its owner it leads to a full handshake.
        if bit % 37 == 0 {
            let (kind, result) = thief.try_at(&server, &[1], &altered, secret, now);
            assert!(kind == REPLY && result.is_ok_and(|session| !session.is_resumed()), "bit {bit}");
        }
        // On the way it leads to nothing: both have seen another message 1.
        let mut session = server.session(now);
        let (start, mut hello) = Initiator::start_with_ticket(&SEED, None, &[1], octets);
        let at = hello.len() - octets.len();
        hello[at..].copy_from_slice(&altered);
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        let (kind, body) = take(&mut drain(&mut session));
        assert!(kind == REPLY && start.try_finish(&body, &thief.responder).is_none(), "bit {bit}");
    }
    let late = now + RESUMPTION_TIME + Duration::from_secs(2);
    let (kind, result) = thief.try_at(&server, &[1], octets, secret, late);
    assert!(kind == REPLY && result.is_ok_and(|session| !session.is_resumed()), "after its time");
}

/// The responder remembers no ticket, so it takes one twice. That gives nothing to who recorded the first time.
#[test]
fn a_recorded_resumption_opens_nothing_and_is_refused() {
    let now = Instant::now();
    let (client, server) = friends(&Suite::CLASSICAL);
    let (_, _) = meet(&client, &server, now);
    let (mut left, mut right) = (client.session(now), server.session(now));
    let hello = drain(&mut left);
    right.receive(&hello, &mut Vec::new(), now).unwrap();
    let reply = drain(&mut right);
    left.send(b"pay").unwrap();
    left.receive(&reply, &mut Vec::new(), now).unwrap();
    let finish = drain(&mut left);
    let mut plain = Vec::new();
    right.receive(&finish, &mut plain, now).unwrap();
    assert_eq!((right.is_resumed(), &plain[..]), (true, &b"pay"[..]), "the control");
    for _ in 0..3 {
        let (mut again, mut plain) = (server.session(now), Vec::new());
        again.receive(&hello, &mut plain, now).unwrap();
        let other = drain(&mut again);
        assert!(other[0] == RESUMED && other != reply, "with another key each time");
        assert_eq!(again.receive(&finish, &mut plain, now), Err(PipeError::BadMessage));
        assert!(plain.is_empty() && again.pending().is_empty());
    }
}

#[test]
fn every_flipped_bit_of_a_resumption_is_refused() {
    let now = Instant::now();
    for which in 1..3 {
        // One octet of each message at a time, each with another bit.
        for octet in 0.. {
            let (client, server) = friends(&Suite::CLASSICAL);
            let (_, _) = meet(&client, &server, now);
            let (mut left, mut right) = (client.session(now), server.session(now));
            right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
            let mut message = drain(&mut right);
            assert_eq!(message[0], RESUMED);
            if which == 2 {
                left.receive(&message, &mut Vec::new(), now).unwrap();
                message = drain(&mut left);
            }
            if octet == message.len() {
                break;
            }
            message[octet] ^= 1 << (octet % 8);
            // A length that has grown waits for more, which never comes.
            let victim = if which == 1 { &mut left } else { &mut right };
            let refused = victim.receive(&message, &mut Vec::new(), now).is_err();
            assert!(refused || (1..HEADER_OCTETS).contains(&octet), "message {which}, octet {octet}");
            assert!(!victim.is_established() && victim.receive_eof().is_err());
        }
    }
}

#[test]
fn nobody_is_talked_down_by_a_ticket() {
    let now = Instant::now();
    // The ticket of a hybrid session counts under its own suite alone.
    let server = server_for_the_seed(&Suite::ALL);
    let thief = Thief::meet(&server, None, 3, now);
    let Ticket { octets, secret, .. } = &thief.ticket;
    for (offered, kind) in [(&[3][..], RESUMED), (&[1, 3], RESUMED), (&[1], REPLY), (&[4], REPLY)] {
        let (got, result) = thief.try_at(&server, offered, octets, secret, now);
        assert!(got == kind && result.is_ok(), "{offered:?}");
    }
    assert_eq!(thief.suite, 3);
    // The answer of a resumption to who has shown no ticket, and a ticket for who wants none.
    let (client, server) = friends(&Suite::CLASSICAL);
    let (mut left, mut right) = (client.session(now), server.session(now));
    right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
    let mut reply = drain(&mut right);
    reply[0] = RESUMED;
    assert_eq!(left.receive(&reply, &mut Vec::new(), now), Err(PipeError::BadMessage));
    let (client, server) = mutual_with(|_| {}, |_| {});
    let (mut left, _right) = meet(&client, &server, now);
    let record = [&[TICKET, 0, 60][..], &[0; 60]].concat();
    assert_eq!(left.receive(&record, &mut Vec::new(), now), Err(PipeError::BadMessage));
}

/// Rights are those of the full handshake, and end with the certificate.
#[test]
fn a_resumption_has_the_names_of_the_certificate_and_ends_with_it() {
    let now = Instant::now();
    let (authority, key) = (SigningKey::generate().0, SigningKey::from_seed(&SEED).unwrap());
    let begin = 1_800_000_000;
    let certified = |until| {
        Credential::certify(&authority, *key.public(), KeyUsage::Connect, "Alice", begin - 10, until).unwrap()
    };
    let server = || {
        let trust = Trust::authority(*authority.public(), None);
        let mut config = Config::new(Identity::throw_away(), trust);
        config.calendar = Calendar::new(now, begin);
        ChannelServer::new(config)
    };
    for valid_s in [100, 10_000] {
        let server = server();
        let credential = certified(begin + valid_s).encode();
        let thief = Thief::meet(&server, Some(credential), 1, now);
        let Ticket { octets, secret, lifetime_s, .. } = &thief.ticket;
        assert_eq!(u64::from(*lifetime_s), valid_s.min(RESUMPTION_TIME.as_secs()));
        let last = now + Duration::from_secs((*lifetime_s).into());
        for (when, good) in [(now, true), (last, true), (last + Duration::from_secs(1), false)] {
            // The full handshake that comes in its place is made with a bare key here, which nobody trusts.
            let (kind, result) = thief.try_at(&server, &[1], octets, secret, when);
            assert_eq!((kind == RESUMED, result.is_ok()), (good, good));
            if let Ok(session) = result {
                assert_eq!(session.peer_names(), ["alice"]);
            }
        }
    }
}
