//! The chapters, in the order in which they are read.
//!
//! Neighbours differ in scheduling and in nothing else, as `diff thread_per_connection.rs thread_pool.rs` shows.

use crate::architecture::Architecture;

pub mod coroutines;
pub mod fork;
pub mod half_sync_half_async;
pub mod hyper;
pub mod io_uring;
pub mod iterative;
pub mod leader_followers;
pub mod multi_reactor;
pub mod prefork;
pub mod readiness;
pub mod thread_per_connection;
pub mod thread_pool;
pub mod tokio;
pub mod work_stealing;

/// Every architecture.
pub const ALL: [&Architecture; 16] = [
    &iterative::ITERATIVE,
    &fork::FORK,
    &prefork::PREFORK,
    &thread_per_connection::THREAD_PER_CONNECTION,
    &thread_pool::THREAD_POOL,
    &leader_followers::LEADER_FOLLOWERS,
    &readiness::select::SELECT,
    &readiness::poll::POLL,
    &readiness::epoll::EPOLL,
    &multi_reactor::MULTI_REACTOR,
    &half_sync_half_async::HALF_SYNC_HALF_ASYNC,
    &work_stealing::WORK_STEALING,
    &coroutines::COROUTINES,
    &tokio::TOKIO,
    &hyper::HYPER,
    &io_uring::IO_URING,
];
