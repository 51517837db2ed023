//! The reader of the first tier: what backends send.

use dyno_clients::response::{Memo, Progress, Reader};
use dyno_proxy::answer::{AnswerReader, OriginAnswer};
use dyno_proxy::fault::GatewayFault;
use dyno_proxy::rewrite::Pseudonym;

use super::Target;

/// One target.
pub(crate) static ALL: [Target; 1] = [Target { name: "backend-answers", seeds, run }];

/// Reads one answer that comes in pieces of so many octets, then the end of the stream.
fn read(input: &[u8], piece: usize, is_head: bool) -> Result<OriginAnswer, GatewayFault> {
    let (mut reader, own) = (AnswerReader::new(is_head), Pseudonym::new(1));
    let without = |answer| OriginAnswer { persists: false, ..answer };
    for piece in input.chunks(piece) {
        if let Some(answer) = reader.receive(piece, &own)? {
            // Whether octets stand behind it shows only when they come.
            return Ok(without(answer));
        }
    }
    reader.receive_eof().map(without)
}

/// What the reader of the clients makes of the first answer, if it makes anything of it.
fn read_as_client(input: &[u8], is_head: bool) -> Option<(u16, Vec<u8>)> {
    let (mut reader, mut memo, mut body) = (Reader::default(), Memo::default(), Vec::new());
    match reader.feed(input, is_head, &mut memo, |part| body.extend_from_slice(part)).ok()? {
        Progress::Done { head, .. } => Some((head.status, body)),
        Progress::More => reader.end_of_stream().ok()?.map(|head| (head.status, body)),
    }
}

/// How the octets are cut makes no difference; and what is passed on, somebody else who can read it reads alike. The
/// first octet says whether it answers a HEAD.
fn run(input: &[u8]) {
    let Some((first, stream)) = input.split_first() else { return };
    let is_head = first & 1 == 1;
    let whole = read(stream, stream.len().max(1), is_head);
    for piece in [1, 7] {
        assert_eq!(read(stream, piece, is_head), whole, "pieces of {piece} make a difference");
    }
    if let (Ok(answer), Some((status, body))) = (whole, read_as_client(stream, is_head)) {
        assert_eq!((answer.status, answer.body), (status, body), "two readings of one answer");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    const SEEDS: [&[u8]; 8] = [
        b"\0HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-A\r\nX-A: b\r\n\r\nok",
        b"\0HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0002;x\r\nde\r\n0\r\nT: u\r\n\r\n",
        b"\0HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        b"\x01HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        b"\0HTTP/1.0 200 OK\r\n\r\nuntil the close",
        b"\0HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\0HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        b"\0HTTP/1.1 200 OK\nX: a\n folded\nContent-Length: 2\n\nok",
    ];
    SEEDS.map(<[u8]>::to_vec).to_vec()
}
