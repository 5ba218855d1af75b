//! Histories of clients that call at the same time, and sequences of one client.

use std::{
    collections::BTreeMap,
    env,
    sync::{Barrier, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::{
    call::{Action, Call, Caller, Random},
    client::Client,
    search::{Event, Verdict, check},
    server::{Holder, Scene, Server},
};

/// How many clients call at once.
const CLIENTS: u8 = 8;

/// How many calls each of them makes. Together with the last reads, a history has fewer than 64.
const CALLS: usize = 6;

/// How many histories the long form has.
const LONG: usize = 10_000;

/// How often something is done: `short`, or as the environment says.
pub fn rounds(short: usize) -> usize {
    match env::var("SURVEYD_PROOFS").as_deref() {
        Err(_) => short,
        Ok("long") => LONG,
        Ok(number) => number.parse().expect("SURVEYD_PROOFS is long, or a number of histories"),
    }
}

/// The seed of a run.
pub fn seed() -> u64 {
    env::var("SURVEYD_PROOFS_SEED").map_or(20_260_301, |seed| seed.parse().expect("a number"))
}

/// What the clients of a history share: the tokens that they have got.
type Holders = Mutex<Vec<Holder>>;

/// Chooses a caller: mostly one whose role fits.
fn caller(random: &mut Random, action: &Action, holders: &Holders) -> String {
    let role = match action {
        Action::Send { .. } | Action::ShortInfo(_) | Action::VendorForm(_) => "INTEGRATOR",
        _ => "ADMIN",
    };
    let holders = holders.lock().unwrap();
    let fit: Vec<_> = holders.iter().skip(1).filter(|holder| holder.role == role).collect();
    let any: Vec<_> = holders.iter().skip(1).collect();
    let chosen = if random.chance(90) { fit } else { any };
    chosen[random.below(chosen.len())].secret.clone()
}

/// Notes the secret that a call got.
fn note(action: &Action, event: &Event, holders: &Holders) {
    let Some(secret) = event.issued.clone() else { return };
    let mut holders = holders.lock().unwrap();
    let holder = match action {
        Action::RotateToken(token, _) => {
            let role = holders.iter().find(|holder| holder.token == *token).map(|holder| holder.role.clone());
            Holder { token: *token, role: role.unwrap_or_default(), secret }
        }
        Action::CreateToken(_, role) => {
            let token = event.answer.body[0].as_i64().unwrap_or_default();
            Holder { token, role: (*role).to_owned(), secret }
        }
        _ => return,
    };
    holders.push(holder);
}

/// Chooses one call, makes it, and records it.
fn make_call(
    server: &Server,
    client: Option<&mut Client>,
    random: &mut Random,
    scene: &Scene,
    holders: &Holders,
    clock: Instant,
) -> Event {
    // A token that a command has made has an id that nobody has seen.
    let tokens: Vec<_> =
        holders.lock().unwrap().iter().skip(1).map(|holder| holder.token).filter(|token| *token != 0).collect();
    let (action, by) = if client.is_some() {
        let action = scene.names.action(random, &tokens);
        let by = Caller::Secret(caller(random, &action, holders));
        (action, by)
    } else {
        (scene.names.command(random, &tokens), Caller::Command)
    };
    let pause = random.chance(40).then(|| Duration::from_micros(random.below(3_000) as u64));
    let start = clock.elapsed().as_nanos();
    let (answer, issued) = match (client, &by) {
        (Some(client), Caller::Secret(secret)) => client.call(secret, &action, pause),
        _ => server.command(&action),
    };
    let end = clock.elapsed().as_nanos();
    let event = Event { call: Call { by, action }, answer, issued, start, end };
    note(&event.call.action, &event, holders);
    event
}

/// Reads everything at the end, with the token that nobody changes.
fn read_all(client: &mut Client, scene: &Scene, clock: Instant) -> Vec<Event> {
    let reads = [Action::Settings, Action::Threads, Action::Forms, Action::Tokens, Action::Sends];
    let secret = &scene.holders[0].secret;
    let read = |action: Action| {
        let start = clock.elapsed().as_nanos();
        let (answer, issued) = client.call(secret, &action, None);
        let call = Call { by: Caller::Secret(secret.clone()), action };
        Event { call, answer, issued, start, end: clock.elapsed().as_nanos() }
    };
    reads.into_iter().map(read).collect()
}

/// Records a history of so many calls of each client. In one of four a client is the command line, whose calls take longer.
pub fn record(server: &Server, scene: &Scene, seed: u64, calls: usize) -> Vec<Event> {
    let (clock, barrier, holders) = (Instant::now(), Barrier::new(CLIENTS.into()), Mutex::new(scene.holders.clone()));
    let run = |number: u8| {
        let mut random = Random(seed.wrapping_mul(1_000).wrapping_add(number.into()));
        let is_command = number == 0 && seed.is_multiple_of(4);
        let mut client = (!is_command).then(|| server.client(scene, number));
        barrier.wait();
        let calls = if is_command { calls / 2 } else { calls };
        (0..calls).map(|_| make_call(server, client.as_mut(), &mut random, scene, &holders, clock)).collect::<Vec<_>>()
    };
    let run = &run;
    let mut history: Vec<Event> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || run(number))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    history.extend(read_all(&mut server.client(scene, CLIENTS), scene, clock));
    history
}

/// A history in the order of its answers, for a message.
fn shown(history: &[Event]) -> String {
    let mut events: Vec<_> = history.iter().collect();
    events.sort_by_key(|event| event.end);
    let line =
        |Event { call, answer, start, end, .. }: &&Event| format!("{start:>12} {end:>12} {call:?} -> {answer:?}");
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn histories_of_eight_clients_have_an_order() {
    let (seed, rounds) = (seed(), rounds(40));
    let (mut server, mut unknown, mut calls) = (Server::start(), 0, 0);
    let mut statuses = BTreeMap::<u16, usize>::new();
    let mut impossible = Vec::new();
    for round in 0..rounds {
        // Not too long with one file: its audit and its sends grow.
        if round % 500 == 499 {
            println!("{round} histories, {} without an order, {unknown} unknown", impossible.len());
            server = Server::start();
        }
        let scene = server.scene();
        let history = record(&server, &scene, seed + round as u64, CALLS);
        calls += history.len();
        for event in &history {
            *statuses.entry(event.answer.status).or_default() += 1;
        }
        match check(&scene.model, &history) {
            Verdict::Ordered => {}
            Verdict::Impossible(left) => {
                let seed = seed + round as u64;
                impossible.push(format!(
                    "seed {seed}\n{}\nleft after the longest order:\n{}",
                    shown(&history),
                    shown(&left)
                ));
            }
            Verdict::Unknown => unknown += 1,
        }
    }
    println!(
        "seed {seed}: {rounds} histories, {calls} calls, {} without an order, {unknown} unknown",
        impossible.len()
    );
    println!("answers by status, 0 and 1 of commands: {statuses:?}");
    assert!(impossible.is_empty(), "{} histories have no order; the first:\n{}", impossible.len(), impossible[0]);
    assert_eq!(unknown, 0, "histories could not be analysed");
}

#[test]
fn a_client_alone_gets_the_answers_of_the_model() {
    let (seed, rounds) = (seed(), rounds(25));
    let mut server = Server::start();
    for round in 0..rounds {
        if round % 500 == 499 {
            server = Server::start();
        }
        let scene = server.scene();
        let (mut random, mut model) = (Random(!seed ^ round as u64), scene.model.clone());
        let (mut client, holders, clock) =
            (server.client(&scene, 0), Mutex::new(scene.holders.clone()), Instant::now());
        let mut made = Vec::new();
        for _ in 0..30 {
            let over_http = random.chance(98);
            let client = over_http.then_some(&mut client);
            made.push(make_call(&server, client, &mut random, &scene, &holders, clock));
        }
        made.extend(read_all(&mut client, &scene, clock));
        for (index, event) in made.iter().enumerate() {
            let expected = model.answer(&event.call, event.issued.as_deref());
            assert_eq!(event.answer, expected, "seed {seed}, sequence {round}:\n{}", shown(&made[..=index]));
        }
    }
    println!("seed {seed}: {rounds} sequences of 35 calls");
}
