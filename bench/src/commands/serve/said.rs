//! What a server says when it is ready and when it has ended: JSON for programs, sentences at a terminal.

use dyno_record::contract::ReadyLine;
use dyno_servers::kit::listen::{ListenAddress, address_of};
use dyno_servers::kit::site::{Arm, Site};
use dyno_servers::trace::tracer::Tracer;
use dyno_units::show;
use serde_json::{Value, json};

use super::say;
use crate::print::errln;
use dyno_measure::probe::machine::online_cores;

/// Where the system says how many processes and threads there may be.
pub(super) const FEW_PROCESSES: &str = "the system allows no more processes or threads, see `ulimit -u` and pids.max of the cgroup, \
                             or take fewer --workers";

/// What the server says as soon as its workers stand.
pub(super) fn ready(
    site: &Site,
    workers: usize,
    name: &str,
    transport: &str,
    rounds: Option<u64>,
    control: Option<&str>,
    to_people: bool,
) {
    let wanted = site.settings.workers;
    if workers < wanted {
        errln!("{name} goes on with {workers} of {wanted} workers: {FEW_PROCESSES}");
    }
    // Without an address it cannot be listening.
    let Some(address) = address_of(&site.listener) else { return };
    if to_people {
        say(&greeting(name, &address, transport));
        return;
    }
    let details = json!({
        "pid": std::process::id(),
        "name": name,
        "transport": transport,
        "control": control,
        "trace": site.trace.map(Tracer::path),
        "settings": {
            "workers": workers,
            "workers_asked": wanted,
            "queue_places": site.settings.queue_places,
            "max_connections": site.settings.max_connections,
            "memory_bytes": site.settings.memory_bytes,
            "arm": if site.settings.arm == Arm::Plain { "plain" } else { "tuned" },
            "admission": site.admission.as_ref().map_or("none", |admission| admission.control().name()),
            "cores": online_cores(),
            "compute_rounds_per_us": rounds,
        },
    });
    say(&json!(ReadyLine { ready: true, address: address.to_string(), details }).to_string());
}

/// What a person at a terminal is told when the server is ready.
fn greeting(name: &str, address: &ListenAddress, transport: &str) -> String {
    // A browser opens the first; the others need a client that has the keys, or that knows Unix sockets.
    let try_it = match (transport, address) {
        ("plain", ListenAddress::Tcp(address)) => format!("http://{address}/"),
        ("plain", ListenAddress::Unix(_)) => address.to_string(),
        (other, _) => format!("{address}, behind {other}"),
    };
    format!("{name} listens on {try_it}\n`dyno list` shows what it answers to, such as /json; Ctrl-C drains")
}

/// What a person is told at the end: the requests of all workers together.
pub(super) fn farewell(tallies: &str) -> String {
    let served = serde_json::from_str::<Value>(tallies).ok();
    let requests = served.and_then(|served| served["total"]["requests"].as_u64());
    requests.map_or_else(
        || "drained".to_string(),
        |count| format!("drained; served {}", show::many(count, "request")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_an_address_to_open_and_a_sum() {
        let address: &ListenAddress = &"127.0.0.1:8080".parse().unwrap();
        let socket: &ListenAddress = &"unix:/run/s".parse().unwrap();
        assert!(greeting("epoll", socket, "plain").starts_with("epoll listens on unix:/run/s\n"));
        assert!(greeting("epoll", address, "plain").starts_with("epoll listens on http://127.0.0.1:8080/\n"));
        assert!(
            greeting("epoll", address, "tls").starts_with("epoll listens on 127.0.0.1:8080, behind tls\n")
        );
        let tallies = "{\"name\":\"x\",\"workers\":[],\"total\":{\"requests\":1234}}";
        assert_eq!(farewell(tallies), "drained; served 1,234 requests");
        assert_eq!(farewell("nonsense"), "drained");
    }
}
