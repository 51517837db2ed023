//! Chains of tiers: our own, and nginx before and behind us.

use std::fs;
use std::path::Path;
use std::process::Command;

use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{Outcome, ensure, quick};
use dyno_tests::tool::{ForeignServer, is_installed};
use dyno_tests::wire::{Client, get, get_once};
use libtest_mimic::Trial;

use crate::passing::{dyno, is_hello, post, tier};
use crate::trouble::nobody;

pub(crate) fn mount_all(trials: &mut Vec<Trial>) {
    trials.push(quick("forwarding::three-tiers-of-our-own", three_tiers));
    trials.push(quick("forwarding::a-real-circle-ends", real_circle));
    let installed = is_installed("nginx", &["-v"]);
    let kind = if installed { "nginx" } else { "nginx is not installed" };
    for row in
        rows().into_iter().filter(|row| ["epoll", "thread-pool", "hyper"].contains(&row.architecture.name))
    {
        let name = format!("forwarding::{}::between-two-nginx", row.name);
        trials.push(
            Trial::test(name, move || between_two_nginx(&row)).with_kind(kind).with_ignored_flag(!installed),
        );
    }
}

fn three_tiers() -> Outcome {
    let backend = dyno()?;
    let row = |name: &str| rows().into_iter().find(|row| row.architecture.name == name).ok_or("a row");
    let third = tier(&row("prefork")?, &[&format!("/={}", backend.address)], &[])?;
    let second = tier(&row("tokio")?, &[&format!("/={}", third.address)], &[])?;
    let first = tier(&row("thread-pool")?, &[&format!("/={}", second.address)], &[])?;
    let hello = get_once(first.address, "/")?;
    is_hello(&hello)?;
    let vias: Vec<_> = hello.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("via")).collect();
    ensure(vias.len() == 3, || format!("{vias:?}"))?;
    for server in [first, second, third] {
        server.stop_well()?;
    }
    Ok(())
}

/// Two tiers that forward to each other.
fn real_circle() -> Outcome {
    // The second takes the address of the first before that is listened on.
    let (address, _reserved) = nobody()?;
    let row = |name: &str| rows().into_iter().find(|row| row.architecture.name == name).ok_or("a row");
    let second = tier(&row("tokio")?, &[&format!("/={address}")], &[])?;
    let listen = address.to_string();
    let route = format!("/={}", second.address);
    let first = Server::start_at(&["epoll", "--forward", &route], &listen)?;
    let refused = get_once(first.address, "/")?;
    ensure(refused.status == 508, || format!("{refused:?}"))?;
    first.stop_well()?;
    second.stop_well()?;
    Ok(())
}

/// nginx, with what stands in its server block.
fn nginx(place: &Path, block: &str) -> Result<ForeignServer, String> {
    let root = place.to_string_lossy().into_owned();
    fs::create_dir_all(place).map_err(|error| error.to_string())?;
    ForeignServer::start(|port| {
        let text = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/errors;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log off; client_body_temp_path {root}/1; proxy_temp_path {root}/2;\n\
             fastcgi_temp_path {root}/3; uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;\n\
             server {{ listen 127.0.0.1:{port}; {block} }} }}\n",
        );
        let _ = fs::write(place.join("nginx.conf"), text);
        let mut command = Command::new("nginx");
        command.args(["-p", &root, "-c", &format!("{root}/nginx.conf"), "-e", &format!("{root}/errors")]);
        command
    })
}

fn between_two_nginx(row: &Row) -> Outcome {
    let place = tempfile::tempdir()?;
    let echo = dyno()?;
    let block = format!(
        "location / {{ return 200 \"$request_uri $host $http_x_a\"; }}\n\
         location /echo {{ proxy_pass http://{}; }}",
        echo.address
    );
    let last = nginx(&place.path().join("last"), &block)?;
    let middle = tier(row, &[&format!("/={}", last.address)], &[])?;
    let block =
        format!("location / {{ proxy_pass http://{}; proxy_set_header Host $host; }}", middle.address);
    let first = nginx(&place.path().join("first"), &block)?;
    let mut client = Client::connect(first.address)?;
    client.send("GET /a?b HTTP/1.1\r\nHost: example.org\r\nX-A: c\r\n\r\n");
    let answer = client.response("GET")?;
    ensure(answer.status == 200 && answer.text() == "/a?b example.org c", || format!("{answer:?}"))?;
    client.send(post("/echo", "through four"));
    let answer = client.response("POST")?;
    ensure(answer.status == 200 && answer.text() == "through four", || format!("{answer:?}"))?;
    client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.response("HEAD")?;
    ensure(head.status == 200 && head.field("content-length") == Some("5"), || format!("{head:?}"))?;
    // Alone behind a client, too.
    let direct = get_once(middle.address, "/direct")?;
    ensure(direct.text().starts_with("/direct localhost"), || format!("{direct:?}"))?;
    let mut client = Client::connect(middle.address)?;
    client.send(get("/x").repeat(3));
    for _ in 0..3 {
        ensure(client.response("GET")?.text().starts_with("/x"), || "pipelined".into())?;
    }
    drop(client);
    middle.stop_well()?;
    Ok(())
}
