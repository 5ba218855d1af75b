//! Wrong histories, which the search must find. Without them, a search that finds nothing would prove nothing.

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    call::{Action, Answer, Call, Caller, Target},
    histories::{record, rounds, seed},
    model::Model,
    search::{Event, Verdict, check},
    server::Server,
};

/// The start and the end of a call.
type Times = [u128; 2];

/// A call that was answered.
fn event(secret: &str, action: Action, answer: (u16, Value), [start, end]: Times) -> Event {
    let call = Call { by: Caller::Secret(secret.to_owned()), action };
    Event { call, answer: Answer { status: answer.0, body: answer.1 }, issued: None, start, end }
}

/// A send to client 101 with form 101, which the scene lets through.
fn send(secret: &str, key: Option<&str>, answer: (u16, Value), times: Times) -> Event {
    let action = Action::Send { target: Target::Client(101), form: 101, key: key.map(str::to_owned) };
    event(secret, action, answer, times)
}

fn flag(secret: &str, on: bool, times: Times) -> Event {
    event(secret, Action::SetFlag(on), (200, json!({ "surveysViaExternalApi": on })), times)
}

const ADMIN: &str = "surveyd_100_1";
const OTHER: &str = "surveyd_100_2";
const CRM: &str = "surveyd_100_4";

fn revoke_other(model: &Model, times: Times) -> Event {
    event(ADMIN, Action::RevokeToken(model.secrets[OTHER].0), (204, Value::Null), times)
}

/// Histories by hand. Each is right if the second call overlaps the first, and wrong if it comes after it.
#[rstest]
#[case::a_change_with_a_revoked_token(|model: &Model, late: Times| vec![revoke_other(model, [1, 5]), flag(OTHER, false, late)])]
#[case::a_read_with_a_revoked_token(|model: &Model, late: Times| {
    vec![revoke_other(model, [1, 5]), event(OTHER, Action::Forms, (200, forms()), late)]
})]
#[case::a_send_while_the_flag_is_off(|_: &Model, late: Times| vec![flag(ADMIN, false, [1, 5]), send(CRM, None, sent(), late)])]
#[case::a_read_from_before(|_: &Model, late: Times| {
    let read = (200, json!({ "surveysViaExternalApi": true }));
    vec![flag(ADMIN, false, [1, 5]), event(ADMIN, Action::Settings, read, late)]
})]
#[case::a_refusal_from_before(|_: &Model, late: Times| {
    let refused = (409, "Cannot send form 101 to thread 101".into());
    vec![
        event(ADMIN, Action::Disable(101, 1), (204, Value::Null), [1, 3]),
        event(ADMIN, Action::Enable(101, 1), (204, Value::Null), [4, 5]),
        send(CRM, None, refused, late),
    ]
})]
#[case::a_send_that_is_not_listed(|_: &Model, late: Times| {
    vec![send(CRM, None, sent(), [1, 5]), event(ADMIN, Action::Sends, (200, json!([])), late)]
})]
#[case::two_tokens_of_one_name(|model: &Model, late: Times| {
    let create = |name: &str, times| {
        let id = model.next_token + i64::from(name == "second");
        let row = (201, json!([id, "twin", "ADMIN", false]));
        let mut event = event(ADMIN, Action::CreateToken("twin".to_owned(), "ADMIN"), row, times);
        event.issued = Some(name.to_owned());
        event
    };
    let revoke = event(ADMIN, Action::RevokeToken(model.next_token), (204, Value::Null), [3, 9]);
    // With a revocation in between they are right: it must come after the first, and before the second has its answer.
    let ends = if late[0] > 5 { vec![] } else { vec![revoke] };
    [vec![create("first", [1, 5]), create("second", [6, 9])], ends].concat()
})]
fn a_wrong_history_is_found(#[case] history: fn(&Model, Times) -> Vec<Event>) {
    let model = Server::start().scene().model;
    let right = history(&model, [2, 9]);
    assert!(matches!(check(&model, &right), Verdict::Ordered), "{right:?}");
    let wrong = history(&model, [6, 9]);
    assert!(matches!(check(&model, &wrong), Verdict::Impossible(_)), "{wrong:?}");
}

fn sent() -> (u16, Value) {
    (200, "sent".into())
}

fn forms() -> Value {
    json!([{"id": 101, "name": "Made", "channels": [1]}, {"id": 102, "name": "Made", "channels": [1]}])
}

/// A key that was replayed sends nothing: one send is listed, not two.
#[test]
fn a_replay_that_sends_again_is_found() {
    let model = Server::start().scene().model;
    let listed = |count: i64| {
        let rows: Vec<_> =
            (0..count).map(|index| json!([model.first_send + index, 101, 101, 101, "made-100-4"])).collect();
        let twice = vec![
            send(CRM, Some("key"), sent(), [1, 5]),
            send(CRM, Some("key"), (200, "replayed".into()), [2, 6]),
            event(ADMIN, Action::Sends, (200, rows.into()), [7, 8]),
        ];
        check(&model, &twice)
    };
    assert!(matches!(listed(1), Verdict::Ordered));
    assert!(matches!(listed(2), Verdict::Impossible(_)));
}

/// Changes one answer of the last reads, and reads the same again as it was.
fn corrupt(history: &[Event], read: fn(&Action) -> bool, change: fn(&mut Value) -> Option<()>) -> Option<Vec<Event>> {
    let mut history = history.to_vec();
    let end = history.iter().map(|event| event.end).max()?;
    // The reads at the end come last.
    let last = history.iter_mut().rfind(|event| read(&event.call.action))?;
    let again = Event { start: end + 1, end: end + 2, ..last.clone() };
    change(&mut last.answer.body)?;
    history.push(again);
    Some(history)
}

/// Recorded histories, of which one answer is changed. They are short, because a search for an order that is not there goes
/// through all of them.
#[test]
fn an_answer_that_was_changed_afterwards_is_found() {
    let (mut server, seed, mut found) = (Server::start(), seed(), 0);
    for round in 0..rounds(10).min(100) {
        let scene = server.scene();
        let history = record(&server, &scene, seed + round as u64, 3);
        let flipped = corrupt(
            &history,
            |action| matches!(action, Action::Settings),
            |body| {
                let on = body["surveysViaExternalApi"].as_bool()?;
                body["surveysViaExternalApi"] = (!on).into();
                Some(())
            },
        );
        let lost =
            corrupt(&history, |action| matches!(action, Action::Sends), |body| body.as_array_mut()?.pop().map(drop));
        let sent_twice = corrupt(
            &history,
            |action| matches!(action, Action::Sends),
            |body| {
                let sends = body.as_array_mut()?;
                let mut again = sends.last()?.clone();
                again[0] = (again[0].as_i64()? + 1).into();
                sends.push(again);
                Some(())
            },
        );
        let valid_again = corrupt(
            &history,
            |action| matches!(action, Action::Tokens),
            |body| {
                let token = body.as_array_mut()?.last_mut()?;
                token[3] = (!token[3].as_bool()?).into();
                Some(())
            },
        );
        let missing =
            corrupt(&history, |action| matches!(action, Action::Threads), |body| body.as_array_mut()?.pop().map(drop));
        for wrong in [flipped, lost, sent_twice, valid_again, missing].into_iter().flatten() {
            let verdict = check(&scene.model, &wrong);
            assert!(matches!(verdict, Verdict::Impossible(_)), "seed {}: {wrong:?}", seed + round as u64);
            found += 1;
        }
    }
    println!("seed {seed}: {found} changed answers, all found");
    assert!(found > 0);
}
