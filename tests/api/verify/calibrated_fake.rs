//! A fake with an answers file answers so everywhere under `/api`, and nowhere else.

use std::fmt::Write;

use serde_json::{Value, json};
use surveyd::Fake;

use super::argument;
use crate::harness::{Client, Server, TestFolder};

const VARY: &str = "Origin, Accept";

fn answers() -> Value {
    json!({
        "version": 1,
        "layout": "compact",
        "headers": {"Vary": VARY, "Content-Type": "application/json;charset=UTF-8"},
        "answers": {
            "tokenMissing": {"body": "", "headers": {"WWW-Authenticate": "Bearer realm=\"x\""}},
            "clientId.id.quoted": "accepted",
            "clientNotFound": {"status": 400, "message": "Client with id={id} does not exist"},
            "noClosedThread": {"body": "{\"error\":\"{client} has none\",\"path\":\"{uri}\"}"},
            "openThread": {"message": "Busy"},
            "unknownKey": {"status": 422, "message": "Unrecognized field \"{key}\""},
            "wrongRole": {"message": "Access is denied"},
            "sent": {"status": 204}
        },
        "seen": ["clientNotFound", "openThread", "formNotEnabled", "sent"]
    })
}

/// A calibrated fake, and the folder of its file.
fn fake() -> (Server, TestFolder) {
    let folder = TestFolder::new();
    let file = folder.write("answers.json", &answers().to_string());
    (Server::fake_with(&["--answers", argument(&file)]), folder)
}

fn body(client: Value) -> String {
    json!({"clientId": {"type": "internalClientId", "id": client}, "qualityFormId": 1}).to_string()
}

/// A call without a check against the document of the contract, which these answers are not in.
fn raw(server: &Server, line: &str, token: Option<&str>, body: &str) -> String {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine\r\n{token}Content-Type: application/json\r\n"
    );
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    Client::new(server.address, None, None).raw(request.as_bytes()).whole()
}

#[test]
fn every_call_of_the_api_is_answered_so() {
    let (fake, _folder) = fake();
    let send = |client: Value, token| raw(&fake, "POST /api/v1/quality/send", token, &body(client));
    let crm = Some("test-crm");
    let answers = [
        ("sent", send(json!(1), crm)),
        ("sent, with the id in quotes", send(json!("1"), crm)),
        ("changed message", send(json!(2), crm)),
        ("as by the contract", send(json!(3), crm)),
        ("another body", send(json!(4), crm)),
        ("another status", send(json!(9), crm)),
        (
            "an unknown key",
            raw(
                &fake,
                "POST /api/v1/quality/send",
                crm,
                &body(json!(1)).replace("{\"q", "{\"a\":1,\"q").replace("1}", "1,\"b\":2}"),
            ),
        ),
        ("wrong role", send(json!(1), Some("test-wrongrole"))),
        ("no token", send(json!(1), None)),
        ("no token at another call", raw(&fake, "GET /api/v1/threads/3", None, "")),
        ("an unknown path", raw(&fake, "GET /api/nothing", crm, "")),
        ("no token at the admin API", raw(&fake, "GET /admin/clients", None, "")),
        ("an unknown path of the admin API", raw(&fake, "GET /admin/nothing", Some("test-admin"), "")),
    ];
    let text: Vec<_> = answers.iter().map(|(what, answer)| format!("# {what}\n{answer}\n")).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn explanations_and_attempts_have_the_same_answers() {
    let (fake, _folder) = fake();
    let mut admin = fake.client("test-admin");
    let mut text = String::new();
    for client in [json!(1), json!("1"), json!(2), json!(3), json!(4), json!(9), json!("nine")] {
        let explained =
            admin.call("POST", "/admin/explain", Some(&serde_json::from_str(&body(client.clone())).unwrap())).json();
        let answer = raw(&fake, "POST /api/v1/quality/send", Some("test-crm"), &body(client.clone()));
        let attempts = admin.call("GET", "/admin/attempts?limit=1", None).json();
        let attempt = &attempts[0];
        let status = |report: &Value| report["status"].to_string();
        assert!(answer.starts_with(&status(&explained)), "{answer}: {explained}");
        assert_eq!(
            (&explained["status"], &explained["message"]),
            (&attempt["status"], &attempt["message"]),
            "{client}"
        );
        writeln!(text, "{client}: {} {}", attempt["status"], attempt["message"]).unwrap();
    }
    raw(&fake, "POST /api/v1/quality/send", None, &body(json!(1)));
    let attempts = admin.call("GET", "/admin/attempts?limit=1", None).json();
    writeln!(text, "no token: {} {}", attempts[0]["status"], attempts[0]["message"]).unwrap();
    insta::assert_snapshot!(text);
    let report = admin.call_with("GET", "/admin/attempts", "Accept: text/plain\r\n", b"").body;
    for said in ["204", "Busy", "Client with id=9 does not exist", "4 has none"] {
        assert!(report.contains(said), "{said}: {report}");
    }
    assert!(!report.contains("Client 9 not found"), "{report}");
}

/// The responses of a send in the document, by their status: the marks, and the examples.
#[test]
fn the_document_has_these_answers() {
    let (fake, _folder) = fake();
    let document = fake.anonymous().call("GET", "/openapi.json", None).json();
    let responses = document["paths"]["/api/v1/quality/send"]["post"]["responses"].as_object().unwrap();
    let rows = responses.iter().map(|(status, response)| {
        let examples: Vec<_> = response["content"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(_, content)| content["examples"].as_object().into_iter().flatten())
            .map(|(name, example)| format!("  {name}: {}\n", example["value"]))
            .collect();
        let mark = |name: &str| response.get(name).map_or(String::new(), |value| format!(" {name}={value}"));
        format!("{status}{}{}\n{}", mark("x-edna-documented"), mark("x-edna-verified"), examples.concat())
    });
    insta::assert_snapshot!(rows.collect::<String>());
    let of_contract = Server::fake().anonymous().call("GET", "/openapi.json", None).body;
    assert!(!of_contract.contains("x-edna-verified\":"), "no answer was seen anywhere");
}

#[test]
fn a_fake_says_at_the_start_which_documented_answers_are_changed() {
    let (fake, _folder) = fake();
    let log = fake.stop();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARNING")).collect();
    assert_eq!(
        warnings,
        ["surveyd: WARNING: the answers file changes what the vendor has published: openThread, sent"]
    );
}

#[test]
fn the_library_takes_answers() {
    let fake = Fake::builder().answers(answers()).start().unwrap();
    let address = fake.url().strip_prefix("http://").unwrap().parse().unwrap();
    let mut client = Client::new(address, None, None);
    let body = body(json!(9));
    let answer = client.raw(
        format!("POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes(),
    );
    assert_eq!(
        answer.body,
        r#"{"method":"POST","uri":"/api/v1/quality/send","code":null,"message":"Client with id=9 does not exist"}"#
    );
    let wrong = Fake::builder().answers(json!({"version": 1, "answers": {"clientNotFund": "accepted"}})).start();
    let error = format!("{:#}", wrong.err().unwrap());
    assert_eq!(
        error,
        "the answers file has an error: answers: no such case: \"clientNotFund\"; did you mean clientNotFound? docs/calibrating.md lists them"
    );
}

/// `serve` has no answers but those of the contract.
#[test]
fn a_server_takes_no_answers() {
    let folder = TestFolder::with_sample();
    let output = folder.run(&["serve", "--answers", "answers.json"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("unexpected argument '--answers'"), "{stderr}");
}
