//! What a request of a fake passes before it reaches the router: the guard against web pages, the faults of its world, and the
//! date of its world.

use std::{future::ready, rc::Rc, sync::Arc};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderValue, RETRY_AFTER},
    },
    middleware::Next,
    rt::time::sleep,
    web::{self, ThinData},
};
use futures_util::stream;
use serde_json::Value;

use super::{
    disconnect,
    faults::{Call, FaultEffect, FaultKind},
    tenants::WorkerTenants,
    token::{Login, TestToken, WorldName},
    web_guard,
    worlds::World,
};
use crate::{
    answers::case::Case,
    http::{
        api::{LOGIN, SEND, send_body},
        attempts::report::Decision,
        auth,
        context::RequestContext,
        failure::Failure,
        finalize, request_body,
        state::{AppState, State},
        tenant::Tenant,
    },
    survey::{Facts, ids::FormId, json},
};

/// Answers a request; `next` is the router.
pub(super) async fn run(mut request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let tenants = request.app_data::<ThinData<WorkerTenants>>();
    let (Some(ThinData(tenants)), Some(ThinData(app))) = (tenants, request.app_data::<State>()) else {
        return finalize::handle(request, next).await;
    };
    let (tenants, app) = (tenants.clone(), Rc::clone(app));
    if let Err(failure) = web_guard::refuse_web_pages(&request, tenants.worlds().is_on_loopback()) {
        return Ok(finalize::refuse(request, failure));
    }
    let called = match CalledWorld::of(&mut request, &tenants, &app).await {
        Ok(Some(called)) => called,
        Ok(None) => return finalize::handle(request, next).await,
        Err(failure) => return Ok(finalize::refuse(request, failure)),
    };
    let effect = match called.effect(&mut request, &app).await {
        Ok(effect) => effect,
        Err(failure) => return Ok(finalize::refuse(request, failure)),
    };
    let Some(FaultEffect { delay, kind }) = effect else {
        called.set_date(&request);
        return finalize::handle(request, next).await;
    };
    tokio::select! {
        () = sleep(delay) => {}
        () = called.world.database.ended() => {}
    }
    called.set_date(&request);
    if !tenants.worlds().is_open(&called.name, &called.world) {
        // A call that was meant for the world before its reset must not show in the one after it.
        let message = "The world of this call was reset or dropped while a fault delayed it";
        return Ok(finalize::refuse(request, Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)));
    }
    let remark = |remark| RequestContext::of(request.request()).remark = Some(remark);
    match kind {
        FaultKind::Delay => {
            remark("delayed by a fault");
            finalize::handle(request, next).await
        }
        FaultKind::Status(status, retry_after_s) => {
            remark("answered by a fault");
            Ok(finalize::refuse(request, failure(status, retry_after_s)))
        }
        FaultKind::Reset => {
            remark("cut by a fault before anything was done");
            finalize::record_unanswered(request.request());
            Ok(disconnect::reset_before_response(request))
        }
        FaultKind::Truncate => {
            remark("the answer was cut by a fault");
            Ok(disconnect::truncate(finalize::handle(request, next).await?).await)
        }
        FaultKind::AfterCommit => {
            remark("met by a fault that cuts after a commit");
            let response = finalize::handle(request, next).await?;
            let is_success = response.status().is_success();
            Ok(if is_success { disconnect::reset_instead_of(response) } else { response })
        }
    }
}

/// The world that is called, and the caller.
struct CalledWorld {
    name: WorldName,
    world: Arc<World>,
    tenant: Rc<Tenant>,
    /// The name of the token.
    token: Option<String>,
}

impl CalledWorld {
    /// The world of the token, or of the login that asks for one. None for a world that no token has named: it has no faults
    /// and follows the system's clock, and is not made for a call that may be refused.
    ///
    /// Errors: those of a login's body.
    async fn of(
        request: &mut ServiceRequest,
        tenants: &WorkerTenants,
        app: &AppState,
    ) -> Result<Option<Self>, Failure> {
        let (name, token) = if request.path() == LOGIN {
            let login = peek_login(request, app).await?;
            (login.map(|login| login.world), None)
        } else {
            let token = auth::bearer_token(request.headers()).ok();
            let token = token.and_then(|token| TestToken::parse(&token).ok());
            (token.as_ref().map(|token| token.world.clone()), token)
        };
        let name = name.unwrap_or_default();
        let Some(world) = tenants.worlds().get(&name) else { return Ok(None) };
        let tenant = tenants.tenant(&name)?;
        let mut called = Self { name, world, tenant, token: None };
        if let Some(token) = token {
            called.token = token.name().map(str::to_owned);
            // Authentication goes on from here: the token is read once.
            let mut context = RequestContext::of(request.request());
            context.tenant = Some(Rc::clone(&called.tenant));
            context.credentials = Some(token.credentials);
        }
        Ok(Some(called))
    }

    /// Makes the answer's date that of the world.
    fn set_date(&self, request: &ServiceRequest) {
        let reading = self.world.database.clock().read();
        if !reading.real {
            RequestContext::of(request.request()).date = Some(reading.now);
        }
    }

    /// The fault that this request meets, if there is one.
    ///
    /// Errors: the store cannot read the facts of a send that a fault may be about.
    async fn effect(&self, request: &mut ServiceRequest, app: &AppState) -> Result<Option<FaultEffect>, Failure> {
        let faults = &self.world.faults;
        let path = request.path().to_owned();
        if !faults.has_for(&path) {
            return Ok(None);
        }
        let about = if path == SEND { self.about(request, app).await? } else { None };
        let effect = faults.take(&Call { path: &path, about: about.as_ref().map(|(form, facts)| (*form, facts)) });
        if effect.is_some() {
            // The route replaces this, if the call gets as far.
            let mut context = RequestContext::of(request.request());
            context.tenant = Some(Rc::clone(&self.tenant));
            context.token.clone_from(&self.token);
            if let Some((form, facts)) = &about {
                let thread = facts.destination.map(|(thread, _)| thread);
                context.form = Some(*form);
                context.decision = Decision::AboutUnauthenticated(facts.client, thread);
            }
        }
        Ok(effect)
    }

    /// The form and the facts of a send; None for a body that the route will refuse.
    async fn about(&self, request: &mut ServiceRequest, app: &AppState) -> Result<Option<(FormId, Facts)>, Failure> {
        let Ok(payload) = request.extract::<web::Payload>().await else { return Ok(None) };
        let read = request_body::in_time(send_body::read(request.request(), payload, app), app.body_timeout()).await;
        let survey = read.as_ref().ok().cloned();
        // The body is read once: the route finds it here.
        RequestContext::of(request.request()).send = Some(read);
        let Some(survey) = survey else { return Ok(None) };
        Ok(Some((survey.form, self.tenant.store.facts(survey).await?)))
    }
}

/// Reads the login of a body, and puts the body back for the route. None for a body that the route will refuse.
///
/// Errors: 408 it did not arrive in time; 400 cut off; 413 longer than announced.
async fn peek_login(request: &mut ServiceRequest, app: &AppState) -> Result<Option<Login>, Failure> {
    if request_body::announced_length(request.headers()).is_some_and(|length| length > request_body::SEND_LIMIT) {
        return Ok(None);
    }
    let payload = request.extract::<web::Payload>().await.map_err(|_| Failure::bad_request("The body was cut off"))?;
    let read = request_body::read_bytes(payload, request_body::SEND_LIMIT);
    let bytes = request_body::in_time(read, app.body_timeout()).await?;
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(ready(Ok(bytes.clone())))) });
    let text = std::str::from_utf8(&bytes).map(json::without_mark).unwrap_or_default();
    let body = serde_json::from_str::<Value>(text).ok();
    Ok(body.and_then(|body| Login::parse(body.get("login")?.as_str()?).ok()))
}

/// The answer of a fault. A 401 looks like that of a token which has just expired; no rule has decided it.
fn failure(status: StatusCode, retry_after_s: Option<u32>) -> Failure {
    if status == StatusCode::UNAUTHORIZED {
        return Case::TokenExpired.into();
    }
    let message = "Fault: asked for by POST /admin/faults".to_owned();
    let header = retry_after_s.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds)));
    Failure::Status { status, message, header }
}
