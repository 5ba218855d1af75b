//! The most important ratios, each compared with half of its goal: a noisy machine does not fail it, and a change that loses
//! one does not go unnoticed.

use std::time::Duration;

use crate::{
    compare::{Programs, key},
    generator::{Kind, Measurement},
};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(400);

/// What a machine with two cores has to spare: the ratios of one and of 16 connections and of a start are too near to half of
/// their goals, or beyond, and would fail by chance.
const RATIOS: [(usize, Kind, &str, f64); 5] = [
    (64, Kind::Refusal, "constant", 0.92),
    (64, Kind::Send, "constant", 0.6),
    (64, Kind::Send, "usual", 8.5),
    (256, Kind::Refusal, "constant", 0.75),
    (256, Kind::Send, "constant", 0.5),
];

/// Exits with 1 if a ratio is less than half of its goal, twice. The goals are in docs/figures.md.
pub fn run() {
    let programs = Programs::start();
    // Once more, for what disturbs a machine is mostly over soon.
    let are_met = are_met(&programs) || are_met(&programs);
    drop(programs);
    if !are_met {
        println!("ratios are less than half of their goals; `cargo bench` measures all of them");
        std::process::exit(1);
    }
}

fn are_met(programs: &Programs) -> bool {
    let mut are_met = true;
    for connections in [64, 256] {
        let measured = programs.load(connections, ROUNDS, ROUND);
        for (_, kind, other, goal) in RATIOS.into_iter().filter(|(of, ..)| *of == connections) {
            let ratio = measured.ratio(&key("surveyd", kind), &key(other, kind), Measurement::RATE);
            let is_met = ratio.median >= goal / 2.0;
            let word = if is_met { "ok    " } else { "FAILED" };
            println!("{word} {kind:?} on {connections} connections, of {other}: {ratio}; the goal is {goal}");
            are_met &= is_met;
        }
    }
    are_met
}
