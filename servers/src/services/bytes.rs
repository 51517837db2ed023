//! `/bytes/N`: a body of N bytes, cut from one pattern that the whole process shares, whatever N is.

use std::io;
use std::sync::{Arc, OnceLock};

use dyno_http::response::{Body, Response, Source};
use dyno_http::status::Status;

use super::service::{Needs, Reply, Service, number};
use crate::limits::BYTES_MAX;

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "bytes",
    path: "/bytes/N",
    idea: "N octets",
    answer: "octet number i is the letter a + i mod 26",
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    is_long: false,
    call: |_, _, rest| {
        let length = match number(rest, BYTES_MAX) {
            Ok(length) => length,
            Err(refusal) => return Reply::Now(refusal),
        };
        let body = if length > COMMON_BYTES as u64 {
            Body::Source(Box::new(Long { common: common(), at: 0, end: length }))
        } else {
            Body::Shared(common(), 0..length as usize)
        };
        Reply::Now(Response::new(Status::OK, "text/plain", body))
    },
};

/// The part of the pattern that the process keeps in memory. A larger body is read from it piece by piece: a body
/// that a client asks for and does not read must not cost memory.
const COMMON_BYTES: usize = 1024 * 1024;

fn common() -> Arc<[u8]> {
    static COMMON: OnceLock<Arc<[u8]>> = OnceLock::new();
    Arc::clone(COMMON.get_or_init(|| (b'a'..=b'z').cycle().take(COMMON_BYTES).collect()))
}

/// A body that is larger than the part of the pattern in memory.
struct Long {
    common: Arc<[u8]>,
    at: u64,
    end: u64,
}

impl Source for Long {
    fn remaining(&self) -> u64 {
        self.end - self.at
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = &self.common[(self.at % 26) as usize..];
        let left = usize::try_from(self.remaining()).unwrap_or(usize::MAX);
        let count = into.len().min(from.len()).min(left);
        into[..count].copy_from_slice(&from[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use dyno_http::response::Source as _;

    use super::{Long, common};

    #[test]
    fn a_long_body_goes_through_the_alphabet_without_a_break() {
        let end = 3 * 1024 * 1024 + 5;
        let mut body = Long { common: common(), at: 0, end };
        let (mut piece, mut at) = (vec![0; 700_001], 0);
        while body.remaining() > 0 {
            let count = body.read(&mut piece).expect("memory");
            for &octet in &piece[..count] {
                assert_eq!(octet, b'a' + (at % 26) as u8, "octet {at}");
                at += 1;
            }
        }
        assert_eq!((at, body.read(&mut piece).expect("memory")), (end, 0));
    }
}
