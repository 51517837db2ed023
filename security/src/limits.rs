//! Every bound of this crate: its name, unit, value and reason.

use std::time::Duration;

/// Octets of plaintext in one record, as in TLS 1.3 (RFC 8446, 5.1). A reader must hold a whole record before it can
/// check its tag.
pub const RECORD_PLAINTEXT_OCTETS: usize = 16 * 1024;

/// Octets of one handshake message's body. The largest is message 2 with an encapsulated secret and a certificate of
/// the longest name, 1,573; message 1 with every field that we know has 2,027.
pub const HANDSHAKE_OCTETS: usize = 2048;

/// Octets of the context that binds a session to its application: the names of protocols (RFC 7301, 3.1) have as many.
pub const CONTEXT_OCTETS: usize = 255;

/// Octets of a cookie that a client sends back. A responder's demand is then never longer than the shortest message 1,
/// so that it cannot be used to send somebody more than its sender spent.
pub const COOKIE_OCTETS: usize = 47;

/// Span of time after which cookies are made under a new key; each is good for this and the next one. As long as a
/// handshake, so that none expires on its way.
pub const COOKIE_TIME: Duration = HANDSHAKE_TIME;

/// Octets of a ticket. The longest that we make, with a certificate of the longest name, has 447; in message 1 with
/// every other field there is room for as many as this.
pub const TICKET_OCTETS: usize = 480;

/// For how long after a handshake with signatures sessions may resume it, and those again: as long as a stolen session
/// stays open, so that a thief of its secrets passes for one of the two no longer than he reads.
pub const RESUMPTION_TIME: Duration = REKEY_TIME;

/// Span of time after which tickets are made under a new key; each is good for this and the next one, and so for the
/// whole of [`RESUMPTION_TIME`].
pub const TICKET_KEY_TIME: Duration = RESUMPTION_TIME;

/// Tickets that a client keeps: one for each of its connections, if they all end at once. 150 KiB with full names.
pub const KEPT_TICKETS: usize = 256;

/// Suites that a first message may offer. Four exist; the rest is room for later versions without room for abuse.
pub const OFFERED_SUITES: usize = 8;

/// Octets of the name in a certificate: a DNS name is at most 255 long (RFC 1035, 2.3.4).
pub const NAME_OCTETS: usize = 255;

/// Time for a whole handshake. Two round trips around the planet take under a second; a peer that needs five seconds is
/// stuck or hostile.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// Time to a client's first octet. It follows its connection by nothing but the client's own work, and whoever says
/// nothing must not hold a connection for as long as a handshake may take.
pub const FIRST_OCTET_TIME: Duration = Duration::from_secs(1);

/// A source (an address, or a network of version 6) has the places for handshakes divided by this number of shares:
/// four sources together can take all, and a proxy in front of a server still has 1,024.
pub const HALF_OPEN_SHARES: usize = 4;

/// Handshakes under way at one acceptor, counted from their whole first message. Each holds about 1 KiB; a flood of
/// half-open connections stops at 4 MiB, and from there on the oldest one goes for each that begins. Counted in each
/// process: where a process serves one connection, the limit of processes is the one that counts.
pub const HALF_OPEN_HANDSHAKES: usize = 4096;

/// Cookies are asked for while the places of a source, or all of them, are taken by one part in this many or more:
/// 512 and 2,048 with the numbers above. An honest crowd, whose handshakes take milliseconds, stays below; a flood is
/// made to read answers before its handshakes push out others.
pub const SCARCE_PARTS: usize = 2;

/// Octets that a caller may send before the handshake is done. One request with its headers fits; a bulk upload has to
/// wait.
pub const EARLY_OCTETS: usize = 64 * 1024;

/// Records under one key before the sender takes the next. AES-GCM allows 2^24.5 full records (RFC 8446, 5.5); this
/// leaves a factor of five.
pub const REKEY_RECORDS: u64 = 1 << 22;

/// Octets under one key before the sender takes the next: 64 GiB, the same margin in octets.
pub const REKEY_OCTETS: u64 = 1 << 36;

/// Time under one key before the sender takes the next, and the initiator renews the session, so that a stolen record
/// key and even the whole stolen state of a session open the records of one hour at most.
pub const REKEY_TIME: Duration = Duration::from_secs(3600);

/// Records that a receiver takes under one key. A sender that goes beyond has broken its duty to change its key.
pub const RECEIVE_RECORDS: u64 = 1 << 24;

/// Records that make an epoch a full one. To change keys costs the receiver ten times what it costs to open a record;
/// after so many records that is no burden.
pub const FULL_EPOCH_RECORDS: u64 = 64;

/// Short epochs that a receiver takes within [`SHORT_EPOCHS_TIME`], as many as rustls takes updates without data. An
/// honest sender makes one an hour at most.
pub const SHORT_EPOCHS: u32 = 32;

/// The time for which short epochs are counted: less than what lies between two of an honest sender's.
pub const SHORT_EPOCHS_TIME: Duration = Duration::from_secs(1800);

/// Renewals that a responder takes within [`RENEWALS_TIME`]: one in two minutes, as often as WireGuard shakes hands.
/// Each costs it an exchange, a signature and a verification, about as much as a handshake.
pub const RENEWALS: u32 = 15;

/// The time for which renewals are counted.
pub const RENEWALS_TIME: Duration = Duration::from_secs(1800);

/// Messages under one AEAD key outside of the channel, where nobody changes keys; [`crate::aead`] refuses more.
/// 2^32 keeps the chance of a forgery below 2^-57 at 16 KiB a message (RFC 9001, appendix B).
pub const AEAD_MESSAGES: u64 = 1 << 32;

/// Octets of a key file that are read: the PEM text of an Ed25519 key has about 120, that of any other key below 8 KiB.
pub const KEY_FILE_OCTETS: usize = 16 * 1024;

/// Octets of a file of certificates or of trusted keys that are read: four times what the authorities of the whole web
/// take (some 230 KiB), or some ten thousand pinned keys.
pub const TRUST_FILE_OCTETS: usize = 1024 * 1024;

/// Octets of a policy that are read: some hundred thousand rules, which ten times ten thousand principals need.
pub const POLICY_FILE_OCTETS: usize = 8 * 1024 * 1024;

/// Days for which a TLS certificate is valid: what public authorities give. There is no revocation, so the end of a
/// certificate is the end of what a thief of its key can do.
pub const CERTIFICATE_DAYS: u32 = 90;

/// Bits of the modulus of a classical group. Above it, one exponentiation takes seconds, and a stranger could choose
/// the group.
pub const CLASSICAL_MODULUS_BITS: u32 = 8192;

/// Numbers behind the highest one that a replay window still accepts. Twice what a network reorders (RFC 6479 uses
/// 1,024 in its own example), in 136 octets.
pub const REPLAY_WINDOW_NUMBERS: u64 = 1024;

/// How far the time of a message that stands alone may lie behind or ahead of ours: two minutes, for clocks that NTP
/// has not reached. In milliseconds, because messages carry their time in them.
pub const REPLAY_TOLERANCE_MS: u64 = 120_000;

/// Octets of buffer that an idle session keeps. Two records, so that a warm session does not allocate.
pub const RETAINED_OCTETS: usize = 2 * (RECORD_PLAINTEXT_OCTETS + 64);
