//! The rows that a survey is about, in the form of the world file and the admin routes.
//!
//! Unknown keys are refused: if a misspelt `stateChangeTme` were ignored, its value would be lost.

use serde::{Deserialize, Deserializer, Serialize};

use crate::survey::{
    gateway::{DeliveryState, DeliveryUrl, SigningSecret},
    ids::{ChannelId, ClientId, FormId, SendingId, ThreadId},
    json::Object,
    time::Time,
};

/// The greatest length of each text of a form's question, in characters. Forms with a longer text are refused, so that
/// a delivery, which contains two of them, stays below the 20 kB of Standard Webhooks.
pub(crate) const MAX_QUESTION_TEXT_CHARS: usize = 2_000;

/// The system settings that a send depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SystemSettings {
    /// "Surveys via external API are enabled in the system settings."
    pub(crate) surveys_via_external_api: bool,
}

impl SystemSettings {
    /// Their names in JSON and on the command line. Each is on or off.
    pub(crate) const NAMES: [&str; 1] = ["surveysViaExternalApi"];

    /// The setting of a name, if there is one.
    pub(crate) fn switch(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "surveysViaExternalApi" => Some(&mut self.surveys_via_external_api),
            _ => None,
        }
    }
}

/// Where conversations happen, such as a web widget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    /// 1 to 255 characters.
    pub(crate) name: String,
    /// `WEB`, `MOBILE` and so on: 1 to 255 characters.
    pub(crate) r#type: String,
    /// The gateway that receives the surveys of this channel. Without one they are only recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_url: Option<DeliveryUrl>,
    /// A secret that the administrator brings; otherwise the server makes one. Never shown.
    #[serde(default, skip_serializing)]
    pub(crate) delivery_secret: Option<SigningSecret>,
    /// Why deliveries are switched off; absent while they are on. 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_off: Option<String>,
}

/// A person who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    /// The id in the integrator's system; unique if present. 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    /// 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// As a telephony system writes it: 1 to 64 characters. Several clients may share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
}

/// A conversation of a client in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Thread {
    pub(crate) id: ThreadId,
    pub(crate) client_id: ClientId,
    pub(crate) channel: ChannelId,
    /// A thread is open in every status except `CLOSED`.
    pub(crate) status: ThreadStatus,
    pub(crate) start_time: Time,
    /// The time of the last change of status; for a closed thread, the closing time.
    pub(crate) state_change_time: Time,
}

/// The vendor's thread statuses. Source: "Get thread by id".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ThreadStatus {
    /// Just started.
    New,
    /// No agent has it yet.
    Unassigned,
    /// Started outside working hours. That it counts as open is chosen.
    Suspended,
    /// An agent has it.
    Assigned,
    /// Another agent has it.
    Reassigned,
    /// The client waits for an answer.
    AnswerNeeded,
    /// The agent waits for the client.
    Waiting,
    InProgress,
    Closed,
}

impl ThreadStatus {
    const NAMES: [(Self, &str); 9] = [
        (Self::New, "NEW"),
        (Self::Unassigned, "UNASSIGNED"),
        (Self::Suspended, "SUSPENDED"),
        (Self::Assigned, "ASSIGNED"),
        (Self::Reassigned, "REASSIGNED"),
        (Self::AnswerNeeded, "ANSWER_NEEDED"),
        (Self::Waiting, "WAITING"),
        (Self::InProgress, "IN_PROGRESS"),
        (Self::Closed, "CLOSED"),
    ];

    /// The name on the wire and in the file.
    pub(crate) fn as_str(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    /// In the vendor's order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().map(|(status, _)| *status)
    }

    /// The inverse of [`Self::as_str`].
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, other)| *other == name).map(|(status, _)| *status)
    }
}

/// A quality form: the survey that is sent. The optional fields are stored and passed on; no rule looks at them.
///
/// Source of the optional fields: "Create quality survey".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Form {
    pub(crate) id: FormId,
    /// 1 to 255 characters.
    pub(crate) name: String,
    /// The answer is yes or no instead of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_question: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub(crate) question: Option<Question>,
    /// The number of messages that a conversation must have before the vendor sends the survey automatically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) required_message_count: Option<i64>,
    /// n: the vendor sends the survey automatically to every n-th client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sending_frequency: Option<i64>,
    /// Seconds for which the form stays available after the thread was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hide_after: Option<i64>,
    /// The channels that the form is enabled for, in ascending order.
    #[serde(default)]
    pub(crate) channels: Vec<ChannelId>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Question {
    /// The lowest score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_value: Option<i64>,
    /// The highest score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_value: Option<i64>,
    /// The average score that is aimed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kpi: Option<f64>,
    /// The question as the client reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The question as reports show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_text: Option<String>,
}

fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Question>, D::Error> {
    Ok(Option::<Object<Question>>::deserialize(deserializer)?.map(|Object(question)| question))
}

/// One send, as `GET /admin/sends` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SentSurvey {
    /// Sequential.
    pub sending_id: SendingId,
    /// The form that was sent.
    pub quality_form_id: FormId,
    /// The thread that it was sent to.
    pub thread_id: ThreadId,
    /// The client of that thread.
    pub client_id: ClientId,
    /// The external id that the client has now; none if there is none, or the client is erased.
    pub client_external_id: Option<String>,
    /// The time at which it was recorded.
    pub sent_at: Time,
    /// The name of the token of the request.
    pub token: String,
    /// The state of its delivery.
    pub delivery: DeliveryState,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_status_has_a_name() {
        assert_eq!(ThreadStatus::all().count(), 9);
        for status in ThreadStatus::all() {
            assert_eq!(ThreadStatus::named(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).expect("JSON"), status.as_str());
        }
        assert_eq!(ThreadStatus::named("closed"), None);
    }

    #[test]
    fn each_setting_has_its_name_in_json() {
        let mut settings = SystemSettings { surveys_via_external_api: true };
        let json = serde_json::to_value(settings).expect("JSON");
        let names: Vec<_> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names, SystemSettings::NAMES);
        for name in SystemSettings::NAMES {
            assert_eq!(settings.switch(name).copied().map(Value::from).as_ref(), json.get(name));
        }
        assert_eq!(settings.switch("SurveysViaExternalApi"), None);
    }

    #[test]
    fn a_question_is_an_object_or_nothing() {
        let form = |question| {
            serde_json::from_value::<Form>(json!({"id": 1, "name": "a", "question": question}))
                .map(|form| form.question)
        };
        let asked = form(json!({"text": "?"})).expect("a form").expect("a question");
        assert_eq!(asked, Question { text: Some("?".to_owned()), ..Question::default() });
        assert_eq!(form(json!(null)).expect("a form"), None);
        assert!(form(json!([1, 2, 0.1, "?", "!"])).is_err());
    }
}
