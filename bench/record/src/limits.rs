//! Every bound of the records: a name, a unit, a value and a reason. Each is far beyond what any machine can show,
//! and small enough that sums, ratios and logarithms of such numbers stay finite.

/// Most requests or events a second: a thousand cores that do one in each nanosecond.
pub const RATE_PER_S_MAX: f64 = 1e12;

/// Largest share of a whole. Shares of time are taken from two clocks and may come out a little above 1; a threshold
/// may be a multiple.
pub const SHARE_MAX: f64 = 1e3;

/// Most cores that anything can use: no machine has a million.
pub const CORES_MAX: f64 = 1e6;

/// Longest time of anything in seconds: thirty years.
pub const SECONDS_MAX: f64 = 1e9;

/// Largest number of anything else, such as nanoseconds, bytes and counts: thirty years, an exbibyte.
pub const NUMBER_MAX: f64 = 2e18;
