//! Measures the figures of docs/figures.md: surveyd under load, compared with other programs in the same run.
//!
//! | command | measures |
//! |---|---|
//! | `cargo bench` | surveyd, a constant handler and the usual design |
//! | `cargo bench -- fake` | what a test suite waits for: starts, resets, new worlds |
//! | `cargo bench -- delivery` | how deliveries slow down sends, and how fast a backlog of a million is delivered |
//! | `cargo bench -- import` | the import of a million threads |
//! | `cargo bench -- index` | how filling the index of the sends slows down sends |
//! | `cargo bench -- tls` | the cost of HTTPS |
//! | `cargo bench -- flat` | files of 1,000 to 10,000,000 threads; takes some minutes and 3 GB of disk |
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
mod index;
mod servers;
mod tls;

fn main() {
    servers::run_if_requested();
    let is_requested = |name: &str| std::env::args().any(|argument| argument == name);
    if is_requested("flat") {
        flat::run();
    } else if is_requested("delivery") {
        delivery::run();
    } else if is_requested("import") {
        import::run();
    } else if is_requested("index") {
        index::run();
    } else if is_requested("tls") {
        tls::run();
    } else if is_requested("fake") {
        fake::run();
    } else {
        compare::run();
    }
}

/// For an even number of figures, the upper one of the two in the middle.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
