//! `https://` in each command that sends requests: whom it trusts, what it refuses, and what it says.

mod support;

use support::{CLIENTS, Running, dyno, keys};

#[test]
fn https_trusts_the_system_or_what_it_is_told_to() {
    let place = tempfile::tempdir().unwrap();
    let directory = keys(place.path());
    let authority = format!("{directory}/authority.pem");
    let secure = ["--transport", "tls", "--credentials", &directory];
    let four = Running::serve(&[&["--listen", "0.0.0.0:0"][..], &secure].concat());
    let six = Running::serve(&[&["--listen", "[::1]:0"][..], &secure].concat());
    let (four, six) = (four.port(), six.port());
    let system = [("SSL_CERT_FILE", authority.as_str())];
    let nobody = [("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/nonexistent")];
    let path = "pages/2/1000";
    for (name, words) in CLIENTS {
        let run = |url: &str, more: &str, variables: &[(&str, &str)]| {
            dyno(&format!("{} {more}", words.replace("URL", url)), variables)
        };
        let trust = format!("--trust {authority}");
        let credentials = format!("--credentials {directory}");
        for (url, more, variables) in [
            (format!("https://localhost:{four}/{path}"), trust.as_str(), &[][..]),
            (format!("HTTPS://127.0.0.1:{four}/{path}"), &trust, &[]),
            (format!("https://[::1]:{six}/{path}"), &trust, &[]),
            (format!("https://localhost:{four}/{path}"), &credentials, &[]),
            (format!("https://localhost:{four}/{path}"), "", &system),
            (format!("https://localhost:{four}/{path}"), "--transport tls", &system),
            (format!("http://localhost:{four}/{path}"), "--transport tls", &system),
            (format!("https://127.0.0.2:{four}/{path}"), "--insecure", &nobody),
            (format!("https://[::1]:{six}/{path}"), "--insecure", &[]),
        ] {
            let ended = run(&url, more, variables);
            assert!(ended.answered(name), "{name} {url} {more}: {ended:?}");
            let says = ended.stderr.contains("nothing is checked");
            assert_eq!(says, more == "--insecure", "{name} {url} {more}: {ended:?}");
        }
        for (url, more, variables, says) in [
            // The authority of a throw-away key is not one of the system's.
            (
                format!("https://localhost:{four}/"),
                "",
                &[][..],
                &["do not trust", "--trust", "--insecure"][..],
            ),
            (format!("https://127.0.0.2:{four}/"), &trust, &[], &["another name", "URL"]),
            (format!("http://127.0.0.1:{four}/"), "", &[], &["https://"]),
        ] {
            let ended = run(&url, more, variables);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            let missing: Vec<_> = says.iter().filter(|word| !said.contains(*word)).collect();
            assert!(ended.code != 0 && missing.is_empty(), "{name} {url} {more}: {missing:?} in {ended:?}");
        }
        for (url, more, variables, says) in [
            (
                "https://localhost:1/",
                "",
                &nobody[..],
                &["no certificates of authorities", "--trust FILE"][..],
            ),
            ("https://localhost:1/", "--transport plain", &[], &["means TLS", "leave --transport out"]),
            ("https://localhost:1/", "--transport channel", &[], &["means TLS", "write http://"]),
            ("http://localhost:1/", "--insecure", &[], &["--transport plain", "https://"]),
            ("http://localhost:1/", "--transport channel --insecure", &[], &["--transport channel"]),
            ("http://localhost:1/", &trust, &[], &["--trust means nothing to --transport plain"]),
            ("https://localhost:1/", &format!("{trust} --insecure"), &[], &["--insecure", "leave one"]),
            ("https://localhost:1/", "--peer ed25519:00", &[], &["Ed25519"]),
        ] {
            let ended = run(url, more, variables);
            let missing: Vec<_> = says.iter().filter(|word| !ended.stderr.contains(*word)).collect();
            assert!(ended.code == 2 && missing.is_empty(), "{name} {url} {more}: {missing:?} in {ended:?}");
        }
    }
}

#[test]
fn a_result_says_that_the_server_was_not_checked() {
    let place = tempfile::tempdir().unwrap();
    let directory = keys(place.path());
    let server = Running::serve(&["--listen", "127.0.0.1:0", "--transport", "tls"]);
    let url = format!("https://{}/", server.address);
    let outcome = |more: &str| -> serde_json::Value {
        let ended = dyno(&format!("load {url} -n 20 -c 2 -w 0 --format json {more}"), &[]);
        serde_json::from_str(&ended.stdout).unwrap_or_default()
    };
    assert_eq!(outcome("--insecure")["plan"]["server_unchecked"], true);
    assert_eq!(outcome(&format!("--trust {directory}/authority.pem")), serde_json::Value::Null);
    let probe = dyno(&format!("probe {url} --insecure --json"), &[]);
    let probe: serde_json::Value = serde_json::from_str(&probe.stdout).unwrap();
    assert_eq!((&probe["server_checked"], &probe["transport"]), (&false.into(), &"tls".into()));
}
