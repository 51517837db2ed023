//! The parts of a latency.

/// Where a request is, or what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimePart {
    /// It is due, and all connections of the generator are busy.
    Connection,
    /// The generator is late: it sends after the time, or leaves the answer unread.
    Generator,
    /// Its new connection is on its way, or stands in the accept queue of the kernel.
    AcceptQueue,
    /// It is on its way, or lies in the socket until the server turns to it.
    WayIn,
    /// It stands in a queue before a worker, or waits until a worker is born.
    Dispatch,
    /// It is read and parsed.
    Reading,
    /// Its service computes.
    Service,
    /// It waits for a modelled back end, or for other requests.
    BackEnd,
    /// Its answer goes back to the thread that writes it.
    HandBack,
    /// Its answer is written.
    Writing,
    /// Its answer is on its way, or lies in the socket until the generator turns to it.
    WayBack,
}

impl TimePart {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// All of them, in the order in which a request passes them.
    pub const ALL: [TimePart; TimePart::COUNT] = [
        TimePart::Connection,
        TimePart::Generator,
        TimePart::AcceptQueue,
        TimePart::WayIn,
        TimePart::Dispatch,
        TimePart::Reading,
        TimePart::Service,
        TimePart::BackEnd,
        TimePart::HandBack,
        TimePart::Writing,
        TimePart::WayBack,
    ];

    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            TimePart::Connection => "no connection",
            TimePart::Generator => "generator",
            TimePart::AcceptQueue => "accept queue",
            TimePart::WayIn => "way in",
            TimePart::Dispatch => "dispatch",
            TimePart::Reading => "reading",
            TimePart::Service => "service",
            TimePart::BackEnd => "back end",
            TimePart::HandBack => "hand back",
            TimePart::Writing => "writing",
            TimePart::WayBack => "way back",
        }
    }

    /// What it is, in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            TimePart::Connection => "waiting for a free connection",
            TimePart::Generator => "the generator's own lateness",
            TimePart::AcceptQueue => "connecting and the accept queue",
            TimePart::WayIn => "the way in, until the server turns to it",
            TimePart::Dispatch => "the dispatch queue",
            TimePart::Reading => "reading",
            TimePart::Service => "the service",
            TimePart::BackEnd => "the wait for the back end",
            TimePart::HandBack => "handing the answer back",
            TimePart::Writing => "writing",
            TimePart::WayBack => "the way back, until the generator reads it",
        }
    }

    /// Its letter in a bar.
    pub fn letter(self) -> char {
        match self {
            TimePart::Connection => 'c',
            TimePart::Generator => 'g',
            TimePart::AcceptQueue => 'a',
            TimePart::WayIn => 'i',
            TimePart::Dispatch => 'd',
            TimePart::Reading => 'r',
            TimePart::Service => 's',
            TimePart::BackEnd => 'w',
            TimePart::HandBack => 'h',
            TimePart::Writing => 'o',
            TimePart::WayBack => 'b',
        }
    }
}

/// The latency of one request in its parts, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartsNs([u64; TimePart::COUNT]);

impl PartsNs {
    /// One of them.
    pub fn of(&self, part: TimePart) -> u64 {
        self.0[part as usize]
    }

    /// Adds to one of them.
    pub fn add(&mut self, part: TimePart, ns: u64) {
        self.0[part as usize] += ns;
    }

    /// Takes from one of them for another, as far as it is there.
    pub fn shift(&mut self, from: TimePart, to: TimePart, ns: u64) {
        let ns = ns.min(self.of(from));
        self.0[from as usize] -= ns;
        self.add(to, ns);
    }

    /// All of them together: the latency, from the intended start to the end of the answer.
    pub fn total_ns(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The largest one.
    pub fn largest(&self) -> TimePart {
        let mut parts = TimePart::ALL;
        parts.sort_by_key(|part| std::cmp::Reverse(self.of(*part)));
        parts[0]
    }
}
