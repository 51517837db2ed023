//! The same call to several servers: by one thread after the other, and by a thread for each.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use dyno_clients::exchange::exchange;
use dyno_clients::plan::Carrier;
use dyno_clients::plan::address::ServerAddress;
use dyno_units::paint::Paint;
use dyno_units::show;
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::limits::CALL_ROUNDS;
use crate::load::write::put;
use crate::print::PAINT;

/// What is called.
pub(crate) struct Calls<'a> {
    /// As the user wrote it.
    pub(crate) url: &'a str,
    /// The addresses of each server; the first that takes a connection is called.
    pub(crate) servers: &'a [Vec<ServerAddress>],
    /// What lies under HTTP.
    pub(crate) transport: &'a Carrier,
    /// The request.
    pub(crate) wire: &'a [u8],
    /// How long a call may take, ns.
    pub(crate) timeout_ns: u64,
}

/// Calls to so many servers.
struct CallRow {
    servers: usize,
    /// The shortest time by one thread, ns.
    one_ns: u64,
    /// The shortest time by a thread for each, ns.
    each_ns: u64,
}

impl CallRow {
    fn speed_up(&self) -> f64 {
        self.one_ns as f64 / self.each_ns.max(1) as f64
    }
}

impl Calls<'_> {
    /// One call, to the first address of a server that answers; `Err`: what each said.
    fn one(&self, addresses: &[ServerAddress]) -> Result<(), String> {
        let mut said = Vec::new();
        for address in addresses {
            match exchange(address, self.transport, self.wire, false, self.timeout_ns) {
                Ok(answer) if (200..400).contains(&answer.status) => return Ok(()),
                Ok(answer) => said.push(format!("{address}: status {}", answer.status)),
                Err(error) => said.push(format!("{address}: {error}")),
            }
        }
        Err(said.join("; "))
    }

    /// One thread calls these servers one after the other.
    fn in_turn(&self, servers: &[Vec<ServerAddress>]) -> Result<u64, String> {
        let begun = Instant::now();
        servers.iter().try_for_each(|addresses| self.one(addresses))?;
        Ok(begun.elapsed().as_nanos() as u64)
    }

    /// A thread for each calls them at once.
    fn at_once(&self, servers: &[Vec<ServerAddress>]) -> Result<u64, String> {
        let begun = Instant::now();
        let ended: Result<Vec<()>, String> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                servers.iter().map(|addresses| scope.spawn(move || self.one(addresses))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread has failed".into())))
                .collect()
        });
        ended.map(|_| begun.elapsed().as_nanos() as u64)
    }

    /// Calls the first server, the first two, and so on, both ways, and shows the speed-up against their number.
    ///
    /// # Errors
    /// A server that does not answer.
    pub(crate) fn run(&self, as_json: bool) -> Result<Exit, Failure> {
        let failed =
            |why: String| Failure::failed(why, "`dyno probe URL` shows one request and what comes of it");
        let mut rows = Vec::new();
        for count in 1..=self.servers.len() {
            let servers = &self.servers[..count];
            let mut row = CallRow { servers: count, one_ns: u64::MAX, each_ns: u64::MAX };
            // The first round warms up both sides; of the others the best is what the calls take.
            for _ in 0..=CALL_ROUNDS {
                row.one_ns = row.one_ns.min(self.in_turn(servers).map_err(failed)?);
                row.each_ns = row.each_ns.min(self.at_once(servers).map_err(failed)?);
            }
            rows.push(row);
        }
        put(&if as_json { self.json(&rows) } else { self.text(&rows, PAINT) }, Path::new("-"))?;
        Ok(Exit::Success)
    }

    fn json(&self, rows: &[CallRow]) -> String {
        let of = |row: &CallRow| {
            let (one_ns, each_ns, speed_up) = (row.one_ns, row.each_ns, row.speed_up());
            json!({"servers": row.servers, "one_thread_ns": one_ns, "a_thread_each_ns": each_ns, "speed_up": speed_up})
        };
        let value = json!({"url": self.url, "calls": rows.iter().map(of).collect::<Vec<_>>()});
        format!("{value:#}\n")
    }

    fn text(&self, rows: &[CallRow], paint: Paint) -> String {
        let mut out = format!("{} {}\n\n", paint.bold("dyno browse"), self.url);
        let head = format!(
            "{:>7} {:>12} {:>14} {:>9} {:>9}",
            "servers", "one thread", "a thread each", "speed-up", "of ideal"
        );
        let _ = writeln!(out, "{}", paint.dim(&head));
        for row in rows {
            let _ = writeln!(
                out,
                "{:>7} {:>12} {:>14} {:>9} {:>9}",
                row.servers,
                show::time(row.one_ns as f64),
                show::time(row.each_ns as f64),
                show::ratio(row.speed_up()),
                show::share(row.speed_up() / row.servers as f64)
            );
        }
        out
    }
}
