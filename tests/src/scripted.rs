//! Servers that answer every request alike: well, badly, slowly or not at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// What such a server does with a request.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Answers so.
    Says(&'static str),
    /// Answers so, after this time.
    SaysAfter(&'static str, Duration),
    /// Answers so, and closes.
    SaysAndCloses(&'static str),
    /// Reads, and never answers.
    Silent,
}

/// Starts a server with a thread for each connection.
///
/// # Errors
/// In words, when it cannot listen.
///
/// # Returns
/// Its address, and the count of the connections that were made.
pub fn server(manner: Manner) -> Result<(SocketAddr, Arc<AtomicUsize>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, SeqCst);
            thread::spawn(move || serve(stream, manner));
        }
    });
    Ok((address, count))
}

fn serve(mut stream: TcpStream, manner: Manner) {
    let _ = stream.set_nodelay(true);
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        head.extend_from_slice(&piece[..count]);
        if !head.ends_with(b"\r\n\r\n") && !matches!(manner, Manner::SaysAndCloses(_)) {
            continue;
        }
        head.clear();
        let go_on = match manner {
            Manner::Says(text) => stream.write_all(text.as_bytes()).is_ok(),
            Manner::SaysAfter(text, pause) => {
                thread::sleep(pause);
                stream.write_all(text.as_bytes()).is_ok()
            }
            Manner::SaysAndCloses(text) => stream.write_all(text.as_bytes()).is_err(),
            Manner::Silent => true,
        };
        if !go_on {
            return;
        }
    }
}
