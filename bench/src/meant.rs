//! What a word that names nothing here was meant to be: a near name of the same kind, or a name of another kind, with
//! the command that takes it.

use dyno_measure::contestant::peers;
use dyno_measure::suggest::closest;
use dyno_servers::{architectures, services};

use crate::{demos, groups};

/// What a name can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    Architecture,
    Peer,
    Service,
    Demonstration,
    Command,
}

impl NameKind {
    const ALL: [NameKind; 5] = [
        NameKind::Architecture,
        NameKind::Demonstration,
        NameKind::Peer,
        NameKind::Service,
        NameKind::Command,
    ];

    fn names(self) -> Vec<&'static str> {
        match self {
            NameKind::Architecture => architectures::ALL.map(|architecture| architecture.name).to_vec(),
            NameKind::Peer => peers::labels(),
            NameKind::Service => services::ALL.map(|service| root(service.path)).to_vec(),
            NameKind::Demonstration => demos::names().to_vec(),
            NameKind::Command => groups::commands(),
        }
    }

    /// What a name of this kind is, and the command that takes it.
    fn told(self, name: &str) -> String {
        match self {
            NameKind::Architecture => {
                format!("{name} is an architecture: `dyno serve {name}`, `dyno learn {name}`. ")
            }
            NameKind::Peer => {
                format!("{name} is a server of others: `dyno compare epoll {name}` takes it in. ")
            }
            NameKind::Service => format!("{name} is a service: it is asked for by its URL. "),
            NameKind::Demonstration => format!("{name} is a demonstration: `dyno demo {name}`. "),
            NameKind::Command => format!("{name} is a command: `dyno {name}`. "),
        }
    }
}

/// The first part of a path: `/wait` of `/wait/MICROS`.
fn root(path: &str) -> &str {
    let end = path[1..].find('/').map_or(path.len(), |end| end + 1);
    &path[..end]
}

/// What `word` was probably meant to be where a name of `wanted` belongs, ended by a space; empty where nothing is
/// near.
pub(crate) fn meant(word: &str, wanted: NameKind) -> String {
    let others = || NameKind::ALL.into_iter().filter(|kind| *kind != wanted);
    if let Some(kind) = others().find(|kind| kind.names().contains(&word)) {
        return kind.told(word);
    }
    if let Some(near) = closest(word, &wanted.names()) {
        return format!("did you mean {near}? ");
    }
    let near = others().find_map(|kind| Some((kind, closest(word, &kind.names())?)));
    near.map_or(String::new(), |(kind, near)| format!("did you mean {near}? {}", kind.told(near)))
}

/// The service that a path was probably meant to ask for, if it asks for none.
pub(crate) fn service(path: &str) -> Option<String> {
    let first = root(path.split(['?', '#']).next().filter(|path| path.starts_with('/'))?);
    let known = NameKind::Service.names();
    if first == "/" || known.contains(&first) {
        return None;
    }
    let near = closest(first, &known).filter(|near| *near != "/")?;
    Some(format!("did you mean {near}? `dyno list` shows the services"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_among_all_names() {
        for (word, wanted, told) in [
            ("epol", NameKind::Architecture, "did you mean epoll? "),
            ("nginx", NameKind::Architecture, "nginx is a server of others: `dyno compare epoll nginx`"),
            ("mitm", NameKind::Architecture, "mitm is a demonstration: `dyno demo mitm`"),
            ("epoll", NameKind::Demonstration, "epoll is an architecture: `dyno serve epoll`"),
            ("epoll", NameKind::Command, "epoll is an architecture"),
            ("compare", NameKind::Architecture, "compare is a command: `dyno compare`"),
            ("replya", NameKind::Architecture, "did you mean replay? replay is a demonstration"),
            ("haproxi", NameKind::Architecture, "did you mean haproxy?"),
            ("thread-pol", NameKind::Command, "did you mean thread-pool? thread-pool is an architecture"),
        ] {
            assert!(meant(word, wanted).starts_with(told), "{word}: {}", meant(word, wanted));
        }
        assert_eq!(meant("zzzzzzzzzzzzzz", NameKind::Architecture), "");
    }

    #[test]
    fn a_path_is_held_against_the_services() {
        for (path, near) in [
            ("/jsn", Some("/json")),
            ("/byte/100", Some("/bytes")),
            ("/waitt/5", Some("/wait")),
            ("/json", None),
            ("/", None),
            ("/wait/5?x=1", None),
            ("/something/else", None),
        ] {
            let told = service(path);
            assert_eq!(
                told.as_ref().map(|told| told.contains(near.unwrap_or("?!"))),
                near.map(|_| true),
                "{path}"
            );
        }
    }
}
