//! `POST /api/v1/quality/send`.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    web::{Payload, ThinData},
};

use crate::{
    http::{
        api::send_body, attempts::report::Decision, auth::Bearer, context::RequestContext, failure::Failure,
        request_body, state::State,
    },
    store::{idempotency::IdempotencyKey, sends::SendReceipt},
    survey::access::Role,
};

/// Sends the survey to the specified thread, or to the last closed thread of the client.
///
/// Source: "Send Survey". A caller that may not send learns nothing about its body.
pub(in crate::http) async fn send(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<SendResponse, Failure> {
    let bearer = Bearer::of(&request, &app);
    let mut body = pin!(send_body::read(&request, payload, &app));
    // A body mostly arrives together with its head. Then token, rules and facts are all decided in one state of the database,
    // and the connection can be kept whatever the answer. A late one is waited for only if the caller may send.
    let early_body = ready_now(body.as_mut()).await;
    // Only now: the connection can be kept if the body is read, also when there is no token.
    let bearer = bearer?;
    let body = if let Some(body) = early_body {
        body
    } else {
        bearer.authorize(&request, Role::SENDERS).await?;
        request_body::in_time(body, app.body_timeout()).await
    };
    let (survey, key) = match body.and_then(|survey| Ok((survey, idempotency_key(request.headers())?))) {
        Ok(read) => read,
        Err(failure) => {
            bearer.authorize(&request, Role::SENDERS).await?;
            RequestContext::of(&request).decision = Decision::BadBody;
            return Err(failure);
        }
    };
    {
        let mut context = RequestContext::of(&request);
        (context.form, context.target) = (Some(survey.form), Some(survey.target.clone()));
    }
    // In a box, so that the state of a request is two allocations of a usual size and not one large, slow one.
    let SendReceipt { sent, replayed, .. } =
        Box::pin(bearer.store().send(bearer.credentials.clone(), survey, key)).await?;
    let mut context = RequestContext::of(&request);
    context.decision = Decision::Allowed(sent.client, sent.thread, Some(sent.sending_id));
    context.token = Some(sent.token);
    Ok(SendResponse { replayed })
}

/// 200 without a body; `Idempotent-Replayed` says that the send is an earlier one.
pub(in crate::http) struct SendResponse {
    replayed: bool,
}

impl Responder for SendResponse {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::new(StatusCode::OK);
        if self.replayed {
            let name = HeaderName::from_static("idempotent-replayed");
            response.headers_mut().insert(name, HeaderValue::from_static("true"));
        }
        response
    }
}

/// The caller's idempotency key, if there is one.
///
/// Errors: 400 for a key that is not 1 to 255 printable characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Failure> {
    let mut values = headers.get_all(HeaderName::from_static("idempotency-key"));
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|_| values.next().is_none()).and_then(IdempotencyKey::new);
    key.map(Some).ok_or_else(|| Failure::bad_request("Idempotency-Key must be 1 to 255 printable characters, once"))
}

/// The output of a future that needs nothing new to arrive: one that is ready when it is polled once, or twice. actix starts a
/// handler when it has read the head, and hands over the part of the body that came with it right after. A timer instead
/// would cost every request a system call.
async fn ready_now<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut polled_once = false;
    poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polled_once => Poll::Ready(None),
        Poll::Pending => {
            polled_once = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}
