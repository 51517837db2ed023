//! Dyno's own architectures under overload control.

use crate::contestant::Contestant;

/// What stands between the name of an architecture and that of its control.
pub const UNDER: char = '/';

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
}
