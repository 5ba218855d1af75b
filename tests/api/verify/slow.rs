//! A server that is late with one answer, and disconnects before another.

use serde_json::json;

use super::{
    cases, differing,
    stand_in::{Answer, Behaviour, Reply, StandIn},
    verify_in,
};
use crate::harness::TestFolder;

/// That a server limits the rate says nothing of the case.
#[test]
fn too_many_requests_are_no_answer() {
    let folder = TestFolder::new();
    let limit = || Answer::message("Slow down").with_status(429);
    let server = StandIn::start(Behaviour::default().with("tokenInvalid", limit()).with("query", limit()));
    let verified = verify_in(&folder, &server.url, &["--save", "learned.json"]);
    let report = verified.report();
    assert_eq!(differing(&report), ["tokenInvalid: no answer", "query: no answer"]);
    let problem = cases(&report)[2]["problem"].clone();
    assert_eq!(problem, "the server limits the rate (429); wait a minute, and ask fewer a second with --rate");
    let saved = std::fs::read_to_string(folder.path("learned.json")).unwrap();
    assert!(!saved.contains("tokenInvalid") && !saved.contains("query") && saved.contains("tokenMissing"), "{saved}");
    let everything = StandIn::start(Behaviour { everything: Some(limit().into()), ..Behaviour::default() });
    let verified = verify_in(&folder, &everything.url, &[]);
    let sentence = verified.stderr.lines().last().unwrap();
    assert_eq!((verified.code, sentence), (Some(2), &*format!("surveyd: {}", problem.as_str().unwrap())));
}

#[test]
fn a_case_without_an_answer_is_a_row_of_its_own() {
    let folder = TestFolder::new();
    let slow = Behaviour::default().with("bodyTooLarge", Reply::Silence).with("keyOrder", Reply::Disconnect);
    let slow = StandIn::start(slow);
    let verified = verify_in(&folder, &slow.url, &["--timeout", "2s", "--save", "learned.json"]);
    let report = verified.report_of(&slow.url);
    let problems: Vec<_> = cases(&report)
        .into_iter()
        .filter(|case| !case["problem"].is_null())
        .map(|case| json!([case["case"], case["found"], case["problem"]]))
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&problems).unwrap());
    assert_eq!(differing(&report), ["bodyTooLarge: no answer", "keyOrder: no answer"]);
    assert_eq!((&report["differences"], verified.code), (&json!({"documented": 0, "chosen": 2}), Some(0)));
    let saved = std::fs::read_to_string(folder.path("learned.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved["answers"], json!({}));
    let seen = saved["seen"].as_array().unwrap();
    assert!(!seen.contains(&json!("bodyTooLarge")) && !seen.contains(&json!("keyOrder")), "{seen:?}");
    assert!(seen.contains(&json!("unknownKey")), "{seen:?}");
}
