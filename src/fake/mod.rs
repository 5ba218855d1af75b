//! What only a fake has: a world for each test, faults, a clock that can be set, and ready-made tokens.
//!
//! The server is the same as that of `surveyd serve`. The [`program`] gives it [`tenants`], one for each of the [`worlds`]; the
//! [`middleware`] runs before the routes that every server has, and [`routes`] has those that only a fake has. [`library`]
//! is the fake for tests in Rust.

mod disconnect;
mod faults;
pub(crate) mod library;
mod middleware;
mod program;
mod routes;
mod tenants;
mod token;
mod web_guard;
pub(crate) mod worlds;

#[cfg(test)]
pub(crate) use routes::table;

/// The sample world: each rule has a client that shows it.
const SAMPLE_WORLD: &str = include_str!("sample-world.json");
