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
        let request = SendSurvey { target, form: FormId(form) };
        let forbidden = [
            (!facts.enabled, Rule::SurveysEnabled),
            (facts.client.is_none(), Rule::TargetExists),
            (facts.open_thread.is_some(), Rule::NoOpenThread),
            (facts.destination.is_none(), Rule::HasClosedThread),
            (!facts.form_enabled, Rule::FormEnabled),
        ];
        let expected = forbidden.into_iter().find_map(|(forbids, rule)| forbids.then_some(rule));
        match decide(&request, &facts) {
            Ok(Sending { form: sent, thread, client, channel }) => {
                prop_assert_eq!(expected, None);
                prop_assert_eq!((sent, Some((thread, channel)), Some(client)), (FormId(form), facts.destination, facts.client));
            }
            Err(refusal) => prop_assert_eq!(Some(refusal.rule()), expected),
        }
    }

    /// The limit counts characters, not bytes.
    #[test]
    fn an_external_id_has_1_to_255_characters(text in ".{0,300}") {
        let fits = (1..=255).contains(&text.chars().count());
        prop_assert_eq!(ExternalId::new(text).is_some(), fits);
    }
}
