//! Well-known servers, recognized when installed. They are configured for this comparison: one worker per core, no
//! access log, a static file of the same bytes as Dyno's hello, connections kept open without limit.

use std::path::{Path, PathBuf};

use dyno_analysis::explanation::build::{Build, Sleepers};

use crate::contestant::foreign::bare;
use crate::contestant::{Contestant, find};

struct Peer {
    label: &'static str,
    idea: &'static str,
    build: Build,
    /// Names of the program; the first one that is found is used.
    programs: &'static [&'static str],
    /// A file that must exist as well; empty when none is needed.
    needs: &'static str,
    arguments: &'static [&'static str],
    configuration: &'static str,
}

/// The body of `/`, as Dyno's own service answers it.
pub(crate) const HELLO: &str = "Hello, World!";

const NGINX: &str = "daemon off;
worker_processes {cores};
pid {dir}/LABEL/nginx.pid;
error_log stderr crit;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  default_type text/plain;
  client_body_temp_path {dir}/LABEL/body; proxy_temp_path {dir}/LABEL/proxy; fastcgi_temp_path {dir}/LABEL/fastcgi;
  uwsgi_temp_path {dir}/LABEL/uwsgi; scgi_temp_path {dir}/LABEL/scgi;
  open_file_cache max=100 inactive=1h;
  server {
    listen 127.0.0.1:{port} backlog=4096;
    root {dir}/LABEL/www;
    location = / { try_files /index.txt =404; }
  }
}
";

const APACHE: &str = "ServerName localhost
ServerRoot /usr/lib/apache2
Listen 127.0.0.1:{port}
ListenBacklog 4096
PidFile {dir}/LABEL/httpd.pid
Mutex file:{dir}/LABEL default
LoadModule mpm_MPM_module modules/mod_mpm_MPM.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule dir_module modules/mod_dir.so
ErrorLog /dev/stderr
LogLevel crit
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 3600
DocumentRoot {dir}/LABEL/www
DirectoryIndex index.txt
<IfModule mpm_prefork_module>
  ServerLimit 1024
  StartServers 96
  MinSpareServers 16
  MaxSpareServers 128
  MaxRequestWorkers 1024
</IfModule>
<IfModule !mpm_prefork_module>
  ServerLimit 16
  ThreadsPerChild 64
  StartServers 2
  MaxRequestWorkers 1024
</IfModule>
";

const LIGHTTPD: &str = "server.document-root = \"{dir}/LABEL/www\"
server.bind = \"127.0.0.1\"
server.port = {port}
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 3600
server.max-fds = 20000
server.max-connections = 10000
server.listen-backlog = 4096
index-file.names = ( \"index.txt\" )
mimetype.assign = ( \".txt\" => \"text/plain\" )
";

const HAPROXY: &str = "global
  nbthread {cores}
defaults
  mode http
  timeout client 1h
  timeout http-keep-alive 1h
  timeout connect 5s
  timeout server 5s
frontend race
  bind 127.0.0.1:{port} backlog 4096
  http-request return status 200 content-type text/plain lf-string \"Hello, World!\"
";

const H2O: &str = "listen: { host: 127.0.0.1, port: {port} }
num-threads: {cores}
max-connections: 10000
http1-request-timeout: 3600
hosts:
  default:
    paths:
      \"/\":
        file.dir: {dir}/LABEL/www
        file.index: [\"index.txt\"]
";

/// Loops over epoll that share nothing.
const EPOLL_LOOPS: Build = Build { epoll: true, ..Build::UNKNOWN };

const PEERS: [Peer; 7] = [
    Peer {
        label: "nginx",
        idea: "one epoll loop a core, a process each",
        build: EPOLL_LOOPS,
        programs: &["nginx"],
        needs: "",
        arguments: &["-e", "stderr", "-c", "{dir}/LABEL/configuration"],
        configuration: NGINX,
    },
    Peer {
        label: "apache-prefork",
        idea: "a process for each connection, started in advance",
        build: Build { sleepers: Sleepers::Processes, ..Build::UNKNOWN },
        programs: &["apache2", "httpd"],
        needs: "/usr/lib/apache2/modules/mod_mpm_prefork.so",
        arguments: &["-D", "FOREGROUND", "-f", "{dir}/LABEL/configuration"],
        configuration: APACHE,
    },
    Peer {
        label: "apache-worker",
        idea: "processes with a thread for each connection",
        build: Build { sleepers: Sleepers::Threads, ..Build::UNKNOWN },
        programs: &["apache2", "httpd"],
        needs: "/usr/lib/apache2/modules/mod_mpm_worker.so",
        arguments: &["-D", "FOREGROUND", "-f", "{dir}/LABEL/configuration"],
        configuration: APACHE,
    },
    Peer {
        label: "apache-event",
        idea: "threads for requests, a poller for connections that wait",
        build: Build { sleepers: Sleepers::Threads, hand_overs: 1.0, epoll: true, ..Build::UNKNOWN },
        programs: &["apache2", "httpd"],
        needs: "/usr/lib/apache2/modules/mod_mpm_event.so",
        arguments: &["-D", "FOREGROUND", "-f", "{dir}/LABEL/configuration"],
        configuration: APACHE,
    },
    Peer {
        label: "lighttpd",
        idea: "one thread, epoll",
        build: EPOLL_LOOPS,
        programs: &["lighttpd"],
        needs: "",
        arguments: &["-D", "-f", "{dir}/LABEL/configuration"],
        configuration: LIGHTTPD,
    },
    Peer {
        label: "haproxy",
        idea: "one epoll loop a core, a thread each; answers by itself",
        build: EPOLL_LOOPS,
        programs: &["haproxy"],
        needs: "",
        arguments: &["-db", "-f", "{dir}/LABEL/configuration"],
        configuration: HAPROXY,
    },
    Peer {
        label: "h2o",
        idea: "one event loop a core, a thread each",
        build: EPOLL_LOOPS,
        programs: &["h2o"],
        needs: "",
        arguments: &["-m", "worker", "-c", "{dir}/LABEL/configuration"],
        configuration: H2O,
    },
];

/// The build of the peer of that name, installed or not; `None` where there is none of that name.
pub fn build_of(name: &str) -> Option<Build> {
    PEERS.iter().find(|peer| peer.label == name).map(|peer| peer.build)
}

/// The peer of that name: `Some(None)` where it is known and not installed, `None` where there is none of that name.
pub fn of_label(label: &str) -> Option<Option<Contestant>> {
    let peer = PEERS.iter().find(|peer| peer.label == label)?;
    Some(is_whole(peer).then(|| contestant(peer)).flatten())
}

/// Whether all that it needs beside its program is there.
fn is_whole(peer: &Peer) -> bool {
    peer.needs.is_empty() || Path::new(peer.needs).exists()
}

/// The names of all peers, installed or not.
pub fn labels() -> Vec<&'static str> {
    PEERS.iter().map(|peer| peer.label).collect()
}

/// All peers: name, what each is, and whether it is installed here.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    let is_here = |peer: &Peer| is_whole(peer) && peer.programs.iter().any(|program| find(program).is_some());
    PEERS.iter().map(move |peer| (peer.label, peer.idea, is_here(peer)))
}

/// The peers that are installed on this machine.
pub fn installed() -> Vec<Contestant> {
    PEERS.iter().filter(|peer| is_whole(peer)).filter_map(contestant).collect()
}

fn contestant(peer: &Peer) -> Option<Contestant> {
    let program = peer.programs.iter().find_map(|program| find(program))?;
    let fill = |text: &str| {
        text.replace("LABEL", peer.label).replace("MPM", peer.label.rsplit('-').next().unwrap_or_default())
    };
    let mut command = vec![program.display().to_string()];
    command.extend(peer.arguments.iter().map(|argument| fill(argument)));
    let mut found = bare(peer.label, command);
    found.idea = peer.idea.to_string();
    found.build = peer.build;
    found.files = vec![
        (PathBuf::from(peer.label).join("configuration"), fill(peer.configuration)),
        (PathBuf::from(peer.label).join("www/index.txt"), HELLO.to_string()),
    ];
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_stays_but_those_that_the_start_fills() {
        for peer in &PEERS {
            for text in [peer.configuration].iter().chain(peer.arguments) {
                let filled = text.replace("LABEL", peer.label).replace("MPM", "x");
                let rest =
                    ["{port}", "{cores}", "{dir}"].iter().fold(filled, |text, name| text.replace(name, ""));
                let open = rest.matches("{dir").count()
                    + rest.matches("{port").count()
                    + rest.matches("{core").count();
                assert_eq!(open, 0, "{}: {rest}", peer.label);
            }
        }
    }
}
