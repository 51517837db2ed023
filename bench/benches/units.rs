//! The unit costs under it all: what the steps cost of which architectures are made.
//!
//! `cargo bench -p dyno-bench` prints each with its interval, in about 70 seconds; a word behind `--` chooses some of
//! them. The steps that `dyno explain` multiplies with are those of [`unit_costs`]; here they stand beside their
//! alternatives.

use std::hint::black_box;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dyno_analysis::unit::Unit;
use dyno_http::connection::Connection;
use dyno_http::limits::Limits;
use dyno_measure::unit_costs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for unit in Unit::ALL {
        // Some situations need two cores.
        if let Err(error) = unit_costs::cost(unit) {
            eprintln!("{}: {error}", unit.name());
            continue;
        }
        group.bench_function(unit.name(), |bencher| bencher.iter_custom(|rounds| time(unit, rounds)));
    }
    group.finish();
}

fn time(unit: Unit, rounds: u64) -> Duration {
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    // A difference of two times may be none.
    unit_costs::time(unit, rounds)
        .expect("it could be measured before")
        .max(Duration::from_nanos(u64::from(rounds)))
}

/// Forking copies page tables: a large process pays for its size.
fn fork_of_a_large_process(criterion: &mut Criterion) {
    let resident = vec![1u8; 1 << 30];
    criterion.bench_function("fork/1 GiB resident", |bencher| {
        bencher.iter_custom(|rounds| time(Unit::Fork, rounds));
    });
    black_box(resident);
}

/// A switch between two tasks of one thread: the executor takes the next, the kernel knows nothing of it.
fn switch_between_tasks(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    criterion.bench_function("switch between tasks", |bencher| {
        bencher.iter_custom(|rounds| {
            runtime.block_on(async move {
                let turns = move || async move {
                    for _ in 0..rounds.div_ceil(2) {
                        tokio::task::yield_now().await;
                    }
                };
                let began = Instant::now();
                let (one, other) = (tokio::spawn(turns()), tokio::spawn(turns()));
                let _ = (one.await, other.await);
                began.elapsed()
            })
        });
    });
}

/// A message to another thread and back.
fn hand_over(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("there and back");
    group.bench_function("std channel", |bencher| {
        let (to, inbox) = mpsc::channel::<u32>();
        let (back, answers) = mpsc::channel();
        let echo = thread::spawn(move || inbox.iter().try_for_each(|message| back.send(message)));
        bencher.iter(|| {
            to.send(1).expect("the echo listens");
            answers.recv().expect("the echo answers")
        });
        drop(to);
        let _ = echo.join();
    });
    group.bench_function("crossbeam channel", |bencher| {
        let (to, inbox) = crossbeam::channel::unbounded::<u32>();
        let (back, answers) = crossbeam::channel::unbounded();
        let echo = thread::spawn(move || inbox.iter().try_for_each(|message| back.send(message)));
        bencher.iter(|| {
            to.send(1).expect("the echo listens");
            answers.recv().expect("the echo answers")
        });
        drop(to);
        let _ = echo.join();
    });
    group.bench_function("tokio channel", |bencher| {
        // Between two tasks of one thread: a switch of tasks each way, and no switch of the kernel's.
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        bencher.iter_custom(|rounds| {
            runtime.block_on(async move {
                let (to, mut inbox) = tokio::sync::mpsc::unbounded_channel::<u32>();
                let (back, mut answers) = tokio::sync::mpsc::unbounded_channel();
                tokio::spawn(async move {
                    while let Some(message) = inbox.recv().await {
                        let _ = back.send(message);
                    }
                });
                let began = Instant::now();
                for _ in 0..rounds {
                    let _ = to.send(1);
                    black_box(answers.recv().await);
                }
                began.elapsed()
            })
        });
    });
    group.bench_function("rayon", |bencher| {
        let (back, answers) = mpsc::channel();
        bencher.iter(|| {
            let back = back.clone();
            rayon::spawn(move || {
                let _ = back.send(1);
            });
            answers.recv().expect("the pool answers")
        });
    });
    group.finish();
}

/// Asking for one ready descriptor among many that are idle.
fn readiness(criterion: &mut Criterion) {
    // Where the hard limit is lower, the largest number says so.
    let _ = dyno_clients::engine::socket::allow_descriptors(11_000);
    let mut group = criterion.benchmark_group("ready among idle");
    for count in [10usize, 100, 900, 1_000, 10_000] {
        // Copies of one descriptor: each is watched on its own, and ten thousand fit below the usual limit.
        let (quiet, _far) = UnixStream::pair().expect("a pair");
        let idle: Vec<UnixStream> = (0..count).map_while(|_| quiet.try_clone().ok()).collect();
        if idle.len() < count {
            eprintln!("{count} idle descriptors: the limit of open files is too low");
            break;
        }
        // The far end is gone, so this one is ready for ever.
        let ready = UnixStream::pair().expect("a pair").0;
        // Past a thousand there is no select: FD_SETSIZE is 1,024.
        if count <= 900 {
            group.bench_with_input(BenchmarkId::new("select", count), &count, |bencher, _| {
                bencher.iter(|| {
                    let mut set = FdSet::new();
                    idle.iter().for_each(|end| set.insert(end.as_fd()));
                    set.insert(ready.as_fd());
                    select(None, &mut set, None, None, &mut TimeVal::zero())
                });
            });
        }
        let mut polled: Vec<PollFd> =
            idle.iter().chain([&ready]).map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN)).collect();
        group.bench_with_input(BenchmarkId::new("poll", count), &count, |bencher, _| {
            bencher.iter(|| poll(&mut polled, PollTimeout::ZERO));
        });
        let epoll = Epoll::new(EpollCreateFlags::empty()).expect("an epoll");
        for (token, end) in idle.iter().chain([&ready]).enumerate() {
            epoll.add(end, EpollEvent::new(EpollFlags::EPOLLIN, token as u64)).expect("a descriptor added");
        }
        let mut events = [EpollEvent::empty(); 8];
        group.bench_with_input(BenchmarkId::new("epoll", count), &count, |bencher, _| {
            bencher.iter(|| epoll.wait(&mut events, EpollTimeout::ZERO));
        });
    }
    group.finish();
}

/// The head of a request as browsers send it.
fn head(criterion: &mut Criterion) {
    const HEAD: &[u8] = b"GET /index.html HTTP/1.1\r\nHost: example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\
        Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n";
    let mut group = criterion.benchmark_group("parse of a head");
    group.bench_function("httparse", |bencher| {
        bencher.iter(|| {
            let mut fields = [httparse::EMPTY_HEADER; 32];
            let mut request = httparse::Request::new(&mut fields);
            request.parse(black_box(HEAD)).expect("a head")
        });
    });
    // With all that HTTP asks of a server beside the syntax: limits, framing, whether the connection lasts.
    group.bench_function("connection", |bencher| {
        let (limits, now) = (Arc::new(Limits::default()), Instant::now());
        bencher.iter(|| {
            let mut connection = Connection::new(Arc::clone(&limits), now);
            connection.receive(black_box(HEAD), now);
            connection.next_request().is_some()
        });
    });
    group.finish();
}

criterion_group! {
    name = units;
    config = Criterion::default().warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1)).sample_size(20).without_plots();
    targets = steps, fork_of_a_large_process, switch_between_tasks, hand_over, readiness, head
}
criterion_main!(units);
