//! What goes through: requests there, answers back.

use dyno_tests::backend::{Backend, Does};
use dyno_tests::response::Response;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{Outcome, ensure};
use dyno_tests::wire::{Client, get};

/// A first tier of a row.
pub(crate) fn tier(row: &Row, routes: &[&str], more: &[&str]) -> Result<Server, String> {
    let mut arguments: Vec<&str> = row.arguments.clone();
    routes.iter().for_each(|route| arguments.extend(["--forward", route]));
    arguments.extend(more);
    Server::start_with(&arguments, None)
}

/// A backend that is a server of ours.
pub(crate) fn dyno() -> Result<Server, String> {
    Server::start_with(&["epoll"], None)
}

pub(crate) fn connect(server: &Server) -> Result<Client, String> {
    Client::connect(server.address).map_err(|error| error.to_string())
}

/// A request on a connection of its own.
pub(crate) fn ask(server: &Server, method: &str, request: &str) -> Result<Response, String> {
    let mut client = connect(server)?;
    client.send(request);
    client.response(method)
}

pub(crate) fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn is_hello(answer: &Response) -> Outcome {
    ensure(answer.status == 200 && answer.text() == "Hello, World!", || {
        format!("{} {:?}", answer.status, answer.text())
    })
}

pub(crate) fn through_and_back(row: &Row) -> Outcome {
    let backend = dyno()?;
    let server = tier(row, &[&format!("/={}", backend.address)], &[])?;
    let mut client = connect(&server)?;
    let hello = client.get("/")?;
    is_hello(&hello)?;
    for name in ["via", "date", "content-length"] {
        let count = hello.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count();
        ensure(count == 1, || format!("{count} times {name}: {:?}", hello.fields))?;
    }
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.response("HEAD")?;
    ensure(head.status == 200 && head.field("content-length") == Some("13") && head.body.is_empty(), || {
        format!("HEAD: {head:?}")
    })?;
    client.send(post("/echo", "back and forth"));
    let echo = client.response("POST")?;
    ensure(echo.status == 200 && echo.text() == "back and forth", || format!("POST: {echo:?}"))?;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nback\r\n6\r\n again\r\n0\r\n\r\n");
    let chunked = client.response("POST")?;
    ensure(chunked.status == 200 && chunked.text() == "back again", || format!("chunked: {chunked:?}"))?;
    let missing = client.get("/no-such-service")?;
    ensure(missing.status == 404 && missing.text().contains("no such service"), || {
        format!("404: {missing:?}")
    })?;
    // Two at once are answered in order.
    client.send(format!("{}{}", get("/bytes/10"), get("/")));
    let (first, second) = (client.response("GET")?, client.response("GET")?);
    ensure(first.body.len() == 10, || format!("pipelined: {first:?}"))?;
    is_hello(&second)?;
    let large = "x".repeat(900_000);
    client.send(post("/echo", &large));
    let large_back = client.response("POST")?;
    ensure(large_back.body == large.as_bytes(), || format!("{} octets came back", large_back.body.len()))?;
    drop(client);
    let old = ask(&server, "GET", "GET / HTTP/1.0\r\n\r\n")?;
    is_hello(&old)?;
    server.stop_well()?;
    Ok(())
}

pub(crate) fn parts(row: &Row) -> Outcome {
    let mirror = Backend::start(Does::Mirrors)?;
    let server = tier(row, &[&format!("/={}", mirror.address)], &[])?;
    let request = "GET /a%20b?c=d&e HTTP/1.1\r\nHost: example.org:81\r\nConnection: X-Own\r\nX-Own: 1\r\nX-Kept: 2\r\n\
                   TE: trailers\r\nKeep-Alive: 5\r\nForwarded: for=192.0.2.1\r\nVia: 1.0 other\r\n\r\n";
    let seen = ask(&server, "GET", request)?.text();
    let lower = seen.to_ascii_lowercase();
    ensure(seen.starts_with("GET /a%20b?c=d&e HTTP/1.1\r\n"), || seen.clone())?;
    ensure(
        lower.matches("\r\nhost: example.org:81\r\n").count() == 1 && lower.matches("\r\nhost:").count() == 1,
        || format!("not one Host: {seen}"),
    )?;
    for gone in ["x-own", "\r\nte:", "keep-alive", "\r\nconnection:"] {
        ensure(!lower.contains(gone), || format!("{gone} is for one connection: {seen}"))?;
    }
    let forwarded = "\r\nforwarded: for=127.0.0.1;host=\"example.org:81\";proto=http\r\n";
    for kept in ["\r\nx-kept: 2\r\n", "\r\nforwarded: for=192.0.2.1\r\n", "\r\nvia: 1.0 other\r\n", forwarded]
    {
        ensure(lower.contains(kept), || format!("no {kept:?} in {seen}"))?;
    }
    // A body comes with its length, whatever its framing was.
    let chunked = "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let seen = ask(&server, "PUT", chunked)?.text().to_ascii_lowercase();
    ensure(seen.ends_with("content-length: 2\r\n\r\nhi"), || seen.clone())?;
    ensure(!seen.contains("transfer-encoding") && !seen.contains("expect"), || seen.clone())?;
    // The host of an absolute target counts (RFC 9112, 3.2.2).
    let absolute = ask(&server, "GET", "GET http://real/x?y HTTP/1.1\r\nHost: other\r\n\r\n")?.text();
    ensure(absolute.starts_with("GET /x?y HTTP/1.1\r\nHost: real\r\n"), || absolute.clone())?;
    let options = ask(&server, "OPTIONS", "OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")?;
    ensure(options.status == 204 && options.field("allow").is_some(), || format!("{options:?}"))?;
    server.stop_well()?;
    Ok(())
}

pub(crate) fn prefixes(row: &Row) -> Outcome {
    let (one, other) = (Backend::start(Does::Mirrors)?, dyno()?);
    let routes = [format!("/a/={}", one.address), format!("/a/b={}", other.address)];
    let server = tier(row, &[&routes[0], &routes[1]], &[])?;
    for (path, status, text) in [
        ("/a", 200, "GET /a HTTP/1.1"),
        ("/a/", 200, "GET /a/ HTTP/1.1"),
        ("/a/x?/a/b", 200, "GET /a/x?/a/b HTTP/1.1"),
        // The longest prefix counts, and a prefix ends where a segment ends.
        ("/a/b", 404, "no such service"),
        ("/a/bc", 200, "GET /a/bc HTTP/1.1"),
        ("/ab", 404, "no such service"),
        // A backend must not find a way out of its prefix.
        ("/a/../x", 400, "the path is not canonical"),
        ("/a/%2e%2e/x", 400, "the path is not canonical"),
        ("/", 200, "Hello, World!"),
    ] {
        let answer = ask(&server, "GET", &get(path))?;
        ensure(answer.status == status && answer.text().starts_with(text), || format!("{path}: {answer:?}"))?;
        let is_forwarded = answer.field("via").is_some();
        let is_to_be = path.starts_with("/a") && path != "/ab" && status != 400;
        ensure(is_forwarded == is_to_be, || format!("{path}: {answer:?}"))?;
    }
    server.stop_well()?;
    Ok(())
}

pub(crate) fn circles(row: &Row) -> Outcome {
    let mirror = Backend::start(Does::Mirrors)?;
    let server = tier(row, &[&format!("/={}", mirror.address)], &[])?;
    let via = ask(&server, "GET", &get("/"))?.field("via").unwrap_or_default().to_owned();
    let with = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let once = ask(&server, "GET", &with(&format!("Via: {via}\r\n")))?;
    ensure(once.status == 200, || format!("once: {once:?}"))?;
    for twice in [format!("Via: {via}, 1.1 other, {via}\r\n"), format!("Via: {via}\r\nvia: {via}\r\n")] {
        let refused = ask(&server, "GET", &with(&twice))?;
        ensure(refused.status == 508, || format!("twice: {refused:?}"))?;
    }
    ensure(mirror.seen().len() == 2, || "a request that runs in circles was passed on".into())?;
    server.stop_well()?;
    Ok(())
}
