//! `surveyd apply` and `surveyd export`: all of it or nothing, and back unchanged.

use std::{io::Write as _, process::Stdio};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{ClientRow, Form, Server, TestFolder, Thread, World};

#[test]
fn an_export_is_applied_unchanged() {
    let folder = TestFolder::with_sample();
    let named = ClientRow::new(9_007_199_254_740_993).external_id("\u{1F600}\"\\\n").set("name", "<b>");
    let world = World::new()
        .with_all([ClientRow::new(i64::MIN), named])
        .with(Thread::longest(90).client(i64::MIN).channel(2))
        .with(Form::full(9).set("channels", [2, 1].as_slice()));
    folder.apply(world);
    let first = folder.export();
    let world: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(world["settings"], json!({"surveysViaExternalApi": true}));
    assert_eq!(world["clients"][0], json!({"id": i64::MIN}));
    assert_eq!(world["threads"].as_array().unwrap().len(), 5);
    assert_eq!(world["forms"][2]["channels"], json!([1, 2]));
    // Into the same database, and into a new one; by file, and by a pipe.
    let other = TestFolder::new();
    for folder in [&folder, &other] {
        let mut apply = folder.command(&["apply", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        apply.stdin.take().unwrap().write_all(first.as_bytes()).unwrap();
        assert!(apply.wait().unwrap().success());
        assert_eq!(folder.export(), first);
    }
}

/// Windows editors write it, and PowerShell's `>` does. `surveyd fake --world` reads the file in the same way.
#[test]
fn a_byte_order_mark_before_a_world_file_is_skipped() {
    let folder = TestFolder::with_sample();
    let world = format!("\u{feff}{}", folder.export());
    let path = folder.write("world.json", &world);
    folder.run_ok(&["apply", "world.json"]);
    let fake = Server::fake_with(&["--world", path.to_str().unwrap()]);
    assert_eq!(fake.client("test-crm").send(1, 1).status, 200);
}

#[test]
fn the_sample_world_is_that_of_the_contract() {
    insta::assert_snapshot!(TestFolder::with_sample().export(), @r#"
    {
    "settings": {"surveysViaExternalApi":true},
    "channels": [
    {"id":1,"name":"Web widget","type":"WEB"},
    {"id":2,"name":"Mobile app","type":"MOBILE"}
    ],
    "clients": [
    {"id":1,"externalId":"crm-1","name":"Alice","phone":"78423493234"},
    {"id":2,"externalId":"crm-2","name":"Bob","phone":"78423493235"},
    {"id":3,"externalId":"crm-3","name":"Carol","phone":"78423493236"},
    {"id":4,"externalId":"crm-4","name":"Dan","phone":"78423493237"}
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
fn a_missing_list_changes_nothing() {
    let folder = TestFolder::with_sample();
    let before = folder.export();
    folder.apply(World::new());
    assert_eq!(folder.export(), before);
    folder.apply(World::new().with(ClientRow::new(4).set("name", "Daniel")));
    assert_eq!(
        folder.export(),
        before.replace(
            r#"{"id":4,"externalId":"crm-4","name":"Dan","phone":"78423493237"}"#,
            r#"{"id":4,"name":"Daniel"}"#
        )
    );
}

/// External ids may be exchanged within one file, whatever the order of its rows.
#[test]
fn external_ids_can_be_swapped() {
    let folder = TestFolder::with_sample();
    let before: Value = serde_json::from_str(&folder.export()).unwrap();
    let swapped = [ClientRow::new(1).external_id("crm-2"), ClientRow::new(2).external_id("crm-1")];
    folder.apply(World::new().with_all(swapped.clone()));
    let mut expected = before;
    for (number, client) in swapped.iter().enumerate() {
        expected["clients"][number] = client.json();
    }
    assert_eq!(serde_json::from_str::<Value>(&folder.export()).unwrap(), expected);
}

const TIMES: &str = r#""startTime":"2026-03-01T10:00:00.000Z","stateChangeTime":"2026-03-01T10:15:00.000Z""#;

/// Each file begins with a row that could be applied: it must not be.
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
fn an_error_names_its_path_and_nothing_is_applied(#[case] rest: String, #[case] expected: &str) {
    let folder = TestFolder::with_sample();
    let before = folder.export();
    folder.write("bad.json", &format!(r#"{{"channels":[{{"id":7,"name":"new","type":"NEW"}}],{rest}}}"#));
    let said = folder.run_error(&["apply", "bad.json"]);
    assert!(
        said.starts_with("surveyd: ") && said.contains("bad.json") && said.ends_with(&format!(": {expected}")),
        "{said}"
    );
    assert_eq!(folder.export(), before);
}

#[rstest]
#[case("", "not JSON: EOF while parsing a value at line 1 column 0")]
#[case("{\"clients\":[}", "not JSON: expected value at line 1 column 13")]
#[case("{}\n{}", "there is more text after the document: trailing characters at line 2 column 1")]
#[case("[]", "invalid type: sequence, expected a JSON object")]
fn a_file_that_is_no_world_is_refused(#[case] text: &str, #[case] expected: &str) {
    let folder = TestFolder::new();
    folder.write("bad.json", text);
    let said = folder.run_error(&["apply", "bad.json"]);
    assert!(said.ends_with(&format!(": {expected}")), "{said}");
    assert!(!folder.path("surveyd.db").exists(), "a database was made for nothing");
}

#[test]
fn a_hundred_thousand_threads_are_applied_while_a_server_runs() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let threads = (10..100_010).map(|id| Thread::closed(id).client(1 + id % 4));
    folder.write("large.json", &Value::from(World::new().with_all(threads)).to_string());
    let output = folder.run(&["apply", "large.json"]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: applied 100000 rows to surveyd.db\n",
        "no bar where there is no terminal"
    );
    assert_eq!(server.client(&token).send(4, 1).short(), "200 ");
    assert_eq!(folder.export().lines().filter(|line| line.contains("clientId")).count(), 100_004);
}
