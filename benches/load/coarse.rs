//! The most important ratios, each compared with half of its goal: a noisy machine does not fail it, and a change that loses
//! one does not go unnoticed.

use std::time::Duration;

use crate::{
    compare::{Programs, key},
    fake,
    generator::{Kind, Measurement},
    rounds::Ratio,
};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(400);

/// Exits with 1 if a ratio is less than half of its goal. The goals are in docs/figures.md.
pub fn run() {
    let programs = Programs::start();
    let mut failed = 0;
    let mut check = |what: &str, ratio: Ratio, goal: f64, is_met: bool| {
        println!("{} {what}: {ratio}; the goal is {goal}", if is_met { "ok    " } else { "FAILED" });
        failed += u32::from(!is_met);
    };
    let mut at_least = |what: &str, ratio: Ratio, goal: f64| check(what, ratio, goal, ratio.median >= goal / 2.0);
    for (connections, refusals, sends) in [(16, 0.9, 0.45), (64, 0.92, 0.6), (256, 0.75, 0.5)] {
        let measured = programs.load(connections, ROUNDS, ROUND);
        let of_constant = |kind| measured.ratio(&key("surveyd", kind), &key("constant", kind), Measurement::RATE);
        at_least(
            &format!("refusals, {connections} connections, of the constant"),
            of_constant(Kind::Refusal),
            refusals,
        );
        at_least(&format!("sends, {connections} connections, of the constant"), of_constant(Kind::Send), sends);
    }
    let measured = programs.load(1, ROUNDS, ROUND);
    let of_usual = measured.ratio(&key("surveyd", Kind::Send), &key("usual", Kind::Send), Measurement::RATE);
    at_least("sends, 1 connection, of the usual design", of_usual, 1.3);
    drop(programs);
    let [serve, fake] = fake::first_answers(15);
    for (what, ratio, goal) in [("serve", serve, 1.5), ("fake", fake, 1.8)] {
        check(&format!("{what}, start to first answer, of the constant's"), ratio, goal, ratio.median <= goal * 2.0);
    }
    if failed > 0 {
        println!("{failed} ratios are less than half of their goals; `cargo bench` measures all of them");
        std::process::exit(1);
    }
}
