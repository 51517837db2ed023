//! What is wrong with a policy that cannot be used.

use super::object::NotCanonical;

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
    /// It begins with none of the four words.
    #[error("expected `allow`, `deny`, `group` or `user`, not {0:?}")]
    UnknownWord(String),
    /// A rule without its four parts.
    #[error("expected `allow|deny WHO VERBS OBJECT`")]
    NotFourParts,
    /// A user without its three parts.
    #[error("expected `user WHO ACCOUNT`")]
    NotThreeParts,
    /// A group without a name or without members.
    #[error("expected `group NAME MEMBER...`")]
    EmptyGroup,
    /// A rule names a group that no line defines.
    #[error("no line defines the group `{0}`")]
    UnknownGroup(String),
    /// Two lines define one group.
    #[error("the group `{0}` is defined twice")]
    GroupTwice(String),
    /// Two lines give one principal a user.
    #[error("`{0}` has a user already")]
    UserTwice(String),
    /// A name has a meaning of its own here, or a character that no name has.
    #[error("{0:?} cannot be a name")]
    NotAName(String),
    /// A verb is no token of capital letters (RFC 9110, 9.1: methods are case-sensitive).
    #[error("{0:?} is no method; they are written in capital letters")]
    NotAVerb(String),
    /// An object is not written in its canonical form, so that no request could ever match.
    #[error("{object:?}: {reason}")]
    NotAnObject {
        /// The object as it stands there.
        object: String,
        /// Why.
        reason: NotCanonical,
    },
    /// A `*` elsewhere than in `/**` at the end.
    #[error("`{0}`: a star stands only in `/**` at the end")]
    StrayStar(String),
    /// A user is neither a name nor numbers.
    #[error("{0:?} is no account: write the name of a user, or UID:GID[,GID...]")]
    NotAnAccount(String),
    /// The system has no such user.
    #[error("this system has no user `{0}`")]
    NoAccount(String),
    /// The superuser may read everything, whatever the owners of files say.
    #[error("the superuser stands for nobody: no owner of a file could keep it out")]
    Superuser,
}
