//! `surveyd export --csv` and `--anonymize`.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Channel, ClientRow, Form, Server, TestFolder, Thread, World};

fn export(folder: &TestFolder, arguments: &[&str]) -> String {
    let output = folder.run(&[&["export"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A world with whatever a CSV file makes difficult.
fn full() -> TestFolder {
    let folder = TestFolder::with_sample();
    let channel = Channel::new(3).set("name", "a;b,c\n\"d\"").set("type", "SMS").set("deliveryOff", "Bob asked");
    let named = ClientRow::new(9).external_id("\u{1F600}\"\\\r\n,").set("name", " <b> ").set("phone", "+7 842");
    let world = World::new()
        .with(channel.delivery_url("http://198.51.100.7/secret-path"))
        .with_all([ClientRow::new(i64::MIN), named])
        .with(ClientRow::new(10).set("name", "Erin\r").set("phone", "+7 842"))
        .with(Thread::longest(90).client(i64::MIN).channel(2))
        .with(Form::full(9).set("channels", [2, 1].as_slice()));
    folder.apply(world);
    folder
}

#[test]
fn an_exported_csv_is_imported_unchanged() {
    let (folder, other) = (full(), TestFolder::new());
    other.apply(World::new().surveys(true));
    for list in ["channels", "clients", "threads", "forms"] {
        other.write("list.csv", &export(&folder, &["--csv", list]));
        for folder in [&folder, &other] {
            let output = folder.run(&["import", list, other.path("list.csv").to_str().unwrap()]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert_eq!(export(&other, &[]), export(&folder, &[]));
    assert!(
        export(&folder, &["--csv", "channels"])
            .starts_with("id,name,type,deliveryUrl,deliveryOff\n1,Web widget,WEB,,\n")
    );
    insta::assert_snapshot!(export(&folder, &["--csv", "forms"]), @r"
    id,name,channels,binaryQuestion,question.minValue,question.maxValue,question.kpi,question.text,question.displayText,requiredMessageCount,sendingFrequency,hideAfter
    1,Service quality,1,,,,,,,,,
    2,Mobile app quality,2,,,,,,,,,
    9,Full,1;2,true,1,5,0.1,?,!,2,1,300
    ");
}

/// A closed pipe is no error: `surveyd export --csv threads | head`.
#[test]
fn a_closed_pipe_is_no_error() {
    let folder = full();
    let mut export = folder.command(&["export", "--csv", "clients"]);
    let mut export = export.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(export.stdout.take());
    let output = export.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// No name remains. Everything else does: ids, shared phones, missing fields.
#[test]
fn an_anonymized_export_keeps_everything_but_the_names() {
    let folder = full();
    let (real, made) = (export(&folder, &[]), export(&folder, &["--anonymize"]));
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
    // Alice has a phone of her own.
    clients[1].as_object_mut().unwrap().remove("phone").unwrap();
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
    let csv = export(&folder, &["--csv", "clients", "--anonymize"]);
    assert!(csv.contains("\n1,ext-1,Client 1,000") && !csv.contains("Alice"), "{csv}");
    // It is a world, and a fake takes it.
    folder.write("made.json", &made);
    folder.run_ok(&["apply", "made.json"]);
    let fake = Server::fake_with(&["--world", folder.path("made.json").to_str().unwrap()]);
    let target = json!({"type": "externalClientId", "id": "ext-1"});
    assert_eq!(fake.client("test-crm").send_to(&target, 1).short(), "200 ");
}
