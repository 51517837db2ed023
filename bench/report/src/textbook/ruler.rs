//! A claim as a picture: what is claimed as a band, and what was measured as a point with its interval.

use std::fmt::Write;

use dyno_record::textbook::{ClaimEstimate, ClaimFinding, ClaimUnit, ClaimedQuantity};

use super::{claimed, shown};
use crate::charts::escape;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 58.0;
/// Room at both ends, so that a label beside a point stays inside.
const MARGIN: f64 = 34.0;
const BAND_TOP: f64 = 18.0;
const BAND_HEIGHT: f64 = 22.0;

/// The picture; nothing where nothing was measured.
pub(super) fn draw(finding: &ClaimFinding) -> Option<String> {
    let estimate = finding.estimate?;
    let scale = Scale::of(finding, estimate);
    let middle = BAND_TOP + BAND_HEIGHT / 2.0;
    let words = format!("Measured {}, claimed {}", shown(finding, estimate.value), claimed(finding));
    let mut svg = format!(
        "<svg class=\"ruler\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escape(&words)
    );
    let (from, to) = (
        finding.claimed.least.map_or(0.0, |least| scale.place(least)),
        finding.claimed.most.map_or(WIDTH, |most| scale.place(most)),
    );
    let _ = write!(
        svg,
        "<line class=\"axis-line\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{middle}\" y2=\"{middle}\"/>\
         <rect class=\"claimed\" x=\"{from:.1}\" y=\"{BAND_TOP}\" width=\"{:.1}\" height=\"{BAND_HEIGHT}\"/>",
        (to - from).max(1.0)
    );
    for end in [finding.claimed.least, finding.claimed.most].into_iter().flatten() {
        label(&mut svg, "tick", scale.place(end), HEIGHT - 5.0, &shown(finding, end));
    }
    let [low, value, high] = [estimate.low, estimate.value, estimate.high].map(|one| scale.place(one));
    let _ = write!(
        svg,
        "<line class=\"whisker\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
         <circle class=\"point\" cx=\"{value:.1}\" cy=\"{middle}\" r=\"5\"/>"
    );
    label(&mut svg, "value", value, BAND_TOP - 5.0, &shown(finding, estimate.value));
    svg += "</svg>";
    Some(svg)
}

fn label(svg: &mut String, class: &str, x: f64, y: f64, words: &str) {
    // Text is anchored so that none of it leaves the picture.
    let anchor = match x {
        x if x < MARGIN => "start",
        x if x > WIDTH - MARGIN => "end",
        _ => "middle",
    };
    let _ = write!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>",
        escape(words)
    );
}

/// From values to places.
struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    fn of(finding: &ClaimFinding, estimate: ClaimEstimate) -> Self {
        let is_share = finding.figures.first().is_some_and(|figure| figure.unit == ClaimUnit::Share);
        if finding.claimed.of == ClaimedQuantity::First && is_share {
            return Scale { low: 0.0, high: 1.0, is_log: false };
        }
        let ends = [finding.claimed.least, finding.claimed.most].into_iter().flatten();
        let all: Vec<f64> =
            ends.chain([estimate.low, estimate.high]).filter(|value| value.is_finite()).collect();
        let (low, high) =
            all.iter().fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
        let is_log = low > 0.0;
        // An equal ratio is in the picture, so that one sees which side is larger.
        let low = if finding.claimed.of == ClaimedQuantity::Ratio { low.min(1.0) } else { low };
        let room = if is_log { 1.6 } else { (high - low).max(1.0) * 0.2 };
        if is_log {
            Scale { low: (low / room).ln(), high: (high * room).ln(), is_log }
        } else {
            Scale { low: low - room, high: high + room, is_log }
        }
    }

    fn place(&self, value: f64) -> f64 {
        let value = if self.is_log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let share = (value - self.low) / (self.high - self.low);
        6.0 + share.clamp(0.0, 1.0) * (WIDTH - 12.0)
    }
}
