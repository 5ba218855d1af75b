//! Deleting a client, and erasing one: then nothing is left that is about them.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    web::{Path, ThinData},
};

use crate::http::admin::{delete, parse_id};
use crate::{
    http::{auth, failure::Failure, query::Query, responses::Json, state::State},
    survey::{ids::ClientId, model::Client},
};

/// `DELETE /admin/clients/{id}`: deletes the row, if no thread needs it. With `erase=true` it erases everything that is kept of
/// the client: their row and threads, the client of each send, the bodies of deliveries, what the audit and the attempts show.
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
    let erasure = admin.store().erase(admin.actor(), ClientId(id)).await?;
    admin.tenant().attempts.forget(erasure.client, erasure.external_id.as_deref());
    Ok(Json::ok(erasure.erased).respond_to(&request))
}
