//! The contestants: what each does in one step, and how much work that is.

use dyno_security::aead::{Algorithm, SealingKey, TAG_OCTETS};
use dyno_security::channel;
use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::message::{HEADER_OCTETS, MessageKind, Suite};
use dyno_security::channel::record::RecordSealer;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::{Acceptor, Connector, Pipe};
use dyno_security::signature::SigningKey;
use dyno_security::tls;
use dyno_security::tls::certificate::ThrowAwayAuthority;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

use crate::rustls_alone;

/// One contestant.
pub(crate) struct Contestant {
    pub name: &'static str,
    /// Does one step; gives the amount of work done.
    pub work: Box<dyn FnMut() -> f64>,
}

fn contestant(name: &'static str, work: impl FnMut() -> f64 + 'static) -> Contestant {
    Contestant { name, work: Box::new(work) }
}

pub(crate) const RECORD: usize = 16 * 1024;
/// Addresses that are the same modulo this are taken for the same by the processor's store buffer.
const PAGE: usize = 4096;
pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// Sealing records, against bare ring.
pub(crate) fn sealing() -> Vec<Contestant> {
    let plain = vec![7u8; RECORD];
    let steps = 64;
    let mib = (steps * RECORD) as f64 / MIB;
    let sealer = || RecordSealer::new(Suite::Aes256Gcm, [1; 32].into(), [2; 32]);
    let (mut first, mut record) = (sealer(), vec![7u8; HEADER_OCTETS + RECORD + TAG_OCTETS]);
    let in_its_place = contestant("channel record in its place", move || {
        for _ in 0..steps {
            if first.records() > 1 << 21 {
                first.rekey(&mut Vec::new());
            }
            first.seal_in_place(MessageKind::Data, black_box(&mut record));
        }
        mib
    });
    let (mut second, source, mut wire) = (sealer(), plain.clone(), Vec::new());
    let channel = contestant("channel record of a copy", move || {
        for _ in 0..steps {
            wire.clear();
            if second.records() > 1 << 21 {
                second.rekey(&mut wire);
            }
            second.seal(MessageKind::Data, black_box(&source), &mut wire);
            black_box(&wire);
        }
        mib
    });
    let mut key = SealingKey::new(Algorithm::Aes256Gcm, &[1; 32], &[0; 12]).unwrap();
    let mut data = plain.clone();
    let wrapper = contestant("aead::SealingKey in place", move || {
        for _ in 0..steps {
            black_box(key.seal_in_place(&[0; 35], black_box(&mut data)).unwrap());
        }
        mib
    });
    // ring seals in place only, so whoever keeps the plaintext pays for a copy.
    let ring = |name, copies: bool| {
        let bare = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).unwrap());
        let (source, mut room, mut number) = (plain.clone(), vec![7u8; RECORD + PAGE], 0u64);
        // Two vectors of one size come to lie 16 octets apart modulo a page. There a copy takes forty times as long on
        // some processors, and the contestant would be slowed down by its neighbour: half a page apart it is not.
        let apart = (source.as_ptr() as usize + PAGE / 2).wrapping_sub(room.as_ptr() as usize) % PAGE;
        contestant(name, move || {
            let data = &mut room[apart..apart + RECORD];
            for _ in 0..steps {
                number += 1;
                let mut nonce = [0; 12];
                nonce[4..].copy_from_slice(&number.to_be_bytes());
                let nonce = Nonce::assume_unique_for_key(nonce);
                if copies {
                    data.copy_from_slice(black_box(&source));
                }
                let tag = bare.seal_in_place_separate_tag(nonce, Aad::from(&[0; 35]), black_box(&mut *data));
                black_box(tag.unwrap().as_ref());
            }
            mib
        })
    };
    let (in_place, copied) = (ring("bare ring in place", false), ring("bare ring with the same copy", true));
    vec![in_its_place, wrapper, in_place, channel, copied]
}

/// Moves octets both ways until both are silent.
fn settle(left: &mut dyn Pipe, right: &mut dyn Pipe, now: Instant) {
    let mut plain = Vec::new();
    while !left.pending().is_empty() || !right.pending().is_empty() {
        right.receive(left.pending(), &mut plain, now).unwrap();
        left.advance(left.pending().len());
        left.receive(right.pending(), &mut plain, now).unwrap();
        right.advance(right.pending().len());
    }
    assert!(left.is_established() && right.is_established());
}

struct Pair(Box<dyn Connector>, Box<dyn Acceptor>);

fn channel_pair(suites: [Suite; 2]) -> Pair {
    let (client, server) = (SigningKey::generate().0, SigningKey::generate().0);
    let (to_client, to_server) = (Trust::pinned(*client.public()), Trust::pinned(*server.public()));
    let config = |key, trust| {
        let mut config = Config::new(Identity::bare(key), trust);
        config.suites = suites.to_vec();
        config
    };
    let server = channel::endpoint::ChannelServer::new(config(server, to_client));
    Pair(Box::new(channel::endpoint::ChannelClient::new(config(client, to_server))), Box::new(server))
}

fn tls_pair(mutual: bool) -> Pair {
    let authority = ThrowAwayAuthority::generate().unwrap();
    let roots = [authority.certificate()];
    let own = mutual.then(|| authority.issue(&["client"]).unwrap());
    let server =
        tls::endpoint::TlsServer::new(authority.issue(&["localhost"]).unwrap(), mutual.then_some(&roots[..]))
            .unwrap();
    Pair(Box::new(tls::endpoint::TlsClient::new(&roots, "localhost", own).unwrap()), Box::new(server))
}

/// Full handshakes, client and server taking turns on one core.
pub(crate) fn handshakes() -> Vec<Contestant> {
    let of = |name, Pair(connector, acceptor): Pair| {
        contestant(name, move || {
            let now = Instant::now();
            let (mut left, mut right) = (connector.connect(now), acceptor.accept(now));
            settle(&mut *left, &mut *right, now);
            1.0
        })
    };
    let params: snow::params::NoiseParams = "Noise_XX_25519_AESGCM_SHA256".parse().unwrap();
    let keys = [0; 2].map(|_: i32| snow::Builder::new(params.clone()).generate_keypair().unwrap());
    let noise = contestant("Noise XX by snow, with ring", move || {
        let builder = |which: usize| {
            snow::Builder::new(params.clone()).local_private_key(&keys[which].private).unwrap()
        };
        let (mut left, mut right) =
            (builder(0).build_initiator().unwrap(), builder(1).build_responder().unwrap());
        let (mut wire, mut plain) = ([0; 1024], [0; 1024]);
        for turn in 0..3 {
            let (from, to) = if turn % 2 == 0 { (&mut left, &mut right) } else { (&mut right, &mut left) };
            let count = from.write_message(&[], &mut wire).unwrap();
            to.read_message(&wire[..count], &mut plain).unwrap();
        }
        black_box((left.into_transport_mode().unwrap(), right.into_transport_mode().unwrap()));
        1.0
    });
    vec![
        of("channel, mutual, pinned keys", channel_pair(Suite::CLASSICAL)),
        of("channel, the same with ML-KEM-768", channel_pair(Suite::HYBRID)),
        of("TLS 1.3, mutual, Ed25519", tls_pair(true)),
        of("TLS 1.3, server only, Ed25519", tls_pair(false)),
        noise,
    ]
}

/// Bulk data over loopback TCP: this thread sends, another one receives, until the sender hangs up.
pub(crate) fn throughput() -> Vec<Contestant> {
    let of = |name, Pair(connector, acceptor): Pair| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        // Or the last octets of a round wait for a delayed acknowledgement, and the clock measures that.
        stream.set_nodelay(true).unwrap();
        peer.set_nodelay(true).unwrap();
        let now = Instant::now();
        let (mut left, mut right) = (connector.connect(now), acceptor.accept(now));
        settle(&mut *left, &mut *right, now);
        std::thread::spawn(move || {
            let mut counted = 0;
            loop {
                let count = peer.read(right.room(READ)).unwrap();
                if count == 0 {
                    return;
                }
                right.received(count, now).unwrap();
                // One octet back for each 4 MiB that were opened: the sender's work is done when it was received.
                let before = counted / ROUND;
                counted += black_box(right.plain()).len();
                right.take_plain(right.plain().len());
                if counted / ROUND > before {
                    peer.write_all(&[1]).unwrap();
                }
            }
        });
        let plain = vec![7u8; RECORD * RECORDS_A_WRITE];
        contestant(name, move || {
            for _ in 0..ROUND / plain.len() {
                left.send(&plain).unwrap();
                while !left.pending().is_empty() {
                    let count = stream.write(left.pending()).unwrap();
                    left.advance(count);
                }
            }
            stream.read_exact(&mut [0]).unwrap();
            ROUND as f64 / MIB
        })
    };
    vec![
        of("channel", channel_pair(Suite::CLASSICAL)),
        of("TLS 1.3 (rustls behind a Pipe)", tls_pair(true)),
        contestant("TLS 1.3 (rustls alone)", rustls_alone::sender()),
    ]
}

pub(crate) const ROUND: usize = 4 * 1024 * 1024;
/// Octets that a receiver asks the socket for.
pub(crate) const READ: usize = 64 * 1024;
/// Records that are sealed before the socket is written: what fits into the buffer that rustls keeps by default.
pub(crate) const RECORDS_A_WRITE: usize = 4;
