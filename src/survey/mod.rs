//! The rules of Send Survey, and the types that they are about. Pure: no HTTP, SQL, clock, cryptography or command
//! line.
//!
//! Source of the rules: the vendor's page "Send Survey". They are decided in the order of the conditions and samples on
//! that page.

pub(crate) mod access;
pub(crate) mod gateway;
pub(crate) mod ids;
pub(crate) mod json;
pub(crate) mod model;
pub(crate) mod moment;
pub(crate) mod phone;
#[cfg(test)]
mod properties;
pub(crate) mod refusal;
pub(crate) mod rules;
pub(crate) mod text;
pub(crate) mod time;

use ids::{ChannelId, ClientId, FormId, SendingId, Target, ThreadId};
use refusal::Refusal;
use time::Time;

/// A request to send a form to a client or thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SendSurvey {
    pub(crate) target: Target,
    pub(crate) form: FormId,
}

/// Everything that the rules depend on, read from one snapshot of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// "Surveys via external API are enabled in the system settings."
    pub(crate) enabled: bool,
    /// The client that the request names, or the client of the thread that it names; `None` if there is none.
    pub(crate) client: Option<ClientId>,
    /// A thread of this client in any status but CLOSED, if there is one.
    pub(crate) open_thread: Option<ThreadId>,
    /// The thread that the survey would go to, and its channel: the named thread, or the client's last closed one.
    pub(crate) destination: Option<(ThreadId, ChannelId)>,
    /// Whether the form is enabled for that channel.
    pub(crate) form_enabled: bool,
}

/// A send that the rules allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) form: FormId,
    pub(crate) thread: ThreadId,
    pub(crate) client: ClientId,
    /// The channel of the thread: its gateway gets the delivery.
    pub(crate) channel: ChannelId,
}

/// A send as it was recorded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SendRecord {
    pub(crate) sending_id: SendingId,
    pub(crate) client: ClientId,
    pub(crate) thread: ThreadId,
    pub(crate) sent_at: Time,
    /// The name of the token of the request.
    pub(crate) token: String,
}

/// Decides whether a survey may be sent, and to which thread. Rules are decided in the order of [`rules::Rule`].
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
