//! The description of the API: `GET /openapi.json` and `surveyd openapi` for programs, `GET /docs` for people.
//!
//! Both files are recorded by `OPENAPI=write cargo test --test api openapi`: texts and schemas from
//! `tests/api/openapi/outline.json`, examples from a running server. The tests fail if a file and the server differ.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue},
    },
};

use crate::http::{
    pages::shared_text::SharedText,
    route_table::{Table, at, get},
};

/// OpenAPI 3.1, the same for `serve` and `fake`.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

const PAGE: &str = include_str!("docs.html");

const STYLE: &str = include_str!("docs.css");

/// Adds the search. Without it the page shows everything.
const SCRIPT: &str = include_str!("docs.js");

/// The address in the commands of the recorded page; a reader sees the address from the `Host` header instead.
const URL: &str = "http://127.0.0.1:8080";

/// The page loads only its own files.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// The paths of these routes.
pub(crate) const PATHS: [&str; 4] = ["/openapi.json", "/docs", "/docs.css", "/docs.js"];

/// Adds the routes. They need no token, because they contain no data.
pub(crate) fn routes(routes: &mut Table) {
    at(routes, "/openapi.json", [get(|| async { Text("application/json", DOCUMENT.into()) })]);
    at(routes, "/docs", [get(page)]);
    at(routes, "/docs.css", [get(|| async { Text("text/css; charset=utf-8", STYLE.into()) })]);
    at(routes, "/docs.js", [get(|| async { Text("text/javascript; charset=utf-8", SCRIPT.into()) })]);
}

async fn page(request: HttpRequest) -> Text {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_plain(host));
    let page = host.map_or(PAGE.into(), |host| SharedText::with(PAGE, URL, format!("http://{host}")));
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
