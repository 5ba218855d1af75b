//! Successful answers of handlers.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{
        StatusCode,
        header::{Accept, CONTENT_TYPE, Header, HeaderValue},
    },
    mime,
};
use serde::Serialize;

use super::failure::Failure;
use crate::store::error::StoreError;

/// An answer without a body.
pub(crate) struct Empty(StatusCode);

impl Empty {
    pub(crate) const OK: Self = Self(StatusCode::OK);
    pub(crate) const NO_CONTENT: Self = Self(StatusCode::NO_CONTENT);
}

impl Responder for Empty {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::new(self.0)
    }
}

/// An answer with a text.
pub(crate) struct Text {
    pub(crate) content_type: HeaderValue,
    pub(crate) text: String,
}

impl Text {
    pub(crate) fn plain(text: String) -> Self {
        Self { content_type: HeaderValue::from_static("text/plain; charset=utf-8"), text }
    }
}

impl Responder for Text {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(self.text));
        response.headers_mut().insert(CONTENT_TYPE, self.content_type);
        response
    }
}

/// Whether the caller would rather have a text than JSON (`Accept: text/plain`).
pub(crate) fn is_text_wanted(request: &HttpRequest) -> bool {
    Accept::parse(request).is_ok_and(|accept| accept.preference() == mime::TEXT_PLAIN)
}

/// An answer with a JSON body.
pub(crate) struct Json<T> {
    pub(crate) status: StatusCode,
    pub(crate) value: T,
}

impl<T> Json<T> {
    pub(crate) fn ok(value: T) -> Self {
        Self { status: StatusCode::OK, value }
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        match serde_json::to_vec(&self.value) {
            Ok(body) => HttpResponse::new(self.status).set_body(BoxBody::new(body)),
            Err(error) => HttpResponse::from_error(Failure::from(StoreError::Internal(error.to_string()))),
        }
    }
}
