//! The names in a certificate: what its authority has signed of its owner.

use crate::channel::name::canonical;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The attribute `commonName` (X.520; RFC 5280, appendix A): 2.5.4.3 in DER.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// The string types whose octets are UTF-8: UTF8String, PrintableString and IA5String.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];

/// The DNS names of a certificate and the common names of its subject, each once and in the form in which names are
/// compared. For a server only the former count (RFC 9525); many authorities give a client nothing but the latter.
pub(super) fn names_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    if let Ok(certificate) = EndEntityCert::try_from(certificate) {
        let dns = certificate.valid_dns_names();
        for name in dns.chain(common_names(certificate.subject())).map(canonical) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The common names in a subject: a sequence of sets of pairs of attribute and value, without its own header.
fn common_names(subject: &[u8]) -> Vec<&str> {
    let sets = elements(subject).filter(|(tag, _)| *tag == SET);
    let pairs = sets.flat_map(|(_, set)| elements(set)).filter(|(tag, _)| *tag == SEQUENCE);
    let name = |(_, pair)| {
        let mut parts = elements(pair);
        let is_name = parts.next() == Some((OBJECT_IDENTIFIER, &COMMON_NAME));
        let (_, text) = parts.next().filter(|(tag, _)| is_name && TEXTS.contains(tag))?;
        std::str::from_utf8(text).ok()
    };
    pairs.filter_map(name).collect()
}

/// The elements of a DER sequence, each with its tag; it ends where something is no element (X.690, 8.1 and 10.1).
fn elements(mut octets: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, first], rest) = octets.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
            0x82 => {
                let (length, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            // Nobody's name is longer than 64 KiB.
            _ => return None,
        };
        let element;
        (element, octets) = rest.split_at_checked(length)?;
        Some((tag, element))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_names_are_read_and_nothing_else_is() {
        let element = |tag: u8, inner: &[u8]| [&[tag, inner.len() as u8], inner].concat();
        let pair = |attribute: u8, tag: u8, text: &[u8]| {
            let parts = [element(OBJECT_IDENTIFIER, &[0x55, 4, attribute]), element(tag, text)].concat();
            element(SET, &element(SEQUENCE, &parts))
        };
        let (organisation, alice) = (pair(10, 0x0c, b"bank"), pair(3, 0x0c, b"alice"));
        let (bob, number) = (pair(3, 0x13, b"bob"), pair(3, 0x02, b"7"));
        let whole = [organisation, alice, number, bob].concat();
        assert_eq!(common_names(&whole), ["alice", "bob"]);
        // Whatever is cut off, nothing is read that is not there.
        for cut in 0..whole.len() {
            assert!(common_names(&whole[..cut]).len() < 2, "{cut} octets");
        }
        assert!(common_names(&pair(3, 0x0c, b"\xff")).is_empty());
        assert!(common_names(&[SET, 0x83, 0, 0, 1, 0]).is_empty());
    }
}
