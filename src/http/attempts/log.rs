//! The attempt log: the last attempts of a tenant, in memory.

use std::{borrow::Cow, collections::VecDeque};

use actix_web::http::{Method, StatusCode, header::HeaderValue};
use parking_lot::Mutex;
use serde::Serialize;

use crate::http::attempts::report::{Decision, DecisionReport};
use crate::{
    answers::occurrence::Occurrence,
    http::{api, failure::Failure},
    survey::{
        ids::{ClientId, FormId, Target},
        rules::Rule,
        time::Time,
    },
};

/// How many attempts with a token are kept, and how many without: a caller without a token must not push out the others.
pub(crate) const MAX_ATTEMPTS: usize = 1000;

/// How much of a path or a message, and of a method, is kept: a caller, with or without a token, must not fill the memory.
const MAX_TEXT_BYTES: usize = 1024;
const MAX_METHOD_BYTES: usize = 32;

/// The attempts of a tenant. Ids begin at 1.
#[derive(Default)]
pub(crate) struct AttemptLog(Mutex<Rings>);

#[derive(Default)]
struct Rings {
    /// The id of the newest attempt.
    newest: i64,
    /// The id of the last attempt with a token that was dropped.
    dropped: i64,
    /// The attempts with a token and those without, each with its id, the oldest first.
    lists: [VecDeque<(i64, Attempt)>; 2],
}

impl Rings {
    /// Returns the attempt that makes room for this one.
    fn add(&mut self, attempt: Attempt) -> Option<(i64, Attempt)> {
        self.newest += 1;
        let has_token = attempt.token.is_some();
        let list = &mut self.lists[usize::from(!has_token)];
        let oldest = if list.len() == MAX_ATTEMPTS { list.pop_front() } else { None };
        list.push_back((self.newest, attempt));
        if let (true, Some((id, _))) = (has_token, &oldest) {
            self.dropped = *id;
        }
        oldest
    }

    /// The attempts after an id, the oldest first.
    fn after(&self, id: i64) -> Vec<&(i64, Attempt)> {
        let later = |list: &'_ VecDeque<(i64, Attempt)>| list.partition_point(|(of_attempt, _)| *of_attempt <= id);
        let mut attempts: Vec<_> = self.lists.iter().flat_map(|list| list.range(later(list)..)).collect();
        attempts.sort_unstable_by_key(|(id, _)| *id);
        attempts
    }
}

/// One call, as it is kept.
pub(crate) struct Attempt {
    pub(crate) at: Time,
    pub(crate) request_id: HeaderValue,
    pub(crate) method: Method,
    pub(crate) uri: Cow<'static, str>,
    pub(crate) query: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) form: Option<FormId>,
    pub(crate) asked: Option<Target>,
    pub(crate) status: Option<StatusCode>,
    /// None where it is the message of the contract for the refusal.
    pub(crate) message: Option<String>,
    pub(crate) remark: Option<&'static str>,
    pub(crate) decision: Decision,
}

/// One call, as `GET /admin/attempts` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptView {
    pub(crate) id: i64,
    at: Time,
    request_id: String,
    pub(super) method: String,
    pub(super) uri: String,
    /// Only in a fake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// The beginning of the body. Only in a fake, and where the body was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    /// The name of the token; None where it is not known.
    pub(super) token: Option<String>,
    /// The client or thread that a refused send named: with the flag off, nobody is looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Target>,
    #[serde(flatten)]
    pub(super) report: DecisionReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remark: Option<&'static str>,
}

/// Which attempts are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttemptFilter {
    /// Only those after this id.
    pub(crate) after: Option<i64>,
    /// Only those before this id, and the newest first.
    pub(crate) before: Option<i64>,
    /// Only with this status.
    pub(crate) status: Option<i64>,
    /// Only about this client.
    pub(crate) client: Option<i64>,
    /// Only about this thread.
    pub(crate) thread: Option<i64>,
    /// Only the call with this `X-Request-Id`.
    pub(crate) request_id: Option<String>,
}

impl AttemptLog {
    pub(crate) fn keep(&self, mut attempt: Attempt) {
        if attempt.method.as_str().len() > MAX_METHOD_BYTES {
            attempt.method =
                Method::from_bytes(&attempt.method.as_str().as_bytes()[..MAX_METHOD_BYTES]).unwrap_or_default();
        }
        if let Cow::Owned(uri) = &mut attempt.uri {
            cut(uri, MAX_TEXT_BYTES);
        }
        let texts = [&mut attempt.query, &mut attempt.user_agent, &mut attempt.message];
        texts.into_iter().flatten().for_each(|text| cut(text, MAX_TEXT_BYTES));
        // Freed after the lock is.
        let _oldest = self.0.lock().add(attempt);
    }

    /// Erases what the attempts about a client say. They stay as calls.
    pub(crate) fn forget(&self, client: ClientId, external_id: Option<&str>) {
        let is_theirs = |attempt: &Attempt| match &attempt.asked {
            Some(Target::ExternalClient(id)) if external_id == Some(id.as_str()) => true,
            _ => attempt.client() == Some(client.0),
        };
        let mut rings = self.0.lock();
        let attempts = rings.lists.iter_mut().flatten().map(|(_, attempt)| attempt);
        for attempt in attempts.filter(|attempt| is_theirs(attempt)) {
            attempt.uri = "erased".into();
            (attempt.query, attempt.body, attempt.message) = (None, None, None);
            attempt.asked = None;
            attempt.decision = Decision::Authenticated;
        }
    }

    /// The attempts that match, the oldest first unless the filter has `before`; at most `limit`.
    ///
    /// Errors: 410 where attempts with a token after the cursor are no longer kept.
    pub(crate) fn list(&self, filter: &AttemptFilter, limit: usize) -> Result<Vec<AttemptView>, Failure> {
        let rings = self.0.lock();
        let dropped = rings.dropped;
        // Ids begin at 1: a cursor before that is the beginning.
        if filter.after.is_some_and(|after| after.max(0) < dropped) {
            let oldest = dropped + 1;
            return Err(Failure::new(
                StatusCode::GONE,
                format!(
                    "after: attempts before {oldest} are forgotten, the last {MAX_ATTEMPTS} are kept; leave it out, or go on after {dropped}"
                ),
            ));
        }
        let mut matching = rings.after(filter.after.unwrap_or(0));
        matching.retain(|(id, attempt)| {
            let is = |filter: Option<i64>, value: Option<i64>| filter.is_none_or(|wanted| value == Some(wanted));
            filter.before.is_none_or(|before| *id < before)
                && is(filter.status, attempt.status.map(|status| status.as_u16().into()))
                && is(filter.client, attempt.client())
                && is(filter.thread, attempt.thread())
                && filter.request_id.as_ref().is_none_or(|wanted| attempt.request_id == **wanted)
        });
        if filter.before.is_some() {
            matching.reverse();
        }
        Ok(matching.into_iter().take(limit).map(|(id, attempt)| attempt.show(*id)).collect())
    }

    /// The attempts after a cursor that did not succeed.
    pub(crate) fn refused_since(&self, cursor: i64, limit: usize) -> RecentRefusals {
        let rings = self.0.lock();
        let mut refused = rings.after(cursor);
        refused.retain(|(_, attempt)| !attempt.succeeded());
        let last = refused.iter().skip(refused.len().saturating_sub(limit));
        let last = last.map(|(id, attempt)| attempt.show(*id)).collect();
        RecentRefusals { cursor: rings.newest, count: refused.len(), attempts: last }
    }
}

/// Attempts that did not succeed.
pub(crate) struct RecentRefusals {
    /// The cursor for the next call.
    pub(crate) cursor: i64,
    /// How many there were, as far as they are kept.
    pub(crate) count: usize,
    /// The last of them, the oldest first.
    pub(crate) attempts: Vec<AttemptView>,
}

impl Attempt {
    /// The client that it was about, or that it named.
    fn client(&self) -> Option<i64> {
        let asked = if let Some(Target::Client(id)) = self.asked { Some(id) } else { None };
        self.decision.client().or(asked).map(|id| id.0)
    }

    /// The thread that it was about, or that it named.
    fn thread(&self) -> Option<i64> {
        let asked = if let Some(Target::Thread(id)) = self.asked { Some(id) } else { None };
        self.decision.thread().or(asked).map(|id| id.0)
    }

    fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.is_success())
    }

    /// The rules that a call of this kind has.
    fn rules(&self) -> &'static [Rule] {
        match &*self.uri {
            api::SEND if self.method == Method::POST => &Rule::ALL,
            api::LOGIN => &[],
            _ if matches!(self.decision, Decision::NoRoute) => &[],
            _ => &[Rule::Token, Rule::Role],
        }
    }

    fn show(&self, id: i64) -> AttemptView {
        let rules = self.rules();
        let message = match &self.decision {
            Decision::Refused(refusal) if self.message.is_none() => {
                Some(Occurrence::from(refusal).message().into_owned())
            }
            _ => self.message.clone(),
        };
        AttemptView {
            id,
            at: self.at,
            request_id: self.request_id.to_str().unwrap_or_default().to_owned(),
            method: self.method.to_string(),
            uri: self.uri.to_string(),
            query: self.query.clone(),
            user_agent: self.user_agent.clone(),
            body: self.body.clone(),
            token: self.token.clone(),
            asked: self.asked.clone(),
            report: DecisionReport::new(rules, self.status, message, self.form, &self.decision),
            remark: self.remark,
        }
    }
}

/// Cuts a text after so many bytes, or a few before, so that no character is split.
fn cut(text: &mut String, longest: usize) {
    text.truncate(text.floor_char_boundary(longest));
}
