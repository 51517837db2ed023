//! A load test: a closed loop of 10,000 requests over four connections, and what came of it.
//!
//! ```sh
//! cargo run --release -p dyno-clients --example load                     # against a small server in this program
//! cargo run --release -p dyno-clients --example load -- 127.0.0.1:8080   # against another one
//! ```

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use dyno_clients::engine::live::Live;
use dyno_clients::plan::request::RequestParts;
use dyno_clients::plan::{Length, Plan};
use dyno_clients::report::text::{Statistics, summary};
use dyno_clients::run::run;
use dyno_units::paint::Paint;

fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = match std::env::args().nth(1) {
        Some(address) => address.parse()?,
        None => small_server()?,
    };
    let parts = RequestParts {
        target: "/".into(),
        authority: address.to_string(),
        weight: 1.0,
        ..RequestParts::default()
    };
    let plan = Arc::new(Plan::closed(address, 4, Length::Requests(10_000), parts.prepare()?));
    let live = Arc::new(Live::new(plan.threads));
    let outcome = run(&plan, &live, &mut |_glance| {})?;
    print!("{}", summary(&outcome, Paint(false), Statistics::Shown));
    Ok(())
}

/// Answers every request with the same few bytes, a thread for each connection, as long as this program lives.
fn small_server() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        listener.incoming().flatten().for_each(|stream| drop(thread::spawn(|| serve(stream))));
    });
    Ok(address)
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let requests = BufReader::new(stream.try_clone()?);
    // A request without a body ends with an empty line.
    for _ in requests.lines().map_while(Result::ok).filter(String::is_empty) {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")?;
    }
    Ok(())
}
