//! Uploads that do not come to their end leave nothing.

use std::thread::sleep;

use dyno_tests::limits::{ANSWER, STOP, UNDERWAY};
use dyno_tests::noise::Noise;
use dyno_tests::process::{children, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{Outcome, ensure};
use dyno_tests::wire::get_once;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stand::{Stand, connect, content, in_chunks, put, put_octets};

/// Octets of an upload that is to be cut off.
const OCTETS: usize = 300_000;

/// Clients leave with a FIN or a reset, after a head, within a body, or one octet before its end.
pub(crate) fn cut_off(row: &Row, uploads: usize) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let (content, mut noise) = (content(OCTETS), Noise::new(uploads as u64));
    let chunks = in_chunks(&content);
    for number in 0..uploads {
        let (head, wire) = match number % 2 {
            0 => (put_octets("never", OCTETS), &content),
            _ => (put("never", "Transfer-Encoding: chunked\r\n"), &chunks),
        };
        let sent = match number % 5 {
            0 => 0,
            1 => wire.len() - 1,
            _ => noise.below(wire.len()),
        };
        let mut client = connect(&server)?;
        client.send([head.as_bytes(), &wire[..sent]].concat());
        match number % 3 {
            0 => client.reset()?,
            1 => {
                client.shut_write();
                let end = client.read_to_end(ANSWER);
                // Who has only ended its side may still be told what was wrong (hyper's gate does).
                let is_told = client.inbox.is_empty() || client.inbox.starts_with(b"HTTP/1.1 400 ");
                ensure(end.is_some() && is_told, || {
                    format!("upload {number}: {end:?}, {:?}", String::from_utf8_lossy(&client.inbox))
                })?;
            }
            _ => drop(client),
        }
    }
    stand.has_only(&[])?;
    // The server is as good as new.
    let mut client = connect(&server)?;
    client.send([put_octets("kept", OCTETS).as_bytes(), &content].concat());
    let stored = client.response("PUT")?.status;
    ensure(stored == 201, || format!("{stored}"))?;
    stand.has("kept", &content)?;
    drop(client);
    let total = server.stop_well()?.total;
    ensure(total.faults == 0 && total.requests == 1, || format!("{total:?}"))?;
    stand.has_only(&["kept"])
}

/// A client that has sent the first half of an upload.
fn half_sent(stand: &Stand, server: &Server, name: &str) -> Result<dyno_tests::wire::Client, String> {
    let mut client = connect(server)?;
    client.send([put_octets(name, OCTETS).as_bytes(), &content(OCTETS)[..OCTETS / 2]].concat());
    stand.has_begun().map_err(|failed| failed.message().unwrap_or_default().to_owned())?;
    Ok(client)
}

pub(crate) fn too_slow(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    // What has been sent earns time, so little is.
    let server = stand.serve(row, &["--body-grace-ms", "300"])?;
    let mut client = connect(&server)?;
    client.send(put_octets("never", OCTETS) + "little");
    let answer = client.response("PUT")?;
    ensure(answer.status == 408 && answer.says_close(), || format!("{answer:?}"))?;
    // Although the client is there still.
    stand.has_only(&[])
}

pub(crate) fn stop_lets_finish(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let mut client = half_sent(&stand, &server, "film")?;
    server.signal(Signal::SIGTERM);
    sleep(UNDERWAY);
    client.send(&content(OCTETS)[OCTETS / 2..]);
    let stored = client.response("PUT")?;
    ensure(stored.status == 201 && stored.says_close(), || format!("{stored:?}"))?;
    let ended = server.wait(STOP)?;
    ensure(ended.code() == 0, || format!("exit {}; {}", ended.code(), ended.stderr))?;
    stand.has("film", &content(OCTETS))?;
    stand.has_only(&["film"])
}

pub(crate) fn drain_limit(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &["--drain", "1"])?;
    let client = half_sent(&stand, &server, "never")?;
    server.signal(Signal::SIGTERM);
    let ended = server.wait(STOP)?;
    ensure(ended.code() == 0, || format!("exit {}; {}", ended.code(), ended.stderr))?;
    let left = stand.names();
    drop(client);
    ensure(left.is_empty(), || format!("left: {left:?}"))
}

/// A server that is killed cannot remove anything; the next one does, and says so.
pub(crate) fn killed_server(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    let client = half_sent(&stand, &server, "never")?;
    server.signal_group(Signal::SIGKILL);
    server.wait(STOP)?;
    drop(client);
    let next = stand.serve(row, &[])?;
    stand.has_only(&[])?;
    let ended = next.stop()?;
    ensure(ended.stderr.contains("removed what was left of 1 upload"), || ended.stderr.clone())
}

pub(crate) fn killed_worker(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &row.with_workers("2")[row.arguments.len()..])?;
    let client = half_sent(&stand, &server, "never")?;
    let writer = children(server.pid).into_iter().find(|child| writes(*child)).ok_or("nobody writes")?;
    kill(writer, Signal::SIGKILL)?;
    drop(client);
    // Where a child is started for each connection, the next one is when the parent looks.
    let swept = wait_until(ANSWER, || get_once(server.address, "/").is_ok() && stand.names().is_empty());
    ensure(swept.is_some(), || format!("left: {:?}", stand.names()))?;
    server.stop()?;
    Ok(())
}

/// Whether a process has a part open.
fn writes(process: Pid) -> bool {
    let descriptors = std::fs::read_dir(format!("/proc/{process}/fd"));
    let links = descriptors.into_iter().flatten().flatten().filter_map(|entry| entry.path().read_link().ok());
    links.into_iter().any(|path| path.extension().is_some_and(|ending| ending == "part"))
}

/// Files of the server may have so many octets: as good as a disk that is full.
const MOST_OCTETS: u64 = 100_000;

pub(crate) fn full_disk(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    for process in children(server.pid).into_iter().chain([server.pid]) {
        let limit = libc::rlimit { rlim_cur: MOST_OCTETS, rlim_max: MOST_OCTETS };
        // SAFETY: the limit is a live local, and the old one is not asked for.
        let result = unsafe {
            libc::prlimit(process.as_raw(), libc::RLIMIT_FSIZE, &raw const limit, std::ptr::null_mut())
        };
        ensure(result == 0, || format!("prlimit: {}", std::io::Error::last_os_error()))?;
    }
    let content = content(OCTETS);
    for (head, wire) in [
        (put_octets("never", OCTETS), content.clone()),
        (put("never", "Transfer-Encoding: chunked\r\n"), in_chunks(&content)),
    ] {
        let mut client = connect(&server)?;
        client.send([head.as_bytes(), &wire].concat());
        let answer = client.response("PUT")?;
        let is_told = answer.status == 507 && answer.says_close() && answer.text().contains("no room left");
        ensure(is_told, || format!("{answer:?}"))?;
        stand.has_only(&[])?;
    }
    let mut client = connect(&server)?;
    client.send(put_octets("small", 5) + "hello");
    let stored = client.response("PUT")?.status;
    ensure(stored == 201, || format!("what fits: {stored}"))?;
    drop(client);
    server.stop_well()?;
    stand.has_only(&["small"])
}
