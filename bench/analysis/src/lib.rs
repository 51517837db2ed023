//! From records to findings: values in, values out. Nothing in here reads a clock, a file or a socket.
//!
//! * [`levelling`]: what each cell would have been on cores at full pace, at a usual moment;
//! * [`comparison`]: one row a contestant, every figure with its interval and its doubts;
//! * [`figure`]: one of them over all blocks;
//! * [`ranking`]: who leads in a figure, and how the others stand;
//! * [`points`], [`curves`]: what lies along an axis: cores, connections, offered rate;
//! * [`critical`]: the critical point, confirmed by repeats, and what a search for it measures next;
//! * [`instructions`]: what was counted in an emulated machine, one row a contestant;
//! * [`textbook`]: whether a claim holds, by its interval;
//! * [`transports`]: what security costs;
//! * [`difference`]: two sets of results, side by side;
//! * [`waiting`]: what requests that wait do, one row a contestant;
//! * `watched`: whether reading clocks lowered a contestant's rates;
//! * [`explanation`]: why one contestant costs more than another, in unit costs.

pub mod comparison;
pub mod critical;
pub mod curves;
pub mod difference;
pub mod explanation;
pub mod figure;
pub mod instructions;
pub mod levelling;
pub mod limits;
pub mod points;
pub mod ranking;
pub mod textbook;
pub mod transports;
pub mod unit;
pub mod waiting;
mod watched;
