//! A visit as a picture: one row a fetch, time from left to right; as text and as SVG.

use std::fmt::Write;

use crate::browser::fetch::{Fetched, Visit};
use dyno_units::paint::{Paint, Tone};
use dyno_units::show;
use dyno_units::text::cut_middle;

/// Columns of the bars.
const COLUMNS: u64 = 40;

/// Columns of an address.
const ADDRESS_COLUMNS: usize = 14;

/// Characters of an address in the picture.
const SVG_ADDRESS_COLUMNS: usize = 26;

/// What the bars are made of.
const LEGEND: &str = "                ░ connecting and sending  ▒ waiting for an answer  █ receiving";

/// As text, 80 columns.
pub fn text(visit: &Visit, paint: Paint) -> String {
    let mut out = String::new();
    let at = |ns: u64| (ns * COLUMNS / visit.elapsed_ns.max(1)) as usize;
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{}",
        paint.dim("thread  what    when                                     took     address")
    );
    for fetch in &visit.fetches {
        let (begin, sent, first) = (at(fetch.begin_ns), at(fetch.sent_ns), at(fetch.first_octet_ns));
        let end = at(fetch.end_ns).max(first + 1).min(COLUMNS as usize);
        let mut bar = " ".repeat(begin);
        bar.push_str(&"░".repeat(sent - begin));
        bar.push_str(&"▒".repeat(first - sent));
        bar.push_str(&"█".repeat(end.saturating_sub(first)));
        let padding = " ".repeat((COLUMNS as usize + 1).saturating_sub(bar.chars().count()));
        let took = show::time((fetch.end_ns - fetch.begin_ns) as f64);
        let name = cut_middle(path(fetch), ADDRESS_COLUMNS);
        let line = format!(
            "{:>6}  {:<7} {}{padding}{took:<8} {name}",
            fetch.thread,
            fetch.kind.name(),
            paint.tone(Tone::Note, &bar)
        );
        let _ = writeln!(out, "{}", line.trim_end());
        if let Some(error) = &fetch.error {
            let _ = writeln!(out, "        {}", paint.tone(Tone::Bad, &format!("✗ {}: {error}", fetch.url)));
        }
    }
    let _ = writeln!(out, "{}", paint.dim(LEGEND));
    out
}

fn path(fetch: &Fetched) -> &str {
    fetch.url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|i| &rest[i..])).unwrap_or(&fetch.url)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const ROW: u64 = 20;
const LEFT: u64 = 270;
const WIDTH: u64 = 600;

/// As SVG 1.1, which loads nothing and reads in light and dark.
pub fn svg(visit: &Visit) -> String {
    let height = ROW * (visit.fetches.len() as u64 + 2);
    let total = LEFT + WIDTH + 90;
    let x = |ns: u64| LEFT as f64 + ns as f64 * WIDTH as f64 / visit.elapsed_ns.max(1) as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {total} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<title>{} by {} in {}</title>\n<style>text{{fill:#222}}.s{{fill:#9aa5b1}}\
         .w{{fill:#e0b354}}.r{{fill:#3b7dd8}}.b{{fill:#fff}}@media(prefers-color-scheme:dark){{text{{fill:#ddd}}\
         .b{{fill:#1b1e23}}}}</style>\n<rect class=\"b\" width=\"{total}\" height=\"{height}\"/>\n",
        show::count(visit.fetches.len(), "request"),
        show::many(u64::from(visit.threads), "thread"),
        show::time(visit.elapsed_ns as f64)
    );
    let _ = writeln!(
        out,
        "<text x=\"4\" y=\"14\">{}, {}, {}</text>",
        show::count(visit.fetches.len(), "request"),
        show::many(u64::from(visit.threads), "thread"),
        show::time(visit.elapsed_ns as f64)
    );
    for (i, (class, words)) in
        [("s", "connect and send"), ("w", "wait for the answer"), ("r", "receive")].into_iter().enumerate()
    {
        let at = LEFT + i as u64 * 160;
        let _ = writeln!(out, "<rect class=\"{class}\" x=\"{at}\" y=\"3\" width=\"14\" height=\"14\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"14\">{words}</text>", at + 20);
    }
    for (i, fetch) in visit.fetches.iter().enumerate() {
        let y = ROW * (i as u64 + 1) + 8;
        let name = cut_middle(path(fetch), SVG_ADDRESS_COLUMNS);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<text x=\"4\" y=\"{}\">thread {}: {} {}</text>",
            y + 14,
            fetch.thread,
            fetch.kind.name(),
            escaped(&name)
        );
        let stretches = [
            ("s", fetch.begin_ns, fetch.sent_ns),
            ("w", fetch.sent_ns, fetch.first_octet_ns),
            ("r", fetch.first_octet_ns, fetch.end_ns),
        ];
        for (class, from_ns, to_ns) in stretches {
            let width = (x(to_ns) - x(from_ns)).max(0.5);
            let (at, y) = (x(from_ns), y + 3);
            let _ = writeln!(
                out,
                "<rect class=\"{class}\" x=\"{at:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"14\"/>"
            );
        }
        let took = show::time((fetch.end_ns - fetch.begin_ns) as f64);
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{}\">{took}</text>", x(fetch.end_ns) + 4.0, y + 14);
    }
    out.push_str("</svg>\n");
    out
}
