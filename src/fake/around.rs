//! What stands before every route of a fake: a guard against web pages, the faults, and the world's own date.

use std::{future::ready, net::IpAddr, rc::Rc, sync::Arc};

use actix_web::{
    Error, HttpMessage,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HOST, HeaderName},
    },
    middleware::Next,
    rt::time::sleep,
    web::{self, ThinData},
};
use futures_util::stream;

use super::{
    cut,
    faults::{Call, Kind, Strike},
    token::{TestToken, WorldName},
    worlds::{FakeWorld, Worlds},
};
use crate::{
    http::{
        SEND, Site, SiteOf,
        attempts::{self, Remark},
        auth,
        failure::Failure,
        respond,
        tenant::Tenant,
        wire,
    },
    survey::{Facts, access::Denied, ids::FormId},
};

/// Answers a request; `next` is the routes.
pub(super) async fn around(
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let worlds = request.app_data::<ThinData<Worlds>>();
    let (Some(ThinData(worlds)), Some(ThinData(site))) = (worlds, request.app_data::<SiteOf>()) else {
        return respond::finish(request, next).await;
    };
    let (worlds, site) = (worlds.clone(), Rc::clone(site));
    if let Err(failure) = refuse_web_pages(&request, &worlds) {
        return Ok(respond::refuse(request, failure));
    }
    let Some(whereabouts) = Whereabouts::of(&request, &worlds, &site) else {
        return respond::finish(request, next).await;
    };
    let reading = whereabouts.world.world.clock().read();
    if !reading.real {
        request.extensions_mut().insert(respond::Date(reading.now));
    }
    let strike = match strike(&mut request, &whereabouts, &site).await {
        Ok(strike) => strike,
        Err(failure) => return Ok(respond::refuse(request, failure)),
    };
    let Some(Strike { delay, kind }) = strike else { return respond::finish(request, next).await };
    sleep(delay).await;
    let remark = |remark| request.extensions_mut().insert(Remark(remark));
    match kind {
        Kind::Delay => {
            remark("delayed by a fault");
            respond::finish(request, next).await
        }
        Kind::Status(status, retry_after) => {
            remark("answered by a fault");
            Ok(respond::refuse(request, failure(status, retry_after)))
        }
        Kind::Reset => {
            remark("cut by a fault before anything was done");
            let request_id = respond::request_id(request.headers());
            attempts::record(request.request(), &site, &request_id, None, None);
            Ok(cut::before_answer(request))
        }
        Kind::Truncate => {
            remark("the answer was cut by a fault");
            Ok(cut::in_the_middle(respond::finish(request, next).await?).await)
        }
        Kind::AfterCommit => {
            remark("cut by a fault instead of this answer");
            Ok(cut::instead_of(respond::finish(request, next).await?))
        }
    }
}

/// The tokens of a fake are known to everyone, so a web page that is open on the same machine must not get at `/admin`:
/// not from another site, and not under another name that leads to this address (DNS rebinding).
fn refuse_web_pages(request: &ServiceRequest, worlds: &Worlds) -> Result<(), Failure> {
    const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    let forbidden = |message: String| Err(Failure::new(StatusCode::FORBIDDEN, message));
    if !request.path().starts_with("/admin") {
        return Ok(());
    }
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    match text(SEC_FETCH_SITE) {
        None | Some("none" | "same-origin") => {}
        Some(site) => return forbidden(format!("Sec-Fetch-Site: {site} may not use /admin of a fake")),
    }
    match text(HOST) {
        Some(host) if worlds.is_on_loopback() && !is_this_machine(host) => {
            forbidden(format!("Host: {host:?} may not use /admin of a fake on loopback; use localhost or 127.0.0.1"))
        }
        _ => Ok(()),
    }
}

fn is_this_machine(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Where a request goes.
struct Whereabouts {
    /// The name of the token.
    token: Option<String>,
    world: Arc<FakeWorld>,
    tenant: Rc<Tenant>,
}

impl Whereabouts {
    /// A world that nobody has been in is not made for it: it has no faults and goes by the real time.
    fn of(request: &ServiceRequest, worlds: &Worlds, site: &Site) -> Option<Self> {
        let Ok(secret) = auth::bearer(request.headers()) else {
            let world = worlds.get(&WorldName::default())?;
            return Some(Self { token: None, world, tenant: site.tenants().of_strangers()? });
        };
        let token = TestToken::parse(&secret).ok()?;
        let world = worlds.get(&token.world)?;
        let (tenant, _) = site.tenants().admit(secret).ok()?;
        Some(Self { token: Some(token.caller.name), world, tenant })
    }
}

/// The fault that this request meets.
///
/// Errors: those of a body, where a fault asks what a send is about.
async fn strike(
    request: &mut ServiceRequest,
    Whereabouts { token, world, tenant }: &Whereabouts,
    site: &Site,
) -> Result<Option<Strike>, Failure> {
    let faults = &world.faults;
    let path = request.path().to_owned();
    if !faults.wait_for(&path) {
        return Ok(None);
    }
    let about = if path == SEND { about(request, tenant, site).await? } else { None };
    let strike = faults.take(&Call { path: &path, about: about.as_ref().map(|(form, facts)| (*form, facts)) });
    if strike.is_some() {
        // What the route itself will note comes over this, if it gets as far.
        attempts::begin(request.request(), tenant);
        if let Some(token) = token {
            attempts::note_token(request.request(), token);
        }
        if let Some((form, facts)) = &about {
            attempts::note_form(request.request(), *form);
            let thread = facts.destination.map(|(thread, _)| thread);
            facts.client.into_iter().for_each(|client| attempts::note_about(request.request(), client, thread));
        }
    }
    Ok(strike)
}

/// What a send is about. The body is read, and put back for the route.
async fn about(request: &mut ServiceRequest, tenant: &Tenant, site: &Site) -> Result<Option<(FormId, Facts)>, Failure> {
    let payload = request.extract::<web::Payload>().await.map_err(|_| Failure::bad_request("The body was cut off"))?;
    let body =
        wire::in_time(wire::read_body(request.request(), payload, wire::SEND_LIMIT), site.body_timeout()).await?;
    let ask = body.parse_send();
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(ready(Ok(body.into_bytes())))) });
    // What cannot be read is told by the route.
    let Ok(ask) = ask else { return Ok(None) };
    let form = ask.form;
    Ok(Some((form, tenant.store.facts(ask).await?)))
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
