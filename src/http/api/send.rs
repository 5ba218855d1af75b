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
        attempts::{self, Decision},
        auth::Bearer,
        failure::Failure,
        request_body,
        state::State,
    },
    store::{
        idempotency::IdempotencyKey,
        sends::{SendError, SendReceipt},
    },
    survey::{access::Role, ids::FormId},
};

/// Sends the survey to the specified thread, or to the last closed thread of the client.
///
/// Source: "Send Survey". EmptyObject is said of the body to who may not send.
pub(crate) async fn send(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<SendResponse, Failure> {
    let bearer = Bearer::of(&request, &app);
    let mut body = pin!(request_body::read_body(&request, payload, request_body::SEND_LIMIT));
    // A body mostly comes along with its head. Then token, rules and facts are all settled in one state of the database,
    // and the connection can be kept whatever the answer. A late one is waited for only if the caller may send.
    let prompt = already_there(body.as_mut()).await;
    let bearer = bearer?;
    let body = if let Some(body) = prompt {
        body
    } else {
        bearer.authenticate(&request, Role::SENDERS).await?;
        request_body::in_time(body, app.body_timeout()).await
    };
    let ask = body.and_then(|body| body.parse_send());
    let (ask, key) = match ask.and_then(|ask| Ok((ask, idempotency_key(request.headers())?))) {
        Ok(asked) => asked,
        Err(failure) => {
            bearer.authenticate(&request, Role::SENDERS).await?;
            attempts::note_outcome(&request, Decision::BadBody);
            return Err(failure);
        }
    };
    let (form, target) = (ask.form, ask.target.clone());
    // In a box, so that the state of a request is two allocations of a usual size and not one large, slow one.
    let answered = Box::pin(bearer.store().send(bearer.credentials.clone(), ask, key)).await;
    note(&request, form, &answered);
    if let Err(SendError::Refused { .. }) = &answered {
        attempts::note_asked(&request, target);
    }
    Ok(SendResponse { replayed: answered?.replayed })
}

/// 200, and whether it is told for the second time.
pub(crate) struct SendResponse {
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

/// The caller's own name for this request, if they gave it one.
///
/// Errors: 400 where it cannot be one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Failure> {
    let mut values = headers.get_all(HeaderName::from_static("idempotency-key"));
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|_| values.next().is_none()).and_then(IdempotencyKey::new);
    key.map(Some).ok_or_else(|| Failure::bad_request("Idempotency-Key must be 1 to 255 printable characters, once"))
}

/// Notes what the attempt is to tell.
fn note(request: &HttpRequest, form: FormId, answered: &Result<SendReceipt, SendError>) {
    let (token, decision) = match answered {
        Ok(SendReceipt { sent, .. }) => {
            (Some(&*sent.token), Decision::Allowed(sent.client_id, sent.thread_id, Some(sent.sending_id)))
        }
        Err(SendError::Refused { token, refusal }) => (Some(&**token), Decision::Refused(refusal.clone())),
        Err(SendError::Denied(denied)) => (denied.token(), Decision::Denied(denied.rule())),
        Err(SendError::KeyOfAnother { token }) => (Some(&**token), Decision::Authenticated),
        Err(SendError::Store(_)) => (None, Decision::Undecided),
    };
    attempts::note_send(request, form, token, decision);
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
