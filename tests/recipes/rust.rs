//! A test suite in Rust that uses the fake as a library, in its own process. To run: `cargo test --test recipe`
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{thread, time::Duration};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use surveyd::Fake;
use ureq::Agent;

/// The code under test: sends a form to a client, and retries once after a 503, when Retry-After is over.
fn send_survey(url: &str, token: &str, client_id: i64, form_id: i64) -> Result<()> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let body = json!({"clientId": {"type": "internalClientId", "id": client_id}, "qualityFormId": form_id});
    let send = || {
        let request =
            agent.post(format!("{url}/api/v1/quality/send")).header("Authorization", format!("Bearer {token}"));
        request.content_type("application/json").send(body.to_string())
    };
    let mut response = send()?;
    if response.status() == 503 {
        thread::sleep(Duration::from_secs(response.headers()["Retry-After"].to_str()?.parse()?));
        response = send()?;
    }
    if response.status().is_success() { Ok(()) } else { Err(anyhow!(response.into_body().read_to_string()?)) }
}

/// Calls an admin route in a world: a database of its own, created when a token first names it.
fn admin(fake: &Fake, world: &str, path: &str) -> Value {
    let request = ureq::get(format!("{}/admin/{path}", fake.url()));
    let request = request.header("Authorization", format!("Bearer {}", fake.token(&format!("admin@{world}"))));
    serde_json::from_str(&request.call().unwrap().into_body().read_to_string().unwrap()).unwrap()
}

#[test]
fn each_world_has_its_own_sends() {
    let fake = Fake::start().unwrap(); // it stops when it is dropped
    thread::scope(|scope| {
        scope.spawn(|| send_survey(&fake.url(), &fake.token("crm@w1"), 1, 1).unwrap());
        scope.spawn(|| send_survey(&fake.url(), &fake.token("crm@w2"), 3, 2).unwrap());
    });
    let (one, two) = (fake.sends_of("w1").unwrap(), fake.sends_of("w2").unwrap());
    assert_eq!([one.len(), two.len()], [1, 1]);
    assert_eq!([one[0].client_id.0, two[0].client_id.0], [1, 3]);
}

#[test]
fn a_refusal_can_be_explained() {
    let fake = Fake::start().unwrap();
    let refusal = send_survey(&fake.url(), &fake.token("crm@w1"), 2, 1).unwrap_err();
    assert!(refusal.to_string().contains("Client has open thread"), "{refusal}");
    let attempts = admin(&fake, "w1", "attempts?client=2");
    let rules = attempts.as_array().and_then(|attempts| attempts.last()?["rules"].as_array()).unwrap();
    assert!(
        rules.contains(&json!({"rule": "noOpenThread", "state": "failed", "row": "/admin/threads/3"})),
        "{rules:?}"
    );
}

#[test]
fn a_503_is_retried() {
    let fake = Fake::start().unwrap();
    let fault = json!({"times": 1, "status": 503, "retryAfter": 0}).to_string();
    let request = ureq::post(format!("{}/admin/faults", fake.url())).content_type("application/json");
    request.header("Authorization", format!("Bearer {}", fake.token("admin@w1"))).send(fault).unwrap();
    send_survey(&fake.url(), &fake.token("crm@w1"), 1, 1).unwrap();
    assert_eq!(fake.sends_of("w1").unwrap().len(), 1);
}

#[test]
fn a_send_can_be_waited_for() {
    let fake = Fake::start().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| admin(&fake, "w1", "sends?wait=5s&count=1"));
        send_survey(&fake.url(), &fake.token("crm@w1"), 1, 1).unwrap();
        assert_eq!(waiting.join().unwrap()[0]["clientId"], 1); // there would be none after 5 s without a send
    });
}
