//! A thread's connections, and what drives them.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Instant;

use mio::unix::SourceFd;
use mio::{Interest, Poll, Token};

use crate::engine::clock::monotonic_ns;
use crate::engine::slot::{Phase, Slot};
use crate::engine::socket::ConnectionOpener;
use crate::plan::{Carrier, Plan};
use crate::response::Memo;

/// What goes over the network: sockets, who is ready, and octets on their way.
pub(crate) struct Network {
    pub(super) poll: Poll,
    pub(super) slots: Vec<Slot>,
    /// Connections that are being made.
    pub(super) connecting: usize,
    pub(super) memo: Memo,
    /// What a transport has made of the octets that were read last; kept, so that nothing is allocated for a request.
    pub(super) plain: Vec<u8>,
    opener: ConnectionOpener,
    /// The same for the second of two servers, and its first connection.
    rival: Option<(u32, ConnectionOpener)>,
}

impl Network {
    /// # Errors
    /// What the system says of the poller.
    pub(super) fn new(plan: &Plan, thread: u32, connections: u32) -> io::Result<Self> {
        Ok(Network {
            poll: Poll::new()?,
            slots: (0..connections).map(|_| Slot::default()).collect(),
            connecting: 0,
            memo: Memo::default(),
            plain: Vec::new(),
            opener: ConnectionOpener::new(plan, &plan.address, thread),
            rival: plan
                .rival
                .as_ref()
                .map(|rival| (plan.connections, ConnectionOpener::new(plan, &rival.address, thread))),
        })
    }

    /// Begins to make the connection of a slot. It can be used when it becomes writable and the transport is
    /// established.
    ///
    /// # Errors
    /// What the system says; a connection that is refused may show up here or later.
    pub(super) fn connect(&mut self, index: usize, plan: &Plan) -> io::Result<()> {
        let slot = &mut self.slots[index];
        slot.connect_ns = monotonic_ns();
        let (opener, transport) = match (&mut self.rival, &plan.rival) {
            (Some((border, opener)), Some(rival)) if index >= *border as usize => (opener, &rival.transport),
            _ => (&mut self.opener, &plan.transport),
        };
        let socket = opener.open()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(index), interest)?;
        slot.socket = Some(socket);
        slot.phase = Phase::Connecting;
        self.connecting += 1;
        if let Carrier::Pipe(_, connector) = transport {
            slot.pipe = Some(connector.connect(Instant::now()));
        }
        Ok(())
    }
}
