//! SIGTERM under load: whoever was answered was answered whole, and whatever was recorded was answered.

use std::{
    io::ErrorKind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::harness::{Client, Home, eventually};

const CLIENTS: usize = 8;

/// So many servers, each told to stop in the middle of its work.
fn nothing_is_broken_off(times: usize) {
    let home = Home::with_sample();
    let (token, ops) = (home.token("crm", "integrator"), home.token("ops", "admin"));
    let answered = AtomicUsize::new(0);
    for time in 0..times {
        let server = home.serve();
        let goal = answered.load(Ordering::Relaxed) + 20 + time * 7 % 50;
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                let mut crm = server.client(&token);
                // Connected while it answers, however late the thread begins.
                crm.push(b"");
                scope.spawn(|| send_until_the_end(crm, &answered));
            }
            eventually("sends are answered", || answered.load(Ordering::Relaxed) >= goal);
            thread::sleep(Duration::from_micros(time as u64 * 331 % 4000));
            server.signal("-TERM");
        });
        let began = Instant::now();
        assert_eq!(server.wait().0, Some(0));
        assert!(began.elapsed() < Duration::from_secs(5), "the promise is 5 s");
    }
    let server = home.serve();
    assert_eq!(
        server.client(&ops).all_sends().len(),
        answered.load(Ordering::Relaxed),
        "each was answered, and each answer true"
    );
}

/// Sends on a kept connection until the server closes it.
fn send_until_the_end(mut crm: Client, answered: &AtomicUsize) {
    let body = br#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;
    loop {
        match crm.try_call_with("POST", "/api/v1/quality/send", "Content-Type: application/json\r\n", body) {
            Ok(answer) => {
                assert_eq!(answer.short(), "200 ");
                answered.fetch_add(1, Ordering::Relaxed);
                if answer.header("connection") == Some("close") {
                    return;
                }
            }
            // Closed while nothing was under way; a broken answer would show what there was of it.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return assert_eq!(error.to_string(), "\"\""),
            Err(error) => {
                let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];
                return assert!(closed.contains(&error.kind()), "{error:?}");
            }
        }
    }
}

#[test]
fn whenever_it_is_told_to_stop() {
    nothing_is_broken_off(8);
}

/// `cargo test --test api -- --ignored whenever_it_is_told_to_stop`: some minutes.
#[test]
#[ignore = "takes minutes"]
fn whenever_it_is_told_to_stop_two_hundred_times() {
    nothing_is_broken_off(200);
}
