//! Attacks by somebody who takes part in the key exchange, so that the AEAD is no obstacle: what refuses them is the
//! trust, the signature, or the MAC. Each lie differs from an honest flight in one thing, and the honest flight is
//! accepted.

mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::{Suite, suite_field};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::{Context, SigningKey};
use std::time::Instant;
use support::forger::{Exchange, Flight, Role, Suites, bare, covered, deceive, deceive_about};

/// Mallory is known to the victim under her own name, and so is the friend; the authority would certify any key for
/// her, without asking whether she holds it.
struct Cast {
    friend: SigningKey,
    mallory: SigningKey,
    stranger: SigningKey,
    victim: SigningKey,
    authority: SigningKey,
    role: Role,
}

impl Cast {
    fn new(role: Role) -> Self {
        let [friend, mallory, stranger, victim, authority] =
            [1, 2, 3, 4, 5].map(|seed| SigningKey::from_seed(&[seed; 32]).unwrap());
        Cast { friend, mallory, stranger, victim, authority, role }
    }

    fn victim(&self, now: Instant) -> ChannelSession {
        self.victim_with(&Suite::CLASSICAL, now)
    }

    fn victim_with(&self, suites: &[Suite], now: Instant) -> ChannelSession {
        let trust = Trust {
            keys: vec![*self.friend.public(), *self.mallory.public()],
            authorities: vec![*self.authority.public()],
            ..Trust::default()
        };
        // Keys are made from seeds, so a copy is another one from the same seed.
        let mut config = Config::new(Identity::bare(SigningKey::from_seed(&[4; 32]).unwrap()), trust);
        config.suites = suites.to_vec();
        match self.role {
            Role::Responder => ChannelClient::new(config).session(now),
            Role::Initiator => ChannelServer::new(config).session(now),
        }
    }

    /// `key` under Mallory's name, by the authority.
    fn certified(&self, key: &SigningKey) -> Vec<u8> {
        let usage = if self.role == Role::Responder { KeyUsage::Serve } else { KeyUsage::Connect };
        let (from, until) = (0, u64::MAX);
        Credential::certify(&self.authority, *key.public(), usage, "mallory", from, until).unwrap().encode()
    }
}

type Lie = (&'static str, fn(&Cast, &Exchange) -> Vec<u8>);

/// What is accepted: without it, no refusal below would mean anything.
const TRUTHS: [Lie; 2] = [
    ("Mallory under her own key", |c, x| x.seal(&x.honest(bare(&c.mallory), &c.mallory))),
    ("Mallory with a certificate", |c, x| x.seal(&x.honest(c.certified(&c.mallory), &c.mallory))),
];

const LIES: [Lie; 19] = [
    // Whose signature.
    ("the friend's identity, Mallory's signature", |c, x| x.seal(&x.honest(bare(&c.friend), &c.mallory))),
    ("key-compromise impersonation: signed with the victim's stolen key", |c, x| {
        x.seal(&x.honest(bare(&c.friend), &c.victim))
    }),
    ("no signature", |c, x| x.seal(&Flight { signature: [0; 64], ..x.honest(bare(&c.friend), &c.mallory) })),
    // Over what: the friend's genuine signature, made for something else.
    ("replay: the friend's signature from another session", |c, x| {
        forwarded(c, x, &covered(x.labels[0], &[7; 32], &bare(&c.friend)))
    }),
    ("reflection: the friend's signature in the other role", |c, x| {
        forwarded(c, x, &covered(x.labels[1], &x.transcript, &bare(&c.friend)))
    }),
    ("cross-protocol: the friend's signature without a label", |c, x| {
        forwarded(c, x, &covered(Context(""), &x.transcript, &bare(&c.friend))[1..])
    }),
    ("cross-protocol: the friend's signature in an envelope", |c, x| {
        forwarded(c, x, &covered(Context("dyno envelope v1 signed"), &x.transcript, &bare(&c.friend)))
    }),
    ("cross-protocol: the friend's signature on a certificate", |c, x| {
        forwarded(c, x, &covered(Context("dyno channel v1 certificate"), &x.transcript, &bare(&c.friend)))
    }),
    // Unknown key share: the friend's key and signature under Mallory's name.
    ("misbinding: the friend's signature, with a certificate that calls the key Mallory's", |c, x| {
        let genuine = x.honest(bare(&c.friend), &c.friend);
        let shown = x.honest(c.certified(&c.friend), &c.friend);
        x.seal(&Flight { signature: genuine.signature, ..shown })
    }),
    // The MAC.
    ("misbinding: a MAC over another identity", |c, x| {
        let other = x.honest(bare(&c.friend), &c.friend);
        x.seal(&Flight { mac: other.mac, ..x.honest(bare(&c.mallory), &c.mallory) })
    }),
    ("a MAC under the key of a flight", |c, x| {
        let honest = x.honest(bare(&c.mallory), &c.mallory);
        x.seal(&Flight { mac: Exchange::mac(&x.keys[0], &x.covered(&honest.id)), ..honest })
    }),
    ("a MAC of the other role", |c, x| {
        let honest = x.honest(bare(&c.mallory), &c.mallory);
        let other = covered(x.labels[1], &x.transcript, &honest.id);
        x.seal(&Flight { mac: Exchange::mac(&x.mac_key, &other), ..honest })
    }),
    ("a MAC of another session", |c, x| {
        let honest = x.honest(bare(&c.mallory), &c.mallory);
        let other = covered(x.labels[0], &[7; 32], &honest.id);
        x.seal(&Flight { mac: Exchange::mac(&x.mac_key, &other), ..honest })
    }),
    ("no MAC", |c, x| x.seal(&Flight { mac: vec![0; 32], ..x.honest(bare(&c.mallory), &c.mallory) })),
    ("a MAC cut short", |c, x| {
        let mut honest = x.honest(bare(&c.mallory), &c.mallory);
        honest.mac.pop();
        x.seal(&honest)
    }),
    // The form, and the seal.
    ("an identity with an octet more, signed", |c, x| {
        x.seal(&x.honest([bare(&c.mallory), vec![0]].concat(), &c.mallory))
    }),
    ("reflection: sealed under the key of the other direction", |c, x| {
        Exchange::seal_under(&x.keys[1], &x.transcript, &octets(&x.honest(bare(&c.mallory), &c.mallory)))
    }),
    ("sealed without the transcript", |c, x| {
        Exchange::seal_under(&x.keys[0], b"", &octets(&x.honest(bare(&c.mallory), &c.mallory)))
    }),
    ("nothing sealed", |_, x| Exchange::seal_under(&x.keys[0], &x.transcript, b"")),
];

/// The friend's identity and a signature that the friend has made over `said`; the rest is as it should be.
fn forwarded(c: &Cast, x: &Exchange, said: &[u8]) -> Vec<u8> {
    let signature = c.friend.sign_bare(said);
    x.seal(&Flight { signature, ..x.honest(bare(&c.friend), &c.mallory) })
}

fn octets(flight: &Flight) -> Vec<u8> {
    [&flight.id, &flight.signature[..], &flight.mac].concat()
}

fn tell(cast: &Cast, lie: fn(&Cast, &Exchange) -> Vec<u8>) -> (ChannelSession, Result<(), PipeError>) {
    let now = Instant::now();
    let mut victim = cast.victim(now);
    let result = deceive(&mut victim, cast.role, now, |exchange| lie(cast, exchange));
    (victim, result)
}

#[test]
fn the_truth_is_accepted() {
    for cast in [Role::Responder, Role::Initiator].map(Cast::new) {
        for (name, truth) in TRUTHS {
            let (victim, result) = tell(&cast, truth);
            assert_eq!(result, Ok(()), "{name} as {:?}", cast.role);
            assert_eq!(victim.peer().map(|peer| peer.key), Some(*cast.mallory.public()), "{name}");
        }
    }
}

#[test]
fn every_lie_is_refused_with_the_one_text() {
    for cast in [Role::Responder, Role::Initiator].map(Cast::new) {
        for (name, lie) in LIES {
            let (mut victim, result) = tell(&cast, lie);
            assert_eq!(result, Err(PipeError::BadMessage), "{name} as {:?}", cast.role);
            assert!(victim.peer().is_none() && !victim.is_established(), "{name}");
            assert!(victim.pending().is_empty() && victim.send(b"x").is_err(), "{name}: dead and silent");
        }
    }
}

#[test]
fn both_must_have_seen_the_same_suites() {
    let now = Instant::now();
    let honest = |c: &Cast, x: &Exchange| x.seal(&x.honest(bare(&c.mallory), &c.mallory));
    let downgrades: [(&str, Suites); 3] = [
        ("another offer", |_, chosen| suite_field(&[9], chosen)),
        ("another choice", |offered, _| suite_field(offered, Suite::ChaCha20Poly1305)),
        ("another version", |offered, chosen| {
            let mut field = suite_field(offered, chosen);
            field[12] += 1;
            field
        }),
    ];
    for cast in [Role::Responder, Role::Initiator].map(Cast::new) {
        for (name, suites) in downgrades {
            let mut victim = cast.victim(now);
            let result = deceive_about(suites, &mut victim, cast.role, now, |x| honest(&cast, x));
            assert_eq!(result, Err(PipeError::BadMessage), "{name} as {:?}", cast.role);
        }
    }
    // The forger's choice is AES, whatever was offered.
    let cast = Cast::new(Role::Responder);
    let mut victim = cast.victim_with(&[Suite::ChaCha20Poly1305], now);
    assert_eq!(
        deceive(&mut victim, cast.role, now, |x| honest(&cast, x)),
        Err(PipeError::BadMessage),
        "not offered"
    );
}

#[test]
fn a_stranger_who_does_everything_right_is_refused() {
    for cast in [Role::Responder, Role::Initiator].map(Cast::new) {
        let (mut victim, result) = tell(&cast, |c, x| x.seal(&x.honest(bare(&c.stranger), &c.stranger)));
        assert_eq!(result, Err(PipeError::UnknownKey), "as {:?}", cast.role);
        assert!(victim.pending().is_empty() && victim.send(b"x").is_err());
    }
}
