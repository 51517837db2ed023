//! The source tree as text, for rules that can be checked by reading.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

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

/// A member of the workspace, as its manifest describes it.
#[derive(Debug, Clone)]
pub struct Crate {
    /// Its directory below the root, with slashes.
    pub directory: String,
    /// The crates of this workspace that it depends on.
    pub knows: Vec<String>,
    /// Those that only its tests, benchmarks and examples depend on.
    pub tests_know: Vec<String>,
    /// Everything that it depends on, whoever wrote it and in whichever table it stands.
    pub dependencies: Vec<String>,
    /// What the package section says, for example `license`.
    pub package: Table,
}

impl Crate {
    /// Whether `path` is one of its files under `src`.
    pub fn has(&self, path: &str) -> bool {
        path.strip_prefix(&self.directory).is_some_and(|rest| rest.starts_with("/src/"))
    }
}

/// The directory of the workspace.
///
/// # Panics
/// Never: this crate lies in it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}

/// The members of the workspace, in the order of the root manifest. A crate that joins is found without a word here.
///
/// # Panics
/// When a manifest is absent or is no TOML: cargo would not have built this crate then.
pub fn crates() -> Vec<Crate> {
    let workspace = manifest(root());
    let members = workspace["workspace"]["members"].as_array().expect("the root manifest lists members");
    let directories = members.iter().map(|member| member.as_str().expect("a member is a path").to_owned());
    directories.map(read_crate).collect()
}

fn read_crate(directory: String) -> Crate {
    let manifest = manifest(&root().join(&directory));
    let mut found = Vec::new();
    collect(&manifest, &mut found);
    let ours = |wanted: bool| {
        let of_kind = found.iter().filter(|(table, _)| (table == "dev-dependencies") == wanted);
        of_kind.map(|(_, name)| name.clone()).filter(|name| name.starts_with("dyno-")).collect()
    };
    let (knows, tests_know) = (ours(false), ours(true));
    let dependencies = found.into_iter().map(|(_, name)| name).collect();
    let package = manifest.get("package").and_then(Value::as_table).cloned().unwrap_or_default();
    Crate { directory, knows, tests_know, dependencies, package }
}

fn manifest(directory: &Path) -> Table {
    let path = directory.join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Adds each dependency to `found`, behind the name of its table. Such tables may lie under `target`.
fn collect(manifest: &Table, found: &mut Vec<(String, String)>) {
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            found.extend(table.keys().map(|name| (key.clone(), name.clone())));
        } else {
            collect(table, found);
        }
    }
}

/// All Rust sources of the workspace, in order of their paths.
///
/// # Panics
/// When a source is no text.
pub fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for krate in crates() {
        walk(&root().join(krate.directory), &mut paths);
    }
    paths.sort();
    // A crate that lies in the directory of another one was walked twice.
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
