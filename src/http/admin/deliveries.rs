//! Deliveries: their lists and counts, retries, pings, and the secrets that sign them.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Path, ThinData},
};
use serde::Serialize;

use crate::http::admin::history::wait;
use crate::{
    delivery::{
        client::{GatewayAnswer, TryResult},
        message, queue,
    },
    http::{
        auth,
        failure::Failure,
        page::Page,
        query::{Query, parse_id},
        responses::Json,
        state::State,
    },
    store::outbox::{channels::ChannelDeliveries, lists::DeliveryFilter},
    survey::{
        gateway::{Delivery, DeliveryState},
        ids::{ChannelId, SendingId},
        time::{Time, TimeSpan},
    },
};

/// How long the old secret stays valid by default.
const DEFAULT_OVERLAP: TimeSpan = TimeSpan::from_hours(24);

const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

/// `GET /admin/deliveries`: at once, or with `wait` as soon as `count` of them match; with `before` the newest first.
pub(crate) async fn list(request: HttpRequest, ThinData(app): State) -> Result<Page<Delivery>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "before", "limit", "state", "channel", "wait", "count"])?;
    let filter = DeliveryFilter {
        after: query.integer("after")?,
        before: query.before()?,
        channel: query.integer("channel")?,
        state: state(&query, None)?,
    };
    let limit = query.limit()?;
    let rows = admin.store().deliveries(filter, limit + 1, wait(&query, limit)?).await?;
    Ok(Page::of(&query, limit, rows, |delivery| delivery.sending_id.0))
}

/// The state that a query names, or else that one.
fn state(query: &Query, otherwise: Option<DeliveryState>) -> Result<Option<DeliveryState>, Failure> {
    let Some(name) = query.text("state") else { return Ok(otherwise) };
    let state = DeliveryState::OF_DELIVERIES.into_iter().find(|state| state.as_str() == name);
    state.map(Some).ok_or_else(|| {
        let names: Vec<_> = DeliveryState::OF_DELIVERIES.into_iter().map(DeliveryState::as_str).collect();
        Failure::bad_request(format!("state must be one of {}", names.join(", ")))
    })
}

/// `GET /admin/deliveries/counts`: which gateways are failing, since when, and how much waits, by channel.
pub(crate) async fn counts(
    request: HttpRequest,
    ThinData(app): State,
) -> Result<Json<Vec<ChannelDeliveries>>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    Ok(Json::ok(admin.store().channel_deliveries().await?))
}

/// `POST /admin/deliveries/{id}/retry`: tries it again, whatever its state, from now on by the whole schedule.
pub(crate) async fn retry(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Json<Delivery>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    let delivery = admin.store().retry_delivery(SendingId(id)).await?;
    delivery.map(Json::ok).ok_or_else(|| {
        let message = format!("Delivery {id} not found: there is no such send, or its channel had no deliveryUrl");
        Failure::new(StatusCode::NOT_FOUND, message)
    })
}

/// How many were made due.
#[derive(Serialize)]
pub(crate) struct RetryResponse {
    retried: usize,
}

/// `POST /admin/channels/{id}/retry?state=dead`: tries all of a channel again that are in that state.
pub(crate) async fn retry_all(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Json<RetryResponse>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let channel = parse_id("id", &path)?;
    let query = Query::of(&request, &["state"])?;
    let state = state(&query, Some(DeliveryState::Dead))?.unwrap_or(DeliveryState::Dead);
    if state == DeliveryState::Delivered {
        return Err(Failure::bad_request(
            "state must be one of pending, dead, cancelled; what was delivered is tried again one by one",
        ));
    }
    Ok(Json::ok(RetryResponse { retried: admin.store().retry_all(ChannelId(channel), state).await? }))
}

/// What came of a ping.
#[derive(Serialize)]
pub(crate) struct PingResponse {
    accepted: bool,
    result: String,
}

/// `POST /admin/channels/{id}/ping`: a signed `ping` event, at once and once, also where deliveries are off.
pub(crate) async fn ping(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Json<PingResponse>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let channel = ChannelId(parse_id("id", &path)?);
    let gateway = admin.store().gateway(channel).await?;
    let gateway =
        gateway.ok_or_else(|| Failure::new(StatusCode::CONFLICT, format!("Channel {channel} has no deliveryUrl")))?;
    let body = message::ping(channel, admin.store().now());
    let id = format!("msg_ping_{:016x}", getrandom::u64().unwrap_or_default());
    let tried = queue::ping(admin.tenant().client.clone(), gateway, id, body).await;
    let TryResult { answer, description } = tried
        .ok_or_else(|| Failure::unavailable("Too many pings wait for their gateways; try again later".to_owned()))?;
    Ok(Json::ok(PingResponse { accepted: answer == GatewayAnswer::Accepted, result: description }))
}

/// A secret, shown this once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotateResponse {
    secret: String,
    /// Until then deliveries are signed with the old one, too.
    old_secret_until: Time,
}

/// `POST /admin/channels/{id}/rotate?overlap=24h`: makes a secret, and shows it.
pub(crate) async fn rotate(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Json<RotateResponse>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let channel = parse_id("id", &path)?;
    let query = Query::of(&request, &["overlap"])?;
    let overlap = query.duration("overlap", LONGEST_OVERLAP)?.unwrap_or(DEFAULT_OVERLAP);
    let (secret, until) = admin.store().rotate_channel_secret(ChannelId(channel), overlap).await?;
    Ok(Json::ok(RotateResponse { secret: secret.reveal(), old_secret_until: until }))
}
