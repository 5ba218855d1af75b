//! Why: every call to `/api/**` leaves an attempt, the last of which are kept in memory.

pub(crate) mod log;
mod report;

use std::{
    cell::{Ref, RefMut},
    rc::Rc,
};

use actix_web::{
    HttpMessage, HttpRequest,
    dev::Extensions,
    http::{StatusCode, header::HeaderValue},
};

use crate::http::attempts::log::Attempt;
pub(crate) use crate::http::attempts::report::Decision;
pub(crate) use crate::http::attempts::report::DecisionReport;
use crate::http::{api::SEND, state::AppState, tenant::Tenant};
use crate::{
    store::tokens::Caller,
    survey::{
        access::Denied,
        ids::{FormId, Target},
    },
};

/// What becomes known of a call on its way.
struct Trace {
    tenant: Rc<Tenant>,
    token: Option<String>,
    form: Option<FormId>,
    asked: Option<Target>,
    decision: Decision,
}

/// Whose call this is; from here on the call can be traced.
pub(crate) fn begin(request: &HttpRequest, tenant: &Rc<Tenant>) {
    let trace =
        Trace { tenant: Rc::clone(tenant), token: None, form: None, asked: None, decision: Decision::Undecided };
    request.extensions_mut().insert(trace);
}

/// What became of the caller's token and role, if they were looked at.
pub(crate) fn note_caller(request: &HttpRequest, caller: &Result<Caller, Denied>) {
    note(request, |trace| {
        (trace.token, trace.decision) = match caller {
            Ok(caller) => (Some(caller.name.clone()), Decision::Authenticated),
            Err(denied) => (denied.token().map(str::to_owned), Decision::Denied(denied.rule())),
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

/// Notes which form was to be sent, by whose token, and how it came out.
pub(crate) fn note_send(request: &HttpRequest, form: FormId, token: Option<&str>, decision: Decision) {
    note(request, |trace| {
        if let Some(token) = token {
            trace.token = Some(token.to_owned());
        }
        (trace.form, trace.decision) = (Some(form), decision);
    });
}

/// Notes whom a send was for, in the caller's words: a rule may refuse it before anybody is looked for.
pub(crate) fn note_asked(request: &HttpRequest, target: Target) {
    note(request, |trace| trace.asked = Some(target));
}

/// Notes whose token it was, as far as that is known without looking into the store.
pub(crate) fn note_token(request: &HttpRequest, token: &str) {
    note(request, |trace| trace.token = Some(token.to_owned()));
}

/// Notes how it came out.
pub(crate) fn note_outcome(request: &HttpRequest, decision: Decision) {
    note(request, |trace| trace.decision = decision);
}

/// The name of the token, where it became known.
pub(crate) fn token(request: &HttpRequest) -> Option<Ref<'_, str>> {
    let extensions: Ref<'_, Extensions> = request.extensions();
    Ref::filter_map(extensions, |extensions| extensions.get::<Trace>()?.token.as_deref()).ok()
}

/// Keeps the attempt that a call leaves; without a status nothing was answered.
pub(crate) fn record(
    request: &HttpRequest,
    app: &AppState,
    request_id: &HeaderValue,
    status: Option<StatusCode>,
    message: Option<&str>,
) {
    let trace = request.extensions_mut().remove::<Trace>();
    let (tenant, token, form, asked, decision) = match trace {
        Some(Trace { tenant, token, form, asked, decision }) => (Some(tenant), token, form, asked, decision),
        None => (app.resolver.anonymous(), None, None, None, Decision::Undecided),
    };
    if let (Some(metrics), Some(rule)) = (&app.metrics, decision.failed()) {
        metrics.refused(rule);
    }
    let Some(tenant) = tenant else { return };
    let remark = request.extensions_mut().remove::<Remark>().map(|Remark(remark)| remark);
    tenant.attempts.keep(Attempt {
        at: tenant.store.now(),
        request_id: request_id.clone(),
        method: request.method().clone(),
        // Nearly every call is this one.
        uri: if request.path() == SEND { SEND.into() } else { request.path().to_owned().into() },
        token,
        form,
        asked,
        status,
        // A refusal knows its sentence.
        message: message.filter(|_| !matches!(decision, Decision::Refused(_))).map(str::to_owned),
        remark,
        decision,
    });
}
