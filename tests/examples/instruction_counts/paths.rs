//! The hot paths: each prepares what it needs, and gives the work of one round.

mod channel;
mod generator;
mod http;

/// A path through the code that runs for every request, record or value.
pub struct HotPath {
    /// Its name in the baseline.
    pub name: &'static str,
    prepare: fn() -> Box<dyn FnMut()>,
}

/// Every path that is counted.
pub const ALL: [HotPath; 7] = [
    HotPath { name: "http: small request", prepare: || http::serve(http::SMALL) },
    HotPath { name: "http: request of a browser", prepare: || http::serve(http::BROWSER) },
    HotPath { name: "channel: record of 100 octets", prepare: || channel::record(100) },
    HotPath { name: "channel: record of 16 KiB", prepare: || channel::record(16 * 1024) },
    HotPath { name: "generator: request in a closed loop", prepare: generator::closed },
    HotPath { name: "generator: request in an open loop", prepare: generator::open },
    HotPath { name: "generator: value in a histogram", prepare: generator::histogram },
];

/// The path of that name.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static HotPath, String> {
    const PATHS: &[HotPath] = &ALL;
    PATHS.iter().find(|path| path.name == name).ok_or_else(|| format!("no path is called {name}"))
}

impl HotPath {
    /// Prepares, takes the path some times so that buffers have their size, then `rounds` times.
    pub fn run(&self, rounds: u64) {
        const WARM_UP: u64 = 100;
        let mut round = (self.prepare)();
        (0..WARM_UP + rounds).for_each(|_| round());
    }
}
