//! Every bound of a connection: its name, unit, value and reason, in this one place.

use std::time::{Duration, Instant};

/// How many header fields can be parsed at all; [`Limits::fields`] may only be lower.
///
/// The slots live on the stack while a head is parsed (32 octets each), so the number is fixed when Dyno is built.
pub const FIELD_SLOTS: usize = 128;

/// The value of Retry-After in a refusal for want of memory, in seconds. 1: a body is usually through by then.
pub const RETRY_AFTER: &str = "1";

/// The bounds of one connection. Connections share one value through an `Arc`.
///
/// Sizes are octets. The defaults suit a server on the open network that keeps ten thousand connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Request line and fields, up to and with the empty line. 16 KiB: browsers with full cookie jars stay below 8.
    /// Beyond it: 431, or 414 when not even the request line has ended.
    pub head_octets: usize,
    /// The request target. 8,000: the length that RFC 9112 3 asks every server to support. Beyond it: 414.
    pub target_octets: usize,
    /// Header fields in a head. 100: what Apache has allowed for decades. Beyond it: 431. At most [`FIELD_SLOTS`].
    pub fields: usize,
    /// Empty lines before a request line. 4: RFC 9112 2.2 asks to ignore at least one; more is noise. Beyond it: 400.
    pub empty_lines: u8,
    /// A request body after decoding. 1 MiB: nginx's default; bodies are held whole. Beyond it: 413.
    pub body_octets: usize,
    /// All chunk extensions of a body together. 4 KiB: nobody uses them; endless ones are an attack. Beyond it: 400.
    pub chunk_extension_octets: usize,
    /// The trailer section of a chunked body. 4 KiB: trailers are read and dropped. Beyond it: 431.
    pub trailer_octets: usize,
    /// Answers that wait to be written before another request is taken. 128: a write of some 20 KiB of small answers,
    /// beyond which batching gains nothing.
    pub pipelined_answers: u16,
    /// Octets of small answers that wait to be written before another request is taken. 64 KiB: half of a usual socket
    /// buffer. A client that pipelines and never reads is stopped here.
    pub unsent_octets: usize,
    /// Octets received ahead of the request in hand, before [`is_full`](crate::connection::Connection::is_full) says
    /// so. 64 KiB: one large read of a completion driver.
    pub unread_octets: usize,
    /// First size of a receive buffer. 4 KiB: a page; nearly every request fits.
    pub receive_initial_octets: usize,
    /// Least free space to read into. 1 KiB: below it a read costs more than moving or doubling the buffer.
    pub read_octets: usize,
    /// Largest receive or send buffer that is kept when it runs empty. 64 KiB: a connection that once had a large
    /// request must not hold a megabyte for ever.
    pub keep_octets: usize,
    /// First size of a send buffer. 1 KiB: a small answer with its head.
    pub send_initial_octets: usize,
    /// Bodies up to this size are copied behind their head, so that one write sends both; larger ones are sent from
    /// where they are. 16 KiB: copying that much costs about as much as the second write that it saves.
    pub copy_octets: usize,
    /// How much is read at a time from a body source. 32 KiB: large enough to amortise the read, small against a cache.
    pub source_octets: usize,
    /// Free space to read a body into that is taken in parts. 32 KiB: large enough to amortise the read and the
    /// write of a part, and all the memory that a body takes which is larger than any memory.
    pub part_octets: usize,
    /// Octets discarded while lingering. 4 MiB: a client that was refused is usually in the middle of a body about
    /// that size.
    pub linger_octets: u64,
    /// From the first octet of a head to its last. 10 s: a head is one or two packets; RFC 6298 gives up to 3 retries
    /// by then.
    pub head_time: Duration,
    /// Least rate of a body, in octets per second after [`body_grace`](Self::body_grace). 1,024: a tenth of a slow
    /// modem.
    pub body_octets_per_s: u64,
    /// How long a body may bring nothing before the least rate counts. 10 s: as for the head.
    pub body_grace: Duration,
    /// Idle time between requests. 60 s: longer than a person's pause between two pages.
    pub idle_time: Duration,
    /// Longest time in which no octet of an answer could be written. 60 s: a slow reader with a large socket buffer
    /// makes progress in jumps, so this must be longer than a jump.
    pub write_time: Duration,
    /// How long an idle connection stays open after the server was asked to stop, so that a request which is on its way
    /// finds an answer. 200 ms: a closed-loop client sends its next request sooner, and no operator waits for it.
    pub drain_grace: Duration,
    /// Longest time of lingering. 5 s: several round trips, after which the client has seen our last answer or never
    /// will.
    pub linger_time: Duration,
    /// One instant with its calendar time, so that the core can date the refusals which it writes itself. Without it
    /// they carry no Date.
    pub epoch: Option<Epoch>,
}

/// One instant whose calendar time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The instant.
    pub instant: Instant,
    /// Seconds since 1970-01-01 00:00:00 UTC at that instant.
    pub unix_seconds: u64,
}

impl Epoch {
    /// The calendar time at `now`, in seconds since 1970.
    pub fn unix_seconds_at(&self, now: Instant) -> u64 {
        self.unix_seconds + now.saturating_duration_since(self.instant).as_secs()
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head_octets: 16 << 10,
            target_octets: 8_000,
            fields: 100,
            empty_lines: 4,
            body_octets: 1 << 20,
            chunk_extension_octets: 4 << 10,
            trailer_octets: 4 << 10,
            pipelined_answers: 128,
            unsent_octets: 64 << 10,
            unread_octets: 64 << 10,
            receive_initial_octets: 4 << 10,
            read_octets: 1 << 10,
            keep_octets: 64 << 10,
            send_initial_octets: 1 << 10,
            copy_octets: 16 << 10,
            source_octets: 32 << 10,
            part_octets: 32 << 10,
            linger_octets: 4 << 20,
            head_time: Duration::from_secs(10),
            body_octets_per_s: 1_024,
            body_grace: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            write_time: Duration::from_secs(60),
            drain_grace: Duration::from_millis(200),
            linger_time: Duration::from_secs(5),
            epoch: None,
        }
    }
}

impl Limits {
    /// Checks what the core relies on.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        let rules = [
            (self.fields <= FIELD_SLOTS, "fields must not exceed FIELD_SLOTS"),
            (self.target_octets < self.head_octets, "target_octets must be smaller than head_octets"),
            (
                self.head_octets + self.body_octets <= 1 << 30,
                "head_octets and body_octets together must fit in 1 GiB",
            ),
            (self.receive_initial_octets > 0 && self.read_octets > 0, "buffers need at least one octet"),
            (self.source_octets > 0, "source_octets must not be 0"),
            (self.part_octets > 0, "part_octets must not be 0"),
            (self.body_octets_per_s > 0, "body_octets_per_s must not be 0"),
            (self.pipelined_answers > 0, "pipelined_answers must not be 0"),
        ];
        rules.iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, rule)| Err(rule))
    }
}
