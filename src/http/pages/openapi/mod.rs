//! What this program can do, told to machines (`GET /openapi.json`, `surveyd openapi`) and to people (`GET /docs`).
//!
//! The document is one for both programs, and a file: what is written by hand of it is `tests/api/openapi/outline.json`, and
//! the tests add to it what the server answers. So it costs nothing at the start, and cannot say what is not so.

mod page;

use std::{borrow::Cow, sync::LazyLock};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue},
    },
};

use crate::http::pages::openapi::page::render;
use crate::http::{
    failure::Failure,
    routes::{Table, at, get},
};
use crate::store::error::StoreError;

/// The document, OpenAPI 3.1.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

const STYLE: &str = include_str!("page.css");

/// Where the commands of the page begin, unless the reader has come by another address.
const URL: &str = "http://127.0.0.1:8080";

/// Nothing but the page's own style: there is no script, and nothing of others.
const ONLY_STYLE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Made when it is first asked for, like everything that a start need not wait for.
static PAGE: LazyLock<Result<String, String>> = LazyLock::new(|| render(DOCUMENT).map_err(|error| error.to_string()));

/// Adds the routes, which ask for no token: they tell nothing of the data.
pub(crate) fn routes(routes: &mut Table) {
    at(routes, "/openapi.json", [get(|| async { Text("application/json", DOCUMENT.into()) })]);
    at(routes, "/docs", [get(page)]);
    at(routes, "/docs.css", [get(|| async { Text("text/css; charset=utf-8", STYLE.into()) })]);
}

async fn page(request: HttpRequest) -> Result<Text, Failure> {
    let page = PAGE.as_deref().map_err(|error| StoreError::Internal(error.clone()))?;
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_plain(host));
    let page = host.map_or(page.into(), |host| page.replace(URL, &format!("http://{host}")).into());
    Ok(Text("text/html; charset=utf-8", page))
}

/// Whether it can stand in a page and in a command as it is.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

/// A media type, and a text of it.
struct Text(&'static str, Cow<'static, str>);

impl Responder for Text {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let Self(media_type, text) = self;
        let body = match text {
            Cow::Borrowed(text) => BoxBody::new(text),
            Cow::Owned(text) => BoxBody::new(text),
        };
        let mut response = HttpResponse::new(StatusCode::OK).set_body(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if media_type.starts_with("text/html") {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, ONLY_STYLE);
        }
        response
    }
}
