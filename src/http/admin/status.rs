//! The state of the server in one answer.

use actix_web::{HttpRequest, web::ThinData};

use crate::{
    http::{auth, failure::Failure, responses::Json, state::State},
    store::status::{Certificate, Status},
};

/// `GET /admin/status`.
pub(crate) async fn status(request: HttpRequest, ThinData(app): State) -> Result<Json<Status>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let mut status = admin.store().status().await?;
    status.certificate = app.tls.as_ref().map(|tls| Certificate { not_after: tls.not_after() });
    Ok(Json::ok(status))
}
