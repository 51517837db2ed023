//! The rules about one object, laid out so that a decision does not read them one by one.

use std::collections::{HashMap, HashSet};

use super::principal::Principal;

/// Whom a rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whom {
    Everybody,
    Anonymous,
    Named(String),
    /// The members of the group with this number.
    Group(usize),
}

/// The first line that allows, and the first that denies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) allow: Option<usize>,
    pub(super) deny: Option<usize>,
}

impl Lines {
    pub(super) fn merge(&mut self, other: Lines) {
        let first = |mine: Option<usize>, other: Option<usize>| mine.into_iter().chain(other).min();
        self.allow = first(self.allow, other.allow);
        self.deny = first(self.deny, other.deny);
    }
}

/// The rules for one subject.
#[derive(Debug, Clone, Default)]
struct Verbs {
    all: Lines,
    each: HashMap<String, Lines>,
}

impl Verbs {
    fn lines(&self, verb: &str) -> Lines {
        let mut lines = self.all;
        if let Some(each) = self.each.get(verb) {
            lines.merge(*each);
        }
        lines
    }
}

/// The rules about one object, by subject and verb.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    everybody: Verbs,
    anonymous: Verbs,
    named: HashMap<String, Verbs>,
    groups: HashMap<usize, Verbs>,
}

impl Rules {
    /// Adds what a line says; no verbs are all verbs.
    pub(super) fn add(&mut self, whom: Whom, verbs: Option<&[String]>, lines: Lines) {
        let subject = match whom {
            Whom::Everybody => &mut self.everybody,
            Whom::Anonymous => &mut self.anonymous,
            Whom::Named(name) => self.named.entry(name).or_default(),
            Whom::Group(group) => self.groups.entry(group).or_default(),
        };
        match verbs {
            None => subject.all.merge(lines),
            Some(verbs) => {
                for verb in verbs {
                    subject.each.entry(verb.clone()).or_default().merge(lines);
                }
            }
        }
    }

    /// What the rules say of a principal that is in `groups`, and of a verb.
    pub(super) fn lines(&self, principal: Principal<'_>, groups: &[&HashSet<usize>], verb: &str) -> Lines {
        let mut lines = self.everybody.lines(verb);
        if principal.is_anonymous() {
            lines.merge(self.anonymous.lines(verb));
        }
        for name in principal.names() {
            if let Some(verbs) = self.named.get(name) {
                lines.merge(verbs.lines(verb));
            }
        }
        for groups in groups {
            // The fewer of the two are looked up among the others.
            if self.groups.len() < groups.len() {
                for (_, verbs) in self.groups.iter().filter(|(group, _)| groups.contains(*group)) {
                    lines.merge(verbs.lines(verb));
                }
            } else {
                for verbs in groups.iter().filter_map(|group| self.groups.get(group)) {
                    lines.merge(verbs.lines(verb));
                }
            }
        }
        lines
    }
}
