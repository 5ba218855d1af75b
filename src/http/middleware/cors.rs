//! CORS: the web pages of other origins that may call `/api`. Without any in the settings no header is sent, and browsers keep
//! them out.
//!
//! actix-cors is not used: it joins the three documented `Vary` lines in one.

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

/// The methods and headers that a page may send, and the headers that it may read.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, Idempotency-Key, X-Request-Id");
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Idempotent-Replayed, Retry-After, WWW-Authenticate, X-Request-Id");

/// For how many seconds a browser keeps the answer to a preflight.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("600");

/// The origin of the calling page, if the settings allow it.
fn origin(request: &HttpRequest) -> Option<&HeaderValue> {
    let ThinData(app) = request.app_data::<State>()?;
    let mut origins = request.headers().get_all(ORIGIN).filter(|_| request.path().starts_with("/api/"));
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    app.listener.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then_some(origin)
}

/// The answer to a preflight of an allowed page; None for every other request.
pub(crate) fn preflight(request: &ServiceRequest) -> Option<HttpResponse> {
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    origin(request.request()).filter(|_| is_preflight)?;
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS));
    answer.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS));
    answer.insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE_S));
    Some(answer.finish())
}

/// The headers that every answer to an allowed page has, also an error.
pub(crate) fn headers(request: &HttpRequest) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let origin = origin(request).cloned().into_iter();
    origin.flat_map(|origin| [(ACCESS_CONTROL_ALLOW_ORIGIN, origin), (ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS)])
}
