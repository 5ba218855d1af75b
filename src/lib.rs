//! surveyd: Send Survey of edna Chat Center, as one binary over one SQLite file.
//!
//! `docs/architecture.md` has the path of a send, stop by stop, the modules, the invariants, and where a new rule, route,
//! setting or migration goes. In short, in the order in which a start and then a request meet the modules:
//!
//! 1. [`cli`] reads the command line, [`settings`] what it runs with, and [`command`] does it.
//! 2. [`server`] binds, and runs a [`server::program`] until a signal. `serve` and `fake` are the same server with two programs;
//!    [`fake`] has what only a fake has, and no module after it knows of it.
//! 3. [`http`] takes a request and answers it. It knows nothing of SQL.
//! 4. [`background`] delivers and deletes old rows, started and ended with the server; [`delivery`] calls the gateways.
//! 5. [`store`] reads the facts in a snapshot, and its one writer records what may be sent. It knows no status code.
//! 6. [`answers`] has the status and the message of each case as data.
//! 7. [`survey`] decides. It is pure: no HTTP, no SQL, no clock.
//!
//! Imports point one way. `docs/architecture.md` has the order, and `tests/architecture` checks it.

mod answers;
mod background;
mod cli;
mod command;
mod delivery;
mod fake;
mod http;
mod log_buffer;
mod server;
mod settings;
mod store;
mod survey;
mod threads;
mod unix;
mod verify;

pub use self::{command::run, fake::library::Fake};
