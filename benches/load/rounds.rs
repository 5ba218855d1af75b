//! The measurements of alternating rounds, and their ratios with the spread.

use std::{collections::BTreeMap, fmt};

use crate::{generator::Measurement, median};

/// The measurements of all rounds, by what was measured. All have the same number of rounds.
#[derive(Default)]
pub struct Rounds(BTreeMap<String, Vec<Measurement>>);

impl Rounds {
    pub fn add(&mut self, what: impl Into<String>, measured: Measurement) {
        self.0.entry(what.into()).or_default().push(measured);
    }

    /// The median of a figure.
    pub fn median(&self, what: &str, figure: fn(&Measurement) -> f64) -> f64 {
        median(self.0[what].iter().map(figure).collect())
    }

    /// A figure of `what`, divided by that of `of` in the same round.
    pub fn ratio(&self, what: &str, of: &str, figure: fn(&Measurement) -> f64) -> Ratio {
        let pairs = self.0[what].iter().zip(&self.0[of]);
        Ratio::of(pairs.map(|(what, of)| figure(what) / figure(of)).collect())
    }
}

/// The median of the ratios of all rounds, the lowest and the highest.
#[derive(Clone, Copy)]
pub struct Ratio {
    pub median: f64,
    lowest: f64,
    highest: f64,
}

impl Ratio {
    pub fn of(ratios: Vec<f64>) -> Self {
        let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = ratios.iter().copied().fold(0.0, f64::max);
        Self { median: median(ratios), lowest, highest }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, lowest, highest } = self;
        let digits = if *median < 10.0 { 2 } else { 1 };
        write!(formatter, "{median:.digits$} ({lowest:.digits$}–{highest:.digits$})")
    }
}
