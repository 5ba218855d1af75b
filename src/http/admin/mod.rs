//! The routes under `/admin`: what they change holds for the very next send.

pub(crate) mod deliveries;
pub(crate) mod erasure;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod tokens;

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Path, Payload, ThinData},
};

use tokio::task::spawn_blocking;

use crate::http::{
    auth,
    failure::Failure,
    query::Query,
    request_body,
    responses::{Empty, Json},
    state::{AppState, State},
};
use crate::{
    store::{
        Connection,
        audit::Changed,
        directory::{self, DirectoryRow},
        error::StoreError,
    },
    survey::{
        ids::{ChannelId, FormId},
        model::{Channel, Form, SystemSettings},
    },
};

pub(crate) async fn settings(request: HttpRequest, ThinData(app): State) -> Result<Json<SystemSettings>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    Ok(Json::ok(admin.store().read(directory::read_settings).await?))
}

pub(crate) async fn change_settings(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<SystemSettings>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let settings = read_body(&request, payload, &app).await?.parse::<SystemSettings>()?;
    admin.change(move |connection| directory::write_settings(connection, settings)).await?;
    Ok(Json::ok(settings))
}

pub(crate) async fn list<E: DirectoryRow>(request: HttpRequest, ThinData(app): State) -> Result<Json<Vec<E>>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "limit"])?;
    let (after, limit) = (query.integer("after")?, query.limit()?);
    Ok(Json::ok(admin.store().long_read(move |connection| directory::list(connection, after, limit)).await?))
}

pub(crate) async fn read<E: DirectoryRow>(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Json<E>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    let entry = admin.store().read(move |connection| directory::get::<E>(connection, id)).await?;
    Ok(Json::ok(entry.ok_or_else(|| not_found::<E>(id))?))
}

pub(crate) async fn put<E: DirectoryRow>(
    request: HttpRequest,
    path: Path<String>,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<E>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    let entry = read_body(&request, payload, &app).await?.parse_row::<E>(id)?;
    if let Some(url) = entry.delivery_url().cloned() {
        let client = admin.tenant().client.clone();
        let checked = spawn_blocking(move || client.check(&url)).await;
        let checked = checked.map_err(|error| StoreError::Internal(format!("a check ended: {error}")))?;
        checked.map_err(|error| Failure::bad_request(format!("deliveryUrl: {error}")))?;
    }
    let (entry, put) = admin.change(move |connection| directory::put(connection, &entry)).await?;
    let status = if put == directory::Put::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Json { status, value: entry })
}

pub(crate) async fn delete<E: DirectoryRow>(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Empty, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    let deleted = admin.change(move |connection| directory::delete::<E>(connection, id)).await?;
    if deleted { Ok(Empty::NO_CONTENT) } else { Err(not_found::<E>(id)) }
}

pub(crate) async fn enable(request: HttpRequest, path: Path<(String, String)>, app: State) -> Result<Empty, Failure> {
    change_enablement(request, path, app, directory::enable).await
}

pub(crate) async fn disable(request: HttpRequest, path: Path<(String, String)>, app: State) -> Result<Empty, Failure> {
    change_enablement(request, path, app, directory::disable).await
}

type EnablementChange = fn(&Connection, FormId, ChannelId) -> Result<Changed<()>, StoreError>;

async fn change_enablement(
    request: HttpRequest,
    path: Path<(String, String)>,
    ThinData(app): State,
    change: EnablementChange,
) -> Result<Empty, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let (form, channel) = (parse_id("id", &path.0)?, parse_id("channelId", &path.1)?);
    admin
        .change(move |connection| {
            if !directory::exists::<Form>(connection, form)? {
                return Ok(Changed::nothing(Err(not_found::<Form>(form))));
            }
            if !directory::exists::<Channel>(connection, channel)? {
                return Ok(Changed::nothing(Err(not_found::<Channel>(channel))));
            }
            Ok(change(connection, FormId(form), ChannelId(channel))?.map(Ok))
        })
        .await??;
    Ok(Empty::NO_CONTENT)
}

/// The body of an admin route.
pub(crate) async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    app: &AppState,
) -> Result<request_body::Body, Failure> {
    request_body::in_time(request_body::read_body(request, payload, request_body::ADMIN_LIMIT), app.body_timeout())
        .await
}

pub(crate) fn parse_id(name: &str, text: &str) -> Result<i64, Failure> {
    text.parse().map_err(|_| Failure::bad_request(format!("{name} in the path must be a 64-bit integer")))
}

fn not_found<E: DirectoryRow>(id: i64) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, format!("{} {id} not found", E::KIND))
}
