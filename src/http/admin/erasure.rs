//! Deleting a client, and erasing one: then nothing is left that is about them.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    web::{Path, ThinData},
};

use serde::Serialize;

use crate::{
    http::{
        auth,
        failure::Failure,
        query::{Query, parse_id},
        responses::{Empty, Json},
        state::State,
    },
    store::erasure::Erased,
    survey::{ids::ClientId, model::Client},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErasureAnswer {
    #[serde(flatten)]
    erased: Erased,
    /// False while the log next to the file still holds the data, because another process reads it. The server then empties
    /// it as soon as it can.
    log_emptied: bool,
}

/// `DELETE /admin/clients/{id}`: deletes the row, if no thread needs it. With `erase=true` it erases everything that is kept of
/// the client: their row and threads, the client of each send, the bodies of deliveries, what the audit and the attempts show.
pub(crate) async fn delete_client(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<HttpResponse, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let erase = Query::of(&request, &["erase"])?.flag("erase")?;
    let id = parse_id("id", &path)?;
    if !erase {
        admin.store().delete::<Client>(id).await?;
        return Ok(Empty::NO_CONTENT.respond_to(&request));
    }
    let erasure = admin.store().erase(ClientId(id)).await?;
    admin.tenant().attempts.forget(erasure.client, erasure.external_id.as_deref());
    let answer = ErasureAnswer { erased: erasure.erased, log_emptied: erasure.is_log_emptied };
    Ok(Json::ok(answer).respond_to(&request))
}
