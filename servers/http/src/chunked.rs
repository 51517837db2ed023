//! The chunked transfer coding (RFC 9112 7.1), decoded in place, one octet of framing at a time.
//!
//! Strict where leniency has been used for smuggling: no white space but the bad white space that RFC 9112 7.1.1 lets
//! stand around the parts of an extension, no lone CR or LF, no sign, prefix or underscore in a size. Trailers are
//! checked and dropped.

use crate::fault::{BadChunk, Fault};
use crate::limits::Limits;
use crate::octets::is_token;
use crate::work;

/// What a decoder expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// A digit of the size; after the first one also `;`, white space or CR.
    Size,
    /// `;` after white space.
    Semicolon,
    /// The first octet of an extension's name.
    ExtensionName,
    /// More of it, `=`, `;`, white space or CR.
    MoreExtensionName,
    /// `=` or `;` after white space.
    Equals,
    /// The first octet of an extension's value.
    ExtensionValue,
    /// More of a token.
    MoreExtensionToken,
    /// More of a quoted string.
    Quoted,
    /// The octet behind a backslash in one.
    Escaped,
    /// `;`, white space or CR behind a quoted string.
    AfterQuoted,
    /// LF at the end of a size line.
    SizeLf,
    /// `left` octets of data.
    Data,
    /// CR behind data.
    DataCr,
    /// LF behind data.
    DataLf,
    /// The first octet of a trailer line, or CR.
    TrailerLine,
    /// More of a trailer's name, or `:`.
    TrailerName,
    /// More of a trailer's value, or CR.
    TrailerValue,
    /// LF of a trailer line.
    TrailerLf,
    /// The last LF.
    LastLf,
}

/// The state between two pieces of a chunked body.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    expect: Expect,
    digits: u8,
    /// The size of the chunk while it is read, then what is left of its data.
    left: u64,
    /// Octets of body that were decoded.
    total: u64,
    /// Those of them that stand before what is decoded next.
    kept: u32,
    extension_octets: u32,
    trailer_octets: u32,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl Decoder {
    /// At the front of a body.
    pub fn new() -> Decoder {
        Decoder {
            expect: Expect::Size,
            digits: 0,
            left: 0,
            total: 0,
            kept: 0,
            extension_octets: 0,
            trailer_octets: 0,
        }
    }

    /// Octets of body that were decoded and not [released](Self::release).
    pub fn decoded(&self) -> usize {
        self.kept as usize
    }

    /// What has been decoded will not stand before the octets that are decoded next.
    pub fn release(&mut self) {
        self.kept = 0;
    }

    /// Decodes `octets`, which start with what has been [`decoded`](Self::decoded), followed by octets not seen
    /// before. The new data moves down behind the old. The whole body has `most` octets at the most.
    ///
    /// Gives the end of the coding within `octets`, or `None` when all of them are used up and the end is still to
    /// come.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn decode(&mut self, octets: &mut [u8], most: u64, limits: &Limits) -> Result<Option<usize>, Fault> {
        let mut at = self.decoded();
        work::count(octets.len() - at);
        while at < octets.len() {
            if self.expect == Expect::Data {
                let count = (octets.len() - at).min(self.left as usize);
                octets.copy_within(at..at + count, self.decoded());
                self.kept += count as u32;
                self.total += count as u64;
                self.left -= count as u64;
                at += count;
                if self.left == 0 {
                    self.expect = Expect::DataCr;
                }
                continue;
            }
            let was_last = self.expect == Expect::LastLf;
            self.expect = self.step(octets[at], most, limits)?;
            at += 1;
            if was_last {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn step(&mut self, octet: u8, most: u64, limits: &Limits) -> Result<Expect, Fault> {
        use Expect::*;
        let bad = |rule| Err(Fault::BadChunk(rule));
        match self.expect {
            Size | Semicolon | SizeLf | Data | DataCr | DataLf => {}
            TrailerLine | TrailerName | TrailerValue | TrailerLf | LastLf => {
                self.trailer_octets += 1;
                if self.trailer_octets as usize > limits.trailer_octets {
                    return Err(Fault::TrailersTooLarge);
                }
            }
            _ => self.count_extension(limits)?,
        }
        match (self.expect, octet) {
            (Size, _) if octet.is_ascii_hexdigit() => self.digit(octet),
            (Size, _) if self.digits == 0 => bad(BadChunk::Size),
            (Size | Semicolon | MoreExtensionName | Equals | MoreExtensionToken | AfterQuoted, b';') => {
                Ok(ExtensionName)
            }
            (Size, b' ' | b'\t') => Ok(Semicolon),
            (Size | MoreExtensionName | MoreExtensionToken | AfterQuoted, b'\r') => Ok(SizeLf),
            (Size, _) => bad(BadChunk::Size),
            (Semicolon, b' ' | b'\t') => self.count_extension(limits).map(|()| Semicolon),
            (ExtensionName, b' ' | b'\t') => Ok(ExtensionName),
            (ExtensionName | MoreExtensionName, _) if is_token(octet) => Ok(MoreExtensionName),
            (MoreExtensionName | Equals, b'=') => Ok(ExtensionValue),
            (MoreExtensionName | Equals, b' ' | b'\t') => Ok(Equals),
            (ExtensionValue, b' ' | b'\t') => Ok(ExtensionValue),
            (ExtensionValue, b'"') => Ok(Quoted),
            (ExtensionValue | MoreExtensionToken, _) if is_token(octet) => Ok(MoreExtensionToken),
            (MoreExtensionToken | AfterQuoted, b' ' | b'\t') => Ok(Semicolon),
            (Quoted, b'"') => Ok(AfterQuoted),
            (Quoted, b'\\') => Ok(Escaped),
            (Quoted | Escaped, b'\t' | b' '..=0x7e | 0x80..) => Ok(Quoted),
            (SizeLf, b'\n') => self.size_complete(most),
            (SizeLf | TrailerLf | LastLf, _) if octet != b'\n' => bad(BadChunk::LineEnd),
            (DataCr, b'\r') => Ok(DataLf),
            (DataLf, b'\n') => {
                (self.digits, self.left) = (0, 0);
                Ok(Size)
            }
            (DataCr | DataLf, _) => bad(BadChunk::DataEnd),
            (TrailerLine, b'\r') => Ok(LastLf),
            (TrailerLine | TrailerName, _) if is_token(octet) => Ok(TrailerName),
            (TrailerName, b':') => Ok(TrailerValue),
            (TrailerValue, b'\t' | b' '..=0x7e | 0x80..) => Ok(TrailerValue),
            (TrailerValue, b'\r') => Ok(TrailerLf),
            (TrailerLf, _) => Ok(TrailerLine),
            (LastLf, _) => Ok(LastLf),
            (TrailerLine | TrailerName | TrailerValue, _) => bad(BadChunk::Trailer),
            _ => bad(BadChunk::Extension),
        }
    }

    fn digit(&mut self, octet: u8) -> Result<Expect, Fault> {
        self.digits += 1;
        if self.digits > 16 {
            return Err(Fault::BadChunk(BadChunk::SizeTooLong));
        }
        let value = (octet as char).to_digit(16).expect("a hexadecimal digit");
        self.left = self.left << 4 | u64::from(value);
        Ok(Expect::Size)
    }

    fn count_extension(&mut self, limits: &Limits) -> Result<(), Fault> {
        self.extension_octets += 1;
        if self.extension_octets as usize > limits.chunk_extension_octets {
            return Err(Fault::BadChunk(BadChunk::ExtensionsTooLarge));
        }
        Ok(())
    }

    /// The size is known: refuse a body that will be too large before any of it arrives.
    fn size_complete(&self, most: u64) -> Result<Expect, Fault> {
        match self.left {
            0 => Ok(Expect::TrailerLine),
            size if size > most - self.total => Err(Fault::BodyTooLarge),
            _ => Ok(Expect::Data),
        }
    }
}
