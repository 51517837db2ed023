//! What the core costs above bare parsing: a typical GET taken and answered on a warm connection, beside `httparse`
//! alone.
//!
//! `cargo bench -p dyno-http`. The ratio at the end is taken over interleaved rounds, so that a noisy machine moves
//! both alike.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dyno_http::connection::Connection;
use dyno_http::date::HttpDate;
use dyno_http::limits::Limits;
use dyno_http::response::Response;
use dyno_http::status::Status;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SMALL: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const BROWSER: &[u8] = b"GET /index.html?session=1a2b3c HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux \
x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\nCookie: a=0123456789; \
b=abcdefghijklmnopqrstuvwxyz; c=ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\n\
Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n\r\n";

/// Rounds of the comparison at the end; each runs both sides for some milliseconds.
const ROUNDS: usize = 31;
const CALLS_PER_ROUND: u32 = 20_000;

fn serve(connection: &mut Connection, request: &[u8], date: &HttpDate, now: Instant) {
    connection.spare()[..request.len()].copy_from_slice(request);
    connection.received(request.len(), now);
    while let Some(request) = connection.next_request() {
        let found = black_box(request.target().path).len();
        let response =
            if found > 0 { Response::text(Status::OK, "Hello, world!") } else { unreachable!("a path") };
        connection.respond(response, date, now);
    }
    let count = black_box(connection.pending()).len();
    connection.advance(count, now);
}

fn parse(request: &[u8]) -> usize {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(black_box(request)) {
        Ok(httparse::Status::Complete(len)) => len + black_box(&parsed).headers.len(),
        other => panic!("the request is complete: {other:?}"),
    }
}

#[allow(clippy::disallowed_methods, reason = "a bench measures time")]
fn time(mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..CALLS_PER_ROUND {
        work();
    }
    start.elapsed() / CALLS_PER_ROUND
}

fn bench(criterion: &mut Criterion) {
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant can be made in no other way; its value does not matter"
    )]
    let now = Instant::now();
    let date = HttpDate::from_unix_seconds(784_111_777);
    for (name, request) in [("small", SMALL), ("browser", BROWSER)] {
        let mut connection = Connection::new(Arc::new(Limits::default()), now);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(request.len() as u64));
        group.bench_function("parse, respond, drain", |b| {
            b.iter(|| serve(&mut connection, request, &date, now));
        });
        group.bench_function("httparse alone", |b| b.iter(|| parse(request)));
        group.finish();

        let mut ratios: Vec<(f64, Duration, Duration)> = (0..ROUNDS)
            .map(|_| {
                let core = time(|| serve(&mut connection, request, &date, now));
                let bare = time(|| _ = black_box(parse(request)));
                (core.as_secs_f64() / bare.as_secs_f64(), core, bare)
            })
            .collect();
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ratio, core, bare) = ratios[ROUNDS / 2];
        println!(
            "{name}: {} octets, core {core:?}, httparse {bare:?}, ratio {ratio:.2} (median of {ROUNDS})",
            request.len()
        );
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
