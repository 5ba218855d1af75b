//! The description of the API: `GET /openapi.json` and `surveyd openapi` for programs, `GET /docs` for people.
//!
//! Both files are recorded by `OPENAPI=write cargo test --test api openapi`: texts and schemas from
//! `tests/api/openapi/outline.json`, examples from a running server. The tests fail if a file and the server differ.

mod calibrated;

use std::borrow::Cow;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue},
    },
    web::ThinData,
};

use crate::{
    http::{
        failure::Failure,
        pages::shared_text::SharedText,
        route_table::{Table, at, get},
        state::State,
    },
    store::error::StoreError,
};

/// OpenAPI 3.1, the same for `serve` and `fake`.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

const PAGE: &str = include_str!("docs.html");

const STYLE: &str = include_str!("docs.css");

/// Adds the search. Without it the page shows everything.
const SCRIPT: &str = include_str!("docs.js");

/// The address in the commands of the recorded page; a reader sees the address from the `Host` header instead.
const URL: &str = "http://127.0.0.1:8080";

/// Begins the page.
const HEADING: &str = "<h1>The API of surveyd</h1>";

/// What the page of a calibrated fake says first.
const CALIBRATED: &str = "<p><strong>This fake was started with --answers: some of its answers differ from this page. \
     <a href=\"openapi.json\">openapi.json</a> has those that it gives.</strong></p>";

/// The page loads only its own files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// Adds the routes. They need no token, because they contain no data.
pub(crate) fn routes(routes: &mut Table) {
    at(routes, "/openapi.json", [get(document)]);
    at(routes, "/docs", [get(page)]);
    at(routes, "/docs.css", [get(|| async { Text("text/css; charset=utf-8", STYLE.into()) })]);
    at(routes, "/docs.js", [get(|| async { Text("text/javascript; charset=utf-8", SCRIPT.into()) })]);
}

async fn document(ThinData(app): State) -> Result<Text, Failure> {
    let document =
        calibrated::document(DOCUMENT, &app.answers).map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(Text("application/json", document.into()))
}

async fn page(request: HttpRequest, ThinData(app): State) -> Text {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_plain(host));
    let url = host.map_or(URL.to_owned(), |host| format!("http://{host}"));
    let page = if app.answers.is_contract() {
        SharedText::with(PAGE, URL, url)
    } else {
        // The page is recorded, and its examples are those of the contract.
        Cow::<str>::Owned(PAGE.replace(URL, &url).replace(HEADING, &format!("{HEADING}\n{CALIBRATED}"))).into()
    };
    Text("text/html; charset=utf-8", page)
}

/// Whether the host needs no escaping, neither in HTML nor in a shell command.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

/// A media type and a body.
struct Text(&'static str, SharedText);

impl Responder for Text {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let Self(media_type, text) = self;
        let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(text));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if media_type.starts_with("text/html") {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
        }
        response
    }
}
