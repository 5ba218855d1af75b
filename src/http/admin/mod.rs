//! The routes under `/admin`: what they change holds for the very next send.

pub(crate) mod deliveries;
pub(crate) mod erasure;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod people;
pub(crate) mod statistics;
pub(crate) mod status;
pub(crate) mod tokens;

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Path, Payload, ThinData},
};

use crate::http::{
    auth,
    failure::Failure,
    page::Page,
    query::{Query, parse_id},
    request_body::{self, ADMIN_LIMIT},
    responses::{Empty, Json},
    state::State,
};
use crate::{
    store::{
        directory::{DirectoryRow, Put},
        error::StoreError,
    },
    survey::{
        ids::{ChannelId, FormId},
        model::SystemSettings,
    },
    threads,
};

pub(crate) async fn settings(request: HttpRequest, ThinData(app): State) -> Result<Json<SystemSettings>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    Ok(Json::ok(admin.store().settings().await?))
}

pub(crate) async fn change_settings(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<SystemSettings>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let settings = request_body::read(&request, payload, ADMIN_LIMIT, &app).await?.parse::<SystemSettings>()?;
    admin.store().change_settings(settings).await?;
    Ok(Json::ok(settings))
}

pub(crate) async fn list<E: DirectoryRow>(request: HttpRequest, ThinData(app): State) -> Result<Page<E>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "limit"])?;
    let (after, limit) = (query.integer("after")?, query.limit()?);
    Ok(Page::of(&query, limit, admin.store().list(after, limit + 1).await?, E::id))
}

pub(crate) async fn read<E: DirectoryRow>(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Json<E>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    Ok(Json::ok(admin.store().get(id).await?))
}

pub(crate) async fn put<E: DirectoryRow>(
    request: HttpRequest,
    path: Path<String>,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<E>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    let entry = request_body::read(&request, payload, ADMIN_LIMIT, &app).await?.parse_row::<E>(id)?;
    if let Some(url) = entry.delivery_url().cloned() {
        let client = admin.tenant().client.clone();
        let checked = threads::run("check", move || client.check(&url)).await.map_err(StoreError::from)?;
        checked.map_err(|error| Failure::bad_request(format!("deliveryUrl: {error}")))?;
    }
    let (entry, put) = admin.store().put(entry).await?;
    let status = if put == Put::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Json { status, value: entry })
}

pub(crate) async fn delete<E: DirectoryRow>(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Empty, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    admin.store().delete::<E>(id).await?;
    Ok(Empty::NO_CONTENT)
}

pub(crate) async fn enable(
    request: HttpRequest,
    path: Path<(String, String)>,
    ThinData(app): State,
) -> Result<Empty, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let (form, channel) = form_and_channel(&path)?;
    admin.store().enable_form(form, channel).await?;
    Ok(Empty::NO_CONTENT)
}

pub(crate) async fn disable(
    request: HttpRequest,
    path: Path<(String, String)>,
    ThinData(app): State,
) -> Result<Empty, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let (form, channel) = form_and_channel(&path)?;
    admin.store().disable_form(form, channel).await?;
    Ok(Empty::NO_CONTENT)
}

fn form_and_channel((form, channel): &(String, String)) -> Result<(FormId, ChannelId), Failure> {
    Ok((FormId(parse_id("id", form)?), ChannelId(parse_id("channelId", channel)?)))
}
