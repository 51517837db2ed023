//! Who is meant by a name on a command line: an architecture, an arm of one, a well-known server, or an architecture of
//! another build of this program.

use std::path::Path;

use super::error::ContestantError;
use super::{Contestant, own, peers};

/// What stands between an architecture and the program that serves it, in a label.
pub const OF_PROGRAM: char = '@';

/// The contestant of that name:
///
/// | name | who it is |
/// |---|---|
/// | `epoll` | an architecture of this program |
/// | `io-uring:tuned` | an arm of one |
/// | `nginx` | a well-known server that is installed here |
/// | `../old/dyno:epoll` | an architecture of another build of Dyno; its path has a slash |
///
/// # Errors
/// When there is none; the error names a known one that is similar.
pub fn named(name: &str) -> Result<Contestant, ContestantError> {
    if let Some((program, architecture)) = of_other_program(name) {
        return of_program(program, architecture);
    }
    match peers::of_label(name) {
        Some(Some(peer)) => Ok(peer),
        Some(None) => Err(ContestantError::PeerMissing { label: name.to_string() }),
        None => own::named(name),
    }
}

/// The path of a program and the name behind it; only a path with a slash is one.
fn of_other_program(name: &str) -> Option<(&str, &str)> {
    let file_at = name.rfind('/')? + 1;
    let colon = file_at + name[file_at..].find(':')?;
    Some((&name[..colon], &name[colon + 1..]))
}

/// An architecture as another build of this program serves it, labelled `epoll@dyno`.
///
/// # Errors
/// When there is no such program or no such architecture; what the other build knows is asked when it starts.
pub fn of_program(program: &str, architecture: &str) -> Result<Contestant, ContestantError> {
    let mut found = own::named(architecture)?;
    if super::find(program).is_none() {
        return Err(ContestantError::NoProgram {
            label: architecture.to_string(),
            program: program.to_string(),
        });
    }
    let stem = Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    found.command[0] = program.to_string();
    found.label = format!("{}{OF_PROGRAM}{stem}", found.label);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_slash_names_another_program() {
        for (name, parts) in [
            ("epoll", None),
            ("io-uring:tuned", None),
            ("./dyno:epoll", Some(("./dyno", "epoll"))),
            ("/a:b/dyno:io-uring:tuned", Some(("/a:b/dyno", "io-uring:tuned"))),
            ("/a/dyno", None),
        ] {
            assert_eq!(of_other_program(name), parts, "{name}");
        }
        let own = std::env::current_exe().unwrap().display().to_string();
        let other = named(&format!("{own}:io-uring:tuned")).unwrap();
        assert!(other.label.starts_with("io-uring:tuned@"), "{}", other.label);
        assert_eq!((other.command[0].as_str(), other.own), (own.as_str(), true));
        assert!(matches!(named("/no/such/dyno:epoll"), Err(ContestantError::NoProgram { .. })));
        assert!(matches!(
            named(&format!("{own}:epol")),
            Err(ContestantError::Unknown { guess: Some("epoll"), .. })
        ));
    }

    #[test]
    fn a_well_known_server_is_found_or_missed_by_its_name() {
        for label in peers::labels() {
            match named(label) {
                Ok(found) => assert_eq!(found.label, label),
                Err(error) => {
                    assert!(matches!(error, ContestantError::PeerMissing { .. }), "{label}: {error}");
                }
            }
        }
        assert!(matches!(named("nginxx"), Err(ContestantError::Unknown { .. })));
    }
}
