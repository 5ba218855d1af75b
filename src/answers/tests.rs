//! Tests of the table of cases, and of answers files.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    Answers, CommonValues,
    case::Case,
    envelope::{Layout, envelope},
    occurrence::Occurrence,
    outcome::Outcome,
    template::{Placeholder, Template},
};
use crate::survey::{
    Facts, SendSurvey,
    access::{Denied, Role},
    decide,
    ids::{ChannelId, ClientId, ExternalId, FormId, Target, ThreadId},
    time::Time,
};

fn common() -> CommonValues<'static> {
    CommonValues { method: "POST", uri: "/x", time: Time(0), uuid: "1".to_owned() }
}

#[test]
fn the_table_is_sound() {
    let names: BTreeSet<_> = Case::ALL.into_iter().map(Case::name).collect();
    assert_eq!(names.len(), Case::ALL.len(), "each case has a name of its own");
    for case in Case::ALL {
        assert_eq!(Case::named(case.name()), Some(case));
        assert!(case.description().ends_with('.'), "{}", case.name());
        if let Outcome::Answer(answer) = case.standard() {
            let text = answer.content.template().as_str().to_owned();
            assert!(Template::parse(text, case.placeholders()).is_ok(), "{}", case.name());
        }
    }
}

/// Source: "Send Survey", examples of failed responses.
#[test]
fn documented_answers_have_the_documented_lengths() {
    let uri = "/api/v1/quality/send";
    let length = |message| envelope(Layout::Documented, "POST", uri, message).len();
    assert_eq!(length("Sending surveys via external api is disabled"), 141);
    assert_eq!(length("Client has open thread"), 119);
    assert_eq!(length("Cannot send form 1 to thread 1"), 127);
    assert_eq!(
        envelope(Layout::Compact, "POST", "/x", "a \"b\""),
        r#"{"method":"POST","uri":"/x","code":null,"message":"a \"b\""}"#
    );
}

#[test]
fn a_denial_has_the_message_of_its_case() {
    let role = |allowed| Denied::Role { token: "crm".to_owned(), role: Role::Bot, allowed };
    for (denied, message) in [
        (Denied::Missing, "Token is missing: send it as \"Authorization: Bearer <token>\""),
        (Denied::Invalid, "Token is invalid"),
        (Denied::Revoked { token: "crm".to_owned() }, "Token is invalid"),
        (Denied::Expired { token: "crm".to_owned() }, "Token is expired"),
        (role(&[]), "Role BOT may not do this; it takes nobody"),
        (role(Role::ADMINS), "Role BOT may not do this; it takes ADMIN"),
        (role(Role::SENDERS), "Role BOT may not do this; it takes INTEGRATOR, OPERATOR or SUPERVISOR"),
    ] {
        assert_eq!(Occurrence::from(&denied).message(), message);
    }
}

const FILE: &str = r#"{
  "version": 1,
  "layout": "compact",
  "headers": {
    "Vary": [
      "Origin",
      "Accept"
    ]
  },
  "answers": {
    "clientId.id.quoted": "accepted",
    "clientNotFound": {
      "status": 400,
      "message": "No client {id}"
    },
    "openThread": {
      "message": "Busy"
    },
    "unknownPath": {
      "body": "{\"path\":\"{uri}\",\"at\":\"{time}\"}",
      "headers": {
        "Content-Type": "application/problem+json",
        "WWW-Authenticate": null
      }
    }
  },
  "seen": [
    "clientId.id.quoted",
    "clientNotFound"
  ]
}
"#;

#[test]
fn a_file_is_read_and_written() {
    let answers = Answers::parse(FILE).expect("a file");
    assert_eq!(answers.to_file().expect("JSON"), FILE);
    assert!(answers.accepts(Case::IdQuoted) && !answers.accepts(Case::FormQuoted));
    assert_eq!(answers.changed_documented().collect::<Vec<_>>(), [Case::OpenThread]);
    let occurrence = Occurrence::new(Case::ClientNotFound).with(Placeholder::Id, 7);
    assert_eq!(answers.status_and_message(&occurrence, &common()), (400, "No client 7".to_owned()));
    let not_found = answers.render(&Occurrence::new(Case::UnknownPath), &common()).expect("an answer");
    assert_eq!((not_found.status, &*not_found.body), (404, r#"{"path":"/x","at":"1970-01-01T00:00:00.000Z"}"#));
}

/// A value in a JSON body cannot end its string.
#[test]
fn values_in_a_json_body_are_escaped() {
    let text = r#"{"version":1,"answers":{"externalClientNotFound":{"body":"{\"id\":\"{id}\"}"}}}"#;
    let answers = Answers::parse(text).expect("a file");
    let occurrence = Occurrence::new(Case::ExternalClientNotFound).with(Placeholder::Id, "a\"b\\");
    assert_eq!(answers.render(&occurrence, &common()).expect("an answer").body, r#"{"id":"a\"b\\"}"#);
}

#[test]
fn an_error_names_what_is_wrong() {
    let read = |text: &str| Answers::parse(text).map(|_| ()).expect_err("an error");
    let with = |answers: &str| read(&format!("{{\"version\":1,\"answers\":{{{answers}}}}}"));
    insta::assert_snapshot!(
        [
            read("{"),
            read("[]"),
            read("{}"),
            read(r#"{"version":2,"later":1}"#),
            read(r#"{"version":"1"}"#),
            read(r#"{"version":1,"layout":"pretty"}"#),
            read(r#"{"version":1,"rules":{}}"#),
            read(r#"{"version":1,"headers":{"Server":"x"}}"#),
            read(r#"{"version":1,"headers":{"Vary":"a\nb"}}"#),
            read(r#"{"version":1,"headers":{"Vary":1}}"#),
            read(r#"{"version":1,"seen":["clientsNotFound"]}"#),
            with(r#""clientNotFond":{"status":400}"#),
            with(r#""clientNotFound":"ok""#),
            with(r#""clientNotFound":"accepted""#),
            with(r#""clientNotFound":{"status":99}"#),
            with(r#""clientNotFound":{"code":1}"#),
            with(r#""clientNotFound":{"message":"{name}"}"#),
            with(r#""clientNotFound":{"message":"a","body":"b"}"#),
            with(r#""clientNotFound":{"headers":{"X-A":"b"}}"#),
            with(r#""unknownKey":{"status":400}"#),
        ]
        .join("\n")
    );
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        any::<i64>().prop_map(|id| Target::Client(ClientId(id))),
        any::<i64>().prop_map(|id| Target::Thread(ThreadId(id))),
        ".{1,255}".prop_filter_map("too long", |text| ExternalId::new(text).map(Target::ExternalClient)),
    ]
}

proptest! {
    /// A refusal has the sentence of its rule, with the values of the request and of what was found.
    #[test]
    fn a_refusal_has_the_message_of_its_case(
        target in targets(),
        form: i64,
        (enabled, client, open_thread) in any::<(bool, Option<i64>, bool)>(),
        destination in any::<Option<(i64, i64)>>(),
    ) {
        let request = SendSurvey { target: target.clone(), form: FormId(form) };
        let facts = Facts {
            enabled,
            client: client.map(ClientId),
            open_thread: open_thread.then_some(ThreadId(9)),
            destination: destination.map(|(thread, channel)| (ThreadId(thread), ChannelId(channel))),
            form_enabled: false,
        };
        let subject = match &target {
            Target::Client(id) => format!("Client {id}"),
            Target::ExternalClient(id) => format!("Client \"{}\"", id.as_str()),
            Target::Thread(id) => format!("Thread {id}"),
        };
        let expected = if !enabled {
            "Sending surveys via external api is disabled".to_owned()
        } else if client.is_none() {
            format!("{subject} not found")
        } else if open_thread {
            "Client has open thread".to_owned()
        } else if let Some((thread, _)) = destination {
            format!("Cannot send form {form} to thread {thread}")
        } else {
            "Client has no closed thread".to_owned()
        };
        let refusal = decide(&request, &facts).expect_err("a refusal");
        let occurrence = Occurrence::from(&refusal);
        prop_assert_eq!(&*occurrence.message(), &*expected);
        prop_assert_eq!(Answers::default().status_and_message(&occurrence, &common()).1, expected);
    }
}
