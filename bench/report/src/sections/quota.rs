//! Shares of cores by CPU quota: what is left of the rate, what it does to the tail, and how long the server
//! stood still.

use std::collections::BTreeSet;

use dyno_analysis::figure::RowFigure;
use dyno_analysis::levelling::{Levelled, LevelledCell};
use dyno_record::quota::{CpuQuota, QuotaFigures};
use dyno_record::step::Step;
use dyno_units::show;

use crate::sections::compare::value_cell;
use crate::sections::{head, short_name_cell};

/// The quotas of a record, in rising order.
fn quotas(cells: &[&LevelledCell]) -> BTreeSet<CpuQuota> {
    cells.iter().filter_map(|cell| cell.trial.cell.load.quota).collect()
}

fn told(cell: &LevelledCell) -> Option<QuotaFigures> {
    cell.counted()?;
    cell.server.as_ref()?.quota
}

/// The table; `None` where no cell had a quota.
pub(crate) fn table(records: &Levelled) -> Option<String> {
    let seed = records.header.seed;
    let mut rows = String::new();
    for line in &records.header.contestants {
        let own = records.cells_of(&line.label, Step::Scale);
        let figure = |cells: &[&LevelledCell], read: fn(&LevelledCell) -> Option<f64>| {
            RowFigure::of_cost(cells, seed, read)
        };
        for quota in quotas(&own) {
            let here: Vec<&LevelledCell> =
                own.iter().copied().filter(|cell| cell.trial.cell.load.quota == Some(quota)).collect();
            let whole: Vec<&LevelledCell> = own
                .iter()
                .copied()
                .filter(|cell| {
                    let cell = &cell.trial.cell;
                    cell.load.quota.is_none() && cell.cores.server.len() == quota.whole_cores()
                })
                .collect();
            let rate = RowFigure::of(&here, seed, LevelledCell::rate_per_s);
            let of_whole = RowFigure::of(&whole, seed, LevelledCell::rate_per_s);
            // What the share would do of what so many whole cores do, if only time were taken away.
            let share = quota.cores() / quota.whole_cores() as f64;
            let kept = rate.value().zip(of_whole.value()).map(|(rate, whole)| rate / (whole * share));
            let percentile = |wanted: f64| {
                move |cell: &LevelledCell| cell.latencies()?.total.at_ns(wanted).map(|ns| ns as f64)
            };
            let (p50, p99) = (
                RowFigure::of_cost(&here, seed, percentile(50.0)),
                RowFigure::of_cost(&here, seed, percentile(99.0)),
            );
            let stopped = figure(&here, |cell| told(cell)?.throttled_share());
            let still = figure(&here, |cell| told(cell)?.still_share(cell.trial.cell.cores.server.len()));
            rows += &format!(
                "<tr>{}<td>{}</td><td>{}</td>{}<td>{}</td>{}{}{}{}</tr>",
                short_name_cell(&line.label),
                quota.cores(),
                show::time(f64::from(quota.period_us) * 1e3),
                value_cell(&rate, show::rate),
                kept.map_or("–".into(), show::share),
                value_cell(&p50, show::time),
                value_cell(&p99, show::time),
                value_cell(&stopped, show::share),
                value_cell(&still, show::share),
            );
        }
    }
    let columns = [
        ("architecture", false),
        ("cores", true),
        ("period", true),
        ("requests/s", true),
        ("of its share", true),
        ("p50", true),
        ("p99", true),
        ("periods stopped", true),
        ("time stopped", true),
    ];
    (!rows.is_empty()).then(|| {
        format!(
            "<p class=\"note\">A control group may use so much CPU in each period, as a container may, and stands still for the rest of it. \
             The server ran on as many whole cores as that needs. Of its share: the rate beside that on these cores without a quota, times the share; \
             100 % is a server from which nothing but time was taken. Latencies are those of a closed loop. Time stopped is the mean of its cores.</p>\
             <div class=\"scroll\"><table><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table></div>",
            head(&columns)
        )
    })
}
