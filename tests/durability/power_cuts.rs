//! Power cuts under load: after each, the database is sound and holds every send that was acknowledged.

use std::{ops::Range, sync::atomic::Ordering};

use crate::{
    disk::{cut_power, folder_on, restart, sync},
    harness::{Disk, FailingCalls, Server, TestFolder, eventually, tool},
    is_long,
    ledger::{Ledger, Reported, load, prepare},
};

const CLIENTS: i64 = 6;

/// The threads of each client in a round.
fn ranges(from: i64, each: i64) -> Vec<Range<i64>> {
    (0..CLIENTS).map(|client| from + client * each..from + (client + 1) * each).collect()
}

/// Serves the folder, cuts the power of its disk after so many answers, and starts the disk again.
fn cut(disk: &Disk, folder: &TestFolder, server: Server, token: &str, from: i64, answers: usize) -> Ledger {
    let (ledger, ()) = load(&server, token, &ranges(from, 150), |load| {
        eventually("answers arrive", || load.answers.load(Ordering::Relaxed) >= answers);
        // What arrives from here on would not have arrived: a sync that ext4's shutdown meets in its middle returns 0.
        load.is_cut_off.store(true, Ordering::SeqCst);
        cut_power(disk);
    });
    server.kill();
    restart(disk);
    assert!(folder.path("surveyd.db").exists());
    ledger
}

#[test]
fn no_acknowledged_send_is_lost_by_a_power_cut() {
    let (Some(disk), Some(_)) = (Disk::new(), tool("python3")) else { return };
    let folder = folder_on(&disk);
    let token = prepare(&folder, 20_000);
    sync(&disk);
    let mut ledger = Ledger::default();
    let cuts = if is_long() { 20 } else { 4 };
    for number in 0..cuts {
        let from = i64::try_from(number).unwrap() * 1000 + 1;
        ledger.reported.append(&mut cut(&disk, &folder, folder.serve(), &token, from, 20 + number * 37 % 500).reported);
        ledger.check(&folder, &format!("after power cut {number}"));
    }
    let server = folder.serve();
    ledger.ask_again(&mut server.client(&token));
    server.stop();
    ledger.check(&folder, "after asking again");
    assert!(ledger.count(Reported::Recorded) > cuts * 20, "the cuts came too early to show anything");
}

/// The control: a server whose syncs do nothing loses sends.
#[test]
fn without_syncs_a_power_cut_loses_sends() {
    let (Some(disk), Some(_)) = (Disk::new(), tool("python3")) else { return };
    let folder = folder_on(&disk);
    let token = prepare(&folder, 1000);
    sync(&disk);
    let server = folder.serve();
    let Some(_without) = FailingCalls::of(&server, "inject=fsync,fdatasync:retval=0") else { return };
    let ledger = cut(&disk, &folder, server, &token, 1, 300);
    let contradictions = ledger.contradictions(&folder.path("surveyd.db"));
    assert!(contradictions.iter().any(|found| found.ends_with("is lost")), "nothing is lost: {contradictions:?}");
}
