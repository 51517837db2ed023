//! Loops that parse nothing: one read, one fixed answer. They are the floor under each shape, with nothing that a real
//! server needs: no parsing, no limits, no deadlines, no orderly end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
                        Content-Length: 13\r\n\r\nHello, World!";

pub(crate) fn serve(shape: &str) -> ExitCode {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("{{\"address\":\"{}\"}}", listener.local_addr().expect("an address"));
    match shape {
        "epoll" => epoll(&listener),
        "threads" => threads(&listener),
        "pool" => pool(&listener),
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

fn epoll(listener: &TcpListener) {
    listener.set_nonblocking(true).expect("non-blocking");
    let epoll = Epoll::new(EpollCreateFlags::empty()).expect("epoll");
    let watch = |fd: &dyn std::os::fd::AsFd, raw: i32| {
        epoll.add(fd.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, raw as u64)).expect("watched");
    };
    watch(&listener, listener.as_raw_fd());
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut events = [EpollEvent::empty(); 256];
    let mut buffer = [0; 4096];
    loop {
        let count = epoll.wait(&mut events, EpollTimeout::NONE).unwrap_or(0);
        for event in &events[..count] {
            let fd = event.data() as usize;
            if fd == listener.as_raw_fd() as usize {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true).expect("non-blocking");
                    stream.set_nodelay(true).expect("no delay");
                    let fd = stream.as_raw_fd();
                    watch(&stream, fd);
                    streams.resize_with(streams.len().max(fd as usize + 1), || None);
                    streams[fd as usize] = Some(stream);
                }
                continue;
            }
            let Some(stream) = &mut streams[fd] else { continue };
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => streams[fd] = None,
                Ok(_) => {
                    let _ = stream.write(ANSWER);
                }
            }
        }
    }
}

fn threads(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || answer(stream));
    }
}

fn pool(listener: &TcpListener) {
    let (queue, work) = mpsc::sync_channel::<TcpStream>(1024);
    let work = Arc::new(Mutex::new(work));
    for _ in 0..64 {
        let work = Arc::clone(&work);
        thread::spawn(move || {
            loop {
                let stream = work.lock().expect("whole").recv();
                let Ok(stream) = stream else { return };
                answer(stream);
            }
        });
    }
    for stream in listener.incoming().flatten() {
        if queue.send(stream).is_err() {
            return;
        }
    }
}

fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("no delay");
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
        if stream.write_all(ANSWER).is_err() {
            return;
        }
    }
}
