//! What is sent arrives, and what stands behind it is answered.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use dyno_security::transport::Transport;
use dyno_tests::process::children;
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, over};
use dyno_tests::suite::{Outcome, ensure};
use dyno_tests::wire::{get, get_once};
use nix::unistd::Pid;
use procfs::process::Process;

use crate::stand::{Stand, connect, content, in_chunks, put, put_octets};

const MIB: usize = 1 << 20;

/// Eight megabytes; made once.
fn eight_mib() -> &'static [u8] {
    static CONTENT: OnceLock<Vec<u8>> = OnceLock::new();
    CONTENT.get_or_init(|| content(8 * MIB))
}

/// Twice, with a request behind each: it is new, then replaced.
fn arrives(row: &Row, head: &str, wire: &[u8], content: &[u8]) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let mut client = connect(&server)?;
    for status in [201, 204] {
        ensure(client.send([head.as_bytes(), wire, get("/json").as_bytes()].concat()), || "unsent".into())?;
        let (stored, next) = (client.response("PUT")?, client.response("GET")?);
        ensure(stored.status == status && !stored.says_close(), || format!("{stored:?}"))?;
        ensure(next.status == 200 && next.text().starts_with('{'), || format!("{next:?}"))?;
        stand.has("film.bin", content)?;
        stand.has_only(&["film.bin"])?;
    }
    drop(client);
    let total = server.stop_well()?.total;
    ensure(total.requests == 4 && total.peer_faults == 0 && total.faults == 0, || format!("{total:?}"))
}

pub(crate) fn arrives_by_length(row: &Row) -> Outcome {
    let content = eight_mib();
    arrives(row, &put_octets("film.bin", content.len()), content, content)
}

pub(crate) fn arrives_in_chunks(row: &Row) -> Outcome {
    let content = eight_mib();
    arrives(row, &put("film.bin", "Transfer-Encoding: chunked\r\n"), &in_chunks(content), content)
}

pub(crate) fn arrives_secured(row: &Row, transport: Transport) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &over(transport))?;
    let content = &eight_mib()[..2 * MIB];
    let rows = [
        ("length", put_octets("length", content.len()), content.to_vec()),
        ("chunks", put("chunks", "Transfer-Encoding: chunked\r\n"), in_chunks(content)),
    ];
    let mut client = Secure::connect(&server, transport, friends())?;
    for (name, head, wire) in rows {
        client.send([head.as_bytes(), &wire, get("/").as_bytes()].concat())?;
        let (stored, next) = (client.response("PUT")?.status, client.response("GET")?.status);
        ensure((stored, next) == (201, 200), || format!("{name}: {stored}, {next}"))?;
        stand.has(name, content)?;
    }
    drop(client);
    stand.has_only(&["chunks", "length"])?;
    server.stop_well()?;
    Ok(())
}

pub(crate) fn is_told_to_send(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let mut client = connect(&server)?;
    client.send(put("note", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    let deadline = std::time::Instant::now() + dyno_tests::limits::ANSWER;
    let interim = client.response_by("PUT", deadline)?.ok_or("nobody says to send")?;
    ensure(interim.status == 100, || format!("{interim:?}"))?;
    client.send("hello");
    let stored = client.response("PUT")?.status;
    ensure(stored == 201, || format!("{stored}"))?;
    stand.has("note", b"hello")
}

pub(crate) fn empty_files(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let mut client = connect(&server)?;
    for (name, fields, wire) in [
        ("length", "Content-Length: 0\r\n", ""),
        ("nothing", "", ""),
        ("chunks", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ] {
        client.send(get("/json") + &put(name, fields) + wire + &get("/"));
        let first = client.response("GET")?.status;
        let (stored, next) = (client.response("PUT")?.status, client.response("GET")?.status);
        ensure((first, stored, next) == (200, 201, 200), || format!("{name}: {first}, {stored}, {next}"))?;
        stand.has(name, b"")?;
    }
    stand.has_only(&["chunks", "length", "nothing"])
}

/// While one client sends as fast as it can, another one is answered again and again.
pub(crate) fn others_have_their_turn(row: &Row) -> Outcome {
    if row.is_alone() {
        return Ok(());
    }
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let (is_over, content) = (AtomicBool::new(false), eight_mib());
    let (mut client, address) = (connect(&server)?, server.address);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut sent = 0;
            while !is_over.load(Relaxed) {
                client.send([put_octets("film", content.len()).as_bytes(), content].concat());
                let status = client.response("PUT")?.status;
                sent += 1;
                if !matches!(status, 201 | 204) {
                    return Err(format!("upload {sent}: {status}"));
                }
            }
            Ok(())
        });
        let others = (0..30).try_for_each(|number| match get_once(address, "/")?.status {
            200 => Ok(()),
            status => Err(format!("request {number}: {status}")),
        });
        is_over.store(true, Relaxed);
        sender.join().expect("no panic").and(others)
    })?;
    stand.has("film", content)
}

/// Only uploads go to the disk.
pub(crate) fn other_bodies(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let mut client = connect(&server)?;
    let body = content(100_000);
    client.send(
        [b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", &body[..], get("/").as_bytes()]
            .concat(),
    );
    let (echo, next) = (client.response("POST")?, client.response("GET")?.status);
    ensure(echo.status == 200 && echo.body == body && next == 200, || format!("{}, {next}", echo.status))?;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n");
    let refused = client.response("POST")?.status;
    ensure(refused == 413, || format!("a body beyond the bound of bodies that are held: {refused}"))?;
    stand.has_only(&[])
}

/// A body sixteen times as large as all memory that connections may hold.
pub(crate) fn large_within_small_memory(row: &Row) -> Outcome {
    const PIECES: usize = 256;
    let stand = Stand::new()?;
    // The processes of a crew of usual size would take all of that.
    let workers = &row.with_workers("4")[row.arguments.len()..];
    let server = stand.serve(row, &[workers, &["--memory", "16MiB"]].concat())?;
    get_once(server.address, "/")?;
    let before_kib = own_memory_kib(server.pid);
    let mut client = connect(&server)?;
    let piece = &eight_mib()[..MIB];
    client.send(put_octets("image", PIECES * MIB));
    let mut most_kib = 0;
    for number in 0..PIECES {
        ensure(client.send(piece), || format!("piece {number} is unsent"))?;
        if number % 16 == 0 {
            most_kib = most_kib.max(own_memory_kib(server.pid));
        }
    }
    let stored = client.response("PUT")?.status;
    ensure(stored == 201, || format!("{stored}"))?;
    let length = std::fs::metadata(stand.path("image"))?.len();
    ensure(length == (PIECES * MIB) as u64, || format!("{length} octets"))?;
    drop(client);
    let memory = server.stop_well()?.memory;
    let grown_kib = most_kib.saturating_sub(before_kib);
    println!("{}: grew by {grown_kib} KiB; {memory:?}", row.name);
    ensure(memory.refused == 0 && grown_kib < 16 << 10, || format!("grew by {grown_kib} KiB; {memory:?}"))
}

/// What the server and its children hold that is neither a file nor shared, in KiB.
fn own_memory_kib(server: Pid) -> u64 {
    let own = |process: Pid| {
        let status = Process::new(process.as_raw()).and_then(|process| process.status());
        status.ok().and_then(|status| status.rssanon).unwrap_or(0)
    };
    own(server) + children(server).into_iter().map(own).sum::<u64>()
}
