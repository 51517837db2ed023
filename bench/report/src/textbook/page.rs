//! The page of the claims: a card for each, in groups.

use askama::Template;
use dyno_record::textbook::{ClaimFinding, ClaimVerdict, TextbookRun};
use dyno_units::show;

use super::{claimed, figures, ruler, shown, source, summary};
use crate::charts::escape;
use crate::error::ReportError;
use crate::machine;
use crate::page::{Page, SCRIPT, STYLE};
use crate::prose;
use crate::section::Section;

const OWN_STYLE: &str = include_str!("style.css");

/// The page: one file that loads nothing and reads without scripts.
///
/// # Errors
/// When it cannot be rendered, which would be a fault of this program.
pub fn html(run: &TextbookRun, command: &str) -> Result<String, ReportError> {
    let style = format!("{STYLE}{OWN_STYLE}");
    let environment = &run.environment;
    let mut warnings = Vec::new();
    if !environment.optimized {
        warnings
            .push("Built without optimization: the figures of this program's own steps say little.".into());
    }
    let mut sections: Vec<Section> = Vec::new();
    for finding in &run.findings {
        if sections.last().is_none_or(|last| last.title != finding.group) {
            let title = finding.group.clone();
            sections.push(Section { id: anchor(&title), title, body: String::new() });
        }
        if let Some(last) = sections.last_mut() {
            last.body += &card(finding);
        }
    }
    for section in &mut sections {
        section.body = format!("<div class=\"claims\">{}</div>", section.body);
    }
    sections.insert(0, overview(run));
    sections.push(Section {
        id: "machine",
        title: "The machine".into(),
        body: machine::facts(environment, None),
    });
    let page = Page {
        title: "What textbooks claim, tried on this machine".into(),
        facts: format!(
            "{} UTC · {}, {} · Linux {} · {}",
            show::moment(run.began_unix_ms),
            environment.processor,
            show::count(environment.cores, "core"),
            environment.kernel,
            environment.hypervisor.as_deref().unwrap_or("no hypervisor"),
        ),
        opening: "What it says",
        style: &style,
        style_hash: prose::sha256_base64(&style),
        script: SCRIPT,
        script_hash: prose::sha256_base64(SCRIPT),
        warnings,
        answer: String::new(),
        paragraphs: vec![
            summary(&run.findings),
            "In each picture the band is what is claimed, and the point with its line what was measured, with its 95 % interval. Ratios stand on a logarithmic scale.".into(),
        ],
        sections,
        version: &environment.dyno,
        origin: "from trials on this machine",
        command: command.to_string(),
        data: "{\"cells\":[],\"first\":0}".into(),
    };
    page.render().map_err(ReportError::Page)
}

/// The anchor of a group: its name is one of a fixed few.
fn anchor(group: &str) -> &'static str {
    const ANCHORS: [(&str, &str); 9] = [
        ("Starting", "starting"),
        ("Switching", "switching"),
        ("Waking", "waking"),
        ("Watching", "watching"),
        ("Sockets", "sockets"),
        ("Secrets", "secrets"),
        ("Waiting", "waiting"),
        ("Crashing", "crashing"),
        ("Loading", "loading"),
    ];
    ANCHORS.into_iter().find(|(name, _)| *name == group).map_or("others", |(_, anchor)| anchor)
}

fn class(verdict: ClaimVerdict) -> &'static str {
    match verdict {
        ClaimVerdict::Holds => "holds",
        ClaimVerdict::DoesNotHold => "fails",
        ClaimVerdict::NotDecided => "open",
    }
}

/// All claims in one table, by verdict.
fn overview(run: &TextbookRun) -> Section {
    let row = |finding: &ClaimFinding| {
        format!(
            "<tr><th scope=\"row\"><a href=\"#{0}\">{0}</a></th><td class=\"text\"><span class=\"badge {1}\">{2}</span></td><td class=\"text says\">{3}</td><td>{4}</td><td>{5}</td></tr>",
            escape(&finding.name),
            class(finding.verdict),
            finding.verdict.words(),
            escape(&finding.says),
            finding.estimate.map_or("–".to_string(), |estimate| shown(finding, estimate.value)),
            escape(&claimed(finding)),
        )
    };
    let rows: String = run.findings.iter().map(row).collect();
    let head = crate::sections::head(&[
        ("claim", false),
        ("verdict", false),
        ("what it says", false),
        ("measured", true),
        ("claimed", true),
    ]);
    let body = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All claims\"><table id=\"claims-table\" data-sort><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    );
    Section { id: "overview", title: "All claims".into(), body }
}

fn card(finding: &ClaimFinding) -> String {
    let figures: String =
        figures(finding).iter().map(|words| format!("<li>{}</li>", escape(words))).collect();
    let interval = finding.estimate.map_or(String::new(), |estimate| {
        format!(
            "<p>{} <small>({} to {}; {})</small>, claimed {}</p>",
            shown(finding, estimate.value),
            shown(finding, estimate.low),
            shown(finding, estimate.high),
            show::count(finding.rounds, "round"),
            escape(&claimed(finding)),
        )
    });
    format!(
        "<article class=\"claim {class}\" id=\"{name}\"><h3>{says}</h3><p class=\"note\">{source}</p>\
         <p><span class=\"badge {class}\">{verdict}</span></p>{ruler}{interval}<ul class=\"figures\">{figures}</ul>\
         <p>{because}</p><details><summary>How it was tried</summary><p>{trial} <code>dyno textbook {name}</code></p></details></article>",
        class = class(finding.verdict),
        name = escape(&finding.name),
        says = escape(&finding.says),
        source = escape(&source(&finding.source)),
        verdict = finding.verdict.words(),
        ruler = ruler::draw(finding).unwrap_or_default(),
        because = escape(&finding.because),
        trial = escape(&finding.trial),
    )
}
