//! Digests, replay receivers, classical groups, key files, certificates, and that no secret shows in Debug output.

mod support;

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::channel::config::{Calendar, Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::dh::EphemeralKey;
use dyno_security::dh::classical::groups::{STANDARD, TOYS};
use dyno_security::dh::classical::toy::Toy;
use dyno_security::dh::classical::{Group, Invalid, PrivateKey};
use dyno_security::digest;
use dyno_security::envelope::sealed::RecipientKey;
use dyno_security::limits::{FIRST_OCTET_TIME, HANDSHAKE_TIME, REPLAY_TOLERANCE_MS};
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::replay::message::{Receiver, Stale, seal};
use dyno_security::signature::SigningKey;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::settle;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn digests_are_those_of_fips_180() {
    // FIPS 180-4 example "abc".
    assert_eq!(
        hex(&digest::of(digest::Algorithm::Sha256, b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    for algorithm in [digest::Algorithm::Sha256, digest::Algorithm::Sha384, digest::Algorithm::Sha512] {
        let long = vec![b'a'; 100_000];
        let mut pieces = digest::Digest::new(algorithm);
        long.chunks(777).for_each(|piece| {
            pieces.update(piece);
        });
        let whole = digest::of(algorithm, &long);
        assert_eq!(pieces.finish(), whole);
        assert_eq!(digest::of_stream(algorithm, &mut &long[..]).unwrap(), whole);
    }
    assert!(
        digest::equal(b"same", b"same")
            && !digest::equal(b"same", b"some")
            && !digest::equal(b"same", b"sam")
    );
}

fn keys() -> (SealingKey, impl Fn() -> OpeningKey) {
    let sealing = SealingKey::new(Algorithm::Aes256Gcm, &[3; 32], &[0; 12]).unwrap();
    (sealing, || OpeningKey::new(Algorithm::Aes256Gcm, &[3; 32], &[0; 12]).unwrap())
}

#[test]
fn messages_that_stand_alone_are_taken_once_and_only_in_their_time() {
    let (mut sealing, opening) = keys();
    let now = 1_000_000_000;
    let messages: Vec<_> = (0..5).map(|_| seal(&mut sealing, now, b"ctx", b"pay 100").unwrap()).collect();
    let mut receiver = Receiver::new(opening());
    for which in [2, 0, 4, 1, 3] {
        assert_eq!(receiver.open(now, b"ctx", &messages[which]).unwrap(), b"pay 100");
        assert_eq!(receiver.open(now, b"ctx", &messages[which]), Err(Stale::Replayed));
    }
    let late = seal(&mut sealing, now, b"ctx", b"late").unwrap();
    assert_eq!(receiver.open(now + REPLAY_TOLERANCE_MS + 1, b"ctx", &late), Err(Stale::WrongTime));
    assert_eq!(receiver.open(now - REPLAY_TOLERANCE_MS - 1, b"ctx", &late), Err(Stale::WrongTime));
    assert_eq!(receiver.open(now, b"other", &late), Err(Stale::Refused));
    // A forged number far ahead must not move the window.
    let mut forged = late.clone();
    forged[..8].copy_from_slice(&(u64::MAX - 1).to_be_bytes());
    assert_eq!(receiver.open(now, b"ctx", &forged), Err(Stale::Refused));
    let saved = receiver.save();
    assert_eq!(Receiver::restore(opening(), &saved).open(now, b"ctx", &messages[0]), Err(Stale::Replayed));
    assert_eq!(
        Receiver::after_restart(opening(), now + 1).open(now + 1, b"ctx", &messages[0]),
        Err(Stale::WrongTime)
    );
    assert_eq!(receiver.open(now, b"ctx", &late).unwrap(), b"late");
}

/// Whatever the sender's clock says, and whenever the receiver that has forgotten everything starts again and the
/// recording comes: it is not taken twice. Honest messages are taken again when the tolerance of the clocks has passed.
#[test]
fn nothing_is_taken_twice_across_a_restart_whatever_the_clocks_say() {
    let tolerance = i64::try_from(REPLAY_TOLERANCE_MS).unwrap();
    let taken_at = 1_000_000_000_i64;
    let at = |ms: i64| u64::try_from(ms).unwrap();
    for ahead in [-tolerance, -60_000, -1, 0, 1, 60_000, tolerance - 1, tolerance] {
        let (mut sealing, opening) = keys();
        let order = seal(&mut sealing, at(taken_at + ahead), b"", b"pay 100").unwrap();
        let mut before = Receiver::new(opening());
        assert_eq!(before.open(at(taken_at), b"", &order).unwrap(), b"pay 100", "ahead by {ahead} ms");
        for restart in [0, 1, 1_000, 60_000, tolerance, 2 * tolerance, 10 * tolerance] {
            let restarted_at = taken_at + restart;
            for wait in [0, 1, 1_000, 60_000, tolerance, tolerance + 1, 2 * tolerance, 3 * tolerance] {
                let mut after = Receiver::after_restart(opening(), at(restarted_at));
                let again = after.open(at(restarted_at + wait), b"", &order);
                assert!(
                    again.is_err(),
                    "ahead {ahead}, restart after {restart}, sent after {wait}: {again:?}"
                );
            }
            let mut after = Receiver::after_restart(opening(), at(restarted_at));
            let open_again = restarted_at + tolerance + 1 - ahead;
            let fresh = seal(&mut sealing, at(open_again + ahead), b"", b"fresh").unwrap();
            assert_eq!(after.open(at(open_again), b"", &fresh).unwrap(), b"fresh", "ahead by {ahead} ms");
        }
        let mut restored = Receiver::restore(opening(), &before.save());
        assert_eq!(restored.open(at(taken_at), b"", &order), Err(Stale::Replayed));
        let fresh = seal(&mut sealing, at(taken_at + ahead), b"", b"fresh").unwrap();
        assert_eq!(restored.open(at(taken_at), b"", &fresh).unwrap(), b"fresh", "the memory spares the wait");
    }
}

#[test]
fn standard_groups_agree_and_refuse_bad_values() {
    for parameters in STANDARD.into_iter().filter(|p| p.prime.len() == 512) {
        let group = Group::named(parameters);
        let (a, b) = (PrivateKey::generate(&group), PrivateKey::generate(&group));
        assert_eq!(a.agree(b.public()).unwrap(), b.agree(a.public()).unwrap(), "{}", parameters.name);
        assert_eq!(a.public().len(), group.octets());
        let mut top = vec![0xff; group.octets()];
        for bad in [&[][..], &[0], &[1], &top.clone()] {
            assert_eq!(a.agree(bad), Err(Invalid::OutOfRange));
        }
        // p - 1 is of order 2; a non-square is outside the subgroup.
        let prime: Vec<u8> = (0..parameters.prime.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&parameters.prime[i..i + 2], 16).unwrap())
            .collect();
        top.copy_from_slice(&prime);
        *top.last_mut().unwrap() -= 1;
        assert_eq!(a.agree(&top), Err(Invalid::OutOfRange));
        *top.last_mut().unwrap() -= 1;
        assert_eq!(
            a.agree(&top),
            Err(Invalid::NotInSubgroup),
            "-2 is no square modulo a prime that is 7 modulo 8"
        );
    }
    assert!(Group::new(&[22], &[11], &[2]).is_err() && Group::new(&[23], &[11], &[5]).is_err());
    assert!(Group::new(&[23], &[11], &[2]).is_ok());
}

#[test]
fn toy_groups_fall_to_both_attacks() {
    let textbook = Toy::TEXTBOOK;
    assert_eq!((textbook.power(5, 6), textbook.power(5, 15)), (8, 19));
    assert_eq!((textbook.power(19, 6), textbook.power(8, 15)), (2, 2));
    for &(bits, prime) in TOYS.iter().filter(|(bits, _)| *bits <= 32) {
        let toy = Toy { prime, generator: 4 };
        let exponent = prime / 2 - prime / 7;
        let public = toy.power(4, exponent);
        let root = prime.isqrt() + 1;
        let broken = toy.baby_step_giant_step(public, root).unwrap();
        assert_eq!(toy.power(4, broken.exponent), public, "{bits} bits");
        if bits <= 20 {
            assert_eq!(toy.brute_force(public, prime).unwrap().exponent, broken.exponent);
        }
    }
}

#[test]
fn certificates_bind_name_role_and_time() {
    let [authority, other, client_key, server_key] = std::array::from_fn(|_| SigningKey::generate());
    type Generated = (SigningKey, zeroize::Zeroizing<Vec<u8>>);
    let copy = |(_, document): &Generated| SigningKey::from_pkcs8(document).unwrap();
    let now = Instant::now();
    let calendar = Calendar::new(now, 1000);
    let certify = |by: &Generated, usage, name: &str, from, until| {
        Credential::certify(&by.0, *server_key.0.public(), usage, name, from, until).unwrap()
    };
    let cases = [
        (certify(&authority, KeyUsage::Serve, "server", 900, 1100), None),
        (certify(&authority, KeyUsage::Serve, "server", 900, 999), Some(PipeError::Expired)),
        (certify(&authority, KeyUsage::Serve, "server", 1001, 1100), Some(PipeError::Expired)),
        (certify(&authority, KeyUsage::Serve, "elsewhere", 900, 1100), Some(PipeError::WrongName)),
        (certify(&authority, KeyUsage::Connect, "server", 900, 1100), Some(PipeError::WrongName)),
        (certify(&other, KeyUsage::Serve, "server", 900, 1100), Some(PipeError::UnknownKey)),
        (Credential::bare(*server_key.0.public()), Some(PipeError::UnknownKey)),
    ];
    for (credential, refused) in cases {
        let trust = Trust::authority(*authority.0.public(), Some(&"server".into()));
        let mut client_config = Config::new(Identity::bare(copy(&client_key)), trust);
        client_config.calendar = calendar;
        let server =
            ChannelServer::new(Config::new(Identity { key: copy(&server_key), credential }, Trust::anyone()));
        let (mut left, mut right) = (ChannelClient::new(client_config).session(now), server.session(now));
        let result = settle(&mut left, &mut right, now);
        match refused {
            None => assert!(result.is_ok() && left.is_established()),
            Some(error) => assert_eq!(result, Err(error)),
        }
    }
}

#[test]
fn certificates_expire_while_a_server_runs() {
    let [authority, client_key] = std::array::from_fn(|_| SigningKey::generate());
    let credential =
        Credential::certify(&authority.0, *client_key.0.public(), KeyUsage::Connect, "client", 0, 1100)
            .unwrap();
    let now = Instant::now();
    let trust = Trust::authority(*authority.0.public(), None);
    let mut config = Config::new(Identity::throw_away(), trust);
    config.calendar = Calendar::new(now, 1000);
    let server = ChannelServer::new(config);
    let client = ChannelClient::new(Config::new(
        Identity { key: client_key.0, credential },
        Trust::pinned(*server.public()),
    ));
    let meet = |after_s| {
        let now = now + Duration::from_secs(after_s);
        settle(&mut client.session(now), &mut server.session(now), now).map(|_| ())
    };
    assert!(meet(0).is_ok() && meet(100).is_ok());
    assert_eq!(meet(101), Err(PipeError::Expired));
}

/// Instants stand still while a machine is suspended; certificates expire all the same.
#[test]
fn certificates_expire_while_a_machine_sleeps() {
    static ASLEEP_S: AtomicU64 = AtomicU64::new(500);
    let now = Instant::now();
    let calendar =
        Calendar::with_suspension(now, 1000, || Duration::from_secs(ASLEEP_S.load(Ordering::Relaxed)));
    assert_eq!(calendar.unix_s(now), 1000, "what was slept before is in the reading of the clock");
    ASLEEP_S.fetch_add(101, Ordering::Relaxed);
    assert_eq!(calendar.unix_s(now + Duration::from_secs(7)), 1108);
    // The system's own calendar tells the time of day.
    let config = Config::new(Identity::throw_away(), Trust::anyone());
    let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(config.calendar.unix_s(Instant::now()).abs_diff(unix_s) <= 1);
}

#[test]
fn a_handshake_has_its_time_and_its_first_octet_a_shorter_one() {
    let (client, server) = support::mutual();
    let now = Instant::now();
    let after = |session: &ChannelSession| session.deadline().unwrap() - now;
    let mut silent = server.session(now);
    assert_eq!(after(&silent), FIRST_OCTET_TIME);
    assert_eq!(silent.handle_deadline(now + FIRST_OCTET_TIME), Err(PipeError::TooSlow));
    let hello = support::drain(&mut client.session(now));
    for octets in [&hello[..1], &hello[..]] {
        let mut session = server.session(now);
        session.receive(octets, &mut Vec::new(), now + FIRST_OCTET_TIME / 2).unwrap();
        assert_eq!(after(&session), HANDSHAKE_TIME, "the time of the whole handshake counts from its start");
        assert_eq!(session.handle_deadline(now + HANDSHAKE_TIME), Err(PipeError::TooSlow));
    }
}

#[test]
fn debug_output_shows_no_secret() {
    let seed = [0xab; 32];
    let marks = ["171, 171", "abab", "ab, ab"];
    let sealing = SealingKey::new(Algorithm::Aes256Gcm, &seed, &[0xab; 12]).unwrap();
    let opening = OpeningKey::new(Algorithm::Aes256Gcm, &seed, &[0xab; 12]).unwrap();
    let signing = SigningKey::from_seed(&seed).unwrap();
    let recipient = RecipientKey::parse(&seed).unwrap();
    let ephemeral = EphemeralKey::generate().unwrap();
    let identity = Identity::bare(SigningKey::from_seed(&seed).unwrap());
    let config = Config::new(Identity::bare(SigningKey::from_seed(&seed).unwrap()), Trust::anyone());
    let prk = dyno_security::kdf::extract(&[], &seed);
    let now = Instant::now();
    let session = ChannelClient::new(Config::new(Identity::throw_away(), Trust::anyone())).session(now);
    let group = Group::named(STANDARD[0]);
    let classical = PrivateKey::from_exponent(&group, &seed).unwrap();
    let shown = format!(
        "{sealing:?} {opening:?} {signing:?} {recipient:?} {ephemeral:?} {identity:?} {config:?} {prk:?} {session:?} {classical:?}"
    );
    marks.iter().for_each(|mark| assert!(!shown.contains(mark), "{shown}"));
}
