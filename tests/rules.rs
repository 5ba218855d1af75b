//! The rules as a pure function, by property: over every combination of facts, and against a model of the vendor's
//! page that is written in another way.

use proptest::prelude::*;
use surveyd::survey::{
    Facts, SendSurvey, Sending, decide,
    ids::{ClientId, ExternalId, FormId, Target, ThreadId},
};

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        any::<i64>().prop_map(|id| Target::Client(ClientId(id))),
        any::<i64>().prop_map(|id| Target::Thread(ThreadId(id))),
        ".{1,255}".prop_filter_map("too long", |text| ExternalId::new(text).map(Target::ExternalClient)),
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    (any::<bool>(), any::<Option<i64>>(), any::<bool>(), any::<Option<i64>>(), any::<bool>()).prop_map(
        |(enabled, client, has_open_thread, thread, form_enabled)| Facts {
            enabled,
            client: client.map(ClientId),
            has_open_thread,
            thread: thread.map(ThreadId),
            form_enabled,
        },
    )
}

proptest! {
    /// Of all that forbids a send, the first in the documented order is told; if nothing does, it is sent as asked.
    #[test]
    fn the_first_refusal_in_the_documented_order_is_told(target in targets(), form: i64, facts in facts()) {
        let ask = SendSurvey { target: target.clone(), form: FormId(form) };
        let who = match &target {
            Target::Client(id) => format!("Client {id}"),
            Target::ExternalClient(id) => format!("Client \"{}\"", id.as_str()),
            Target::Thread(id) => format!("Thread {id}"),
        };
        let thread = facts.thread.map_or(0, |thread| thread.0);
        let sentences = [
            (!facts.enabled, "Sending surveys via external api is disabled".to_owned()),
            (facts.client.is_none(), format!("{who} not found")),
            (facts.has_open_thread, "Client has open thread".to_owned()),
            (facts.thread.is_none(), "Client has no closed thread".to_owned()),
            (!facts.form_enabled, format!("Cannot send form {form} to thread {thread}")),
        ];
        let expected = sentences.into_iter().find(|(forbids, _)| *forbids).map(|(_, sentence)| sentence);
        match decide(&ask, &facts) {
            Ok(Sending { form: sent, thread, client }) => {
                prop_assert_eq!(expected, None);
                prop_assert_eq!((sent, Some(thread), Some(client)), (FormId(form), facts.thread, facts.client));
            }
            Err(refusal) => prop_assert_eq!(Some(refusal.to_string()), expected),
        }
    }

    /// An external id has 1 to 255 characters, whatever their bytes.
    #[test]
    fn an_external_id_has_1_to_255_characters(text in ".{0,300}") {
        let fits = (1..=255).contains(&text.chars().count());
        prop_assert_eq!(ExternalId::new(text).is_some(), fits);
    }
}
