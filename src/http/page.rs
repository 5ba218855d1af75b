//! Pages of lists: an answer that was cut by its limit links to the rest of the list.

use std::fmt::Write;

use actix_web::{
    CustomizeResponder, HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::header::{HeaderValue, LINK},
};
use serde::Serialize;

use crate::http::{query::Query, responses::Json};

/// Some rows of a list.
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    /// The `Link` to the next page, if there are more rows.
    next: Option<HeaderValue>,
}

impl<T> Page<T> {
    /// The first `limit` of the rows. The store is asked for one row more, so that a list of exactly `limit` rows has no link.
    /// `id` is the cursor of a row.
    pub(crate) fn of(query: &Query, limit: usize, rows: Vec<T>, id: impl Fn(&T) -> i64) -> Self {
        let cursor = if query.text("before").is_some() { "before" } else { "after" };
        Self::cut(query, cursor, limit, rows, id)
    }

    /// The same for a list whose next page begins at another cursor than the caller has given.
    pub(crate) fn cut(query: &Query, cursor: &str, limit: usize, mut rows: Vec<T>, id: impl Fn(&T) -> i64) -> Self {
        let is_cut = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| is_cut).and_then(|last| next(query, cursor, id(last)));
        Self { rows, next }
    }

    /// An answer that shows the rows in another form than JSON.
    pub(crate) fn link<R: Responder>(&self, answer: R) -> CustomizeResponder<R> {
        let answer = answer.customize();
        match &self.next {
            Some(next) => answer.insert_header((LINK, next.clone())),
            None => answer,
        }
    }
}

impl<T: Serialize> Responder for Page<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = Json::ok(self.rows).respond_to(request);
        if let Some(next) = self.next {
            response.headers_mut().insert(LINK, next);
        }
        response
    }
}

/// The `Link` to the page after an id: the query of this page with another cursor. A reference without a path, so that it holds
/// behind a proxy that serves us under a path of its own.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc8288>.
fn next(query: &Query, cursor: &str, id: i64) -> Option<HeaderValue> {
    let mut link = String::from("<?");
    for (name, value) in query.pairs().filter(|(name, _)| *name != cursor) {
        // Known names need no escape.
        link.push_str(name);
        link.push('=');
        escape(&mut link, value);
        link.push('&');
    }
    // Writing into a string cannot fail.
    let _ = write!(link, "{cursor}={id}>; rel=\"next\"");
    HeaderValue::try_from(link).ok()
}

/// Adds a value of a query. Source: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>.
fn escape(link: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(byte.into());
        } else {
            let _ = write!(link, "%{byte:02X}");
        }
    }
}
