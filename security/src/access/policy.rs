//! Mandatory control: the operator's policy.
//!
//! ```text
//!   # who may do what with which object
//!   group  staff  alice bob
//!   allow  *          GET,HEAD  /
//!   allow  @staff     GET       /files/**
//!   deny   bob        *         /files/payroll/**
//!   allow  anonymous  GET       /health
//! ```
//!
//! A rule names a principal, `@group`, `anonymous` (whoever has proved no name) or `*` (everybody); verbs with commas
//! between them, or `*`; and an object, or with `/**` at its end the object and all below it. A rule that denies wins
//! over all that allow, whatever is denied by no rule and allowed by none is denied, and the order of the lines means
//! nothing: so lines can be sorted and merged, and one more `deny` never allows more.

use std::collections::{HashMap, HashSet};

use super::object::{NotCanonical, Object};

/// Who asks: the name that the transport has proved, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// Nobody that is known.
    Anonymous,
    /// A name that was proved: of an entry of the trust file, or of a certificate.
    Named(&'a str),
}

/// What the policy says, and the line by which it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may go on.
    pub is_allowed: bool,
    /// The line that decided; `None`: no line speaks of this, so it is denied.
    pub line: Option<usize>,
}

/// A policy that cannot be used. Nothing starts with a policy that does not say clearly what it means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// The line's number, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PolicyFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// It begins with none of the three words.
    #[error("expected `allow`, `deny` or `group`, not `{0}`")]
    UnknownWord(String),
    /// A rule without its four parts.
    #[error("expected `allow|deny WHO VERBS OBJECT`")]
    NotFourParts,
    /// A group without a name or without members.
    #[error("expected `group NAME MEMBER...`")]
    EmptyGroup,
    /// A rule names a group that no line defines.
    #[error("no line defines the group `{0}`")]
    UnknownGroup(String),
    /// Two lines define one group.
    #[error("the group `{0}` is defined twice")]
    GroupTwice(String),
    /// A name has a meaning of its own here, or a character that no name has.
    #[error("`{0}` cannot be a name")]
    NotAName(String),
    /// A verb is no token of capital letters (RFC 9110, 9.1: methods are case-sensitive).
    #[error("`{0}` is no method; they are written in capital letters")]
    NotAVerb(String),
    /// An object is not written in its canonical form, so that no request could ever match.
    #[error("`{object}`: {reason}")]
    NotAnObject {
        /// The object as it stands there.
        object: String,
        /// Why.
        reason: NotCanonical,
    },
    /// A `*` elsewhere than in `/**` at the end.
    #[error("`{0}`: a star stands only in `/**` at the end")]
    StrayStar(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Everybody,
    Anonymous,
    Named(String),
    /// The members of a group.
    Group(HashSet<String>),
}

#[derive(Debug, Clone)]
struct Rule {
    line: usize,
    allows: bool,
    who: Who,
    /// `None`: every verb.
    verbs: Option<Vec<String>>,
}

/// What the operator has decided, ready to be asked. It never changes, so that all workers can share it.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The rules for exactly one object, and those for an object and all below it: by its name, so that a decision
    /// costs a look for each segment of the path, however many rules there are.
    exact: HashMap<String, Vec<Rule>>,
    below: HashMap<String, Vec<Rule>>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyError`]: the first line that is wrong.
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        let lines = || {
            text.lines().enumerate().filter_map(|(index, line)| {
                let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
                words.next().map(|first| (index + 1, first, words))
            })
        };
        let mut groups: HashMap<&str, HashSet<String>> = HashMap::new();
        for (line, _, mut words) in lines().filter(|(_, first, _)| *first == "group") {
            let wrong = |fault| PolicyError { line, fault };
            let group = words.next().ok_or_else(|| wrong(PolicyFault::EmptyGroup))?;
            let members =
                words.map(|member| name(member).map_err(wrong)).collect::<Result<HashSet<_>, _>>()?;
            if members.is_empty() {
                return Err(wrong(PolicyFault::EmptyGroup));
            }
            if groups.insert(group, members).is_some() {
                return Err(wrong(PolicyFault::GroupTwice(group.into())));
            }
        }
        let mut policy = Policy::default();
        for (line, first, words) in lines() {
            let wrong = |fault| PolicyError { line, fault };
            let allows = match first {
                "allow" => true,
                "deny" => false,
                "group" => continue,
                other => return Err(wrong(PolicyFault::UnknownWord(other.into()))),
            };
            let parts: Vec<&str> = words.collect();
            let [who, verbs, object] = parts[..] else { return Err(wrong(PolicyFault::NotFourParts)) };
            let who = whom(who, &groups).map_err(wrong)?;
            let verbs = verbs_of(verbs).map_err(wrong)?;
            policy.add(object, Rule { line, allows, who, verbs }).map_err(wrong)?;
        }
        Ok(policy)
    }

    fn add(&mut self, object: &str, rule: Rule) -> Result<(), PolicyFault> {
        let (path, rules) = match object.strip_suffix("/**") {
            Some(path) => (path, &mut self.below),
            None => (object, &mut self.exact),
        };
        if path.contains('*') {
            return Err(PolicyFault::StrayStar(object.into()));
        }
        let not_an_object = |reason| PolicyFault::NotAnObject { object: object.into(), reason };
        // `/**` is everything.
        if object != "/**" {
            Object::parse(path).map_err(not_an_object)?;
        }
        if path != object && path.ends_with('/') {
            return Err(not_an_object(NotCanonical::EmptyOrDots));
        }
        rules.entry(path.to_owned()).or_default().push(rule);
        Ok(())
    }

    /// Whether the principal may use the verb on the object.
    pub fn decide(&self, principal: Principal<'_>, verb: &str, object: &Object) -> Decision {
        let below = object.ancestors().filter_map(|name| self.below.get(name));
        let speaking = self.exact.get(object.as_str()).into_iter().chain(below).flatten();
        let mut allowing = None;
        for rule in speaking.filter(|rule| rule.speaks_of(principal, verb)) {
            if !rule.allows {
                return Decision { is_allowed: false, line: Some(rule.line) };
            }
            allowing.get_or_insert(rule.line);
        }
        Decision { is_allowed: allowing.is_some(), line: allowing }
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.exact.values().chain(self.below.values()).map(Vec::len).sum()
    }
}

impl Rule {
    fn speaks_of(&self, principal: Principal<'_>, verb: &str) -> bool {
        let is_meant = match (&self.who, principal) {
            (Who::Everybody, _) | (Who::Anonymous, Principal::Anonymous) => true,
            (Who::Named(meant), Principal::Named(name)) => meant == name,
            (Who::Group(members), Principal::Named(name)) => members.contains(name),
            _ => false,
        };
        is_meant && self.verbs.as_ref().is_none_or(|verbs| verbs.iter().any(|meant| meant == verb))
    }
}

/// A name as principals have them. The words of the policy are none, so that no peer can be called `anonymous`.
fn name(word: &str) -> Result<String, PolicyFault> {
    let is_plain = word.chars().all(|letter| letter.is_alphanumeric() || "-_.@:[]".contains(letter));
    let is_taken = matches!(word, "*" | "anonymous") || word.starts_with('@');
    if is_plain && !is_taken { Ok(word.into()) } else { Err(PolicyFault::NotAName(word.into())) }
}

fn whom(word: &str, groups: &HashMap<&str, HashSet<String>>) -> Result<Who, PolicyFault> {
    match (word, word.strip_prefix('@')) {
        ("*", _) => Ok(Who::Everybody),
        ("anonymous", _) => Ok(Who::Anonymous),
        (_, Some(group)) => {
            let members = groups.get(group).ok_or_else(|| PolicyFault::UnknownGroup(group.into()))?;
            Ok(Who::Group(members.clone()))
        }
        _ => name(word).map(Who::Named),
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
