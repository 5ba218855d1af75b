//! An error of every write and sync of a server: each answer is true, and the server serves again.

use rstest::rstest;

use crate::{
    call_numbers,
    harness::{FailingCalls, TestFolder},
    ledger::{Ledger, Reported, prepare},
};

/// How many sends are asked for. The error comes in one of them.
const SENDS: i64 = 3;

#[rstest]
fn an_answer_after_an_error_of_a_write_is_true(
    #[values("EIO", "ENOSPC")] error: &str,
    #[values("pwrite64", "ftruncate")] calls: &str,
) {
    check_answers_after(error, calls);
}

#[rstest]
fn an_answer_after_an_error_of_a_sync_is_true(#[values("EIO", "ENOSPC")] error: &str) {
    check_answers_after(error, "fdatasync");
}

/// Each number of a call, with its error alone (nothing follows the number) and with errors of all calls after it (`+`).
fn check_answers_after(error: &str, calls: &str) {
    let folder = TestFolder::new();
    let token = prepare(&folder, 5000);
    let mut ledger = Ledger::default();
    for (number, more) in call_numbers().flat_map(|number| [(number, ""), (number, "+")]) {
        let mut is_reached = false;
        // With the kill right after the answer, and with another send in between.
        for goes_on in [false, true] {
            let when = format!("{error} of {calls} {number}{more}, goes on: {goes_on}");
            let server = folder.serve();
            let mut crm = server.client(&token);
            // The use of the token is recorded by a job of its own, which may fail unnoticed. It comes before this send.
            let from = ledger.next();
            assert_eq!(ledger.send_each(&mut crm, [from]), Reported::Recorded, "{when}");
            let effect = format!("error={error}:when={number}{more}");
            let Some(errors) = FailingCalls::of(&server, &format!("inject={calls}:{effect}")) else { return };
            let from = ledger.next();
            let reported = ledger.send_each(&mut crm, from..from + SENDS);
            assert_ne!(reported, Reported::Nothing, "{when}: {}", server.log());
            is_reached |= reported != Reported::Recorded;
            if goes_on {
                drop(errors);
                let from = ledger.next();
                assert_eq!(ledger.send_each(&mut crm, [from]), Reported::Recorded, "{when}: {}", server.log());
            }
            server.kill();
            ledger.check(&folder, &when);
        }
        if !is_reached {
            break;
        }
    }
    let failed = ledger.count(Reported::NothingDone) + ledger.count(Reported::Unknown);
    // The log is not cut during a send.
    assert!(failed > 3 || calls == "ftruncate", "the errors came to nothing");
    let server = folder.serve();
    ledger.ask_again(&mut server.client(&token));
    server.kill();
    ledger.check(&folder, "after asking again");
}

/// The control: writes that report success and do nothing.
#[test]
fn a_write_that_only_says_so_is_found() {
    let folder = TestFolder::new();
    let token = prepare(&folder, 10);
    let server = folder.serve();
    let mut ledger = Ledger::default();
    let Some(_pretended) = FailingCalls::of(&server, "inject=pwrite64:retval=4096") else { return };
    assert_eq!(ledger.send_each(&mut server.client(&token), [1]), Reported::Recorded);
    server.kill();
    let contradictions = ledger.contradictions(&folder.path("surveyd.db"));
    assert_eq!(contradictions, ["the send to 1 is lost"]);
}
