//! Who may call: made, rotated and revoked by administrators, as by `surveyd token`. A secret is in the answer that makes
//! it, and nowhere else.

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Path, Payload, ThinData},
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{
    http::{
        auth,
        failure::Failure,
        page::Page,
        query::{Query, parse_id},
        request_body::{self, ADMIN_LIMIT},
        responses::{Empty, Json},
        state::State,
    },
    store::tokens::{Issued, Token},
    survey::{access::Role, time::TimeSpan},
};

/// A token that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    name: String,
    role: Role,
    expires: Option<TimeSpan>,
}

/// A rotation that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateRequest {
    overlap: Option<TimeSpan>,
}

/// A token, and this once its secret.
#[derive(Serialize)]
pub(crate) struct IssuedResponse {
    #[serde(flatten)]
    token: Token,
    secret: String,
}

impl From<Issued> for IssuedResponse {
    fn from(Issued { token, secret }: Issued) -> Self {
        Self { token, secret: secret.reveal().to_owned() }
    }
}

/// `GET /admin/tokens`.
pub(crate) async fn list(request: HttpRequest, ThinData(app): State) -> Result<Page<Token>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "limit"])?;
    let (after, limit) = (query.integer("after")?, query.limit()?);
    Ok(Page::of(&query, limit, admin.store().tokens(after, limit + 1).await?, |token| token.id))
}

/// `POST /admin/tokens`.
pub(crate) async fn create(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<IssuedResponse>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let CreateRequest { name, role, expires } =
        request_body::read(&request, payload, ADMIN_LIMIT, &app).await?.parse()?;
    let issued = admin.store().create_token(name, role, expires).await?;
    Ok(Json { status: StatusCode::CREATED, value: issued.into() })
}

/// `POST /admin/tokens/{id}/rotate`.
pub(crate) async fn rotate(
    request: HttpRequest,
    path: Path<String>,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<IssuedResponse>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    let RotateRequest { overlap } = request_body::read(&request, payload, ADMIN_LIMIT, &app).await?.parse()?;
    Ok(Json::ok(admin.store().rotate_token(id, overlap).await?.into()))
}

/// `DELETE /admin/tokens/{id}`: revokes it. The last administrator may go, too: `surveyd token create` lets in another. The log
/// says so, as the answer has no body. A fake has ready-made administrators besides.
pub(crate) async fn revoke(request: HttpRequest, path: Path<String>, ThinData(app): State) -> Result<Empty, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let id = parse_id("id", &path)?;
    let revoked = admin.store().revoke_token(id).await?;
    let warning = app.console.database_argument.as_deref().and_then(|database| revoked.warning(database));
    if let Some(warning) = warning {
        warn!("{warning}");
    }
    Ok(Empty::NO_CONTENT)
}
