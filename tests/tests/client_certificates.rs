//! Keys and certificates of `dyno keys` in the hands of other programs: curl, openssl, Python and nginx read them, show
//! them to each architecture that asks for a client's certificate, and ask Dyno for one. Where a program is not
//! installed its trials show as ignored.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use dyno_security::transport::Transport;
use dyno_tests::rows::{Row, rows};
use dyno_tests::secure::{friends, make_credentials, serve, strangers};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, program};
use dyno_tests::tool::{ForeignServer, is_installed, run};
use dyno_tests::wire::get_and_close;
use libtest_mimic::Trial;

/// A client that reads the answer to one request and prints it; it fails when the server does not serve it.
const PYTHON_CLIENT: &str = "
import socket, ssl, sys
port, authority, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
if certificate:
    context.load_cert_chain(certificate, key)
with socket.create_connection(('127.0.0.1', int(port)), timeout=10) as plain:
    with context.wrap_socket(plain, server_hostname='localhost') as wire:
        wire.sendall(b'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n')
        answer = b''
        while piece := wire.recv(4096):
            answer += piece
print(answer.decode())
sys.exit(0 if answer.endswith(b'Hello, World!') else 1)
";

/// A server that asks for a client's certificate and says hello to whoever has one.
const PYTHON_SERVER: &str = "
import http.server, ssl, sys
port, authority, certificate, key = sys.argv[1:]
class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '13')
        self.end_headers()
        self.wfile.write(b'Hello, World!')
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
context.load_verify_locations(authority)
context.verify_mode = ssl.CERT_REQUIRED
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(port)), Hello)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
";

/// A program's name, how it is asked whether it is there, and what it does with each architecture.
type Client = (&'static str, &'static [&'static str], fn(&str, u16, &str) -> Result<bool, String>);

const CLIENTS: [Client; 3] = [
    ("curl", &["--version"], curl),
    ("openssl", &["version"], s_client),
    ("python3", &["-c", "import ssl"], python),
];

/// The same for what is asked of the keys themselves, and of Dyno as a client.
type Other = (&'static str, &'static str, &'static [&'static str], fn() -> Outcome);

const OTHERS: [Other; 5] = [
    ("keys", "openssl", &["version"], openssl_reads),
    ("keys", "python3", &["-c", "import cryptography"], python_reads),
    ("servers", "openssl", &["version"], s_server),
    ("servers", "python3", &["-c", "import ssl"], python_server),
    ("servers", "nginx", &["-v"], nginx),
];

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials = Vec::new();
    let mut add = |tool: &str, question: &[&str], name: String, run: Box<dyn FnOnce() -> Outcome + Send>| {
        let installed = is_installed(tool, question);
        let kind = if installed { tool.to_owned() } else { format!("{tool} is not installed") };
        trials.push(Trial::test(name, run).with_kind(kind).with_ignored_flag(!installed));
    };
    for (tool, question, ask) in CLIENTS {
        for row in rows() {
            let name = format!("client-certificates::{}::{tool}", row.name);
            add(tool, question, name, Box::new(move || asked_for(&row, ask)));
        }
    }
    for (what, tool, question, run) in OTHERS {
        add(tool, question, format!("client-certificates::{what}::{tool}"), Box::new(run));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn file(directory: &str, name: &str) -> String {
    Path::new(directory).join(name).to_string_lossy().into_owned()
}

/// A server that wants certificates of our authority serves who has one, and nobody else; then it serves on.
fn asked_for(row: &Row, ask: fn(&str, u16, &str) -> Result<bool, String>) -> Outcome {
    let trust: &'static str = Box::leak(file(friends(), "authority.pem").into_boxed_str());
    let server: Server = serve(row, Transport::Tls, &["--trust", trust])?;
    let port = server.address.port();
    for (whose, served) in [(friends(), true), (strangers(), false), ("", false), (friends(), true)] {
        let answered = ask(&file(friends(), "authority.pem"), port, whose)?;
        ensure(answered == served, || format!("keys of {whose:?}: served is {answered}"))?;
    }
    server.stop_well()?;
    Ok(())
}

/// Whether curl gets the answer with the certificate of the directory `whose`; empty: with none.
fn curl(authority: &str, port: u16, whose: &str) -> Result<bool, String> {
    let (url, resolve) = (format!("https://localhost:{port}/"), format!("localhost:{port}:127.0.0.1"));
    let mut arguments = vec!["--disable", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*"];
    arguments.extend(["--resolve", &resolve, "--cacert", authority, &url]);
    let (certificate, key) = (file(whose, "tls-client.pem"), file(whose, "tls-client.key"));
    if !whose.is_empty() {
        arguments.extend(["--cert", &certificate, "--key", &key]);
    }
    let output = run("curl", &arguments, "")?;
    // 58: curl cannot use the key or the certificate that it was given.
    if output.status.code() == Some(58) {
        return Err(format!("{output:?}"));
    }
    Ok(output.status.success() && output.stdout == b"Hello, World!")
}

fn s_client(authority: &str, port: u16, whose: &str) -> Result<bool, String> {
    let address = format!("127.0.0.1:{port}");
    let mut arguments =
        vec!["s_client", "-connect", &address, "-servername", "localhost", "-CAfile", authority];
    arguments.extend(["-verify_return_error", "-verify_hostname", "localhost", "-tls1_3", "-ign_eof"]);
    let (certificate, key) = (file(whose, "tls-client.pem"), file(whose, "tls-client.key"));
    if !whose.is_empty() {
        arguments.extend(["-cert", &certificate, "-key", &key]);
    }
    let output = run("openssl", &arguments, &get_and_close("/"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !said.contains("CONNECTED") {
        return Err(format!("{output:?}"));
    }
    Ok(said.contains("Hello, World!"))
}

fn python(authority: &str, port: u16, whose: &str) -> Result<bool, String> {
    let (certificate, key) = match whose {
        "" => (String::new(), String::new()),
        _ => (file(whose, "tls-client.pem"), file(whose, "tls-client.key")),
    };
    let port = port.to_string();
    let output = run("python3", &["-c", PYTHON_CLIENT, &port, authority, &certificate, &key], "")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // A refused certificate is an alert or a cut connection; anything else is a fault of the keys.
    let refused =
        said.contains("alert") || said.contains("Connection reset") || said.contains("EOF occurred");
    if !output.status.success() && !refused {
        return Err(format!("{output:?}"));
    }
    Ok(output.status.success())
}

const KEYS: [&str; 4] = ["channel-server.key", "channel-client.key", "tls-server.key", "tls-client.key"];

/// openssl reads our keys, and we read its own; what is in another form is told with the way out, which works.
fn openssl_reads() -> Outcome {
    for name in KEYS {
        let key = file(friends(), name);
        let output = run("openssl", &["pkey", "-in", &key, "-noout", "-text"], "")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure(output.status.success() && said.contains("ED25519 Private-Key"), || {
            format!("{name}: {output:?}")
        })?;
    }
    // Each certificate is for its own side, and for a quarter of a year: 89 days are left, 91 are not.
    for (name, side, other) in [
        ("tls-server.pem", "TLS Web Server Authentication", "TLS Web Client Authentication"),
        ("tls-client.pem", "TLS Web Client Authentication", "TLS Web Server Authentication"),
    ] {
        let path = file(friends(), name);
        let output = run("openssl", &["x509", "-in", &path, "-noout", "-ext", "extendedKeyUsage"], "")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure(said.contains(side) && !said.contains(other), || format!("{name}: {said}"))?;
        for (seconds, left) in [("7689600", true), ("7862400", false)] {
            let output = run("openssl", &["x509", "-in", &path, "-noout", "-checkend", seconds], "")?;
            ensure(output.status.success() == left, || format!("{name} after {seconds} s: {output:?}"))?;
        }
    }
    let place = tempfile::tempdir()?;
    let at = |name: &str| place.path().join(name).to_string_lossy().into_owned();
    let openssl = |arguments: &[&str]| {
        let output = run("openssl", arguments, "")?;
        if output.status.success() { Ok(output) } else { Err(format!("{arguments:?}: {output:?}")) }
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", &at("ed25519")])?;
    openssl(&["pkcs8", "-topk8", "-in", &at("ed25519"), "-passout", "pass:secret", "-out", &at("locked")])?;
    openssl(&["pkey", "-in", &at("ed25519"), "-outform", "DER", "-out", &at("der")])?;
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &at("ec")])?;
    openssl(&["genrsa", "-traditional", "-out", &at("rsa"), "2048"])?;
    for (name, told) in [
        ("ed25519", None),
        ("locked", Some("ENCRYPTED")),
        ("der", Some("DER")),
        ("ec", Some("EC PRIVATE KEY")),
        ("rsa", Some("RSA PRIVATE KEY")),
    ] {
        set_private(&at(name))?;
        for transport in [Transport::Channel, Transport::Tls] {
            let said = reads(&at(name), transport)?;
            let names_it = told.is_none_or(|told| said.contains(told) && said.contains("-topk8 -nocrypt"));
            ensure(names_it, || format!("{name} over {transport}: {said}"))?;
        }
        // The remedy, as it is told.
        if told.is_some() {
            let form: &[&str] = if name == "der" { &["-inform", "DER"] } else { &[] };
            let (old, new) = (at(name), at(&format!("{name}-new")));
            let arguments = [&["pkcs8"], form, &["-topk8", "-nocrypt", "-in", &old, "-out", &new]].concat();
            let password = ["-passin", "pass:secret"];
            openssl(&[&arguments[..], if name == "locked" { &password } else { &[] }].concat())?;
            set_private(&new)?;
            let said = reads(&new, Transport::Channel)?;
            let is_ed25519 = matches!(name, "locked" | "der");
            let right = if is_ed25519 { said.contains("ed25519:") } else { said.contains("genpkey") };
            ensure(right, || format!("{name}, turned into PKCS#8: {said}"))?;
        }
    }
    Ok(())
}

fn set_private(path: &str) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

/// What a server says that is to use this key; over the channel it is up, if it can be, and stopped again.
fn reads(key: &str, transport: Transport) -> Result<String, String> {
    let mut arguments = vec!["epoll", "--transport", transport.name(), "--key", key];
    let certificate = file(friends(), "tls-server.pem");
    if transport == Transport::Tls {
        arguments.extend(["--certificate", &certificate]);
    }
    match Server::start_with(&arguments, None) {
        Ok(server) => Ok(server.stop()?.stderr),
        Err(said) => Ok(said),
    }
}

fn python_reads() -> Outcome {
    const READ: &str = "
import sys
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
for path in sys.argv[1:]:
    text = open(path, 'rb').read()
    if path.endswith('.pem'):
        x509.load_pem_x509_certificate(text)
    else:
        assert isinstance(load_pem_private_key(text, None), Ed25519PrivateKey), path
";
    let paths = KEYS.iter().chain(&["authority.pem", "tls-server.pem", "tls-client.pem"]);
    let paths: Vec<_> = paths.map(|name| file(friends(), name)).collect();
    let arguments: Vec<_> = ["-c", READ].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let output = run("python3", &arguments, "")?;
    ensure(output.status.success(), || format!("{output:?}"))
}

/// Dyno as the client of a server that wants its certificate: served with ours, refused with another's.
fn asks(server: &ForeignServer) -> Outcome {
    let url = format!("http://127.0.0.1:{}/", server.address.port());
    let dyno = program().to_string_lossy();
    let trust = file(friends(), "authority.pem");
    for (whose, served) in [(friends(), true), (strangers(), false)] {
        let arguments = [
            "probe",
            &url,
            "--transport",
            "tls",
            "--credentials",
            whose,
            "--trust",
            &trust,
            "--timeout",
            "10s",
        ];
        let output = run(&dyno, &arguments, "")?;
        ensure(output.status.success() == served, || format!("keys of {whose}: {output:?}"))?;
    }
    Ok(())
}

fn s_server() -> Outcome {
    let server = ForeignServer::start(|port| {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-tls1_3", "-www", "-quiet"]);
        command.args([
            "-cert",
            &file(friends(), "tls-server.pem"),
            "-key",
            &file(friends(), "tls-server.key"),
        ]);
        command.args(["-CAfile", &file(friends(), "authority.pem"), "-Verify", "2", "-verify_return_error"]);
        command
    })?;
    asks(&server)
}

fn python_server() -> Outcome {
    let server = ForeignServer::start(|port| {
        let mut command = Command::new("python3");
        command.args(["-c", PYTHON_SERVER, &port.to_string(), &file(friends(), "authority.pem")]);
        command.args([file(friends(), "tls-server.pem"), file(friends(), "tls-server.key")]);
        command
    })?;
    asks(&server)
}

fn nginx() -> Outcome {
    let place = tempfile::tempdir()?;
    let root = place.path().to_string_lossy().into_owned();
    let server = ForeignServer::start(|port| {
        let (certificate, key) = (file(friends(), "tls-server.pem"), file(friends(), "tls-server.key"));
        let text = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/errors;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2;\n\
             fastcgi_temp_path {root}/3; uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;\n\
             server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3;\n\
             ssl_certificate {certificate}; ssl_certificate_key {key};\n\
             ssl_client_certificate {}; ssl_verify_client on;\n\
             location / {{ return 200 'Hello, World!'; }} }} }}\n",
            file(friends(), "authority.pem"),
        );
        let _ = fs::write(place.path().join("nginx.conf"), text);
        let mut command = Command::new("nginx");
        command.args(["-p", &root, "-c", &format!("{root}/nginx.conf"), "-e", &format!("{root}/errors")]);
        command
    })?;
    asks(&server)
}
