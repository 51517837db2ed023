//! What threads of the servers share, run in every order that a scheduler can choose.
//!
//! A test that starts real threads sees the few orders that this machine happens to take. Here the sources themselves,
//! not copies of them, are compiled on the atomics of `shuttle`, whose scheduler decides at each access which thread
//! goes on: small models in every order there is, larger ones in many thousands. A model that cannot fail proves
//! nothing, so each is also run over the same source with a mistake planted in it (`build.rs`), and must find it.
//!
//! `shuttle` executes one access after the other, so it finds wrong orders of operations, not accesses that are too
//! weakly ordered. Where an order matters, the sources use `SeqCst` and say why; the counts need none.

#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod marks;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod ring;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tally;
#[cfg(test)]
mod work;

/// A module made of a prepared source: `subject!(name, "file")`.
#[cfg(test)]
macro_rules! subject {
    ($name:ident, $file:literal) => {
        #[allow(dead_code, unreachable_pub, unused_imports, clippy::all)]
        mod $name {
            include!(concat!(env!("OUT_DIR"), "/", $file, ".rs"));
        }
    };
}
#[cfg(test)]
use subject;

/// Runs the model in every order that there is; panics with the first order in which the model fails.
#[cfg(test)]
fn in_every_order(model: fn()) {
    shuttle::check_dfs(model, None);
}

/// Runs a model with too many orders for [`in_every_order`]: in as many random ones, and in as many that change
/// between the threads seldom, which finds what needs one of them to be very late (PCT: Burckhardt et al., 2010).
#[cfg(test)]
fn in_many_orders(model: fn()) {
    const ORDERS: usize = 10_000;
    const CHANGES: usize = 3;
    shuttle::check_random(model, ORDERS);
    shuttle::check_pct(model, ORDERS, CHANGES);
}

/// Runs the model of a planted mistake, which has to fail in some order.
#[cfg(test)]
fn finds_the_mistake(model: fn()) {
    let found = std::panic::catch_unwind(|| in_many_orders(model));
    assert!(found.is_err(), "no order shows the planted mistake, so the model proves nothing");
}
