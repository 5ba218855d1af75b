//! The commands of the documents work, in their order, in an empty folder. Their output is in the snapshots of these tests, so
//! that the text of a document can be compared with it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use regex_lite::Regex;
use serde_json::Value;

use crate::harness::{Receiver, Server, TestFolder, tool};

/// Commands that are not run as written, and the reason.
const ELSEWHERE: [&str; 4] = [
    // The two servers are there already.
    "cargo run --release -- fake",
    "surveyd serve",
    CALIBRATED,
    // This is part of it.
    "cargo test",
];

/// The start of a calibrated fake.
const CALIBRATED: &str = "surveyd fake --answers answers.json";

/// Between what two commands said.
const END: char = '\u{1e}';

/// A fake and a server, which both answer at 8080 as far as the documents go, and a gateway.
struct Setup {
    folder: TestFolder,
    /// The fake and the server, in this order.
    servers: Vec<Server>,
    gateway: Receiver,
    /// Names that differ: in this test, and in the documents.
    names: [(String, &'static str); 3],
}

impl Setup {
    /// None where a program is missing that the documents use.
    fn new() -> Option<Self> {
        for name in ["bash", "curl", "gzip"] {
            tool(name)?;
        }
        let folder = TestFolder::new();
        // Only what went wrong, and not how far it has come.
        folder.write(".curlrc", "silent\nshow-error\n");
        let (fake, server, gateway) = (Server::fake(), folder.serve(), Receiver::accepting());
        let names = [
            (fake.address.to_string(), "127.0.0.1:8080"),
            (server.address.to_string(), "127.0.0.1:8080"),
            (gateway.url(), "http://127.0.0.1:9000/surveys"),
        ];
        Some(Self { folder, servers: vec![fake, server], gateway, names })
    }

    /// Runs commands one after another in one shell; yields what each has said, and how it ended unless well.
    fn run(&self, commands: &[String]) -> Vec<String> {
        let [(fake, at), (server, _), (gateway, surveys)] = &self.names;
        let script = |command: &String| {
            let answers = if command.contains("test-") { fake } else { server };
            let command = command.replace(at, answers).replace(surveys, gateway);
            let command = if ELSEWHERE.contains(&command.as_str()) { "echo '(not run here)'" } else { &command };
            format!("{command}\n(exit $?) || echo \"exit code $?\"\nprintf '\\036'\n")
        };
        let script: String = commands.iter().map(script).collect();
        let program = Path::new(env!("CARGO_BIN_EXE_surveyd")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("exec 2>&1\n{script}")]).current_dir(self.folder.path("")).stdin(Stdio::null());
        shell.env_clear().envs([("PATH", path.as_str()), ("HOME", "."), ("TERM", "dumb")]);
        let said = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        let said: Vec<_> = said.split_terminator(END).map(|said| self.without_chance(said)).collect();
        assert_eq!(said.len(), commands.len(), "{said:?}");
        said
    }

    /// Without what differs from run to run.
    fn without_chance(&self, said: &str) -> String {
        let mut said = said.replace('\r', "");
        for (here, there) in &self.names {
            said = said.replace(here, there);
        }
        for (chance, word) in [
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?Z?)?", "TIME"),
            (r"(?m)^Date: .*", "Date: TIME"),
            (r"[0-9a-f]{16}-[0-9a-f]+", "REQUEST"),
            (r"curl/[0-9.]+", "curl/VERSION"),
            (r"\bsurveyd_[0-9a-f]{64}", "TOKEN"),
            (r"\bwhsec_[A-Za-z0-9+/=]+", "SECRET"),
            (r"\b\d+ bytes", "N bytes"),
            (r"\bcli:[\w.:-]+", "cli:USER"),
            (r"\b[0-9.]+ ([KMGT]i)?B\b", "SIZE"),
            (r#""(bytes|logBytes|freeBytes)":\d+"#, "\"$1\":N"),
            (r#""version":"[0-9.]+""#, "\"version\":\"VERSION\""),
            (r"\b\d+ (s|min|h|days) ago", "AGE ago"),
            (r"\bsurveyd \d+\.\d+\.\d+", "surveyd VERSION"),
            (r"(?m)^surveyd_[a-z_]+(\{.*\})? [0-9.]+\n", ""),
        ] {
            said = Regex::new(chance).unwrap().replace_all(&said, word).into_owned();
        }
        in_order(said.trim_end())
    }
}

/// Headers have no order of their own: each server has another one.
fn in_order(said: &str) -> String {
    let is_head = said.starts_with("HTTP/1.1 ");
    let Some((head, body)) = said.split_once("\n\n").or(Some((said, ""))).filter(|_| is_head) else {
        return said.to_owned();
    };
    let mut lines: Vec<_> = head.lines().collect();
    lines[1..].sort_unstable();
    format!("{}\n\n{body}", lines.join("\n")).trim_end().to_owned()
}

/// The blocks of a document: the language of each, and its lines.
fn blocks(document: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let (mut blocks, mut open) = (Vec::<(String, Vec<String>)>::new(), false);
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            open = !open;
            if open {
                blocks.push((language.to_owned(), Vec::new()));
            }
        } else if open {
            blocks.last_mut().unwrap().1.push(line.to_owned());
        }
    }
    blocks
}

/// The commands of a document.
fn commands(document: &str) -> Vec<String> {
    blocks(document).into_iter().filter(|(language, _)| language == "sh").flat_map(|(_, lines)| lines).collect()
}

fn transcript(commands: &[String], said: &[String]) -> String {
    let each = commands.iter().zip(said).map(|(command, said)| format!("$ {command}\n{said}"));
    each.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn the_commands_of_the_readme_work() {
    let Some(setup) = Setup::new() else { return };
    let commands = commands("README.md");
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
    check_shown_answer("README.md", &commands, &said);
}

/// Checks that the answer that a document shows is that of the command in front of it.
fn check_shown_answer(document: &str, commands: &[String], said: &[String]) {
    let blocks = blocks(document);
    let shown = blocks.iter().position(|(language, _)| language == "http").unwrap();
    let asked = commands.iter().position(|command| *command == blocks[shown - 1].1[0]).unwrap();
    let left_out = ["Date", "X-Request-Id", "X-Content-Type-Options", "Cache-Control"];
    let is_left_out = |line: &str| line.split_once(':').is_some_and(|(name, _)| left_out.contains(&name));
    let answer: Vec<_> = said[asked].lines().filter(|line| !is_left_out(line)).collect();
    assert_eq!(answer, in_order(&blocks[shown].1.join("\n")).lines().collect::<Vec<_>>(), "{document}");
}

#[test]
fn the_commands_of_tokens_md_work() {
    let Some(setup) = Setup::new() else { return };
    let commands = commands("docs/tokens.md");
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
}

#[test]
fn the_commands_of_monitoring_md_work() {
    let Some(setup) = Setup::new() else { return };
    // A refusal and a change, for the commands of the document to find.
    let send = r#"curl -o refused http://127.0.0.1:8080/api/v1/quality/send -H "Authorization: Bearer $CRM" -H 'Content-Type: application/json' -d '{"clientId":{"type":"internalClientId","id":2},"qualityFormId":1}'"#;
    let change = r#"curl -X PATCH http://127.0.0.1:8080/admin/settings -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"surveysViaExternalApi":true}'"#;
    let before = [
        "TOKEN=$(surveyd token create --name ops --role admin)",
        "CRM=$(surveyd token create --name crm --role integrator)",
        send,
        change,
    ];
    let mut commands = commands("docs/monitoring.md");
    commands.splice(..0, before.map(str::to_owned));
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
}

#[test]
fn the_commands_of_backup_md_work() {
    let Some(mut setup) = Setup::new() else { return };
    let commands = commands("docs/backup.md");
    // The document says it: the server is stopped before a restore.
    let stop = commands.iter().position(|command| command.starts_with("surveyd restore")).unwrap();
    let mut said = setup.run(&commands[..stop]);
    let server = setup.servers.pop().unwrap();
    server.stop();
    said.extend(setup.run(&commands[stop..]));
    insta::assert_snapshot!(transcript(&commands, &said));
}

#[test]
fn the_commands_of_data_md_work() {
    let Some(setup) = Setup::new() else { return };
    let commands = commands("docs/data.md");
    setup.folder.write("clients.csv", "id,externalId\n7,crm-7\n8,crm-8\n");
    let threads = "id,clientId,channel,status,startTime,stateChangeTime\n\
                   5,7,1,CLOSED,2026-03-01T10:00:00Z,2026-03-01T10:15:00Z\n6,8,2,NEW,2026-03-01T10:00:00Z,2026-03-01T10:00:00Z\n";
    let threads = setup.folder.write("threads.csv", threads);
    assert!(Command::new("gzip").arg("--keep").arg(threads).status().unwrap().success());
    setup.folder.run_ok(&[
        "import",
        "channels",
        setup.folder.write("channels.csv", "id,name,type\n1,Web widget,WEB\n").to_str().unwrap(),
    ]);
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
}

#[test]
fn the_commands_of_delivery_md_work() {
    let Some(setup) = Setup::new() else { return };
    let commands = commands("docs/delivery.md");
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
    assert_eq!(setup.gateway.received().len(), 1);
}

#[test]
fn the_commands_of_first_test_md_work() {
    let Some(setup) = Setup::new() else { return };
    let commands = commands("docs/first-test.md");
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
}

#[test]
fn the_commands_of_first_server_md_work() {
    let Some(setup) = Setup::new() else { return };
    let world = blocks("docs/first-server.md").into_iter().find(|(language, _)| language == "json").unwrap().1;
    setup.folder.write("world.json", &world.join("\n"));
    let commands = commands("docs/first-server.md");
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
}

#[test]
fn the_commands_of_testing_md_work() {
    let Some(setup) = Setup::new() else { return };
    let commands = commands("docs/testing.md");
    let said = setup.run(&commands);
    insta::assert_snapshot!(transcript(&commands, &said));
}

/// The server that is compared is a fake with the answers file of the document.
#[test]
fn the_commands_of_calibrating_md_work() {
    const DOCUMENT: &str = "docs/calibrating.md";
    const CHAT_CENTER: &str = "https://chat.example.com";
    let Some(mut setup) = Setup::new() else { return };
    let text_of = |language: &str| {
        let (_, lines) = blocks(DOCUMENT).into_iter().find(|(other, _)| other == language).unwrap();
        lines.join("\n")
    };
    let file = setup.folder.write("chat-center.json", &text_of("json"));
    setup.folder.write("token.txt", "test-crm\n");
    setup.folder.write("password.txt", "secret\n");
    let chat_center = Server::fake_with(&["--answers", file.to_str().unwrap()]);
    let url = format!("http://{}", chat_center.address);
    let commands = commands(DOCUMENT);
    // A fake can be asked without a pause.
    let run = |setup: &Setup, commands: &[String]| {
        let here: Vec<_> =
            commands.iter().map(|command| command.replace(CHAT_CENTER, &format!("{url} --rate 0"))).collect();
        let said = setup.run(&here).into_iter().map(|said| said.replace(&url, CHAT_CENTER));
        said.collect::<Vec<_>>()
    };
    let start = commands.iter().position(|command| command == CALIBRATED).unwrap();
    let mut said = run(&setup, &commands[..start]);
    let read = |name: &str| {
        let mut file: Value = serde_json::from_str(&fs::read_to_string(setup.folder.path(name)).unwrap()).unwrap();
        file.as_object_mut().unwrap().remove("seen").expect("what was seen");
        file
    };
    assert_eq!(read("answers.json"), read("chat-center.json"), "the file that is saved is the one of the document");
    let answers = setup.folder.path("answers.json");
    let calibrated = Server::fake_with(&["--answers", answers.to_str().unwrap()]);
    setup.names[0].0 = calibrated.address.to_string();
    said.extend(run(&setup, &commands[start..]));
    insta::assert_snapshot!(transcript(&commands, &said));
    check_shown_answer(DOCUMENT, &commands, &said);
    let printed: Vec<_> = said.iter().flat_map(|said| said.lines()).collect();
    for line in text_of("text").lines() {
        assert!(printed.contains(&line), "{DOCUMENT}: no command prints {line:?}");
    }
}
