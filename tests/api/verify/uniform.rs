//! A server that says the same of everything that it refuses: whether it accepts a request cannot be known.

use serde_json::json;

use super::{
    cases,
    stand_in::{Answer, Behaviour, CONTRACT, StandIn},
    verify,
};

#[test]
fn what_cannot_be_known_is_no_acceptance() {
    let refuse = || Answer::message("Bad request").with_status(400);
    let refused = CONTRACT.iter().filter(|(_, status, _)| [400, 404].contains(status)).map(|(case, ..)| *case);
    let behaviour = refused.fold(Behaviour::default(), |behaviour, case| behaviour.with(case, refuse()));
    let server = StandIn::start(behaviour.accepting(&["clientId.id.quoted", "mediaType"]));
    let verified = verify(&server.url, &[]);
    let report = verified.report();
    let rows: Vec<_> = cases(&report)
        .into_iter()
        .filter(|row| {
            ["clientId.id.quoted", "mediaType", "mediaTypeMissing", "query"].contains(&row["case"].as_str().unwrap())
        })
        .map(|row| json!([row["case"], row["found"], row["differences"], row["note"]]))
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&rows).unwrap());
    let accepted: Vec<_> = cases(&report)
        .into_iter()
        .filter(|row| row["found"] == "accepted" && row["expected"] != "accepted")
        .map(|row| &row["case"])
        .collect();
    assert_eq!(accepted, [] as [&serde_json::Value; 0]);
}
