//! Clients with names: keys and certificates for each, the lists of them for a server, and their requests behind any
//! transport.

use std::fs;
use std::path::{Path, PathBuf};

use dyno_security::credentials::CredentialsError;
use dyno_security::signature::SigningKey;
use dyno_security::signature::keyfile;
use dyno_security::tls::certificate::{CertifiedSide, ThrowAwayAuthority};
use dyno_security::transport::Transport;
use tempfile::TempDir;

use crate::response::Response;
use crate::secure::{Secure, friends};
use crate::server::Server;
use crate::wire::Client;

/// A directory with the credentials of each guest, and with the lists of all.
#[derive(Debug)]
pub struct Guests(TempDir);

impl Guests {
    /// Guests with these names, who know the server of [`friends`].
    ///
    /// # Panics
    /// When their credentials cannot be made.
    pub fn invite(names: &[&str]) -> Guests {
        let place = tempfile::tempdir().expect("a directory for the guests");
        make(place.path(), names).expect("credentials of the guests");
        Guests(place)
    }

    /// The credentials of a guest.
    pub fn of(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// What the server's `--trust` wants; `None` for plain.
    pub fn list(&self, transport: Transport) -> Option<String> {
        let name = match transport {
            Transport::Plain => return None,
            Transport::Channel => "trust",
            Transport::Tls => "authority.pem",
        };
        Some(self.path(name).to_string_lossy().into_owned())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Sends all requests of `name` at once, over one connection, and waits for their answers. Over plain it has no
    /// name that counts.
    ///
    /// # Errors
    /// In words, when an answer does not come.
    pub fn ask(
        &self,
        server: &Server,
        transport: Transport,
        name: &str,
        requests: &[(&str, &str)],
    ) -> Result<Vec<Response>, String> {
        let octets: String = requests.iter().map(|(method, path)| request(method, path)).collect();
        let methods = requests.iter().map(|(method, _)| *method);
        if transport == Transport::Plain {
            let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
            client.send(&octets);
            return methods.map(|method| client.response(method)).collect();
        }
        let mut secure = Secure::connect(server, transport, &self.of(name))?;
        secure.send(&octets)?;
        let answers = methods.map(|method| secure.exchange("", method)).collect::<Result<_, _>>()?;
        secure.say_goodbye()?;
        secure.part()?;
        Ok(answers)
    }
}

fn request(method: &str, path: &str) -> String {
    let body = if method == "POST" { "Content-Length: 2\r\n\r\nhi" } else { "\r\n" };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{body}")
}

fn make(place: &Path, names: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let known = Path::new(friends());
    let authority = ThrowAwayAuthority::generate().map_err(CredentialsError::from)?;
    let mut list = String::new();
    for name in names {
        let at = |file: &str| place.join(name).join(file);
        fs::create_dir(place.join(name))?;
        for file in ["trust", "authority.pem"] {
            fs::copy(known.join(file), at(file))?;
        }
        let (key, document) = SigningKey::generate();
        keyfile::write(&at("channel-client.key"), &document)?;
        list.push_str(&format!("peer {name} {}\n", key.public()));
        let certified = authority.issue_for(&[*name], CertifiedSide::Client, 1)?;
        keyfile::write(&at("tls-client.key"), &certified.key)?;
        fs::write(at("tls-client.pem"), keyfile::to_pem("CERTIFICATE", &certified.chain[0]).as_bytes())?;
    }
    fs::write(place.join("trust"), list)?;
    fs::write(
        place.join("authority.pem"),
        keyfile::to_pem("CERTIFICATE", &authority.certificate()).as_bytes(),
    )?;
    Ok(())
}
