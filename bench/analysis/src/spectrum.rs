//! Percentiles over all cells of a contestant together, from the histograms of its records: blocks that are too short
//! for a high percentile alone are long enough together.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::levelling::LevelledCell;
use crate::limits::SAMPLES_BEYOND_PERCENTILE;

/// Quantiles of a spectrum, even on an axis on which each further nine is as far as the one before.
pub const SPECTRUM_QUANTILES: [f64; 17] = [
    0.1, 0.25, 0.5, 0.68, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.997, 0.998, 0.999, 0.999_5, 0.999_8,
    0.999_9,
];

/// The latencies of all cells of a contestant together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spectrum {
    /// Answers in it.
    pub count: u64,
    /// Quantiles with their latencies in nanoseconds, as far as at least ten answers lie beyond each.
    pub points: Vec<(f64, u64)>,
}

/// The latencies of those cells that count; `None` where no record holds a histogram that can be read.
pub fn spectrum(cells: &[&LevelledCell]) -> Option<Spectrum> {
    let mut all: Option<Histogram<u64>> = None;
    for one in cells.iter().filter_map(|cell| decode(cell.latencies()?.total_hdr_v2_base64.as_deref()?)) {
        match &mut all {
            // Both have the bounds of the generator; one that has not is left out.
            Some(all) => drop(all.add(&one)),
            None => all = Some(one),
        }
    }
    let all = all.filter(|all| !all.is_empty())?;
    let is_known = |quantile: &f64| all.len() as f64 * (1.0 - quantile) + 1e-9 >= SAMPLES_BEYOND_PERCENTILE;
    let known = SPECTRUM_QUANTILES.into_iter().filter(is_known);
    Some(Spectrum {
        count: all.len(),
        points: known.map(|quantile| (quantile, all.value_at_quantile(quantile).min(all.max()))).collect(),
    })
}

fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_record::audit::{Audit, Finding, Law};
    use dyno_record::cell::{Cell, Cores, Load, Trial};
    use dyno_record::load::LoadFigures;
    use dyno_record::measured::Record;
    use dyno_record::step::Step;
    use dyno_record::transport::TransportKind;
    use dyno_units::verdict::Verdict;
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

    /// A cell of so many answers, each a microsecond later than the one before.
    fn cell(answers: u64, void: bool) -> LevelledCell {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        (1..=answers).for_each(|number| histogram.saturating_record(number * 1_000));
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&histogram, &mut bytes).unwrap();
        let cell = Cell {
            step: Step::Latency,
            contestant: "epoll".into(),
            service: "/".into(),
            transport: TransportKind::Plain,
            cores: Cores::default(),
            workers: None,
            load: Load::closed(1, 0, 1),
        };
        let finding = Finding {
            law: Law::Steal,
            verdict: Verdict::Void,
            latency: Verdict::Void,
            words: "stolen".into(),
        };
        let load =
            LoadFigures { total_hdr_v2_base64: Some(STANDARD.encode(bytes)), ..LoadFigures::default() };
        let record = Record {
            load: Some(load),
            audit: Audit::of(if void { vec![finding] } else { Vec::new() }),
            ..Record::new(Trial { cell, block: 0 }, "m")
        };
        LevelledCell { record, factors: None }
    }

    #[test]
    fn blocks_reach_together_what_none_reaches_alone() {
        let (one, void) = (cell(1_000, false), cell(1_000_000, true));
        let alone = spectrum(&[&one]).unwrap();
        assert_eq!(alone.points.last().unwrap().0, 0.99);
        let many = vec![&one; 100];
        let together = spectrum(&many).unwrap();
        assert_eq!((together.count, together.points.last().unwrap().0), (100_000, 0.999_9));
        let median = together.points.iter().find(|point| point.0 == 0.5).unwrap().1;
        assert!((median as f64 / 500_000.0 - 1.0).abs() < 0.002, "{median}");
        assert!(together.points.is_sorted_by_key(|point| point.1));
        assert_eq!(spectrum(&[&void]), None, "what is void counts for nothing");
        assert_eq!(spectrum(&[&one, &void]).unwrap().count, 1_000);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let mut broken = cell(1_000, false);
        for text in [None, Some(String::new()), Some("no base64".to_string()), Some("AAAA".to_string())] {
            broken.record.load.as_mut().unwrap().total_hdr_v2_base64 = text;
            assert_eq!(spectrum(&[&broken]), None);
        }
        assert_eq!(spectrum(&[]), None);
    }
}
