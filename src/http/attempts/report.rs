//! The decision of a call, and the report of it: how each rule came out.

use std::fmt;

use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};

use crate::survey::{
    ids::{ChannelId, ClientId, FormId, SendingId, Target, ThreadId},
    refusal::Refusal,
    rules::{Rule, RuleState},
};

/// How far a call came. A rule that is not known to have been decided is reported as not reached.
#[derive(Debug)]
pub(crate) enum Decision {
    /// No rule was decided.
    Undecided,
    /// No route takes this path or method: such a call has no rules.
    NoRoute,
    /// The token or its role was refused.
    Denied(Rule),
    /// The caller may make this call; nothing more is known.
    Authenticated,
    /// The caller may make this call, and its body is invalid.
    BadBody,
    /// The caller may make this call, and it was about these; no further rule was decided.
    About(ClientId, Option<ThreadId>),
    /// As [`Decision::About`], but the caller was not authenticated.
    AboutUnauthenticated(Option<ClientId>, Option<ThreadId>),
    /// A rule forbade it.
    Refused(Refusal),
    /// Every rule allowed it; the id is that of the send, if it was recorded.
    Allowed(ClientId, ThreadId, Option<SendingId>),
}

impl Decision {
    pub(crate) fn client(&self) -> Option<ClientId> {
        match self {
            Self::Undecided | Self::NoRoute | Self::Denied(_) | Self::Authenticated | Self::BadBody => None,
            Self::About(client, _) | Self::Allowed(client, _, _) => Some(*client),
            Self::AboutUnauthenticated(client, _) => *client,
            Self::Refused(refusal) => refusal.client(),
        }
    }

    pub(crate) fn thread(&self) -> Option<ThreadId> {
        match self {
            Self::Undecided | Self::NoRoute | Self::Denied(_) | Self::Authenticated | Self::BadBody => None,
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
            | Self::NoRoute
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
            Self::Undecided | Self::NoRoute | Self::AboutUnauthenticated(..) => Rule::Token,
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

/// The answer of a call, and the rules that led to it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionReport {
    /// None where the connection was closed before an answer.
    pub(super) status: Option<u16>,
    pub(super) message: Option<String>,
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
    /// The row that failed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<RuleRow>,
}

/// A row that a rule looks at; as a text its admin route. It may be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RuleRow {
    Settings,
    Client(ClientId),
    Thread(ThreadId),
    Enablement(FormId, ChannelId),
}

impl fmt::Display for RuleRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => formatter.write_str("/admin/settings"),
            Self::Client(id) => write!(formatter, "/admin/clients/{id}"),
            Self::Thread(id) => write!(formatter, "/admin/threads/{id}"),
            Self::Enablement(form, channel) => write!(formatter, "/admin/forms/{form}/channels/{channel}"),
        }
    }
}

impl Serialize for RuleRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The rule that a call was refused by.
pub(crate) struct FailedRule<'a> {
    pub(crate) rule: Rule,
    /// The row that failed it, if there is one.
    pub(crate) row: Option<&'a RuleRow>,
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

    /// The rule that refused the call.
    pub(crate) fn failed(&self) -> Option<FailedRule<'_>> {
        let failed = self.rules.iter().find(|report| report.state == RuleState::Failed)?;
        Some(FailedRule { rule: failed.rule, row: failed.row.as_ref() })
    }
}

/// The row that a refusal is about, or the one that is missing.
fn row(refusal: &Refusal) -> Option<RuleRow> {
    Some(match refusal {
        Refusal::Disabled => RuleRow::Settings,
        Refusal::NotFound(Target::Client(id)) => RuleRow::Client(*id),
        Refusal::NotFound(Target::Thread(id)) => RuleRow::Thread(*id),
        // No client has this identifier, hence no row and no route.
        Refusal::NotFound(Target::ExternalClient(_)) => return None,
        Refusal::OpenThread { thread, .. } => RuleRow::Thread(*thread),
        Refusal::NoClosedThread { client } => RuleRow::Client(*client),
        Refusal::FormNotEnabled { form, channel, .. } => RuleRow::Enablement(*form, *channel),
    })
}
