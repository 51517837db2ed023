//! Sixteen server architectures over one HTTP/1.1 core and the same services.
//!
//! # Contents
//!
//! The chapters, in the order in which they are read, and what changes from the one before:
//!
//! | chapter | what changes |
//! |---|---|
//! | [`iterative`](architectures::iterative) | the baseline: accept a connection, serve it until it ends, accept the next |
//! | [`fork`](architectures::fork) | the same, but each connection is served by a process of its own, so the next is accepted at once |
//! | [`prefork`](architectures::prefork) | the same, but the processes are started in advance, and each accepts for itself |
//! | [`thread-per-connection`](architectures::thread_per_connection) | as fork, but a kernel thread is started instead of a process |
//! | [`thread-pool`](architectures::thread_pool) | the same, but the threads are started once and take connections from a queue |
//! | [`leader-followers`](architectures::leader_followers) | the same without a queue: the threads take turns to accept |
//! | [`select`](architectures::readiness::select) | one thread for all connections: it asks select(2) which are ready ([the loop](architectures::readiness)) |
//! | [`poll`](architectures::readiness::poll) | the same loop, but poll(2) takes a list, which has no limit of 1,024 |
//! | [`epoll`](architectures::readiness::epoll) | the same loop, but the kernel remembers the list and reports only those that are ready |
//! | [`multi-reactor`](architectures::multi_reactor) | the same loop once a core, each with a listening socket of its own |
//! | [`half-sync-half-async`](architectures::half_sync_half_async) | one loop moves bytes; requests are answered by a pool of threads behind a queue |
//! | [`work-stealing`](architectures::work_stealing) | the same, but the pool's threads have a queue each and steal from one another |
//! | [`coroutines`](architectures::coroutines) | one thread and epoll again, but each connection has straight-line code on a stack of its own |
//! | [`tokio`](architectures::tokio) | tasks instead of stacks, on as many threads as there are cores |
//! | [`hyper`](architectures::hyper) | the same tasks with hyper's HTTP instead of ours |
//! | [`io-uring`](architectures::io_uring) | one thread again, as epoll has, but the kernel does the reads and writes, and reports what is done |
//!
//! What an architecture is stands in [`architecture`], what the servers do for a client in [`services`], every bound
//! with its reason in [`limits`], how one server takes the place of another in [`take_over`]. The chapters share two
//! kinds of code: the verbs in [`kit`] (listen, accept, stop, count), and the drivers in [`drivers`], which carry a
//! connection once a chapter has decided which process, thread or loop serves it.
//!
//! # Glossary
//!
//! | word | what it means here |
//! |---|---|
//! | admission | whether a request [may be served](admission) while more is asked for than can be done |
//! | arm | a variant of a chapter: `plain` as a textbook has it, `tuned` with all that the kernel offers |
//! | backend | a server that [answers for this one](services::forward), which is then a first tier |
//! | crew | the [workers of a pool](drivers::crew), and the connections that wait for their clients without a worker |
//! | driver | code that carries a connection by one kind of call: blocking, readiness, completion, task |
//! | forward job | a request on its way to a backend, and its answer on the way back |
//! | inbox | the [queue](drivers::inbox) by which a pool hands answers back to a loop |
//! | door | where a server waits for its [successor](take_over), a Unix socket |
//! | job | a [reply that is not ready](services::job): it waits for time, for another request or for a descriptor |
//! | knob | an [option](architecture::Knob) that some chapters read |
//! | lane | the [ring](trace::ring) of one thread or process, into which it writes the points that traced requests pass |
//! | mark | what the stop switch knows of a connection: [idle, busy or free](kit::marks::Mark) |
//! | order | what somebody else wants of a request: to be [held, resumed or cancelled](under_way) |
//! | point | a [place in the way of a request](trace::event::TracePoint) through a server |
//! | register | which requests are [under way](under_way::register), and what was ordered for each |
//! | part | what has come of a body that is [taken as it comes](services::uploads), and the file that an upload is until it is whole |
//! | predecessor, successor | the server whose place another one [takes over](take_over), and that other one |
//! | reply | what a [service](services::service) gives back: a response, now or after a wait, or a job |
//! | room | where the requests of a loop [wait for others](drivers::room) |
//! | seat | the entry of a request [in the register](under_way::register::Seat) |
//! | serial | the number of a connection since the start; its place in a table is used again, its serial is not |
//! | service | a plain function from a request to a reply |
//! | session | an HTTP connection behind its [transport](drivers::session), without its socket |
//! | site | [what a server is given to run](kit::site): listener, services, limits, stop switch, counts |
//! | step | what a session asks its driver to [do next](drivers::session::DriverStep) |
//! | stop | the [switch](kit::stop) that a signal throws; a server then drains: it finishes what is under way, within a deadline |
//! | tally | the [counts](kit::tally) of one worker, in memory that outlives a fork |
//! | ticket | the name under which an answer that comes later finds [its connection](drivers::workers::Ticket) |
//! | wakeup | a descriptor that becomes readable when a loop has something to fetch |
//! | worker | a process, a thread or a loop that serves |

pub mod admission;
pub mod architecture;
pub mod architectures;
pub mod book;
pub mod control;
pub mod drivers;
pub mod kit;
pub mod limits;
pub mod services;
pub mod shared;
pub mod take_over;
pub mod trace;
pub mod under_way;
