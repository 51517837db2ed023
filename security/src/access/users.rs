//! Which user of the system stands for a principal where the owners of files decide.

use std::collections::HashMap;

use super::acl::FileUser;
use super::fault::{PolicyError, PolicyFault};
use super::principal::Principal;

/// Whom a `user` line means.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Everybody who has no line otherwise.
    Everybody,
    /// Whoever has proved no name.
    Anonymous,
    /// The peer with this name.
    Named(String),
}

/// A user of the system, as a policy writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserAccount {
    /// By the name in the system's table of users.
    Name(String),
    /// By numbers, `UID:GID[,GID...]`: the first group is the user's own.
    Numbers(FileUser),
}

/// A line of a policy: `user WHOSE ACCOUNT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLine {
    /// The line's number, counted from 1.
    pub line: usize,
    /// Whom it means.
    pub whose: Whose,
    /// Who stands for them.
    pub account: UserAccount,
}

/// The users of all principals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users(HashMap<Whose, FileUser>);

impl Users {
    /// The users that the lines name; `find` knows the system's table.
    ///
    /// # Errors
    /// [`PolicyError`]: an account that the system does not have, or the superuser, whom no list of a file binds.
    pub fn resolve(
        lines: &[UserLine],
        find: impl Fn(&str) -> Option<FileUser>,
    ) -> Result<Users, PolicyError> {
        let user = |line: &UserLine| {
            let wrong = |fault| PolicyError { line: line.line, fault };
            let user = match &line.account {
                UserAccount::Name(name) => {
                    find(name).ok_or_else(|| wrong(PolicyFault::NoAccount(name.clone())))?
                }
                UserAccount::Numbers(user) => user.clone(),
            };
            if user.uid == 0 { Err(wrong(PolicyFault::Superuser)) } else { Ok((line.whose.clone(), user)) }
        };
        lines.iter().map(user).collect::<Result<_, _>>().map(Users)
    }

    /// Who stands for the principal. Nobody does for one whose names mean different users: it would be a matter of
    /// chance which of them it is.
    pub fn of(&self, principal: Principal<'_>) -> Option<&FileUser> {
        if principal.is_anonymous() {
            return self.0.get(&Whose::Anonymous).or_else(|| self.0.get(&Whose::Everybody));
        }
        let mut own = principal.names().iter().filter_map(|name| self.0.get(&Whose::Named(name.clone())));
        match own.next() {
            None => self.0.get(&Whose::Everybody),
            Some(first) => own.all(|other| other == first).then_some(first),
        }
    }
}

/// The account that a word means; `None`: it means none.
pub(super) fn account(word: &str) -> Option<UserAccount> {
    let number = |digits: &str| digits.parse::<u32>().ok().filter(|number| *number != u32::MAX);
    match word.split_once(':') {
        Some((uid, groups)) => {
            let mut groups = groups.split(',').map(number).collect::<Option<Vec<_>>>()?.into_iter();
            let (uid, gid) = (number(uid)?, groups.next()?);
            Some(UserAccount::Numbers(FileUser { uid, gid, groups: groups.collect() }))
        }
        // What a system takes for the name of a user (useradd(8)), and a little more.
        None => {
            let is_name =
                word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.$".contains(letter));
            is_name.then(|| UserAccount::Name(word.into()))
        }
    }
}
