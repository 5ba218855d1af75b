//! `surveyd settings`: shows and changes the system settings, next to a server.

use crate::harness::TestFolder;

#[test]
fn a_command_turns_surveys_off_for_the_next_send() {
    let folder = TestFolder::with_sample();
    let (ops, crm) = (folder.token("ops", "admin"), folder.token("crm", "integrator"));
    let server = folder.serve();
    let (mut admin, mut crm) = (server.client(&ops), server.client(&crm));
    let set = |value: &str| folder.run_ok(&["settings", "surveysViaExternalApi", value]);
    let shown = |arguments: &[&str]| folder.stdout_of(&[&["settings"], arguments].concat());
    assert_eq!(shown(&[]), "surveysViaExternalApi on\n");
    assert_eq!(crm.send(1, 1).short(), "200 ");
    assert_eq!(set("off"), "surveyd: surveysViaExternalApi is off now");
    assert_eq!(crm.send(1, 1).short(), "409 Sending surveys via external api is disabled");
    assert_eq!(set("off"), "surveyd: surveysViaExternalApi is off already");
    assert_eq!(shown(&["surveysViaExternalApi"]), "surveysViaExternalApi off\n");
    assert_eq!(shown(&["--json"]), "{\"surveysViaExternalApi\":false}\n");
    assert_eq!(admin.call("GET", "/admin/settings", None).body, r#"{"surveysViaExternalApi":false}"#);
    for (value, sentence) in [("true", "is on now"), ("on", "is on already"), ("false", "is off now")] {
        assert_eq!(set(value), format!("surveyd: surveysViaExternalApi {sentence}"));
    }
    // The audit has a row for each change, as of the route, and none for what was so already.
    let rows = admin.call("GET", "/admin/audit?object=settings&after=1", None).json();
    let changes: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| format!("{} {}", row["action"], row["after"])).collect();
    let change = |on: bool| format!(r#""change" {{"surveysViaExternalApi":{on}}}"#);
    assert_eq!(changes, [change(false), change(true), change(false)]);
}

#[test]
fn a_bad_setting_is_refused_in_one_sentence() {
    let folder = TestFolder::with_sample();
    let unknown = |name: &str| {
        format!(
            "surveyd: there is no setting {name:?} in the database; there is surveysViaExternalApi; `surveyd config` shows those of settings.toml"
        )
    };
    for name in ["listen", "surveysviaexternalapi", "off"] {
        assert_eq!(folder.run_error(&["settings", name]), unknown(name));
        assert_eq!(folder.run_error(&["settings", name, "on"]), unknown(name));
    }
    for value in ["", "of", "OFF", "0"] {
        assert_eq!(
            folder.run_error(&["settings", "surveysViaExternalApi", value]),
            format!("surveyd: surveysViaExternalApi must be on or off (or true or false), not {value:?}")
        );
    }
    assert_eq!(folder.stdout_of(&["settings"]), "surveysViaExternalApi on\n");
    // No file is made by a mistake.
    let elsewhere = TestFolder::new();
    for arguments in [&["settings"][..], &["settings", "surveysViaExternalApi", "off"]] {
        assert!(
            elsewhere.run_error(arguments).starts_with("surveyd: there is no database surveyd.db"),
            "{arguments:?}"
        );
    }
    assert_eq!(elsewhere.files(), [] as [&str; 0]);
}
