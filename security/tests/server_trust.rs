//! Whom a TLS client takes for its server, against certificates of every kind; and the alert that each side hears.

mod support;

use dyno_security::pipe::alert::Alert;
use dyno_security::pipe::error::PipeError;
use dyno_security::pipe::{Acceptor, Connector, Pipe};
use dyno_security::tls::certificate::{Certified, ThrowAwayAuthority};
use dyno_security::tls::endpoint::{TlsClient, TlsServer};
use dyno_security::tls::trust::ServerTrust;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ED25519};
use rustls::pki_types::CertificateDer;
use std::time::Instant;
use support::settle;
use zeroize::Zeroizing;

/// A certificate that signs itself, as `openssl req -x509` makes it.
fn self_signed(name: &str, is_ca: bool, until_year: i32) -> Certified {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(until_year, 1, 1);
    params.is_ca = if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    let chain = vec![params.self_signed(&key).unwrap().der().clone()];
    Certified { chain, key: Zeroizing::new(key.serialize_der()) }
}

fn meet(certified: Certified, trust: ServerTrust<'_>) -> Result<(), PipeError> {
    let now = Instant::now();
    let server = TlsServer::new(certified, None).unwrap();
    let client = TlsClient::trusting(trust, "localhost", None).unwrap();
    assert_eq!(client.checks_server(), !matches!(trust, ServerTrust::Anyone));
    settle(&mut *client.connect(now), &mut *server.accept(now), now).map(|_| ())
}

#[test]
fn a_trusted_certificate_is_taken_from_the_very_server_that_shows_it() {
    let kinds: [(bool, &str, i32, Result<(), PipeError>); 6] = [
        (true, "localhost", 4096, Ok(())),
        (false, "localhost", 4096, Ok(())),
        (true, "elsewhere", 4096, Err(PipeError::WrongName)),
        (false, "elsewhere", 4096, Err(PipeError::WrongName)),
        (true, "localhost", 1990, Err(PipeError::Expired)),
        (false, "localhost", 1990, Err(PipeError::Expired)),
    ];
    for (is_ca, name, until, result) in kinds {
        let certified = self_signed(name, is_ca, until);
        let known: [CertificateDer<'static>; 1] = [certified.chain[0].clone()];
        let told = meet(certified, ServerTrust::Certificates(&known));
        assert_eq!(told, result, "authority: {is_ca}, {name}, until {until}");
        let stranger = self_signed("localhost", true, 4096);
        let unknown = meet(self_signed(name, is_ca, until), ServerTrust::Certificates(&stranger.chain));
        let expected = match (until, is_ca) {
            (1990, _) => PipeError::Expired,
            (_, true) => PipeError::AuthorityAsServer,
            (_, false) => PipeError::UnknownAuthority,
        };
        assert_eq!(unknown, Err(expected), "authority: {is_ca}, {name}, until {until}");
        assert_eq!(meet(self_signed(name, is_ca, until), ServerTrust::Anyone), Ok(()));
    }
}

#[test]
fn what_the_client_refuses_is_told_to_the_server_by_its_alert() {
    let now = Instant::now();
    let ours = ThrowAwayAuthority::generate().unwrap();
    let foreign = ThrowAwayAuthority::generate().unwrap();
    for (certified, alert) in [
        (foreign.issue(&["localhost"]).unwrap(), Alert::UnknownCa),
        (ours.issue_valid(&["localhost"], 1990, 1991).unwrap(), Alert::CertificateExpired),
        (ours.issue(&["elsewhere"]).unwrap(), Alert::BadCertificate),
    ] {
        let server = TlsServer::new(certified, None).unwrap();
        let client = TlsClient::new(&[ours.certificate()], "localhost", None).unwrap();
        let (mut client, mut server) = (client.connect(now), server.accept(now));
        assert!(settle(&mut *client, &mut *server, now).is_err());
        let failure = server.receive(client.pending(), &mut Vec::new(), now).unwrap_err();
        assert_eq!(failure, PipeError::RefusedByPeer(alert));
    }
}
