//! Which module imports which, read from the text, and whether the imports go round in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::Source;

/// For each module the modules that it uses.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// Which module of the crate in the directory `krate` uses which, by `use` and by paths that begin with `crate` or
/// `super`. Unit tests do not count, nor does a parent that declares its children.
pub fn uses(krate: &str, sources: &[Source]) -> Graph {
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

/// The same graph seen from each folder: its children are rooms, and what lies deeper counts for the room that it
/// lies in. `x.rs` and the folder `x/` are one room. Gives a graph for each folder; the crate itself is the folder
/// named "".
pub fn rooms(modules: &Graph) -> BTreeMap<String, Graph> {
    let mut folders: BTreeMap<String, Graph> = BTreeMap::new();
    for (from, targets) in modules {
        for folder in ancestors(from) {
            let Some(room) = child(folder, from) else { continue };
            let others = targets.iter().filter_map(|target| child(folder, target));
            let others: Vec<_> = others.filter(|other| *other != room).map(str::to_owned).collect();
            folders.entry(folder.to_owned()).or_default().entry(room.to_owned()).or_default().extend(others);
        }
    }
    folders
}

/// Every folder above `module`, the crate first: "", `a`, `a::b` for `a::b::c`.
fn ancestors(module: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(module.match_indices("::").map(|(at, _)| &module[..at]))
}

/// The child of `folder` in which `module` lies: `a::b` for `a` and `a::b::c`, nothing for `a` and `x::y`.
fn child<'a>(folder: &str, module: &'a str) -> Option<&'a str> {
    let start = if folder.is_empty() {
        0
    } else {
        module.strip_prefix(folder)?.strip_prefix("::").map(|_| folder.len() + 2)?
    };
    let rest = &module[start..];
    let end = rest.find("::").map_or(module.len(), |at| start + at);
    (!rest.is_empty()).then(|| &module[..end])
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
pub fn circle(graph: &Graph) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| follow(graph, start, &mut Vec::new(), &mut done))
}

fn follow(
    graph: &Graph,
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
    use super::{Source, circle, rooms, uses};

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
    #[test]
    fn circles_of_folders_are_found_where_files_have_none() {
        let tree = [
            source("x/src/one/low.rs", ""),
            source("x/src/one/high.rs", "use crate::two::middle::A;\n"),
            source("x/src/two/middle.rs", "use crate::one::low::B;\n"),
            source("x/src/three.rs", "use crate::three::part::C;\n"),
            source("x/src/three/part.rs", "use crate::one::high::D;\n"),
        ];
        let modules = uses("x", &tree);
        assert_eq!(circle(&modules), None);
        let folders = rooms(&modules);
        assert_eq!(circle(&folders[""]).expect("a circle"), ["one", "two", "one"]);
        assert_eq!(folders[""]["three"].iter().collect::<Vec<_>>(), ["one"]);
        assert_eq!(circle(&folders["one"]), None);
    }

    #[test]
    fn circles_deeper_down_are_told_from_their_folder() {
        let tree = [
            source("x/src/a/b/low.rs", ""),
            source("x/src/a/b/high.rs", "use crate::a::c::D;\n"),
            source("x/src/a/c.rs", "use super::b::low::E;\n"),
        ];
        let folders = rooms(&uses("x", &tree));
        assert_eq!(circle(&folders[""]), None);
        assert_eq!(circle(&folders["a"]).expect("a circle"), ["a::b", "a::c", "a::b"]);
    }
}
