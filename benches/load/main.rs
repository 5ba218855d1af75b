//! Measures the figures of docs/figures.md: surveyd under load, compared with other programs in the same run.
//!
//! | command | measures |
//! |---|---|
//! | `cargo bench` | the next four, and `flat` with two files, in less than five minutes |
//! | `cargo bench -- compare` | surveyd, a constant handler, the usual design and SQLite alone |
//! | `cargo bench -- fake` | what a test suite waits for: starts, resets, new worlds |
//! | `cargo bench -- delivery` | how deliveries slow down sends, and how fast a backlog of a million is delivered |
//! | `cargo bench -- import` | the import of 400,000 threads |
//! | `cargo bench -- index` | how filling the index of the sends slows down sends |
//! | `cargo bench -- tls` | the cost of HTTPS |
//! | `cargo bench -- coarse` | the most important ratios; fails below half of their goals |
//! | `cargo bench -- flat` | files of 1,000 to 10,000,000 threads; takes some minutes and 3 GB of disk |
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are for reading"
)]

mod coarse;
mod compare;
mod delivery;
mod fake;
mod flat;
mod generator;
mod import;
mod index;
mod rounds;
mod servers;
mod tls;

fn main() {
    servers::run_if_requested();
    let sections: [(&str, fn()); 8] = [
        ("compare", compare::run),
        ("fake", fake::run),
        ("import", import::run),
        ("flat", flat::run),
        ("delivery", delivery::run),
        ("index", index::run),
        ("tls", tls::run),
        ("coarse", coarse::run),
    ];
    let requested = sections.iter().find(|(name, _)| std::env::args().any(|argument| argument == *name));
    if let Some((_, run)) = requested {
        return run();
    }
    for run in [compare::run, fake::run, import::run, flat::smallest_and_largest] {
        run();
        println!();
    }
}

/// For an even number of figures, the upper one of the two in the middle.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
