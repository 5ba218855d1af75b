//! The disk is frozen, as a snapshot of a virtual machine freezes it: each write waits, and so does a read that marks in the
//! log's shared memory how far it reads.

use std::thread;

use crate::harness::{Client, Disk, Server, Signal, TestFolder, eventually};

/// A database on a disk of its own, and its server. None where the machine has no such disk.
fn server_on_disk() -> Option<(Disk, TestFolder, Server, String, String)> {
    let disk = Disk::new()?;
    let folder = TestFolder::with_sample_in(&disk.path());
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let mut crm = server.client(&token);
    assert_eq!(crm.send(2, 1).status, 409);
    // The next read marks how far it reads.
    assert_eq!(crm.send(1, 1).status, 200);
    Some((disk, folder, server, token, ops))
}

fn begin_sends(server: &Server, token: &str) -> Vec<(Client, &'static str)> {
    let answers = [(2, "409 Client has open thread"), (1, "200 "), (4, "409 Client has no closed thread")];
    let sends = answers.iter().cycle().take(12).map(|(client, answer)| {
        let mut crm = server.client(token);
        crm.begin_send(*client, 1);
        (crm, *answer)
    });
    let sends = sends.collect();
    server.wait_until_all_is_read();
    sends
}

#[test]
fn a_frozen_disk_stops_only_the_calls_that_need_it() {
    let Some((disk, folder, server, token, ops)) = server_on_disk() else { return };
    let frozen = disk.freeze();
    let sends = begin_sends(&server, &token);
    let mut admin = server.client(&ops);
    let list = thread::spawn(move || admin.call("GET", "/admin/sends", None).status);
    for _ in 0..20 {
        assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
        assert_eq!(server.anonymous().call("GET", "/nowhere", None).status, 404);
    }
    drop(frozen);
    for (mut crm, answer) in sends {
        assert_eq!(crm.read_response().short(), answer, "a request that came whole is answered");
    }
    // 503 where it has waited for too long.
    assert!([200, 503].contains(&list.join().unwrap()));
    assert_eq!(server.client(&ops).all_sends().len(), 1 + 4, "each 200 is one row");
    server.stop();
    drop(folder);
}

/// The kernel lets no process end while one of its threads waits for a frozen disk. So the end shows only after the thaw.
#[test]
fn a_stop_on_a_frozen_disk_ends_with_a_failure() {
    let Some((disk, folder, server, token, _)) = server_on_disk() else { return };
    let frozen = disk.freeze();
    let sends = begin_sends(&server, &token);
    server.signal(Signal::TERM);
    eventually("the log says why", || server.log().contains("the stop took longer than 8 s, and waited for"));
    drop(frozen);
    let (code, log) = server.wait();
    assert_eq!(code, Some(1), "{log}");
    assert!(!log.contains("\"stopped\""), "{log}");
    drop((sends, folder));
}

/// The disk thaws before the last resort: all is recorded, but those who sent have no answer.
#[test]
fn a_stop_that_cuts_off_a_request_ends_with_a_failure() {
    let Some((disk, folder, server, token, _)) = server_on_disk() else { return };
    let frozen = disk.freeze();
    let sends = begin_sends(&server, &token);
    server.signal(Signal::TERM);
    let cut_off = "requests that wait for the database are cut off without an answer";
    eventually("the log says so", || server.log().contains(cut_off));
    drop(frozen);
    let (code, log) = server.wait();
    assert_eq!(code, Some(1), "{log}");
    drop((sends, folder));
}

#[test]
fn a_second_signal_ends_a_server_on_a_frozen_disk() {
    let Some((disk, folder, server, token, _)) = server_on_disk() else { return };
    let frozen = disk.freeze();
    let sends = begin_sends(&server, &token);
    server.signal(Signal::TERM);
    server.wait_until_closed();
    eventually("a second signal is heard", || {
        server.signal(Signal::TERM);
        server.log().contains("a second signal")
    });
    drop(frozen);
    let (code, log) = server.wait();
    assert_eq!(code, Some(1), "{log}");
    assert!(!log.contains("the stop took longer"), "{log}");
    drop((sends, folder));
}
