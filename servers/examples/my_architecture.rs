//! A server design of one's own: threads that share the listening socket, each of which accepts for itself (a prefork
//! of threads).
//!
//! ```sh
//! cargo run --release -p dyno-servers --example my_architecture -- 127.0.0.1:8080    # Ctrl-C or SIGTERM ends it
//! ```
//!
//! It prints the ready line that `dyno` waits for, so it can be measured beside the chapters: put its program into a
//! file of servers (`[[server]]`, `name`, `command = ["...", "127.0.0.1:{port}"]`, `ready = "line"`, `connections =
//! "workers"`), and give that file to `dyno compare`.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use dyno_servers::drivers::blocking::{self, BlockingWire};
use dyno_servers::kit::accept::accept;
use dyno_servers::kit::site::{Arm, Settings, Site};
use dyno_servers::kit::threads;
use dyno_servers::limits::THREAD_STACK_BYTES;

/// The design, as a chapter states it: which threads accept, and which serve.
fn run(site: &'static Site) -> io::Result<()> {
    thread::scope(|scope| {
        let worker = |place| move || serve(site, place);
        let threads = threads::start(scope, site.settings.workers, THREAD_STACK_BYTES, worker)?;
        println!(r#"{{"ready":true,"address":"{}"}}"#, site.listener.local_addr()?);
        threads.into_iter().try_for_each(|thread| thread.join().expect("the thread did not panic"))
    })
}

fn serve(site: &'static Site, place: usize) -> io::Result<()> {
    while let Some(stream) = accept(site)? {
        blocking::serve(&mut BlockingWire::new(stream, site), site, site.tallies.of(place));
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_string());
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    let settings = Settings {
        workers: 64,
        queue_places: 0,
        max_connections: 64,
        arm: Arm::default(),
        drain: Duration::from_secs(10),
        memory_bytes: 64 << 20,
    };
    let site = Site::open(address, settings)?;
    run(site)?;
    println!("{}", site.tallies.to_json("my-architecture"));
    Ok(())
}
