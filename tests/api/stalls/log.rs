//! stderr and stdout are pipes that nobody reads.

use std::{
    fs,
    io::{Read, Write},
    net::SocketAddr,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::harness::{Client, Signal, TestFolder, eventually, first_line, send_signal};

const SENTENCE: &str = "log lines were dropped: stderr was not read";

/// A server whose stderr is a pipe that nobody reads yet, and whose log lines are long.
fn server_without_reader(folder: &TestFolder) -> (Child, SocketAddr) {
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SURVEYD__LOG", "debug").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let (line, _) = first_line(&mut process);
    (process, line.trim_end().strip_prefix("ready url=http://").unwrap().parse().unwrap())
}

/// More than pipe and buffer take.
fn call_two_thousand_times(address: SocketAddr) {
    let mut client = Client::new(address, None, None);
    let path = format!("/{}", "x".repeat(8000));
    for _ in 0..2000 {
        assert_eq!(client.call("GET", &path, None).status, 404);
    }
}

fn dropped_lines(admin: &mut Client) -> u64 {
    let metrics = admin.call("GET", "/metrics", None).body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("surveyd_log_dropped_lines_total "));
    line.unwrap_or_else(|| panic!("no counter in {metrics}")).parse().unwrap()
}

fn wait(process: &mut Child) -> Option<i32> {
    let mut status = None;
    eventually("the server ends", || {
        status = process.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap().code()
}

/// Each request has a line, or is counted as one that was dropped.
#[test]
fn a_log_that_nobody_reads_stops_no_answer_and_loses_no_count() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let (mut process, address) = server_without_reader(&folder);
    call_two_thousand_times(address);
    let dropped = dropped_lines(&mut Client::new(address, None, Some(&ops)));
    assert!((1..2000).contains(&dropped), "{dropped}");
    let (mut pipe, log) = (process.stderr.take().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
    let written = Arc::clone(&log);
    let reader = thread::spawn(move || {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let read = pipe.read(&mut bytes).unwrap();
            if read == 0 {
                return;
            }
            written.lock().unwrap().extend_from_slice(&bytes[..read]);
        }
    });
    let text = || String::from_utf8(log.lock().unwrap().clone()).unwrap_or_default();
    eventually("the log says how many", || text().contains(SENTENCE));
    send_signal(process.id(), Signal::TERM).unwrap();
    assert_eq!(wait(&mut process), Some(0));
    reader.join().unwrap();
    let lines: Vec<Value> = text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages = || lines.iter().map(|line| line["message"].as_str().unwrap());
    let told = messages().filter_map(|message| message.strip_suffix(SENTENCE)?.trim().parse::<u64>().ok());
    assert_eq!(told.sum::<u64>(), dropped);
    let answered = lines.iter().filter(|line| line["route"] == "none").count() as u64;
    assert_eq!(answered + dropped, 2000, "every line is there or counted");
    assert_eq!(messages().next_back(), Some("stopped"), "what comes after is there");
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_the_stop() {
    let folder = TestFolder::with_sample();
    let (mut process, address) = server_without_reader(&folder);
    call_two_thousand_times(address);
    send_signal(process.id(), Signal::TERM).unwrap();
    assert_eq!(wait(&mut process), Some(0));
}

/// The last lines are written before the process ends.
#[test]
fn a_log_has_its_last_lines() {
    let folder = TestFolder::with_sample();
    for _ in 0..10 {
        let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        first_line(&mut process);
        send_signal(process.id(), Signal::INT).unwrap();
        let log = std::io::read_to_string(process.stderr.take().unwrap()).unwrap();
        assert!(log.lines().last().unwrap().contains("\"stopped\""), "{log}");
        assert_eq!(wait(&mut process), Some(0));
    }
}

/// A ready line that nobody reads stops nothing: a fake writes its ready file, and answers.
#[test]
fn a_stdout_that_nobody_reads_stops_nothing() {
    let folder = TestFolder::new();
    let (_reader, mut full) = std::io::pipe().unwrap();
    // The default capacity of a pipe on Linux.
    full.write_all(&vec![b'x'; 64 * 1024]).unwrap();
    let mut command = folder.command(&["fake", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"]);
    let mut process = command.stdout(full).stderr(Stdio::null()).spawn().unwrap();
    eventually("the ready file is there", || folder.path("ready.json").exists());
    let ready: Value = serde_json::from_str(&fs::read_to_string(folder.path("ready.json")).unwrap()).unwrap();
    let address = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    let mut client = Client::new(address, None, Some("test-crm"));
    assert_eq!(client.send(1, 1).status, 200);
    send_signal(process.id(), Signal::TERM).unwrap();
    assert_eq!(wait(&mut process), Some(0));
}
