//! A coroutine for each connection: it has a stack and memory of its own, suspends itself where a thread would wait,
//! and the loop resumes it when its connection is readable.

use std::io;
use std::net::{TcpListener, TcpStream};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::event_loop::{self, Turns};
use crate::unit_costs::loaded::host::Host;

/// Reserved for each coroutine; only touched pages cost memory.
const STACK_BYTES: usize = 128 * 1024;

type Fiber = Coroutine<(), (), ()>;

struct Scheduler {
    /// Stacks of coroutines that have ended: making a stack costs two system calls.
    stacks: Vec<DefaultStack>,
}

impl Turns for Scheduler {
    type Connection = Fiber;

    fn begin(&mut self, stream: TcpStream) -> io::Result<Fiber> {
        let stack = self.stacks.pop().map_or_else(|| DefaultStack::new(STACK_BYTES), Ok)?;
        let mut fiber = Fiber::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            let mut host = Host::new(stream);
            while !host.is_over() {
                yielder.suspend(());
                if !matches!(host.answer(), Ok(true)) {
                    return;
                }
            }
        });
        // As far as its first wait.
        fiber.resume(());
        Ok(fiber)
    }

    fn turn(&mut self, _place: usize, fiber: &mut Fiber) -> io::Result<bool> {
        Ok(matches!(fiber.resume(()), CoroutineResult::Yield(())))
    }

    fn end(&mut self, fiber: Fiber) {
        self.stacks.push(fiber.into_stack());
    }
}

/// Serves by coroutines.
pub(super) fn serve(listener: &TcpListener) -> io::Result<()> {
    event_loop::run(listener, &mut Scheduler { stacks: Vec::new() })
}
