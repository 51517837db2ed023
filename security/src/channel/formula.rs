//! The inputs of every hash, signature and seal in their order, as data: the code uses the same table that it prints.
//!
//! `security/model/table.txt` is this table; a test compares the two, and both with the symbolic model.

use crate::signature::Context;

/// A value that formulas put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The protocol name, the version and suites that were offered, and the version and suite that were chosen.
    Suite,
    /// The initiator's ephemeral public key.
    Gx,
    /// The further fields of message 1, as they were sent: encapsulation key, context, cookie.
    Fields,
    /// The responder's ephemeral public key.
    Gy,
    /// The secret that the responder has encapsulated; empty where the suite has none.
    Ct,
    /// The transcript digest after the key exchange.
    Th1,
    /// The sealed part of message 2.
    FlightR,
    /// The transcript digest after message 2.
    Th2,
    /// The sealed part of message 3.
    FlightI,
    /// The transcript digest after message 3.
    Th3,
    /// The initiator's fresh public values in a renewal.
    Renew,
    /// The responder's fresh public values in a renewal.
    Answer,
    /// The transcript digest after a renewal; [`Field::Th3`] stands for the one before it.
    Th4,
    /// The label of the initiator's signature in a renewal.
    LabelRenewI,
    /// The label of the responder's signature in a renewal.
    LabelRenewR,
    /// The label of the initiator's MAC in a resumed session.
    LabelResumedI,
    /// The label of the responder's MAC in a resumed session.
    LabelResumedR,
    /// The initiator's label.
    LabelI,
    /// The responder's label.
    LabelR,
    /// The initiator's credential.
    IdI,
    /// The responder's credential.
    IdR,
    /// The initiator's signature.
    SigI,
    /// The responder's signature.
    SigR,
    /// The initiator's MAC.
    MacI,
    /// The responder's MAC.
    MacR,
    /// The initiator's MAC in a resumed session.
    MacResumedI,
    /// The responder's MAC in a resumed session.
    MacResumedR,
}

impl Field {
    /// The field's name in the symbolic model.
    pub fn name(self) -> &'static str {
        match self {
            Field::Suite => "suite",
            Field::Gx => "gx",
            Field::Fields => "fields",
            Field::Gy => "gy",
            Field::Ct => "ct",
            Field::Th1 => "th1",
            Field::FlightR => "flightR",
            Field::Th2 => "th2",
            Field::FlightI => "flightI",
            Field::Th3 => "th3",
            Field::Renew => "renew",
            Field::Answer => "answer",
            Field::Th4 => "th4",
            Field::LabelRenewI => "labelRenewI",
            Field::LabelRenewR => "labelRenewR",
            Field::LabelResumedI => "labelResumedI",
            Field::LabelResumedR => "labelResumedR",
            Field::LabelI => "labelI",
            Field::LabelR => "labelR",
            Field::IdI => "idi",
            Field::IdR => "idr",
            Field::SigI => "sigI",
            Field::SigR => "sigR",
            Field::MacI => "macI",
            Field::MacR => "macR",
            Field::MacResumedI => "macResumedI",
            Field::MacResumedR => "macResumedR",
        }
    }
}

/// One line of the table: `name = operation(fields)`.
#[derive(Debug)]
pub struct Formula {
    /// The name of the result.
    pub name: &'static str,
    /// The operation, and the key that it uses.
    pub operation: &'static str,
    /// The fields of the input, in order.
    pub fields: &'static [Field],
}

/// The label of the responder's signature and MAC.
pub const LABEL_R: Context = Context("dyno channel v1 responder");
/// The label of the initiator's signature and MAC.
pub const LABEL_I: Context = Context("dyno channel v1 initiator");
/// The label under which handshake and traffic secrets are expanded.
pub const CTX_KEYS: &str = "dyno channel v1 keys";
/// The label under which a traffic secret gives key, nonce base and next secret.
pub const CTX_EPOCH: &str = "dyno channel v1 epoch";
/// The label under which keys for the application are derived.
pub const CTX_EXPORT: &str = "dyno channel v1 export";

/// The digest that the handshake keys, the responder's signature and its MAC rest on.
pub const TH1: Formula = Formula {
    name: "th1",
    operation: "HASH",
    fields: &[Field::Suite, Field::Gx, Field::Fields, Field::Gy, Field::Ct],
};
/// What the responder signs.
pub const SIG_R: Formula =
    Formula { name: "sigR", operation: "SIGN sr", fields: &[Field::LabelR, Field::Th1, Field::IdR] };
/// What the responder's MAC covers.
pub const MAC_R: Formula =
    Formula { name: "macR", operation: "MAC mk", fields: &[Field::LabelR, Field::Th1, Field::IdR] };
/// What the responder seals; the associated data is [`TH1`].
pub const FLIGHT_R: Formula = Formula {
    name: "flightR",
    operation: "AEAD hkR rec0 th1",
    fields: &[Field::IdR, Field::SigR, Field::MacR],
};
/// The digest that the initiator's signature and MAC rest on.
pub const TH2: Formula = Formula { name: "th2", operation: "HASH", fields: &[Field::Th1, Field::FlightR] };
/// What the initiator signs.
pub const SIG_I: Formula =
    Formula { name: "sigI", operation: "SIGN si", fields: &[Field::LabelI, Field::Th2, Field::IdI] };
/// What the initiator's MAC covers.
pub const MAC_I: Formula =
    Formula { name: "macI", operation: "MAC mk", fields: &[Field::LabelI, Field::Th2, Field::IdI] };
/// What the initiator seals; the associated data is [`TH2`].
pub const FLIGHT_I: Formula = Formula {
    name: "flightI",
    operation: "AEAD hkI rec0 th2",
    fields: &[Field::IdI, Field::SigI, Field::MacI],
};
/// The digest that the traffic secrets and every record rest on.
pub const TH3: Formula = Formula { name: "th3", operation: "HASH", fields: &[Field::Th2, Field::FlightI] };

/// The digest that a renewal rests on; its `th3` is the digest of all that came before.
pub const TH4: Formula =
    Formula { name: "th4", operation: "HASH", fields: &[Field::Th3, Field::Renew, Field::Answer] };
/// What the responder signs in a renewal.
pub const SIG_RENEW_R: Formula =
    Formula { name: "sigRenewR", operation: "SIGN sr", fields: &[Field::LabelRenewR, Field::Th4] };
/// What the initiator signs in a renewal.
pub const SIG_RENEW_I: Formula =
    Formula { name: "sigRenewI", operation: "SIGN si", fields: &[Field::LabelRenewI, Field::Th4] };

/// What the responder's MAC covers in a resumed session.
pub const MAC_RESUMED_R: Formula =
    Formula { name: "macResumedR", operation: "MAC mk", fields: &[Field::LabelResumedR, Field::Th1] };
/// What the responder seals in a resumed session; the associated data is [`TH1`].
pub const FLIGHT_RESUMED_R: Formula =
    Formula { name: "flightResumedR", operation: "AEAD hkR rec0 th1", fields: &[Field::MacResumedR] };
/// What the initiator's MAC covers in a resumed session.
pub const MAC_RESUMED_I: Formula =
    Formula { name: "macResumedI", operation: "MAC mk", fields: &[Field::LabelResumedI, Field::Th2] };
/// What the initiator seals in a resumed session; the associated data is [`TH2`].
pub const FLIGHT_RESUMED_I: Formula =
    Formula { name: "flightResumedI", operation: "AEAD hkI rec0 th2", fields: &[Field::MacResumedI] };

/// The whole table, in the order of the handshake, of a renewal and of a resumption.
pub const ALL: [&Formula; 16] = [
    &TH1,
    &SIG_R,
    &MAC_R,
    &FLIGHT_R,
    &TH2,
    &SIG_I,
    &MAC_I,
    &FLIGHT_I,
    &TH3,
    &TH4,
    &SIG_RENEW_R,
    &SIG_RENEW_I,
    &MAC_RESUMED_R,
    &FLIGHT_RESUMED_R,
    &MAC_RESUMED_I,
    &FLIGHT_RESUMED_I,
];

/// The label under which a renewal gives the next traffic secrets.
pub const CTX_RENEW: &str = "dyno channel v1 renew";
/// The label of the responder's signature in a renewal.
pub const LABEL_RENEW_R: Context = Context("dyno channel v1 renew responder");
/// The label of the initiator's signature in a renewal.
pub const LABEL_RENEW_I: Context = Context("dyno channel v1 renew initiator");

/// The label under which a session gives the secret by which another one resumes it.
pub const CTX_RESUMPTION: &str = "dyno channel v1 resumption";
/// The label under which the secrets of a resumed session are expanded.
pub const CTX_RESUMED: &str = "dyno channel v1 resumed keys";
/// The label of the responder's MAC in a resumed session.
pub const LABEL_RESUMED_R: Context = Context("dyno channel v1 resumed responder");
/// The label of the initiator's MAC in a resumed session.
pub const LABEL_RESUMED_I: Context = Context("dyno channel v1 resumed initiator");

/// The labels, by their names in the models (some are below the models' grain).
pub const LABELS: [(&str, &str); 12] = [
    ("labelR", LABEL_R.0),
    ("labelI", LABEL_I.0),
    ("ctxKeys", CTX_KEYS),
    ("ctxEpoch", CTX_EPOCH),
    ("ctxExport", CTX_EXPORT),
    ("ctxRenew", CTX_RENEW),
    ("labelRenewR", LABEL_RENEW_R.0),
    ("labelRenewI", LABEL_RENEW_I.0),
    ("ctxResumption", CTX_RESUMPTION),
    ("ctxResumed", CTX_RESUMED),
    ("labelResumedR", LABEL_RESUMED_R.0),
    ("labelResumedI", LABEL_RESUMED_I.0),
];

impl Formula {
    /// The input in order, taken from `values`.
    ///
    /// # Panics
    /// When a field has no value, which is a mistake of the caller.
    pub fn gather<'a>(&self, values: &[(Field, &'a [u8])]) -> Vec<&'a [u8]> {
        let value = |field| values.iter().find(|(name, _)| *name == field).map(|(_, value)| *value);
        self.fields
            .iter()
            .map(|&field| value(field).expect("the caller gives every field of the formula"))
            .collect()
    }
}
