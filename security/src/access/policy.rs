//! Mandatory control: the operator's policy.
//!
//! ```text
//!   # who may do what with which object
//!   group  staff  alice bob
//!   allow  *          GET,HEAD  /
//!   allow  @staff     GET       /files/**
//!   deny   bob        *         /files/payroll/**
//!   allow  anonymous  GET       /health
//!   user   alice      asmith
//! ```
//!
//! A rule names a principal, `@group`, `anonymous` (whoever has proved no name) or `*` (everybody); verbs with commas
//! between them, or `*`; and an object, or with `/**` at its end the object and all below it. A slash at the end of an
//! object makes no difference. A rule that denies wins over all that allow, what no rule allows is denied, and the
//! order of the lines means nothing: so lines can be sorted and merged, and one more `deny` never allows more.
//!
//! `user` says [which user of the system](super::users) stands for a principal where the owners of files decide.
//!
//! A decision takes a look for each segment of the object, each name of the principal and each of its groups, however
//! many rules there are.

use std::collections::{HashMap, HashSet};

use super::fault::{PolicyError, PolicyFault};
use super::object::{NotCanonical, Object};
use super::principal::{Principal, is_plain};
use super::rules::{Lines, Rules, Whom};
use super::users::{self, UserLine, Whose};
use crate::channel::name::canonical;

/// What the policy says, and the line by which it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may go on.
    pub is_allowed: bool,
    /// The line that decided, the first of several; `None`: no line speaks of this, so it is denied.
    pub line: Option<usize>,
}

/// What the operator has decided, ready to be asked. It never changes, so that all workers can share it.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The rules for exactly one object, and those for an object and all below it, by its name.
    exact: HashMap<String, Rules>,
    below: HashMap<String, Rules>,
    /// The groups of each principal that is in one.
    groups: HashMap<String, HashSet<usize>>,
    users: Vec<UserLine>,
    rules: usize,
    /// The first line that means somebody by name.
    first_name: Option<usize>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyError`]: the first line that is wrong, groups first.
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        let lines = || {
            text.lines().enumerate().filter_map(|(index, line)| {
                let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
                words.next().map(|first| (index + 1, first, words.collect::<Vec<_>>()))
            })
        };
        let mut policy = Policy::default();
        let mut groups = HashMap::new();
        for (line, _, words) in lines().filter(|(_, first, _)| *first == "group") {
            policy.add_group(&words, &mut groups).map_err(|fault| PolicyError { line, fault })?;
        }
        for (line, first, words) in lines() {
            let added = match first {
                "allow" => policy.add_rule(&words, &groups, Lines { allow: Some(line), deny: None }),
                "deny" => policy.add_rule(&words, &groups, Lines { allow: None, deny: Some(line) }),
                "user" => policy.add_user(&words, line),
                "group" => Ok(()),
                other => Err(PolicyFault::UnknownWord(other.into())),
            };
            added.map_err(|fault| PolicyError { line, fault })?;
        }
        Ok(policy)
    }

    fn add_group(&mut self, words: &[&str], groups: &mut HashMap<String, usize>) -> Result<(), PolicyFault> {
        let [group, members @ ..] = words else { return Err(PolicyFault::EmptyGroup) };
        if members.is_empty() {
            return Err(PolicyFault::EmptyGroup);
        }
        let number = groups.len();
        if groups.insert((*group).to_owned(), number).is_some() {
            return Err(PolicyFault::GroupTwice((*group).into()));
        }
        for member in members {
            self.groups.entry(name(member)?).or_default().insert(number);
        }
        Ok(())
    }

    fn add_user(&mut self, words: &[&str], line: usize) -> Result<(), PolicyFault> {
        let [whose, account] = words else { return Err(PolicyFault::NotThreeParts) };
        let meant = match *whose {
            "*" => Whose::Everybody,
            "anonymous" => Whose::Anonymous,
            word => Whose::Named(name(word)?),
        };
        if self.users.iter().any(|other| other.whose == meant) {
            return Err(PolicyFault::UserTwice((*whose).into()));
        }
        if matches!(meant, Whose::Named(_)) {
            self.first_name.get_or_insert(line);
        }
        let account = users::account(account).ok_or_else(|| PolicyFault::NotAnAccount((*account).into()))?;
        self.users.push(UserLine { line, whose: meant, account });
        Ok(())
    }

    fn add_rule(
        &mut self,
        words: &[&str],
        groups: &HashMap<String, usize>,
        lines: Lines,
    ) -> Result<(), PolicyFault> {
        let [who, verbs, object] = words else { return Err(PolicyFault::NotFourParts) };
        let whom = whom(who, groups)?;
        let verbs = verbs_of(verbs)?;
        if matches!(whom, Whom::Named(_) | Whom::Group(_)) {
            self.first_name = self.first_name.or(lines.allow).or(lines.deny);
        }
        self.rules += 1;
        self.rules_about(object)?.add(whom, verbs.as_deref(), lines);
        Ok(())
    }

    fn rules_about(&mut self, object: &str) -> Result<&mut Rules, PolicyFault> {
        let (path, rules) = match object.strip_suffix("/**") {
            Some(path) => (path, &mut self.below),
            None => (object, &mut self.exact),
        };
        if path.contains('*') {
            return Err(PolicyFault::StrayStar(object.into()));
        }
        let not_an_object = |reason| PolicyFault::NotAnObject { object: object.into(), reason };
        if path != object && path.ends_with('/') {
            return Err(not_an_object(NotCanonical::EmptyOrDots));
        }
        // `/**` is everything.
        let object = Object::parse(if path.is_empty() { "/" } else { path }).map_err(not_an_object)?;
        Ok(rules.entry(object.without_slash().to_owned()).or_default())
    }

    /// Whether the principal may use the verb on the object.
    pub fn decide(&self, principal: Principal<'_>, verb: &str, object: &Object) -> Decision {
        let groups: Vec<_> = principal.names().iter().filter_map(|name| self.groups.get(name)).collect();
        let mut ancestors = object.ancestors().peekable();
        let exact = ancestors.peek().and_then(|name| self.exact.get(*name));
        let below = ancestors.filter_map(|name| self.below.get(name));
        let mut lines = Lines::default();
        for rules in exact.into_iter().chain(below) {
            lines.merge(rules.lines(principal, &groups, verb));
        }
        match lines.deny {
            Some(line) => Decision { is_allowed: false, line: Some(line) },
            None => Decision { is_allowed: lines.allow.is_some(), line: lines.allow },
        }
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// The lines that say which user of the system stands for whom; none: the owners of files are not asked.
    pub fn users(&self) -> &[UserLine] {
        &self.users
    }

    /// The first line that means somebody by name, so that it needs a transport which proves names.
    pub fn first_name(&self) -> Option<usize> {
        self.first_name
    }
}

/// A name as principals have them. The words of the policy are none, so that no peer can be called `anonymous`.
fn name(word: &str) -> Result<String, PolicyFault> {
    let is_taken = matches!(word, "*" | "anonymous") || word.starts_with('@');
    if is_plain(word) && !is_taken { Ok(canonical(word)) } else { Err(PolicyFault::NotAName(word.into())) }
}

fn whom(word: &str, groups: &HashMap<String, usize>) -> Result<Whom, PolicyFault> {
    match (word, word.strip_prefix('@')) {
        ("*", _) => Ok(Whom::Everybody),
        ("anonymous", _) => Ok(Whom::Anonymous),
        (_, Some(group)) => {
            let number = groups.get(group).ok_or_else(|| PolicyFault::UnknownGroup(group.into()))?;
            Ok(Whom::Group(*number))
        }
        _ => name(word).map(Whom::Named),
    }
}

fn verbs_of(words: &str) -> Result<Option<Vec<String>>, PolicyFault> {
    if words == "*" {
        return Ok(None);
    }
    let verb = |word: &str| {
        let is_verb = !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_uppercase());
        if is_verb { Ok(word.to_owned()) } else { Err(PolicyFault::NotAVerb(word.into())) }
    };
    words.split(',').map(verb).collect::<Result<_, _>>().map(Some)
}
