//! Attempts: every call to `/api/**` leaves one, with what the rules decided. In a fake, so does a call to any other path that
//! does not exist, for its caller has the wrong URL. The last attempts are kept in memory.

pub(crate) mod log;
pub(crate) mod report;
pub(crate) mod text;

use actix_web::{
    HttpRequest,
    http::{Method, StatusCode, header::USER_AGENT},
};

use self::{log::Attempt, report::Decision};
use super::{
    api::{LOGIN, SEND},
    auth::Bearer,
    context::RequestContext,
    failure::Failure,
    state::{self, API, AppState},
};
use crate::{
    store::{refusals::RefusedSend, tokens::Credentials},
    survey::refusal::Refusal,
};

/// Whether a call leaves an attempt; `failure` is that of its answer.
pub(super) fn is_kept(request: &HttpRequest, app: &AppState, failure: Option<&Failure>) -> bool {
    let path = request.path();
    let has_no_route = failure.is_some_and(Failure::is_of_no_route);
    path.starts_with(API) || (app.console.fake && has_no_route && !state::is_own(path))
}

/// Finds the tenant of a call that no route took, and the name of its token where its text has it. A route would have done
/// so. Without it, the attempt of a wrong path would not be in the world of its caller.
fn identify(request: &HttpRequest, app: &AppState) {
    // A token that names no tenant leaves its attempt where those without a token do.
    let Ok(bearer) = Bearer::of(request, app) else { return };
    if let Credentials::Known(caller) = bearer.credentials {
        RequestContext::of(request).token = Some(caller.name);
    }
}

/// Keeps the attempt of a call, and counts the rule that refused it. `status` is None if the connection was closed instead
/// of an answer.
pub(super) fn record(request: &HttpRequest, app: &AppState, status: Option<StatusCode>, message: Option<&str>) {
    let has_no_route = matches!(RequestContext::of(request).decision, Decision::NoRoute);
    if has_no_route {
        identify(request, app);
    }
    let mut context = RequestContext::of(request);
    if let (Some(metrics), Some(rule)) = (&app.metrics, context.decision.failed()) {
        metrics.refused(rule);
    }
    let Some(tenant) = context.tenant.clone().or_else(|| app.resolver.anonymous()) else { return };
    let decision = std::mem::replace(&mut context.decision, Decision::Undecided);
    // A query or a body may hold a token that came to the wrong place, and a login holds a password. Those of tests are no secrets.
    let is_shown = app.console.fake;
    let query = Some(request.query_string()).filter(|query| is_shown && !query.is_empty()).map(str::to_owned);
    let body = context.body.take().filter(|body| is_shown && !body.is_empty() && request.path() != LOGIN);
    let user_agent =
        request.headers().get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let refusal = if let Decision::Refused(refusal) = &decision { Some(refusal) } else { None };
    let is_refused = refusal.is_some();
    if let (Some(rule), Some(status), SEND, &Method::POST) =
        (decision.failed(), status, request.path(), request.method())
    {
        tenant.store.keep_refusal(RefusedSend {
            at: tenant.store.now(),
            request_id: context.request_id.to_str().unwrap_or_default().to_owned(),
            token: context.token.clone(),
            rule,
            status: status.as_u16(),
            message: message.unwrap_or_default().to_owned(),
            target: context.target.clone(),
            form: context.form,
            client: decision.client(),
            thread: refusal.and_then(Refusal::found_thread),
            channel: refusal.and_then(Refusal::channel),
        });
    }
    tenant.attempts.keep(Attempt {
        at: tenant.store.now(),
        request_id: context.request_id.clone(),
        method: request.method().clone(),
        // Nearly every call is this one.
        uri: if request.path() == SEND { SEND.into() } else { request.path().to_owned().into() },
        query,
        user_agent,
        body: body.map(|body| String::from_utf8_lossy(&body).into_owned()),
        token: context.token.take(),
        form: context.form,
        // An allowed send has a client and a thread: what it named says no more.
        asked: context.target.take().filter(|_| is_refused),
        status,
        // That of a refusal can be written again.
        message: message.filter(|_| !is_refused || !app.answers.is_contract()).map(str::to_owned),
        remark: context.remark,
        decision,
    });
}
