//! The rules of Send Survey: pure, without HTTP, SQL or a clock.
//!
//! Source of the rules: the vendor's page "Send Survey". Their order is the order of its conditions and samples.

pub(crate) mod access;
pub(crate) mod gateway;
pub(crate) mod ids;
pub(crate) mod json;
pub(crate) mod model;
#[cfg(test)]
mod properties;
pub(crate) mod refusal;
pub(crate) mod rules;
pub(crate) mod time;

use ids::{ChannelId, ClientId, FormId, Target, ThreadId};
use refusal::Refusal;

/// What a caller asks for: this form, to that client or thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SendSurvey {
    /// Whom the survey is for.
    pub(crate) target: Target,
    /// Which survey.
    pub(crate) form: FormId,
}

/// Everything that the rules look at, read from one snapshot of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// "Surveys via external API are enabled in the system settings."
    pub(crate) enabled: bool,
    /// The client that was named, or the owner of the thread that was; `None` where there is none.
    pub(crate) client: Option<ClientId>,
    /// A thread of this client in any status but CLOSED, if there is one.
    pub(crate) open_thread: Option<ThreadId>,
    /// The thread that the survey would go to, and its channel: the one that was named, or the client's last closed one.
    pub(crate) destination: Option<(ThreadId, ChannelId)>,
    /// Whether the form is enabled for the channel of this thread.
    pub(crate) form_enabled: bool,
}

/// A send that the rules allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    /// The form that goes out.
    pub(crate) form: FormId,
    /// The thread it goes to.
    pub(crate) thread: ThreadId,
    /// The client it reaches.
    pub(crate) client: ClientId,
    /// Where the thread took place: by whose gateway it is delivered.
    pub(crate) channel: ChannelId,
}

/// Decides whether a survey may be sent, and to which thread. The order is that of [`rules::Rule`].
pub(crate) fn decide(request: &SendSurvey, facts: &Facts) -> Result<Sending, Refusal> {
    if !facts.enabled {
        return Err(Refusal::Disabled);
    }
    let client = facts.client.ok_or_else(|| Refusal::NotFound(request.target.clone()))?;
    if let Some(thread) = facts.open_thread {
        return Err(Refusal::OpenThread { client, thread });
    }
    let (thread, channel) = facts.destination.ok_or(Refusal::NoClosedThread { client })?;
    if !facts.form_enabled {
        return Err(Refusal::FormNotEnabled { form: request.form, client, thread, channel });
    }
    Ok(Sending { form: request.form, thread, client, channel })
}
