//! A fake and a server of ours differ in nothing from the contract.

use serde_json::json;

use super::{Verified, argument, cases, command, run, spring_like::PREPARED, verify_in};
use crate::harness::{Server, TestFolder};

fn names(verified: &Verified) -> Vec<String> {
    cases(&verified.report()).iter().map(|case| case["case"].as_str().unwrap().to_owned()).collect()
}

fn not_asked(verified: &Verified) -> Vec<String> {
    let report = verified.report();
    report["notAsked"].as_array().unwrap().iter().map(|row| row["case"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_fake_differs_in_nothing() {
    let (fake, folder) = (Server::fake(), TestFolder::new());
    let url = format!("http://{}", fake.address);
    let wrong_role = folder.write("wrong-role", "test-wrongrole\n");
    let expired = folder.write("expired", "test-expired\n");
    let (wrong_role, expired) = (argument(&wrong_role), argument(&expired));
    let by_default = verify_in(&folder, &url, &[]);
    by_default.assert_no_difference();
    assert_eq!(
        not_asked(&by_default),
        ["tokenExpired", "wrongRole", "flagOff", "openThread", "noClosedThread", "formNotEnabled", "sent"]
    );
    let mut with_all = vec!["--wrong-role-token-file", wrong_role, "--expired-token-file", expired];
    with_all.extend(PREPARED);
    let prepared = verify_in(&folder, &url, &with_all);
    prepared.assert_no_difference();
    assert_eq!(not_asked(&prepared), ["flagOff", "sent"]);
    with_all.extend(["--closed-client", "1", "--send"]);
    let sending = verify_in(&folder, &url, &with_all);
    sending.assert_no_difference();
    assert_eq!(not_asked(&sending), ["flagOff"]);
    let sends = fake.client("test-admin").all_sends();
    assert_eq!(sends.iter().map(|send| &send["clientId"]).collect::<Vec<_>>(), [1]);
    assert!(names(&sending).contains(&"sent".to_owned()));
}

#[test]
fn an_address_may_end_with_a_slash() {
    let (fake, folder) = (Server::fake(), TestFolder::new());
    verify_in(&folder, &format!("http://localhost:{}/", fake.address.port()), &[]).assert_no_difference();
}

#[test]
fn a_fake_whose_flag_is_off_differs_in_nothing() {
    let (fake, folder) = (Server::fake(), TestFolder::new());
    let url = format!("http://{}", fake.address);
    fake.client("test-admin").set_surveys(false);
    let verified = verify_in(&folder, &url, &["--flag-is-off"]);
    verified.assert_no_difference();
    assert!(names(&verified).contains(&"flagOff".to_owned()), "{verified:?}");
    let off: Vec<_> = verified.report()["notAsked"].as_array().unwrap().clone();
    assert!(
        off.iter().any(|row| *row == json!({"case": "clientNotFound", "why": "surveys via the external API are off"})),
        "{off:?}"
    );
}

#[test]
fn a_login_gets_the_token() {
    let (fake, folder) = (Server::fake(), TestFolder::new());
    let url = format!("http://{}", fake.address);
    let password = folder.write("password", "any password\n");
    let arguments = ["--rate", "0", "--json", "--login", "alice", "--password-file", argument(&password)];
    let verified = run(&mut command(&url, &arguments), "");
    verified.assert_no_difference();
    assert!(!verified.stdout.contains("any password") && !verified.stderr.contains("any password"));
}

#[test]
fn a_server_differs_in_nothing() {
    let folder = TestFolder::with_sample();
    let (token, wrong_role) = (folder.token("crm", "integrator"), folder.token("bot", "admin"));
    let (token, wrong_role) = (folder.write("token", &token), folder.write("wrong-role", &wrong_role));
    let server = folder.serve();
    let url = format!("http://{}", server.address);
    let mut arguments = vec!["--rate", "0", "--json", "--token-file", argument(&token)];
    arguments.extend(["--wrong-role-token-file", argument(&wrong_role), "--closed-client", "1", "--send"]);
    arguments.extend(PREPARED);
    let verified = run(&mut command(&url, &arguments), "");
    verified.assert_no_difference();
    assert_eq!(not_asked(&verified), ["tokenExpired", "flagOff"]);
}
