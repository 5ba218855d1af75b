//! Why: every call to `/api/**` leaves an attempt, the last of which are kept in memory.

mod verdict;

use std::{
    cell::RefMut,
    collections::VecDeque,
    rc::Rc,
    sync::{Mutex, MutexGuard, PoisonError},
};

use actix_web::{
    HttpMessage, HttpRequest,
    dev::Extensions,
    http::{StatusCode, header::HeaderValue},
};
use serde::Serialize;

pub(crate) use self::verdict::Outcome;
pub(super) use self::verdict::Verdict;
use super::{Site, api, failure::Failure, tenant::Tenant};
use crate::store::tokens::Caller;
use crate::survey::{access::Denied, ids::FormId, rules::Rule, time::Time};

/// How many attempts are kept.
pub const KEPT: usize = 1000;

/// How much of a path or a message is kept, and of a method, in characters: whoever calls, with or without a token, must
/// not fill the memory.
const LONGEST_TEXT: usize = 1024;
const LONGEST_METHOD: usize = 32;

/// The attempts of a tenant, the oldest first. Ids begin at 1 and have no gaps.
#[derive(Default)]
pub struct Attempts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The id of the oldest; what went before it is forgotten.
    forgotten: i64,
    attempts: VecDeque<Attempt>,
}

/// One call, as much as is kept of it.
struct Attempt {
    at: Time,
    request_id: HeaderValue,
    method: String,
    uri: String,
    token: Option<String>,
    form: Option<FormId>,
    status: Option<StatusCode>,
    message: Option<String>,
    remark: Option<&'static str>,
    outcome: Outcome,
}

/// One call, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    id: i64,
    at: Time,
    request_id: String,
    method: String,
    uri: String,
    /// The name of the token, where it is known.
    token: Option<String>,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<&'static str>,
}

/// Which attempts are listed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    /// Only those after this id.
    pub(super) after: Option<i64>,
    /// Only with this status.
    pub(super) status: Option<i64>,
    /// Only about this client.
    pub(super) client: Option<i64>,
    /// Only about this thread.
    pub(super) thread: Option<i64>,
}

impl Attempts {
    fn keep(&self, attempt: Attempt) {
        let mut kept = self.lock();
        // What is forgotten is dropped when the lock is free again.
        let _forgotten = if kept.attempts.len() == KEPT {
            kept.forgotten += 1;
            kept.attempts.pop_front()
        } else {
            None
        };
        kept.attempts.push_back(attempt);
        drop(kept);
    }

    /// Those that the filter lets through, the oldest first: at most `limit` behind the cursor, or, without one, the last.
    ///
    /// Errors: 410 where attempts after the cursor are forgotten.
    pub(super) fn list(&self, filter: Filter, limit: usize) -> Result<Vec<Shown>, Failure> {
        let kept = self.lock();
        // Ids begin at 1: whatever is before them is their beginning.
        let after = filter.after.unwrap_or(kept.forgotten).max(0);
        if after < kept.forgotten {
            let oldest = kept.forgotten + 1;
            return Err(Failure::new(
                StatusCode::GONE,
                format!(
                    "after: attempts before {oldest} are forgotten, the last {KEPT} are kept; leave it out, or go on after {}",
                    kept.forgotten
                ),
            ));
        }
        let skipped = usize::try_from(after - kept.forgotten).unwrap_or(usize::MAX);
        let ids = kept.forgotten + 1..;
        let matching = ids.zip(&kept.attempts).skip(skipped).filter(|(_, attempt)| {
            let is = |filter: Option<i64>, value: Option<i64>| filter.is_none_or(|wanted| value == Some(wanted));
            is(filter.status, attempt.status.map(|status| status.as_u16().into()))
                && is(filter.client, attempt.outcome.client().map(|id| id.0))
                && is(filter.thread, attempt.outcome.thread().map(|id| id.0))
        });
        let matching: Vec<_> = matching.collect();
        let first = if filter.after.is_some() { 0 } else { matching.len().saturating_sub(limit) };
        Ok(matching[first..].iter().take(limit).map(|(id, attempt)| attempt.show(*id)).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// The rules that a call of this kind has.
    fn rules(&self) -> &'static [Rule] {
        let is_no_call = matches!(self.status, Some(StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_FOUND));
        match self.uri.as_str() {
            api::SEND if self.method == "POST" => &Rule::ALL,
            api::LOGIN => &[],
            _ if is_no_call && self.token.is_none() => &[],
            _ => &[Rule::Token, Rule::Role],
        }
    }

    fn show(&self, id: i64) -> Shown {
        let rules = self.rules();
        Shown {
            id,
            at: self.at,
            request_id: self.request_id.to_str().unwrap_or_default().to_owned(),
            method: self.method.clone(),
            uri: self.uri.clone(),
            token: self.token.clone(),
            verdict: Verdict::new(rules, self.status, self.message.clone(), self.form, &self.outcome),
            remark: self.remark,
        }
    }
}

/// What becomes known of a call on its way.
pub(crate) struct Trace {
    tenant: Rc<Tenant>,
    token: Option<String>,
    form: Option<FormId>,
    outcome: Outcome,
}

/// Whose call this is; from here on the call can be traced.
pub(crate) fn begin(request: &HttpRequest, tenant: &Rc<Tenant>) {
    let trace = Trace { tenant: Rc::clone(tenant), token: None, form: None, outcome: Outcome::Open };
    request.extensions_mut().insert(trace);
}

/// What became of the caller's token and role, if they were looked at.
pub(super) fn note_caller(request: &HttpRequest, caller: &Result<Caller, Denied>) {
    note(request, |trace| {
        (trace.token, trace.outcome) = match caller {
            Ok(caller) => (Some(caller.name.clone()), Outcome::Authenticated),
            Err(denied) => (denied.token().map(str::to_owned), Outcome::Denied(denied.rule())),
        };
    });
}

/// What is to be said of a call besides; put into the extensions of the request.
pub(crate) struct Remark(pub(crate) &'static str);

/// Notes what became known of a call.
fn note(request: &HttpRequest, note: impl FnOnce(&mut Trace)) {
    let extensions: RefMut<'_, Extensions> = request.extensions_mut();
    if let Ok(mut trace) = RefMut::filter_map(extensions, Extensions::get_mut::<Trace>) {
        note(&mut trace);
    }
}

/// Notes whose token it was.
pub(crate) fn note_token(request: &HttpRequest, token: &str) {
    note(request, |trace| trace.token = Some(token.to_owned()));
}

/// Notes which form was to be sent.
pub(crate) fn note_form(request: &HttpRequest, form: FormId) {
    note(request, |trace| trace.form = Some(form));
}

/// Notes how it came out.
pub(crate) fn note_outcome(request: &HttpRequest, outcome: Outcome) {
    note(request, |trace| trace.outcome = outcome);
}

/// Keeps the attempt that a call leaves; without a status nothing was answered.
pub(crate) fn record(
    request: &HttpRequest,
    site: &Site,
    request_id: &HeaderValue,
    status: Option<StatusCode>,
    message: Option<&str>,
) {
    let trace = request.extensions_mut().remove::<Trace>();
    let (tenant, token, form, outcome) = match trace {
        Some(Trace { tenant, token, form, outcome }) => (Some(tenant), token, form, outcome),
        None => (site.tenants.of_anonymous(), None, None, Outcome::Open),
    };
    let Some(tenant) = tenant else { return };
    let remark = request.extensions_mut().remove::<Remark>().map(|Remark(remark)| remark);
    tenant.attempts.keep(Attempt {
        at: tenant.store.now(),
        request_id: request_id.clone(),
        method: request.method().as_str().chars().take(LONGEST_METHOD).collect(),
        uri: request.path().chars().take(LONGEST_TEXT).collect(),
        token,
        form,
        status,
        message: message.map(|message| message.chars().take(LONGEST_TEXT).collect()),
        remark,
        outcome,
    });
}
