//! Who may do what: each request is judged here before a service hears of it, whatever the architecture and the
//! transport ("complete mediation", Saltzer and Schroeder, 1975).
//!
//! The peer is told the least: 403, whichever rule there is and whether or not there is such an object, because the
//! answer is given before anybody looks for one. 404 would hide no more, and would send an honest client to look for a
//! mistake in its path. 401 asks for credentials in HTTP (RFC 9110, 15.5.2), and here the transport has proved who the
//! peer is, or has not. A path that is not canonical gets 400, which tells what its sender knows. The operator is told
//! who asked, what for, and which line decided.

use std::fmt;
use std::net::IpAddr;

use dyno_http::response::Response;
use dyno_security::access::object::{NotCanonical, Object};
use dyno_security::access::policy::Policy;
use dyno_security::access::principal::Principal;
use dyno_security::access::users::Users;

use super::complaint;
use super::tally::Tally;
use crate::services::owner::{Asker, Rights};
use crate::services::service::{NOT_FOR_YOU, Services, text};

/// The rules of a site. They do not change, so threads and forked workers share them.
#[derive(Debug)]
pub struct Access {
    /// What the operator has decided.
    pub policy: Policy,
    /// Who stands for whom where the owners of files decide; `None`: they are not asked.
    pub users: Option<Users>,
    /// Who reads the lists of the owners.
    pub lists: ListReader,
}

/// Who reads the access control lists of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListReader {
    /// The server, of the open file.
    #[default]
    Server,
    /// The kernel, when the process that serves has become the user.
    Kernel,
}

/// Why a request was refused, for the operator's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// This line denies it.
    Line(usize),
    /// No line allows it.
    NoLine,
    /// The path has more than one reading.
    NotCanonical(NotCanonical),
    /// No user of the system stands for the peer.
    NobodyStands,
    /// The owner of the file, or of a directory above it, does not allow it.
    Owner,
}

impl Denial {
    /// What the peer is told.
    pub fn status(self) -> u16 {
        if matches!(self, Denial::NotCanonical(_)) { 400 } else { 403 }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denial::Line(line) => write!(f, "line {line} of the policy"),
            Denial::NoLine => f.write_str("no line of the policy allows it"),
            Denial::NotCanonical(reason) => write!(f, "the path is not canonical: {reason}"),
            Denial::NobodyStands => f.write_str("the policy has no user for it"),
            Denial::Owner => f.write_str("the owner of the file"),
        }
    }
}

impl Access {
    fn asker(&self, principal: Principal<'_>) -> Asker {
        let Some(users) = &self.users else { return Asker::UNASKED };
        let rights = match (users.of(principal).cloned(), self.lists) {
            (None, _) => Rights::None,
            (Some(user), ListReader::Server) => Rights::OfUser(user),
            (Some(user), ListReader::Kernel) => Rights::OfProcess(user),
        };
        Asker::new(principal.to_string(), rights)
    }
}

/// Judges the requests of one connection.
pub struct Judge<'a> {
    access: &'a Access,
    services: &'a Services,
    source: Option<IpAddr>,
    /// Who asks: the same for all requests of a connection.
    asker: Option<Asker>,
}

impl<'a> Judge<'a> {
    /// For a connection from `source` to services under these rules.
    pub fn new(access: &'a Access, services: &'a Services, source: Option<IpAddr>) -> Judge<'a> {
        Judge { access, services, source, asker: None }
    }

    /// Judges a request of the peer that has proved these names. A refusal is counted and explained.
    ///
    /// # Returns
    /// Whose rights count where the owner of a file is asked as well.
    ///
    /// # Errors
    /// The answer for a peer that may not.
    pub fn judge(
        &mut self,
        tally: &Tally,
        names: &[String],
        method: &str,
        path: &str,
    ) -> Result<Asker, Response> {
        let principal = Principal::named(names);
        self.decide(principal, method, path).map_err(|denial| {
            complaint::denied(tally, self.source, &principal, method, path, &denial);
            let line = if denial.status() == 400 { "the path is not canonical\n" } else { NOT_FOR_YOU };
            text(denial.status(), line)
        })
    }

    /// Judges a request, and tells nobody.
    ///
    /// # Returns
    /// As [`Judge::judge`].
    ///
    /// # Errors
    /// Why the principal may not.
    pub fn decide(&mut self, principal: Principal<'_>, method: &str, path: &str) -> Result<Asker, Denial> {
        // The server as a whole is the root of its objects.
        let asked = Object::parse(if path == "*" { "/" } else { path }).map_err(Denial::NotCanonical)?;
        self.allow(principal, method, &asked)?;
        if let Some(opened) = self.services.opened(path) {
            self.allow(principal, method, &Object::parse(&opened).map_err(Denial::NotCanonical)?)?;
        }
        let asker = self.asker.get_or_insert_with(|| self.access.asker(principal));
        // A process cannot become nobody in particular.
        match (asker.rights(), self.access.lists) {
            (Some(Rights::None), ListReader::Kernel) => Err(Denial::NobodyStands),
            _ => Ok(asker.clone()),
        }
    }

    fn allow(&self, principal: Principal<'_>, method: &str, object: &Object) -> Result<(), Denial> {
        let decision = self.access.policy.decide(principal, method, object);
        match (decision.is_allowed, decision.line) {
            (true, _) => Ok(()),
            (false, Some(line)) => Err(Denial::Line(line)),
            (false, None) => Err(Denial::NoLine),
        }
    }
}
