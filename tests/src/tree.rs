//! The source tree as text, for rules that can be checked by reading.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A source file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path below the root, with slashes.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// The text up to the unit tests at its end.
    pub fn without_tests(&self) -> &str {
        self.text.split("\n#[cfg(test)]\n").next().unwrap_or(&self.text)
    }

    /// The lines that are no comments, with their numbers from 1.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// The directory of the workspace.
///
/// # Panics
/// Never: this crate lies in it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}

/// The crates' directories below the root, longest first.
pub const CRATES: [&str; 11] = [
    "bench/statistics",
    "bench/analysis",
    "bench/measure",
    "bench/record",
    "bench/report",
    "servers/http",
    "security",
    "servers",
    "clients",
    "bench",
    "tests",
];

/// All Rust sources of the workspace, in order of their paths.
pub fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for krate in CRATES {
        walk(&root().join(krate), &mut paths);
    }
    paths.sort();
    paths.dedup();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source is text");
        let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        Source { path, text }
    };
    paths.into_iter().map(read).collect()
}

fn walk(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" {
            walk(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Which module of the crate in `krate` uses which, by `use` and by paths that begin with `crate` or `super`. Unit tests
/// do not count, nor does a parent that declares its children.
pub fn uses(krate: &str, sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let prefix = format!("{krate}/src/");
    let inside: Vec<_> = sources.iter().filter(|source| source.path.starts_with(&prefix)).collect();
    let modules: BTreeMap<String, &Source> =
        inside.iter().map(|source| (module(&source.path[prefix.len()..]), *source)).collect();
    let mut graph = BTreeMap::new();
    for (name, source) in &modules {
        let targets = paths(source.without_tests()).into_iter().filter_map(|path| resolve(name, &path));
        let owners = targets.filter_map(|target| owner(&target, |known| modules.contains_key(known)));
        graph.insert(name.clone(), owners.filter(|owner| owner != name).collect());
    }
    graph
}

/// `kit/stop.rs` is `kit::stop`, `kit/mod.rs` is `kit`, `lib.rs` is nothing.
fn module(file: &str) -> String {
    let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(stem, "lib" | "main" | "mod") { String::new() } else { stem.replace('/', "::") }
}

/// Every path in `text` that begins with `crate::`, `super::` or `self::`, lists in braces unfolded.
fn paths(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|before| !before.is_alphanumeric() && !"_:$".contains(before)) {
                unfold(&code[at..], String::new(), &mut found);
            }
        }
    }
    found
}

/// Reads one path from the start of `text`; returns how many octets it took.
fn unfold(text: &str, before: String, found: &mut Vec<String>) -> usize {
    let simple =
        text.find(|next: char| !next.is_alphanumeric() && !"_:".contains(next)).unwrap_or(text.len());
    let path = format!("{before}{}", &text[..simple]);
    if !(path.ends_with("::") && text[simple..].starts_with('{')) {
        found.push(path.trim_end_matches(':').to_owned());
        return simple;
    }
    let mut at = simple + 1;
    while let Some(next) = text[at..].chars().next() {
        if next == '}' {
            return at + 1;
        }
        at += if next.is_alphanumeric() || next == '_' {
            unfold(&text[at..], path.clone(), found)
        } else {
            next.len_utf8()
        };
    }
    at
}

/// The absolute path of `path`, as it stands in `module`.
fn resolve(module: &str, path: &str) -> Option<String> {
    if let Some(rest) = path.strip_prefix("crate::") {
        return Some(rest.to_owned());
    }
    let (mut base, mut rest) = (module, path);
    while let Some(shorter) = rest.strip_prefix("super::") {
        if base.is_empty() {
            return None;
        }
        (base, rest) = (base.rsplit_once("::").map_or("", |(parent, _)| parent), shorter);
    }
    Some(if base.is_empty() { rest.to_owned() } else { format!("{base}::{rest}") })
}

/// The module in which `path` is defined: the longest known beginning of it.
fn owner(path: &str, known: impl Fn(&str) -> bool) -> Option<String> {
    let mut path = path;
    loop {
        if known(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}

/// A circle in `graph`, as the modules on the way; `None` if there is none.
pub fn circle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| follow(graph, start, &mut Vec::new(), &mut done))
}

fn follow(
    graph: &BTreeMap<String, BTreeSet<String>>,
    at: &str,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(first) = way.iter().position(|module| module == at) {
        // Told from its first module by name, so that the same circle always reads the same.
        let mut circle = way[first..].to_vec();
        let start = (0..circle.len()).min_by_key(|&index| circle[index].clone()).unwrap_or(0);
        circle.rotate_left(start);
        circle.push(circle[0].clone());
        return Some(circle);
    }
    if !done.insert(at.to_owned()) {
        return None;
    }
    way.push(at.to_owned());
    let found = graph.get(at).into_iter().flatten().find_map(|next| follow(graph, next, way, done));
    way.pop();
    found
}

#[cfg(test)]
mod tests {
    use super::{Source, circle, uses};

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn circles_are_found_through_lists_and_parents() {
        let one = source("x/src/one.rs", "use crate::{deep::two::{Thing, Other}, three};\n");
        let three = source("x/src/three.rs", "// use crate::one;\nuse std::io;\n");
        let two = source("x/src/deep/two.rs", "use super::super::three::A;\n");
        let tree = [one.clone(), three.clone(), two];
        let graph = uses("x", &tree);
        assert_eq!(graph["one"].iter().collect::<Vec<_>>(), ["deep::two", "three"]);
        assert_eq!(graph["deep::two"].iter().collect::<Vec<_>>(), ["three"]);
        assert_eq!(circle(&graph), None);
        let two =
            source("x/src/deep/two.rs", "fn f() { super::super::one::g() }\n#[cfg(test)]\nmod tests {}\n");
        let found = circle(&uses("x", &[one.clone(), three.clone(), two])).expect("a circle");
        assert!(found.contains(&"one".to_owned()) && found.contains(&"deep::two".to_owned()), "{found:?}");
        let two = source("x/src/deep/two.rs", "\n#[cfg(test)]\nmod tests { use crate::one; }\n");
        assert_eq!(circle(&uses("x", &[one, three, two])), None);
    }
}
