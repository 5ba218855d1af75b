//! A kill at every write and sync of a server: what it acknowledged is there, and every other send is whole or not there.

use std::fs;

use crate::{
    call_numbers,
    harness::{FailingCalls, Signal, TestFolder},
    ledger::{Ledger, Reported, prepare},
};

/// The calls by which SQLite changes its files. strace counts each kind on its own. A kill comes before a write is done,
/// and after a sync.
pub const CALLS: [&str; 3] = ["pwrite64", "fdatasync", "ftruncate"];

/// How many sends a server gets before it is stopped. The kill comes in one of them, or in the stop.
const SENDS: i64 = 4;

#[test]
fn no_acknowledged_send_is_lost_by_a_kill_at_a_write() {
    let folder = TestFolder::new();
    let token = prepare(&folder, 5000);
    let mut ledger = Ledger::default();
    for calls in CALLS {
        for number in call_numbers() {
            let server = folder.serve();
            let mut crm = server.client(&token);
            let Some(kill) = FailingCalls::of(&server, &format!("inject={calls}:signal=KILL:when={number}")) else {
                return;
            };
            let from = ledger.next();
            if ledger.send_each(&mut crm, from..from + SENDS) == Reported::Recorded {
                server.signal(Signal::TERM);
            }
            let is_reached = server.wait().0.is_none();
            drop(kill);
            ledger.check(&folder, &format!("after a kill at {calls} {number}"));
            if !is_reached {
                break;
            }
        }
    }
    // The control: the kills came before the record, and after it.
    assert_eq!(ledger.unknown_ones(&folder.path("surveyd.db")), (true, true));
    let server = folder.serve();
    ledger.ask_again(&mut server.client(&token));
    server.stop();
    ledger.check(&folder, "after asking again");
    assert_eq!(ledger.count(Reported::Recorded), ledger.reported.len());
}

/// The control: without its log, the database lacks what was acknowledged before the kill.
#[test]
fn without_the_log_a_kill_loses_sends() {
    let folder = TestFolder::new();
    let token = prepare(&folder, 10);
    let server = folder.serve();
    let mut ledger = Ledger::default();
    assert_eq!(ledger.send_each(&mut server.client(&token), 1..=5), Reported::Recorded);
    server.kill();
    fs::remove_file(folder.path("surveyd.db-wal")).unwrap();
    let contradictions = ledger.contradictions(&folder.path("surveyd.db"));
    assert_eq!(contradictions.len(), 5, "{contradictions:?}");
}
