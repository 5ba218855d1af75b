//! A client is deleted, or erased: then nothing is left that tells of them.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    web::{Path, ThinData},
};

use crate::http::admin::{delete, not_found, parse_id};
use crate::{
    http::{auth, failure::Failure, query::Query, responses::Json, state::State},
    survey::{ids::ClientId, model::Client},
};

/// `DELETE /admin/clients/{id}`: deletes the row, if no thread needs it. With `erase=true` everything that is kept of the
/// client goes: their row and threads, whom sends were to, what deliveries say, what the audit and the attempts tell of them.
pub(crate) async fn delete_client(
    request: HttpRequest,
    path: Path<String>,
    app: State,
) -> Result<HttpResponse, Failure> {
    let ThinData(this) = &app;
    let admin = auth::admin(&request, this).await?;
    if !Query::of(&request, &["erase"])?.flag("erase")? {
        return Ok(delete::<Client>(request.clone(), path, app).await?.respond_to(&request));
    }
    let id = parse_id("id", &path)?;
    let erasure = admin.erase(ClientId(id)).await?.ok_or_else(|| not_found::<Client>(id))?;
    admin.tenant().attempts.forget(erasure.client, erasure.external_id.as_deref());
    Ok(Json::ok(erasure.erased).respond_to(&request))
}
