//! What crosses crates: conformance, hostile input, faults, interoperation, tidiness.
//!
//! The tests run real servers as processes of their own (`dyno-under-test serve NAME`), so that forking
//! architectures start from a process with a single thread and a crash harms nobody else. Every suite is mounted on
//! every row of the table of architectures, see [`rows`]; the row stands in the test's name:
//! `conformance::epoll::get-simple`.
//!
//! | module | what it gives |
//! |---|---|
//! | [`rows`] | the architectures, and the arms of those that have several |
//! | [`server`], [`spawner`], [`tallies`] | a server process: started, watched, stopped, its account read |
//! | [`load`] | the load generator as a program |
//! | [`scripted`] | servers that answer every request alike: well, badly, slowly or not at all |
//! | [`backend`] | backends of a first tier, which say what they have seen |
//! | [`terminal`] | the program on a pseudo-terminal |
//! | [`memory`] | what lies in the memory of a process |
//! | [`pids`], [`memory_limit`] | a limit on the processes and threads of a server, on its memory |
//! | [`process`] | what /proc tells about a process: children, threads, CPU time, memory |
//! | [`wire`], [`response`] | a raw client with deadlines, and responses as a careful client reads them |
//! | [`activator`] | superservers of others and ours, and the servers that they start |
//! | [`attack`] | many slow clients at once |
//! | [`soak`] | whether a server that works for a long time stays as it was |
//! | [`secure`] | the same client behind the channel or TLS, and the credentials for both |
//! | [`guests`] | clients with names |
//! | [`cases`], [`referee`] | the format of `data/http1/cases.json`; playing a case and judging it |
//! | [`noise`] | random octets from a seed |
//! | [`snapshot`] | golden files, and a page as text |
//! | [`suite`] | running trials; what is slow runs only under `DYNO_SLOW=1` and shows as ignored otherwise |
//! | [`tool`] | programs of others, run to their end or as servers |
//! | [`tree`], [`imports`] | the source tree as text, and who imports whom, for rules that can be checked by reading |
//! | [`limits`] | every bound, with its reason |

pub mod activator;
pub mod attack;
pub mod backend;
pub mod cases;
pub mod guests;
pub mod imports;
pub mod limits;
pub mod load;
pub mod memory;
pub mod memory_limit;
pub mod noise;
pub mod pids;
pub mod process;
pub mod referee;
pub mod response;
pub mod rows;
pub mod scripted;
pub mod secure;
pub mod server;
pub mod snapshot;
pub mod soak;
pub mod spawner;
pub mod suite;
pub mod tallies;
pub mod terminal;
pub mod tool;
pub mod tree;
pub mod wire;
