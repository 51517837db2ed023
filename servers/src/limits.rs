//! Every bound of this crate: its name, unit, value and reason. The bounds of HTTP itself are in `dyno_http::limits`.

use std::time::Duration;

/// Connections that the kernel may hold for us before they are accepted; it silently lowers this to
/// `net.core.somaxconn` (4,096 on current kernels), see listen(2). A short queue would turn a burst into resets.
pub const BACKLOG_CONNECTIONS: i32 = 4096;

/// Connections served at once where an architecture sets no other limit. Room for the classical ten thousand,
/// and below the descriptor limit that `dyno serve` raises itself to.
pub const MAX_CONNECTIONS: usize = 16_384;

/// Threads of thread-per-connection. Each costs a kernel stack (16 KiB) and one or two touched pages of its own.
pub const MAX_THREADS: usize = 12_000;

/// Children of fork. A process costs about 100 KiB and a place in the table of the kernel (`pid_max` 32,768).
pub const MAX_PROCESSES: usize = 1_024;

/// Workers in the designs where each serves one connection at a time (thread-pool, prefork, leader-followers): enough
/// that 64 keep-alive clients never wait for a worker, few enough that all can be listed on one screen.
pub const POOL_WORKERS: usize = 64;

/// Connections that a pool holds at once, with a worker or without: as [`MAX_CONNECTIONS`]. Past it clients get a 503.
pub const CREW_CONNECTIONS: usize = MAX_CONNECTIONS;

/// A worker whose conversation goes on looks this often whether a connection waits for it: a look is one system call,
/// and nobody notices ten milliseconds.
pub const CROWD_LOOK: Duration = Duration::from_millis(10);

/// A worker that waits for its client looks this often whether a connection waits for it, and so often are the
/// deadlines of connections without a worker looked at: sixty-four idle workers wake 320 times a second, and the first
/// of them after some milliseconds.
pub const CROWD_TICK: Duration = Duration::from_millis(200);

/// How long a server with a single worker waits for one client while one other connection waits; for each that waits
/// besides it is less, by the square of their number. As long as a round trip around the planet.
pub const CROWD_PATIENCE: Duration = Duration::from_millis(250);

/// It is not less than this, however many wait: a request that follows its connection arrives by then, and so does the
/// answer in a handshake over a local network. Two hundred silent clients cost less than half a second.
pub const CROWD_LEAST_PATIENCE: Duration = Duration::from_millis(2);

/// Bytes that make that time whole again: a client that moves so many in it is not slow (256 KiB/s).
pub const CROWD_PROGRESS_BYTES: usize = 64 * 1024;

/// Places in the queue between a dispatcher and its workers: a burst of that size waits in the queue. Beyond it a
/// dispatcher of connections stops accepting, and a loop answers 503.
pub const QUEUE_PLACES: usize = 4_096;

/// Stack of a thread that serves one connection: the blocking driver and a service need less than 32 KiB in a debug
/// build. Only touched pages cost memory.
pub const THREAD_STACK_BYTES: usize = 256 * 1024;

/// Stack of a thread of the work-stealing pool: the usual size of a Rust thread, because a service may split its work
/// there, and each split nests.
pub const STEALING_STACK_BYTES: usize = 2 * 1024 * 1024;

/// How long the system may take to count the end of threads that were started on trial; it takes microseconds.
pub const THREAD_SETTLE_LIMIT: Duration = Duration::from_secs(1);

/// Stack of a coroutine; the reason is the same. The memory is reserved, and only touched pages cost.
pub const COROUTINE_STACK_BYTES: usize = 128 * 1024;

/// Connections of the coroutine chapter: each has a stack, which is two mappings (the stack and its guard page), and
/// the kernel allows 65,530 mappings (`vm.max_map_count`).
pub const MAX_COROUTINES: usize = 16_384;

/// Stacks kept for later coroutines. Making a stack costs two system calls and the first touch of its pages.
pub const POOLED_STACKS: usize = 1_024;

/// Largest receive buffer of hyper, and so the largest head that it accepts before it answers 431; by itself it takes
/// 408 KiB. It must have room for a target that is far longer than 64 KiB, or hyper never gets to answer 414 to one
/// (RFC 9112, 3); the gate behind hyper keeps the smaller bounds of our own core.
pub const HYPER_HEAD_BYTES: usize = 192 * 1024;

/// How much of a body is given to hyper at a time: a few pages of a file for each call, and little memory held for a
/// client that reads slowly. hyper holds it twice, because it copies.
pub const HYPER_PIECE_BYTES: usize = 16 * 1024;

/// hyper's receive buffer as long as no read fills it.
pub const HYPER_READ_BYTES: usize = 8 * 1024;

/// What hyper holds for any connection: a receive and a send buffer of 8 KiB each, and its state.
pub const HYPER_BUFFERS_BYTES: usize = 20 * 1024;

/// Connections that a readiness loop accepts before it serves the open ones again.
pub const ACCEPT_BURST_CONNECTIONS: usize = 64;

/// Readiness events taken from the kernel in one call.
pub const EVENTS_PER_WAIT: usize = 256;

/// Places in the submission queue of io_uring. A full queue is submitted early, so this only bounds the batch.
pub const RING_ENTRIES: u32 = 1_024;

/// Buffers that the kernel picks from to receive into: so many connections can have received bytes that the server
/// has not read yet. A power of two, as the kernel requires.
pub const RING_BUFFERS: u16 = 1_024;

/// Size of such a buffer: nearly every request fits.
pub const RING_BUFFER_BYTES: usize = 4_096;

/// Bytes held for a connection that cannot take them in because its answers are still being sent. Beyond this no more
/// is received for the connection until the held bytes are consumed.
pub const HELD_BYTES: usize = 64 * 1024;

/// Reads of one connection in a row before a readiness loop turns to the next one: a fast sender must not starve
/// the others.
pub const READS_PER_TURN: usize = 16;

/// Requests of one connection in a row before other connections have their turn: a client that pipelines must not
/// starve them, and sixteen small answers still share one write.
pub const REQUESTS_PER_TURN: u32 = 16;

/// Time after which a turn of a connection ends that does more than serve one request: less than most requests take
/// that compute, and a hundred times what a small one takes, so that pipelines of small requests keep their speed.
pub const TIME_PER_TURN: Duration = Duration::from_micros(200);

/// Bytes that one connection reads or writes in a row before other connections have their turn: two pieces of a large
/// body. Thousands of clients with large downloads must not make a round of the others long, and a write of this size
/// still costs far more than the call.
pub const BYTES_PER_TURN: usize = 64 * 1024;

/// Receive and send buffers that a loop keeps for its next busy connection. Beyond it they go back to the allocator.
pub const POOLED_BUFFERS: usize = 256;

/// Bytes of the buffers that a loop keeps: room for the small ones, which are nearly all. A buffer that has grown is
/// worth more to the budget of memory than to the next connection.
pub const POOLED_BYTES: usize = 2 * 1024 * 1024;

/// A task whose connection has been idle for this long frees its buffers: far longer than the pause of a busy client,
/// who would pay for new ones with each request.
pub const KEEP_BUFFERS: Duration = Duration::from_millis(100);

/// A loop takes memory for the small buffers of its busy connections from the budget in steps of this: a few dozen
/// connections at once, so that loops on several cores do not compete for one counter with each request.
pub const POOL_STEP_BYTES: usize = 256 * 1024;

/// Large requests and answers take memory from the budget in steps of this: a few steps for each, and little taken in
/// vain.
pub const LEASE_STEP_BYTES: usize = 16 * 1024;

/// Where no budget of memory is set, it is one byte of so many that the machine or its cgroup has. The others are for
/// the program, for the kernel's buffers of sockets, and for what the allocator keeps between buffers.
pub const MEMORY_BYTES_PER_BUDGET_BYTE: u64 = 2;

/// The least budget of memory: room for a handful of connections of any design, or for a small body.
pub const MEMORY_LEAST_BYTES: u64 = 1024 * 1024;

/// What any design holds for an idle connection: the session, its place in a table, the entry of its deadline.
pub const CONNECTION_BYTES: usize = 2 * 1024;

/// The first receive and send buffers, which a connection holds while a request is under way: 4 KiB each.
pub const SMALL_BUFFERS_BYTES: usize = 8 * 1024;

/// What a thread costs beside the session: touched pages of its stack, and its control block.
pub const THREAD_BYTES: usize = 16 * 1024;

/// What a forked process costs beside the session: the pages that it writes to, which are copied then.
pub const PROCESS_BYTES: usize = 256 * 1024;

/// What a coroutine costs beside the session: the touched pages of its stack.
pub const COROUTINE_BYTES: usize = 8 * 1024;

/// What a secure pipe holds while it is idle: keys, and the state of its protocol.
pub const SECURE_BYTES: usize = 12 * 1024;

/// What a secure pipe holds besides while records are under way: one as it came, one opened, one sealed.
pub const SECURE_BUFFERS_BYTES: usize = 48 * 1024;

/// A task looks so soon again at a client whose leaving does not wake it, because it has sent more than was read or has
/// ended its side, and then each time twice as long after the last look: on the same machine a reset is there at once,
/// and a network takes some milliseconds.
pub const CLIENT_LOOK_FIRST: Duration = Duration::from_millis(1);

/// The longest time between two such looks. Each is one system call.
pub const CLIENT_LOOK_LAST: Duration = Duration::from_millis(64);

/// How long accepting pauses when descriptors or memory have run out: long enough not to spin, short enough that the
/// server accepts again within a second after descriptors are free.
pub const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// How often standard error is told that accepting pauses: often enough to be seen, and no way to fill the disk.
pub const EXHAUSTED_TOLD_EVERY: Duration = Duration::from_secs(60);

/// The value of Retry-After for a refused client, in seconds.
pub const RETRY_AFTER: &str = "1";

/// How long a stopping server waits for requests in flight.
pub const DRAIN: Duration = Duration::from_secs(10);

/// So long before the drain limit whoever still waits for something is told that the server stops: time for the answer
/// to go out before the connection is cut.
pub const LAST_WORD: Duration = Duration::from_millis(100);

/// After the drain limit connections are cut; a service that does not return even then is given this long.
pub const CUT_GRACE: Duration = Duration::from_secs(1);

/// How long after the stop request connections are accepted that wait in the listener's queue: emptying the longest
/// queue takes some milliseconds. New connections come all the time, so there has to be an end.
pub const ACCEPT_GRACE: Duration = Duration::from_millis(200);

/// How long an idle connection of a server that may be followed is kept when it stops: nobody waits for its end,
/// because the successor serves already. A client that stood still for a second is not cut off, whose next request
/// could be on its way.
pub const FOLLOWED_DRAIN_GRACE: Duration = Duration::from_secs(2);

/// Takers that may wait at the door of a server: they are told at once that there is another one.
pub const TAKE_OVER_BACKLOG_TAKERS: i32 = 16;

/// Listening sockets that are passed to a successor in one message; the kernel allows 253 descriptors (SCM_MAX_FD), and
/// two are the door and the control port.
pub const TAKE_OVER_SOCKETS: usize = 251;

/// The longest message between predecessor and successor, bytes: the longest that there is has less than a hundred.
pub const TAKE_OVER_MESSAGE_BYTES: usize = 1024;

/// How long a successor waits for its predecessor's word. Its thread has nothing else to do, so even on a machine that
/// swaps this is long enough.
pub const TAKE_OVER_ANSWER: Duration = Duration::from_secs(10);

/// A server that is to end when nobody uses it looks so often within that time: it ends at most an eighth too late.
pub const IDLE_LOOKS: u32 = 8;

/// But not more often than this: a thousand looks a second are not noticed beside a server that works.
pub const IDLE_LOOK_LEAST: Duration = Duration::from_millis(1);

/// While stopping, a driver whose read(2) no longer waits looks this often for a request that is on its way.
pub const DRAIN_LOOK: Duration = Duration::from_millis(5);

/// While stopping, blocked system calls are interrupted this often, so that each of them sees the stop request.
pub const STOP_TICK: Duration = Duration::from_millis(50);

/// A worker that dies younger than this is replaced only after [`RESPAWN_PAUSE`]: a crash at start must not become a
/// fork bomb.
pub const RESPAWN_YOUNG: Duration = Duration::from_millis(500);

/// See [`RESPAWN_YOUNG`]; shorter than the second within which a killed worker must be replaced.
pub const RESPAWN_PAUSE: Duration = Duration::from_millis(200);

/// A worker explains this many faults of peers on standard error one by one, and later ones only when their number
/// has doubled: enough to find out why two ends do not fit, and no way for a peer to fill the disk.
pub const EXPLAINED_FAULTS: u64 = 16;

/// Characters of a method or a path that standard error is told of one that was denied: enough to find it, and a peer
/// chooses them.
pub const TOLD_CHARS: usize = 200;

/// Octets of an access control list that are read at first: room for 127 entries, and few lists have ten.
pub const LIST_BYTES: usize = 1024;

/// Octets of the longest list: as much as an extended attribute can have (`XATTR_SIZE_MAX`).
pub const LIST_MOST_BYTES: usize = 64 * 1024;

/// How often a list that changes while it is read is read again: whoever changes it more often than that wants a race.
pub const LIST_READS: usize = 8;

/// Largest `/bytes/N`, in bytes: a larger body would measure memory copies instead of servers.
pub const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Largest `/compute/MICROS` and `/wait/MICROS`, in microseconds: a minute, the idle limit of a connection.
pub const MICROS_MAX: u64 = 60_000_000;

/// Largest number of images in `/pages/COUNT/MICROS`: more than real pages have, and still a small answer.
pub const PAGE_IMAGES_MAX: u64 = 1_000;

/// Queues behind `/queues/`: enough that examples and tests do not meet in one.
pub const QUEUES: usize = 16;

/// Places for items in a queue: few, as in the machine of the textbooks, so that putting waits soon.
pub const QUEUE_ITEMS: usize = 64;

/// Octets of an item: what is queued here are messages. All queues together hold 16 MiB when they are full.
pub const QUEUE_ITEM_OCTETS: usize = 16 * 1024;

/// Requests that may wait in a queue: the classical ten thousand. Those after them get a 503.
pub const QUEUE_WAITERS: usize = 10_000;

/// How long a request waits in a queue if it does not say: as long as many proxies keep a silent connection.
pub const QUEUE_WAIT: Duration = Duration::from_secs(30);

/// The longest time that it may ask for: a client that has left without a word is noticed then at the latest.
pub const QUEUE_WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// Bytes of the name of an upload: what a file system allows (255), less what a part's own name has besides.
pub const UPLOAD_NAME_BYTES: usize = 200;

/// The largest upload where nobody says another one: 1 GiB, an image of a disk or a film.
pub const UPLOAD_BYTES: u64 = 1 << 30;

/// How long `/fault/spin` and `/fault/block` occupy their thread: longer than anybody watches, so it is as if for ever,
/// but a server that was forgotten is free again.
pub const FAULT_LASTS: Duration = Duration::from_secs(30);

/// What `/fault/leak` keeps, in bytes: many times what a server takes, so that nobody can overlook it, and a small part
/// of what machines have.
pub const FAULT_LEAK_BYTES: usize = 32 * 1024 * 1024;

/// How long `/fault/late-panic` waits before it panics: a job that has waited is called by another code than a service.
pub const FAULT_WAIT: Duration = Duration::from_millis(5);

/// Bytes read from the wire at once for a secure pipe: one record of the channel or of TLS, and its header.
pub const WIRE_BYTES: usize = 18 * 1024;

/// Bytes sealed at once: one full record of either transport, so that no small record follows.
pub const RECORD_BYTES: usize = 16 * 1024;

/// How long a ring that ends before its work is done waits for the kernel to stop using its memory: cancelling takes
/// microseconds, and memory that is still in use after that is leaked.
pub const RING_SETTLE_LIMIT: Duration = Duration::from_secs(1);

/// Requests that may stand before one where a number bounds them, and with which a limit begins that finds itself: at
/// a millisecond each they are half of the patience of 100 ms that people have.
pub const ADMISSION_PLACES: u64 = 50;

/// The most that can stand before one: so many admissions are remembered.
pub const ADMISSION_PLACES_MAX: u64 = 1024;

/// How long nothing must have been in hand before a server is idle, whatever age a request claims: longer than what a
/// server that waits for one client at a time takes between two, shorter than anybody's patience.
pub const IDLE_GAP: Duration = Duration::from_millis(20);

/// After so long without a request that was begun or done, what is counted in hand belongs to workers that died. A
/// service that takes longer lets some more be admitted meanwhile, and no harm comes of it.
pub const ADMISSION_HEAL: Duration = Duration::from_secs(2);

/// Over how long the mean time of a service, and the latency that a limit goes by, are taken: many requests, and still
/// less than what a person notices.
pub const ADMISSION_WINDOW: Duration = Duration::from_millis(100);

/// Such windows that are remembered: 5 s, in which even a busy server has a quiet one.
pub const ADMISSION_WINDOWS_KEPT: usize = 50;

/// The shortest wait of an interval may be so long: 5 ms, as in RFC 8289 and in what Facebook published.
pub const CODEL_TARGET: Duration = Duration::from_millis(5);

/// How long even the shortest wait must be over the target before the delay stands: 100 ms, from the same sources.
pub const CODEL_INTERVAL: Duration = Duration::from_millis(100);

/// The longest wait before a request is refused: half of the patience of 100 ms, so that the answer still comes in time
/// where threads share a core.
pub const DEADLINE_AGE: Duration = Duration::from_millis(50);

/// How many times its service a request may take before a limit falls: 8, which at random arrivals keeps a core busy
/// and is far from anybody's patience.
pub const GRADIENT_TOLERANCE: f64 = 8.0;

/// The greatest age that is believed to a client: a minute, the idle limit of a connection. What lies beyond comes from
/// the clock of another host.
pub const DUE_AGE_MAX: Duration = Duration::from_secs(60);

/// Requests that the register of those under way has room for: as many as there may be connections, each of which has
/// one at a time. An entry takes 192 bytes once it has been used.
pub const CONTROL_PLACES: usize = MAX_CONNECTIONS;

/// Places that are looked at for a new entry. Entries are given out in turn, so the first is free unless a request
/// has lasted for a whole round; a search through a register that is nearly full would cost each request more than its
/// answer.
pub const CONTROL_LOOKS: usize = 64;

/// Bytes of a request's method and target in the register: a line of a terminal, and a multiple of 8.
pub const CONTROL_TEXT_BYTES: usize = 128;

/// Requests that a control port lists at once, the oldest first: more than anybody reads, and 200 KB.
pub const CONTROL_LISTED_REQUESTS: usize = 1_000;

/// Connections of a control port at once: operators and their scripts, of whom each asks and leaves.
pub const CONTROL_CONNECTIONS: usize = 64;

/// What connections of a control port may hold together, in bytes: a full list for some of them at once.
pub const CONTROL_MEMORY_BYTES: usize = 8 << 20;

/// How much nicer than others the thread of a control port wants to be treated, in steps of nice(2). At 10 steps the
/// scheduler lets it run as soon as it wakes, whatever else does, and it does too little to keep anybody waiting.
pub const CONTROL_NICE_STEPS: i32 = -10;

/// The longest time that a request is held: a minute, the idle limit of a connection. It holds memory and a connection
/// meanwhile, so one that was forgotten is cancelled.
pub const HOLD_MAX: Duration = Duration::from_secs(60);

/// How long a backend may take to accept a connection before another one is asked. 1 s: on a local network it takes
/// less than a millisecond, and a lost SYN is sent again after a second.
pub const FORWARD_CONNECT_TIME: Duration = Duration::from_secs(1);

/// How long a request may take at the backends together before the client gets a 504. 60 s: as long as an idle
/// connection may last, and longer than a client waits.
pub const FORWARD_TIME: Duration = Duration::from_secs(60);

/// How long a connection to a backend is kept without a request. 4 s: less than the 5 s after which the least patient
/// of the usual servers end one, because a request that meets that end is lost.
pub const FORWARD_IDLE_TIME: Duration = Duration::from_secs(4);

/// How long a connection may have been idle by which a request goes that must not be sent twice. 1 s: no server ends
/// one so soon, so that such a request never meets the end.
pub const FORWARD_FRESH_TIME: Duration = Duration::from_secs(1);

/// Idle connections to one backend that a process keeps. 256: as many requests at a time as a backend on one machine
/// is worth asking.
pub const FORWARD_IDLE_LINKS: usize = 256;

/// Octets of an answer that are read at once. 16 KiB: they lie on the stack of a thread or coroutine for that time.
pub const FORWARD_READ_BYTES: usize = 16 * 1024;

/// How often each backend is asked whether it is well. 1 s: an operator sees what he has done, and a hundred first
/// tiers are no load.
pub const PROBE_EVERY: Duration = Duration::from_secs(1);

/// How long a backend may take to connect, and then to answer, when it is asked whether it is well. 1 s: one that
/// is slower serves nobody in time.
pub const PROBE_TIME: Duration = Duration::from_secs(1);

/// Octets of answers that a process holds for a path while they come from its backends. 256 MiB: thirty of the largest.
/// Beyond it a client gets a 503, or who asks for enough of them at once could have all memory.
pub const FORWARD_HELD_BYTES: usize = 256 << 20;

/// What the rings of a trace may take together, in bytes: a fraction of the memory of any machine that a server is
/// measured on. Only what was written is there, so short traces take less.
pub const TRACE_BYTES: usize = 256 << 20;

/// Rings of a trace: as many threads and processes can write at once. The designs that start one for each connection
/// are traced with some hundreds; more lanes would make each ring shorter.
pub const TRACE_LANES_MAX: usize = 512;

/// Rings beside those of the workers: the threads that accept, dispatch, and start the others.
pub const TRACE_SPARE_LANES: usize = 6;

/// Events of one ring: more than a second of a loop that serves 30,000 requests a second, so a reader that sleeps
/// for some milliseconds is not overtaken.
pub const TRACE_LANE_EVENTS_MAX: usize = 1 << 18;

/// Descriptors whose connections can be traced: as many as connections may be open, and some besides.
pub const TRACE_DESCRIPTORS: usize = 4 * MAX_CONNECTIONS;

/// So long after a look for the rings of workers that have died the next one may come, in nanoseconds: it is a system
/// call for each ring.
pub const TRACE_SWEEP_NS: u64 = 100_000_000;
