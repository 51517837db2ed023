//! Tracepoints: what becomes of a request on its way through a server, written down where it happens.
//!
//! | to read about | open |
//! |---|---|
//! | the points, and an event in sixteen bytes | [`event`] |
//! | the ring into which one thread writes while others read | [`ring`] |
//! | the memory that the server and its readers share | [`memory`] |
//! | the server's side: who writes where, and which connections are traced | [`tracer`] |
//! | what a traced connection remembers | [`connection`] |
//! | the readers' side | [`reader`] |
//!
//! A connection is traced or not from its birth, so a traced request is whole, and an untraced one pays a test at each
//! point. Whoever writes waits for nobody: each thread and each process has a ring of its own, and what a reader does
//! not fetch in time is overwritten and counted as overtaken.

pub mod connection;
pub mod event;
pub mod memory;
pub mod reader;
pub mod ring;
pub mod tracer;
