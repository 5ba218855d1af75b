//! The vendor's calls that an integration makes besides a send: it logs in, and looks up whether the client has an active
//! thread.

use std::time::Instant;

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{ClientRow, Server, Signal, TestFolder, World};

fn log_in(server: &Server, login: &str, password: &str) -> crate::harness::Response {
    server.anonymous().call(
        "POST",
        "/api/auth/login",
        Some(&json!({"login": login, "password": password, "locale": "ru"})),
    )
}

/// The whole flow, unchanged, on a fake and on a server.
#[rstest]
fn an_integration_logs_in_looks_up_and_sends(#[values(false, true)] on_server: bool) {
    let folder = TestFolder::with_sample();
    let secret = folder.token("crm", "integrator");
    let server = if on_server { folder.serve() } else { Server::fake() };
    let answer = log_in(&server, "crm", &secret);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("Bearer "), "documented: {token}");
    assert_eq!(answer.header("authorization"), Some(format!("Bearer {token}").as_str()), "documented, twice");
    assert_eq!(answer.body, format!(r#"{{"userId":1,"login":null,"token":"{token}","role":"INTEGRATOR"}}"#));
    // As an integration does that puts the scheme before what it was given.
    let mut crm = server.client(&token);
    let lookup = json!({"phones": null, "externalIds": ["crm-1", "crm-2"]});
    let found = crm.call("POST", "/api/v1/clients/short-info", Some(&lookup));
    assert_eq!(
        found.body,
        r#"[{"id":1,"externalId":"crm-1","phone":"78423493234","hasActiveThread":false},{"id":2,"externalId":"crm-2","phone":"78423493235","hasActiveThread":true}]"#
    );
    for client in found.json().as_array().unwrap() {
        let sent = crm.send_to(&json!({"type": "externalClientId", "id": client["externalId"]}), 1);
        let expected = if client["hasActiveThread"] == true { "409 Client has open thread" } else { "200 " };
        assert_eq!(sent.short(), expected);
    }
}

#[test]
fn only_the_right_password_logs_in_and_guessing_is_throttled() {
    let folder = TestFolder::with_sample();
    let (crm, lead) = (folder.token("crm", "integrator"), folder.token("lead", "supervisor"));
    let server = folder.serve();
    assert_eq!(log_in(&server, "lead", &lead).json()["role"], "SUPERVISOR");
    let wrong = log_in(&server, "crm", "guess");
    assert_eq!(
        (wrong.short(), wrong.header("www-authenticate")),
        ("401 Login or password is wrong".to_owned(), Some("Bearer"))
    );
    assert_eq!(log_in(&server, "lead", &crm).short(), "401 Login or password is wrong", "another one's secret");
    folder.run_ok(&["token", "revoke", "1"]);
    assert_eq!(log_in(&server, "crm", &crm).short(), "401 Login or password is wrong", "revoked");
    for _ in 0..2 {
        assert_eq!(log_in(&server, "nobody", "guess").status, 401);
    }
    let slowed = log_in(&server, "lead", &lead);
    assert_eq!(slowed.status, 429);
    let seconds: u32 = slowed.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(slowed.message(), format!("Too many failed logins from this address; try again in {seconds} s"));
    assert_eq!(server.client(&lead).send(1, 1).status, 200, "who has a token is not slowed down");
}

/// Of many tries at once no more than five are answered: all others get the same answer as a wrong one.
#[test]
fn guessing_at_once_is_throttled_as_well() {
    let folder = TestFolder::with_sample();
    folder.token("crm", "integrator");
    let server = folder.serve();
    let mut clients: Vec<_> = (0..40).map(|_| server.anonymous()).collect();
    // While the server is stopped they queue, and are then all begun before the first is decided.
    server.signal(Signal::STOP);
    let body = json!({"login": "crm", "password": "guess"}).to_string();
    for client in &mut clients {
        client.begin_call("POST", "/api/auth/login", "Content-Type: application/json\r\n", body.as_bytes()).unwrap();
    }
    server.signal(Signal::CONT);
    let statuses: Vec<_> = clients.iter_mut().map(|client| client.read_response().status).collect();
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!([count(401), count(429)], [5, 35]);
}

#[rstest]
#[case(json!({}), "The body must be a JSON object with login and password, both of them strings")]
#[case(json!({"login": "crm"}), "The body must be a JSON object with login and password, both of them strings")]
#[case(json!({"login": "crm", "password": 12_345_678}), "The body must be a JSON object with login and password, both of them strings")]
#[case(json!("surveyd_secret"), "The body must be a JSON object with login and password, both of them strings")]
#[case(json!({"login": "@w1", "password": "x"}), "login must have 1 to 200 characters, before the @ of a world")]
#[case(json!({"login": "l".repeat(201), "password": "x"}), "login must have 1 to 200 characters, before the @ of a world")]
#[case(json!({"login": "", "password": "x"}), "login must have 1 character at least")]
#[case(json!({"login": "a@b@c", "password": "x"}), "login: the world after @ must be 1 to 64 characters of A-Za-z0-9._-")]
fn a_bad_login_is_refused(#[case] body: Value, #[case] expected: &str) {
    let answer = Server::fake().anonymous().call("POST", "/api/auth/login", Some(&body));
    assert_eq!(answer.short(), format!("400 {expected}"));
}

/// In a fake every password is right: a login that is to fail for a test slows down no other test's.
#[test]
fn a_fake_throttles_no_login() {
    let fake = Server::fake();
    for number in 0..7 {
        assert_eq!(log_in(&fake, &format!("expired@w{number}"), "x").short(), "401 Token is expired");
    }
    assert_eq!(log_in(&fake, "crm@other", "x").status, 200);
}

/// Ids that callers choose do not use up those of the others.
#[test]
fn a_form_with_a_very_great_id_blocks_no_later_one() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let mut create = |id: Option<i64>| {
        let body = id.map_or(json!({}), |id| json!({"id": id}));
        let created = crm.call("POST", "/api/v1/quality", Some(&body));
        assert_eq!(created.status, 200, "{created:?}");
        created.json()["id"].as_i64().unwrap()
    };
    let half = i64::MAX / 2;
    assert_eq!([Some(i64::MAX), None, Some(half + 1), None].map(&mut create), [i64::MAX, 3, half + 1, 4]);
    assert_eq!([Some(half - 1), None].map(&mut create), [half - 1, half], "up to half of them, it is the next");
    assert_eq!([None, None].map(&mut create), [half + 2, half + 3], "then the next that is free");
}

#[test]
fn a_form_is_created_and_updated() {
    let fake = Server::fake();
    let (mut crm, mut admin) = (fake.client("test-crm"), fake.client("test-admin"));
    // The documented request.
    let documented = json!({"binaryQuestion": false, "question": {"minValue": 1, "maxValue": 5, "kpi": 4.02,
        "text": "Please rate our service", "displayText": "Quality of service"},
        "requiredMessageCount": 2, "sendingFrequency": 1, "hideAfter": 300});
    let created = crm.call("POST", "/api/v1/quality", Some(&documented));
    let mut expected = documented.clone();
    expected["id"] = json!(3);
    expected["name"] = json!("Quality of service");
    expected["channels"] = json!([]);
    assert_eq!((created.status, created.json()), (200, expected.clone()));
    assert_eq!(crm.send(1, 3).short(), "409 Cannot send form 3 to thread 1", "it is enabled for no channel yet");
    admin.call("PUT", "/admin/forms/3/channels/1", None);
    assert_eq!(crm.send(1, 3).short(), "200 ");
    let updated =
        crm.call("POST", "/api/v1/quality", Some(&json!({"id": 3, "binaryQuestion": true, "vendorsNext": 1})));
    let expected = json!({"id": 3, "name": "Quality of service", "binaryQuestion": true, "channels": [1]});
    assert_eq!((updated.status, updated.json()), (200, expected.clone()), "name and channels are not the call's");
    assert_eq!(admin.call("GET", "/admin/forms/3", None).json(), expected);
    assert_eq!(crm.call("POST", "/api/v1/quality", Some(&json!({}))).json()["name"], "Quality form 4");
    let wrong = crm.call("POST", "/api/v1/quality", Some(&json!({"question": {"kpi": "high"}})));
    assert_eq!(wrong.short(), "400 question.kpi: invalid type: string \"high\", expected f64");
}

#[rstest]
fn a_kpi_is_kept_as_it_is_written(#[values("31.245270191439438", "118.80000000000001", "1e-7", "0.1")] kpi: &str) {
    let fake = Server::fake();
    let body = format!(r#"{{"id": 1, "question": {{"kpi": {kpi}}}}}"#);
    let lines = "Content-Type: application/json\r\n";
    let updated = fake.client("test-crm").call_with("POST", "/api/v1/quality", lines, body.as_bytes());
    assert!(updated.body.contains(&format!("\"kpi\":{kpi}}}")), "{updated:?}");
}

#[test]
fn threads_are_read_and_listed() {
    let fake = Server::fake();
    let mut crm = fake.client("test-crm");
    let thread = r#"{"id":3,"status":"ASSIGNED","startTime":"2026-03-02T11:00:00.000Z","stateChangeTime":"2026-03-02T11:01:00.000Z","unread":false,"unanswered":false,"currentAgent":null,"currentAgentLogin":null,"lastAgent":null,"lastAgentLogin":null,"channel":1,"clientId":2,"clientExternalId":"crm-2","clientName":"Bob","threadUrl":null,"tags":[],"info":{}}"#;
    assert_eq!(crm.call("GET", "/api/v1/threads/3", None).short(), format!("200 {thread}"));
    assert_eq!(crm.call("GET", "/api/v1/threads/9", None).short(), "404 Thread 9 not found");
    assert_eq!(crm.call("GET", "/api/v1/threads/x", None).short(), "400 id in the path must be a 64-bit integer");
    let mut list = |query: &str| -> Vec<i64> {
        let answer = crm.call("GET", &format!("/api/v1/threads{query}"), None);
        answer.json().as_array().unwrap().iter().map(|thread| thread["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(list("?statuses=ASSIGNED,WAITING"), [3]);
    assert_eq!(list("?statuses=CLOSED"), [1, 2, 4]);
    assert_eq!(list("?statuses=CLOSED,ASSIGNED"), [1, 2, 3, 4]);
    assert_eq!(list(""), [1, 2, 3, 4]);
    assert_eq!(list("?agentsLogins=bob"), [] as [i64; 0], "there are no agents here");
    for query in ["?statuses=OPEN", "?agentsLogins=bob&statuses=OPEN"] {
        assert_eq!(
            crm.call("GET", &format!("/api/v1/threads{query}"), None).short(),
            "400 statuses: \"OPEN\" is none of NEW, UNASSIGNED, SUSPENDED, ASSIGNED, REASSIGNED, ANSWER_NEEDED, WAITING, IN_PROGRESS, CLOSED"
        );
    }
}

#[test]
fn clients_are_found_by_phone() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    for (id, phone) in [(1, "78423493234"), (7, "78423493234"), (8, "7000")] {
        let row = json!({"externalId": format!("crm-{id}"), "phone": phone});
        let put = admin.call("PUT", &format!("/admin/clients/{id}"), Some(&row));
        assert!(put.status < 300, "{put:?}");
    }
    let mut crm = fake.client("test-crm");
    let mut look_up = |body: Value| crm.call("POST", "/api/v1/clients/short-info", Some(&body)).short();
    let (one, seven) = (
        r#"{"id":1,"externalId":"crm-1","phone":"78423493234","hasActiveThread":false}"#,
        r#"{"id":7,"externalId":"crm-7","phone":"78423493234","hasActiveThread":false}"#,
    );
    assert_eq!(
        look_up(json!({"phones": ["78423493234", "unknown"], "externalIds": null})),
        format!("200 [{one},{seven}]")
    );
    assert_eq!(look_up(json!({"phones": ["78423493234"], "externalIds": ["crm-7"]})), format!("200 [{one},{seven}]"));
    assert_eq!(look_up(json!({"externalIds": []})), "200 []");
    assert_eq!(look_up(json!({})), "400 phones or externalIds must be an array of strings");
    assert_eq!(look_up(json!({"phones": [7]})), "400 phones[0]: invalid type: integer `7`, expected a string");
    let long = json!({"phone": "7".repeat(65)});
    assert_eq!(admin.call("PUT", "/admin/clients/9", Some(&long)).short(), "400 phone: must be 1 to 64 characters");
}

/// Each repetition of a phone read all clients who share it again.
#[test]
fn a_phone_that_is_asked_for_often_is_looked_up_once() {
    let folder = TestFolder::with_sample();
    folder.apply(World::new().with_all((1..=1000).map(|id| ClientRow::new(id).set("phone", "7"))));
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let mut crm = server.client(&token);
    let mut look_up = |count: usize| {
        let began = Instant::now();
        let answer = crm.call("POST", "/api/v1/clients/short-info", Some(&json!({"phones": vec!["7"; count]})));
        (answer, began.elapsed())
    };
    let _ = look_up(1);
    let ((once, time_of_one), (often, time_of_many)) = (look_up(1), look_up(16_000));
    assert_eq!(once.json().as_array().unwrap().len(), 1000);
    assert_eq!(once.body, often.body);
    assert!(time_of_many < 20 * time_of_one, "once in {time_of_one:?}, 16,000 times in {time_of_many:?}");
    let put = server.client(&ops).call("PUT", "/admin/clients/1001", Some(&json!({"phone": "7"})));
    assert_eq!(put.status, 201);
    let message = "400 phones: more than 1000 clients have them; ask for fewer phones or external ids";
    assert_eq!(look_up(1).0.short(), message);
}
