//! Criterion's view of the hot paths: `cargo bench -p dyno-security`. Ratios against others: the example `ratios`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::Suite;
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use std::time::Instant;

fn pair(suites: [Suite; 2]) -> (ChannelClient, ChannelServer) {
    let config = |trust| {
        let mut config = Config::new(Identity::throw_away(), trust);
        config.suites = suites.to_vec();
        config
    };
    let server = ChannelServer::new(config(Trust::anyone()));
    let client = ChannelClient::new(config(Trust::pinned(*server.public())));
    (client, server)
}

fn settle(left: &mut ChannelSession, right: &mut ChannelSession, now: Instant) {
    let mut plain = Vec::new();
    while !left.pending().is_empty() || !right.pending().is_empty() {
        right.receive(left.pending(), &mut plain, now).expect("honest");
        left.advance(left.pending().len());
        left.receive(right.pending(), &mut plain, now).expect("honest");
        right.advance(right.pending().len());
    }
}

fn handshake(c: &mut Criterion) {
    for (name, suites) in [("handshake", Suite::CLASSICAL), ("handshake with ML-KEM-768", Suite::HYBRID)] {
        let (client, server) = pair(suites);
        c.bench_function(name, |bencher| {
            bencher.iter(|| {
                let now = Instant::now();
                let (mut left, mut right) = (client.session(now), server.session(now));
                settle(&mut left, &mut right, now);
            });
        });
    }
}

fn records(c: &mut Criterion) {
    let mut group = c.benchmark_group("record there and back");
    for octets in [100, 1024, 16 * 1024] {
        let now = Instant::now();
        let (client, server) = pair(Suite::CLASSICAL);
        let (mut left, mut right) = (client.session(now), server.session(now));
        settle(&mut left, &mut right, now);
        let (message, mut plain) = (vec![1; octets], Vec::new());
        group.throughput(Throughput::Bytes(octets as u64));
        group.bench_function(octets.to_string(), |bencher| {
            bencher.iter_batched_ref(
                || (),
                |()| {
                    left.send(&message).expect("open");
                    right.receive(left.pending(), &mut plain, now).expect("honest");
                    left.advance(left.pending().len());
                    plain.clear();
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, handshake, records);
criterion_main!(benches);
