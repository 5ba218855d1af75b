//! By default no request can send a survey: not even where every client, thread and form could get one.

use super::{
    stand_in::{Behaviour, ClientState, OFTEN_ACCEPTED, Rows, StandIn},
    verify, verify_in,
};
use crate::harness::{Channel, ClientRow, Form, Server, TestFolder, Thread, World};

/// The id that verify asks for, and those that are read in its place where ids are floating-point numbers.
const NOWHERE: i64 = 9_007_199_254_740_993;

/// A world in which every client allows every form, also those whose ids are next to those that exist nowhere. `clients` and
/// `forms` are more ids.
fn open_world(clients: &[i64], forms: &[i64]) -> World {
    let near = [NOWHERE - 1, NOWHERE - 2];
    let clients = (0..200).chain(near).chain(clients.iter().copied());
    let external = |id: i64| ClientRow::new(id).external_id(&id.to_string());
    World::new()
        .surveys(true)
        .with(Channel::new(1))
        .with_all(clients.clone().map(external))
        .with_all(clients.map(|id| Thread::closed(id).client(id)))
        .with_all((0..100).chain(near).chain(forms.iter().copied()).map(Form::new))
}

fn sends_after(world: World, arguments: &[&str]) -> usize {
    let folder = TestFolder::new();
    let world = folder.write("world.json", &serde_json::Value::from(world).to_string());
    let fake = Server::fake_with(&["--world", super::argument(&world)]);
    let verified = verify_in(&folder, &format!("http://{}", fake.address), arguments);
    assert_ne!(verified.code, Some(2), "{verified:?}");
    fake.client("test-admin").all_sends().len()
}

#[test]
fn nothing_is_sent_by_default() {
    assert_eq!(sends_after(open_world(&[], &[]), &[]), 0);
}

/// Each of the two ids that exist nowhere is enough.
#[test]
fn nothing_is_sent_where_one_of_the_ids_exists() {
    let ids = [NOWHERE, NOWHERE + 1, NOWHERE + 2, NOWHERE + 3];
    assert_eq!(sends_after(open_world(&ids, &[]), &[]), 0);
    assert_eq!(sends_after(open_world(&[], &ids), &[]), 0);
}

/// Also for rows that are not as their options say.
#[test]
fn nothing_is_sent_with_prepared_rows() {
    for arguments in [
        ["--client-with-open-thread", "7"].as_slice(),
        &["--client-without-closed-thread", "7"],
        &["--closed-client", "7", "--form", "1"],
        &["--client-in-another-channel", "7", "--form", "1"],
        &["--flag-is-off"],
    ] {
        assert_eq!(sends_after(open_world(&[], &[]), arguments), 0, "{arguments:?}");
    }
    let world = open_world(&[], &[])
        .with(ClientRow::new(1000))
        .with(Thread::closed(1000).client(1000).channel(2))
        .with(Channel::new(2));
    assert_eq!(sends_after(world, &["--client-in-another-channel", "1000", "--form", "1"]), 0);
}

#[test]
fn one_survey_is_sent_with_send() {
    assert_eq!(sends_after(open_world(&[], &[]), &["--closed-client", "7", "--form", "1", "--send"]), 1);
}

/// A server that lets everything through sends nothing either.
#[test]
fn nothing_is_sent_by_a_server_that_accepts_everything() {
    let mut rows = Rows::default();
    for id in (0..100).chain([NOWHERE - 1]) {
        rows = rows.client(id, "Alice", ClientState::Allows(id));
    }
    let lenient = StandIn::start(Behaviour::default().accepting(&OFTEN_ACCEPTED).rows(rows));
    let verified = verify(&lenient.url, &[]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    assert_eq!(lenient.sends(), 0);
}
