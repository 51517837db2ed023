//! The pictures of a report as files of their own: SVG that carries its colours with it.

use dyno_analysis::comparison::Model;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points::AxisKind;
use dyno_record::step::Step;

use crate::found::Found;
use crate::opening::{self, Opening};
use crate::sections::{hockey, latency, speed_up, stack, trade};
use crate::workloads;

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
pub(crate) fn all(
    model: &Model,
    records: &Levelled,
    found: &Found,
    opening: Option<&Opening>,
) -> Vec<Picture> {
    let mut pictures = Vec::new();
    let mut add = |name: &str, words: &str, svg: &str| {
        pictures.push(Picture {
            name: crate::charts::class(name),
            words: words.to_string(),
            svg: alone(svg, words),
        });
    };
    if let Some(opening) = opening {
        add("verdict", &opening.words().join(" "), &opening::picture::svg(opening));
    }
    match found {
        Found::Compared(stacks) => {
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
            for (name, step) in [("cost-stack", Step::Capacity), ("cost-stack-connect", Step::Connect)] {
                if let Some((words, svg)) = stack::picture(records, stacks, step) {
                    add(name, &words, &svg);
                }
            }
        }
        Found::Along(axis, trails) => match axis.kind {
            AxisKind::Offered => {
                for (label, svg) in hockey::charts(records, trails) {
                    add(&format!("load-{label}"), "Latency against offered load, up and back", &svg);
                }
            }
            AxisKind::Cores => {
                if let Some((words, svg)) = speed_up::picture(trails) {
                    add("speed-up", &words, &svg);
                }
            }
            AxisKind::Connections => {}
        },
        Found::Counted(_)
        | Found::InTurn(_)
        | Found::Isolated(_)
        | Found::Overloaded(_)
        | Found::Waited(_) => {}
        Found::Workloads(matrix) => {
            let words = workloads::words::verdict(matrix).join(" ");
            if let Some(svg) = workloads::picture::svg(matrix, &words) {
                add("verdict", &words, &svg);
            }
        }
    }
    pictures
}

/// Rules whose colours stand before each variable as they are in light: converters and drawing programs that know no
/// variables of CSS take those, and browsers what follows.
fn with_plain_colours(rules: &str) -> String {
    let light = PALETTE.split('}').next().unwrap_or_default();
    let colour = |variable: &str| {
        let (_, behind) = light.split_once(&format!("{variable}:"))?;
        Some(behind.split(';').next()?.trim())
    };
    let (mut text, mut rest) = (String::new(), rules);
    while let Some(at) = rest.find("var(") {
        let length = rest[at..].find(')').map_or(rest.len() - at, |end| end + 1);
        let begin = rest[..at].rfind(['{', ';']).map_or(0, |place| place + 1);
        let plain = colour(rest[at..at + length].trim_start_matches("var(").trim_end_matches(')'));
        text += &rest[..begin];
        text.extend(plain.map(|plain| format!("{}{plain};", &rest[begin..at])));
        text += &rest[begin..at + length];
        rest = &rest[at + length..];
    }
    text + rest
}

/// A drawing of the page as a file: with a namespace, a size, its colours, and paper behind it.
fn alone(svg: &str, words: &str) -> String {
    let size: Vec<&str> = svg.split('"').nth(1).unwrap_or_default().split(' ').collect();
    let (width, height) = (size.get(2).unwrap_or(&"440"), size.get(3).unwrap_or(&"330"));
    let begin = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" "
    );
    let inside = format!(
        "><title>{}</title><style>{PALETTE}{}</style><rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>",
        crate::charts::escape(words),
        with_plain_colours(DRAWING)
    );
    svg.replacen("<svg ", &begin, 1).replacen('>', &inside, 1) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_stands_before_its_variable() {
        assert_eq!(
            with_plain_colours(
                "a { fill: var(--ink); x: 1 } .b { color: var(--threads) } c { y: var(--none); }"
            ),
            "a { fill: #1c1d20; fill: var(--ink); x: 1 } .b { color: #b85c00; color: var(--threads) } c { y: var(--none); }"
        );
        let rules = with_plain_colours(DRAWING);
        assert_eq!(rules.matches("var(").count(), DRAWING.matches("var(").count());
        for declaration in rules.split(['{', ';', '}']).filter(|text| text.contains("var(")) {
            let (name, _) = declaration.split_once(':').unwrap();
            let plain =
                rules.split(declaration).next().unwrap().rsplit([';', '{']).nth(1).unwrap_or_default();
            assert!(plain.trim().starts_with(&format!("{}: #", name.trim())), "{declaration}: {plain}");
        }
    }

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
