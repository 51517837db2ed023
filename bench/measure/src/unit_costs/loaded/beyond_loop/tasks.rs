//! A task for each connection, as `#[tokio::main]` has it: the thread that enters the runtime accepts, another
//! thread, one for each core, runs the tasks. So a new task is queued for another thread, and that thread is woken if
//! it sleeps.

use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net;
use tokio::runtime::Builder;
use tokio::select;
use tokio::time::sleep;

use crate::unit_costs::loaded::host::{is_over, new_http, respond};

/// How long a task waits for a message: as every server, it has a limit, which the runtime's timer keeps. Nothing here
/// comes near it.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// Serves by tasks.
pub(super) fn serve(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = listener.try_clone()?;
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            drop(tokio::spawn(converse(stream)));
        }
    })
}

async fn converse(mut stream: net::TcpStream) -> io::Result<()> {
    let mut http = new_http();
    let mut alarm = pin!(sleep(IDLE_LIMIT));
    while !is_over(&http) {
        let count = select! {
            biased;
            read = stream.read(http.spare()) => read?,
            () = &mut alarm => return Ok(()),
        };
        if count == 0 {
            return Ok(());
        }
        http.received(count, Instant::now());
        respond(&mut http);
        let count = stream.write(http.pending()).await?;
        http.advance(count, Instant::now());
    }
    Ok(())
}
