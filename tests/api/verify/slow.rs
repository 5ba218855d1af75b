//! A server that is late with one answer, and disconnects before another.

use serde_json::json;

use super::{
    cases, differing,
    stand_in::{Behaviour, Reply, StandIn},
    verify_in,
};
use crate::harness::TestFolder;

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
