//! Web pages of other origins: which of them may call `/api`, told to their browsers. Without any in the settings nothing is
//! said, and browsers keep them out.
//!
//! actix-cors is not used: it joins the three documented `Vary` lines in one. They stand on every answer of `/api` anyway, so
//! that no cache gives one origin's answer to another.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::ServiceRequest,
    http::{
        Method,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderName,
            HeaderValue, ORIGIN,
        },
    },
    web::ThinData,
};

use crate::http::state::State;

/// What a page may ask with, and read of an answer besides what every page may.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const ASKED: HeaderValue = HeaderValue::from_static("Authorization, Content-Type, Idempotency-Key, X-Request-Id");
const READ: HeaderValue =
    HeaderValue::from_static("Authorization, Idempotent-Replayed, Retry-After, WWW-Authenticate, X-Request-Id");

/// For how many seconds a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origin of the page that calls, if it is one of those that may.
fn origin(request: &HttpRequest) -> Option<&HeaderValue> {
    let ThinData(app) = request.app_data::<State>()?;
    let mut origins = request.headers().get_all(ORIGIN).filter(|_| request.path().starts_with("/api/"));
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    app.listener.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then_some(origin)
}

/// The answer to a browser that asks before it lets a page call; None for every other request.
pub(crate) fn preflight(request: &ServiceRequest) -> Option<HttpResponse> {
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    origin(request.request()).filter(|_| is_preflight)?;
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS));
    answer.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, ASKED));
    answer.insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE));
    Some(answer.finish())
}

/// What an answer to that page says besides, an error too.
pub(crate) fn headers(request: &HttpRequest) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let origin = origin(request).cloned().into_iter();
    origin.flat_map(|origin| [(ACCESS_CONTROL_ALLOW_ORIGIN, origin), (ACCESS_CONTROL_EXPOSE_HEADERS, READ)])
}
