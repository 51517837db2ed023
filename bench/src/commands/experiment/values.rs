//! Values of an experiment as people write them: `800ms`, `5k`, `5%`, `0-3`. A command line, a file and the records
//! hold the same text, so that each can be copied into the others.

use std::fmt;
use std::str::FromStr;

use dyno_measure::contestant::control::TOWER;
use dyno_servers::admission::Control;
use dyno_units::read::{self, ReadError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::{LONGEST_CELL_MS, SHORTEST_CELL_MS};
use crate::numbers::{self, NumberError};

/// Why a text is no value of an option.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum ValueError {
    /// The text cannot be read at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A number that is none for any option.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// A time beyond what makes sense.
    #[error("'{text}' is not between {low_ms}ms and {high_ms}ms")]
    OutsideTime {
        text: String,
        /// The least that makes sense, in milliseconds.
        low_ms: u64,
        /// The most that makes sense, in milliseconds.
        high_ms: u64,
    },
    /// No overload control.
    #[error(
        "'{0}' is no overload control: none, bounded, codel-lifo, deadline or gradient, the latter four also with :accept, :receive or :due"
    )]
    NoControl(String),
    /// A number beyond what makes sense.
    #[error("{text} is not between {low} and {high}")]
    Outside {
        text: String,
        /// The least that makes sense.
        low: u32,
        /// The most that makes sense.
        high: u32,
    },
}

/// A time in whole milliseconds from `LOW` to [`LONGEST_CELL_MS`], such as `800ms` or `2s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Milliseconds<const LOW: u64>(u64);

/// The time measured in a cell.
pub(crate) type CellTime = Milliseconds<SHORTEST_CELL_MS>;

/// The time left out at the start of a cell, which may be none.
pub(crate) type WarmUpTime = Milliseconds<0>;

impl<const LOW: u64> Milliseconds<LOW> {
    pub(crate) fn get(self) -> u64 {
        self.0
    }
}

impl<const LOW: u64> FromStr for Milliseconds<LOW> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let ns = read::duration_ns(text)?;
        let outside = || ValueError::OutsideTime { text: text.into(), low_ms: LOW, high_ms: LONGEST_CELL_MS };
        let milliseconds = ns / 1_000_000;
        // What would be rounded to nothing was not meant as nothing.
        let is_lost = milliseconds == 0 && ns > 0;
        let fits = !is_lost && (LOW..=LONGEST_CELL_MS).contains(&milliseconds);
        if fits { Ok(Milliseconds(milliseconds)) } else { Err(outside()) }
    }
}

impl<const LOW: u64> fmt::Display for Milliseconds<LOW> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// A time of any length up to an hour, but not none, such as `250us` or `10ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nanoseconds(pub(crate) u64);

impl FromStr for Nanoseconds {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Ok(Nanoseconds(numbers::limit_ns(text)?))
    }
}

impl fmt::Display for Nanoseconds {
    /// Writes it in the largest unit that expresses it exactly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
        let whole = units.into_iter().find(|(factor, _)| self.0 > 0 && self.0.is_multiple_of(*factor));
        let (factor, unit) = whole.unwrap_or((1, "ns"));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// Requests a second, such as `5k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PerSecond(pub(crate) f64);

impl FromStr for PerSecond {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Ok(PerSecond(numbers::rate_per_s(text)?))
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A part of a whole from 0 to 1, such as `5%` or `0.05`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl FromStr for Share {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Ok(Share(read::share(text)?))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers of cores in rising order, such as `0`, `0-3` or `0,2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CoreList(pub(crate) Vec<usize>);

impl FromStr for CoreList {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Ok(CoreList(read::cores(text)?))
    }
}

impl fmt::Display for CoreList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&cores.join(","))
    }
}

/// An overload control, such as `deadline`, or `deadline:due` with what its ages count from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControlWord(pub(crate) String);

/// From when on a request may count as waiting, as the server's option says it.
const AGES: [&str; 3] = ["accept", "receive", "due"];

impl FromStr for ControlWord {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (name, age) = text.split_once(':').map_or((text, None), |(name, age)| (name, Some(age)));
        let is_control = name.parse::<Control>().is_ok();
        let is_known = if age.is_none() { is_control || ["none", TOWER].contains(&name) } else { is_control };
        if is_known && age.is_none_or(|age| AGES.contains(&age)) {
            return Ok(ControlWord(text.into()));
        }
        Err(ValueError::NoControl(text.into()))
    }
}

impl fmt::Display for ControlWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Implements serde by `Display` and `FromStr` for values that are written as text.
macro_rules! as_text {
    ($($value:ty),*) => {$(
        impl Serialize for $value {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(CellTime, WarmUpTime, Nanoseconds, PerSecond, Share, CoreList, ControlWord);

/// A whole number from `LOW` to `HIGH`: `500` or `10k` on a command line, a number in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) struct Within<const LOW: u32, const HIGH: u32>(u32);

/// Lasting connections of a cell. For more than a hundred thousand there are not enough ports on one loopback
/// address.
pub(crate) type ConnectionCount = Within<1, 100_000>;

/// Blocks of an experiment. A thousand take days, and more would hardly narrow an interval.
pub(crate) type BlockCount = Within<1, 1000>;

impl<const LOW: u32, const HIGH: u32> Within<LOW, HIGH> {
    pub(crate) fn get(self) -> u32 {
        self.0
    }
}

impl<const LOW: u32, const HIGH: u32> TryFrom<u32> for Within<LOW, HIGH> {
    type Error = ValueError;

    fn try_from(number: u32) -> Result<Self, ValueError> {
        let outside = || ValueError::Outside { text: number.to_string(), low: LOW, high: HIGH };
        (LOW..=HIGH).contains(&number).then_some(Within(number)).ok_or_else(outside)
    }
}

impl<const LOW: u32, const HIGH: u32> FromStr for Within<LOW, HIGH> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let outside = || ValueError::Outside { text: text.into(), low: LOW, high: HIGH };
        u32::try_from(read::count(text)?).ok().and_then(|number| number.try_into().ok()).ok_or_else(outside)
    }
}

impl<const LOW: u32, const HIGH: u32> From<Within<LOW, HIGH>> for u32 {
    fn from(within: Within<LOW, HIGH>) -> u32 {
        within.0
    }
}

impl<const LOW: u32, const HIGH: u32> fmt::Display for Within<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again<T: FromStr<Err = ValueError> + fmt::Display>(text: &str) -> String {
        text.parse::<T>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    #[test]
    fn a_value_is_shown_as_it_can_be_written() {
        assert_eq!(again::<CellTime>("1.5s"), "1500ms");
        assert_eq!(again::<Nanoseconds>("10ms"), "10ms");
        assert_eq!(again::<Nanoseconds>("1500us"), "1500us");
        assert_eq!(again::<WarmUpTime>("0"), "0ms");
        assert_eq!(again::<PerSecond>("2.5k"), "2500");
        assert_eq!(again::<Share>("0.1%"), "0.001");
        assert_eq!(again::<CoreList>("0-2,5"), "0,1,2,5");
        assert_eq!(again::<ConnectionCount>("10k"), "10000");
        for word in ["none", "tower", "bounded", "deadline:due", "gradient:accept", "codel-lifo:receive"] {
            assert_eq!(again::<ControlWord>(word), word);
        }
        let share: Share = serde_json::from_value("5%".into()).unwrap();
        assert_eq!(serde_json::to_value(share).unwrap(), "0.05");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["0", "10us", "99ms", "2h", "1e300s", "-1s", "NaN"] {
            assert!(text.parse::<CellTime>().is_err(), "{text}");
        }
        for text in ["", "nonesuch", "none:due", "tower:due", "deadline:", "deadline:soon", "Deadline"] {
            assert!(text.parse::<ControlWord>().is_err(), "{text}");
        }
        assert!("10us".parse::<WarmUpTime>().is_err(), "it would be rounded to nothing");
        assert_eq!(
            "99ms".parse::<CellTime>().unwrap_err().to_string(),
            "'99ms' is not between 100ms and 3600000ms"
        );
        assert!("0".parse::<ConnectionCount>().is_err() && "101k".parse::<ConnectionCount>().is_err());
        assert!(serde_json::from_value::<BlockCount>(1001.into()).is_err());
        assert_eq!(
            "5000000000".parse::<BlockCount>().unwrap_err().to_string(),
            "5000000000 is not between 1 and 1000"
        );
    }
}
