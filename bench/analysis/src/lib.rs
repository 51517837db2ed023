//! From records to findings: values in, values out. Nothing in here reads a clock, a file or a socket.
//!
//! * [`levelling`]: what each cell would have been on cores at full pace, at a usual moment;
//! * [`comparison`]: one row a contestant, every figure with its interval and its doubts;
//! * [`figure`]: one of them over all blocks;
//! * [`ranking`]: who leads in a figure, and how the others stand;
//! * [`tiers`]: groups of ties, and the ratios between them;
//! * [`points`], [`curves`]: what lies along an axis: cores, connections, offered rate;
//! * [`sweep`]: the way up past a critical point, and the way back;
//! * [`edge`]: whom nobody beats in two figures at once;
//! * [`critical`]: the critical point, confirmed by repeats, and what a search for it measures next;
//! * [`instructions`]: what was counted in an emulated machine, one row a contestant;
//! * [`overload`]: what overload controls save;
//! * [`duel`]: two that took turns, and their ratios; [`regression`]: whether a new program costs more than an old one;
//! * [`spectrum`]: percentiles over all cells of a contestant, from stored histograms;
//! * [`spoilt`]: why cells are void;
//! * [`textbook`]: whether a claim holds, by its interval;
//! * [`transports`]: what security costs;
//! * [`workloads`]: which design is best under which workload, which one fails, and by what it is seen;
//! * [`difference`]: two sets of results, side by side;
//! * [`waiting`]: what requests that wait do, one row a contestant;
//! * `watched`: whether reading clocks lowered a contestant's rates;
//! * [`explanation`]: why one contestant costs more than another, in unit costs.

pub mod comparison;
pub mod critical;
pub mod curves;
pub mod difference;
pub mod duel;
pub mod edge;
pub mod explanation;
pub mod figure;
pub mod instructions;
pub mod levelling;
pub mod limits;
pub mod overload;
pub mod points;
pub mod ranking;
pub mod regression;
pub mod spectrum;
pub mod spoilt;
pub mod sweep;
pub mod textbook;
pub mod tiers;
pub mod transports;
pub mod unit;
pub mod waiting;
mod watched;
pub mod workloads;
