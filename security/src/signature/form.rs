//! Forms in which other programs keep keys: each is recognized, so that its owner is told what to do with it.

use std::fmt;

/// What a file holds in place of a private key in PKCS#8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// `EC PRIVATE KEY` (RFC 5915): OpenSSL's own form of a key on an elliptic curve.
    Sec1,
    /// `RSA PRIVATE KEY` (PKCS#1, RFC 8017).
    Pkcs1,
    /// `DSA PRIVATE KEY`: a key that nothing in TLS 1.3 can use.
    Dsa,
    /// `ENCRYPTED PRIVATE KEY` (PKCS#8 under a password), or an older form with `Proc-Type: 4,ENCRYPTED`.
    Encrypted,
    /// `OPENSSH PRIVATE KEY`.
    OpenSsh,
    /// PKCS#8 or an older form in DER, without the letters of PEM.
    Der,
    /// A certificate, a public key, or another text in PEM that holds no private key.
    Public,
}

impl KeyForm {
    /// Every form.
    pub const ALL: [KeyForm; 7] = [
        KeyForm::Sec1,
        KeyForm::Pkcs1,
        KeyForm::Dsa,
        KeyForm::Encrypted,
        KeyForm::OpenSsh,
        KeyForm::Der,
        KeyForm::Public,
    ];

    /// The form of `octets`, which are no PKCS#8 in PEM; `None` when it is not known.
    pub(super) fn of(octets: &[u8]) -> Option<KeyForm> {
        let has = |words: &str| octets.windows(words.len()).any(|window| window == words.as_bytes());
        // An older form says in a line of its own that it is encrypted, whatever its label is.
        if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
            return Some(KeyForm::Encrypted);
        }
        let labels = [
            ("BEGIN EC PRIVATE KEY", KeyForm::Sec1),
            ("BEGIN RSA PRIVATE KEY", KeyForm::Pkcs1),
            ("BEGIN DSA PRIVATE KEY", KeyForm::Dsa),
            ("BEGIN OPENSSH PRIVATE KEY", KeyForm::OpenSsh),
            ("-----BEGIN ", KeyForm::Public),
        ];
        match labels.into_iter().find(|(label, _)| has(label)) {
            // A PRIVATE KEY section that does not parse is damaged, and not of another form.
            Some((_, KeyForm::Public)) if has("BEGIN PRIVATE KEY") => None,
            Some((_, form)) => Some(form),
            None => is_der(octets).then_some(KeyForm::Der),
        }
    }
}

/// Whether `octets` are one SEQUENCE of DER, as every private key is.
fn is_der(octets: &[u8]) -> bool {
    match octets {
        [0x30, length @ ..=0x7f, rest @ ..] => rest.len() == usize::from(*length),
        [0x30, 0x81, length, rest @ ..] => rest.len() == usize::from(*length),
        [0x30, 0x82, high, low, rest @ ..] => rest.len() == usize::from(u16::from_be_bytes([*high, *low])),
        _ => false,
    }
}

impl fmt::Display for KeyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyForm::Sec1 => "a key in OpenSSL's form for elliptic curves (EC PRIVATE KEY)",
            KeyForm::Pkcs1 => "a key in PKCS#1 (RSA PRIVATE KEY)",
            KeyForm::Dsa => "a DSA key (DSA PRIVATE KEY)",
            KeyForm::Encrypted => "a key under a passphrase (ENCRYPTED)",
            KeyForm::OpenSsh => "a key of ssh (OPENSSH PRIVATE KEY)",
            KeyForm::Der => "DER, without the letters of PEM",
            KeyForm::Public => "a certificate, a public key or parameters",
        })
    }
}
