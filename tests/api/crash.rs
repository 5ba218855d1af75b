//! `kill -9` under load, at any instant: no acknowledged send is lost, and none is there twice.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::harness::{Channel, ClientRow, Form, TestFolder, Thread, World, eventually};

/// One send for each thread, so that a second row is an error.
const CLIENTS: usize = 6;
const THREADS: usize = 4000;

#[test]
fn no_acknowledged_send_is_lost_or_doubled() {
    let folder = TestFolder::new();
    let threads = (1..).take(CLIENTS * THREADS).map(Thread::closed);
    let world = World::new().surveys(true).with(Channel::new(1)).with(ClientRow::new(1)).with(Form::new(1));
    folder.apply(world.with_all(threads));
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    // The thread that each client asks for next, and the fate of every one before: acknowledged, or unknown.
    let mut next = [0_usize; CLIENTS];
    let mut acknowledged: BTreeMap<usize, bool> = BTreeMap::new();
    for kill in 0..12_usize {
        let server = folder.serve();
        let answers = AtomicUsize::new(0);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let (mut crm, from, answers) = (server.client(&token), next[number], &answers);
                    scope.spawn(move || {
                        let mut fates = Vec::new();
                        for index in from..THREADS {
                            let thread = number * THREADS + index + 1;
                            let body =
                                json!({"clientId": {"type": "threadId", "id": thread}, "qualityFormId": 1}).to_string();
                            let answer = crm.try_call_with(
                                "POST",
                                "/api/v1/quality/send",
                                "Content-Type: application/json\r\n",
                                body.as_bytes(),
                            );
                            let is_acknowledged = answer.as_ref().is_ok_and(|answer| answer.status == 200);
                            fates.push((thread, is_acknowledged));
                            if answer.is_err() {
                                break;
                            }
                            answers.fetch_add(1, Ordering::Relaxed);
                        }
                        fates
                    })
                })
                .collect();
            // At another number of answers each time, hence at another instant of a batch.
            eventually("answers arrive", || answers.load(Ordering::Relaxed) > 40 + kill * 17);
            std::thread::sleep(Duration::from_micros(kill as u64 * 137));
            server.kill();
            for (number, client) in clients.into_iter().enumerate() {
                let fates = client.join().unwrap();
                next[number] += fates.len();
                acknowledged.extend(fates);
            }
        });
    }
    let server = folder.serve();
    let mut admin = server.client(&ops);
    let mut recorded: BTreeMap<usize, usize> = BTreeMap::new();
    for send in admin.all_sends() {
        *recorded.entry(usize::try_from(send["threadId"].as_u64().unwrap()).unwrap()).or_default() += 1;
    }
    assert!(acknowledged.values().filter(|is| **is).count() > 500, "the kills came too early to show anything");
    for (thread, is_acknowledged) in &acknowledged {
        let times = recorded.remove(thread).unwrap_or(0);
        assert!(times <= 1, "thread {thread} was sent to {times} times");
        assert!(times == 1 || !is_acknowledged, "the acknowledged send to thread {thread} is lost");
    }
    assert!(recorded.is_empty(), "sends that nobody asked for: {recorded:?}");
    assert_eq!(server.client(&token).send(1, 1).short(), "200 ");
}
