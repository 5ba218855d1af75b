//! What is acknowledged stays: after power cuts, after kills at every write, after errors of every write, and on a frozen
//! disk. Each proof has a control: the same with a fault in the promise, which the check must find.
//!
//! The forms that `cargo test` runs take samples. `SURVEYD_PROOFS=long` runs all: `docs/CONTRIBUTING.md` has the command.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod disk;
mod errors;
mod freeze;
#[path = "../api/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests over the wire use more of it")]
mod harness;
mod kills;
mod ledger;
mod openapi;
mod power_cuts;
mod upgrades;

/// Whether the long forms run.
fn is_long() -> bool {
    std::env::var_os("SURVEYD_PROOFS").is_some_and(|form| form == "long")
}

/// The numbers of the calls to fail or to be killed at: each in the long form, and 1, 2, 3, 5, 8, 13 and so on in the short
/// one. They have no end: a run ends with the first number that the program does not reach.
fn call_numbers() -> impl Iterator<Item = u32> {
    let each = is_long();
    std::iter::successors(Some((1, 2)), move |(one, next)| Some((*next, if each { next + 1 } else { one + next })))
        .map(|(one, _)| one)
}
