//! All calls have one order: whatever eight clients and the command line do at once, each answer is the one that the sequential
//! model gives in some order of the calls. One client alone gets the answers of the model, one after another.
//!
//! The short form is a part of `cargo test`. The environment variable `SURVEYD_PROOFS` asks for more: `long`, or a number of
//! histories. The seed is printed with what fails; `SURVEYD_PROOFS_SEED` sets another.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod call;
mod client;
mod histories;
mod model;
mod planted;
mod search;
mod server;
