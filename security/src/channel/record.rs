//! Records: sealed, numbered by position alone, rekeyed by their sender.
//!
//! The header is authenticated, together with the transcript digest of the handshake. A record's number is never sent:
//! both sides count, so a record that was dropped, repeated, moved or brought from elsewhere does not open.

use super::message::{self, HEADER_OCTETS, MessageKind, Suite};
use super::schedule::{self, Secret};
use crate::aead::{OpeningKey, Refused, SealingKey, TAG_OCTETS};
use crate::limits;
use crate::outgoing::Outgoing;
use std::mem;
use std::time::{Duration, Instant};

/// What a record adds to its plaintext.
const RECORD_FRAME_OCTETS: usize = HEADER_OCTETS + TAG_OCTETS;

const ASSOCIATED_OCTETS: usize = 32 + HEADER_OCTETS;

/// The associated data of a record: transcript digest and header. It is kept in place, so a record allocates nothing.
struct Associated([u8; ASSOCIATED_OCTETS]);

impl Associated {
    fn new(transcript: [u8; 32]) -> Self {
        let mut octets = [0; ASSOCIATED_OCTETS];
        octets[..32].copy_from_slice(&transcript);
        Associated(octets)
    }

    fn with(&mut self, header: [u8; HEADER_OCTETS]) -> &[u8] {
        self.0[32..].copy_from_slice(&header);
        &self.0
    }
}

/// Seals the records of the sending direction.
pub struct RecordSealer {
    suite: Suite,
    key: SealingKey,
    next: Secret,
    associated: Associated,
    octets: u64,
}

impl std::fmt::Debug for RecordSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordSealer")
            .field("suite", &self.suite)
            .field("records", &self.records())
            .finish_non_exhaustive()
    }
}

impl RecordSealer {
    /// The first epoch of a direction.
    pub fn new(suite: Suite, secret: Secret, transcript: [u8; 32]) -> Self {
        let epoch = schedule::epoch(&secret);
        let key = SealingKey::new(suite.aead(), &*epoch.key, &*epoch.base)
            .expect("the schedule gives keys of the right length");
        RecordSealer { suite, key, next: epoch.next, associated: Associated::new(transcript), octets: 0 }
    }

    /// Records sealed in this epoch.
    pub fn records(&self) -> u64 {
        self.key.next_number()
    }

    /// Octets of plaintext sealed in this epoch.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Makes a record of `record`, in which the plaintext stands in its place: behind [`HEADER_OCTETS`] octets, before
    /// [`TAG_OCTETS`].
    ///
    /// # Panics
    /// When `record` is longer or shorter than a record can be, or the key is exhausted: the session rekeys long
    /// before.
    pub fn seal_in_place(&mut self, kind: MessageKind, record: &mut [u8]) {
        let (header, body) = record.split_at_mut(HEADER_OCTETS);
        let (plain, tag) = body.split_at_mut(body.len() - TAG_OCTETS);
        assert!(plain.len() <= limits::RECORD_PLAINTEXT_OCTETS, "the caller cuts data into records");
        let octets = message::header(kind, plain.len() + TAG_OCTETS);
        header.copy_from_slice(&octets);
        let sealed = self.key.seal_in_place(self.associated.with(octets), plain);
        tag.copy_from_slice(&sealed.expect("rekeyed in time"));
        self.octets += plain.len() as u64;
    }

    /// Appends one record to `out`.
    ///
    /// # Panics
    /// As [`RecordSealer::seal_in_place`].
    pub fn seal(&mut self, kind: MessageKind, plain: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.reserve(RECORD_FRAME_OCTETS + plain.len());
        out.extend_from_slice(&[0; HEADER_OCTETS]);
        out.extend_from_slice(plain);
        out.extend_from_slice(&[0; TAG_OCTETS]);
        self.seal_in_place(kind, &mut out[start..]);
    }

    /// Appends one record to what waits to be written, with the octets of plaintext that `fill` puts into their place.
    pub(crate) fn append_with(
        &mut self,
        kind: MessageKind,
        octets: usize,
        out: &mut Outgoing,
        fill: impl FnOnce(&mut [u8]),
    ) {
        out.append_with(RECORD_FRAME_OCTETS + octets, |record| {
            fill(&mut record[HEADER_OCTETS..][..octets]);
            self.seal_in_place(kind, record);
        });
    }

    /// Appends one record to what waits to be written.
    pub(crate) fn append(&mut self, kind: MessageKind, plain: &[u8], out: &mut Outgoing) {
        self.append_with(kind, plain.len(), out, |room| room.copy_from_slice(plain));
    }

    /// The suite of the session.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Takes the keys that come from a renewal in place of the next epoch's.
    pub fn renew(&mut self, shared: &[u8], transcript: &[u8; 32]) {
        let secret = schedule::renewed(&self.next, shared, transcript);
        self.take(&secret);
    }

    fn take(&mut self, secret: &Secret) {
        let epoch = schedule::epoch(secret);
        self.key = SealingKey::new(self.suite.aead(), &*epoch.key, &*epoch.base)
            .expect("the schedule gives keys of the right length");
        self.next = epoch.next;
        self.octets = 0;
    }

    /// Appends the record that announces the next key, then takes that key; the old one is gone.
    pub fn rekey(&mut self, out: &mut Vec<u8>) {
        self.seal(MessageKind::Rekey, &[], out);
        self.take_next();
    }

    /// The same, for what waits to be written.
    pub(crate) fn append_rekey(&mut self, out: &mut Outgoing) {
        self.append(MessageKind::Rekey, &[], out);
        self.take_next();
    }

    fn take_next(&mut self) {
        let next = mem::replace(&mut self.next, Secret::zeros());
        self.take(&next);
    }
}

/// Opens the records of the receiving direction.
pub struct RecordOpener {
    suite: Suite,
    key: OpeningKey,
    next: Secret,
    associated: Associated,
    most_records: u64,
    short_epochs: Allowance,
    octets: u64,
}

/// How often a peer may do what costs us more than it, within a span of time.
pub(crate) struct Allowance {
    most: u32,
    within: Duration,
    taken: u32,
    /// When they were last counted from none.
    since: Option<Instant>,
}

impl Allowance {
    /// `most` times `within` a span.
    pub(crate) fn new(most: u32, within: Duration) -> Self {
        Allowance { most, within, taken: 0, since: None }
    }

    /// Once more, at `now`.
    ///
    /// # Errors
    /// [`Refused`] when it is too often.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Refused> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= self.within {
            (self.taken, self.since) = (0, Some(now));
        }
        if self.taken >= self.most {
            return Err(Refused);
        }
        self.taken += 1;
        Ok(())
    }
}

impl std::fmt::Debug for RecordOpener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordOpener")
            .field("suite", &self.suite)
            .field("records", &self.key.next_number())
            .finish_non_exhaustive()
    }
}

impl RecordOpener {
    /// The first epoch of a direction.
    pub fn new(suite: Suite, secret: Secret, transcript: [u8; 32]) -> Self {
        let epoch = schedule::epoch(&secret);
        let key = OpeningKey::new(suite.aead(), &*epoch.key, &*epoch.base)
            .expect("the schedule gives keys of the right length");
        let (associated, most_records) = (Associated::new(transcript), limits::RECEIVE_RECORDS);
        let short_epochs = Allowance::new(limits::SHORT_EPOCHS, limits::SHORT_EPOCHS_TIME);
        RecordOpener { suite, key, next: epoch.next, associated, most_records, short_epochs, octets: 0 }
    }

    /// Lowers the number of records that are taken under one key; it is never above [`limits::RECEIVE_RECORDS`].
    #[must_use]
    pub fn with_limit(mut self, records: u64) -> Self {
        self.most_records = records.min(limits::RECEIVE_RECORDS);
        self
    }

    /// Opens the record of `kind` with this `body`; its plaintext is appended to `plain`.
    ///
    /// # Errors
    /// [`Refused`]; `plain` is as before then.
    pub fn open(&mut self, kind: MessageKind, body: &[u8], plain: &mut Vec<u8>) -> Result<(), Refused> {
        let start = plain.len();
        plain.extend_from_slice(body);
        let opened = self.open_within(kind, &mut plain[start..], 0);
        plain.truncate(start + opened.unwrap_or(0));
        opened.map(|_| ())
    }

    /// Opens the record of `kind` whose body begins at `at` and is the rest of `memory`; the plaintext goes to the
    /// beginning of `memory`. Gives its length.
    ///
    /// # Errors
    /// [`Refused`]; `memory` holds nothing of use then.
    pub fn open_within(&mut self, kind: MessageKind, memory: &mut [u8], at: usize) -> Result<usize, Refused> {
        if self.key.next_number() >= self.most_records {
            return Err(Refused);
        }
        let header = message::header(kind, memory.len() - at);
        let count = self.key.open_within(self.associated.with(header), memory, at)?;
        self.octets += count as u64;
        Ok(count)
    }

    /// Takes the next key at `now`: the record that announces it has been opened.
    ///
    /// # Errors
    /// [`Refused`] when the sender changes its key again and again without need, which costs us more than it.
    pub fn rekey(&mut self, now: Instant) -> Result<(), Refused> {
        if self.key.next_number() < limits::FULL_EPOCH_RECORDS {
            self.short_epochs.take(now)?;
        }
        let next = mem::replace(&mut self.next, Secret::zeros());
        self.take(&next);
        Ok(())
    }

    /// Octets of plaintext opened in this epoch.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Takes the keys that come from a renewal in place of the next epoch's.
    pub fn renew(&mut self, shared: &[u8], transcript: &[u8; 32]) {
        let secret = schedule::renewed(&self.next, shared, transcript);
        self.take(&secret);
    }

    fn take(&mut self, secret: &Secret) {
        let epoch = schedule::epoch(secret);
        self.key = OpeningKey::new(self.suite.aead(), &*epoch.key, &*epoch.base)
            .expect("the schedule gives keys of the right length");
        self.next = epoch.next;
        self.octets = 0;
    }
}
