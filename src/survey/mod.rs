//! The rules of Send Survey: pure, without HTTP, SQL or a clock.
//!
//! Source of the rules: the vendor's page "Send Survey". Their order is the order of its conditions and samples.

pub mod access;
pub mod delivery;
pub mod ids;
pub mod json;
pub mod message;
pub mod model;
pub mod refusal;
pub mod rules;
pub mod time;

use ids::{ChannelId, ClientId, FormId, Target, ThreadId};
use refusal::Refusal;

/// What a caller asks for: this form, to that client or thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendSurvey {
    /// Whom the survey is for.
    pub target: Target,
    /// Which survey.
    pub form: FormId,
}

/// Everything that the rules look at, read from one snapshot of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// "Surveys via external API are enabled in the system settings."
    pub enabled: bool,
    /// The client that was named, or the owner of the thread that was; `None` where there is none.
    pub client: Option<ClientId>,
    /// A thread of this client in any status but CLOSED, if there is one.
    pub open_thread: Option<ThreadId>,
    /// The thread that the survey would go to, and its channel: the one that was named, or the client's last closed one.
    pub destination: Option<(ThreadId, ChannelId)>,
    /// Whether the form is enabled for the channel of this thread.
    pub form_enabled: bool,
}

/// A send that the rules allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The form that goes out.
    pub form: FormId,
    /// The thread it goes to.
    pub thread: ThreadId,
    /// The client it reaches.
    pub client: ClientId,
    /// Where the thread took place: by whose gateway it is delivered.
    pub channel: ChannelId,
}

/// Decides whether a survey may be sent, and to which thread. The order is that of [`rules::Rule`].
pub fn decide(ask: &SendSurvey, facts: &Facts) -> Result<Sending, Refusal> {
    if !facts.enabled {
        return Err(Refusal::Disabled);
    }
    let client = facts.client.ok_or_else(|| Refusal::NotFound(ask.target.clone()))?;
    if let Some(thread) = facts.open_thread {
        return Err(Refusal::OpenThread { client, thread });
    }
    let (thread, channel) = facts.destination.ok_or(Refusal::NoClosedThread { client })?;
    if !facts.form_enabled {
        return Err(Refusal::FormNotEnabled { form: ask.form, client, thread, channel });
    }
    Ok(Sending { form: ask.form, thread, client, channel })
}
