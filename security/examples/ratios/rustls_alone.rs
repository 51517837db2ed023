//! rustls as its own documentation uses it: straight on the socket, many records for one write, read into one buffer.

use crate::contestants::{MIB, READ, RECORD, RECORDS_A_WRITE, ROUND};
use dyno_security::tls::certificate::{Certified, ThrowAwayAuthority};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

/// Both ends, configured as the crate's own sessions are, but without certificates of clients: in bulk these do not
/// count.
fn configs() -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = &[&rustls::version::TLS13];
    let authority = ThrowAwayAuthority::generate().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let Certified { chain, key } = authority.issue(&["localhost"]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
    let server = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
    let server = server.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    (Arc::new(client), Arc::new(server))
}

/// Receives until the sender hangs up, and answers each round with one octet.
fn receive(mut wire: ServerConnection, mut peer: TcpStream) {
    let (mut plain, mut counted) = (vec![0; READ], 0);
    while wire.read_tls(&mut peer).unwrap() > 0 {
        wire.process_new_packets().unwrap();
        while wire.wants_write() {
            wire.write_tls(&mut peer).unwrap();
        }
        let before = counted / ROUND;
        // It would block when all is read.
        while let Ok(count @ 1..) = wire.reader().read(&mut plain) {
            counted += count;
        }
        if counted / ROUND > before {
            peer.write_all(&[1]).unwrap();
        }
    }
}

/// One step: a round of records to a thread that receives them.
pub(crate) fn sender() -> impl FnMut() -> f64 {
    let (client, server) = configs();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    peer.set_nodelay(true).unwrap();
    std::thread::spawn(move || receive(ServerConnection::new(server).unwrap(), peer));
    let mut wire = ClientConnection::new(client, ServerName::try_from("localhost").unwrap()).unwrap();
    while wire.is_handshaking() {
        wire.complete_io(&mut stream).unwrap();
    }
    let plain = vec![7u8; RECORD * RECORDS_A_WRITE];
    move || {
        for _ in 0..ROUND / plain.len() {
            // With its buffer full it takes less than all.
            let mut rest = &plain[..];
            while !rest.is_empty() {
                let count = wire.writer().write(rest).unwrap();
                rest = &rest[count..];
                while wire.wants_write() {
                    wire.write_tls(&mut stream).unwrap();
                }
            }
        }
        stream.read_exact(&mut [0]).unwrap();
        ROUND as f64 / MIB
    }
}
