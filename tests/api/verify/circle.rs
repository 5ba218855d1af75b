//! The circle: a fake that answers as a server was seen to answer differs from that server in nothing. Servers are generated.
//!
//! The short form is a part of `cargo test`. The environment variable `SURVEYD_PROOFS` asks for more: `long`, or a number of
//! servers.

use std::env;

use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence},
};
use serde_json::{Value, json};
use surveyd::Fake;

use super::{
    Verified, argument, cases, differing,
    servers::{self, servers},
    spring_like,
    stand_in::{Behaviour, StandIn},
    verify_in,
};
use crate::harness::TestFolder;

/// The options of each run, besides the files of the tokens.
fn options(behaviour: &Behaviour) -> Vec<&'static str> {
    if behaviour.rows.flag_is_off { vec!["--flag-is-off"] } else { spring_like::PREPARED.to_vec() }
}

fn names(report: &Value, list: &str) -> Vec<Value> {
    report[list].as_array().unwrap().iter().map(|row| row["case"].clone()).collect()
}

/// Learns the answers of a server, and asks a fake with these answers. Returns the run with the server.
fn go_round(behaviour: Behaviour) -> Verified {
    let folder = TestFolder::new();
    let wrong_role = folder.write("wrong-role", "test-wrongrole");
    let expired = folder.write("expired", "test-expired");
    let mut options = options(&behaviour);
    options.extend(["--wrong-role-token-file", argument(&wrong_role), "--expired-token-file", argument(&expired)]);
    let with = |more: &[&'static str]| [&options, more].concat();
    let server = StandIn::start(behaviour.clone());
    let learned = verify_in(&folder, &server.url, &with(&["--save", "answers.json"]));
    assert_ne!(learned.code, Some(2), "{}", learned.stderr);
    assert_eq!(server.sends(), 0);
    let answers = std::fs::read_to_string(folder.path("answers.json")).unwrap();
    let context = format!("{answers}\n{behaviour:#?}\n{}", learned.stdout);
    // The server answers as its own file says.
    let again = verify_in(&folder, &server.url, &with(&["--answers", "answers.json"]));
    assert_no_difference(&again, "the server", &context);
    let mut world: Value = serde_json::from_str(include_str!("../../../src/fake/sample-world.json")).unwrap();
    world["settings"]["surveysViaExternalApi"] = json!(!behaviour.rows.flag_is_off);
    let fake = Fake::builder().world(world).answers(answers).start().unwrap();
    let of_fake = verify_in(&folder, &fake.url(), &with(&["--answers", "answers.json", "--save", "of-fake.json"]));
    assert_no_difference(&of_fake, "the fake", &context);
    let asked = |run: &Verified| (names(&run.report(), "cases"), names(&run.report(), "notAsked"));
    assert_eq!(asked(&of_fake), asked(&learned), "{context}");
    assert_eq!(fake.sends().unwrap(), []);
    // What is learned of the fake is the same file.
    assert_eq!(
        std::fs::read_to_string(folder.path("of-fake.json")).unwrap(),
        std::fs::read_to_string(folder.path("answers.json")).unwrap(),
        "{context}"
    );
    learned
}

fn assert_no_difference(run: &Verified, whose: &str, context: &str) {
    let report = run.report();
    let rows: Vec<_> = cases(&report).into_iter().filter(|case| case["differences"] != json!([])).collect();
    assert_eq!(
        (&report["general"], rows, run.code),
        (&json!([]), vec![], Some(0)),
        "{whose}: {}\n{context}",
        run.stderr
    );
}

#[test]
fn a_fake_answers_as_the_spring_like_server() {
    go_round(spring_like::behaviour());
}

/// With an answers file, everything that differs from it counts.
#[test]
fn a_fake_without_these_answers_differs_from_them() {
    let folder = TestFolder::new();
    let answers =
        json!({"version": 1, "answers": {"clientNotFound": {"status": 400}, "clientId.id.quoted": "accepted"}});
    folder.write("answers.json", &answers.to_string());
    let fake = Fake::start().unwrap();
    let verified = verify_in(&folder, &fake.url(), &["--answers", "answers.json"]);
    assert_eq!(differing(&verified.report()), ["clientId.id.quoted: accepted", "clientNotFound: status"]);
    assert_eq!(verified.code, Some(1));
}

fn number() -> u32 {
    match env::var("SURVEYD_PROOFS").as_deref() {
        Err(_) => 10,
        Ok("long") => 400,
        Ok(number) => number.parse().expect("SURVEYD_PROOFS is long, or a number of servers"),
    }
}

proptest! {
    #![proptest_config(Config {
        cases: number(),
        max_shrink_iters: 100,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/api/verify/circle.proptest-regressions"))),
        ..Config::default()
    })]

    #[test]
    fn a_fake_answers_as_the_server_that_was_seen(behaviour in servers()) {
        let learned = go_round(behaviour.clone()).report();
        if behaviour.headers.is_empty() {
            // Each difference is found, and nothing else is claimed.
            let asked = names(&learned, "cases");
            let mut planted = servers::planted(&behaviour);
            planted.retain(|case| asked.contains(&json!(case)));
            let mut found: Vec<_> = differing(&learned).iter().map(|line| line.split_once(':').unwrap().0.to_owned()).collect();
            found.sort_unstable();
            prop_assert_eq!(found, planted, "{}", serde_json::to_string_pretty(&learned).unwrap());
        }
    }
}
