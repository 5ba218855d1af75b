//! `surveyd verify`, against servers that are not ours, and against ours.

mod bad_input;
mod calibrated_fake;
mod circle;
mod no_difference;
mod nothing_is_sent;
mod pace;
mod proxy;
mod secrets;
mod servers;
mod slow;
mod spring_like;
mod stand_in;
mod stand_ins;
mod uniform;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{TestFolder, surveyd};
use stand_in::TOKEN;

/// What a run of `surveyd verify` came to.
#[derive(Debug)]
struct Verified {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Verified {
    /// The report of `--json`.
    fn report(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The report, with a name in place of the address.
    fn report_of(&self, url: &str) -> Value {
        serde_json::from_str(&self.stdout.replace(url, "http://stand-in"))
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that the report says of every case that was asked that nothing differs. Returns the number of these cases.
    fn assert_no_difference(&self) -> usize {
        let report = self.report();
        let differing: Vec<_> = cases(&report)
            .into_iter()
            .filter(|case| case["differences"] != json!([]) || !case["problem"].is_null())
            .collect();
        assert_eq!(
            (&report["differences"], &report["general"], differing, self.code),
            (&json!({"documented": 0, "chosen": 0}), &json!([]), vec![], Some(0)),
            "{}",
            self.stderr
        );
        cases(&report).len()
    }
}

/// The rows of a report.
fn cases(report: &Value) -> Vec<&Value> {
    report["cases"].as_array().unwrap().iter().collect()
}

/// The names of the cases that differ, each with what differs, in their order.
fn differing(report: &Value) -> Vec<String> {
    let of = |case: &Value| {
        let differences: Vec<_> = case["differences"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        (!differences.is_empty()).then(|| format!("{}: {}", case["case"].as_str().unwrap(), differences.join(", ")))
    };
    cases(report).into_iter().filter_map(of).collect()
}

/// `surveyd verify URL --json` with [`TOKEN`], and without a limit of the rate unless one is given.
fn verify(url: &str, arguments: &[&str]) -> Verified {
    verify_in(&TestFolder::new(), url, arguments)
}

/// The same, started in a folder.
fn verify_in(folder: &TestFolder, url: &str, arguments: &[&str]) -> Verified {
    let mut command = command(url, arguments);
    command.arg("--json").env("SURVEYD_VERIFY_TOKEN", TOKEN).current_dir(folder.path(""));
    if !arguments.contains(&"--rate") {
        command.args(["--rate", "0"]);
    }
    run(&mut command, "")
}

fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = surveyd();
    command.args(["verify", url]).args(arguments);
    command
}

/// Runs a command that reads this text from stdin.
fn run(command: &mut Command, stdin: &str) -> Verified {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The command may end without reading it.
    let _ = process.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Verified { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The path of a file as an argument.
fn argument(path: &Path) -> &str {
    path.to_str().unwrap()
}
