//! Two figures of each contestant against each other, and the edge of those that nobody beats in both.

use std::fmt::Write;

use crate::charts::grid::Grid;
use crate::charts::marker::marker;
use crate::charts::scale::ChartScale;
use crate::charts::{Shown, class, escape, tick, width};

/// One contestant.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScatterPoint {
    /// The contestant.
    pub label: String,
    /// Class of its colour.
    pub family: String,
    /// The figure to the right, and the ends of its interval.
    pub x: (f64, (f64, f64)),
    /// The same upwards.
    pub y: (f64, (f64, f64)),
    /// Whether nobody beats it in both figures.
    pub on_edge: bool,
}

/// The picture; of both figures less is better.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scatter<'a> {
    /// The text for readers who cannot see it.
    pub title: &'a str,
    /// What the axes show.
    pub axes: (&'a str, &'a str),
    /// How values are written.
    pub shown: (Shown, Shown),
    /// All of them.
    pub points: &'a [ScatterPoint],
}

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 400.0;
const TITLE: f64 = 26.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = HEIGHT - 44.0;
const RIGHT: f64 = WIDTH - 16.0;
/// Height of a name.
const LETTER: f64 = 11.0;

/// Draws the picture.
pub(crate) fn draw(picture: &Scatter) -> String {
    let ends = |of: fn(&ScatterPoint) -> (f64, (f64, f64))| {
        picture.points.iter().flat_map(move |point| {
            let (value, (low, high)) = of(point);
            [value, low, high]
        })
    };
    let y = ChartScale::log(ends(|point| point.y), BOTTOM, TOP);
    let rows: Vec<(f64, String)> =
        y.ticks().into_iter().map(|value| (y.place(value), tick(&(picture.shown.1)(value)))).collect();
    let left = TITLE + width(rows.iter().map(|row| row.1.as_str()));
    let x = ChartScale::log(ends(|point| point.x), left, RIGHT);
    let columns = x.ticks().into_iter().map(|value| (x.place(value), tick(&(picture.shown.0)(value))));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" class=\"figure scatter\">",
        escape(picture.title)
    );
    svg += &Grid {
        columns: columns.collect(),
        rows,
        across: (left, RIGHT),
        down: (TOP, BOTTOM),
        height: HEIGHT,
        titles: picture.axes,
    }
    .draw();
    edge(&mut svg, picture.points, &x, &y);
    let mut taken: Vec<Place> = picture
        .points
        .iter()
        .map(|point| Place::around(x.place(point.x.0), y.place(point.y.0), 5.0, 5.0))
        .collect();
    for point in picture.points {
        one(&mut svg, picture, point, (&x, &y), &mut taken);
    }
    svg.push_str("</svg>");
    svg
}

/// The steps from one of the edge to the next: what lies beyond them has been reached by nobody.
fn edge(svg: &mut String, points: &[ScatterPoint], x: &ChartScale, y: &ChartScale) {
    let mut on: Vec<(f64, f64)> = points
        .iter()
        .filter(|point| point.on_edge)
        .map(|point| (x.place(point.x.0), y.place(point.y.0)))
        .collect();
    on.sort_by(|one, other| one.0.total_cmp(&other.0));
    let Some(first) = on.first() else { return };
    let mut path = format!("M{:.1} {TOP}V{:.1}", first.0, first.1);
    for (place, height) in on.iter().skip(1) {
        let _ = write!(path, "H{place:.1}V{height:.1}");
    }
    let _ = write!(
        svg,
        "<path class=\"edge\" d=\"{path}H{RIGHT:.1}\"><title>the edge: nobody is better in both</title></path>"
    );
}

/// A rectangle that is taken.
#[derive(Debug, Clone, Copy)]
struct Place {
    from: (f64, f64),
    to: (f64, f64),
}

impl Place {
    fn around(x: f64, y: f64, across: f64, down: f64) -> Self {
        Place { from: (x - across, y - down), to: (x + across, y + down) }
    }

    /// By how much two lie on each other.
    fn overlap(&self, other: &Place) -> f64 {
        let side = |one: (f64, f64), two: (f64, f64)| (one.1.min(two.1) - one.0.max(two.0)).max(0.0);
        side((self.from.0, self.to.0), (other.from.0, other.to.0))
            * side((self.from.1, self.to.1), (other.from.1, other.to.1))
    }
}

fn one(
    svg: &mut String,
    picture: &Scatter,
    point: &ScatterPoint,
    (x, y): (&ChartScale, &ChartScale),
    taken: &mut Vec<Place>,
) {
    let (place, height) = (x.place(point.x.0), y.place(point.y.0));
    let family = class(&point.family);
    let [(west, east), (high, low)] =
        [(x.place(point.x.1.0), x.place(point.x.1.1)), (y.place(point.y.1.1), y.place(point.y.1.0))];
    let _ = write!(
        svg,
        "<g class=\"row f-{family}{}\" data-label=\"{}\"><path class=\"spread\" d=\"M{west:.1} {height:.1}H{east:.1}M{place:.1} {high:.1}V{low:.1}\"/><path class=\"dot\" d=\"{}\"><title>{}</title></path>",
        if point.on_edge { " on-edge" } else { "" },
        escape(&point.label),
        marker(&family, place, height),
        escape(&format!(
            "{}: {}, {}",
            point.label,
            (picture.shown.0)(point.x.0),
            (picture.shown.1)(point.y.0)
        ))
    );
    let (across, half) = (width([point.label.as_str()].into_iter()), LETTER / 2.0);
    // Eight places around the point; the one that hides least is taken.
    let asides = [
        (9.0, 0.0, "start"),
        (-9.0, 0.0, "end"),
        (0.0, -12.0, "middle"),
        (0.0, 13.0, "middle"),
        (9.0, -11.0, "start"),
        (9.0, 11.0, "start"),
        (-9.0, -11.0, "end"),
        (-9.0, 11.0, "end"),
        (9.0, -22.0, "start"),
        (9.0, 22.0, "start"),
        (-9.0, -22.0, "end"),
        (-9.0, 22.0, "end"),
        (9.0, -33.0, "start"),
        (9.0, 33.0, "start"),
        (-9.0, -33.0, "end"),
        (-9.0, 33.0, "end"),
    ];
    let covered = |(right, down, anchor): &(f64, f64, &str)| {
        let middle = match *anchor {
            "start" => place + right + across / 2.0,
            "end" => place + right - across / 2.0,
            _ => place + right,
        };
        Place::around(middle, height + down, across / 2.0, half)
    };
    let cost = |aside: &(f64, f64, &str)| {
        let own = covered(aside);
        let outside = (own.to.0 - WIDTH).max(0.0)
            + (40.0 - own.from.0).max(0.0)
            + (TOP - own.from.1).max(0.0)
            + (own.to.1 - BOTTOM).max(0.0);
        taken.iter().map(|other| own.overlap(other)).sum::<f64>() + outside * 100.0 + aside.1.abs() * 0.1
    };
    let best = asides.iter().min_by(|one, other| cost(one).total_cmp(&cost(other))).unwrap_or(&asides[0]);
    taken.push(covered(best));
    if best.1.abs() > 20.0 {
        let _ = write!(
            svg,
            "<path class=\"leader\" d=\"M{place:.1} {height:.1}L{:.1} {:.1}\"/>",
            place + best.0,
            height + best.1
        );
    }
    let _ = write!(
        svg,
        "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{}\">{}</text></g>",
        place + best.0,
        height + best.1 + 4.0,
        best.2,
        escape(&point.label)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_neighbours_do_not_lie_on_each_other() {
        let point = |label: &str, x: f64, y: f64| ScatterPoint {
            label: label.into(),
            x: (x, (x, x)),
            y: (y, (y, y)),
            on_edge: label == "a",
            ..ScatterPoint::default()
        };
        let points: Vec<ScatterPoint> =
            [("a", 10.0, 10.0), ("b", 10.2, 10.1), ("c", 10.1, 10.2), ("d", 20.0, 30.0)]
                .map(|(l, x, y)| point(l, x, y))
                .into();
        let shown: fn(f64) -> String = |value| format!("{value}");
        let svg = draw(&Scatter { title: "t", axes: ("x", "y"), shown: (shown, shown), points: &points });
        let place = |text: &str, name: &str| -> f64 {
            let from = text.find(name).unwrap() + name.len();
            text[from..].split('"').next().unwrap().parse().unwrap()
        };
        let names: Vec<(f64, f64)> = svg
            .split("<text class=\"name\"")
            .skip(1)
            .map(|text| (place(text, "x=\""), place(text, "y=\"")))
            .collect();
        for (number, one) in names.iter().enumerate() {
            for other in &names[..number] {
                let apart = (one.0 - other.0).abs() > 5.0 || (one.1 - other.1).abs() >= LETTER - 1.0;
                assert!(apart, "{names:?}");
            }
        }
        assert_eq!(svg.matches("class=\"edge\"").count(), 1);
    }
}
