//! `surveyd apply` and `surveyd export`: all of it or nothing, and back unchanged.

use std::{fmt::Write as _, io::Write as _, process::Stdio};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::Home;

fn export(home: &Home) -> String {
    let output = home.run(&["export"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_export_is_taken_back_unchanged() {
    let home = Home::with_sample();
    let full = json!({
        "clients": [{"id": i64::MIN}, {"id": 9_007_199_254_740_993_i64, "externalId": "\u{1F600}\"\\\n", "name": "<b>"}],
        "threads": [{"id": 90, "clientId": i64::MIN, "channel": 2, "status": "ANSWER_NEEDED",
                     "startTime": "0001-01-01T00:00:00.000Z", "stateChangeTime": "9999-12-30T00:00:00.999Z"}],
        "forms": [{"id": 9, "name": "Full", "binaryQuestion": true,
                   "question": {"minValue": 1, "maxValue": 5, "kpi": 0.1, "text": "?", "displayText": "!"},
                   "requiredMessageCount": 2, "sendingFrequency": 1, "hideAfter": 300, "channels": [2, 1]}]
    });
    home.write("more.json", &full.to_string());
    assert!(home.run(&["apply", "more.json"]).status.success());
    let first = export(&home);
    let world: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(world["settings"], json!({"surveysViaExternalApi": true}));
    assert_eq!(world["clients"][0], json!({"id": i64::MIN}));
    assert_eq!(world["threads"].as_array().unwrap().len(), 5);
    assert_eq!(world["forms"][2]["channels"], json!([1, 2]));
    // Into the same database, and into a new one; by file, and by a pipe.
    let other = Home::new();
    for home in [&home, &other] {
        let mut apply = home.command(&["apply", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        apply.stdin.take().unwrap().write_all(first.as_bytes()).unwrap();
        assert!(apply.wait().unwrap().success());
        assert_eq!(export(home), first);
    }
}

#[test]
fn the_sample_world_is_the_one_of_the_contract() {
    insta::assert_snapshot!(export(&Home::with_sample()), @r#"
    {
    "settings": {"surveysViaExternalApi":true},
    "channels": [
    {"id":1,"name":"Web widget","type":"WEB"},
    {"id":2,"name":"Mobile app","type":"MOBILE"}
    ],
    "clients": [
    {"id":1,"externalId":"crm-1","name":"Alice"},
    {"id":2,"externalId":"crm-2","name":"Bob"},
    {"id":3,"externalId":"crm-3","name":"Carol"},
    {"id":4,"externalId":"crm-4","name":"Dan"}
    ],
    "threads": [
    {"id":1,"clientId":1,"channel":1,"status":"CLOSED","startTime":"2026-03-01T10:00:00.000Z","stateChangeTime":"2026-03-01T10:15:00.000Z"},
    {"id":2,"clientId":2,"channel":1,"status":"CLOSED","startTime":"2026-03-01T11:00:00.000Z","stateChangeTime":"2026-03-01T11:15:00.000Z"},
    {"id":3,"clientId":2,"channel":1,"status":"ASSIGNED","startTime":"2026-03-02T11:00:00.000Z","stateChangeTime":"2026-03-02T11:01:00.000Z"},
    {"id":4,"clientId":3,"channel":2,"status":"CLOSED","startTime":"2026-03-01T12:00:00.000Z","stateChangeTime":"2026-03-01T12:15:00.000Z"}
    ],
    "forms": [
    {"id":1,"name":"Service quality","channels":[1]},
    {"id":2,"name":"Mobile app quality","channels":[2]}
    ]
    }
    "#);
}

/// Rows of a file replace rows of the same id, and lists that are missing change nothing.
#[test]
fn what_is_missing_changes_nothing() {
    let home = Home::with_sample();
    let before = export(&home);
    home.write("world.json", "{}");
    assert!(home.run(&["apply", "world.json"]).status.success());
    assert_eq!(export(&home), before);
    home.write("world.json", r#"{"clients": [{"id": 4, "name": "Daniel"}]}"#);
    assert!(home.run(&["apply", "world.json"]).status.success());
    assert_eq!(
        export(&home),
        before.replace(r#"{"id":4,"externalId":"crm-4","name":"Dan"}"#, r#"{"id":4,"name":"Daniel"}"#)
    );
}

/// External ids may change hands within one file, in whatever order its rows stand.
#[test]
fn external_ids_can_be_swapped() {
    let home = Home::with_sample();
    home.write("swap.json", r#"{"clients": [{"id": 1, "externalId": "crm-2"}, {"id": 2, "externalId": "crm-1"}]}"#);
    assert!(home.run(&["apply", "swap.json"]).status.success());
    let world = export(&home);
    assert!(
        world.contains(r#"{"id":1,"externalId":"crm-2"}"#) && world.contains(r#"{"id":2,"externalId":"crm-1"}"#),
        "{world}"
    );
}

const TIMES: &str = r#""startTime":"2026-03-01T10:00:00.000Z","stateChangeTime":"2026-03-01T10:15:00.000Z""#;

/// Each file begins with what could be applied, so that "nothing" can be told from "nothing more".
#[rstest]
#[case::reference(format!(r#""threads":[{{"id":9,"clientId":1,"channel":1,"status":"CLOSED",{TIMES}}},{{"id":10,"clientId":99,"channel":1,"status":"CLOSED",{TIMES}}}]"#), "threads[1].clientId: no client 99")]
#[case::channel(format!(r#""threads":[{{"id":9,"clientId":1,"channel":9,"status":"CLOSED",{TIMES}}}]"#), "threads[0].channel: no channel 9")]
#[case::enablement(r#""forms":[{"id":9,"name":"x","channels":[1,9]}]"#.to_owned(), "forms[0].channels: no channel 9")]
#[case::constraint(r#""clients":[{"id":9,"externalId":""}]"#.to_owned(), "clients[0].externalId: must be 1 to 255 characters")]
#[case::taken(r#""clients":[{"id":9,"externalId":"crm-1"}]"#.to_owned(), "clients[0].externalId: \"crm-1\" belongs to client 1")]
#[case::twice(r#""clients":[{"id":9},{"id":10},{"id":9}]"#.to_owned(), "clients[2].id: 9 is in clients[0] already")]
#[case::status(format!(r#""threads":[{{"id":9,"clientId":1,"channel":1,"status":"closed",{TIMES}}}]"#), "threads[0].status: unknown variant `closed`, expected one of `NEW`, `UNASSIGNED`, `SUSPENDED`, `ASSIGNED`, `REASSIGNED`, `ANSWER_NEEDED`, `WAITING`, `IN_PROGRESS`, `CLOSED`")]
#[case::time(r#""threads":[{"id":9,"clientId":1,"channel":1,"status":"CLOSED","startTime":"2026-03-01"}]"#.to_owned(), "threads[0].startTime: \"2026-03-01\" is not an ISO-8601 time with at most milliseconds, such as \"2026-03-01T10:15:00.000Z\"")]
#[case::backwards(r#""threads":[{"id":9,"clientId":1,"channel":1,"status":"CLOSED","startTime":"2026-03-02T00:00:00Z","stateChangeTime":"2026-03-01T00:00:00Z"}]"#.to_owned(), "threads[0].stateChangeTime: must not be before startTime")]
#[case::float(r#""clients":[{"id":1.5}]"#.to_owned(), "clients[0].id: invalid type: floating point `1.5`, expected i64")]
#[case::too_great(r#""clients":[{"id":9223372036854775808}]"#.to_owned(), "clients[0].id: invalid value: integer `9223372036854775808`, expected i64")]
#[case::missing(r#""clients":[{"name":"x"}]"#.to_owned(), "clients[0]: missing field `id`")]
#[case::unknown_key(r#""clients":[{"id":9,"externalID":"x"}]"#.to_owned(), "clients[0].externalID: unknown field `externalID`, expected one of `id`, `externalId`, `name`, `phone`")]
#[case::unknown_list(r#""customers":[]"#.to_owned(), "customers: unknown field `customers`, expected one of `settings`, `channels`, `clients`, `threads`, `forms`")]
#[case::setting(r#""settings":{"surveysViaExternalApi":1}"#.to_owned(), "settings.surveysViaExternalApi: invalid type: integer `1`, expected a boolean")]
#[case::not_an_object(r#""clients":[[9,null,null]]"#.to_owned(), "clients[0]: invalid type: sequence, expected a JSON object")]
#[case::not_a_list(r#""clients":{}"#.to_owned(), "clients: invalid type: map, expected a sequence")]
fn an_error_names_its_place_and_nothing_is_applied(#[case] rest: String, #[case] expected: &str) {
    let home = Home::with_sample();
    let before = export(&home);
    home.write("bad.json", &format!(r#"{{"channels":[{{"id":7,"name":"new","type":"NEW"}}],{rest}}}"#));
    let said = home.fails(&["apply", "bad.json"]);
    assert!(
        said.starts_with("surveyd: ") && said.contains("bad.json") && said.ends_with(&format!(": {expected}")),
        "{said}"
    );
    assert_eq!(export(&home), before);
}

#[rstest]
#[case("", "not JSON: EOF while parsing a value at line 1 column 0")]
#[case("{\"clients\":[}", "not JSON: expected value at line 1 column 13")]
#[case("{}\n{}", "there is more text after the document: trailing characters at line 2 column 1")]
#[case("[]", "invalid type: sequence, expected a JSON object")]
fn a_file_that_is_no_world_is_told(#[case] text: &str, #[case] expected: &str) {
    let home = Home::new();
    home.write("bad.json", text);
    let said = home.fails(&["apply", "bad.json"]);
    assert!(said.ends_with(&format!(": {expected}")), "{said}");
    assert!(!home.path("surveyd.db").exists(), "a database was made for nothing");
}

#[test]
fn a_hundred_thousand_threads_are_applied_beside_a_running_server() {
    let home = Home::with_sample();
    let token = home.token("crm", "integrator");
    let server = home.serve();
    let mut world = String::from(r#"{"threads":["#);
    for id in 10..100_010 {
        let comma = if id == 10 { "" } else { "," };
        write!(world, r#"{comma}{{"id":{id},"clientId":{},"channel":1,"status":"CLOSED",{TIMES}}}"#, 1 + id % 4)
            .unwrap();
    }
    home.write("large.json", &(world + "]}"));
    let output = home.run(&["apply", "large.json"]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: applied 100000 rows to surveyd.db\n",
        "no bar where there is no terminal"
    );
    assert_eq!(server.client(&token).send(4, 1).short(), "200 ");
    assert_eq!(export(&home).lines().filter(|line| line.contains("clientId")).count(), 100_004);
}
