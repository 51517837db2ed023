//! What programs that take part in an experiment say to the one that measures them, a line each.

/// The line by which a generator says that its load begins: all connections are open, and requests begin to fall due.
pub const STARTED: &str = "started";
