//! A server that works for minutes, and one client in a hundred is hostile: no process is lost, descriptors, threads
//! and memory stay as they were, and every honest client gets the right answer.
//!
//! The short form runs with the other tests. Under `DYNO_SLOW=1` each server works for three minutes, all of them side
//! by side.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use dyno_tests::limits::{SOAK_GROWTH_BYTES, SOAK_GROWTH_SHORT_BYTES, SOAK_REST, UNDERWAY};
use dyno_tests::noise::Noise;
use dyno_tests::process::wait_until;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::soak::{Held, flat};
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow};
use dyno_tests::wire::{Client, get, get_and_close, get_once};
use libtest_mimic::Trial;

/// Of so many clients one is hostile.
const HOSTILE: usize = 100;

/// Clients at a time, beside those whose heads do not end.
const CLIENTS: u64 = 2;

/// Workers of those that have some: each must have met every kind of client before it is known what it holds.
const WORKERS: &str = "8";

/// Clients of a crowd at most whose heads do not end; those of all crowds are fewer than the workers.
const SLOW_HEADS: usize = 2;

/// Hostile clients of the run-in: some of each kind for each worker.
const RUN_IN: usize = 160;

/// How long a server works: rounds, after each of which it is looked at.
struct Length {
    rounds: u64,
    round: Duration,
    /// By how much its memory may grow.
    growth_bytes: u64,
}

const SHORT: Length =
    Length { rounds: 6, round: Duration::from_millis(400), growth_bytes: SOAK_GROWTH_SHORT_BYTES };
const LONG: Length = Length { rounds: 18, round: Duration::from_secs(10), growth_bytes: SOAK_GROWTH_BYTES };

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    // One for each driver that carries connections: readiness, a crew, processes, tasks, completions.
    let each_driver =
        |row: &Row| ["epoll", "thread-pool", "prefork", "tokio", "io-uring"].contains(&row.architecture.name);
    mount(&mut trials, "soak", "3-seconds", each_driver, |row| soak(row, &SHORT));
    mount_slow(&mut trials, "soak", "3-minutes", each_driver, |row| soak(row, &LONG));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn soak(row: &Row, length: &Length) -> Outcome {
    let mut arguments = row.with_workers(WORKERS);
    arguments.extend(["--head-time-ms", "2000"]);
    let server = Server::start_with(&arguments, None)?;
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    thread::sleep(UNDERWAY);
    let address = server.address;
    let mut looks = vec![Held::by(server.pid)];
    let mut answers = Crowd::new(address, 0).run_in()?;
    looks.push(look(&server, &looks));
    for round in 0..length.rounds {
        let over = Instant::now() + length.round;
        let crowd = |number| Crowd::new(address, 1 + round * CLIENTS + number).work(over);
        answers += thread::scope(|scope| {
            let crowds: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || crowd(number))).collect();
            let worked = crowds.into_iter().map(|crowd| crowd.join().expect("no panic"));
            worked.sum::<Result<u64, String>>()
        })?;
        looks.push(look(&server, &looks));
    }
    let (first, last) = (&looks[1], &looks[looks.len() - 1]);
    println!("{}: {answers} answers; {first:?}, later {last:?}", row.name);
    flat(&looks[1..], length.growth_bytes)?;
    let account = server.stop_well()?.total;
    ensure(account.faults == 0 && account.refused == 0 && account.requests > answers, || {
        format!("{answers} answers; {account:?}")
    })
}

/// What the server holds once it has put away its work.
fn look(server: &Server, looks: &[Held]) -> Held {
    let earlier = &looks[looks.len() - 1];
    // If it does not come to rest, that is what is to be seen.
    wait_until(SOAK_REST, || Held::by(server.pid).is_at_rest_as(earlier));
    Held::by(server.pid)
}

/// Clients that come one after the other.
struct Crowd {
    address: SocketAddr,
    noise: Noise,
    /// What comes back from `/echo`.
    body: String,
    /// Clients whose heads do not end.
    slow: Vec<Client>,
    /// Hostile clients that came; their kinds take turns, from another one on in each round.
    hostile: usize,
    answers: u64,
}

impl Crowd {
    fn new(address: SocketAddr, seed: u64) -> Crowd {
        let body: String = (0..2_000).map(|number| format!("{number:05} ")).collect();
        Crowd { address, noise: Noise::new(seed), body, slow: Vec::new(), hostile: seed as usize, answers: 0 }
    }

    /// Hostile clients of every kind, and as many others.
    ///
    /// # Returns
    /// How many answers honest clients got.
    fn run_in(mut self) -> Result<u64, String> {
        for _ in 0..RUN_IN {
            self.hostile()?;
            self.honest()?;
        }
        Ok(self.answers)
    }

    /// Works until the time is `over`.
    ///
    /// # Returns
    /// How many answers honest clients got.
    fn work(mut self, over: Instant) -> Result<u64, String> {
        // Where the first hostile client comes differs from round to round, or short rounds would have none.
        let mut until_hostile = self.noise.below(HOSTILE);
        while Instant::now() < over {
            if until_hostile == 0 {
                self.hostile()?;
                until_hostile = HOSTILE;
            }
            until_hostile -= 1;
            self.honest().map_err(|error| format!("after {} answers: {error}", self.answers))?;
            for client in &mut self.slow {
                client.push(b"x");
                client.receive(Instant::now());
            }
            self.slow.retain(|client| client.end.is_none());
        }
        Ok(self.answers)
    }

    fn connect(&self) -> Result<Client, String> {
        Client::connect(self.address).map_err(|error| format!("cannot connect: {error}"))
    }

    /// A client with some requests, each of which must be answered rightly.
    fn honest(&mut self) -> Result<(), String> {
        let mut client = self.connect()?;
        for _ in 0..self.noise.below(4) {
            let length = self.noise.below(self.body.len());
            let body = &self.body[..length];
            client.send(format!(
                "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
            let echoed = client.response("POST")?;
            if echoed.status != 200 || echoed.body != body.as_bytes() {
                return Err(format!("{}, an echo of {} octets", echoed.status, echoed.body.len()));
            }
            self.answers += 1;
        }
        let asks_to_close = self.noise.below(2) == 0;
        client.send(if asks_to_close { get_and_close("/") } else { get("/") });
        let answer = client.response("GET")?;
        if answer.status != 200 || answer.text() != "Hello, World!" || answer.says_close() != asks_to_close {
            return Err(format!("{answer:?}"));
        }
        self.answers += 1;
        Ok(())
    }

    /// The kinds in turn.
    fn hostile(&mut self) -> Result<(), String> {
        let mut client = self.connect()?;
        self.hostile += 1;
        match self.hostile % 5 {
            // A body that is cut off.
            0 => {
                let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n";
                client.push(head.as_bytes());
                client.push(&self.body.as_bytes()[..self.noise.below(self.body.len())]);
            }
            // A reset in the middle of an answer.
            1 => {
                client.push(get("/bytes/3000000").as_bytes());
                client.receive(Instant::now() + UNDERWAY);
                client.reset().map_err(|error| format!("cannot reset: {error}"))?;
            }
            // A head that does not end.
            2 if self.slow.len() < SLOW_HEADS => {
                client.push(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
                self.slow.push(client);
            }
            // Many requests, whose answers nobody reads.
            3 => {
                client.push(get("/json").repeat(100).as_bytes());
            }
            // Garbage.
            _ => {
                let count = 1 + self.noise.below(4_096);
                client.push(&self.noise.octets(count));
            }
        }
        Ok(())
    }
}
