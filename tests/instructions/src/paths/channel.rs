//! A record sealed by one end of the secure channel and opened by the other.

use std::hint::black_box;
use std::time::Instant;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;

/// Sends `octets` of data over an established channel.
pub(super) fn record(octets: usize) -> Box<dyn FnMut()> {
    let now = Instant::now();
    let server = ChannelServer::new(Config::new(Identity::throw_away(), Trust::anyone()));
    let client = ChannelClient::new(Config::new(Identity::throw_away(), Trust::pinned(*server.public())));
    let (mut sender, mut receiver) = (client.session(now), server.session(now));
    let (data, mut plain) = (vec![1; octets], Vec::new());
    while !sender.pending().is_empty() || !receiver.pending().is_empty() {
        receiver.receive(sender.pending(), &mut plain, now).expect("an honest client");
        sender.advance(sender.pending().len());
        sender.receive(receiver.pending(), &mut plain, now).expect("an honest server");
        receiver.advance(receiver.pending().len());
    }
    Box::new(move || {
        sender.send(black_box(&data)).expect("an open channel");
        // In the place of the system calls that write the one buffer and read into the other.
        let sealed = sender.pending().len();
        receiver.room(sealed).copy_from_slice(sender.pending());
        sender.advance(sealed);
        receiver.received(sealed, now).expect("an honest client");
        assert_eq!(black_box(receiver.plain()).len(), octets);
        receiver.take_plain(octets);
    })
}
