//! What the rules said of a call, as a table.

use actix_web::http::StatusCode;
use serde::Serialize;

use crate::survey::{
    ids::{ClientId, FormId, SendingId, Target, ThreadId},
    refusal::Refusal,
    rules::{Rule, RuleState},
};

/// How far a call came. What is not known to have been decided is told as not reached.
#[derive(Debug)]
pub(crate) enum Decision {
    /// To no rule.
    Undecided,
    /// The token or its role was refused.
    Denied(Rule),
    /// The caller may; of the rest nothing is known.
    Authenticated,
    /// The caller may, and their body says nothing that can be done.
    BadBody,
    /// The caller may, and the call was about these; it has no further rules, or none that was decided.
    About(ClientId, Option<ThreadId>),
    /// As [`Decision::About`], but the caller was not looked at, either.
    AboutUnauthenticated(Option<ClientId>, Option<ThreadId>),
    /// A rule forbade it.
    Refused(Refusal),
    /// Every rule allowed it; the id is that of the send, if it was recorded.
    Allowed(ClientId, ThreadId, Option<SendingId>),
}

impl Decision {
    pub(crate) fn client(&self) -> Option<ClientId> {
        match self {
            Self::Undecided | Self::Denied(_) | Self::Authenticated | Self::BadBody => None,
            Self::About(client, _) | Self::Allowed(client, _, _) => Some(*client),
            Self::AboutUnauthenticated(client, _) => *client,
            Self::Refused(refusal) => refusal.client(),
        }
    }

    pub(crate) fn thread(&self) -> Option<ThreadId> {
        match self {
            Self::Undecided | Self::Denied(_) | Self::Authenticated | Self::BadBody => None,
            Self::About(_, thread) | Self::AboutUnauthenticated(_, thread) => *thread,
            Self::Refused(refusal) => refusal.thread(),
            Self::Allowed(_, thread, _) => Some(*thread),
        }
    }

    /// The rule that refused it.
    pub(crate) fn failed(&self) -> Option<Rule> {
        match self {
            Self::Denied(rule) => Some(*rule),
            Self::BadBody => Some(Rule::Body),
            Self::Refused(refusal) => Some(refusal.rule()),
            Self::Undecided
            | Self::AboutUnauthenticated(..)
            | Self::Authenticated
            | Self::About(..)
            | Self::Allowed(..) => None,
        }
    }

    /// How one rule came out.
    fn state(&self, rule: Rule) -> RuleState {
        let failed = self.failed();
        let passed_before = match self {
            Self::Undecided | Self::AboutUnauthenticated(..) => Rule::Token,
            Self::Allowed(..) => return RuleState::Passed,
            _ => failed.unwrap_or(Rule::Body),
        };
        match rule {
            rule if Some(rule) == failed => RuleState::Failed,
            rule if rule < passed_before => RuleState::Passed,
            _ => RuleState::NotReached,
        }
    }
}

/// What was answered, or would be, and why.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionReport {
    /// None where the connection was cut before an answer.
    status: Option<u16>,
    message: Option<String>,
    client_id: Option<ClientId>,
    thread_id: Option<ThreadId>,
    quality_form_id: Option<FormId>,
    sending_id: Option<SendingId>,
    rules: Vec<RuleReport>,
}

/// How one rule came out.
#[derive(Debug, Serialize)]
struct RuleReport {
    rule: Rule,
    state: RuleState,
    /// Where the row that failed it is to be found, and mostly mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<String>,
}

impl DecisionReport {
    pub(crate) fn new(
        rules: &[Rule],
        status: Option<StatusCode>,
        message: Option<String>,
        form: Option<FormId>,
        decision: &Decision,
    ) -> Self {
        let rule_report = |rule: &Rule| {
            let state = decision.state(*rule);
            let row = if let (RuleState::Failed, Decision::Refused(refusal)) = (state, decision) {
                row(refusal)
            } else {
                None
            };
            RuleReport { rule: *rule, state, row }
        };
        Self {
            status: status.map(|status| status.as_u16()),
            message,
            client_id: decision.client(),
            thread_id: decision.thread(),
            quality_form_id: form,
            sending_id: if let Decision::Allowed(_, _, id) = decision { *id } else { None },
            rules: rules.iter().map(rule_report).collect(),
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
