//! The peer's transport says that nothing more will come, and leaves the socket open: that ends the stream, over every
//! transport that has such a goodbye.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use dyno_clients::engine::live::Live;
use dyno_clients::exchange::{Exchange, ExchangeError, exchange};
use dyno_clients::outcome::{ErrorKind, Outcome};
use dyno_clients::plan::pacer::Arrivals;
use dyno_clients::plan::request::{Expect, ExpectedBody, Request, RequestParts};
use dyno_clients::plan::{Carrier, Length, Pace, Plan, profile};
use dyno_clients::run::run;
use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::{Acceptor, Pipe};
use dyno_security::signature::SigningKey;
use dyno_security::tls::certificate::ThrowAwayAuthority;
use dyno_security::tls::endpoint::{TlsClient, TlsServer};
use dyno_security::transport::Transport;

/// Longer than any of these runs takes; a client that does not see the end waits for all of it.
const TIMEOUT_NS: u64 = 20_000_000_000;

const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\r\n\r\nhello";
const SHORT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
const KEPT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn transports() -> Vec<(Carrier, Arc<dyn Acceptor>)> {
    let authority = ThrowAwayAuthority::generate().unwrap();
    let tls_server = TlsServer::new(authority.issue(&["localhost"]).unwrap(), None).unwrap();
    let tls_client = TlsClient::new(&[authority.certificate()], "localhost", None).unwrap();
    let key = SigningKey::generate().0;
    let trust = Trust::pinned(*key.public());
    let channel_server = ChannelServer::new(Config::new(Identity::bare(key), Trust::anyone()));
    let channel_client = ChannelClient::new(Config::new(Identity::bare(SigningKey::generate().0), trust));
    vec![
        (Carrier::Pipe(Transport::Channel, Arc::new(channel_client)), Arc::new(channel_server)),
        (Carrier::Pipe(Transport::Tls, Arc::new(tls_client)), Arc::new(tls_server)),
    ]
}

/// A server that answers each request with `answer` and says goodbye, in one write or in two, and keeps the socket open
/// until the client has closed it. It tells of each connection whether the client has answered the goodbye, and how
/// many octets came after it.
fn server(
    acceptor: Arc<dyn Acceptor>,
    answer: &'static str,
    at_once: bool,
) -> (SocketAddr, Receiver<(bool, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, pipe, tell) = (stream.unwrap(), acceptor.accept(Instant::now()), tell.clone());
            std::thread::spawn(move || tell.send(serve(stream, pipe, answer, at_once)));
        }
    });
    (address, told)
}

fn serve(mut stream: TcpStream, mut pipe: Box<dyn Pipe>, answer: &str, at_once: bool) -> (bool, usize) {
    let (mut plain, mut buffer, mut said) = (Vec::new(), [0; 4096], 0);
    stream.set_nodelay(true).unwrap();
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if pipe.receive(&buffer[..count], &mut plain, Instant::now()).is_err() {
            break;
        }
        if said == 0 && plain.ends_with(b"\r\n\r\n") {
            said = plain.len();
            pipe.send(answer.as_bytes()).unwrap();
            if !at_once {
                write_all(&mut stream, &mut *pipe);
            }
            pipe.close();
        }
        write_all(&mut stream, &mut *pipe);
    }
    (pipe.is_closed_by_peer(), plain.len() - said)
}

fn write_all(stream: &mut TcpStream, pipe: &mut dyn Pipe) {
    let count = pipe.pending().len();
    let _ = stream.write_all(pipe.pending());
    pipe.advance(count);
}

fn request() -> Request {
    let expect = Expect { status: None, body: ExpectedBody::Exactly((*b"hello").into()) };
    let parts = RequestParts {
        target: "/".into(),
        authority: "localhost".into(),
        weight: 1.0,
        expect,
        ..Default::default()
    };
    parts.prepare().unwrap()
}

fn load(address: SocketAddr, transport: Carrier, pace: Option<&str>) -> Outcome {
    let mut plan = Plan::closed(address, 2, Length::Requests(6), request());
    (plan.transport, plan.timeout_ns, plan.spin_ns) = (transport, TIMEOUT_NS, 0);
    if let Some(rate) = pace {
        let stretches = profile::parse(rate, 60_000_000_000).unwrap();
        plan.pace = Pace::Open { arrivals: Arrivals::Constant, stretches };
    }
    run(&Arc::new(plan), &Arc::new(Live::new(1)), &mut |_| {}).unwrap()
}

fn probe(address: SocketAddr, transport: &Carrier) -> Result<Exchange, ExchangeError> {
    exchange(&address.into(), transport, &request().wire, false, TIMEOUT_NS)
}

/// All six requests got their whole answer.
fn all_are_whole(outcome: &Outcome, name: &str) {
    let counts = (outcome.counts.completed, outcome.counts.failed);
    assert_eq!(counts, (6, 0), "{name}: {:?}", outcome.errors);
}

/// Each client has answered the goodbye and sent nothing after it.
fn is_answered(told: &Receiver<(bool, usize)>, connections: usize) {
    for _ in 0..connections {
        assert_eq!(told.recv_timeout(Duration::from_secs(30)).unwrap(), (true, 0));
    }
}

#[test]
fn an_answer_until_the_close_ends_with_the_goodbye() {
    for at_once in [true, false] {
        for (transport, acceptor) in transports() {
            let name = transport.name();
            let (address, told) = server(acceptor, UNTIL_CLOSE, at_once);
            let answer = probe(address, &transport).unwrap();
            assert_eq!(answer.body, b"hello", "{name}");
            is_answered(&told, 1);
            let outcome = load(address, transport, None);
            all_are_whole(&outcome, name);
            is_answered(&told, 6);
        }
    }
}

#[test]
fn an_answer_that_the_goodbye_cuts_is_short() {
    for (transport, acceptor) in transports() {
        let name = transport.name();
        let (address, told) = server(acceptor, SHORT, true);
        let fault = probe(address, &transport).unwrap_err();
        assert!(matches!(fault, ExchangeError::Short(_)), "{name}: {fault}");
        is_answered(&told, 1);
        let outcome = load(address, transport, None);
        let errors: Vec<_> = outcome.errors.iter().map(|e| (e.kind, e.count)).collect();
        assert_eq!(errors, [(ErrorKind::Short, 6)], "{name}");
        is_answered(&told, 6);
    }
}

#[test]
fn no_request_follows_the_goodbye_on_a_connection_that_would_be_kept() {
    // With the answer in one write, the goodbye is there before the next request is; at 4 requests a second it
    // reaches an idle connection.
    for (at_once, pace) in [(true, None), (true, Some("4")), (false, Some("4"))] {
        for (transport, acceptor) in transports() {
            let name = transport.name();
            let (address, told) = server(acceptor, KEPT, at_once);
            let outcome = load(address, transport, pace);
            all_are_whole(&outcome, name);
            is_answered(&told, 6);
        }
    }
}
