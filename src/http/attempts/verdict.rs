//! What the rules said of a call, as a table.

use actix_web::http::StatusCode;
use serde::Serialize;

use crate::survey::{
    Sending,
    ids::{ClientId, FormId, SendingId, Target, ThreadId},
    refusal::Refusal,
    rules::{Rule, State},
};

/// How far a call came.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Not as far as to the rules of a send, or it has none; its status tells the rest.
    Open,
    /// A call that is about somebody, but sends nothing.
    About { client: ClientId, thread: Option<ThreadId> },
    /// A rule forbade it.
    Refused(Refusal),
    /// Every rule allowed it; the id is that of the send, if it was recorded.
    Allowed(Sending, Option<SendingId>),
}

impl Outcome {
    pub(super) fn client(&self) -> Option<ClientId> {
        match self {
            Self::Open => None,
            Self::About { client, .. } => Some(*client),
            Self::Refused(refusal) => refusal.client(),
            Self::Allowed(sending, _) => Some(sending.client),
        }
    }

    pub(super) fn thread(&self) -> Option<ThreadId> {
        match self {
            Self::Open => None,
            Self::About { thread, .. } => *thread,
            Self::Refused(refusal) => refusal.thread(),
            Self::Allowed(sending, _) => Some(sending.thread),
        }
    }
}

/// What was answered, or would be, and why.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    /// None where the connection was cut before an answer.
    status: Option<u16>,
    message: Option<String>,
    client_id: Option<ClientId>,
    thread_id: Option<ThreadId>,
    quality_form_id: Option<FormId>,
    sending_id: Option<SendingId>,
    rules: Vec<Ruling>,
}

/// How one rule came out.
#[derive(Debug, Serialize)]
struct Ruling {
    rule: Rule,
    state: State,
    /// Where the row that failed it is to be found, and mostly mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<String>,
}

impl Verdict {
    /// Of a call that was made.
    pub(super) fn of_call(
        rules: &[Rule],
        status: Option<StatusCode>,
        message: Option<String>,
        form: Option<FormId>,
        outcome: &Outcome,
    ) -> Self {
        let failed = match (outcome, status) {
            (Outcome::Refused(refusal), _) => Some(refusal.rule()),
            (_, Some(StatusCode::UNAUTHORIZED)) => Some(Rule::Token),
            (_, Some(StatusCode::FORBIDDEN)) => Some(Rule::Role),
            (Outcome::Open, Some(status)) if rules.contains(&Rule::Body) && status.is_client_error() => {
                Some(Rule::Body)
            }
            _ => None,
        };
        Self::new(rules, failed, status, message, form, outcome)
    }

    /// Of a send that nobody makes: what it would be answered, if the caller may send.
    pub(crate) fn of_ask(status: StatusCode, message: Option<String>, form: Option<FormId>, outcome: &Outcome) -> Self {
        let failed = match outcome {
            Outcome::Refused(refusal) => Some(refusal.rule()),
            Outcome::Open => Some(Rule::Body),
            _ => None,
        };
        let rules: Vec<Rule> = Rule::ALL.into_iter().filter(|rule| *rule >= Rule::Body).collect();
        Self::new(&rules, failed, Some(status), message, form, outcome)
    }

    fn new(
        rules: &[Rule],
        failed: Option<Rule>,
        status: Option<StatusCode>,
        message: Option<String>,
        form: Option<FormId>,
        outcome: &Outcome,
    ) -> Self {
        let ruling = |rule: &Rule| {
            let state = match failed {
                Some(failed) if *rule < failed => State::Passed,
                Some(failed) if *rule == failed => State::Failed,
                None if matches!(outcome, Outcome::Allowed(..)) || *rules == [Rule::Token, Rule::Role] => State::Passed,
                _ => State::NotReached,
            };
            let row =
                if let (State::Failed, Outcome::Refused(refusal)) = (state, outcome) { row(refusal) } else { None };
            Ruling { rule: *rule, state, row }
        };
        Self {
            status: status.map(|status| status.as_u16()),
            message,
            client_id: outcome.client(),
            thread_id: outcome.thread(),
            quality_form_id: form,
            sending_id: if let Outcome::Allowed(_, id) = outcome { *id } else { None },
            rules: rules.iter().map(ruling).collect(),
        }
    }
}

/// The admin route of the row that stands in the way, or of the one that is missing.
fn row(refusal: &Refusal) -> Option<String> {
    Some(match refusal {
        Refusal::Disabled => "/admin/settings".to_owned(),
        Refusal::NotFound(Target::Client(id)) => format!("/admin/clients/{id}"),
        Refusal::NotFound(Target::Thread(id)) => format!("/admin/threads/{id}"),
        // Nobody has this identifier, hence no row and no route.
        Refusal::NotFound(Target::ExternalClient(_)) => return None,
        Refusal::OpenThread { thread, .. } => format!("/admin/threads/{thread}"),
        Refusal::NoClosedThread { client } => format!("/admin/clients/{client}"),
        Refusal::FormNotEnabled { form, channel, .. } => format!("/admin/forms/{form}/channels/{channel}"),
    })
}
