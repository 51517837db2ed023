//! How books are written to a file and read back unchanged: histograms as every HDR tool reads them, sums that may pass
//! 64 bits as decimal text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as _, V2DeflateSerializer};
use hdrhistogram::{Counter, Histogram};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serializer};

use crate::limits::{INTERVAL_SIGNIFICANT_DIGITS, LATENCY_MAX_NS, SIGNIFICANT_DIGITS};

/// Octets of the text of a histogram at most: with all of its classes filled by large counts it has a third of that.
const TEXT_MAX_OCTETS: usize = 1024 * 1024;

/// An empty histogram for durations from 1 ns to [`LATENCY_MAX_NS`].
///
/// # Panics
/// Never: the bounds are constants that the histogram accepts.
pub(super) fn of_run() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, SIGNIFICANT_DIGITS).expect("constant bounds are right")
}

/// The same for an interval.
///
/// # Panics
/// Never, as well.
pub(super) fn of_one_interval() -> Histogram<u32> {
    let made = Histogram::new_with_bounds(1, LATENCY_MAX_NS, INTERVAL_SIGNIFICANT_DIGITS);
    made.expect("constant bounds are right")
}

fn written<T: Counter>(histogram: &Histogram<T>) -> String {
    if histogram.is_empty() {
        return String::new();
    }
    let mut octets = Vec::new();
    let done = V2DeflateSerializer::new().serialize(histogram, &mut octets);
    done.map_or_else(|_| String::new(), |_| STANDARD.encode(octets))
}

/// A histogram with the same classes as `like`.
fn read<T: Counter, E: Error>(text: &str, like: Histogram<T>) -> Result<Histogram<T>, E> {
    if text.is_empty() {
        return Ok(like);
    }
    if text.len() > TEXT_MAX_OCTETS {
        return Err(E::custom("the histogram is too long to be one"));
    }
    let octets = STANDARD.decode(text).map_err(|_| E::custom("the histogram is not base64"))?;
    let histogram: Histogram<T> = HdrDeserializer::new()
        .deserialize(&mut octets.as_slice())
        .map_err(|_| E::custom("the histogram is not HDR V2"))?;
    let layout = |one: &Histogram<T>| (one.low(), one.high(), one.sigfig());
    if layout(&histogram) != layout(&like) {
        return Err(E::custom("the histogram has other classes than Dyno's"));
    }
    Ok(histogram)
}

/// Latencies to three digits, as text.
pub(super) mod latencies {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(histogram: &Histogram<u64>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&written(histogram))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Histogram<u64>, D::Error> {
        read(&String::deserialize(from)?, of_run())
    }
}

/// Latencies of an interval to two digits, as text; `null` where there are none.
pub(super) mod of_interval {
    use super::*;

    type Boxed = Option<Box<Histogram<u32>>>;

    pub(crate) fn serialize<S: Serializer>(histogram: &Boxed, to: S) -> Result<S::Ok, S::Error> {
        match histogram {
            Some(histogram) => to.serialize_some(&written(histogram)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Boxed, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| Ok(Box::new(read(&text, of_one_interval())?))).transpose()
    }
}

/// A sum as decimal text: JSON readers keep 53 bits of a number.
pub(super) mod decimal {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(sum: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(sum)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom(format!("'{text}' is no whole number")))
    }
}

/// Reads a list of at most so many entries.
pub(super) fn at_most<'de, D, T, const MOST: usize>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let list = Vec::<T>::deserialize(from)?;
    if list.len() > MOST { Err(D::Error::custom(format!("more than {MOST} entries"))) } else { Ok(list) }
}
