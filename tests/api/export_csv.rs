//! `surveyd export --csv` and `--anonymize`.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Home, Server, surveyd};

fn export(home: &Home, arguments: &[&str]) -> String {
    let output = home.run(&[&["export"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A world with whatever a CSV file makes difficult.
fn full() -> Home {
    let home = Home::with_sample();
    let full = json!({
        "channels": [{"id": 3, "name": "a;b,c\n\"d\"", "type": "SMS", "deliveryUrl": "http://198.51.100.7/secret-path", "deliveryOff": "Bob asked"}],
        "clients": [{"id": i64::MIN}, {"id": 9, "externalId": "\u{1F600}\"\\\r\n,", "name": " <b> ", "phone": "+7 842"},
                    {"id": 10, "name": "Erin\r", "phone": "+7 842"}],
        "threads": [{"id": 90, "clientId": i64::MIN, "channel": 2, "status": "ANSWER_NEEDED",
                     "startTime": "0001-01-01T00:00:00.000Z", "stateChangeTime": "9999-12-30T00:00:00.999Z"}],
        "forms": [{"id": 9, "name": "Full", "binaryQuestion": true,
                   "question": {"minValue": 1, "maxValue": 5, "kpi": 0.1, "text": "?", "displayText": "!"},
                   "requiredMessageCount": 2, "sendingFrequency": 1, "hideAfter": 300, "channels": [2, 1]}]
    });
    home.write("full.json", &full.to_string());
    assert!(home.run(&["apply", "full.json"]).status.success());
    home
}

#[test]
fn an_import_takes_it_back_unchanged() {
    let (home, other) = (full(), Home::new());
    other.write("on.json", r#"{"settings": {"surveysViaExternalApi": true}}"#);
    assert!(other.run(&["apply", "on.json"]).status.success());
    for list in ["channels", "clients", "threads", "forms"] {
        other.write("list.csv", &export(&home, &["--csv", list]));
        for home in [&home, &other] {
            let output = home.run(&["import", list, other.path("list.csv").to_str().unwrap()]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert_eq!(export(&other, &[]), export(&home, &[]));
    assert!(
        export(&home, &["--csv", "channels"]).starts_with("id,name,type,deliveryUrl,deliveryOff\n1,Web widget,WEB,,\n")
    );
    insta::assert_snapshot!(export(&home, &["--csv", "forms"]), @r"
    id,name,channels,binaryQuestion,question.minValue,question.maxValue,question.kpi,question.text,question.displayText,requiredMessageCount,sendingFrequency,hideAfter
    1,Service quality,1,,,,,,,,,
    2,Mobile app quality,2,,,,,,,,,
    9,Full,1;2,true,1,5,0.1,?,!,2,1,300
    ");
}

/// A closed pipe is no error: `surveyd export --csv threads | head`.
#[test]
fn who_has_read_enough_may_go() {
    let home = full();
    let mut export = home.command(&["export", "--csv", "clients"]);
    let mut export = export.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(export.stdout.take());
    let output = export.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// Nothing of a name is left, and all else is: ids, who shares a phone, what is absent.
#[test]
fn a_production_file_becomes_a_test_world() {
    let home = full();
    let (real, made) = (export(&home, &[]), export(&home, &["--anonymize"]));
    let real_world: Value = serde_json::from_str(&real).unwrap();
    let mut made_world: Value = serde_json::from_str(&made).unwrap();
    for (list, fields) in
        [("clients", &["externalId", "name", "phone"][..]), ("channels", &["name", "deliveryUrl", "deliveryOff"])]
    {
        for row in real_world[list].as_array().unwrap() {
            for text in fields.iter().filter_map(|field| row[field].as_str()) {
                assert!(!made.contains(&Value::from(text).to_string()), "{text}");
            }
        }
    }
    let clients = made_world["clients"].as_array_mut().unwrap();
    let phone = clients[5]["phone"].take();
    assert_eq!((phone.as_str().unwrap().len(), &phone), (12, &clients[6]["phone"]), "who shares a phone still does");
    clients[5]["phone"] = json!("…");
    assert_eq!(clients[..2], [json!({"id": i64::MIN}), json!({"id": 1, "externalId": "ext-1", "name": "Client 1"})]);
    assert_eq!(clients[5], json!({"id": 9, "externalId": "ext-9", "name": "Client 9", "phone": "…"}));
    assert_eq!(
        made_world["channels"][2],
        json!({"id": 3, "name": "Channel 3", "type": "SMS", "deliveryUrl": "http://192.0.2.1/channels/3", "deliveryOff": "off"})
    );
    assert_eq!(made_world["threads"], real_world["threads"]);
    assert_eq!(made_world["forms"][2]["name"], "Form 9");
    assert_eq!(made_world["forms"][2]["question"], real_world["forms"][2]["question"]);
    let csv = export(&home, &["--csv", "clients", "--anonymize"]);
    assert!(csv.contains("\n1,ext-1,Client 1,\n") && !csv.contains("Alice"), "{csv}");
    // It is a world, and a fake takes it.
    home.write("made.json", &made);
    assert!(home.run(&["apply", "made.json"]).status.success());
    let mut command = surveyd();
    command.args(["fake", "--listen", "127.0.0.1:0", "--world"]).arg(home.path("made.json"));
    let fake = Server::start(command);
    let target = json!({"type": "externalClientId", "id": "ext-1"});
    assert_eq!(fake.client("test-crm").send_to(&target, 1).short(), "200 ");
}
