//! Many hand-overs, while a tenth of the consumers leave at random moments.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use dyno_tests::rows::Row;
use dyno_tests::suite::{Outcome, ensure};
use dyno_tests::wire::Client;

use super::{count, post, start};

const PRODUCERS: u64 = 3;
const CONSUMERS: u64 = 5;

/// One consumer in so many leaves.
const LEAVES: u64 = 10;

/// The longest time that it stays before it leaves.
const STAYS_US: u64 = 2_000;

/// What all threads of a trial share.
struct Trial {
    address: SocketAddr,
    items: u64,
    /// The next item to put.
    next: AtomicU64,
    /// What was received, and by how many answers.
    received: Mutex<(HashSet<u64>, u64)>,
    /// Consumers that have left without an answer.
    leavers: AtomicU64,
    is_done: AtomicBool,
}

pub(crate) fn run(row: &Row, items: u64) -> Outcome {
    let server = start(row)?;
    let trial = Trial {
        address: server.address,
        items,
        next: AtomicU64::new(0),
        received: Mutex::default(),
        leavers: AtomicU64::new(0),
        is_done: AtomicBool::new(false),
    };
    let outcome = thread::scope(|scope| {
        let trial = &trial;
        let consumers: Vec<_> =
            (0..CONSUMERS).map(|seed| scope.spawn(move || trial.consume(seed + 1))).collect();
        let producers: Vec<_> = (0..PRODUCERS).map(|_| scope.spawn(|| trial.produce())).collect();
        let ended = |thread: thread::ScopedJoinHandle<'_, Result<(), String>>| {
            thread.join().unwrap_or_else(|_| Err("a thread has panicked".into()))
        };
        let produced = producers.into_iter().map(ended).collect::<Result<Vec<_>, _>>();
        // What was put is taken as long as there are consumers.
        let emptied = produced.and_then(|_| {
            let start = Instant::now();
            while count(&server, "0", "items")? + count(&server, "0", "handed_over")? > 0 {
                if start.elapsed() > Duration::from_secs(20) {
                    return Err("the queue does not become empty".to_owned());
                }
                thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        });
        trial.is_done.store(true, Relaxed);
        let consumed = consumers.into_iter().map(ended).collect::<Result<Vec<_>, _>>();
        emptied.and(consumed.map(drop))
    });
    outcome?;
    let (put, taken) = (count(&server, "0", "put")?, count(&server, "0", "taken")?);
    let given_back = count(&server, "0", "given_back")?;
    let waiting = count(&server, "0", "waiting_takers")? + count(&server, "0", "handed_over")?;
    let (received, answers) = trial.received.into_inner().map_err(|_| "a thread has panicked")?;
    let leavers = trial.leavers.into_inner();
    // An answer may be on its way when its consumer leaves; the server cannot know that.
    let on_the_way = items - received.len() as u64;
    eprintln!(
        "{}: {items} items, {leavers} left, {given_back} given back, {on_the_way} on their way to who left",
        row.name
    );
    ensure(answers == received.len() as u64, || format!("{answers} answers, {} items", received.len()))?;
    ensure((put, taken, waiting) == (items, items, 0), || {
        format!("{items} items: {put} put, {taken} taken, {waiting} wait")
    })?;
    ensure(leavers > 0 && on_the_way <= leavers, || {
        format!("{on_the_way} items were lost, and only {leavers} have left")
    })?;
    server.stop_well()?;
    Ok(())
}

impl Trial {
    fn connect(&self) -> Result<Client, String> {
        Client::connect(self.address).map_err(|error| format!("cannot connect: {error}"))
    }

    fn produce(&self) -> Result<(), String> {
        let mut client = self.connect()?;
        loop {
            let item = self.next.fetch_add(1, Relaxed);
            if item >= self.items {
                return Ok(());
            }
            client.send(post("/queues/0?wait=60s", &item.to_string()));
            let put = client.response("POST")?;
            if put.status != 201 {
                return Err(format!("put: {} {}", put.status, put.text()));
            }
        }
    }

    fn consume(&self, seed: u64) -> Result<(), String> {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut client = self.connect()?;
        while !self.is_done.load(Relaxed) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            if random.is_multiple_of(LEAVES) {
                self.leave(random / LEAVES)?;
                continue;
            }
            client.send(post("/queues/0/take?wait=100ms", ""));
            let taken = client.response("POST")?;
            match taken.status {
                200 => self.note(&taken.text())?,
                204 => {}
                status => return Err(format!("taken: {status} {}", taken.text())),
            }
        }
        Ok(())
    }

    /// Asks for an item, and leaves after a while unless it has come.
    fn leave(&self, random: u64) -> Result<(), String> {
        let mut client = self.connect()?;
        client.send(post("/queues/0/take?wait=60s", ""));
        let until = Instant::now() + Duration::from_micros(random % STAYS_US);
        if let Some(taken) = client.response_by("POST", until)? {
            return self.note(&taken.text());
        }
        self.leavers.fetch_add(1, Relaxed);
        if (random / STAYS_US).is_multiple_of(2) {
            client.reset().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn note(&self, item: &str) -> Result<(), String> {
        let number = item.parse().map_err(|_| format!("{item:?} is no item"))?;
        let mut received = self.received.lock().map_err(|_| "a thread has panicked")?;
        received.0.insert(number);
        received.1 += 1;
        Ok(())
    }
}
