//! What crosses crates: conformance, hostile input, faults, interoperation, tidiness.
//!
//! The tests run real servers as processes of their own (`dyno-under-test serve NAME`), so that forking
//! architectures start from a process with a single thread and a crash harms nobody else.
