//! What will be asked, and how fast.

use std::time::{Duration, Instant};

use super::{
    cases, command, run,
    stand_in::{ACCEPTED, Behaviour, CONTRACT, StandIn, TOKEN},
    verify,
};

#[test]
fn a_dry_run_asks_nothing() {
    let server = StandIn::start(Behaviour::default());
    let mut command = command(
        &server.url,
        &["--dry-run", "--client-with-open-thread", "7", "--send", "--closed-client", "9", "--form", "1"],
    );
    let verified = run(command.env("SURVEYD_VERIFY_TOKEN", TOKEN), "");
    assert_eq!((verified.code, server.calls().len()), (Some(0), 0));
    insta::assert_snapshot!(format!("{}\n---\n{}", verified.stderr, verified.stdout).replace(&server.url, "URL"));
}

/// What a dry run announces is what is asked then.
#[test]
fn requests_come_one_after_another_and_no_faster_than_the_rate() {
    const RATE: u32 = 50;
    let server = StandIn::start(Behaviour::default());
    let began = Instant::now();
    let verified = verify(&server.url, &["--rate", &RATE.to_string()]);
    // The server notes a request a moment after it was sent, so that the whole run is measured.
    let took = began.elapsed();
    verified.assert_no_difference();
    let calls = server.calls();
    let pauses = u32::try_from(calls.len() - 1).unwrap();
    assert!(took >= Duration::from_secs(1) * pauses / RATE, "{pauses} pauses in {took:?}");
    assert_eq!(calls.len(), cases(&verified.report()).len());
    let plan = run(&mut command(&server.url, &["--dry-run"]), "").stdout;
    assert_eq!(plan.lines().count(), calls.len());
}

/// By the stand-in's own reading of each request.
#[test]
fn each_request_is_one_of_its_case() {
    let server = StandIn::start(Behaviour::default());
    verify(&server.url, &[]).assert_no_difference();
    let plan = run(&mut command(&server.url, &["--dry-run"]), "").stdout;
    let planned: Vec<_> = plan.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let as_documented = |case| if ACCEPTED.contains(&case) { "clientNotFound" } else { case };
    let expected: Vec<_> = planned.iter().copied().map(as_documented).collect();
    assert_eq!(server.calls().iter().map(|call| call.case).collect::<Vec<_>>(), expected);
    let cases = CONTRACT.iter().map(|(case, ..)| *case).chain(ACCEPTED);
    let missing: Vec<_> = cases.filter(|case| !planned.contains(case)).collect();
    assert_eq!(missing, ["tokenExpired", "wrongRole", "flagOff", "openThread", "noClosedThread", "formNotEnabled"]);
}

#[test]
#[ignore = "a measurement, for an idle machine"]
fn verify_measured() {
    let server = StandIn::start(Behaviour::default());
    for _ in 0..5 {
        let (before, began) = (server.calls().len(), Instant::now());
        verify(&server.url, &["--rate", "0"]);
        println!("{} requests in {:?}", server.calls().len() - before, began.elapsed());
    }
}
