//! What is written down while a run goes on: each request once, in counts, histograms and over time.

pub mod absence;
pub mod arrivals;
pub mod bursts;
pub mod coarse;
pub mod division;
pub mod early;
pub mod glance;
pub mod histogram;
pub mod pauses;
pub mod requests;
pub mod series;
pub mod split;
pub mod stalls;
pub mod steps;
pub mod tally;
