//! Both pipes keep the promises of the seam: the same cases for the channel and for TLS.

mod support;

use dyno_security::pipe::error::PipeError;
use dyno_security::pipe::{Acceptor, Connector, Pipe};
use dyno_security::tls;
use dyno_security::tls::certificate::ThrowAwayAuthority;
use dyno_security::transport::Transport;
use std::time::{Duration, Instant};
use support::{drain, settle};

type Ends = (&'static str, Box<dyn Connector>, Box<dyn Acceptor>);

/// Every transport, client and server.
fn transports() -> Vec<Ends> {
    let (client, server) = support::mutual();
    let authority = ThrowAwayAuthority::generate().unwrap();
    let roots = [authority.certificate()];
    let tls_server =
        tls::endpoint::TlsServer::new(authority.issue(&["localhost", "127.0.0.1"]).unwrap(), None).unwrap();
    let tls_client = tls::endpoint::TlsClient::new(&roots, "localhost", None).unwrap();
    let both_server =
        tls::endpoint::TlsServer::new(authority.issue(&["localhost"]).unwrap(), Some(&roots)).unwrap();
    let both_client =
        tls::endpoint::TlsClient::new(&roots, "localhost", Some(authority.issue(&["client"]).unwrap()))
            .unwrap();
    vec![
        ("channel", Box::new(client), Box::new(server)),
        ("tls", Box::new(tls_client), Box::new(tls_server)),
        ("mutual tls", Box::new(both_client), Box::new(both_server)),
    ]
}

fn pair(connector: &dyn Connector, acceptor: &dyn Acceptor, now: Instant) -> (Box<dyn Pipe>, Box<dyn Pipe>) {
    (connector.connect(now), acceptor.accept(now))
}

#[test]
fn carries_data_both_ways_and_says_goodbye() {
    for (name, connector, acceptor) in transports() {
        let now = Instant::now();
        let (mut client, mut server) = pair(&*connector, &*acceptor, now);
        client.send(b"early").unwrap();
        let (_, at_server) = settle(&mut *client, &mut *server, now).unwrap();
        assert_eq!(at_server, b"early", "{name}");
        assert!(client.is_established() && server.is_established(), "{name}");
        let large: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
        server.send(&large).unwrap();
        client.send(b"more").unwrap();
        let (at_client, at_server) = settle(&mut *client, &mut *server, now).unwrap();
        assert_eq!((at_client.len(), &at_server[..]), (large.len(), &b"more"[..]), "{name}");
        assert!(at_client == large, "{name}");
        client.close();
        assert!(client.send(b"too late").is_err(), "{name}");
        settle(&mut *client, &mut *server, now).unwrap();
        assert!(server.is_closed_by_peer() && server.receive_eof().is_ok(), "{name}");
        assert!(client.receive_eof().is_err(), "{name}: the server has not said goodbye");
    }
}

#[test]
fn works_octet_by_octet() {
    for (name, connector, acceptor) in transports() {
        let now = Instant::now();
        let (mut client, mut server) = pair(&*connector, &*acceptor, now);
        client.send(b"a request").unwrap();
        let (mut at_client, mut at_server) = (Vec::new(), Vec::new());
        loop {
            let (to_server, to_client) = (drain(&mut *client), drain(&mut *server));
            if to_server.is_empty() && to_client.is_empty() {
                break;
            }
            to_server.iter().for_each(|&octet| server.receive(&[octet], &mut at_server, now).unwrap());
            to_client.iter().for_each(|&octet| client.receive(&[octet], &mut at_client, now).unwrap());
        }
        assert_eq!(at_server, b"a request", "{name}");
        assert!(client.is_established() && server.is_established(), "{name}");
    }
}

#[test]
fn a_handshake_has_a_deadline() {
    for (name, connector, acceptor) in transports() {
        let now = Instant::now();
        let (client, server) = pair(&*connector, &*acceptor, now);
        for mut pipe in [client, server] {
            let deadline = pipe.deadline().expect(name);
            assert!(deadline > now && deadline <= now + Duration::from_secs(10), "{name}");
            assert!(pipe.handle_deadline(now).is_ok(), "{name}: not yet");
            assert!(pipe.handle_deadline(deadline).is_err(), "{name}");
            assert!(
                pipe.receive(b"x", &mut Vec::new(), deadline).is_err() && pipe.send(b"x").is_err(),
                "{name}: dead"
            );
        }
    }
}

#[test]
fn strangers_are_named_in_our_log_and_told_nothing() {
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (name, connector, acceptor) in transports() {
        let now = Instant::now();
        let (mut client, mut server) = pair(&*connector, &*acceptor, now);
        let mut plain = Vec::new();
        let failure = server.receive(request, &mut plain, now).unwrap_err();
        assert_eq!(failure, PipeError::OtherTransport(Transport::Plain), "{name}");
        assert!(plain.is_empty(), "{name}");
        assert!(server.pending().is_empty(), "{name}: nothing for the stranger");
        let failure = client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n", &mut plain, now).unwrap_err();
        assert_eq!(failure, PipeError::OtherTransport(Transport::Plain), "{name}");
        let mut server = acceptor.accept(now);
        assert!(server.receive(&[0xff; 4096], &mut plain, now).is_err(), "{name}: garbage");
    }
    let mut all = transports();
    let (_, tls_client, tls_server) = all.remove(1);
    let (_, channel_client, channel_server) = all.remove(0);
    let now = Instant::now();
    let hello = drain(&mut *tls_client.connect(now));
    let failure = channel_server.accept(now).receive(&hello, &mut Vec::new(), now).unwrap_err();
    assert_eq!(failure, PipeError::OtherTransport(Transport::Tls));
    let hello = drain(&mut *channel_client.connect(now));
    let failure = tls_server.accept(now).receive(&hello, &mut Vec::new(), now).unwrap_err();
    assert_eq!(failure, PipeError::OtherTransport(Transport::Channel));
    let failure = tls_server.accept(now).receive(&[0xff; 64], &mut Vec::new(), now).unwrap_err();
    assert_eq!(failure, PipeError::NotTls);
}

#[test]
fn certificates_that_do_not_fit_are_refused_with_the_reason() {
    let now = Instant::now();
    let (ours, foreign) = (ThrowAwayAuthority::generate().unwrap(), ThrowAwayAuthority::generate().unwrap());
    let roots = [ours.certificate()];
    let cases = [
        (ours.issue_valid(&["localhost"], 1990, 1991).unwrap(), PipeError::Expired),
        (ours.issue_valid(&["localhost"], 4000, 4001).unwrap(), PipeError::Expired),
        (foreign.issue(&["localhost"]).unwrap(), PipeError::UnknownAuthority),
        (ours.issue(&["elsewhere"]).unwrap(), PipeError::WrongName),
    ];
    for (certified, error) in cases {
        let server = tls::endpoint::TlsServer::new(certified, None).unwrap();
        let client = tls::endpoint::TlsClient::new(&roots, "localhost", None).unwrap();
        let (mut client, mut server) = (client.connect(now), server.accept(now));
        let failure = settle(&mut *client, &mut *server, now).unwrap_err();
        assert_eq!(failure, error);
    }
}

/// A certificate is for one side: a client's does not pass for a server's, nor the other way round.
#[test]
fn a_tls_certificate_counts_for_its_own_side_alone() {
    use tls::certificate::CertifiedSide;
    let authority = ThrowAwayAuthority::generate().unwrap();
    let roots = [authority.certificate()];
    let now = Instant::now();
    for (server, client, fits) in [
        (CertifiedSide::Server, CertifiedSide::Client, true),
        (CertifiedSide::Client, CertifiedSide::Client, false),
        (CertifiedSide::Server, CertifiedSide::Server, false),
    ] {
        let issue = |side| authority.issue_for(&["localhost"], side, 1).unwrap();
        let server_end = tls::endpoint::TlsServer::new(issue(server), Some(&roots)).unwrap();
        let client_end = tls::endpoint::TlsClient::new(&roots, "localhost", Some(issue(client))).unwrap();
        let (mut left, mut right) = (client_end.session(now), server_end.session(now));
        let met = settle(&mut left, &mut right, now).is_ok() && right.is_established();
        assert_eq!(met, fits, "{server:?} and {client:?}");
    }
}
