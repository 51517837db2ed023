//! The options that set what a chapter reads.

use dyno_servers::architecture::Knob;

/// The command-line option that sets a knob of a chapter.
pub(crate) fn option(knob: Knob) -> &'static str {
    match knob {
        Knob::Workers => "--workers",
        Knob::Queue => "--queue",
        Knob::Arm => "--arm",
        Knob::MaxConnections => "--max-connections",
        Knob::Tower => "--admission tower",
    }
}
