//! The pictures of a report as files of their own: SVG that carries its colours with it.

use dyno_analysis::comparison::Model;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points;
use dyno_record::experiment::Experiment;

use crate::opening::{self, Opening};
use crate::sections::{hockey, latency, speed_up, trade};

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it is called: letters, digits and hyphens.
    pub name: String,
    /// What it shows, in a sentence.
    pub words: String,
    /// The file.
    pub svg: String,
}

/// The rules of the page that a picture needs; each is taken whole.
const PALETTE: &str = include_str!("page/palette.css");
const DRAWING: &str = include_str!("page/figures.css");

/// All pictures that an experiment has.
pub(crate) fn all(model: &Model, records: &Levelled, opening: Option<&Opening>) -> Vec<Picture> {
    let mut found = Vec::new();
    let mut add = |name: &str, words: &str, svg: &str| {
        found.push(Picture {
            name: crate::charts::class(name),
            words: words.to_string(),
            svg: alone(svg, words),
        });
    };
    if let Some(opening) = opening {
        add("verdict", &opening.words().join(" "), &opening::picture::svg(opening));
    }
    match records.header.experiment {
        Experiment::Compare => {
            if let Some(svg) = latency::tails(model) {
                add("latency", "p50, p90 and p99 at the common rate", &svg);
            }
            for (family, svg) in latency::nines(&latency::spectra(model, records)) {
                add(&format!("percentiles-{family}"), "Latency by percentile on an axis of nines", &svg);
            }
            if let Some((words, svg)) = latency::heat(records) {
                add("latency-over-time", &words, &svg);
            }
            if let Some((words, svg)) = trade::picture(model) {
                add("trade-off", &words, &svg);
            }
        }
        Experiment::Curve => {
            let trails = points::axis(Experiment::Curve).map(|axis| points::trails(records, axis));
            for (label, svg) in hockey::charts(records, &trails.unwrap_or_default()) {
                add(&format!("load-{label}"), "Latency against offered load, up and back", &svg);
            }
        }
        Experiment::Scale => {
            let trails = points::axis(Experiment::Scale).map(|axis| points::trails(records, axis));
            if let Some((words, svg)) = speed_up::picture(&trails.unwrap_or_default()) {
                add("speed-up", &words, &svg);
            }
        }
        Experiment::Connections
        | Experiment::Count
        | Experiment::Duel
        | Experiment::Isolation
        | Experiment::Overload
        | Experiment::Waiting
        | Experiment::Workloads => {}
    }
    found
}

/// A drawing of the page as a file: with a namespace, a size, its colours, and paper behind it.
fn alone(svg: &str, words: &str) -> String {
    let size: Vec<&str> = svg.split('"').nth(1).unwrap_or_default().split(' ').collect();
    let (width, height) = (size.get(2).unwrap_or(&"440"), size.get(3).unwrap_or(&"330"));
    let begin = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" "
    );
    let inside = format!(
        "><title>{}</title><style>{PALETTE}{DRAWING}</style><rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>",
        crate::charts::escape(words)
    );
    svg.replacen("<svg ", &begin, 1).replacen('>', &inside, 1) + "\n"
}

#[cfg(test)]
mod tests {
    use super::alone;

    #[test]
    fn a_picture_alone_has_its_size_its_colours_and_its_words() {
        let svg = alone("<svg viewBox=\"0 0 560 300\" class=\"figure\"><g/></svg>", "a < b");
        assert!(
            svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"560\" height=\"300\""),
            "{svg}"
        );
        assert!(svg.contains("<title>a &lt; b</title>") && svg.contains("prefers-color-scheme"), "{svg}");
        assert!(svg.ends_with("<g/></svg>\n"), "{svg}");
    }
}
