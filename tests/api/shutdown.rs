//! SIGTERM under load: the server answers each request that it has begun to read, and records exactly the sends that it has
//! answered with 200.

use std::{
    io::ErrorKind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::harness::{Client, Signal, TestFolder, eventually};

const CLIENTS: usize = 8;

/// Stops `stops` servers, one after another, while clients send.
fn a_stop_loses_no_answer(stops: usize) {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let (answered, last_answers) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for stop in 0..stops {
        let server = folder.serve();
        let goal = answered.load(Ordering::Relaxed) + 20 + stop * 7 % 50;
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let mut crm = server.client(&token);
                // The server has accepted the connection, however late the thread begins.
                assert_eq!(crm.send(2, 1).status, 409);
                scope.spawn(|| last_answers.fetch_add(send_until_closed(crm, &answered), Ordering::Relaxed));
            }
            eventually("sends are answered", || answered.load(Ordering::Relaxed) >= goal);
            // At another moment of a batch each time.
            thread::sleep(Duration::from_micros(stop as u64 * 331 % 4000));
            server.signal(Signal::TERM);
        });
        assert_eq!(server.wait().0, Some(0));
    }
    let recorded = folder.serve().client(&ops).all_sends().len();
    assert_eq!(recorded, answered.load(Ordering::Relaxed), "a row for each 200, and no other row");
    assert!(last_answers.load(Ordering::Relaxed) > 0, "no signal came while a send was in flight");
}

/// Sends on a kept connection until the server closes it. Returns 1 if the server announced that with an answer, which it
/// does where the signal came while the send was in flight; otherwise 0.
fn send_until_closed(mut crm: Client, answered: &AtomicUsize) -> usize {
    loop {
        match crm.try_send(1, 1) {
            Ok(response) => {
                assert_eq!(response.short(), "200 ");
                answered.fetch_add(1, Ordering::Relaxed);
                if response.header("connection") == Some("close") {
                    return 1;
                }
            }
            // Closed between two requests. The text of the error is what there was of a response.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                assert_eq!(error.to_string(), "\"\"");
                return 0;
            }
            Err(error) => {
                let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];
                assert!(closed.contains(&error.kind()), "{error:?}");
                return 0;
            }
        }
    }
}

#[test]
fn a_stop_under_load_loses_no_answer() {
    a_stop_loses_no_answer(8);
}

/// `cargo test --test api -- --ignored a_stop_under_load_loses_no_answer`: some minutes.
#[test]
#[ignore = "takes minutes"]
fn a_stop_under_load_loses_no_answer_two_hundred_times() {
    a_stop_loses_no_answer(200);
}
