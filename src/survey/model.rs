//! The things that a survey is about, as the world file and the admin routes write them.
//!
//! Unknown keys are refused: a misspelt `stateChangeTme` that is skipped in silence would be a lost value.

use serde::{Deserialize, Deserializer, Serialize};

use crate::survey::{
    gateway::{DeliveryState, DeliveryUrl, SigningSecret},
    ids::{ChannelId, ClientId, FormId, SendingId, ThreadId},
    json::Object,
    time::Time,
};

/// The system settings that a send depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SystemSettings {
    /// "Surveys via external API are enabled in the system settings."
    pub(crate) surveys_via_external_api: bool,
}

/// Where conversations take place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Channel {
    /// Its identifier.
    pub(crate) id: ChannelId,
    /// What people call it: 1 to 255 characters.
    pub(crate) name: String,
    /// What it is (`WEB`, `MOBILE`, …): 1 to 255 characters.
    pub(crate) r#type: String,
    /// The gateway that what is sent in this channel is delivered to; without one it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_url: Option<DeliveryUrl>,
    /// What deliveries are signed with, where whoever writes the row brings a secret of their own. Never shown.
    #[serde(default, skip_serializing)]
    pub(crate) delivery_secret: Option<SigningSecret>,
    /// Why nothing is delivered at the moment, if that is so: 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_off: Option<String>,
}

/// One who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Client {
    /// Internal identifier.
    pub(crate) id: ClientId,
    /// Identifier in the integrator's system; unique where present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// As a telephony system has it: 1 to 64 characters. Several clients may share one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
}

/// A conversation of a client in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Thread {
    /// Internal identifier.
    pub(crate) id: ThreadId,
    /// Whose it is.
    pub(crate) client_id: ClientId,
    /// Where it takes place.
    pub(crate) channel: ChannelId,
    /// Open is everything but `CLOSED`.
    pub(crate) status: ThreadStatus,
    /// When it began.
    pub(crate) start_time: Time,
    /// When it came into its status; of a closed thread, the closing time.
    pub(crate) state_change_time: Time,
}

/// The vendor's thread statuses. Source: "Get thread by id".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ThreadStatus {
    /// Just begun.
    New,
    /// CommitNotifier for an agent.
    Unassigned,
    /// Came outside working hours. That it counts as open is chosen.
    Suspended,
    /// An agent has it.
    Assigned,
    /// Another agent has it.
    Reassigned,
    /// The client waits for an answer.
    AnswerNeeded,
    /// The agent waits for the client.
    Waiting,
    /// Being worked on.
    InProgress,
    /// Over.
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

    /// The name as the wire and the file have it.
    pub(crate) fn as_str(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    /// Every status, in the vendor's order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().map(|(status, _)| *status)
    }

    /// The status of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, other)| *other == name).map(|(status, _)| *status)
    }
}

/// A quality form: the survey that is sent. All below the name is stored and passed on, never a reason to refuse.
///
/// Source of the optional fields: "Create quality survey".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Form {
    /// Its identifier.
    pub(crate) id: FormId,
    /// What people call it: 1 to 255 characters.
    pub(crate) name: String,
    /// Whether the answer is yes or no rather than a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_question: Option<bool>,
    /// What the client is asked.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub(crate) question: Option<Question>,
    /// How many messages a conversation must have before the survey is sent by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) required_message_count: Option<i64>,
    /// n: the survey is sent by itself to every n-th client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sending_frequency: Option<i64>,
    /// Seconds the form stays available after the thread closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hide_after: Option<i64>,
    /// Enablement: the channels that the form may be sent in, in ascending order.
    #[serde(default)]
    pub(crate) channels: Vec<ChannelId>,
}

/// How many characters a text of a form's question can have.
pub(crate) const MAX_QUESTION_TEXT_CHARS: usize = 2_000;

/// The question of a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Question {
    /// The lowest rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_value: Option<i64>,
    /// The highest rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_value: Option<i64>,
    /// The average rate to be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kpi: Option<f64>,
    /// What the client reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// What reports call it.
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
    /// Sequential identifier of the send.
    pub sending_id: SendingId,
    /// Which form.
    pub quality_form_id: FormId,
    /// To which thread.
    pub thread_id: ThreadId,
    /// To which client.
    pub client_id: ClientId,
    /// When it was recorded.
    pub sent_at: Time,
    /// The name of the token that asked.
    pub token: String,
    /// How its delivery stands.
    pub delivery: DeliveryState,
}
