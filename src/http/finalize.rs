//! How a call ends. Only here does an error get its body, an answer its headers, and a call its log line, its counts and its
//! attempt. All of them are derived from the [`RequestContext`] and from the [`Failure`], which may come from our rules, the JSON
//! parser or the router.

use std::{borrow::Cow, convert::Infallible, time::Instant};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BodySize, BodyStream, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method,
        header::{CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::Next,
    web::{Bytes, ThinData},
};
use futures_util::stream;
use tracing::error;

use super::{
    attempts, calibration,
    connection::{self, KeepAlive},
    context::{self, RequestContext, X_REQUEST_ID},
    failure::Failure,
    middleware::{cors, real_ip, request_log::LogLine},
    monitoring::metrics::{Counts, NO_ROUTE},
    state::{API, State},
};
use crate::answers::{CONTRACT, contract_headers, envelope::envelope};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Answers a call: `next` is the router.
pub(crate) async fn handle(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    // The call begins here, unless a program's own middleware has begun it.
    drop(RequestContext::of(request.request()));
    // The router would take `/%61pi/` for `/api/`, and everything else would not. No path of ours needs an escape.
    if request.path().contains('%') {
        return Ok(refuse(request, Failure::NoSuchPath));
    }
    let scope = request.app_data::<State>().map(|ThinData(app)| app.listener.scope);
    if scope.is_some_and(|scope| !scope.answers(request.path())) {
        return Ok(refuse(request, Failure::NoSuchPath));
    }
    if let Some(answer) = cors::preflight(&request) {
        return Ok(finalize(request.into_response(answer)));
    }
    Ok(finalize(throttle_bad_tokens(next.call(request).await?)))
}

/// Answers a request before it reaches the router.
pub(crate) fn refuse(request: ServiceRequest, failure: Failure) -> ServiceResponse<BoxBody> {
    finalize(request.error_response(failure))
}

/// Records a call whose connection is closed instead of an answer.
pub(crate) fn record_unanswered(request: &HttpRequest) {
    if let Some(ThinData(app)) = request.app_data::<State>() {
        attempts::record(request, app, None, None);
    }
}

/// Throttles callers that show bad tokens, whatever the route: all their answers pass here.
fn throttle_bad_tokens(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if !Failure::of(response.response()).is_some_and(Failure::is_of_bad_token) {
        return response;
    }
    let request = response.request();
    let throttles = request.app_data::<State>().and_then(|ThinData(app)| app.throttles.as_ref());
    let counted = throttles
        .zip(real_ip::address(request))
        .map(|(throttles, address)| throttles.fail_token(address, Instant::now()));
    match counted {
        Some(Err(failure)) => {
            // The throttled answer is the one that is given, but the attempt keeps which rule failed.
            if let Some(failure) = Failure::of(response.response()) {
                RequestContext::of(request).failed(failure);
            }
            response.into_response(HttpResponse::from_error(failure))
        }
        _ => response,
    }
}

fn finalize(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let failure = Failure::of(&response);
    let is_api = request.path().starts_with(API);
    if let Some(failure) = failure {
        let mut context = RequestContext::of(&request);
        context.failed(failure);
        if let Some(cause) = failure.cause() {
            let id = context.request_id.to_str().unwrap_or_default();
            let status = response.status().as_u16();
            error!(request_id = id, method = %request.method(), status, cause, "a request failed");
        }
    }
    connection::answered(&request, RequestContext::of(&request).token.is_some());
    let app = request.app_data::<State>().map(|ThinData(app)| app);
    let answers = app.map_or(&CONTRACT, |app| app.answers_of(&request));
    let changed = calibration::changed_answer(&request, &response, answers);
    let status = changed.as_ref().map_or(response.status(), |answer| answer.status);
    let message = match &changed {
        Some(answer) => Some(Cow::Borrowed(&*answer.message)).filter(|message| !message.is_empty()),
        None => message(&request, &response),
    };
    let counts = request.app_data::<Counts>();
    LogLine { request: &request, route: counts.map_or(NO_ROUTE, Counts::route), status }.write();
    if let Some(app) = app {
        if let Some(metrics) = &app.metrics {
            counts.unwrap_or(&app.no_route).count(metrics, status);
        }
        if attempts::is_kept(&request, app, failure) {
            attempts::record(&request, app, Some(status), message.as_deref());
        }
    }
    let header = failure.and_then(Failure::header);
    let body = match (&changed, message) {
        (Some(answer), _) => Some(answer.body.clone()),
        (None, message) => message
            .map(|message| envelope(answers.layout, context::method_of_answer(&request), request.path(), &message)),
    };
    let mut response = match body {
        Some(body) => response.set_body(BoxBody::new(body)),
        None => response,
    };
    *response.status_mut() = status;
    if request.method() == Method::HEAD && response.body().size() == BodySize::Stream {
        // actix writes no body here, but would read the stream to its end, and that of the events has none.
        response = response.set_body(BoxBody::new(BodyStream::new(stream::empty::<Result<Bytes, Infallible>>())));
    }
    if response.error().is_some() {
        // The envelope says what actix says of its own errors here.
        response.headers_mut().clear();
    }
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, value);
    }
    write_headers(&request, &mut response, is_api);
    calibration::write_headers(&mut response, answers, changed.as_ref());
    ServiceResponse::new(request, response)
}

/// What an error says by the contract; None for a success.
fn message<'a>(request: &HttpRequest, response: &'a HttpResponse<BoxBody>) -> Option<Cow<'a, str>> {
    if let Some(failure) = Failure::of(response) {
        return Some(match known_tokens(request, failure) {
            Some(known) => format!("{}; {known}", failure.message()).into(),
            None => failure.message(),
        });
    }
    let status = response.status();
    // actix refuses some requests by itself, in plain text that names what is wrong with them.
    (status.is_client_error() || status.is_server_error())
        .then(|| response.error().map_or("The request cannot be answered".into(), |error| error.to_string().into()))
}

/// Which tokens there are, for a caller without one, where that is no secret.
fn known_tokens(request: &HttpRequest, failure: &Failure) -> Option<&'static str> {
    let ThinData(app) = request.app_data::<State>().filter(|_| failure.is_of_no_token())?;
    app.resolver.known_tokens()
}

/// Adds the headers that every answer has. What a handler has set stays.
fn write_headers(request: &HttpRequest, response: &mut HttpResponse<BoxBody>, is_api: bool) {
    let head = response.head_mut();
    head.set_camel_case_headers(true);
    if request.head().upgrade() {
        // There is no other protocol here. actix would answer "Connection: Upgrade" and then close the connection: Java's own
        // client, which asks for HTTP/2 in this way, took that for a kept connection and lost its next request.
        head.set_connection_type(ConnectionType::Close);
    }
    // Not under `/api`, whose headers are fixed.
    let keep_alive = request
        .conn_data::<KeepAlive>()
        .filter(|_| !is_api && request.head().connection_type() == ConnectionType::KeepAlive);
    let has_body = !matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
    let headers = response.headers_mut();
    if is_api {
        for line in contract_headers::VARY {
            headers.append(VARY, HeaderValue::from_static(line));
        }
    }
    if has_body && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let context = RequestContext::of(request);
    headers.insert(X_REQUEST_ID, context.request_id.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(KeepAlive(value)) = keep_alive {
        headers.insert(KEEP_ALIVE, value.clone());
    }
    if let Some(date) = context.date.and_then(|date| HeaderValue::try_from(date.http_date()).ok()) {
        headers.insert(DATE, date);
    }
    drop(context);
    cors::headers(request).for_each(|(name, value)| _ = headers.insert(name, value));
}
