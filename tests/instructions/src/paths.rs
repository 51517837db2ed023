//! The hot paths: each prepares what it needs, and gives the work of one round.

mod channel;
mod generator;
mod http;

/// A path through the code that runs for every request, record or value.
pub(crate) struct HotPath {
    /// Its name in the baseline.
    pub name: &'static str,
    /// Rounds of the shorter of two runs: enough that what differs between two preparations, and what happens in a
    /// single round (a vector that grows), moves the mean by less than 0.1 %.
    pub rounds: u64,
    prepare: fn() -> Box<dyn FnMut()>,
}

/// Every path that is counted.
pub(crate) const ALL: [HotPath; 7] = [
    HotPath { name: "http: small request", rounds: 2000, prepare: || http::serve(http::SMALL) },
    HotPath { name: "http: request of a browser", rounds: 2000, prepare: || http::serve(http::BROWSER) },
    HotPath { name: "channel: record of 100 octets", rounds: 20_000, prepare: || channel::record(100) },
    HotPath { name: "channel: record of 16 KiB", rounds: 2000, prepare: || channel::record(16 * 1024) },
    HotPath { name: "generator: request in a closed loop", rounds: 2000, prepare: generator::closed },
    HotPath { name: "generator: request in an open loop", rounds: 2000, prepare: generator::open },
    HotPath { name: "generator: value in a histogram", rounds: 2000, prepare: generator::histogram },
];

/// The path of that name.
///
/// # Errors
/// When there is none.
pub(crate) fn find(name: &str) -> Result<&'static HotPath, String> {
    const PATHS: &[HotPath] = &ALL;
    PATHS.iter().find(|path| path.name == name).ok_or_else(|| format!("no path is called {name}"))
}

impl HotPath {
    /// Prepares, takes the path some times so that buffers have their size, then `rounds` times.
    pub(crate) fn run(&self, rounds: u64) {
        const WARM_UP: u64 = 100;
        let mut round = (self.prepare)();
        (0..WARM_UP + rounds).for_each(|_| round());
    }
}
