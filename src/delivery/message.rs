//! The body of a delivery: the survey, in the form in which the clients of the vendor's chat receive it.
//!
//! Source of the content: public SDKs of the vendor (message type SURVEY). The event that contains it is chosen, after
//! Standard Webhooks 1.0.

use serde::Serialize;

use crate::survey::{
    SendRecord,
    ids::{ChannelId, ClientId, FormId, SendingId, ThreadId},
    model::{Form, Question},
    time::Time,
};

/// The longest JSON of one text of a form, in bytes, so that a whole event stays below the 20 kB of the standard. Texts
/// of [`MAX_QUESTION_TEXT_CHARS`](crate::survey::model::MAX_QUESTION_TEXT_CHARS) mostly fit. Only control characters,
/// which JSON escapes, and the longer texts of an older file are cut.
const MAX_TEXT_JSON_BYTES: usize = 8_000;

/// The highest score of a form without `maxValue`. Source: the samples of "Create quality survey".
const DEFAULT_SCALE: i64 = 5;

#[derive(Serialize)]
struct Event<'a, D> {
    r#type: &'a str,
    timestamp: Time,
    data: D,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SurveySent<'a> {
    sending_id: SendingId,
    client_id: ClientId,
    client_external_id: Option<&'a str>,
    thread_id: ThreadId,
    channel: ChannelId,
    message: ChatMessage<'a>,
}

#[derive(Serialize)]
struct ChatMessage<'a> {
    r#type: &'a str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    id: FormId,
    uuid: &'a str,
    sending_id: SendingId,
    hide_after: Option<i64>,
    block_input: bool,
    questions: [QuestionMessage<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuestionMessage<'a> {
    id: FormId,
    sending_id: SendingId,
    text: &'a str,
    display_text: &'a str,
    survey_view_type: &'a str,
    scale: i64,
    simple: bool,
}

#[derive(Serialize)]
struct Ping {
    channel: ChannelId,
}

/// The event of a send, below 20 kB. A form has one question here, with the id of the form. If one of the two texts is
/// missing, the other one is used, or else the name of the form.
pub(crate) fn survey_sent(
    sent: &SendRecord,
    channel: ChannelId,
    client_external_id: Option<&str>,
    form: &Form,
    uuid: &str,
) -> String {
    let none = Question::default();
    let asked = form.question.as_ref().unwrap_or(&none);
    let (text, display_text) = (asked.text.as_deref(), asked.display_text.as_deref());
    let simple = form.binary_question == Some(true);
    let sending_id = sent.sending_id;
    let question = QuestionMessage {
        id: form.id,
        sending_id,
        text: fit(text.or(display_text).unwrap_or(&form.name)),
        display_text: fit(display_text.or(text).unwrap_or(&form.name)),
        survey_view_type: "SCALE",
        scale: if simple { 2 } else { asked.max_value.unwrap_or(DEFAULT_SCALE) },
        simple,
    };
    let content = Content {
        id: form.id,
        uuid,
        sending_id,
        hide_after: form.hide_after,
        block_input: true,
        questions: [question],
    };
    let data = SurveySent {
        sending_id,
        client_id: sent.client,
        client_external_id,
        thread_id: sent.thread,
        channel,
        message: ChatMessage { r#type: "SURVEY", content },
    };
    event("survey.sent", sent.sent_at, data)
}

/// The event with which an administrator tests a gateway.
pub(crate) fn ping(channel: ChannelId, now: Time) -> String {
    event("ping", now, Ping { channel })
}

fn event(r#type: &str, timestamp: Time, data: impl Serialize) -> String {
    // Serializing these types cannot fail; the default only avoids an unwrap.
    serde_json::to_string(&Event { r#type, timestamp, data }).unwrap_or_default()
}

/// Cuts a text whose JSON would be too long.
fn fit(text: &str) -> &str {
    let mut length = 0;
    let end = text.char_indices().find(|(_, c)| {
        length += match c {
            '"' | '\\' => 2,
            c if c.is_control() => 6,
            c => c.len_utf8(),
        };
        length > MAX_TEXT_JSON_BYTES
    });
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> SendRecord {
        SendRecord {
            sending_id: SendingId(1301),
            thread: ThreadId(4),
            client: ClientId(3),
            sent_at: Time(0),
            token: "crm".to_owned(),
        }
    }

    fn form(question: Option<Question>, binary: bool) -> Form {
        Form {
            id: FormId(7),
            name: "Service".to_owned(),
            binary_question: Some(binary),
            question,
            required_message_count: None,
            sending_frequency: None,
            hide_after: Some(900),
            channels: Vec::new(),
        }
    }

    #[test]
    fn the_event_of_a_send() {
        let question = Question {
            min_value: Some(1),
            max_value: Some(10),
            text: Some("Please rate our service".to_owned()),
            display_text: Some("Quality of service".to_owned()),
            kpi: Some(4.02),
        };
        let event = survey_sent(&sent(), ChannelId(2), Some("crm-3"), &form(Some(question), false), "u");
        assert_eq!(
            event,
            "{\"type\":\"survey.sent\",\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"data\":{\"sendingId\":1301,\"clientId\":3,\
             \"clientExternalId\":\"crm-3\",\"threadId\":4,\"channel\":2,\"message\":{\"type\":\"SURVEY\",\"content\":{\"id\":7,\
             \"uuid\":\"u\",\"sendingId\":1301,\"hideAfter\":900,\"blockInput\":true,\"questions\":[{\"id\":7,\"sendingId\":1301,\
             \"text\":\"Please rate our service\",\"displayText\":\"Quality of service\",\"surveyViewType\":\"SCALE\",\
             \"scale\":10,\"simple\":false}]}}}}"
        );
    }

    #[test]
    fn a_binary_question_has_two_answers_and_a_bare_form_its_name() {
        let event = survey_sent(&sent(), ChannelId(2), None, &form(None, true), "u");
        let expected =
            "\"text\":\"Service\",\"displayText\":\"Service\",\"surveyViewType\":\"SCALE\",\"scale\":2,\"simple\":true";
        assert!(event.contains(expected), "{event}");
        assert!(event.contains("\"clientExternalId\":null"), "{event}");
    }

    /// The limit of the standard holds for any text.
    #[test]
    fn an_event_is_below_20_kilobytes() {
        for text in ["\u{1}", "\"", "😀", "я", "a"] {
            let text = Some(text.repeat(30_000));
            let question = Question { text: text.clone(), display_text: text, ..Question::default() };
            let external_id = "\u{1}".repeat(255);
            let event =
                survey_sent(&sent(), ChannelId(i64::MIN), Some(&external_id), &form(Some(question), false), "u");
            assert!((7_000..20_000).contains(&event.len()), "{}", event.len());
            serde_json::from_str::<serde_json::Value>(&event).expect("JSON");
        }
    }
}
