//! The page: its files, which stand in this program.

use dyno_report::PALETTE;
use dyno_servers::{architectures, services};
use serde_json::json;

use super::director::FAULTS;
use super::scenes::{SCENES, Scene};

/// A browser takes nothing from elsewhere, runs no script but these, sends nothing but to here, and shows the page in
/// no frame.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the page, by its path: what it is, and its text.
pub(crate) fn file(path: &str) -> Option<(&'static str, String)> {
    let script = |text: &str| Some((SCRIPT, text.to_string()));
    match path {
        "/" => Some((HTML, include_str!("page/index.html").to_string())),
        "/watch.css" => Some((CSS, [PALETTE, include_str!("page/watch.css")].concat())),
        "/icon.svg" => Some(("image/svg+xml", include_str!("page/icon.svg").to_string())),
        "/main.js" => script(include_str!("page/main.js")),
        "/feed.js" => script(include_str!("page/feed.js")),
        "/machine.js" => script(include_str!("page/machine.js")),
        "/playback.js" => script(include_str!("page/playback.js")),
        "/figures.js" => script(include_str!("page/figures.js")),
        "/controls.js" => script(include_str!("page/controls.js")),
        "/facts.js" => Some((SCRIPT, facts())),
        _ => None,
    }
}

/// What this program knows and the page offers: architectures, services, faults, scenes.
fn facts() -> String {
    let designs: Vec<_> = architectures::ALL
        .iter()
        .map(|one| {
            json!({
                "name": one.name,
                "idea": one.idea,
                "family": one.family.to_string(),
                "workers": one.knobs.contains(&dyno_servers::architecture::Knob::Workers),
            })
        })
        .collect();
    let paths: Vec<_> = services::ALL
        .iter()
        .filter(|service| service.segment != "fault")
        .map(|service| json!({ "path": service.path, "idea": service.idea }))
        .collect();
    let scenes: Vec<_> = SCENES.iter().map(Scene::shown).collect();
    let facts = json!({
        "designs": designs,
        "services": paths,
        "faults": FAULTS,
        "admissions": ["bounded", "codel-lifo", "deadline", "gradient"],
        "transports": ["plain", "channel", "tls"],
        "scenes": scenes,
        "version": env!("CARGO_PKG_VERSION"),
    });
    format!("export default {facts};\n")
}

#[cfg(test)]
mod tests {
    use dyno_security::transport::Transport;
    use dyno_servers::admission::Control;

    use super::*;

    #[test]
    fn the_page_has_all_files_that_it_names_and_loads_nothing_else() {
        let mut left = vec!["/".to_string()];
        let mut met: Vec<String> = Vec::new();
        while let Some(path) = left.pop() {
            let (_, text) = file(&path).unwrap_or_else(|| panic!("{path} is not there"));
            assert!(!text.contains("https://") && !text.contains("eval("), "{path}");
            let quoted = text
                .split(['"', '\''])
                .filter(|part| [".js", ".css", ".svg"].iter().any(|end| part.ends_with(end)));
            for name in quoted.map(|part| format!("/{}", part.trim_start_matches(['.', '/']))) {
                if !met.contains(&name) {
                    met.push(name.clone());
                    left.push(name);
                }
            }
        }
        assert_eq!(met.len(), 9, "{met:?}");
        let (_, html) = file("/").unwrap();
        assert!(!html.contains("style=") && !html.contains(" onclick"), "the policy allows neither");
    }

    #[test]
    fn what_the_page_offers_is_known_here() {
        let (_, facts) = file("/facts.js").unwrap();
        for architecture in architectures::ALL {
            assert!(facts.contains(&format!("\"name\":\"{}\"", architecture.name)), "{}", architecture.name);
        }
        let text = facts.trim_start_matches("export default ").trim_end_matches(";\n");
        let facts: serde_json::Value = serde_json::from_str(text).unwrap();
        for name in facts["admissions"].as_array().unwrap() {
            assert!(name.as_str().unwrap().parse::<Control>().is_ok(), "{name}");
        }
        let transports = Transport::ALL.map(Transport::name);
        assert_eq!(facts["transports"], json!(transports));
        assert_eq!(facts["scenes"].as_array().unwrap().len(), SCENES.len());
    }
}
