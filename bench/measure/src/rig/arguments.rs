//! A cell as the command line of `dyno load`.

use dyno_clients::plan::request::known_answer;
use dyno_record::cell::{Cell, Load};

use crate::contestant::expected::BodyRule;
use crate::rig::material;
use crate::rig::system::System;
use crate::rig::transport;

impl System {
    /// The arguments of `dyno load` for a cell.
    pub(crate) fn load_arguments(&self, address: &str, cell: &Cell) -> Vec<String> {
        let load = &cell.load;
        let contestant = self.contestants.get(&cell.contestant);
        let own = contestant.is_some_and(|contestant| contestant.own);
        let url = format!("http://{address}{}", cell.service);
        let mut arguments: Vec<String> = vec!["load".into(), url, "--announce-start".into(), "--hold".into()];
        let mut option = |name: &str, value: String| arguments.extend([name.to_string(), value]);
        option("--connections", load.connections.to_string());
        match load.requests {
            Some(requests) => option("--requests", requests.to_string()),
            None if load.steps.is_empty() => option("--duration", format!("{}ms", load.duration_ms)),
            None => {}
        }
        option("--warmup", format!("{}ms", load.warm_up_ms));
        option("--threads", cell.cores.generator.len().max(1).to_string());
        option("--seed", self.seed.to_string());
        option("--format", "json".into());
        option("--output", "-".into());
        let (is_known, file) = (own && known_answer(&cell.service, b"").is_some(), self.file_of(cell, own));
        option(
            "--expect",
            match file {
                Some(file) => format!("file:{}", file.display()),
                None if is_known => "service".into(),
                // Pages and a user's files are not fixed: then each answer has to be that of the first, if the user
                // says nothing else.
                None => contestant.map_or(BodyRule::Same, |contestant| contestant.expect.clone()).to_string(),
            },
        );
        if let Some(bytes) = load.body_bytes {
            option("--body-file", material::body_path(&self.work(), bytes).display().to_string());
        }
        if let Some(timeout_ms) = load.timeout_ms {
            option("--timeout", format!("{timeout_ms}ms"));
        }
        if cell.cores.shared() {
            option("--spin", "0".into());
        } else if cell.cores.generator.len() > 1 {
            // A thread for each, which stays there: a thread that moves leaves its cache behind.
            let list: Vec<String> = cell.cores.generator.iter().map(ToString::to_string).collect();
            option("--cpu", list.join(","));
        }
        if let Some(rate) = load.rate_per_s {
            option("--rate", rates(rate, load));
        }
        if let Some(requests) = load.requests_per_connection {
            option("--requests-per-connection", requests.to_string());
        }
        if let Some(patience_ms) = load.patience_ms {
            option("--patience", format!("{patience_ms}ms"));
        }
        if let Some(retries) = load.retries {
            option("--retry", retries.to_string());
        }
        if cell.transport.is_secure() {
            option("--credentials", self.credentials().display().to_string());
            arguments.extend(transport::of_client(cell.transport).map(String::from));
        }
        if load.tells_due {
            arguments.push("--due".into());
        }
        arguments
    }
}

/// The rate in the syntax of `dyno load`: one, or steps of equal length.
fn rates(rate_per_s: f64, load: &Load) -> String {
    if load.steps.is_empty() {
        return rate_per_s.to_string();
    }
    let steps: Vec<String> = load.steps.iter().map(ToString::to_string).collect();
    format!("{}/{}ms", steps.join(","), load.duration_ms / load.steps.len() as u64)
}
