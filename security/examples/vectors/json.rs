//! JSON files: Wycheproof, HPKE and Noise, told apart by their content.

use crate::checks::{self, Aead, Outcome};
use crate::noise;
use dyno_security::digest;
use dyno_security::envelope::sealed::{Cipher, Opener, RecipientKey};
use serde_json::Value;

/// Octets of a hexadecimal string; empty for anything else.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    super::text::hex(value.as_str().unwrap_or_default()).unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Every vector of the file with its name; `None` when no schema fits.
pub(crate) fn run(file: &Value) -> Option<Vec<(String, Outcome)>> {
    if let (Some(algorithm), Some(groups)) = (file["algorithm"].as_str(), file["testGroups"].as_array()) {
        return Some(groups.iter().flat_map(|group| wycheproof(algorithm, group)).collect());
    }
    if let Some(vectors) = file["vectors"].as_array() {
        let name = |v: &Value| v["protocol_name"].as_str().map(Into::into);
        return vectors.iter().map(|v| Some((name(v)?, noise::check(v, hex)))).collect();
    }
    let first = file.as_array()?.first()?;
    first["kem_id"].as_u64()?;
    Some(array(file).iter().flat_map(hpke).collect())
}

fn wycheproof(algorithm: &str, group: &Value) -> Vec<(String, Outcome)> {
    let one = |test: &Value| {
        let name = format!("tcId {}", test["tcId"]);
        let result = test["result"].as_str().unwrap_or_default();
        (name, wycheproof_one(algorithm, group, test, result))
    };
    array(&group["tests"]).iter().map(one).collect()
}

fn wycheproof_one(algorithm: &str, group: &Value, test: &Value, result: &str) -> Outcome {
    let (field, valid) = (|name: &str| hex(&test[name]), result == "valid");
    let flag = |name: &str| array(&test["flags"]).iter().any(|flag| flag == name);
    let hmac = |hash| checks::hmac(hash, &field("key"), &field("msg"), &field("tag"), valid);
    match (group["type"].as_str().unwrap_or_default(), algorithm) {
        ("AeadTest", cipher) => checks::aead(&Aead {
            cipher,
            key: &field("key"),
            iv: &field("iv"),
            aad: &field("aad"),
            msg: &field("msg"),
            ct: &field("ct"),
            tag: &field("tag"),
            valid,
        }),
        ("XdhComp", _) if group["curve"] != "curve25519" => {
            Outcome::Skipped("only curve25519 is offered".into())
        }
        ("XdhComp", _) => {
            let acceptable = valid || result == "acceptable";
            checks::x25519(
                &field("private"),
                &field("public"),
                &field("shared"),
                acceptable,
                flag("ZeroSharedSecret"),
            )
        }
        ("EddsaVerify", _) if group["publicKey"]["curve"] != "edwards25519" => {
            Outcome::Skipped("only edwards25519 is offered".into())
        }
        ("EddsaVerify", _) => {
            checks::ed25519(&hex(&group["publicKey"]["pk"]), &field("msg"), &field("sig"), valid)
        }
        ("HkdfTest", "HKDF-SHA-256") => {
            let size = test["size"].as_u64().unwrap_or_default() as usize;
            checks::hkdf_sha256(&field("ikm"), &field("salt"), &field("info"), size, &field("okm"), valid)
        }
        ("MacTest", "HMACSHA256") => hmac(digest::Algorithm::Sha256),
        ("MacTest", "HMACSHA384") => hmac(digest::Algorithm::Sha384),
        ("MacTest", "HMACSHA512") => hmac(digest::Algorithm::Sha512),
        ("EcdsaVerify", _) if group["publicKey"]["curve"] == "secp256r1" && group["sha"] == "SHA-256" => {
            checks::ecdsa_p256(&hex(&group["publicKey"]["uncompressed"]), &field("msg"), &field("sig"), valid)
        }
        ("RsassaPssVerify", _)
            if group["sha"] == "SHA-256" && group["mgfSha"] == "SHA-256" && group["sLen"] == 32 =>
        {
            checks::rsa_pss(&hex(&group["publicKeyAsn"]), &field("msg"), &field("sig"), valid)
        }
        (kind, algorithm) => Outcome::Skipped(format!("{algorithm} ({kind}) is not offered")),
    }
}

fn hpke(vector: &Value) -> Vec<(String, Outcome)> {
    let (kem, kdf, aead) = (&vector["kem_id"], &vector["kdf_id"], &vector["aead_id"]);
    let name = |what: &str| format!("mode {} kem {kem} kdf {kdf} aead {aead} {what}", vector["mode"]);
    let cipher = match aead.as_u64() {
        Some(1) => Cipher::Aes128Gcm,
        Some(2) => Cipher::Aes256Gcm,
        Some(3) => Cipher::ChaCha20Poly1305,
        _ => return vec![(name(""), Outcome::Skipped("AEAD not offered".into()))],
    };
    if vector["mode"] != 0 || *kem != 32 || *kdf != 1 {
        return vec![(name(""), Outcome::Skipped("only base mode, DHKEM(X25519) and HKDF-SHA-256".into()))];
    }
    let key = RecipientKey::parse(&hex(&vector["skRm"]));
    let opener = key.and_then(|key| {
        let fits = key.public().octets()[..] == hex(&vector["pkRm"]);
        let opener = Opener::new(cipher, &key, &hex(&vector["enc"]), &hex(&vector["info"]))?;
        fits.then_some(opener).ok_or(dyno_security::envelope::sealed::Refused)
    });
    let Ok(mut opener) = opener else {
        return vec![(name(""), Outcome::Failed("no context, or another public key".into()))];
    };
    // The context counts for itself, so it opens what comes in order; what the file has after a gap is opened with the
    // key and base nonce that the file gives.
    let cipher = if *aead == 3 { "CHACHA20-POLY1305" } else { "AES-GCM" };
    let opened = |(expected, message): (u64, &Value)| {
        let (aad, ct, pt) = (hex(&message["aad"]), hex(&message["ct"]), hex(&message["pt"]));
        let what = format!("sequence number {}", message["seq"]);
        if message["seq"] == expected && opener.open(&aad, &ct).as_deref() != Ok(&pt) {
            return (name(&what), Outcome::Failed("the context does not open it".into()));
        }
        let (ct, tag) = ct.split_at(ct.len().saturating_sub(16));
        let (key, iv) = (hex(&vector["key"]), hex(&message["nonce"]));
        let checked =
            checks::aead(&Aead { cipher, key: &key, iv: &iv, aad: &aad, msg: &pt, ct, tag, valid: true });
        (name(&what), checked)
    };
    (0..).zip(array(&vector["encryptions"])).map(opened).collect()
}
