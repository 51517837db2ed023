//! What the text of the sources must have, and what it must not.

use dyno_tests::tree::{Source, crates, sources};

use crate::Broken;

/// The crates that have a command line of their own, and so may speak of its flags.
const PROGRAMS: [&str; 3] = ["bench", "tests", "tests/instructions"];

pub(crate) fn unsafe_has_reason() -> Broken {
    let mut broken = Vec::new();
    for source in sources() {
        let lines: Vec<_> = source.text.lines().collect();
        for (number, line) in source.code() {
            let code = line.split("//").next().unwrap_or(line);
            let opens =
                ["unsafe {", "unsafe impl"].iter().any(|words| code.contains(words)) && !code.contains('"');
            if !opens {
                continue;
            }
            let is_core = ["security/src/", "servers/http/src/", "servers/proxy/src/"]
                .iter()
                .any(|core| source.path.starts_with(core));
            if is_core {
                broken.push(format!("{}:{number}: unsafe where none may be", source.path));
            }
            let near = &lines[number.saturating_sub(9)..number];
            if !near.iter().any(|line| line.contains("SAFETY:")) {
                broken.push(format!("{}:{number}: unsafe without its reason", source.path));
            }
        }
    }
    broken
}

pub(crate) fn nothing_left_to_do() -> Broken {
    // Put together here, so that this file does not find itself.
    let words = ["todo", "dbg", "unimplemented"].map(|word| format!("{word}!("));
    let marks = ["TO", "FIX"].map(|half| half.to_owned() + if half == "TO" { "DO" } else { "ME" });
    let ignored = format!("#[{}", "ignore");
    let mut broken = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            let is_left =
                words.iter().chain(&marks).chain([&ignored]).any(|word| line.contains(word.as_str()));
            if is_left {
                broken.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    broken
}

/// An integer is a count or has a unit, so some word of its name is a plural (BYTES, OCTETS, WORKERS); a Duration has
/// its unit in its type. Each has a comment that tells its reason.
pub(crate) fn limits_tell() -> Broken {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.ends_with("src/limits.rs")) {
        let mut comment = 0;
        for line in source.without_tests().lines() {
            if let Some(text) = line.trim_start().strip_prefix("///") {
                comment += text.len();
                continue;
            }
            let constant = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": "));
            if let Some((name, kind)) = constant {
                let whole = ["u", "i"].iter().any(|start| kind.starts_with(start));
                if whole && !name.split('_').any(|word| word.ends_with('S')) {
                    broken.push(format!("{}: {name} names neither a unit nor what it counts", source.path));
                }
                if comment < 20 {
                    broken.push(format!("{}: {name} has no reason", source.path));
                }
            }
            comment = 0;
        }
    }
    broken
}

/// Where a library writes the command lines of the programs that it starts.
const STARTS_PROGRAMS: [&str; 2] = ["bench/measure/src/contestant/", "bench/measure/src/rig/"];

/// Command lines belong to the program: the user of a library has no flag to set.
pub(crate) fn no_flags() -> Broken {
    let crates = crates();
    let libraries: Vec<_> =
        crates.iter().filter(|krate| !PROGRAMS.contains(&krate.directory.as_str())).collect();
    let mut broken = Vec::new();
    for Source { path, text } in sources() {
        let starts = STARTS_PROGRAMS.iter().any(|place| path.starts_with(place));
        if starts || !libraries.iter().any(|krate| krate.has(&path)) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            if let Some(flag) = flag(line) {
                broken.push(format!("{path}:{}: {flag}", index + 1));
            }
        }
    }
    broken
}

/// The first word of `line` that looks like an option: two dashes and at least two small letters.
fn flag(line: &str) -> Option<&str> {
    line.match_indices("--").find_map(|(at, _)| {
        let joined = |before: char| before.is_alphanumeric() || before == '-';
        // A custom property of a style sheet begins alike.
        let is_style = line[..at].ends_with("var(");
        let word = &line[at + 2..];
        let end = word.find(|next: char| !next.is_ascii_lowercase() && next != '-').unwrap_or(word.len());
        // An arrow of a drawing ends as it begins: --receive-->.
        let fits = end >= 2 && !word.starts_with('-') && !word[..end].ends_with('-');
        (fits && !is_style && !line[..at].ends_with(joined)).then(|| &line[at..at + 2 + end])
    })
}
