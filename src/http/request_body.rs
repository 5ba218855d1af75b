//! The request body: read within its limits, and parsed once into types that need no more checks.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    },
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};

use super::{context::RequestContext, failure::Failure, state::AppState};
use crate::{
    answers::{Answers, case::Case, occurrence::Occurrence, template::Placeholder},
    survey::json,
};

/// The largest body of a send or a login, in bytes: forty times the documented one.
pub(crate) const SEND_LIMIT: usize = 4 * 1024;

/// The largest body of an admin route, or of a call with a form or with lists, in bytes: a form with every text and a thousand channels.
pub(crate) const ADMIN_LIMIT: usize = 64 * 1024;

/// How much of a body is kept for its attempt: a whole send.
const KEPT_BYTES: usize = SEND_LIMIT;

/// Reads a JSON body, and waits for it no longer than the address allows.
///
/// Errors: those of [`read_body`] and [`in_time`].
pub(crate) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    app: &AppState,
) -> Result<Body, Failure> {
    in_time(read_body(request, payload, limit, app), app.body_timeout()).await
}

/// Reads a JSON body, however long it takes.
///
/// Errors: 415 another media type; 413 over the limit; 400 cut off, or not UTF-8.
pub(crate) async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    app: &AppState,
) -> Result<Body, Failure> {
    let answers = app.answers_of(request);
    check_media_type(request.headers(), answers)?;
    let limit = if answers.accepts(Case::BodyTooLarge) { limit.max(ADMIN_LIMIT) } else { limit };
    // A body that says that it is too large need not be waited for.
    if announced_length(request.headers()).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let bytes = read_bytes(payload, limit).await?;
    RequestContext::of(request).body = Some(bytes.slice(..bytes.len().min(KEPT_BYTES)));
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(Body(bytes)),
        Err(error) => {
            let byte = (error.valid_up_to() + 1).to_string();
            Err(Occurrence::new(Case::BodyNotUtf8).with(Placeholder::Byte, byte).into())
        }
    }
}

/// The length that a body says that it has.
pub(crate) fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

/// Reads a body of any type.
///
/// Errors: 413 over the limit; 400 cut off.
pub(crate) async fn read_bytes(mut payload: Payload, limit: usize) -> Result<Bytes, Failure> {
    // Not actix's `to_bytes_limited`: it reserves 32 KiB for each body, and copies it. A send comes in one chunk.
    let mut body = Bytes::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Failure::bad_request("The body was cut off"))?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body = if body.is_empty() {
            chunk
        } else {
            let mut longer = BytesMut::from(body);
            longer.extend_from_slice(&chunk);
            longer.freeze()
        };
    }
    Ok(body)
}

fn too_large(limit: usize) -> Failure {
    Occurrence::new(Case::BodyTooLarge).with(Placeholder::Limit, limit.to_string()).into()
}

/// Waits for a body, at most for `limit`.
///
/// Errors: 408 not there in time; those of the body.
pub(crate) async fn in_time<T>(body: impl Future<Output = Result<T, Failure>>, limit: Duration) -> Result<T, Failure> {
    tokio::time::timeout(limit, body).await.unwrap_or_else(|_| {
        let ms = limit.as_millis();
        Err(Failure::new(StatusCode::REQUEST_TIMEOUT, format!("The body did not arrive within {ms} ms")))
    })
}

/// A body of UTF-8 text.
pub(crate) struct Body(Bytes);

impl Body {
    /// Whether it begins with a byte-order mark.
    pub(crate) fn has_mark(&self) -> bool {
        self.0.starts_with("\u{feff}".as_bytes())
    }

    pub(crate) fn text(&self) -> &str {
        // Checked where it was made; asking again costs less than a type that remembers.
        json::without_mark(std::str::from_utf8(&self.0).unwrap_or_default())
    }

    /// The document that it is.
    ///
    /// Errors: 400 with the path (`question.kpi`) and what was expected there.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::parse(self.text()).map_err(Failure::bad_request)
    }

    /// Parses a row. A row without `id` gets the id of the path.
    ///
    /// Errors: as for [`Body::parse`]; also if the two ids differ.
    pub(crate) fn parse_row<T: DeserializeOwned>(&self, id: i64) -> Result<T, Failure> {
        #[derive(Deserialize)]
        struct Probe {
            id: Option<serde_json::Value>,
        }
        let text = self.text();
        match serde_json::from_str::<Probe>(text) {
            Ok(Probe { id: Some(other) }) if other != id => {
                Err(Failure::bad_request(format!("id: must be {id}, as in the path, or be left out")))
            }
            Ok(Probe { id: None }) => json::parse_with_id(text, id).map_err(Failure::bad_request),
            // Also for a text that is no row at all: the parser's own message is the better one.
            _ => self.parse(),
        }
    }
}

/// Requires `application/json`, with no parameter but `charset`, and no compression. The charset says nothing: RFC 8259,
/// section 11, defines none, and the body must be UTF-8.
fn check_media_type(headers: &HeaderMap, answers: &Answers) -> Result<(), Failure> {
    let refuse = |case: Case| if answers.accepts(case) { Ok(()) } else { Err(Failure::from(case)) };
    let Some(media_type) = headers.get(CONTENT_TYPE) else { return refuse(Case::MediaTypeMissing) };
    let media_type = media_type.to_str().unwrap_or_default();
    let mut parts = media_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_charset = |part: &str| {
        part.is_empty() || part.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("charset"))
    };
    if !is_json || !parts.all(is_charset) {
        refuse(Case::MediaType)?;
    } else if media_type.contains(';') {
        refuse(Case::Charset)?;
    }
    let encoding = headers.get(CONTENT_ENCODING).map_or("identity", |value| value.to_str().unwrap_or_default());
    if encoding.eq_ignore_ascii_case("identity") { Ok(()) } else { refuse(Case::ContentEncoding) }
}
