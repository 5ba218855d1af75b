//! A frozen disk, as a snapshot of a virtual machine makes it: what needs no disk goes on, and the rest waits for the thaw.

use std::{ops::Range, sync::atomic::Ordering, thread, time::Duration};

use crate::{
    disk::folder_on,
    harness::{Disk, Server, Signal, eventually},
    is_long,
    ledger::{Ledger, Load, Reported, load, prepare},
};

/// How long the disk is frozen at least.
fn freeze_time() -> Duration {
    Duration::from_secs(if is_long() { 12 } else { 1 })
}

/// The threads of each of four clients.
const RANGES: [Range<i64>; 4] = [1..151, 151..301, 301..451, 451..601];

/// Freezes the disk of a server under load, and thaws it after `meanwhile`. Every request came whole, so each must be
/// answered.
fn freeze_under_load(disk: &Disk, server: &Server, token: &str, meanwhile: impl FnOnce()) -> Ledger {
    let (ledger, ()) = load(server, token, &RANGES, |Load { answers, .. }| {
        eventually("answers arrive", || answers.load(Ordering::Relaxed) > 40);
        let frozen = disk.freeze();
        meanwhile();
        thread::sleep(freeze_time());
        drop(frozen);
    });
    ledger
}

#[test]
fn requests_that_came_whole_are_answered_after_the_thaw() {
    let Some(disk) = Disk::new() else { return };
    let folder = folder_on(&disk);
    let token = prepare(&folder, 1000);
    let server = folder.serve();
    let mut ledger = freeze_under_load(&disk, &server, &token, || ());
    assert_eq!(ledger.count(Reported::Nothing), 0, "{}", server.log());
    assert_eq!(ledger.send_each(&mut server.client(&token), 700..710), Reported::Recorded);
    server.kill();
    ledger.check(&folder, "after a freeze");
}

/// The first read after a commit marks the log's shared memory, and waits for the disk.
#[test]
fn livez_answers_while_the_disk_is_frozen() {
    let Some(disk) = Disk::new() else { return };
    let folder = folder_on(&disk);
    let token = prepare(&folder, 1000);
    let server = folder.serve();
    // More than there are HTTP workers, so that each has a request that reads the file.
    let mut readers: Vec<_> = (0..32).map(|_| server.client(&token)).collect();
    let mut ledger = Ledger::default();
    assert_eq!(ledger.send_each(&mut server.client(&token), 1..10), Reported::Recorded);
    let frozen = disk.freeze();
    for reader in &mut readers {
        // There is no such form: what is read refuses the send.
        reader.begin_send(1, 77);
    }
    for _ in 0..20 {
        assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
        thread::sleep(freeze_time() / 20);
    }
    drop(frozen);
    for reader in &mut readers {
        let answer = reader.read_response();
        assert!([409, 503].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(ledger.send_each(&mut server.client(&token), 10..20), Reported::Recorded);
    server.kill();
    ledger.check(&folder, "after a freeze");
}

/// What is read from the file may be absent meanwhile. Everything else is there, and only one thread waits for the disk.
#[test]
fn metrics_answer_while_the_disk_is_frozen() {
    let Some(disk) = Disk::new() else { return };
    let folder = folder_on(&disk);
    let token = prepare(&folder, 1000);
    let server = folder.serve_with(&[("METRICS__LISTEN", "127.0.0.1:0")]);
    let mut scraper = server.client_of("/metrics");
    let mut ledger = Ledger::default();
    assert_eq!(ledger.send_each(&mut server.client(&token), 1..10), Reported::Recorded);
    let frozen = disk.freeze();
    for _ in 0..3 {
        let answer = scraper.call("GET", "/metrics", None);
        assert!(answer.status == 200 && answer.body.contains("\nsurveyd_writer_waiting_jobs 0\n"), "{answer:?}");
    }
    drop(frozen);
    eventually("the file is read again", || {
        scraper.call("GET", "/metrics", None).body.contains("\nsurveyd_tokens_expiring 0\n")
    });
}

/// A stop waits for the thaw, or gives up. Either way nothing is lost that was acknowledged.
#[test]
fn a_stop_while_the_disk_is_frozen_loses_nothing() {
    let Some(disk) = Disk::new() else { return };
    let folder = folder_on(&disk);
    let token = prepare(&folder, 1000);
    let server = folder.serve();
    let ledger = freeze_under_load(&disk, &server, &token, || server.signal(Signal::TERM));
    server.wait();
    ledger.check(&folder, "after a stop in a freeze");
}

/// The control: the disk is frozen indeed, so that no send is acknowledged before the thaw.
#[test]
fn no_send_is_acknowledged_while_the_disk_is_frozen() {
    let Some(disk) = Disk::new() else { return };
    let folder = folder_on(&disk);
    let token = prepare(&folder, 1000);
    let server = folder.serve();
    load(&server, &token, &RANGES, |Load { answers, .. }| {
        eventually("answers arrive", || answers.load(Ordering::Relaxed) > 40);
        let frozen = disk.freeze();
        // What was synced before the freeze may still be answered.
        thread::sleep(Duration::from_millis(200));
        let before = answers.load(Ordering::Relaxed);
        thread::sleep(freeze_time());
        assert_eq!(answers.load(Ordering::Relaxed), before);
        drop(frozen);
    });
}
