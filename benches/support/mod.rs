//! What the benches share: a load generator over keep-alive sockets, the programs that are compared, and their table.

pub mod load;
pub mod servers;

/// The middle of some figures; of an even number of them, the upper one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
