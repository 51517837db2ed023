//! What the code hashes, signs, seals and derives, as a text that a person can hold beside the model.

use super::{formula, schedule};

/// The table as text: the labels, then the formulas, then the key derivations.
pub fn text() -> String {
    let mut out = String::new();
    for (name, value) in formula::LABELS {
        out.push_str(&format!("label   {name} \"{value}\"\n"));
    }
    for formula in formula::ALL {
        let fields: Vec<_> = formula.fields.iter().map(|f| f.name()).collect();
        out.push_str(&format!("formula {} = {}({})\n", formula.name, formula.operation, fields.join(", ")));
    }
    for keys in [schedule::HANDSHAKE, schedule::TRAFFIC] {
        out.push_str(&format!("keys    {} = HKDF({}, z, ctxKeys)\n", keys.outputs.join(", "), keys.salt));
    }
    for keys in [schedule::HANDSHAKE, schedule::TRAFFIC] {
        let outputs = keys.outputs.join(", ");
        out.push_str(&format!("resumed {outputs} = HKDF({}, CONCAT(z, rs), ctxResumed)\n", keys.salt));
    }
    out
}
