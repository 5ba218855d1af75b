//! `POST /api/v1/quality/send`.

use std::{pin::pin, time::Duration};

use actix_web::{
    HttpRequest,
    web::{Payload, ThinData},
};
use tokio::time::timeout;

use super::{
    SiteOf, auth,
    respond::{Empty, Failure},
    wire,
};
use crate::survey::access::Role;

/// How long a body is waited for before the caller is asked who they are: nobody without a token holds a connection.
const PROMPT: Duration = Duration::from_millis(50);

/// Sends the survey to the specified thread, or to the last closed thread of the client.
///
/// Source: "Send Survey". Nothing is said of the body to who may not send.
pub(super) async fn send(request: HttpRequest, payload: Payload, ThinData(site): SiteOf) -> Result<Empty, Failure> {
    let credentials = auth::credentials(&request, &site);
    let mut body = pin!(wire::read_body(&request, payload, wire::SEND_LIMIT));
    // A body mostly comes with its head. Then token, rules and facts are all settled in one state of the database, and
    // the connection can be kept whatever the answer.
    let prompt = timeout(PROMPT, &mut body).await;
    let credentials = credentials?;
    let body = if let Ok(body) = prompt {
        body
    } else {
        site.store.authenticate(credentials.clone(), Role::SENDERS).await??;
        wire::in_time(body, site.body_timeout).await
    };
    site.store.send(credentials, body.and_then(|body| body.parse_send())).await?;
    Ok(Empty::OK)
}
