//! Several servers of this program as one: started from the last tier to the first, watched, and ended from the first
//! to the last, so that no request loses its backend.

mod member;
pub(crate) mod truths;

use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};

use self::member::Member;
use crate::exit::{Exit, Failure};
use crate::print::errln;

/// What stands in a cluster.
#[derive(Debug)]
pub(crate) struct ClusterPlan {
    /// The architecture of the tiers that dispatch.
    pub(crate) tier: &'static str,
    /// By which policy they do.
    pub(crate) dispatch: &'static str,
    /// For each backend what follows `serve`.
    pub(crate) backends: Vec<Vec<String>>,
    /// How many tiers dispatch.
    pub(crate) layers: u32,
    /// Where the first tier listens.
    pub(crate) listen: String,
}

/// A cluster that stands. Its processes die with it.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The first tier first, the backends last.
    members: Vec<Member>,
    dispatch: &'static str,
    signals: SigSet,
}

impl Cluster {
    /// Starts all of it.
    ///
    /// # Errors
    /// When one of its servers does not get ready; it has said why on standard error.
    pub(crate) fn start(plan: &ClusterPlan) -> Result<Cluster, Failure> {
        // They are waited for one by one, so none may interrupt the start and leave processes behind.
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD]);
        signals
            .thread_block()
            .map_err(|error| Failure::failed(format!("cannot set up signals: {error}"), ""))?;
        let mut members = Vec::new();
        for arguments in &plan.backends {
            members.push(Member::start("backend", arguments, "127.0.0.1:0")?);
        }
        let mut behind: Vec<String> = members.iter().map(|member| member.address.clone()).collect();
        for layer in (1..=plan.layers).rev() {
            let listen = if layer == 1 { plan.listen.as_str() } else { "127.0.0.1:0" };
            let route = format!("/={}", behind.join(","));
            let arguments =
                [plan.tier, "--forward", &route, "--dispatch", plan.dispatch].map(str::to_owned).to_vec();
            let member = Member::start(if layer == 1 { "first tier" } else { "tier" }, &arguments, listen)?;
            behind = vec![member.address.clone()];
            members.insert(0, member);
        }
        Ok(Cluster { members, dispatch: plan.dispatch, signals })
    }

    /// Says that it is ready by `say`, and waits for a signal or for the end of the first tier.
    ///
    /// # Errors
    /// When the first tier has ended by itself, or badly.
    pub(crate) fn run(mut self, to_people: bool, say: fn(&str)) -> Result<Exit, Failure> {
        say(&if to_people { self.greeting() } else { self.ready_line().to_string() });
        loop {
            match self.signals.wait() {
                Ok(Signal::SIGCHLD) => self.look()?,
                Ok(_) => break,
                Err(error) => return Err(Failure::failed(format!("cannot wait for signals: {error}"), "")),
            }
        }
        self.stop(to_people, say)
    }

    /// Tells who has ended.
    fn look(&mut self) -> Result<(), Failure> {
        for member in &mut self.members {
            if let Some(status) = member.has_ended() {
                errln!("{} {} at {} has ended: {status}", member.role, member.name, member.address);
            }
        }
        if self.members[0].is_over() {
            return Err(Failure::failed("the first tier has ended", "what it said stands above"));
        }
        Ok(())
    }

    /// Ends one after the other, each when those before it have no request left. A second signal ends all at once.
    fn stop(mut self, to_people: bool, say: fn(&str)) -> Result<Exit, Failure> {
        let mut account = String::new();
        for (place, member) in self.members.iter_mut().enumerate() {
            member.ask_to_end();
            while member.has_ended().is_none() && !member.is_over() {
                match self.signals.wait() {
                    Ok(Signal::SIGCHLD) => {}
                    // Dropped, they are killed.
                    Ok(_) | Err(_) => return Ok(Exit::Interrupted),
                }
            }
            if place == 0 {
                account = member.last_line();
            }
        }
        let failed = self.members.iter().find(|member| !member.ended_well());
        if !account.is_empty() {
            say(&if to_people { "drained".to_owned() } else { account });
        }
        match failed {
            None => Ok(Exit::Success),
            Some(member) => Err(Failure::failed(
                format!("{} {} ended badly", member.role, member.name),
                "what it said stands above",
            )),
        }
    }

    /// The ready line of the first tier, as that of the whole.
    fn ready_line(&self) -> Value {
        let first = &self.members[0];
        let mut line = first.ready.clone();
        line["pid"] = json!(std::process::id());
        line["name"] = json!("cluster");
        line["dispatch"] = json!(self.dispatch);
        let tell = |member: &Member| json!({"role": member.role, "name": member.name, "address": member.address, "pid": member.pid()});
        line["members"] = self.members.iter().map(tell).collect();
        line
    }

    fn greeting(&self) -> String {
        let tell = |member: &Member| {
            format!("{:<10} {:<22} {:<21} process {}", member.role, member.name, member.address, member.pid())
        };
        let lines: Vec<_> = self.members.iter().map(tell).collect();
        let (first, dispatch) = (&self.members[0].address, self.dispatch);
        format!("{}\nhttp://{first}/ dispatches by {dispatch}; Ctrl-C drains", lines.join("\n"))
    }
}
