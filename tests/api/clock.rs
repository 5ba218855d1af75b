//! The clock of a world: what a test sets it to is what its answers, its sends and its tokens go by.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::Server;

#[test]
fn the_clock_stops_where_it_is_set_and_advances_on_request() {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin@w"), fake.client("test-crm@w"));
    let set = |admin: &mut crate::harness::Client, body: &Value| admin.call("PUT", "/admin/clock", Some(body)).short();
    let shown = |now: &str| format!("200 {{\"now\":\"{now}\",\"real\":false,\"ticking\":false}}");
    assert_eq!(set(&mut admin, &json!({"now": "2100-02-28T23:00:00Z"})), shown("2100-02-28T23:00:00.000Z"));
    let answer = crm.send(1, 1);
    assert_eq!(answer.header("date"), Some("Sun, 28 Feb 2100 23:00:00 GMT"));
    assert_eq!(set(&mut admin, &json!({"advance": "PT2H"})), shown("2100-03-01T01:00:00.000Z"));
    let refused = crm.send(2, 1);
    assert_eq!((refused.status, refused.header("date")), (409, Some("Mon, 01 Mar 2100 01:00:00 GMT")));
    crm.send(1, 1);
    let times: Vec<_> = admin.all_sends().iter().map(|sent| sent["sentAt"].clone()).collect();
    assert_eq!(times, ["2100-02-28T23:00:00.000Z", "2100-03-01T01:00:00.000Z"]);
    let attempts = admin.call("GET", "/admin/attempts?status=409", None).json();
    assert_eq!(attempts[0]["at"], "2100-03-01T01:00:00.000Z");
    assert_eq!(admin.call("GET", "/admin/clock", None).short(), shown("2100-03-01T01:00:00.000Z"));
    let real = admin.call("PUT", "/admin/clock", Some(&json!({"real": true}))).json();
    assert_eq!((&real["real"], &real["ticking"]), (&json!(true), &json!(true)));
    assert_ne!(crm.send(1, 1).header("date"), Some("Mon, 01 Mar 2100 01:00:00 GMT"));
}

/// A token from a login is valid for a day, by the clock of its world.
#[test]
fn a_login_expires_by_the_clock_of_its_world() {
    let fake = Server::fake();
    let log_in = || {
        let answer =
            fake.anonymous().call("POST", "/api/auth/login", Some(&json!({"login": "alice@w", "password": "x"})));
        answer.json()["token"].as_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
    };
    let token = log_in();
    assert_eq!(fake.client(&token).send(1, 1).short(), "200 ");
    let mut admin = fake.client("test-admin@w");
    for (advance, expected) in [("PT23H59M", "200 "), ("PT2M", "401 Token is expired")] {
        admin.advance_clock(advance);
        assert_eq!(fake.client(&token).send(1, 1).short(), expected);
    }
    assert_eq!(fake.client("test-alice@w").send(1, 1).short(), "200 ", "one that names no time is good for ever");
    assert_eq!(fake.client(&log_in()).send(1, 1).short(), "200 ", "and so is a new login");
}

#[rstest]
#[case(json!({}), "A clock takes one of now (a time), advance (a duration such as PT2H) and real (true)")]
#[case(json!({"now": "2100-01-01T00:00:00Z", "real": true}), "A clock takes one of now (a time), advance (a duration such as PT2H) and real (true)")]
#[case(json!({"real": false}), "real: must be true; now and advance set another time")]
#[case(json!({"now": "yesterday"}), "now: \"yesterday\" is not an ISO-8601 time with at most milliseconds, such as \"2026-03-01T10:15:00.000Z\"")]
#[case(json!({"advance": "-PT2H"}), "advance: must be a duration above zero, such as 90d, 12h or PT2H")]
#[case(json!({"advance": 7200}), "advance: invalid type: integer `7200`, expected a string")]
#[case(json!({"advance": "P9000Y"}), "advance: must be a duration such as 90d, 12h or PT2H")]
#[case(json!({"advance": "80000000h"}), "advance: must end before the year 10000")]
#[case(json!({"tomorrow": true}), "tomorrow: unknown field `tomorrow`, expected one of `now`, `advance`, `real`")]
fn a_bad_clock_request_is_refused(#[case] body: Value, #[case] expected: &str) {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    assert_eq!(admin.call("PUT", "/admin/clock", Some(&body)).short(), format!("400 {expected}"));
    assert_eq!(admin.call("GET", "/admin/clock", None).json()["real"], true);
}

#[test]
fn the_clock_is_never_set_back() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    let past = admin.call("PUT", "/admin/clock", Some(&json!({"now": "2020-01-01T00:00:00Z"})));
    assert!(past.short().starts_with("400 now: must not be before 20"), "{past:?}");
    admin.set_clock("2100-01-01T00:00:00Z");
    let past = admin.call("PUT", "/admin/clock", Some(&json!({"now": "2099-12-31T23:59:59.999Z"})));
    assert_eq!(
        past.short(),
        "400 now: must not be before 2100-01-01T00:00:00.000Z, the time of this world; {\"real\":true} and POST /admin/reset lead back"
    );
}
