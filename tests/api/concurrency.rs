//! No interleaving of sends and changes shows a send that the rules forbid at the moment of its commit.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use rstest::rstest;

use crate::harness::{Client, Server, SetOnDrop, TestFolder, Thread, WriteLock, eventually};

/// While the administrator's change is answered and not yet taken back, nothing is sent: the list of sends does not grow
/// between two reads. The recorded sends are those that clients got a 200 for.
fn assert_nothing_is_sent_while(forbid: impl Fn(&mut Client), allow: impl Fn(&mut Client), refusal: &str) {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    let stop = AtomicBool::new(false);
    let mut admin = server.client(&ops);
    let reported: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let mut crm = server.client(&token);
                    let mut sent = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let answer = crm.send(1, 1);
                        assert!(answer.status == 200 || answer.short() == refusal, "{answer:?}");
                        sent += usize::from(answer.status == 200);
                    }
                    sent
                })
            })
            .collect();
        let stop_at_end = SetOnDrop(&stop);
        let mut last = 0;
        for _ in 0..40 {
            let grown = |admin: &mut Client| {
                admin
                    .call("GET", &format!("/admin/sends?limit=1000&after={last}"), None)
                    .json()
                    .as_array()
                    .unwrap()
                    .len()
            };
            crate::harness::eventually("sends go on while they are allowed", || grown(&mut admin) > 0);
            forbid(&mut admin);
            last = admin.all_sends().last().unwrap()["sendingId"].as_i64().unwrap();
            for _ in 0..5 {
                let later = admin.call("GET", &format!("/admin/sends?after={last}"), None);
                assert_eq!(later.body, "[]", "something was sent though it is forbidden");
            }
            allow(&mut admin);
        }
        drop(stop_at_end);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let ids: Vec<_> = admin.all_sends().iter().map(|send| send["sendingId"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=i64::try_from(reported).unwrap()).collect::<Vec<_>>(), "ids are sequential, one for each 200");
}

#[test]
fn nothing_is_sent_while_the_flag_is_off() {
    assert_nothing_is_sent_while(
        |admin| admin.set_surveys(false),
        |admin| admin.set_surveys(true),
        "409 Sending surveys via external api is disabled",
    );
}

#[test]
fn nothing_is_sent_while_a_thread_is_open() {
    assert_nothing_is_sent_while(
        |admin| _ = admin.put(&Thread::open(9, "NEW")),
        |admin| _ = admin.put(&Thread::closed(9)),
        "409 Client has open thread",
    );
}

#[test]
fn nothing_is_sent_while_the_form_is_disabled() {
    assert_nothing_is_sent_while(
        |admin| assert_eq!(admin.call("DELETE", "/admin/forms/1/channels/1", None).status, 204),
        |admin| assert_eq!(admin.call("PUT", "/admin/forms/1/channels/1", None).status, 204),
        "409 Cannot send form 1 to thread 1",
    );
}

/// The same with another process: what `surveyd apply` changes holds for the very next send of a running server.
#[test]
fn changes_of_another_process_hold_at_once() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let off = folder.write("off.json", r#"{"settings": {"surveysViaExternalApi": false}}"#);
    let on = folder.write("on.json", r#"{"settings": {"surveysViaExternalApi": true}}"#);
    let server = folder.serve();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            // Load, so that batches are open while the other process writes.
            scope.spawn(|| {
                let mut crm = server.client(&token);
                while !stop.load(Ordering::Relaxed) {
                    crm.send(1, 1);
                }
            });
        }
        let _stop_at_end = SetOnDrop(&stop);
        let mut crm = server.client(&token);
        for _ in 0..10 {
            folder.run_ok(&["apply", off.to_str().unwrap()]);
            assert_eq!(crm.send(1, 1).short(), "409 Sending surveys via external api is disabled");
            folder.run_ok(&["apply", on.to_str().unwrap()]);
            assert_eq!(crm.send(1, 1).short(), "200 ");
        }
    });
}

/// Refusals never wait for the writer: they are answered while another process holds the write lock, and sends are not.
#[test]
fn refusals_do_not_wait_for_commits() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (server, lock) = WriteLock::of(&folder, &[], &[&token]);
    thread::scope(|scope| {
        let sends = [0, 1].map(|_| scope.spawn(|| server.client(&token).send(1, 1)));
        lock.wait_for_jobs(2);
        let mut crm = server.client(&token);
        for _ in 0..50 {
            assert_eq!(crm.send(2, 1).short(), "409 Client has open thread");
        }
        assert_eq!(lock.waiting_jobs(), 1, "no refusal is a job of the writer");
        assert!(sends.iter().all(|send| !send.is_finished()), "a send was answered before it could be committed");
        lock.release();
        for send in sends {
            assert_eq!(send.join().unwrap().short(), "200 ");
        }
    });
}

/// A send that was allowed when its facts were read, and is not any more when the writer comes to it, is not recorded. Here
/// another process changes the facts while the send waits for its lock.
#[rstest]
#[case("update settings set surveys_via_external_api = 0", "409 Sending surveys via external api is disabled")]
#[case(
    "insert into thread (id, client_id, channel_id, status, start_time, state_change_time) values (9, 1, 1, 'NEW', 0, 0)",
    "409 Client has open thread"
)]
#[case("delete from form_channel", "409 Cannot send form 1 to thread 1")]
#[case("delete from thread where id = 1", "409 Client has no closed thread")]
#[case("update token set revoked_at = 9e12", "401 Token is invalid")]
#[case("update token set created_at = 0, expires_at = 1", "401 Token is expired")]
fn a_change_by_another_process_is_seen_by_a_send_that_waits(#[case] change: &str, #[case] expected: &str) {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (server, lock) = WriteLock::of(&folder, &[], &[&token]);
    let database = thread::scope(|scope| {
        let sends = [0, 1].map(|_| scope.spawn(|| server.client(&token).send(1, 1)));
        lock.wait_for_jobs(2);
        lock.execute(change);
        let database = lock.release();
        for send in sends {
            assert_eq!(send.join().unwrap().short(), expected);
        }
        database
    });
    assert_eq!(database.query_row("select count(*) from send", [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

/// The time alone changes: the token expires while the send waits.
#[test]
fn a_token_that_expires_before_the_commit_sends_nothing() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let end = SystemTime::now() + Duration::from_secs(2);
    let ms = end.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    folder.database().execute_batch(&format!("update token set created_at = 0, expires_at = {ms}")).unwrap();
    let (server, lock) = WriteLock::of(&folder, &[], &[&token]);
    let mut crm = server.client(&token);
    crm.begin_send(1, 1);
    server.wait_until_all_is_read();
    eventually("the token expires", || SystemTime::now() > end);
    let database = lock.release();
    assert_eq!(crm.read_response().short(), "401 Token is expired");
    assert_eq!(database.query_row("select count(*) from send", [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

/// The same within one batch: the administrator's change is before the send in the queue.
#[test]
fn a_change_is_seen_by_a_later_send_of_the_same_batch() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let (server, lock) = WriteLock::of(&folder, &[], &[&token, &ops]);
    thread::scope(|scope| {
        let first = scope.spawn(|| server.client(&token).send(1, 1));
        let change = scope.spawn(|| server.client(&ops).set_surveys(false));
        lock.wait_for_jobs(2);
        let second = scope.spawn(|| server.client(&token).send(1, 1));
        lock.wait_for_jobs(3);
        lock.release();
        change.join().unwrap();
        assert_eq!(second.join().unwrap().short(), "409 Sending surveys via external api is disabled");
        // The first send may have come before the change, and is not what this is about.
        first.join().unwrap();
    });
}

/// Every 200 is one row: many clients on many connections, all ids different and none missing.
#[test]
fn every_200_is_one_row() {
    let fake = Server::fake();
    let sent: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|number| {
                let mut crm = fake.client(&format!("test-{number}"));
                scope.spawn(move || (0..50).filter(|_| crm.send(1, 1).status == 200).count())
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(sent, 800);
    let sends = fake.client("test-admin").all_sends();
    let ids: BTreeSet<_> = sends.iter().map(|send| send["sendingId"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=800).collect());
    for number in 0..16 {
        let name = format!("test-{number}");
        assert_eq!(sends.iter().filter(|send| send["token"] == name.as_str()).count(), 50);
    }
}
