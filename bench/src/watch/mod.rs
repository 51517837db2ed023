//! A page that shows servers at work: their requests as dots, and their figures, while they happen.
//!
//! | to read about | open |
//! |---|---|
//! | an architecture as places through which requests go | [`machine`] |
//! | where the dots come from | [`source`], [`register`] |
//! | what is watched, and whether it makes sense | [`settings`] |
//! | the prepared scenes | [`scenes`] |
//! | a server with its load, and who looks at it | [`side`], [`generator`], [`sampler`], [`gauges`] |
//! | a pipeline, and a tap, to be looked at once | [`pipeline`], [`tap`] |
//! | what is done when | [`director`] |
//! | who watches, and what each is told | [`hub`] |
//! | the page, and who may ask for it | [`web`], [`guard`], [`page`] |
//!
//! Nothing here is a measurement: server, load, browser and this program share the machine, and the page says so.

pub(crate) mod director;
mod gauges;
mod generator;
pub(crate) mod guard;
pub(crate) mod hub;
mod machine;
mod page;
mod pipeline;
mod register;
mod sampler;
pub(crate) mod scenes;
pub(crate) mod settings;
mod side;
mod source;
mod tap;
pub(crate) mod web;
