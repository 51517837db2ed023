//! The commands, by what they are for.

/// The purposes, and the commands for each. Each command stands in one group.
pub(crate) const GROUPS: [(&str, &[&str]); 7] = [
    ("Measure", &["compare", "curve", "scale", "connections", "count", "duel", "run"]),
    ("Where designs part", &["overload", "waiting", "isolation"]),
    ("Explain and report", &["choose", "explain", "trace", "report", "diff"]),
    ("Learn", &["learn", "textbook", "watch"]),
    (
        "Serve and load",
        &["serve", "superserver", "cluster", "control", "list", "load", "merge", "probe", "browse"],
    ),
    ("Security", &["keys", "demo"]),
    ("This machine and program", &["doctor", "calibrate", "completions", "man", "help"]),
];

/// The names of all commands.
pub(crate) fn commands() -> Vec<&'static str> {
    GROUPS.into_iter().flat_map(|(_, names)| names).copied().collect()
}
