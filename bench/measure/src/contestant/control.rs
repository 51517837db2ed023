//! Dyno's own architectures under overload control.

use crate::contestant::Contestant;

/// What stands between the name of an architecture and that of its control.
pub const UNDER: char = '/';

/// The limit of tower, a foil that only its ecosystem has.
pub const TOWER: &str = "tower";

/// Contestants, each under each of the controls that it can have.
pub fn under_each(contestants: &[Contestant], controls: &[String]) -> Vec<Contestant> {
    let fits = |one: &Contestant, control: &str| control != TOWER || one.has_tower;
    let controls_of = |one| {
        controls.iter().filter(move |control| fits(one, control)).map(move |control| under(one, control))
    };
    contestants.iter().flat_map(controls_of).collect()
}

/// A contestant under a control: `none`, or a word such as `deadline` or `deadline:due`, which also says from when on a
/// request counts as waiting.
pub fn under(contestant: &Contestant, control: &str) -> Contestant {
    let mut found = contestant.clone();
    // What clients have left behind would keep a server without control at work for long after the load.
    found.command.extend(["--drain", "1"].map(String::from));
    if control == "none" {
        return found;
    }
    let (name, age) = control.split_once(':').map_or((control, None), |(name, age)| (name, Some(age)));
    found.label = format!("{}{UNDER}{control}", contestant.label);
    found.command.extend(["--admission".to_string(), name.to_string()]);
    if let Some(age) = age {
        found.command.extend(["--admission-age".to_string(), age.to_string()]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::own;

    #[test]
    fn a_control_is_a_label_and_an_option() {
        let epoll = own::named("epoll").unwrap();
        let none = under(&epoll, "none");
        assert_eq!(none.label, epoll.label);
        assert!(none.command.ends_with(&["--drain", "1"].map(String::from)), "{:?}", none.command);
        let due = under(&epoll, "deadline:due");
        assert_eq!(due.label, "epoll/deadline:due");
        assert!(
            due.command.ends_with(&["--admission", "deadline", "--admission-age", "due"].map(String::from))
        );
    }

    #[test]
    fn the_foil_stands_around_its_own_ecosystem_alone() {
        let contestants = ["epoll", "hyper"].map(|name| own::named(name).unwrap());
        let controls = ["none", TOWER, "deadline"].map(String::from);
        let labels: Vec<String> =
            under_each(&contestants, &controls).into_iter().map(|one| one.label).collect();
        assert_eq!(labels, ["epoll", "epoll/deadline", "hyper", "hyper/tower", "hyper/deadline"]);
    }
}
