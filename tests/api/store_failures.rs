//! Errors of the store in mid-service: 503 in the envelope, never a false 200, and service again once the cause is gone.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::harness::{FailingCalls, Server, TestFolder, envelope};

const UNAVAILABLE: &str = "503 The database cannot be used just now; nothing was done, try again";
const UNKNOWN: &str = "503 It is not known whether this was recorded; ask again with the same Idempotency-Key, or look what is recorded first";
const BUSY: &str = "503 The server is busy; nothing was done, try again";

/// A file-size limit replaces a full disk: writes past it fail the same way, and it can be lifted again.
#[test]
fn a_send_on_a_full_disk_gets_503_and_no_row() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let Some(command) = folder.command_with_file_limit(400, &["serve", "--listen", "127.0.0.1:0"]) else { return };
    let server = Server::start(command);
    let mut crm = server.client(&token);
    let mut acknowledged = 0;
    let refused = loop {
        let answer = crm.send(1, 1);
        if answer.status != 200 {
            break answer;
        }
        acknowledged += 1;
        assert!(acknowledged < 100_000, "the limit never bites");
    };
    let message = &UNAVAILABLE[4..];
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (503, envelope("POST", "/api/v1/quality/send", message).as_str())
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    for _ in 0..20 {
        assert_eq!(crm.send(1, 1).short(), UNAVAILABLE);
        assert_eq!(crm.send(2, 1).short(), "409 Client has open thread", "reading goes on");
    }
    let process = Pid::from_raw(i32::try_from(server.process.id()).unwrap());
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    prlimit(process, Resource::Fsize, Rlimit { current: maximum, maximum }).unwrap();
    assert_eq!(crm.send(1, 1).short(), "200 ");
    acknowledged += 1;
    let mut admin = server.client(&ops);
    assert_eq!(admin.all_sends().len(), acknowledged, "each 200 is one row, and no 503 is");
}

/// While the disk fails to sync, no send is recorded for sure, and none is said to be. When it can sync again, sends go on
/// without a restart.
#[test]
fn a_send_that_cannot_be_synced_is_not_acknowledged() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let mut crm = server.client(&token);
    let mut acknowledged = 0;
    for _ in 0..3 {
        for _ in 0..20 {
            assert_eq!(crm.send(1, 1).short(), "200 ");
            acknowledged += 1;
        }
        let Some(failing) = FailingCalls::syncs_of(&server) else { return };
        for _ in 0..5 {
            assert_eq!(crm.send(1, 1).short(), UNKNOWN);
            assert_eq!(crm.send(2, 1).short(), "409 Client has open thread", "reading goes on");
        }
        drop(failing);
    }
    assert_eq!(crm.send(1, 1).short(), "200 ");
    assert_eq!(server.client(&ops).all_sends().len(), acknowledged + 1, "each 200 is one row, and no 503 is");
}

/// A commit whose sync failed is complete in the log, and a start after a crash would take it. "Nothing was done" is true only if
/// the server has written over it.
#[test]
fn a_send_of_which_nothing_was_done_is_not_there_after_a_crash() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    for failing in 1..=3 {
        let server = folder.serve();
        let mut crm = server.client(&token);
        assert_eq!(crm.send(1, 1).short(), "200 ");
        // The sync of the commit fails; that of what is written over it does not.
        let Some(once) = FailingCalls::of(&server, "inject=fsync,fdatasync:error=EIO:when=1") else { return };
        assert_eq!(crm.send(1, 1).short(), UNAVAILABLE);
        drop(once);
        server.kill();
        let server = folder.serve();
        assert_eq!(server.client(&ops).all_sends().len(), failing, "each 200 is one row, and no 503 is");
        server.stop();
    }
}

/// Where that fails, too, the send may be there, and its key shows whether it is.
#[test]
fn a_send_of_which_nothing_is_known_is_recorded_once_with_its_key() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let body = br#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;
    let ask = |server: &Server| {
        server
            .client(&token)
            .call_with(
                "POST",
                "/api/v1/quality/send",
                "Content-Type: application/json\r\nIdempotency-Key: once\r\n",
                body,
            )
            .short()
    };
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    let Some(failing) = FailingCalls::syncs_of(&server) else { return };
    assert_eq!(ask(&server), UNKNOWN);
    drop(failing);
    server.kill();
    let server = folder.serve();
    assert_eq!(ask(&server), "200 ");
    assert_eq!(server.client(&ops).all_sends().len(), 2);
}

/// Another program that holds the write lock for too long: a send gives up, and the next one after it is recorded.
#[test]
fn a_send_gives_up_on_a_lock_that_is_held_for_long() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let mut crm = server.client(&token);
    assert_eq!(crm.send(1, 1).short(), BUSY);
    other.execute_batch("rollback").unwrap();
    assert_eq!(crm.send(1, 1).short(), "200 ");
    assert_eq!(other.query_row("select count(*) from send", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

/// A send over the queue is refused at once; queued sends are recorded when the writer can go on.
#[test]
fn a_send_over_the_queue_is_refused_at_once() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve_with(&[("LIMITS__QUEUE", "2")]);
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..12)
            .map(|_| {
                let mut crm = server.client(&token);
                scope.spawn(move || crm.send(1, 1))
            })
            .collect();
        // At most the two that wait and those of one batch are left once the rest are refused.
        crate::harness::eventually("all that do not fit are refused", || {
            clients.iter().filter(|client| client.is_finished()).count() >= 6
        });
        other.execute_batch("commit").unwrap();
        clients.into_iter().map(|client| client.join().unwrap().status).collect()
    });
    let sent = answers.iter().filter(|status| **status == 200).count();
    assert!(answers.iter().all(|status| [200, 503].contains(status)), "{answers:?}");
    assert!((1..=6).contains(&sent), "{answers:?}");
    assert_eq!(other.query_row("select count(*) from send", [], |row| row.get::<_, u32>(0)).unwrap() as usize, sent);
}

/// A damaged file is an internal error. The response has no detail; the log has.
#[test]
fn an_internal_error_is_logged_and_not_shown() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("alter table send rename to elsewhere").unwrap();
    let answer = server.client(&token).send(1, 1);
    assert_eq!(answer.short(), "500 Internal error; the log says more under this X-Request-Id");
    let id = answer.header("x-request-id").unwrap().to_owned();
    other.execute_batch("alter table elsewhere rename to send").unwrap();
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
    let log = server.stop();
    assert!(log.lines().any(|line| line.contains(&id) && line.contains("no such table")), "{log}");
    assert!(!log.contains(&token));
}
