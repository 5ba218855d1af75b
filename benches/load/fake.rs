//! Measures what a test suite waits for: the start of a fake, a reset, and sends in many worlds.

use std::{thread, time::Instant};

use ureq::Agent;

use crate::{
    median,
    rounds::Ratio,
    servers::{Database, RunningServer},
};

const STARTS: usize = 31;
const RESETS: usize = 200;
const WORLDS: usize = 200;
const THREADS: usize = 16;
const SENDS: usize = 10_000;

pub fn run() {
    starts();
    let fake = RunningServer::fake();
    let url = format!("http://{}", fake.address);
    resets(&url);
    worlds(&fake, &url);
    sends(&url);
}

/// How long each of three programs takes to its ready line and to its first answer, in turns, in ms.
fn start_times() -> [[Vec<f64>; 2]; 3] {
    let database = Database::new(10);
    let mut times = [const { [const { Vec::new() }; 2] }; 3];
    for _ in 0..STARTS {
        let measured = [
            RunningServer::start_times(RunningServer::constant),
            RunningServer::start_times(|| RunningServer::surveyd(&database.path())),
            RunningServer::start_times(RunningServer::fake),
        ];
        for (of_server, measured) in times.iter_mut().zip(measured) {
            of_server.iter_mut().zip(measured).for_each(|(times, time)| times.push(time));
        }
    }
    times
}

fn ratio(times: &[f64], of: &[f64]) -> Ratio {
    Ratio::of(times.iter().zip(of).map(|(time, of)| time / of).collect())
}

/// Compares the starts of three programs.
fn starts() {
    let times = start_times();
    println!("| from its start, ms, median of {STARTS} | ready line | of constant | first answer | of constant |");
    println!("|---|---|---|---|---|");
    for (name, of_server) in ["constant", "surveyd serve", "surveyd fake"].into_iter().zip(&times) {
        let [ready, answer] = of_server.each_ref().map(|times| median(times.clone()));
        let [ready_ratio, answer_ratio] = [0, 1].map(|at| ratio(&of_server[at], &times[0][at]));
        println!("| {name} | {ready:.1} | {ready_ratio} | {answer:.1} | {answer_ratio} |");
    }
}

fn call(agent: &Agent, url: &str, path: &str, token: &str, body: &str) {
    let request = agent.post(format!("{url}{path}")).header("Authorization", format!("Bearer {token}"));
    request.content_type("application/json").send(body).expect("an answer that is no error");
}

const SEND: (&str, &str) =
    ("/api/v1/quality/send", r#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#);

/// Resets a world after a send.
fn resets(url: &str) {
    let agent = Agent::new_with_defaults();
    let mut times = Vec::new();
    for _ in 0..RESETS {
        call(&agent, url, SEND.0, "test-crm@reset", SEND.1);
        let began = Instant::now();
        call(&agent, url, "/admin/reset", "test-admin@reset", "");
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    let worst = times.iter().copied().fold(0.0, f64::max);
    println!("reset, ms, median and worst of {RESETS}: {:.2} {worst:.2}", median(times));
}

/// Measures the time and memory of a new world, after each HTTP worker and the connection for lists have used it.
fn worlds(fake: &RunningServer, url: &str) {
    let before = fake.resident_mib();
    let mut times = Vec::new();
    for world in 0..WORLDS {
        let began = Instant::now();
        // A new connection each time, so that every HTTP worker opens the world.
        call(&Agent::new_with_defaults(), url, SEND.0, &format!("test-crm@{world}"), SEND.1);
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        for _ in 0..3 {
            call(&Agent::new_with_defaults(), url, SEND.0, &format!("test-crm@{world}"), SEND.1);
        }
        let list =
            ureq::get(format!("{url}/admin/sends")).header("Authorization", format!("Bearer test-admin@{world}"));
        list.call().expect("a list");
    }
    let each = (fake.resident_mib() - before) / WORLDS as f64;
    println!(
        "first send into a new world, ms, median of {WORLDS}: {:.2}; resident, MiB a world: {each:.2}",
        median(times)
    );
}

fn sends(url: &str) {
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let agent = Agent::new_with_defaults();
                for number in (thread..SENDS).step_by(THREADS) {
                    call(&agent, url, SEND.0, &format!("test-crm@{}", number % 100), SEND.1);
                }
            });
        }
    });
    println!("{SENDS} sends over 100 worlds from {THREADS} threads, s: {:.2}", began.elapsed().as_secs_f64());
}
