//! surveyd: Send Survey of edna Chat Center, as one binary over one SQLite file.
//!
//! The tour, in the order in which a start and then a request meet the modules:
//!
//! 1. [`cli`] reads the words, [`settings`] what they run with, [`command`] does them.
//! 2. [`app`] builds the server and runs it until a signal. `serve` and `fake` are the same one; what a fake has besides is
//!    in [`fake`], and nothing behind it knows of it.
//! 3. [`http`] takes a request: who calls ([`http::auth`]), what for ([`http::wire`]), and how the answer looks
//!    ([`http::respond`]). It knows nothing of SQL.
//! 4. [`delivery`] hands what was sent to the gateway of its channel, when the store has recorded it.
//! 5. [`store`] reads the facts on a snapshot, and lets its one writer record what may be sent. It knows no status code.
//! 6. [`survey`] decides. It is pure: no HTTP, no SQL, no clock.
//!
//! Arrows point one way: `command -> fake -> app -> http -> delivery -> store -> survey`.

mod cli;
mod command;
mod delivery;
mod fake;
mod file_limit;
mod http;
mod server;
mod settings;
mod store;
mod survey;

pub use self::{command::run, fake::library::Fake};
