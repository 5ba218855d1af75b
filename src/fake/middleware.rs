//! What stands before every route of a fake: the guard against web pages, the faults, and the world's own date.

use std::{future::ready, rc::Rc, sync::Arc};

use actix_web::{
    Error, HttpMessage,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    rt::time::sleep,
    web::{self, ThinData},
};
use futures_util::stream;
use serde_json::Value;

use crate::fake::{
    disconnect,
    faults::{Call, FaultEffect, FaultKind},
    token::{Login, TestToken, WorldName},
    web_guard,
    worlds::{World, Worlds},
};
use crate::{
    http::{
        api::{LOGIN, SEND, parse_send},
        attempts::{self, Decision, Remark},
        auth,
        failure::Failure,
        finalize, request_body,
        state::{AppState, State},
        tenant::Tenant,
    },
    survey::{Facts, access::Denied, ids::FormId, time::Time},
};

/// Answers a request; `next` is the routes.
pub(crate) async fn around(
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let worlds = request.app_data::<ThinData<Worlds>>();
    let (Some(ThinData(worlds)), Some(ThinData(app))) = (worlds, request.app_data::<State>()) else {
        return finalize::finish(request, next).await;
    };
    let (worlds, app) = (worlds.clone(), Rc::clone(app));
    if let Err(failure) = web_guard::refuse_web_pages(&request, worlds.is_on_loopback()) {
        return Ok(finalize::refuse(request, failure));
    }
    let called = match CalledWorld::of(&mut request, &worlds, &app).await {
        Ok(Some(called)) => called,
        Ok(None) => return finalize::finish(request, next).await,
        Err(failure) => return Ok(finalize::refuse(request, failure)),
    };
    let effect = match called.effect(&mut request, &app).await {
        Ok(effect) => effect,
        Err(failure) => return Ok(finalize::refuse(request, failure)),
    };
    let Some(FaultEffect { delay, kind }) = effect else {
        called.date(&request);
        return finalize::finish(request, next).await;
    };
    tokio::select! {
        () = sleep(delay) => {}
        () = called.world.database.ended() => {}
    }
    called.date(&request);
    if !worlds.is_open(&called.name, &called.world) {
        // What was meant for the world before its reset must not show in the one after it.
        let message = "The world of this call was put back or dropped while a fault delayed it";
        return Ok(finalize::refuse(request, Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)));
    }
    let remark = |remark| request.extensions_mut().insert(Remark(remark));
    match kind {
        FaultKind::Delay => {
            remark("delayed by a fault");
            finalize::finish(request, next).await
        }
        FaultKind::Status(status, retry_after) => {
            remark("answered by a fault");
            Ok(finalize::refuse(request, failure(status, retry_after)))
        }
        FaultKind::Reset => {
            remark("cut by a fault before anything was done");
            let request_id = finalize::request_id(request.headers());
            attempts::record(request.request(), &app, &request_id, None, None);
            Ok(disconnect::reset_before_response(request))
        }
        FaultKind::Truncate => {
            remark("the answer was cut by a fault");
            Ok(disconnect::truncate(finalize::finish(request, next).await?).await)
        }
        FaultKind::AfterCommit => {
            remark("met by a fault that cuts after a commit");
            let response = finalize::finish(request, next).await?;
            Ok(if response.status().is_success() { disconnect::reset_instead_of(response) } else { response })
        }
    }
}

/// The world that is called, and by whom.
struct CalledWorld {
    name: WorldName,
    world: Arc<World>,
    tenant: Rc<Tenant>,
    /// The name of the token.
    token: Option<String>,
}

impl CalledWorld {
    /// That of the token, or of the login that asks for one. A world that nobody has been in is not made for it: it has no
    /// faults and goes by the real time.
    ///
    /// Errors: those of a login's body.
    async fn of(request: &mut ServiceRequest, worlds: &Worlds, app: &AppState) -> Result<Option<Self>, Failure> {
        let secret = if request.path() == LOGIN {
            let body = peek(request, app).await?;
            let request = body.and_then(|body| serde_json::from_slice::<Value>(&body).ok());
            let login = request.and_then(|request| Login::parse(request.get("login")?.as_str()?).ok());
            login.map(|login| login.token(Time(i64::MAX)))
        } else {
            auth::bearer(request.headers()).ok()
        };
        let token = secret.as_ref().and_then(|secret| TestToken::parse(secret).ok());
        let name = token.as_ref().map(|token| token.world.clone()).unwrap_or_default();
        let Some(world) = worlds.get(&name) else { return Ok(None) };
        let tenant = match secret.filter(|_| token.is_some()) {
            Some(secret) => Some(app.resolver.resolve(secret)?.0),
            None => app.resolver.anonymous(),
        };
        let token = token.and_then(|token| token.name().map(str::to_owned));
        Ok(tenant.map(|tenant| Self { name, world, tenant, token }))
    }

    /// Makes the answer's date that of the world.
    fn date(&self, request: &ServiceRequest) {
        let reading = self.world.database.clock().read();
        if !reading.real {
            request.extensions_mut().insert(finalize::Date(reading.now));
        }
    }

    /// The fault that this request meets.
    ///
    /// Errors: those of a body, where there is a fault that could be for it.
    async fn effect(&self, request: &mut ServiceRequest, app: &AppState) -> Result<Option<FaultEffect>, Failure> {
        let faults = &self.world.faults;
        let path = request.path().to_owned();
        if !faults.wait_for(&path) {
            return Ok(None);
        }
        attempts::begin(request.request(), &self.tenant);
        let about = if path == SEND { self.about(request, app).await? } else { None };
        let effect = faults.take(&Call { path: &path, about: about.as_ref().map(|(form, facts)| (*form, facts)) });
        if effect.is_some() {
            // What the route itself will note comes over this, if it gets as far.
            match (&about, &self.token) {
                (Some((form, facts)), token) => {
                    let decision =
                        Decision::AboutUnauthenticated(facts.client, facts.destination.map(|(thread, _)| thread));
                    attempts::note_send(request.request(), *form, token.as_deref(), decision);
                }
                (None, Some(token)) => attempts::note_token(request.request(), token),
                (None, None) => {}
            }
        }
        Ok(effect)
    }

    /// What a send is about; what cannot be read is told by the route.
    async fn about(&self, request: &mut ServiceRequest, app: &AppState) -> Result<Option<(FormId, Facts)>, Failure> {
        let body = peek(request, app).await?;
        let request = body.and_then(|body| parse_send(std::str::from_utf8(&body).ok()?).ok());
        let Some(request) = request else { return Ok(None) };
        Ok(Some((request.form, self.tenant.store.facts(request).await?)))
    }
}

/// Reads a body, and puts it back for the route; `None` where the route will refuse it for its length.
///
/// Errors: 408 not there in time; 400 cut off; 413 longer than announced.
async fn peek(request: &mut ServiceRequest, app: &AppState) -> Result<Option<web::Bytes>, Failure> {
    if request_body::announced_length(request.headers()).is_some_and(|length| length > request_body::SEND_LIMIT) {
        return Ok(None);
    }
    let payload = request.extract::<web::Payload>().await.map_err(|_| Failure::bad_request("The body was cut off"))?;
    let bytes =
        request_body::in_time(request_body::read_bytes(payload, request_body::SEND_LIMIT), app.body_timeout()).await?;
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(ready(Ok(bytes.clone())))) });
    Ok(Some(bytes))
}

/// The answer of a fault. A 401 is that of a token which has just expired.
fn failure(status: StatusCode, retry_after: Option<u32>) -> Failure {
    if status == StatusCode::UNAUTHORIZED {
        return Denied::Expired { token: String::new() }.into();
    }
    let failure = Failure::new(status, "Fault: asked for by POST /admin/faults");
    match retry_after {
        Some(seconds) => failure.retry_after(seconds),
        None => failure,
    }
}
