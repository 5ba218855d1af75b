//! Facts and rules together, by property: whatever threads a client has and in whatever order they came, the answer is
//! the one that a plain reading of the vendor's page gives.

use std::cell::{Cell, RefCell};

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

use crate::harness::{ClientRow, Server, Thread};

/// A thread of the model: channel, whether it is closed, and when it came into its status.
type Row = (i64, bool, i64);

/// The answer of the page: the flag is on, and form 1 is enabled on channel 1.
fn expected(threads: &[(i64, Row)]) -> String {
    if threads.iter().any(|(_, (_, closed, _))| !closed) {
        return "409 Client has open thread".to_owned();
    }
    match threads.iter().max_by_key(|(id, (_, _, time))| (*time, *id)) {
        None => "409 Client has no closed thread".to_owned(),
        Some((_, (1, _, _))) => "200 ".to_owned(),
        Some((id, _)) => format!("409 Cannot send form 1 to thread {id}"),
    }
}

#[test]
fn the_decision_is_that_of_the_vendor_s_page() {
    let fake = Server::fake();
    // The runner shares its closure.
    let (admin, crm) = (RefCell::new(fake.client("test-admin")), RefCell::new(fake.client("test-crm")));
    // Few times, so that ties are common; open threads are rarer than closed ones, so that they do not decide all.
    let rows = prop::collection::vec((1..=2_i64, prop::bool::weighted(0.9), 0..4_i64), 0..6);
    let next_id = Cell::new(1000);
    TestRunner::new(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })
        .run(&(rows, any::<bool>()), |(rows, backwards)| {
            let client = next_id.replace(next_id.get() + 100);
            let (mut admin, mut crm) = (admin.borrow_mut(), crm.borrow_mut());
            admin.put(&ClientRow::new(client).external_id(&format!("x-{client}")));
            let mut threads: Vec<(i64, Row)> = (client..).zip(rows).collect();
            if backwards {
                threads.reverse();
            }
            for (id, (channel, closed, hour)) in &threads {
                let thread = if *closed { Thread::closed(*id) } else { Thread::open(*id, "WAITING") };
                admin.put(&thread.client(client).channel(*channel).changed_at_hour(*hour));
            }
            let expected = expected(&threads);
            prop_assert_eq!(crm.send(client, 1).short(), expected.clone());
            let external = json!({ "type": "externalClientId", "id": format!("x-{client}") });
            prop_assert_eq!(crm.send_to(&external, 1).short(), expected);
            for (id, row) in &threads {
                // A target by thread id is that thread alone, unless its client has an open one.
                let alone =
                    if threads.iter().all(|(_, (_, closed, _))| *closed) { vec![(*id, *row)] } else { threads.clone() };
                prop_assert_eq!(crm.send_to_thread(*id, 1).short(), self::expected(&alone));
            }
            Ok(())
        })
        .unwrap();
}
