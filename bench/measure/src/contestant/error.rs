//! Why a contestant cannot take part.

use std::io;
use std::path::PathBuf;

/// Why a contestant cannot take part.
#[derive(Debug, thiserror::Error)]
pub enum ContestantError {
    /// No architecture has this name.
    #[error("there is no architecture {name}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The known name that is nearest to it, if one is near.
        guess: Option<&'static str>,
    },
    /// The architecture has no variants, but the name asks for one.
    #[error("{architecture} has no arms, so {name} names nothing")]
    NoArms {
        /// The architecture.
        architecture: &'static str,
        /// The name that was given.
        name: String,
    },
    /// The program cannot find its own file, so it cannot start servers.
    #[error("cannot find this program's own file: {0}")]
    OwnProgram(io::Error),
    /// A file of servers cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The program of a server is not installed.
    #[error("{label}: there is no program {program}")]
    NoProgram {
        /// The server.
        label: String,
        /// Its program.
        program: String,
    },
    /// A well-known server is not installed.
    #[error("{label} is not installed here")]
    PeerMissing {
        /// Its name.
        label: String,
    },
    /// A server has no command.
    #[error("the server {0} has an empty command")]
    NoCommand(String),
    /// What a server is asked for begins with no slash.
    #[error("{label}: '{path}' is no path; it begins with a slash")]
    NoPath {
        /// The server.
        label: String,
        /// What stands for its path.
        path: String,
    },
    /// The directory of a server is not there.
    #[error("{label}: there is no directory {}", directory.display())]
    NoDirectory {
        /// The server.
        label: String,
        /// Its directory.
        directory: PathBuf,
    },
    /// The environment of a server holds what has no name.
    #[error("{label}: '{variable}' is no name of a variable")]
    NoVariable {
        /// The server.
        label: String,
        /// What stands for a name.
        variable: String,
    },
    /// A file does not describe servers; the text names line and column.
    #[error("{name} does not describe servers\n{error}")]
    NoServers {
        /// The file.
        name: String,
        /// What is wrong with it.
        error: toml::de::Error,
    },
    /// A file of servers has a key that means nothing.
    #[error("{name}: {key} is no key of a file of servers")]
    UnknownKey {
        /// The file.
        name: String,
        /// The key.
        key: String,
    },
}
