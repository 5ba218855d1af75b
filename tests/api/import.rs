//! `surveyd import`: applies every valid row, and reports every other by its line.

use std::{fmt::Write as _, io::Write as _, process::Stdio};

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{TestFolder, Thread, command_author, tool};

fn rows(folder: &TestFolder, list: &str) -> Vec<Value> {
    let output = folder.run(&["export"]);
    let world: Value = serde_json::from_slice(&output.stdout).unwrap();
    world[list].as_array().unwrap().clone()
}

/// The import of a file, and what it said: code, stdout, stderr.
fn import(folder: &TestFolder, list: &str, csv: impl AsRef<[u8]>, more: &[&str]) -> (Option<i32>, String, String) {
    std::fs::write(folder.path("in.csv"), csv).unwrap();
    let output = folder.run(&[&["import", list, "in.csv"], more].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn applied(count: usize) -> (Option<i32>, String, String) {
    (
        Some(0),
        String::new(),
        format!("surveyd: {count} rows of in.csv are read: {count} are applied to surveyd.db, 0 are rejected\n"),
    )
}

const TIMES: &str = "2026-03-01T10:00:00.000Z,2026-03-01T10:15:00.000Z";

#[test]
fn every_list_is_imported() {
    let folder = TestFolder::with_sample();
    let url = "http://192.0.2.7/surveys";
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
    let csv = format!("type,id,name,deliveryUrl,deliverySecret,deliveryOff\nSMS,7,\"S, M\",{url},{secret},moving\n");
    assert_eq!(import(&folder, "channels", csv, &[]), applied(1));
    let csv = "name,id,phone,externalId\n\"Zoë \"\"Z\"\"\nof two lines\",9007199254740993,+7 1,crm-z\n,-5,,\n";
    assert_eq!(import(&folder, "clients", csv, &[]), applied(2));
    let csv = format!("id,clientId,channel,status,startTime,stateChangeTime\n70,-5,7,IN_PROGRESS,{TIMES}\n");
    assert_eq!(import(&folder, "threads", csv, &[]), applied(1));
    let csv = "id,name,channels,question.text,question.kpi,question.maxValue,binaryQuestion,hideAfter\n\
               2,Two,1;7,?,4.5,5,false,300\n3,Three,,,,,,\n";
    assert_eq!(import(&folder, "forms", csv, &[]), applied(2));
    assert_eq!(
        rows(&folder, "channels")[2],
        json!({"id": 7, "name": "S, M", "type": "SMS", "deliveryUrl": url, "deliveryOff": "moving"})
    );
    let clients = rows(&folder, "clients");
    assert_eq!(clients[0], json!({"id": -5}));
    assert_eq!(
        clients[5],
        json!({"id": 9_007_199_254_740_993_i64, "externalId": "crm-z", "name": "Zoë \"Z\"\nof two lines", "phone": "+7 1"})
    );
    assert_eq!(rows(&folder, "threads")[4], Thread::open(70, "IN_PROGRESS").client(-5).channel(7).json());
    assert_eq!(
        rows(&folder, "forms")[1..],
        [
            json!({"id": 2, "name": "Two", "binaryQuestion": false, "hideAfter": 300, "channels": [1, 7],
                   "question": {"text": "?", "kpi": 4.5, "maxValue": 5}}),
            json!({"id": 3, "name": "Three", "channels": []})
        ]
    );
    let audit: Vec<Value> = serde_json::from_slice(&folder.run(&["audit", "--json"]).stdout).unwrap();
    let reported: Vec<_> =
        audit[2..].iter().map(|row| format!("{} {} {}", row["who"], row["object"], row["after"])).collect();
    let author = command_author();
    let expected = [("channels", 1), ("clients", 2), ("threads", 1), ("forms", 2)]
        .map(|(list, applied)| format!(r#""{author}" "{list}" {{"applied":{applied},"rejected":0}}"#));
    assert_eq!(reported, expected, "a row for each import");
}

/// A byte-order mark, semicolons, CRLF, empty lines, spaces in the header: as spreadsheets save them.
#[rstest]
#[case("\u{feff}id,externalId,name\n9,crm-9,Nine\n")]
#[case("id;externalId;name\r\n9;crm-9;Nine\r\n")]
#[case("\u{feff}id;name;externalId\r\n9;Nine;crm-9")]
#[case("id,externalId,name\r\n\r\n9,\"crm-9\",\"Nine\"\r\n\r\n")]
#[case("\"id\", externalId ,name\n\n9,crm-9,Nine\n\n")]
#[case("id,externalId,name\r9,crm-9,Nine\r")]
#[case("\u{feff}sep=;\r\nid;externalId;name\r\n9;crm-9;Nine\r\n")]
#[case("\"sep=\t\"\nid\texternalId\tname\n9\tcrm-9\tNine\n")]
#[case("SEP=|\rid|externalId|name\r9|crm-9|Nine")]
fn a_csv_file_of_a_spreadsheet_is_imported(#[case] csv: &str) {
    let folder = TestFolder::with_sample();
    assert_eq!(import(&folder, "clients", csv, &[]), applied(1));
    assert_eq!(rows(&folder, "clients")[4], json!({"id": 9, "externalId": "crm-9", "name": "Nine"}));
}

/// A problem of the whole file is one sentence, and nothing is applied.
#[rstest]
#[case(b"", "it has no header; its first line must name the columns, which are id, externalId, name, phone")]
#[case(b"\n\n", "it has no header; its first line must name the columns, which are id, externalId, name, phone")]
#[case(
    b"id,external_id\n9,x\n",
    "its header has an unknown column \"external_id\"; the columns are id, externalId, name, phone"
)]
#[case(b"9,crm-9,Nine\n", "its header has an unknown column \"9\"; the columns are id, externalId, name, phone")]
#[case(
    b"id\tname\n9\tNine\n",
    "its header has an unknown column \"id\\tname\"; the columns are id, externalId, name, phone"
)]
#[case(b"id,name,id\n9,Nine,9\n", "its header has the column id twice")]
#[case(b"name\nNine\n", "its header lacks the column id; the columns are id, externalId, name, phone")]
#[case(b"\xff\xfei\0d\0\n\0", "it is UTF-16, and must be UTF-8; save it as \"CSV UTF-8\"")]
#[case(b"id,n\xe4me\n9,x\n", "its first line is not UTF-8")]
fn a_bad_csv_file_is_refused_as_a_whole(#[case] csv: &[u8], #[case] expected: &str) {
    let folder = TestFolder::with_sample();
    std::fs::write(folder.path("in.csv"), csv).unwrap();
    let said = folder.run_error(&["import", "clients", "in.csv"]);
    assert_eq!(said, format!("surveyd: the CSV file in.csv cannot be imported: {expected}"));
    assert_eq!(rows(&folder, "clients").len(), 4);
}

#[test]
fn a_missing_file_or_database_is_named() {
    let folder = TestFolder::new();
    assert!(folder.run_error(&["import", "clients", "in.csv"]).contains("cannot read the CSV file in.csv"));
    folder.write("in.csv", "id\n1\n");
    assert!(folder.run_error(&["import", "clients", "in.csv"]).contains("there is no database surveyd.db"));
    assert!(!folder.path("surveyd.db").exists());
}

/// Each rejected row is reported with the line it begins on; the others are applied.
#[test]
fn a_rejected_row_is_reported_by_its_line() {
    let folder = TestFolder::with_sample();
    let long = "x".repeat(256);
    let mut csv = "id,externalId,name,phone\r\n10,a,\"two\r\nlines\",\r\n".as_bytes().to_vec();
    for row in [
        "x1,b,,",
        "11,crm-1,,",
        "12,a,,",
        ",b,,",
        "13,b,",
        "14,b,,,",
        &format!("15,{long},,"),
        "16,,,",
        "17,\"q\r\n\",,",
    ] {
        csv.extend(row.as_bytes());
        csv.extend(b"\r\n");
    }
    csv.extend(b"18,\xff,,\r\n99999999999999999999,,,\r\n19,c,,");
    let (code, out, said) = import(&folder, "clients", &csv, &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(said, @r#"
    surveyd: line 4: id: "x1" is not a 64-bit integer
    surveyd: line 5: externalId: "crm-1" belongs to client 1
    surveyd: line 6: externalId: "a" belongs to client 10
    surveyd: line 7: id: is missing
    surveyd: line 8: has 3 fields where the header has 4
    surveyd: line 9: has 5 fields where the header has 4
    surveyd: line 10: externalId: must be 1 to 255 characters
    surveyd: line 14: externalId: is not UTF-8
    surveyd: line 15: id: "99999999999999999999" is out of range; it must be from -9223372036854775808 to 9223372036854775807
    surveyd: 13 rows of in.csv are read: 4 are applied to surveyd.db, 9 are rejected; correct those lines and import the file again
    "#);
    let ids: Vec<_> = rows(&folder, "clients").iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 10, 16, 17, 19]);
}

#[rstest]
#[case("threads", "id,clientId,channel,status,startTime,stateChangeTime", &format!("9,77,1,CLOSED,{TIMES}"), "clientId", "no client 77")]
#[case("threads", "id,clientId,channel,status,startTime,stateChangeTime", &format!("9,1,77,CLOSED,{TIMES}"), "channel", "no channel 77")]
#[case("threads", "id,clientId,channel,status,startTime,stateChangeTime", &format!("9,1,1,closed,{TIMES}"), "status", "\"closed\" is none of NEW, UNASSIGNED, SUSPENDED, ASSIGNED, REASSIGNED, ANSWER_NEEDED, WAITING, IN_PROGRESS, CLOSED")]
#[case(
    "threads",
    "id,clientId,channel,status,startTime,stateChangeTime",
    "9,1,1,CLOSED,01.03.2026,2026-03-01T10:15:00Z",
    "startTime",
    "\"01.03.2026\" is not an ISO-8601 time with at most milliseconds, such as \"2026-03-01T10:15:00.000Z\""
)]
#[case(
    "threads",
    "id,clientId,channel,status,startTime,stateChangeTime",
    "9,1,1,CLOSED,2026-03-01T10:15:00Z,2026-03-01T10:14:00Z",
    "stateChangeTime",
    "must not be before startTime"
)]
#[case("forms", "id,name,channels", "1,Changed,1;77", "channels", "no channel 77")]
#[case(
    "forms",
    "id,name,channels",
    "1,Changed,one",
    "channels",
    "must be ids of channels with ; between them, such as 1;2"
)]
#[case("forms", "id,name,question.kpi", "1,Changed,NaN", "question.kpi", "must be finite")]
#[case("forms", "id,name,binaryQuestion", "1,Changed,yes", "binaryQuestion", "\"yes\" is not true or false")]
#[case(
    "channels",
    "id,name,type,deliveryUrl",
    "1,Changed,WEB,ftp://x/",
    "deliveryUrl",
    "must be an http or https URL of at most 2000 bytes, such as https://gateway.example/surveys"
)]
#[case(
    "channels",
    "id,name,type,deliverySecret",
    "1,Changed,WEB,whsec_abc",
    "deliverySecret",
    "must be whsec_ and 24 to 64 bytes in base64"
)]
fn a_row_that_breaks_a_rule_is_rejected(
    #[case] list: &str,
    #[case] header: &str,
    #[case] row: &str,
    #[case] field: &str,
    #[case] reason: &str,
) {
    let folder = TestFolder::with_sample();
    let before = rows(&folder, list);
    let (code, report, said) = import(&folder, list, format!("{header}\n{row}\n"), &["--report", "-"]);
    let mut expected = csv::Writer::from_writer(Vec::new());
    expected.write_record(["line", "field", "reason"]).unwrap();
    expected.write_record(["2", field, reason]).unwrap();
    assert_eq!(report, String::from_utf8(expected.into_inner().unwrap()).unwrap());
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("surveyd: 1 rows of in.csv are read: 0 are applied to surveyd.db, 1 are rejected"),
        "{said}"
    );
    assert_eq!(rows(&folder, list), before, "nothing of the row was put");
}

/// An address that may not be called is refused here as everywhere.
#[test]
fn a_delivery_url_is_checked() {
    let folder = TestFolder::with_sample();
    let csv = "id,name,type,deliveryUrl\n1,Web,WEB,http://169.254.169.254/\n";
    let (code, _, said) = import(&folder, "channels", csv, &[]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("surveyd: line 2: deliveryUrl: ") && said.contains("cloud metadata"), "{said}");
}

/// 10,000 bad rows among valid ones: twenty are shown, a report has all of them, and a dry run reports the same.
#[test]
fn ten_thousand_wrong_rows_are_counted() {
    let folder = TestFolder::with_sample();
    let mut csv = String::from("id,externalId\n");
    for id in 10..20_010 {
        let external_id = if id % 2 == 0 { format!("new-{id}") } else { format!("new-{}", id - 1) };
        writeln!(csv, "{id},{external_id}").unwrap();
    }
    let before = folder.run(&["export"]).stdout;
    let (code, _, said) = import(&folder, "clients", &csv, &["--dry-run", "--report", "dry.csv"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        said,
        "surveyd: 20000 rows of in.csv are read: 10000 can be applied to surveyd.db, 10000 would be rejected; nothing was written; correct those lines and import the file again\n"
    );
    assert_eq!(folder.run(&["export"]).stdout, before);
    let (code, _, said) = import(&folder, "clients", &csv, &[]);
    assert_eq!(code, Some(1));
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 22, "{said}");
    assert_eq!(lines[0], "surveyd: line 3: externalId: \"new-10\" belongs to client 10");
    assert_eq!(lines[20], "surveyd: and 9980 more; --report FILE has them all");
    assert!(
        lines[21]
            .starts_with("surveyd: 20000 rows of in.csv are read: 10000 are applied to surveyd.db, 10000 are rejected")
    );
    assert_eq!(import(&folder, "clients", &csv, &["--report", "wet.csv"]).0, Some(1));
    let read = |name| std::fs::read_to_string(folder.path(name)).unwrap();
    assert_eq!(read("wet.csv"), read("dry.csv"));
    assert_eq!(read("wet.csv").lines().count(), 10_001);
    let audit: Vec<Value> = serde_json::from_slice(&folder.run(&["audit", "--json"]).stdout).unwrap();
    let last = audit.last().unwrap();
    assert_eq!((&last["action"], &last["after"]), (&json!("import"), &json!({"applied": 10_000, "rejected": 10_000})));
}

/// A dry run changes nothing and needs no lock: here another process holds the write lock all the time.
#[test]
fn a_dry_run_takes_no_lock() {
    let folder = TestFolder::with_sample();
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let csv = format!("id,clientId,channel,status,startTime,stateChangeTime\n9,1,1,CLOSED,{TIMES}\n");
    let (code, _, said) = import(&folder, "threads", csv, &["--dry-run"]);
    assert_eq!(
        (code, said.as_str()),
        (
            Some(0),
            "surveyd: 1 rows of in.csv are read: 1 can be applied to surveyd.db, 0 would be rejected; nothing was written\n"
        )
    );
}

/// A quote that is never closed costs its own line and no other, and does not take the rest of the file into memory.
#[rstest]
#[case("10,\"Ten\n", "has a quote that is never closed; the next line is read as a row of its own")]
#[case(
    "10,\"Ten\n11,\"Eleven\"\n",
    "has a quoted field whose closing quote, on line 4, is followed by more text; write a quote within a field twice"
)]
fn no_row_is_lost_behind_a_quote(#[case] bad: &str, #[case] reason: &str, #[values(3, 100_000)] after: usize) {
    let folder = TestFolder::with_sample();
    let mut csv = format!("id,name\n9,Nine\n{bad}");
    (0..after).for_each(|row| writeln!(csv, "{},another", 100 + row).unwrap());
    let (code, _, said) = import(&folder, "clients", &csv, &[]);
    let read = csv.lines().count() - 1;
    assert_eq!(code, Some(1));
    assert_eq!(
        said,
        format!(
            "surveyd: line 3: {reason}\nsurveyd: {read} rows of in.csv are read: {} are applied to surveyd.db, 1 are rejected; correct those lines and import the file again\n",
            read - 1
        )
    );
    assert_eq!(rows(&folder, "clients").len(), 4 + read - 1);
}

/// A line without an end ends the import with a sentence that counts what was read.
#[test]
fn a_line_without_an_end_ends_the_import() {
    let folder = TestFolder::with_sample();
    let csv = format!("id,name\n9,Nine\n10,{}\n", "x".repeat(1024 * 1024));
    let (code, _, said) = import(&folder, "clients", csv, &[]);
    assert_eq!(code, Some(1));
    let expected = "then the import ended: it cannot be read on from line 3: a line of more than 1048576 bytes\n";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn a_pipe_is_imported() {
    let folder = TestFolder::with_sample();
    let mut import = folder.command(&["import", "clients", "-"]);
    let mut import = import.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(b"id\n9\n").unwrap();
    let output = import.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "surveyd: 1 rows of - are read: 1 are applied to surveyd.db, 0 are rejected\n"
    );
}

/// An import is many transactions: between them the server goes on to send, and sees the new rows.
#[test]
fn sends_go_on_during_an_import() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let mut csv = String::from("id,clientId,channel,status,startTime,stateChangeTime\n");
    for id in 10..50_010 {
        writeln!(csv, "{id},{},1,CLOSED,{TIMES}", 3 + id % 2).unwrap();
    }
    folder.write("in.csv", &csv);
    let mut crm = server.client(&token);
    let mut import = folder.command(&["import", "threads", "in.csv"]).stderr(Stdio::null()).spawn().unwrap();
    let mut sent = 0;
    let status = loop {
        assert_eq!(crm.send(1, 1).short(), "200 ");
        sent += 1;
        if let Some(status) = import.try_wait().unwrap() {
            break status;
        }
    };
    assert!(status.success());
    assert!(sent > 20, "only {sent} sends came through");
    assert_eq!(crm.send(4, 1).short(), "200 ", "the client has threads now");
}

/// An import that reports success is durable: while a server runs, the import itself syncs the log, also through a link.
#[test]
fn applied_rows_are_synced_to_the_disk() {
    let folder = TestFolder::with_sample();
    std::os::unix::fs::symlink("surveyd.db", folder.path("link.db")).unwrap();
    folder.write("in.csv", "id,externalId\n77,crm-77\n");
    let _server = folder.serve();
    for database in ["surveyd.db", "link.db"] {
        let Some(mut command) = tool("strace") else { return };
        command.args(["-f", "-qq", "-y", "-e", "trace=fsync,fdatasync", "-o", "syncs", env!("CARGO_BIN_EXE_surveyd")]);
        command.args(["import", "clients", "in.csv", "--database", database]).current_dir(folder.path(""));
        assert!(command.status().unwrap().success());
        let syncs = std::fs::read_to_string(folder.path("syncs")).unwrap();
        assert!(syncs.contains("/surveyd.db-wal>"), "{database}: {syncs}");
    }
}
