//! `dyno --help`: the commands, grouped by purpose.

use clap::Command;
use clap::builder::StyledStr;

use crate::groups::GROUPS;

/// The command with an overview of its subcommands in groups, in place of clap's single list.
pub(super) fn grouped(command: Command) -> Command {
    let list = list(&command);
    let header = *command.get_styles().get_header();
    let mut groups = String::new();
    for (title, names) in GROUPS {
        groups += &format!("{header}{title}:{header:#}\n");
        for name in names {
            // clap has already broken long lines; continued lines are indented further.
            let mut lines = list.lines().skip_while(|line| first_word(line) != Some(name));
            groups.extend(lines.next().map(|line| format!("{line}\n")));
            groups
                .extend(lines.take_while(|line| first_word(line).is_none()).map(|line| format!("{line}\n")));
        }
        groups.push('\n');
    }
    command.help_template(StyledStr::from(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}{header}Options:{header:#}\n{{options}}"
    )))
}

/// clap's list of all subcommands, each with the first clause of its description.
fn list(command: &Command) -> String {
    let mut command = command.clone();
    command.build();
    let short = command.mut_subcommands(|subcommand| {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        let end = [": ", ". "].iter().filter_map(|mark| about.find(mark)).min().unwrap_or(about.len());
        subcommand.about(about[..end].to_owned())
    });
    short.help_template("{subcommands}").render_help().ansi().to_string()
}

/// The name of the command with which a line of the list begins, if it begins with one.
fn first_word(line: &str) -> Option<&str> {
    let line = line.strip_prefix("  ")?;
    let line = line.strip_prefix("\x1b[1m").unwrap_or(line);
    let end = line.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(line.len());
    (end > 0).then(|| &line[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::grouped;
    use crate::commands::Dyno;
    use crate::groups::GROUPS;

    #[test]
    fn every_command_stands_in_one_group() {
        let listed: Vec<&str> = GROUPS.into_iter().flat_map(|(_, names)| names).copied().collect();
        let mut command = Dyno::command();
        command.build();
        let known: BTreeSet<&str> =
            command.get_subcommands().filter(|one| !one.is_hide_set()).map(clap::Command::get_name).collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), known);
        assert_eq!(listed.len(), known.len());
        let help = grouped(Dyno::command()).render_help().to_string();
        let lines = |name: &str| help.lines().filter(|line| line.starts_with(&format!("  {name} "))).count();
        for name in listed {
            assert_eq!(lines(name), 1, "{name}: {help}");
        }
    }

    /// Headings with the first words of the options that must stand below each, and of no others.
    const HEADINGS: [(&str, &[&str]); 3] = [
        (
            "Transport",
            &[
                "transport",
                "credentials",
                "key",
                "certificate",
                "trust",
                "peer",
                "suite",
                "tickets",
                "insecure",
            ],
        ),
        ("Impatience", &["patience", "retry", "backoff", "due"]),
        ("Target", &["unix-socket", "path-as-is", "timeout", "blocks", "to"]),
    ];

    #[test]
    fn options_of_clients_stand_below_the_heading_that_they_belong_to() {
        for command in ["load", "probe", "browse"] {
            let command =
                Dyno::command().get_subcommands().find(|one| one.get_name() == command).unwrap().clone();
            for option in command.get_arguments().filter(|one| !one.is_hide_set()) {
                let heading = option.get_help_heading().unwrap_or_default();
                let Some(name) = option.get_long() else {
                    assert_eq!(heading, "", "{option}: arguments have a list of their own");
                    continue;
                };
                for (wanted, names) in HEADINGS {
                    assert_eq!(heading == wanted, names.contains(&name), "--{name} stands below {heading}");
                }
                assert_ne!(heading, "", "--{name} of {} stands below no heading", command.get_name());
            }
        }
    }
}
