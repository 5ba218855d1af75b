//! Why a survey is not sent, each in its one sentence.

use thiserror::Error;

use super::ids::{FormId, Target, ThreadId};

/// A rule that forbids the send. `Display` is the message of the answer, to the byte.
///
/// The three documented sentences are the vendor's ("Send Survey", examples of failed responses); the rest is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The flag in the system settings is off. Documented.
    #[error("Sending surveys via external api is disabled")]
    Disabled,
    /// Nobody has that identifier. Chosen.
    #[error("{} not found", describe(.0))]
    NotFound(Target),
    /// The client, or the owner of the thread, has a thread that is not CLOSED. Documented.
    #[error("Client has open thread")]
    OpenThread,
    /// The client never had a conversation. Chosen.
    #[error("Client has no closed thread")]
    NoClosedThread,
    /// The form is not enabled for the channel of the thread. Documented.
    #[error("Cannot send form {form} to thread {thread}")]
    FormNotEnabled {
        /// The form that was asked for; it need not exist.
        form: FormId,
        /// The thread that was found for the target.
        thread: ThreadId,
    },
}

fn describe(target: &Target) -> String {
    match target {
        Target::Client(id) => format!("Client {id}"),
        Target::ExternalClient(id) => format!("Client \"{}\"", id.as_str()),
        Target::Thread(id) => format!("Thread {id}"),
    }
}
