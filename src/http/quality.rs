//! `POST /api/v1/quality/send`.

use actix_web::{
    HttpRequest,
    web::{Payload, ThinData},
};

use super::{
    SiteOf, auth,
    respond::{Empty, Failure},
    wire,
};

/// Sends the survey to the specified thread, or to the last closed thread of the client.
///
/// Source: "Send Survey". Who calls is settled before anything is said of the body.
pub(super) async fn send(request: HttpRequest, payload: Payload, ThinData(site): SiteOf) -> Result<Empty, Failure> {
    let sender = auth::sender(&request, &site).await?;
    let body = wire::read_body(&request, payload, &site, wire::SEND_LIMIT).await?;
    site.store.send(sender, body.parse_send()?).await?;
    Ok(Empty::OK)
}
