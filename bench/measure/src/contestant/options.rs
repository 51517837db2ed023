//! What Dyno's own servers are told beyond their name, in the words of their command line.

/// An option of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServeOption {
    /// So many workers.
    Workers(u32),
    /// The services that crash.
    Faults,
    /// Every connection is traced.
    Trace,
    /// So many rounds of the work loop make a microsecond.
    ComputeRounds(u64),
}

/// The words of these options.
pub(crate) fn words(options: &[ServeOption]) -> Vec<String> {
    let each = |option: &ServeOption| match option {
        ServeOption::Workers(workers) => vec!["--workers".to_string(), workers.to_string()],
        ServeOption::Faults => vec!["--faults".to_string()],
        ServeOption::Trace => vec!["--trace".to_string(), "100%".to_string()],
        ServeOption::ComputeRounds(rounds) => {
            vec!["--compute-rounds-per-us".to_string(), rounds.to_string()]
        }
    };
    options.iter().flat_map(each).collect()
}
