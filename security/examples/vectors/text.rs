//! Text files of `NAME = value` lines, and the colon-separated one of Ed25519.

use crate::checks::{self, Aead, FiniteField, Outcome};
use dyno_security::dh::classical::Group;
use dyno_security::digest;
use std::collections::BTreeMap;

/// Octets of hexadecimal digits; `None` for anything else.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The values of one block, names in lower case, with the group parameters of its section.
type Block = BTreeMap<String, String>;

const PARAMETERS: [&str; 3] = ["p", "q", "g"];

/// A block ends where one of its names comes again, or where the parameters of the next section begin.
fn blocks(text: &str) -> Vec<Block> {
    let (mut all, mut parameters, mut block) = (Vec::new(), Block::new(), Block::new());
    for line in text.lines().map(str::trim) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
        let is_parameter = PARAMETERS.contains(&name.as_str());
        let ends =
            if is_parameter { block.keys().any(|name| name != "count") } else { block.contains_key(&name) };
        if ends {
            all.push(parameters.clone().into_iter().chain(std::mem::take(&mut block)).collect());
        }
        if is_parameter {
            parameters.insert(name, value)
        } else {
            block.insert(name, value)
        };
    }
    if !block.is_empty() {
        all.push(parameters.into_iter().chain(block).collect());
    }
    all
}

/// Every vector of the file with its name; `None` when no schema fits.
pub(crate) fn run(text: &str) -> Option<Vec<(String, Outcome)>> {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'))?;
    if first.split(':').count() == 5 && !first.contains('=') {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        return (1..)
            .zip(lines)
            .map(|(number, line)| Some((format!("line {number}"), ed25519(line)?)))
            .collect();
    }
    let named = |(number, block): (usize, &Block)| Some((format!("block {number}"), one(block)?));
    let outcomes: Option<Vec<_>> = (1..).zip(&blocks(text)).map(named).collect();
    outcomes.filter(|outcomes| !outcomes.is_empty())
}

fn ed25519(line: &str) -> Option<Outcome> {
    let fields: Vec<_> = line.split(':').map(hex).collect::<Option<_>>()?;
    let [secret, public, message, signed, _] = &fields[..] else { return None };
    let signature = signed.get(..64)?;
    Some(checks::ed25519_sign(secret.get(..32)?, public, message, signature))
}

fn one(block: &Block) -> Option<Outcome> {
    let has = |names: &[&str]| names.iter().all(|&name| block.contains_key(name));
    let field = |name: &str| block.get(name).and_then(|text| hex(text));
    if has(&["input_scalar", "input_u", "output_u"]) {
        return Some(checks::x25519(
            &field("input_scalar")?,
            &field("input_u")?,
            &field("output_u")?,
            true,
            false,
        ));
    }
    if has(&["ikm", "okm"]) {
        let (salt, info) = (field("salt").unwrap_or_default(), field("info").unwrap_or_default());
        let okm = field("okm")?;
        return Some(match block.get("hash").map(String::as_str) {
            Some("SHA-256") | None => {
                checks::hkdf_sha256(&field("ikm")?, &salt, &info, okm.len(), &okm, true)
            }
            Some(other) => Outcome::Skipped(format!("HKDF with {other} is not offered")),
        });
    }
    if has(&["key", "msg", "md"]) {
        let algorithm = match block["md"].len() {
            64 => digest::Algorithm::Sha256,
            96 => digest::Algorithm::Sha384,
            128 => digest::Algorithm::Sha512,
            _ => return Some(Outcome::Skipped("HMAC with another digest".into())),
        };
        return Some(checks::hmac(algorithm, &field("key")?, &field("msg")?, &field("md")?, true));
    }
    if has(&["key", "iv", "tag", "plaintext", "ciphertext"]) {
        return Some(checks::aead(&Aead {
            cipher: "CHACHA20-POLY1305",
            key: &field("key")?,
            iv: &field("iv")?,
            aad: &field("aad").unwrap_or_default(),
            msg: &field("plaintext")?,
            ct: &field("ciphertext")?,
            tag: &field("tag")?,
            // OpenSSL's files name the error that must come.
            valid: !block.contains_key("result"),
        }));
    }
    if has(&["p", "q", "g", "xstatiut", "ystatcavs", "z", "result"]) {
        let Ok(group) = Group::new(&field("p")?, &field("q")?, &field("g")?) else {
            return Some(Outcome::Failed("the group is refused".into()));
        };
        let valid = block["result"].starts_with('P');
        let odd =
            |name: &str| block.get(name).and_then(|text| hex(text).or_else(|| hex(&format!("0{text}"))));
        let (peer, private) = (odd("ystatcavs")?, odd("xstatiut")?);
        let (public, shared) = (odd("ystatiut"), odd("z")?);
        let vector = FiniteField {
            group: &group,
            peer: &peer,
            private: &private,
            public: public.as_deref(),
            shared: &shared,
            valid,
        };
        return Some(checks::finite_field(&vector));
    }
    if has(&["p", "g", "x", "y", "k"]) {
        let (p, shared) = (decimal(&block["p"])?, field("k")?);
        let group = without_order(&p, &decimal(&block["g"])?)?;
        let (private, peer) = (decimal(&block["x"])?, decimal(&block["y"])?);
        let vector = FiniteField {
            group: &group,
            peer: &peer,
            private: &private,
            public: None,
            shared: &shared,
            valid: true,
        };
        return Some(checks::finite_field(&vector));
    }
    if has(&["count", "p", "g"]) {
        let group = without_order(&field("p")?, &[block["g"].parse().ok()?])?;
        let key = dyno_security::dh::classical::PrivateKey::generate(&group);
        let again = dyno_security::dh::classical::PrivateKey::generate(&group);
        let fine = key.agree(again.public()).is_ok_and(|secret| Ok(secret) == again.agree(key.public()));
        return Some(checks::expect(fine, "two fresh keys do not agree"));
    }
    None
}

/// A group whose order is not told: (p - 1) / 2 where the generator has that order, p - 1 otherwise.
fn without_order(p: &[u8], g: &[u8]) -> Option<Group> {
    let mut full = p.to_vec();
    *full.last_mut()? &= !1;
    let mut half = full.clone();
    let mut carry = 0;
    for octet in &mut half {
        (*octet, carry) = (*octet >> 1 | carry << 7, *octet & 1);
    }
    Group::new(p, &half, g).or_else(|_| Group::new(p, &full, g)).ok()
}

/// Decimal digits to octets, big endian.
fn decimal(text: &str) -> Option<Vec<u8>> {
    let mut octets = vec![0u8];
    for digit in text.chars() {
        let mut carry = digit.to_digit(10)?;
        for octet in octets.iter_mut().rev() {
            carry += u32::from(*octet) * 10;
            *octet = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            octets.insert(0, carry as u8);
        }
    }
    Some(octets)
}
