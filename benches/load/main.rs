//! What the numbers of the README come from: surveyd under load, side by side with other programs in one run.
//!
//! `cargo bench` compares; `cargo bench -- fake` times what a test suite waits for; `cargo bench -- delivery` what
//! deliveries cost the sends, and how a backlog of a million is worked off; `cargo bench -- import` imports a million
//! threads; `cargo bench -- tls` tells what HTTPS costs; `cargo bench -- flat` loads files of 1,000 to 10,000,000 threads,
//! which takes some minutes and 3 GB of disk.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are for reading"
)]

mod compare;
mod delivery;
mod fake;
mod flat;
mod generator;
mod import;
mod servers;
mod tls;

fn main() {
    servers::be_one_if_told();
    let is_asked_for = |name: &str| std::env::args().any(|argument| argument == name);
    if is_asked_for("flat") {
        flat::run();
    } else if is_asked_for("delivery") {
        delivery::run();
    } else if is_asked_for("import") {
        import::run();
    } else if is_asked_for("tls") {
        tls::run();
    } else if is_asked_for("fake") {
        fake::run();
    } else {
        compare::run();
    }
}

/// The middle of some figures; of an even number of them, the upper one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
