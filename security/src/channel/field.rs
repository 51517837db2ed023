//! The further fields of message 1: `kind (1), length (2, big endian), value`, in ascending order of their kinds, each
//! at most once. A kind that we do not know is passed over; like the others it stands in the transcript.

use crate::kem;
use crate::limits;

/// The initiator's encapsulation key, for hybrid suites.
const KEM_KEY: u8 = 1;
/// The application's context.
const CONTEXT: u8 = 2;
/// A ticket of the responder's; empty where there is none and one is wanted.
const TICKET: u8 = 3;
/// The responder's cookie. It is always the last field, so that the message without it is its beginning.
const COOKIE: u8 = 255;

/// Octets of a field's kind and length.
const HEADER_OCTETS: usize = 3;

/// The further fields of message 1, as parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelloFields<'a> {
    /// All of them as they were sent.
    pub octets: &'a [u8],
    /// The initiator's encapsulation key.
    pub kem_key: Option<&'a [u8; kem::PUBLIC_OCTETS]>,
    /// The application's context; empty: none.
    pub context: &'a [u8],
    /// The ticket by which a session is to be resumed; empty: one is wanted for the next time.
    pub ticket: Option<&'a [u8]>,
    /// What the responder had asked to be sent back to it.
    pub cookie: Option<&'a [u8]>,
}

impl<'a> HelloFields<'a> {
    /// Parses the fields; `None` when they are malformed or out of order.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let mut fields = HelloFields { octets, kem_key: None, context: &[], ticket: None, cookie: None };
        let (mut rest, mut last) = (octets, None);
        while !rest.is_empty() {
            let (&[kind, high, low], tail) = rest.split_first_chunk::<HEADER_OCTETS>()?;
            let (value, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
            if last.is_some_and(|last| kind <= last) {
                return None;
            }
            match kind {
                KEM_KEY => fields.kem_key = Some(value.try_into().ok()?),
                CONTEXT if (1..=limits::CONTEXT_OCTETS).contains(&value.len()) => fields.context = value,
                COOKIE if (1..=limits::COOKIE_OCTETS).contains(&value.len()) => fields.cookie = Some(value),
                TICKET if value.len() <= limits::TICKET_OCTETS => fields.ticket = Some(value),
                CONTEXT | TICKET | COOKIE => return None,
                _ => {}
            }
            (rest, last) = (tail, Some(kind));
        }
        Some(fields)
    }
}

/// The octets of one field.
fn write(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("fields are far shorter").to_be_bytes();
    [&[kind, length[0], length[1]], value].concat()
}

/// The octets of the fields that an initiator sends at first.
pub fn write_offer(kem_key: Option<&[u8; kem::PUBLIC_OCTETS]>, context: &[u8]) -> Vec<u8> {
    let mut out = kem_key.map_or_else(Vec::new, |key| write(KEM_KEY, key));
    if !context.is_empty() {
        out.extend(write(CONTEXT, context));
    }
    out
}

/// The octets of the field with which an initiator asks for a ticket, and may show one.
pub fn write_ticket(ticket: &[u8]) -> Vec<u8> {
    write(TICKET, ticket)
}

/// The octets of the field that an initiator adds when it is asked to.
pub fn write_cookie(cookie: &[u8]) -> Vec<u8> {
    write(COOKIE, cookie)
}

/// The body of message 1 without its cookie of `length` octets.
pub(crate) fn without_cookie(body: &[u8], length: usize) -> &[u8] {
    &body[..body.len() - HEADER_OCTETS - length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_one_order_and_one_form() {
        let key = [7; kem::PUBLIC_OCTETS];
        let offer = write_offer(Some(&key), b"http/1.1");
        let whole =
            [&offer[..], &write_ticket(b"ticket"), &write(9, b"of a later version"), &write_cookie(&[1; 32])]
                .concat();
        let fields = HelloFields::parse(&whole).expect("in order");
        assert_eq!(
            (fields.kem_key, fields.context, fields.ticket, fields.cookie),
            (Some(&key), &b"http/1.1"[..], Some(&b"ticket"[..]), Some(&[1; 32][..]))
        );
        assert_eq!(fields.octets, whole);
        assert_eq!(without_cookie(&whole, 32), &whole[..whole.len() - 35]);
        assert!(
            HelloFields::parse(&[]).is_some_and(|none| none.context.is_empty() && none.kem_key.is_none())
        );
        for (what, octets) in [
            ("a field twice", [write(9, b""), write(9, b"")].concat()),
            ("out of order", [write(CONTEXT, b"x"), write(KEM_KEY, &key)].concat()),
            ("something after the cookie", [write_cookie(b"c"), write(9, b"")].concat()),
            ("an empty context", write(CONTEXT, b"")),
            ("a context too long", write(CONTEXT, &[0; limits::CONTEXT_OCTETS + 1])),
            ("a ticket too long", write(TICKET, &[0; limits::TICKET_OCTETS + 1])),
            ("an empty cookie", write(COOKIE, b"")),
            ("a cookie too long", write(COOKIE, &[0; limits::COOKIE_OCTETS + 1])),
            ("a key too short", write(KEM_KEY, &key[1..])),
            ("cut", whole[..whole.len() - 1].to_vec()),
            ("a header cut", vec![9, 0]),
        ] {
            assert_eq!(HelloFields::parse(&octets), None, "{what}");
        }
    }
}
