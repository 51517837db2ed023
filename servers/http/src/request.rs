//! A request as the service sees it.

use crate::fields::Fields;
use crate::head::{Head, Version};
use crate::target::Target;

/// A complete request, body included. It borrows the receive buffer; [`to_owned`](Self::to_owned) makes one that can
/// cross threads.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Head and decoded body, one behind the other.
    octets: &'a [u8],
    head: &'a Head,
}

impl<'a> Request<'a> {
    pub(crate) fn new(octets: &'a [u8], head: &'a Head) -> Request<'a> {
        Request { octets, head }
    }

    /// The method, case-sensitive; any token (RFC 9110 9.1), never CONNECT.
    pub fn method(&self) -> &'a str {
        match self.head.method.in_octets(self.octets) {
            // Nearly all are one of these, and need no check.
            b"GET" => "GET",
            b"POST" => "POST",
            b"HEAD" => "HEAD",
            other => ascii(other),
        }
    }

    /// The target, taken apart.
    pub fn target(&self) -> Target<'a> {
        Target::new(self.head.form, ascii(self.head.path.in_octets(self.octets)))
    }

    /// The host, with the port if one was given: from the target if that is absolute, else from the Host field. Empty
    /// when HTTP/1.0 gave none.
    pub fn host(&self) -> &'a str {
        ascii(self.head.host.in_octets(self.octets))
    }

    /// The version of the request.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The value of the first field of that name, in any case. `None` too when the value is not UTF-8; see
    /// [`headers`](Self::headers).
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// All fields in order. Values are octets, since RFC 9110 5.5 lets them hold any above 0x7f.
    pub fn headers(&self) -> Fields<'a> {
        Fields::new(self.head.fields.in_octets(self.octets))
    }

    /// The body, decoded; empty when there is none.
    pub fn body(&self) -> &'a [u8] {
        &self.octets[self.head.len as usize..]
    }

    /// The size of a copy: head and body.
    pub fn size_octets(&self) -> usize {
        self.octets.len()
    }

    /// A copy that borrows nothing: one allocation.
    pub fn to_owned(&self) -> OwnedRequest {
        OwnedRequest { octets: self.octets.into(), head: *self.head }
    }
}

/// A request that owns its octets, for crossing threads.
#[derive(Clone)]
pub struct OwnedRequest {
    octets: Box<[u8]>,
    head: Head,
}

impl OwnedRequest {
    /// The request.
    pub fn borrow(&self) -> Request<'_> {
        Request { octets: &self.octets, head: &self.head }
    }
}

fn ascii(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("method, target and host are checked to be ASCII")
}
