//! From a URL and the options beside it to an address and a transport.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use dyno_clients::browser::fetch::ResourceRoute;
use dyno_clients::plan::Carrier;
use dyno_clients::plan::address::ServerAddress;
use dyno_clients::plan::error::PlanError;
use dyno_clients::plan::place::{Place, Resolver};
use dyno_security::channel::name::PeerName;

use crate::exit::Failure;
use crate::load::options::PlaceOptions;
use crate::remedy::unresolved;

fn resolver(target: &PlaceOptions) -> Resolver {
    Resolver { socket: target.unix_socket.clone(), path_as_is: target.path_as_is }
}

/// Where the URL leads; no address of it has been tried.
///
/// # Errors
/// What is wrong with the URL; `example` shows a right one.
pub(crate) fn place(target: &PlaceOptions, example: &str) -> Result<Place, Failure> {
    resolver(target).resolve(&target.url).map_err(|error| unresolved(&error, example))
}

/// The first address of a place that takes a connection.
///
/// # Errors
/// Every address, and what is wrong with it.
pub(crate) fn reachable(place: &Place, timeout_ns: u64) -> Result<ServerAddress, Failure> {
    place
        .reachable(timeout_ns)
        .map_err(|error| Failure::failed(error.to_string(), "is the server up, on one of these addresses?"))
}

/// The transport to a place.
///
/// # Errors
/// Which options contradict each other, which credentials are missing or cannot be used.
pub(crate) fn transport(target: &PlaceOptions, place: &Place) -> Result<Carrier, Failure> {
    let name = PeerName::of_host(place.host(), place.url.port());
    let (transport, connector) = target.transport.connector(place.secure, &name)?;
    Ok(match connector {
        None => Carrier::Plain,
        Some(connector) => Carrier::Pipe(transport, Arc::from(connector)),
    })
}

/// The places and transports of a page and of what belongs to it, which may lie on other servers.
pub(crate) struct Routes<'a> {
    target: &'a PlaceOptions,
    page: &'a Place,
    of_page: Carrier,
    /// By scheme and server, whose name is checked: made once, not for each fetch.
    carriers: Mutex<HashMap<(bool, String), Carrier>>,
}

impl<'a> Routes<'a> {
    /// # Errors
    /// As [`transport`], for the page.
    pub(crate) fn new(target: &'a PlaceOptions, page: &'a Place) -> Result<Self, Failure> {
        let of_page = transport(target, page)?;
        let carriers = HashMap::from([((page.secure, page.authority.clone()), of_page.clone())]);
        Ok(Routes { target, page, of_page, carriers: Mutex::new(carriers) })
    }

    /// The transport of the page.
    pub(crate) fn of_page(&self) -> &Carrier {
        &self.of_page
    }

    /// Where `url` leads, and by which transport.
    ///
    /// # Errors
    /// Why it leads nowhere, in words.
    pub(crate) fn find(&self, url: &url::Url) -> Result<ResourceRoute, String> {
        let place = if *url == self.page.url {
            self.page.clone()
        } else {
            let mut resolver = resolver(self.target);
            // A page that came from a Unix socket names no address by which the rest of it could be had.
            if let Some(ServerAddress::Unix(path)) = self.page.addresses.first() {
                resolver.socket = Some(path.clone());
            }
            resolver.resolve_url(url.clone()).map_err(|error: PlanError| error.to_string())?
        };
        let key = (place.secure, place.authority.clone());
        // What the user says to the server of the page is no business of others.
        let is_of_page = key == (self.page.secure, self.page.authority.clone());
        let headers = if is_of_page { self.target.headers.clone() } else { Vec::new() };
        let mut carriers = self.carriers.lock().map_err(|_| "another fetch has failed".to_owned())?;
        if let Some(known) = carriers.get(&key) {
            return Ok(ResourceRoute { place, transport: known.clone(), headers });
        }
        let carrier = transport(self.target, &place).map_err(|failure| failure.message)?;
        carriers.insert(key, carrier.clone());
        Ok(ResourceRoute { place, transport: carrier, headers })
    }
}
