//! How answers look: the one envelope of every error, and the headers of every answer.
//!
//! A handler yields a [`Failure`] without knowing method or path. [`finish`] sees both: it is the one place where an
//! error gets its body, whoever raised it (our rules, the JSON parser, the router).

use std::{borrow::Cow, cell::Cell, fmt::Write, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::Next,
    web::ThinData,
};
use tracing::error;

use crate::http::{
    attempts, connection,
    failure::Failure,
    middleware::{cors, real_ip, request_log::Line},
    monitoring::metrics::{Counts, NO_ROUTE},
    state::State,
};
use crate::survey::time::Time;

/// The date of an answer, where it is not the system's; put into the extensions of the request.
pub(crate) struct Date(pub(crate) Time);

/// Finishes every answer: its headers, and for an error the envelope.
pub(crate) async fn finish(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    // The router would take `/%61pi/` for `/api/`, and everything else would not. No path of ours needs an escape.
    if request.path().contains('%') {
        return Ok(refuse(request, Failure::no_such_path()));
    }
    let scope = request.app_data::<State>().map(|ThinData(app)| app.listener.scope);
    if scope.is_some_and(|scope| !scope.answers(request.path())) {
        return Ok(refuse(request, Failure::no_such_path()));
    }
    if let Some(answer) = cors::preflight(&request) {
        let request_id = request_id(request.headers());
        return Ok(dress(request.into_response(answer), request_id, Instant::now()));
    }
    let (request_id, began) = (request_id(request.headers()), Instant::now());
    Ok(dress(slow_down(next.call(request).await?), request_id, began))
}

/// Throttles those who show tokens that are not good, whatever the route: this is where all their answers pass.
fn slow_down(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let failure = response.response().error().and_then(|error| error.as_error::<Failure>());
    if !failure.is_some_and(Failure::is_of_bad_token) {
        return response;
    }
    let request = response.request();
    let throttles = request.app_data::<State>().and_then(|ThinData(app)| app.resolver.throttles());
    let failed = throttles
        .zip(real_ip::address(request))
        .map(|(throttles, address)| throttles.fail_token(address, Instant::now()));
    match failed {
        Some(Err(failure)) => response.into_response(HttpResponse::from_error(failure)),
        _ => response,
    }
}

/// Answers a request that does not get as far as its route.
pub(crate) fn refuse(request: ServiceRequest, failure: Failure) -> ServiceResponse<BoxBody> {
    let request_id = request_id(request.headers());
    dress(request.error_response(failure), request_id, Instant::now())
}

fn dress(response: ServiceResponse<BoxBody>, request_id: HeaderValue, began: Instant) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    connection::answered(&request);
    let (response, body) = response.into_parts();
    let is_api = request.path().starts_with("/api/");
    let failure = response.error().and_then(|error| error.as_error::<Failure>());
    let status = response.status();
    if let Some(cause) = failure.and_then(|failure| failure.cause.as_deref()) {
        let id = request_id.to_str().unwrap_or_default();
        error!(request_id = id, method = %request.method(), status = status.as_u16(), cause, "a request failed");
    }
    let message: Option<Cow<'_, str>> = match failure {
        Some(failure) => Some(failure.message.as_str().into()),
        // actix refuses some requests by itself, in plain text; its words name what is wrong with them.
        None if status.is_client_error() || status.is_server_error() => Some(
            response.error().map_or_else(|| "The request cannot be answered".into(), |error| error.to_string().into()),
        ),
        None => None,
    };
    let app = request.app_data::<State>().map(|ThinData(app)| app);
    let counts = request.app_data::<Counts>();
    let route = counts.map_or(NO_ROUTE, Counts::route);
    Line { request: &request, request_id: &request_id, route, status, began }.write();
    if let Some(app) = app
        && let Some(metrics) = &app.metrics
    {
        counts.unwrap_or(&app.no_route).count(metrics, status);
    }
    if is_api && let Some(app) = app {
        attempts::record(&request, app, &request_id, Some(status), message.as_deref());
    }
    let date = request.extensions().get::<Date>().and_then(|Date(time)| HeaderValue::try_from(time.http_date()).ok());
    // What a handler has put there stays; what actix tells of its own errors is told by the envelope.
    let own = response.headers().iter().filter(|_| response.error().is_none());
    let mut extra: Vec<_> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    extra.extend(failure.and_then(|failure| failure.extra.as_ref()?.header()));
    extra.extend(cors::headers(&request));
    extra.extend(date.map(|value| (DATE, value)));
    let body = message.map_or(body, |message| BoxBody::new(envelope(&request, &message)));
    let has_body = !matches!(body.size(), BodySize::None | BodySize::Sized(0));
    let mut response = response.set_body(body);
    response.head_mut().set_camel_case_headers(true);
    if request.head().upgrade() {
        // There is no other protocol here, and actix would say "Connection: Upgrade" and then close without a word: Java's
        // own client, which asks for HTTP/2 in this way, took that for a kept connection and lost its next request.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    write_headers(response.headers_mut(), &request_id, is_api, has_body, &extra);
    ServiceResponse::new(request, response)
}

/// Writes the headers of an answer, in the documented order: the three `Vary` lines, and right behind them the content type.
///
/// actix keeps headers in a hash map with a random seed and sends them in the map's order, so a map of another order is
/// replaced until one has the documented order. That is rare: actix uses its maps again for later answers. Should a later
/// actix know only another order, then that is sent.
fn write_headers(
    headers: &mut HeaderMap,
    request_id: &HeaderValue,
    is_api: bool,
    has_body: bool,
    extra: &[(HeaderName, HeaderValue)],
) {
    const TRIES: usize = 64;
    for _ in 0..TRIES {
        headers.clear();
        if is_api {
            for value in ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"] {
                headers.append(VARY, HeaderValue::from_static(value));
            }
        }
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.insert(X_REQUEST_ID, request_id.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in extra {
            headers.insert(name.clone(), value.clone());
        }
        let mut names = headers.keys().skip_while(|name| **name != VARY);
        if !(is_api && has_body) || names.nth(1) == Some(&CONTENT_TYPE) {
            return;
        }
        *headers = HeaderMap::with_capacity(9);
    }
}

/// The envelope, to the byte: the one layout that gives the lengths of the vendor's samples (97 and the message's bytes).
fn envelope(request: &HttpRequest, message: &str) -> String {
    // A string always has a JSON form; the fallback only spares an unwrap.
    let json = |text: &str| serde_json::to_string(text).unwrap_or_else(|_| "null".to_owned());
    let (method, uri, message) = (json(request.method().as_str()), json(request.path()), json(message));
    format!(
        "{{\r\n  \"method\" : {method},\r\n  \"uri\" : {uri},\r\n  \"code\" : null,\r\n  \"message\" : {message}\r\n}}"
    )
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The caller's own id where it is 1 to 64 characters of `A-Za-z0-9._-`, else a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_fit = |id: &HeaderValue| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
    };
    headers.get(X_REQUEST_ID).filter(|id| is_fit(id)).cloned().unwrap_or_else(new_request_id)
}

/// Sixteen random digits for the worker thread, and a count: unique without asking the system for randomness each time.
fn new_request_id() -> HeaderValue {
    thread_local! {
        static PREFIX: u64 = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let count = COUNT.replace(COUNT.get() + 1);
    let mut id = String::with_capacity(24);
    // Writing into a string cannot fail, and what it holds is a header's value.
    let _ = PREFIX.with(|prefix| write!(id, "{prefix:016x}-{count:x}"));
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}
