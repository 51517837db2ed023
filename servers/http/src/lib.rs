//! The server half of HTTP/1.1 (RFC 9110, RFC 9112) as a sans-IO state machine.

#![forbid(unsafe_code)]
