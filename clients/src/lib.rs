//! The load generator, the probe and the browser-like client.
