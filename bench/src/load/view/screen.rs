//! The picture of a run under way.

use dyno_clients::books::coarse::Coarse;
use dyno_clients::books::glance::Glance;
use dyno_clients::books::histogram::samples_beyond;
use dyno_clients::limits::SAMPLES_BEYOND_MIN;
use dyno_units::show;
use dyno_units::text::{cut, cut_middle};
use dyno_units::verdict::Verdict;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::ViewFacts;
use super::forming::forming;
use super::moments::Moments;

const PERCENTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];
/// Columns of the table of percentiles.
const TABLE_COLUMNS: u16 = 24;

/// Draws the picture in whatever room there is.
pub(crate) fn draw(
    frame: &mut Frame,
    facts: &ViewFacts,
    glance: &Glance,
    moments: &Moments,
    latencies: &Coarse,
) {
    let whole = frame.area();
    let [head, middle, histogram, foot] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(8),
        Constraint::Min(0),
        Constraint::Length(2),
    ])
    .areas(whole);
    frame.render_widget(Paragraph::new(heading(facts, glance, head.width)), head);
    let [rate, table] =
        Layout::horizontal([Constraint::Min(20), Constraint::Length(TABLE_COLUMNS)]).areas(middle);
    draw_rate(frame, glance, moments, rate);
    frame.render_widget(Paragraph::new(table_of(glance, latencies)), table);
    frame.render_widget(Paragraph::new(bars(latencies, histogram)), histogram);
    frame.render_widget(Paragraph::new(verdict(facts, glance, latencies, foot.width)), foot);
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn heading<'a>(facts: &'a ViewFacts, glance: &Glance, columns: u16) -> Vec<Line<'a>> {
    let columns = usize::from(columns);
    let title = cut_middle(&facts.title, columns.saturating_sub(11));
    let (share, left) = facts.progress(glance);
    let state = match glance.now_ns {
        0 => "opening connections".to_string(),
        now if now < facts.warm_up_ns => format!("warm-up · {left}"),
        _ => left,
    };
    let room = columns.saturating_sub(state.chars().count() + 2);
    let done = (share.clamp(0.0, 1.0) * room as f64).round() as usize;
    vec![
        Line::from(vec![Span::styled("dyno load  ", Modifier::BOLD), Span::raw(title)]),
        Line::styled(cut(&facts.plan, columns), dim()),
        Line::from(vec![
            Span::styled("━".repeat(done), Color::Cyan),
            Span::styled("─".repeat(room - done), dim()),
            Span::raw(format!("  {state}")),
        ]),
    ]
}

fn draw_rate(frame: &mut Frame, glance: &Glance, moments: &Moments, area: Rect) {
    let [words, chart, below] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(2)]).areas(area);
    let now = moments.rates_per_s().next_back().unwrap_or(0.0);
    let rate = vec![Span::styled(show::rate(now), Modifier::BOLD), Span::raw(" answers/s now")];
    frame.render_widget(Paragraph::new(Line::from(rate)), words);
    let columns = usize::from(chart.width.saturating_sub(2));
    let latest: Vec<u64> = moments.rates_per_s().rev().take(columns).map(|rate| rate as u64).collect();
    let chart = Rect { width: chart.width.saturating_sub(2), ..chart };
    let bars: Vec<u64> = latest.into_iter().rev().collect();
    frame.render_widget(Sparkline::default().data(bars).style(Style::new().fg(Color::Cyan)), chart);
    let window = &glance.window;
    let counts = format!(
        "{} answered · {} failed · {} waiting",
        show::whole(glance.completed),
        show::whole(glance.failed),
        show::whole(glance.backlog)
    );
    let mean = format!(
        "{}/s since the warm-up",
        show::rate(window.answered as f64 * 1e9 / window.elapsed_ns.max(1) as f64)
    );
    let mean = if window.elapsed_ns > 0 { mean } else { String::new() };
    frame.render_widget(Paragraph::new(vec![Line::raw(mean), Line::styled(counts, dim())]), below);
}

fn table_of<'a>(glance: &Glance, latencies: &Coarse) -> Vec<Line<'a>> {
    let row = |name: String, value: String| Line::raw(format!("{name:>9} {value:>13}"));
    let count = latencies.count();
    let mut lines = vec![Line::styled(format!("{:>23}", "latency so far"), dim())];
    for quantile in PERCENTILES {
        let known = samples_beyond(count, quantile) >= SAMPLES_BEYOND_MIN;
        let value = latencies.quantile_ns(quantile).filter(|_| known);
        let value = value.map_or("–".to_string(), |ns| show::time(ns as f64));
        lines.push(row(show::quantile(quantile), value));
    }
    let max = if count > 0 { show::time(glance.window.max_ns as f64) } else { "–".into() };
    lines.push(row("max".into(), max));
    lines
}

/// The histogram, a row for each class of two to a doubling or coarser, as many as there is room for.
fn bars<'a>(latencies: &Coarse, area: Rect) -> Vec<Line<'a>> {
    let rows = usize::from(area.height.saturating_sub(1));
    let (Some(low), Some(high)) = (latencies.quantile_ns(1e-9), latencies.quantile_ns(1.0)) else {
        return Vec::new();
    };
    if rows == 0 {
        return Vec::new();
    }
    let (low, high) = (low as f64 * 0.93, high as f64 * 1.07);
    let doublings = (high / low).log2();
    let steps = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
    let step = steps.into_iter().find(|step| doublings / step <= rows as f64).unwrap_or(16.0);
    let first = (low.log2() / step).floor();
    let count = ((high.log2() / step).ceil() - first).max(1.0) as usize;
    let edge = |place: usize| (step * (first + place as f64)).exp2();
    let counts: Vec<u64> = (0..count.min(rows))
        .map(|place| latencies.between(edge(place) as u64, edge(place + 1) as u64))
        .collect();
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let room = usize::from(area.width).saturating_sub(11 + 20);
    let mut lines = vec![Line::styled("from       answers, by total latency", dim())];
    for (place, count) in counts.into_iter().enumerate() {
        let eighths = (count as f64 / most as f64 * room as f64 * 8.0).ceil() as usize;
        let mut bar = "█".repeat(eighths / 8);
        bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
        let share = show::share(count as f64 / latencies.count().max(1) as f64);
        let told = if count > 0 { format!("{:>10} {share:>8}", show::whole(count)) } else { String::new() };
        lines.push(Line::from(vec![
            Span::raw(format!("{:>9}  ", show::time(edge(place)))),
            Span::styled(format!("{bar:<room$}"), Color::Cyan),
            Span::styled(told, dim()),
        ]));
    }
    lines
}

/// What the run's verdict would hang on, were it over now.
fn verdict<'a>(facts: &ViewFacts, glance: &Glance, latencies: &Coarse, columns: u16) -> Vec<Line<'a>> {
    let (verdict, words) = forming(facts, glance, latencies);
    let colour = match verdict {
        Some(Verdict::Sound) => Color::Green,
        Some(Verdict::Doubtful | Verdict::AtLeast) | None => Color::Yellow,
        Some(Verdict::Void) => Color::Red,
    };
    let columns = usize::from(columns);
    vec![
        Line::styled(cut(&words, columns), Style::new().fg(colour).add_modifier(Modifier::BOLD)),
        Line::styled(
            cut(&format!("Ctrl-C ends it, figures stay · generator {}", facts.placement), columns),
            dim(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use dyno_clients::books::glance::WindowGlance;
    use dyno_clients::plan::Length;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn facts() -> ViewFacts {
        ViewFacts {
            title: "http://127.0.0.1:8080/".into(),
            plan: "open loop, poisson 5000/s · 64 connections · 10.0 s after 1.00 s warm-up".into(),
            placement: "on core 1, which the server does not use".into(),
            warm_up_ns: 1_000_000_000,
            length: Length::Duration(10_000_000_000),
            open_loop: true,
            errors_max: 0.01,
        }
    }

    fn under_way() -> (Glance, Coarse, Moments) {
        let mut latencies = Coarse::default();
        (0..20_000u64).for_each(|number| latencies.record(60_000 + number % 997 * 300));
        let window = WindowGlance {
            elapsed_ns: 4_000_000_000,
            answered: 20_000,
            completed: 20_000,
            sum_ns: 4_000_000_000,
            max_ns: 358_800,
            ..WindowGlance::default()
        };
        let mut glance = Glance { now_ns: 5_000_000_000, completed: 25_000, window, ..Glance::default() };
        let mut moments = Moments::default();
        for step in 0..50u64 {
            moments.add(&Glance { now_ns: step * 100_000_000, completed: step * 500, ..Glance::default() });
        }
        moments.add(&glance);
        glance.sent = 25_000;
        (glance, latencies, moments)
    }

    fn drawn(
        width: u16,
        height: u16,
        facts: &ViewFacts,
        glance: &Glance,
        moments: &Moments,
        of: &Coarse,
    ) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, facts, glance, moments, of)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn everything_is_read_at_80_and_at_60_columns() {
        let (glance, latencies, moments) = under_way();
        for (width, height) in [(80, 24), (60, 24), (120, 40)] {
            let text = drawn(width, height, &facts(), &glance, &moments, &latencies);
            for words in [
                "http://127.0.0.1:8080/",
                "6.00 s left",
                "5000 answers/s now",
                "p99.9",
                "max",
                "359 µs",
                "answers, by total latency",
                "█",
                "sound so far",
                "on core 1",
                "25,000 answered",
            ] {
                assert!(text.contains(words), "{width}x{height}: {words}\n{text}");
            }
        }
    }

    #[test]
    fn no_size_and_no_moment_of_a_run_is_too_much() {
        let (glance, latencies, moments) = under_way();
        for (width, height) in [(1, 1), (10, 3), (20, 8), (200, 5), (300, 100)] {
            drawn(width, height, &facts(), &glance, &moments, &latencies);
            drawn(width, height, &facts(), &Glance::default(), &Moments::default(), &Coarse::default());
        }
    }

    #[test]
    fn the_verdict_forms_by_what_weighs_most() {
        let (glance, latencies, _) = under_way();
        let told = |change: fn(&mut Glance)| {
            let mut changed = glance;
            change(&mut changed);
            forming(&facts(), &changed, &latencies).1
        };
        for (words, change) in [
            ("sound", (|_| {}) as fn(&mut Glance)),
            ("no verdict yet", |g| g.window = WindowGlance::default()),
            ("void so far", |g| g.window.failed = 1_000),
            ("doubtful so far: 3 requests", |g| g.window.failed = 3),
            ("saturated", |g| g.backlog = 5_000),
            ("has work", |g| g.busy_ns = g.now_ns),
            ("late", |g| g.window.lag_sum_ns = 2_000_000_000),
        ] {
            assert!(told(change).contains(words), "{words}: {}", told(change));
        }
        assert!(forming(&facts(), &glance, &Coarse::default()).1.contains("too few"));
    }
}
