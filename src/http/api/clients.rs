//! `POST /api/v1/clients/short-info`: clients, as far as the vendor has published them.

use std::collections::BTreeSet;

use actix_web::{
    HttpRequest,
    web::{Payload, ThinData},
};
use serde::Deserialize;

use crate::{
    http::{
        auth::Bearer,
        failure::Failure,
        request_body::{self, ADMIN_LIMIT},
        responses::Json,
        state::State,
    },
    store::directory::ShortInfo,
    survey::access::Role,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShortInfoRequest {
    phones: Option<BTreeSet<String>>,
    external_ids: Option<BTreeSet<String>>,
}

/// `POST /api/v1/clients/short-info`: who has these phones or external ids, and whether they have an active thread.
///
/// Source: "Client short info"; that senders may, that unknown ones are left out, and the limit are chosen.
pub(crate) async fn short_info(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<Vec<ShortInfo>>, Failure> {
    let store = Bearer::of(&request, &app)?.authorize(&request, Role::SENDERS).await?;
    let body = request_body::read(&request, payload, ADMIN_LIMIT, &app).await?;
    let ShortInfoRequest { phones, external_ids } = body.parse()?;
    if phones.is_none() && external_ids.is_none() {
        return Err(Failure::bad_request("phones or externalIds must be an array of strings"));
    }
    let (phones, external_ids) = (phones.unwrap_or_default(), external_ids.unwrap_or_default());
    Ok(Json::ok(store.short_info(phones, external_ids).await?))
}
