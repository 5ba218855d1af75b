//! `POST /api/v1/quality/send`.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use actix_web::{
    HttpRequest,
    web::{Payload, ThinData},
};

use super::{SiteOf, auth, failure::Failure, respond::Empty, wire};
use crate::survey::access::Role;

/// Sends the survey to the specified thread, or to the last closed thread of the client.
///
/// Source: "Send Survey". Nothing is said of the body to who may not send.
pub(super) async fn send(request: HttpRequest, payload: Payload, ThinData(site): SiteOf) -> Result<Empty, Failure> {
    let credentials = auth::credentials(&request, &site);
    let mut body = pin!(wire::read_body(&request, payload, wire::SEND_LIMIT));
    // A body mostly comes along with its head. Then token, rules and facts are all settled in one state of the database,
    // and the connection can be kept whatever the answer. A late one is waited for only if the caller may send.
    let prompt = already_there(body.as_mut()).await;
    let credentials = credentials?;
    let body = if let Some(body) = prompt {
        body
    } else {
        site.store.authenticate(credentials.clone(), Role::SENDERS).await??;
        wire::in_time(body, site.body_timeout).await
    };
    // In a box, so that the state of a request is two allocations of a usual size and not one large, slow one.
    Box::pin(site.store.send(credentials, body.and_then(|body| body.parse_send()))).await?;
    Ok(Empty::OK)
}

/// What a future yields without anything new arriving: at once, or at the second look. actix starts a handler when it has
/// read the head, and hands over the part of the body that came with it right after. A timer instead would cost every
/// request a system call, for the runtime is woken to learn of it.
async fn already_there<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut looked = false;
    poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if looked => Poll::Ready(None),
        Poll::Pending => {
            looked = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}
