//! Property tests of the rules: over random facts, against a model of the vendor's page that is written
//! in another way.

use crate::survey::{
    Facts, SendSurvey, Sending, decide,
    ids::{ChannelId, ClientId, ExternalId, FormId, Target, ThreadId},
    rules::Rule,
};
use proptest::prelude::*;

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        any::<i64>().prop_map(|id| Target::Client(ClientId(id))),
        any::<i64>().prop_map(|id| Target::Thread(ThreadId(id))),
        ".{1,255}".prop_filter_map("too long", |text| ExternalId::new(text).map(Target::ExternalClient)),
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    (any::<bool>(), any::<Option<i64>>(), any::<Option<i64>>(), any::<Option<(i64, i64)>>(), any::<bool>()).prop_map(
        |(enabled, client, open_thread, destination, form_enabled)| Facts {
            enabled,
            client: client.map(ClientId),
            open_thread: open_thread.map(ThreadId),
            destination: destination.map(|(thread, channel)| (ThreadId(thread), ChannelId(channel))),
            form_enabled,
        },
    )
}

proptest! {
    /// If several rules forbid a send, the first one in the order of [`Rule::ALL`] is reported. If none does, it is sent as
    /// requested.
    #[test]
    fn the_first_refusal_in_the_order_of_the_rules_is_reported(target in targets(), form: i64, facts in facts()) {
        let request = SendSurvey { target: target.clone(), form: FormId(form) };
        let subject = match &target {
            Target::Client(id) => format!("Client {id}"),
            Target::ExternalClient(id) => format!("Client \"{}\"", id.as_str()),
            Target::Thread(id) => format!("Thread {id}"),
        };
        let thread = facts.destination.map_or(0, |(thread, _)| thread.0);
        let sentences = [
            (!facts.enabled, "Sending surveys via external api is disabled".to_owned()),
            (facts.client.is_none(), format!("{subject} not found")),
            (facts.open_thread.is_some(), "Client has open thread".to_owned()),
            (facts.destination.is_none(), "Client has no closed thread".to_owned()),
            (!facts.form_enabled, format!("Cannot send form {form} to thread {thread}")),
        ];
        let expected = sentences.iter().find(|(forbids, _)| *forbids).map(|(_, sentence)| sentence.clone());
        match decide(&request, &facts) {
            Ok(Sending { form: sent, thread, client, channel }) => {
                prop_assert_eq!(expected, None);
                prop_assert_eq!((sent, Some((thread, channel)), Some(client)), (FormId(form), facts.destination, facts.client));
            }
            Err(refusal) => {
                // The failed rule is the one whose sentence is reported.
                let position = sentences.iter().position(|(forbids, _)| *forbids).expect("a sentence");
                let first = Rule::ALL.iter().position(|rule| *rule == Rule::SurveysEnabled).expect("a rule");
                prop_assert_eq!(refusal.rule(), Rule::ALL[first + position]);
                prop_assert_eq!(Some(refusal.to_string()), expected);
            }
        }
    }

    /// The limit counts characters, not bytes.
    #[test]
    fn an_external_id_has_1_to_255_characters(text in ".{0,300}") {
        let fits = (1..=255).contains(&text.chars().count());
        prop_assert_eq!(ExternalId::new(text).is_some(), fits);
    }
}
