//! The reasons why a survey is not sent.

use crate::survey::{
    ids::{ChannelId, ClientId, FormId, Target, ThreadId},
    rules::Rule,
};

/// Why the rules forbid a send. Its answer is in [`crate::answers`]. Documented are those that the vendor's page names ("Send
/// Survey", examples of failed responses).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The flag in the system settings is off. Documented.
    Disabled,
    /// No client or thread has that identifier. Chosen.
    NotFound(Target),
    /// The client, or the owner of the thread, has a thread that is not CLOSED. Documented.
    OpenThread {
        /// The client that the target names.
        client: ClientId,
        /// One of the open threads.
        thread: ThreadId,
    },
    /// The client has no thread at all. Chosen.
    NoClosedThread {
        /// The client that the target names.
        client: ClientId,
    },
    /// The form is not enabled for the channel of the thread. Documented.
    FormNotEnabled {
        /// The requested form; it need not exist.
        form: FormId,
        /// The client that the target names.
        client: ClientId,
        /// The thread that the survey would have gone to.
        thread: ThreadId,
        /// The channel of that thread.
        channel: ChannelId,
    },
}

impl Refusal {
    /// The rule that failed.
    pub(crate) fn rule(&self) -> Rule {
        match self {
            Self::Disabled => Rule::SurveysEnabled,
            Self::NotFound(_) => Rule::TargetExists,
            Self::OpenThread { .. } => Rule::NoOpenThread,
            Self::NoClosedThread { .. } => Rule::HasClosedThread,
            Self::FormNotEnabled { .. } => Rule::FormEnabled,
        }
    }

    /// The client that the target names, if the rules got that far.
    pub(crate) fn client(&self) -> Option<ClientId> {
        match self {
            Self::Disabled | Self::NotFound(_) => None,
            Self::OpenThread { client, .. } | Self::NoClosedThread { client } | Self::FormNotEnabled { client, .. } => {
                Some(*client)
            }
        }
    }

    /// The thread that the survey would have gone to, if the rules got that far.
    pub(crate) fn thread(&self) -> Option<ThreadId> {
        match self {
            Self::Disabled | Self::NotFound(_) | Self::OpenThread { .. } | Self::NoClosedThread { .. } => None,
            Self::FormNotEnabled { thread, .. } => Some(*thread),
        }
    }
}

impl Refusal {
    /// The thread that decided: the open one, or the one that the survey would have gone to.
    pub(crate) fn found_thread(&self) -> Option<ThreadId> {
        if let Self::OpenThread { thread, .. } = self { Some(*thread) } else { self.thread() }
    }

    /// The channel that the survey would have gone to, if the rules got that far.
    pub(crate) fn channel(&self) -> Option<ChannelId> {
        if let Self::FormNotEnabled { channel, .. } = self { Some(*channel) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client and the thread of a refusal are those that the rules had found.
    #[test]
    fn a_refusal_names_what_was_found() {
        let (client, thread) = (ClientId(1), ThreadId(2));
        let no_form = Refusal::FormNotEnabled { form: FormId(3), client, thread, channel: ChannelId(4) };
        for (refusal, rule, found) in [
            (Refusal::Disabled, Rule::SurveysEnabled, (None, None)),
            (Refusal::NotFound(Target::Thread(thread)), Rule::TargetExists, (None, None)),
            (Refusal::OpenThread { client, thread }, Rule::NoOpenThread, (Some(client), None)),
            (Refusal::NoClosedThread { client }, Rule::HasClosedThread, (Some(client), None)),
            (no_form, Rule::FormEnabled, (Some(client), Some(thread))),
        ] {
            assert_eq!((refusal.rule(), refusal.client(), refusal.thread()), (rule, found.0, found.1));
        }
    }
}
